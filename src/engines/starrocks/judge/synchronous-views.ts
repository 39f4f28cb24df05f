import type { CreateMaterializedView, Expression, Select, SelectItem } from "../parse/ast.js";
import { columnOf, type Place, sameName, type Table, twiceIn } from "./catalog.js";
import { columnsIn, inferType, isAggregate, partsOf } from "./infer.js";
import { refuse } from "./refusal.js";
import { queryColumns } from "./scope.js";
import type { Situation } from "./situation.js";
import { canBeKey, isFloat, typeText } from "./sql-type.js";

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
  const names = items.flatMap((item) =>
    item.kind === "expression" && item.expression.kind === "column" ? [item.expression.path.at(-1) ?? ""] : [],
  );
  const twice = twiceIn(names);
  if (twice !== undefined)
    refuse("column-twice", `A synchronous view selects ${twice} twice; an alias does not tell them apart.`, "Select it once.");
  const [first] = items;
  if (first?.kind === "expression" && isAggregate(first.expression))
    refuse("sync-group", "A synchronous view begins with a column by which it groups.", `Add a column before the aggregations. ${ASYNC}`);
}

function checkSources(expression: Expression): void {
  if (columnsIn(expression).length === 0)
    refuse("sync-constant", "A synchronous view selects no constants, and count(*) counts none of its columns.", "Name a column.");
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
  if (table.keys === "DUPLICATE") {
    checkFirst(expressions[0], table);
    checkPartitionsPlain(expressions, table);
  }
  if (table.keys !== "DUPLICATE") checkLikeBase(expressions, select, table);
  return { ...table, rollups: [...table.rollups, { name, columns: [], reads: bound(expressions, select, table) }] };
}

/** Columns that can no longer change: those under a condition, and in a view that aggregates, all that it reads. */
function bound(expressions: readonly Expression[], { where }: Select, table: Table): string[] {
  const aggregates = table.keys !== "AGGREGATE" && expressions.some(isAggregate);
  const all = [...(aggregates ? expressions : []), ...(where ? [where] : [])];
  return all.flatMap(columnsIn).map((column) => column.toLowerCase());
}

/** The first column is the view's sort key where it does not group. */
function checkFirst(first: Expression | undefined, table: Table): void {
  const column = first?.kind === "column" ? columnOf(table.columns, first.path.at(-1) ?? "") : undefined;
  if (column && isFloat(column.type))
    refuse(
      "first-column-type",
      `The view begins with ${column.name}, and ${typeText(column.type)} cannot sort it.`,
      "Begin with another column.",
    );
}

function checkPartitionsPlain(expressions: readonly Expression[], { partitioning }: Table): void {
  const aggregated = expressions.filter(isAggregate).flatMap(columnsIn);
  const partition = aggregated.find((column) => partitioning.columns.some((name) => sameName(name, column)));
  if (partition !== undefined)
    refuse("sync-partition-column", `A synchronous view aggregates ${partition}, which partitions the table.`, "Group by it.");
}

const STORED_AS: Readonly<Record<string, string>> = {
  sum: "SUM",
  min: "MIN",
  max: "MAX",
  bitmap_union: "BITMAP_UNION",
  hll_union: "HLL_UNION",
  percentile_union: "PERCENTILE_UNION",
};

/** Over a table that aggregates already, a view groups by its keys and aggregates as it does. */
function checkLikeBase(expressions: readonly Expression[], { groupBy }: Select, table: Table): void {
  if (groupBy.length === 0)
    refuse("sync-group", `A synchronous view of a ${table.keys} KEY table groups by columns.`, `Add GROUP BY. ${ASYNC}`);
  for (const expression of expressions) {
    const wanted = expression.kind === "call" && isAggregate(expression) ? STORED_AS[expression.name] : "";
    if (wanted === undefined) continue;
    for (const name of columnsIn(expression)) {
      const column = columnOf(table.columns, name);
      if (column && (column.aggregate ?? "") !== wanted)
        refuse(
          "sync-aggregate-type",
          `${column.name} is ${column.aggregate ?? "a key"} in its table; the view makes it ${wanted === "" ? "a key" : wanted}.`,
          `Aggregate as the table does. ${ASYNC}`,
        );
    }
  }
}
