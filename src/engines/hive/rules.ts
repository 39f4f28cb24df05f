import type { CatalogObject } from "../../core/catalog.js";
import type { Change, Fact } from "../../core/change.js";
import { type Altered, decided } from "../../core/decided.js";
import { DwError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import { type ColumnBody, hiveObject, type TableBody } from "./body.js";
import { widensInPlace } from "./types.js";

/*
 * Decisions for one change. ALTER in Hive changes the metastore and never a file, so that it may only say what stays true
 * of old files; all else is a new table: a copy of the rows where Hive owns them, a new definition over the same files
 * where it does not.
 */

export type HiveAction =
  | { readonly action: "set-property"; readonly name: string; readonly from: string | null; readonly to: string | null }
  | { readonly action: "set-serde-property"; readonly name: string; readonly from: string | null; readonly to: string }
  | { readonly action: "set-location"; readonly from: string; readonly to: string }
  | { readonly action: "replace-columns" }
  /** DuckDB's words for a query have changed, and Hive's have not: nothing that Hive sees. */
  | { readonly action: "reword" };

export function decide(change: Change): readonly Operation[] {
  return decided(change, { renameColumn, table: tableOperations, query: queryOperations });
}

function queryOperations({ facts, to }: Altered, here: CatalogObject): Operation[] {
  const words = facts.every(({ path }) => path[0] === "duckdb");
  return [words ? action(to, { action: "reword" }) : { op: "replace-object", from: here, object: to }];
}

const POSITIONAL = new Set(["TEXTFILE", "SEQUENCEFILE", "RCFILE"]);

/** Parquet, ORC, Avro and JSON files know columns by name: after a rename they would answer NULL. Iceberg keeps field ids. */
function renameColumn(object: CatalogObject, from: string, to: string): Operation {
  const { format } = hiveObject(object).body as TableBody; // called for tables
  if (format.storedBy === "ICEBERG" || (format.storedBy === undefined && POSITIONAL.has(format.storedAs ?? "TEXTFILE")))
    return { op: "rename-column", object, from, to };
  throw refused(
    object,
    `renaming ${from} to ${to} would turn its old values into NULL`,
    `${format.storedAs ?? format.storedBy} files name their columns, and ALTER TABLE changes no file.`,
    `Add ${to}, fill it from ${from}, then drop ${from} in a later migration.`,
  );
}

type Decision = readonly Operation[] | string;

function tableOperations({ facts, from, to }: Altered, here: CatalogObject): readonly Operation[] {
  const before = hiveObject(from).body as TableBody; // the differ compares objects of one kind
  const after = hiveObject(to).body as TableBody;
  const decisions = facts.map((fact) => decision(fact, to, before, after));
  const why = decisions.filter((one) => typeof one === "string");
  if (why.length === 0) return unique(decisions.flatMap((one) => (typeof one === "string" ? [] : one)));
  refuseOtherFiles(to, before, after);
  return [{ op: "rebuild-object", from: here, object: to, why: [...new Set(why)].join("; ") }];
}

/** Several facts can ask for the same statement: REPLACE COLUMNS says all of them at once. */
function unique(operations: readonly Operation[]): Operation[] {
  const seen = new Set<string>();
  return operations.filter((operation) => {
    const text = JSON.stringify(operation);
    return seen.has(text) ? false : seen.add(text);
  });
}

function decision(fact: Fact, object: CatalogObject, before: TableBody, after: TableBody): Decision {
  const [head = "", name = "", what] = fact.path;
  switch (head) {
    case "columns":
      return columnDecision(fact, name, what, object, before, after);
    case "partitions":
      return what === "comment"
        ? [{ op: "set-comment", object, column: name, comment: textOf(fact.to) ?? "" }] // Hive itself has no words for it
        : "partition columns cannot be altered";
    case "properties":
      return name === "transactional" || name === "transactional_properties"
        ? "a table cannot become or stop being transactional in every version"
        : [action(object, { action: "set-property", name, from: textOf(fact.from), to: textOf(fact.to) })];
    case "location":
      return fact.from === undefined || fact.to === undefined
        ? "a location cannot be taken away"
        : [action(object, { action: "set-location", from: String(fact.from), to: String(fact.to) })];
    case "comment":
      return [{ op: "set-comment", object, comment: after.comment }];
    case "format":
      return name === "serdeProperties" && what !== undefined && fact.to !== undefined
        ? [action(object, { action: "set-serde-property", name: what, from: textOf(fact.from), to: String(fact.to) })]
        : "ALTER TABLE changes the format for new files only";
    case "clusteredBy":
    case "sortedBy":
    case "buckets":
      return "ALTER TABLE changes buckets for new files only";
    default:
      return `${head} cannot be altered`;
  }
}

const textOf = (value: Fact["from"]): string | null => (value === undefined || value === null ? null : String(value));

function columnDecision(
  { from, to }: Fact,
  name: string,
  what: string | undefined,
  object: CatalogObject,
  before: TableBody,
  after: TableBody,
): Decision {
  if (isJson(after)) return "Hive refuses every change of the columns that its JSON SerDe reads";
  if (name === "#order") return "files and INSERT without names know columns by their place";
  const old = before.columns.find((column) => column.name === name);
  const column = after.columns.find((candidate) => candidate.name === name);
  if (what === undefined && from === undefined && column) return addedColumn(column, object, before, after);
  if (what === undefined && to === undefined) return droppedColumn(name, object, before, after);
  if (!old || !column) return [];
  if (what === "comment") return [{ op: "set-comment", object, column: name, comment: column.comment }];
  if (what === "type" && widensInPlace(old.type, column.type) && old.nullable === column.nullable)
    return [{ op: "retype-column", object, from: old, to: column }];
  return what === "type"
    ? `${name} cannot go from ${old.type} to ${column.type} in files that are there`
    : `${what} of ${name} is a constraint`;
}

/** ALTER compares the new columns with those that the SerDe reports, whose types are spelled otherwise (Hive 4.0.1). */
function isJson({ format }: TableBody): boolean {
  return format.storedAs === "JSONFILE" || /\bJsonSerDe$/i.test(format.serde ?? "");
}

function addedColumn(column: ColumnBody, object: CatalogObject, before: TableBody, after: TableBody): Decision {
  const added = after.columns.filter(({ name }) => !before.columns.some((old) => old.name === name));
  const last = after.columns.slice(-added.length).every((tail) => added.includes(tail));
  if (!last) return "ADD COLUMNS adds at the end only";
  const constrained = column.default !== undefined || (!column.nullable && after.notNull !== "none");
  return constrained ? `${column.name} has a constraint, which ADD COLUMNS does not take` : [{ op: "add-column", object, column }];
}

/**
 * There is no DROP COLUMN; REPLACE COLUMNS hides the column from readers of Parquet files, which go by name. Only at the end:
 * the metastore compares types place by place, and refuses what would move up or take another's place.
 */
function droppedColumn(name: string, object: CatalogObject, before: TableBody, after: TableBody): Decision {
  const dropped = before.columns.filter((column) => !after.columns.some((other) => other.name === column.name));
  const added = after.columns.some((column) => !before.columns.some((other) => other.name === column.name));
  const last = !added && before.columns.slice(-dropped.length).every((column) => dropped.includes(column));
  const byName = after.format.storedAs === "PARQUET" && after.format.serde === undefined && after.table !== "transactional";
  return byName && last ? [action(object, { action: "replace-columns" })] : `Hive cannot drop ${name}`;
}

/** A new definition over an external table's files cannot make other files of them. */
function refuseOtherFiles(object: CatalogObject, before: TableBody, after: TableBody): void {
  if (before.table !== "external" || purges(before)) return;
  const shape = ({ format, partitions, clusteredBy, buckets }: TableBody): string =>
    JSON.stringify([format, partitions.map(({ name, type }) => [name, type]), clusteredBy, buckets]);
  if (shape(before) === shape(after) && after.table === "external") return;
  throw refused(
    object,
    "its files would no longer fit its definition",
    "The files of an external table belong to somebody else: dw neither rewrites nor deletes them.",
    "Give the new shape another name and location, and backfill it from the old table.",
  );
}

export function purges({ properties }: TableBody): boolean {
  return String(properties["external.table.purge"]).toLowerCase() === "true";
}

function action(object: CatalogObject, wanted: HiveAction): Operation {
  return { op: "engine-action", object, action: wanted as HiveAction & JsonObject }; // actions are JSON by construction
}

function refused(object: CatalogObject, what: string, why: string, fix: string): DwError {
  return new DwError("DW-ENGINE-REFUSED", { what: `${object.name.join(".")}: ${what}.`, why, fix });
}
