import type { AlterClause } from "../parse/ast.js";
import { changeSchema, checkUnused, type SchemaClause } from "./alter-columns.js";
import { changePartitions } from "./alter-partitions.js";
import { setProperties } from "./alter-properties.js";
import { columnOf, type Place, sameName, type Table } from "./catalog.js";
import { checkColumnName, checkTableName } from "./names.js";
import { optimize } from "./optimize.js";
import { refuse } from "./refusal.js";
import { withRollup } from "./rollups.js";
import type { Situation } from "./situation.js";
import { requireFeature } from "./versions.js";

const SCHEMA: readonly string[] = [
  "add-column",
  "add-columns",
  "drop-column",
  "modify-column",
  "modify-column-comment",
  "add-field",
  "drop-field",
  "reorder",
  "add-index",
  "drop-index",
];
const isSchema = (clause: AlterClause): clause is SchemaClause => SCHEMA.includes(clause.clause);

/** ALTER TABLE, CREATE INDEX and DROP INDEX. Throws a Refusal; a table that the file did not make is not judged. */
export function alterTable(name: readonly string[], clauses: readonly AlterClause[], situation: Situation): void {
  const { catalog } = situation;
  checkTogether(clauses);
  const place = catalog.resolve(name);
  if (!place) return;
  const thing = catalog.get(place);
  if (!thing) {
    if (catalog.isMissing(place))
      refuse("table-missing", `Table ${name.join(".")} does not exist.`, "Create it before, or correct its name.");
    return;
  }
  if (thing.kind === "view") refuse("alter-kind", `${place.name} is a view.`, "Use ALTER VIEW.");
  if (thing.kind === "materialized-view") {
    checkMaterializedView(place, clauses);
    return;
  }
  if (thing.kind === "table") alterKnown(place, thing, clauses, situation);
}

/** Column and index clauses may stand together, rollups too; everything else stands alone. */
function checkTogether(clauses: readonly AlterClause[]): void {
  if (clauses.length < 2 || clauses.every(isSchema)) return;
  refuse(
    "alter-together",
    "These clauses cannot share one ALTER TABLE.",
    "Write one ALTER TABLE for each; only changes of columns and indexes may stand together.",
  );
}

function checkMaterializedView({ name }: Place, clauses: readonly AlterClause[]): void {
  const allowed = clauses.every(
    (clause) =>
      clause.clause === "add-index" ||
      clause.clause === "drop-index" ||
      (clause.clause === "set" && clause.properties.some(({ key }) => key === "bloom_filter_columns")),
  );
  if (!allowed) refuse("alter-kind", `${name} is a materialized view.`, "Use ALTER MATERIALIZED VIEW.");
}

function alterKnown(place: Place, table: Table, clauses: readonly AlterClause[], situation: Situation): void {
  const { catalog } = situation;
  if (clauses.every(isSchema)) {
    catalog.put(place, changeSchema(table, clauses, situation));
    return;
  }
  for (const clause of clauses) if (!isSchema(clause)) alterWhole(place, table, clause, situation);
}

function alterWhole(place: Place, table: Table, clause: Exclude<AlterClause, SchemaClause>, situation: Situation): void {
  const { catalog } = situation;
  switch (clause.clause) {
    case "rename":
      renameTable(place, table, clause.to, situation);
      return;
    case "swap":
      swap(place, table, clause.with, situation);
      return;
    case "rename-column":
      catalog.put(place, renameColumn(table, clause.from, clause.to, situation));
      return;
    case "set":
      catalog.put(place, setProperties(table, place, clause.properties, situation));
      return;
    case "optimize":
      catalog.put(place, optimize(table, clause, situation));
      return;
    case "add-rollup":
      catalog.put(
        place,
        clause.rollups.reduce((made, rollup) => withRollup(made, rollup, place.name), table),
      );
      return;
    case "drop-rollup":
      catalog.put(place, clause.names.reduce(dropRollup, table));
      return;
    case "rename-rollup":
      catalog.put(place, renameRollup(table, clause.from, clause.to));
      return;
    case "comment":
    case "compact":
      return;
    default:
      catalog.put(place, changePartitions(table, clause, situation));
      return;
  }
}

function renameTable(place: Place, table: Table, to: string, { catalog }: Situation): void {
  if (place.name === to) refuse("rename-same", `The table is called ${to} already.`, "Leave the statement out.");
  checkTableName(to);
  const target = { ...place, name: to };
  if (catalog.get(target)) refuse("exists", `${to} exists.`, "Choose another name.");
  if (table.rollups.some(({ name }) => name === to)) refuse("exists", `The table has a rollup ${to}.`, "Choose another name.");
  catalog.remove(place, false);
  catalog.put(target, table);
}

function swap(place: Place, table: Table, name: string, { catalog }: Situation): void {
  if (name === place.name) refuse("swap-same", `${name} is swapped with itself.`, "Name another table.");
  const target = { ...place, name };
  const other = catalog.get(target);
  if (!other) {
    if (catalog.isMissing(target)) refuse("table-missing", `Table ${name} does not exist.`, "Correct its name.");
    return;
  }
  if (other.kind === "opaque") return;
  if (other.kind !== "table")
    refuse("swap-kind", `${name} is a ${other.kind.replace("-", " ")}; a table is swapped with a table.`, "Name a table.");
  catalog.put(place, other);
  catalog.put(target, table);
}

function renameColumn(table: Table, from: string, to: string, { target }: Situation): Table {
  requireFeature("RENAME COLUMN", target);
  checkColumnName(to, target);
  checkUnused(table, from, "renamed");
  if (!columnOf(table.columns, from)) refuse("column-missing", `The table has no column ${from}.`, "Correct the name.");
  if (columnOf(table.columns, to)) refuse("column-exists", `The table has a column ${to} already.`, "Choose another name.");
  const renamed = (name: string): string => (sameName(name, from) ? to : name);
  return {
    ...table,
    columns: table.columns.map((column) => ({ ...column, name: renamed(column.name) })),
    ...(table.orderBy && { orderBy: table.orderBy.map(renamed) }),
    partitioning: { ...table.partitioning, columns: table.partitioning.columns.map(renamed) },
    distribution: { ...table.distribution, columns: table.distribution.columns.map(renamed) },
    rollups: table.rollups.map((rollup) => ({ ...rollup, columns: rollup.columns.map(renamed) })),
  };
}

function dropRollup(table: Table, name: string): Table {
  if (!table.rollups.some((rollup) => rollup.name === name))
    refuse("rollup-missing", `The table has no rollup ${name}.`, "Correct the name, or leave the clause out.");
  return { ...table, rollups: table.rollups.filter((rollup) => rollup.name !== name) };
}

function renameRollup(table: Table, from: string, to: string): Table {
  checkTableName(to);
  if (!table.rollups.some(({ name }) => name === from)) refuse("rollup-missing", `The table has no rollup ${from}.`, "Correct the name.");
  if (table.rollups.some(({ name }) => name === to))
    refuse("rollup-exists", `The table has a rollup ${to} already.`, "Choose another name.");
  return { ...table, rollups: table.rollups.map((rollup) => (rollup.name === from ? { ...rollup, name: to } : rollup)) };
}
