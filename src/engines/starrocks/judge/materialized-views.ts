import type { CreateMaterializedView, Expression, Query, RefreshScheme, Select, Statement } from "../parse/ast.js";
import { type Column, columnOf, type MaterializedView, type OutputColumn, type Place, sameName, twiceIn } from "./catalog.js";
import { indexesOf } from "./indexes.js";
import { callsIn, columnsIn } from "./infer.js";
import { checkMaterializedViewProperties } from "./mv-properties.js";
import { checkTableName } from "./names.js";
import { propertiesOf } from "./properties.js";
import { about, refuse } from "./refusal.js";
import type { Situation } from "./situation.js";
import { canBeKey } from "./sql-type.js";
import { createSynchronousView } from "./synchronous-views.js";
import { isDateText } from "./values.js";
import { isProven } from "./versions.js";
import { viewColumns } from "./views.js";

/** CREATE MATERIALIZED VIEW of both kinds. Throws a Refusal. */
export function createMaterializedView(statement: CreateMaterializedView, situation: Situation): void {
  const { catalog } = situation;
  const place = catalog.resolve(statement.name);
  if (!place) return;
  checkTableName(place.name);
  if (!statement.refresh && !statement.distribution) {
    createSynchronousView(statement, place, situation);
    return;
  }
  catalog.mention(place);
  const view = asynchronousView(statement, situation);
  if (!catalog.get(place)) {
    catalog.put(place, view);
    return;
  }
  if (!statement.ifNotExists) refuse("exists", `${place.name} exists.`, "Write IF NOT EXISTS, or another name.");
}

function asynchronousView(statement: CreateMaterializedView, situation: Situation): MaterializedView {
  const { query, refresh, partitionBy = [], orderBy } = statement;
  const columns = viewColumns(query, statement.columns, situation);
  if (readsNothing(query)) refuse("mv-base-table", "The query reads no table.", "Select from a table.");
  if (refresh) checkRefresh(refresh, situation);
  if (columns) {
    checkColumns(columns, orderBy);
    for (const name of statement.distribution?.columns ?? [])
      if (!named(columns, name))
        refuse(
          "distribution-column-missing",
          `The view is distributed by ${name}, which is no column of it.`,
          "Distribute by columns of the view.",
        );
    for (const expression of partitionBy) about({ at: expression.at }, () => checkPartition(expression, columns, statement, situation));
  }
  checkDeterministic(query);
  const view = {
    columns,
    refresh: refresh?.kind ?? "MANUAL",
    partitioned: partitionBy.length > 0,
    distributed: statement.distribution?.kind ?? "random",
    bases: baseNames(query, situation),
  };
  checkMaterializedViewProperties(propertiesOf(statement.properties), view, "create", situation);
  const indexes = columns ? indexesOf(statement.indexes, { columns: columns.map(asColumn), keys: "DUPLICATE" }, situation) : [];
  return { kind: "materialized-view", ...(columns && { columns }), query, partitioned: view.partitioned, refresh: view.refresh, indexes };
}

const RANDOM = ["rand", "random", "uuid", "sleep"];

function checkDeterministic({ body }: Query): void {
  if (body.kind !== "select") return;
  const { items, where, groupBy } = body;
  const all = [...items.flatMap((item) => (item.kind === "expression" ? [item.expression] : [])), ...groupBy, ...(where ? [where] : [])];
  const found = all.flatMap(callsIn).find(({ name }) => RANDOM.includes(name));
  if (found)
    refuse("mv-nondeterministic", `${found.name}() gives another value at each refresh.`, "Leave it out of the view.", { at: found.at });
}

/** Names of the tables that a plain query reads; undefined where views or subqueries hide some. */
function baseNames({ with: parts, body }: Query, { catalog }: Situation): readonly string[] | undefined {
  if (parts.length > 0 || body.kind !== "select") return undefined;
  const names: string[] = [];
  const pending = [...body.from];
  for (let relation = pending.pop(); relation; relation = pending.pop()) {
    if (relation.kind === "join") pending.push(relation.left, relation.right);
    else if (relation.kind !== "table") return undefined;
    else {
      const place = catalog.resolve(relation.name);
      if (!place || catalog.get(place)?.kind !== "table") return undefined;
      names.push(place.name);
    }
  }
  return names;
}

function asColumn({ name, type, nullable = true }: OutputColumn): Column {
  return { name, id: name, type, key: false, aggregate: "NONE", nullable, autoIncrement: false, comment: "" };
}

const named = (columns: readonly OutputColumn[], name: string): OutputColumn | undefined =>
  columns.find((column) => sameName(column.name, name));

function readsNothing({ with: parts, body }: Query): boolean {
  return parts.length === 0 && body.kind === "select" && body.from.length === 0;
}

/** The sort key: the columns of ORDER BY, or the first that can be one. */
function checkColumns(columns: readonly OutputColumn[], orderBy: readonly string[] | undefined): void {
  const twice = twiceIn(orderBy ?? []);
  if (twice !== undefined) refuse("sort-key-twice", `ORDER BY names ${twice} twice.`, "Name it once.");
  for (const name of orderBy ?? []) {
    const column = named(columns, name);
    if (!column) refuse("sort-key-missing", `ORDER BY names ${name}, which is no column of the view.`, "Name columns of the view.");
    if (!canBeKey(column.type))
      refuse("sort-key-type", `${name} cannot be in the sort key of a view.`, "Sort by integer, text or date columns.");
  }
  if (!orderBy && columns.every(({ type }) => !canBeKey(type)))
    refuse("mv-sort-key", "No column of the view can be in its sort key.", "Add an integer, text or date column.");
}

const REFRESH_SECONDS: Readonly<Record<string, number>> = { SECOND: 1, MINUTE: 60, HOUR: 3600, DAY: 86_400 };
const MIN_REFRESH_SECONDS = 60;

function checkRefresh({ kind, every, start }: RefreshScheme, { target }: Situation): void {
  if (kind === "INCREMENTAL" && isProven(target.version))
    refuse("mv-incremental", "REFRESH INCREMENTAL is in the grammar only.", "Use REFRESH ASYNC or MANUAL.");
  if (start !== undefined && !isDateText(start))
    refuse("mv-refresh-start", `${JSON.stringify(start)} is no time to begin at.`, 'Write START ("2031-01-02 03:04:05").');
  if (every) about({ at: every.value.at }, () => checkInterval(every));
}

function checkInterval(every: NonNullable<RefreshScheme["every"]>): void {
  if (every.value.kind === "literal" && every.value.type !== "integer")
    refuse("mv-refresh-interval", `${every.value.text} is no whole number.`, "Write EVERY (INTERVAL 1 HOUR).");
  if (every.value.kind === "operator" && every.value.operator === "unary -")
    refuse("mv-refresh-interval", "The refresh interval is above 0.", "Raise it.");
  const seconds = REFRESH_SECONDS[every.unit.toUpperCase()];
  if (seconds === undefined) refuse("mv-refresh-unit", `A view cannot be refreshed by ${every.unit}.`, "Use SECOND, MINUTE, HOUR or DAY.");
  const step = every.value.kind === "literal" ? Number(every.value.text) : undefined;
  if (step !== undefined && step <= 0) refuse("mv-refresh-interval", "The refresh interval is above 0.", "Raise it.");
  if (step !== undefined && step * seconds < MIN_REFRESH_SECONDS)
    refuse(
      "mv-refresh-interval",
      `A refresh every ${step * seconds} seconds is too often; ${MIN_REFRESH_SECONDS} are the least.`,
      "Write EVERY (INTERVAL 1 MINUTE) or longer.",
    );
}

/** A partitioned view follows the partitions of a base table. */
function checkPartition(
  expression: Expression,
  columns: readonly OutputColumn[],
  { query, columns: renamed }: CreateMaterializedView,
  situation: Situation,
): void {
  const [name] = columnsIn(expression);
  if (name === undefined) return;
  checkUnit(expression);
  const index = columns.findIndex((column) => sameName(column.name, name));
  if (index === -1)
    refuse(
      "mv-partition-column",
      `The view is partitioned by ${name}, which is no column of it.`,
      "Partition by a column that the query selects.",
    );
  if (expression.kind === "call" && expression.name === "time_slice" && isProven(situation.target.version))
    refuse("mv-partition-function", "A view cannot be partitioned by time_slice.", "Use date_trunc.");
  if (query.body.kind !== "select" || renamed) return;
  const item = query.body.items[index];
  const source = item?.kind === "expression" ? baseColumn(item.expression) : name;
  const base = baseTable(query.body, situation);
  if (base?.kind !== "table" || source === undefined || !columnOf(base.columns, source)) return;
  const { partitioning } = base;
  const partitions = [...partitioning.columns, ...partitioning.expressions.flatMap(columnsIn)];
  if (!partitions.some((column) => sameName(column, source)))
    refuse(
      "mv-partition-base",
      `The view is partitioned by ${name}, by which its base table is not.`,
      partitions.length > 0 ? `Partition by ${partitions[0]}.` : "Partition the base table, or leave PARTITION BY out.",
    );
}

const UNITS = ["minute", "hour", "day", "week", "month", "year"];

function checkUnit(expression: Expression): void {
  if (expression.kind !== "call" || expression.name !== "date_trunc") return;
  const [unit] = expression.args;
  if (unit?.kind === "literal" && !UNITS.includes(unit.text.toLowerCase()))
    refuse("mv-partition-unit", `A view cannot be partitioned by ${unit.text}.`, `Use one of ${UNITS.join(", ")}.`);
}

/** `column`, or the column inside date_trunc and its like. */
function baseColumn(expression: Expression): string | undefined {
  const names = columnsIn(expression);
  return names.length === 1 ? names[0] : undefined;
}

function baseTable({ from, items }: Select, { catalog }: Situation): ReturnType<typeof catalog.get> {
  const [only] = from;
  if (from.length !== 1 || only?.kind !== "table" || items.some((item) => item.kind === "star")) return undefined;
  const place = catalog.resolve(only.name);
  return place && catalog.get(place);
}

// ------------------------------------------------------------------------------------------------ alter

/** ALTER MATERIALIZED VIEW. Throws a Refusal. */
export function alterMaterializedView(statement: Extract<Statement, { statement: "alter-materialized-view" }>, situation: Situation): void {
  const { catalog } = situation;
  const place = catalog.resolve(statement.name);
  if (!place) return;
  const view = catalog.get(place);
  if (!view) {
    if (catalog.isMissing(place))
      refuse(
        "view-missing",
        `There is no asynchronous materialized view ${statement.name.join(".")}.`,
        "Create it before, or correct its name.",
      );
    return;
  }
  if (view.kind === "opaque") return;
  if (view.kind !== "materialized-view") {
    if (statement.change.change === "swap")
      refuse("swap-kind", `${place.name} is a ${view.kind}; a view is swapped with a view.`, "Name a materialized view.");
    refuse("alter-kind", `${place.name} is a ${view.kind}.`, "Name a materialized view.");
  }
  alterKnown(place, view, statement.change, situation);
}

function alterKnown(
  place: Place,
  view: MaterializedView,
  change: Extract<Statement, { statement: "alter-materialized-view" }>["change"],
  situation: Situation,
): void {
  const { catalog } = situation;
  switch (change.change) {
    case "set":
      checkMaterializedViewProperties(propertiesOf(change.properties), { ...view, columns: view.columns }, "alter", situation);
      return;
    case "refresh":
      checkRefresh(change.refresh, situation);
      catalog.put(place, { ...view, refresh: change.refresh.kind });
      return;
    case "rename":
      rename(place, view, change.to, situation);
      return;
    case "swap":
      swap(place, view, change.with, situation);
      return;
    case "status":
      if (change.active) checkActive(view, situation);
  }
}

/** A view whose base changed has to be analysed again before it works. */
function checkActive({ query, columns }: MaterializedView, situation: Situation): void {
  const now = viewColumns(query, undefined, situation);
  const changed = now && columns && now.length !== columns.length;
  if (changed) refuse("mv-inactive", "The query gives other columns than when the view was made.", "Drop the view and create it anew.");
}

function rename(place: Place, view: MaterializedView, to: string, { catalog }: Situation): void {
  if (place.name === to) refuse("rename-same", `The view is called ${to} already.`, "Leave the statement out.");
  checkTableName(to);
  const target = { ...place, name: to };
  if (catalog.get(target)) refuse("exists", `${to} exists.`, "Choose another name.");
  catalog.remove(place, false);
  catalog.put(target, view);
}

function swap(place: Place, view: MaterializedView, name: string, { catalog }: Situation): void {
  const target = { ...place, name };
  const other = catalog.get(target);
  if (!other && catalog.isMissing(target)) refuse("view-missing", `There is no materialized view ${name}.`, "Correct its name.");
  if (other && other.kind !== "materialized-view" && other.kind !== "opaque")
    refuse("swap-kind", `${name} is a ${other.kind}; a view is swapped with a view.`, "Name a materialized view.");
  if (!other) return;
  catalog.put(place, other);
  catalog.put(target, view);
}
