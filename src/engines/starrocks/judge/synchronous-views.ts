import type { CreateMaterializedView, Expression, Select, SelectItem } from "../parse/ast.js";
import { columnOf, type Place, sameName, type Table } from "./catalog.js";
import { columnsIn, inferType, isAggregate, partsOf } from "./infer.js";
import { refuse } from "./refusal.js";
import { queryColumns } from "./scope.js";
import type { Situation } from "./situation.js";
import { canBeKey, typeText } from "./sql-type.js";

/*
 * A materialized view without REFRESH is an index of one table: the engine keeps it with every load, and allows little.
 */

const FUNCTIONS = ["sum", "min", "max", "count", "bitmap_union", "bitmap_agg", "hll_union", "percentile_union"];
const ASYNC = "Add REFRESH ASYNC: asynchronous views may do this.";

export function createSynchronousView(statement: CreateMaterializedView, place: Place, situation: Situation): void {
  const { catalog } = situation;
  const { query, partitionBy } = statement;
  if (partitionBy) refuse("sync-partition", "A synchronous view has the partitions of its table.", `Leave PARTITION BY out. ${ASYNC}`);
  queryColumns(query, situation);
  if (query.body.kind !== "select" || query.with.length > 0) refuse("sync-query", "A synchronous view is one SELECT.", ASYNC);
  const select = query.body;
  const base = baseOf(select, situation);
  if (query.limit !== undefined) refuse("sync-limit", "A synchronous view has no LIMIT.", ASYNC);
  if (select.having) refuse("sync-having", "A synchronous view has no HAVING.", ASYNC);
  checkItems(select.items);
  if (catalog.ownerOf(place)) {
    if (!statement.ifNotExists) refuse("exists", `There is a view ${place.name} already.`, "Choose another name.");
    return;
  }
  if (base) catalog.put(base.place, withView(base.table, select, place.name));
}

interface Base {
  readonly place: Place;
  readonly table: Table;
}

function baseOf({ from }: Select, { catalog }: Situation): Base | undefined {
  const [only] = from;
  if (from.length !== 1 || only?.kind !== "table") return refuse("sync-tables", "A synchronous view reads one table.", ASYNC);
  const place = catalog.resolve(only.name);
  const table = place && catalog.get(place);
  if (!place || !table || table.kind === "opaque") return undefined;
  if (table.kind !== "table")
    return refuse("sync-tables", `${place.name} is a ${table.kind.replace("-", " ")}; a synchronous view reads a table.`, ASYNC);
  if (table.keys === "PRIMARY") refuse("sync-primary", `${place.name} is a PRIMARY KEY table, which has no synchronous views.`, ASYNC);
  return { place, table };
}

function checkItems(items: readonly SelectItem[]): void {
  let aggregated = false;
  for (const item of items) {
    if (item.kind === "star") refuse("sync-star", "A synchronous view names its columns.", "Write the columns instead of *.");
    const { expression, alias } = item;
    checkSources(expression);
    if (isAggregate(expression)) aggregated = checkAggregate(expression, alias);
    else checkPlain(expression, alias, aggregated);
  }
  const [first] = items;
  if (first?.kind === "expression" && isAggregate(first.expression))
    refuse("sync-group", "A synchronous view begins with a column by which it groups.", `Add a column before the aggregations. ${ASYNC}`);
}

function checkSources(expression: Expression): void {
  const isCount = expression.kind === "call" && expression.star;
  if (columnsIn(expression).length === 0 && !isCount)
    refuse("sync-constant", "A synchronous view selects no constants.", "Leave the constant out.");
}

function checkPlain(expression: Expression, alias: string | undefined, aggregated: boolean): void {
  if (aggregated) refuse("sync-order", "Plain columns come before aggregations.", "Put the aggregations last.");
  if (partsOf(expression).some(isAggregate))
    refuse("sync-aggregate", "A synchronous view aggregates columns only, not inside expressions.", ASYNC);
  if (expression.kind !== "column" && alias === undefined)
    refuse("sync-alias", "An expression of a synchronous view needs a name.", "Write AS name behind it.");
}

function checkAggregate(expression: Expression, alias: string | undefined): true {
  if (expression.kind !== "call") return true;
  if (expression.distinct) refuse("sync-distinct", "A synchronous view has no DISTINCT aggregations.", "Use bitmap_union(to_bitmap(…)).");
  if (!FUNCTIONS.includes(expression.name) && alias === undefined)
    refuse("sync-function", `A synchronous view has no ${expression.name}.`, `Use one of ${FUNCTIONS.join(", ")}. ${ASYNC}`);
  return true;
}

function withView(table: Table, select: Select, name: string): Table {
  if (table.rollups.some((rollup) => sameName(rollup.name, name)))
    refuse("rollup-exists", `The table has a rollup or view ${name} already.`, "Choose another name.");
  const expressions = select.items.flatMap((item) => (item.kind === "expression" ? [item.expression] : []));
  for (const expression of select.groupBy.length > 0 ? expressions.filter((one) => !isAggregate(one)) : []) {
    const type = inferType(expression, (path) => columnOf(table.columns, path.at(-1) ?? "")?.type);
    if (!canBeKey(type)) refuse("sync-key-type", `A synchronous view cannot group by ${typeText(type)}.`, ASYNC);
  }
  const count = expressions.find((one) => one.kind === "call" && one.name === "count");
  if (count && table.keys !== "DUPLICATE") refuse("sync-count", `A ${table.keys} KEY table has no synchronous views with count.`, ASYNC);
  const reads = [...expressions, ...(select.where ? [select.where] : [])].flatMap(columnsIn).map((column) => column.toLowerCase());
  return { ...table, rollups: [...table.rollups, { name, columns: [], reads }] };
}
