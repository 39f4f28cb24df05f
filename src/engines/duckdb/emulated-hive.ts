import type { CatalogObject } from "../../core/catalog.js";
import type { JsonObject } from "../../core/json.js";
import type { Sql } from "../../core/sql.js";
import { type ColumnBody, type HiveObject, hiveObject, qualifiedName, type TableBody } from "../hive/body.js";
import { fromNative } from "../hive/from-native.js";
import type { HiveAction } from "../hive/rules.js";
import { mapType } from "../hive/types.js";
import { duckdb } from "./dialect.js";
import {
  type Column,
  columnType,
  duckdbBody,
  type Effect,
  type EmulatedEngine,
  type Query,
  refusal,
  type Shape,
  type Table,
} from "./emulated.js";
import { inDuckdb } from "./hive-query.js";

const { sql, lit, raw } = duckdb;

const label = "Hive";

/** Hive as DuckDB executes it: rows lie in DuckDB's own file, whatever a table says of files. */
export const hive: EmulatedEngine = {
  slot: "hive",
  label,
  differences: [
    "Rows lie in DuckDB: locations, formats, SerDes, delimiters, buckets, skew and properties are kept and shown, without effect; no file is read or written.",
    "An external table that is dropped takes its rows along; its files, had it any, would stay.",
    "Partitions are values of the last columns: there are no directories, and nothing is repaired or added by name.",
    "A value that a column cannot hold is refused, where Hive keeps NULL; CHAR and VARCHAR are neither cut nor padded.",
    "Keys and references are not checked, as in Hive; NOT NULL is where Hive enforces it.",
    "Materialized views are tables, filled when they are made and refreshed after a backfill; no query is answered from them unasked.",
    "A query without a DuckDB body runs only where its words are known to mean the same in DuckDB.",
    "Transactional tables are tables: nothing is compacted, and only one process writes at a time.",
    "Schema changes are transactional, where Hive commits each statement.",
  ],
  given: ["default"],
  shape: (object) => shapeOf(hiveObject(object)),
  act,
  mapType: (type) => mapType(type),
  asFound: (object, { patch, strange }) => {
    const table = tableOf(object);
    const { columns, partitions } = table.body;
    return { ...table, body: { ...table.body, columns: [...patch(columns), ...strange], partitions: patch(partitions) } };
  },
};

type HiveTable = HiveObject & { readonly kind: "table" };
type HiveQuery = HiveObject & { readonly kind: "view" | "materialized-view" };

function tableOf(object: CatalogObject): HiveTable {
  const typed = hiveObject(object);
  if (typed.kind !== "table") throw new Error(`${object.id} is no table`);
  return typed;
}

function shapeOf(object: HiveObject): Shape {
  switch (object.kind) {
    case "database":
      return { kind: "database", name: qualifiedName(object) };
    case "table":
      return tableShape(object);
    default:
      return queryShape(object);
  }
}

/** Partition columns stand last; a key is only a hint to Hive's optimizer. */
function tableShape(object: HiveTable): Table {
  const { columns, partitions } = object.body;
  const parts = partitions.map(({ name, type }) => ({ name, type: typeOf(object, name, type), nullable: true }));
  return {
    kind: "table",
    name: qualifiedName(object),
    columns: [...columns.map((column) => columnShape(object, column)), ...parts],
    key: [],
    lenient: true,
    inOrder: true,
  };
}

function columnShape(object: HiveTable, column: ColumnBody): Column {
  const type = typeOf(object, column.name, column.type);
  const value = column.default === undefined ? undefined : defaultOf(object, column.name, column.default, type);
  return { name: column.name, type, nullable: isNullable(column, object.body), ...(value && { default: value }) };
}

function typeOf(object: HiveTable, name: string, type: string): Sql {
  return columnType(label, object, name, fromNative(type));
}

/** A column has one constraint, and a default is one: see columnClause of hive/create.ts. */
function isNullable(column: ColumnBody, { notNull }: TableBody): boolean {
  return column.nullable || column.default !== undefined || notNull !== "enforce";
}

/** Literals as resolve writes them, maybe cast, and now; the session's zone is UTC by contract. */
const LITERAL = /^(?:cast\((?<inner>.*) as [^']+\)|(?<outer>.*))$/is;

function defaultOf(object: HiveTable, name: string, text: string, type: Sql): Sql {
  if (/^current_timestamp(\(\))?$/i.test(text)) return sql`CAST(timezone('UTC', now()) AS ${type})`;
  const { inner, outer = "" } = LITERAL.exec(text)?.groups ?? {};
  const value = literalOf((inner ?? outer).trim());
  if (value !== undefined) return sql`CAST(${value} AS ${type})`;
  throw refusal(label, object, `column ${name} has the default ${text}`, "it is HiveQL");
}

function literalOf(text: string): Sql | undefined {
  if (/^(?:true|false|null|-?\d+(?:\.\d+)?)$/i.test(text)) return raw(text);
  const [, inside] = /^'((?:[^'\\]|\\u[0-9a-f]{4}|\\[\\'0nrt])*)'$/is.exec(text) ?? [];
  return inside === undefined ? undefined : lit(unescaped(inside));
}

const ESCAPED: Readonly<Record<string, string>> = { "0": "\0", n: "\n", r: "\r", t: "\t" };

function unescaped(text: string): string {
  return text.replace(/\\(?:u([0-9a-f]{4})|(.))/gis, (_, code: string | undefined, character: string) =>
    code === undefined ? (ESCAPED[character] ?? character) : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** Every materialized view holds rows: Hive fills it when it is made and refreshes it when it is told to. */
function queryShape(object: HiveQuery): Query {
  const columns = object.body.columns.map(({ name }) => name);
  const parts = object.kind === "materialized-view" ? object.body.partitions : [];
  const ordered = [...columns.filter((name) => !parts.includes(name)), ...parts];
  return {
    kind: "query",
    name: qualifiedName(object),
    columns,
    text: () => queryText(object),
    ...(object.kind === "materialized-view" && { stored: { filled: true, columns: ordered } }),
  };
}

function queryText(object: HiveQuery): Sql {
  const { query, duckdb: own } = object.body;
  if (own !== undefined) return raw(own);
  const read = inDuckdb(query);
  if ("text" in read) return raw(read.text);
  const why = "it is not known that this means the same in DuckDB, and nothing is translated between dialects";
  throw refusal(label, object, `its query says ${read.unlike}`, why, duckdbBody(hive));
}

/** REPLACE COLUMNS says what is left; all else is about files and is only recorded. */
function act(object: CatalogObject, wanted: JsonObject): readonly Effect[] {
  const { action } = wanted as HiveAction; // hive/rules.ts made it
  switch (action) {
    case "replace-columns":
      return [{ op: "rebuild-object", from: object, object, why: "columns are gone" }];
    case "reword":
      return [{ op: "replace-object", from: object, object }];
    default:
      return [];
  }
}
