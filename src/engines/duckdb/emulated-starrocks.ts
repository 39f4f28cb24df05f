import type { CatalogObject } from "../../core/catalog.js";
import type { JsonObject } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { Sql } from "../../core/sql.js";
import type { NamedPartition, StarrocksAction } from "../starrocks/actions.js";
import { type ColumnBody, qualifiedName, type StarrocksObject, sqlText, starrocksObject } from "../starrocks/body.js";
import { isClusterObject } from "../starrocks/cluster/body.js";
import { fromNative, mapType } from "../starrocks/types.js";
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

const { sql, id, lit, join, raw } = duckdb;

const label = "StarRocks";

/** StarRocks as DuckDB executes it: table kinds that merge rows have a key, manual materialized views are stored. */
export const starrocks: EmulatedEngine = {
  slot: "starrocks",
  label,
  differences: [
    "Nothing is scheduled: asynchronous materialized views are views and never stale; manual ones are tables and refreshed on request.",
    "PRIMARY KEY, UNIQUE and AGGREGATE tables merge rows when dw loads them; other writers see a primary key.",
    "Key columns of UNIQUE and AGGREGATE tables cannot be NULL.",
    "Partitions, buckets, indexes, compression, replication and other properties are kept and shown, without effect; nothing expires.",
    "VARCHAR lengths are not enforced.",
    "External catalogs, storage volumes, resource groups, loads, roles and users are kept and shown, without effect.",
    "A column that is added stands last in SELECT *.",
    "One process at a time; schema changes are immediate and transactional, where StarRocks runs jobs.",
  ],
  given: [],
  shape: (object) => (isClusterObject(object) ? { kind: "record" } : shapeOf(starrocksObject(object))),
  act,
  mapType,
  asFound: (object, { patch, strange }) => {
    const table = tableOf(object);
    return { ...table, body: { ...table.body, columns: [...patch(table.body.columns), ...strange] } };
  },
};

export type StarrocksTable = StarrocksObject & { readonly kind: "table" };
type StarrocksQuery = StarrocksObject & { readonly kind: "view" | "materialized-view" };

function tableOf(object: CatalogObject): StarrocksTable {
  const typed = starrocksObject(object);
  if (typed.kind !== "table") throw new Error(`${object.id} is no table`);
  return typed;
}

function shapeOf(object: StarrocksObject): Exclude<Shape, { kind: "record" }> {
  switch (object.kind) {
    case "database":
      return { kind: "database", name: qualifiedName(object) };
    case "table":
      return tableShape(object);
    default:
      return queryShape(object);
  }
}

export function tableShape(object: StarrocksTable): Table {
  const { columns, key, table } = object.body;
  return {
    kind: "table",
    name: qualifiedName(object),
    columns: columns.map((column) => columnShape(object, column)),
    key: table === "duplicate" ? [] : key,
  };
}

function columnShape(object: StarrocksTable, column: ColumnBody): Column {
  const type = typeOf(object, column);
  const value = columnDefault(object, column, type);
  return { name: column.name, type, nullable: column.nullable, ...(value && { default: value }) };
}

export function typeOf(object: StarrocksTable, { name, type }: Pick<ColumnBody, "name" | "type">): Sql {
  return columnType(label, object, name, fromNative(type));
}

/** Expressions that are the same in both engines, by StarRocks's text in lower case. */
const DEFAULTS: Readonly<Record<string, string>> = {
  // DATETIME keeps UTC by contract, and DuckDB's now() is an instant.
  current_timestamp: "timezone('UTC', now())",
  "(uuid())": "CAST(uuid() AS VARCHAR)",
};

function columnDefault(object: StarrocksTable, column: ColumnBody, type: Sql): Sql | undefined {
  const refuse = (what: string, why: string) => refusal(label, object, `column ${column.name} ${what}`, why);
  if (column.autoIncrement) throw refuse("is AUTO_INCREMENT", "ids would not be those of StarRocks");
  if (column.generated !== undefined) throw refuse("is generated", "its expression is StarRocks SQL");
  const value = column.default;
  if (value === undefined) return undefined;
  if ("literal" in value) return sql`CAST(${lit(value.literal)} AS ${type})`;
  const expression = DEFAULTS[value.expression.toLowerCase().replace(/^current_timestamp(\(\d*\))$/, "current_timestamp")];
  if (expression === undefined) throw refuse(`has the default ${value.expression}`, "it is StarRocks SQL");
  return raw(expression);
}

/** Views, and materialized views that the engine refreshes by itself, are views: never stale. Manual ones are tables. */
function queryShape(object: StarrocksQuery): Query {
  const columns = object.body.columns.map(({ name }) => name);
  const manual = object.kind === "materialized-view" && object.body.refresh.mode === "manual";
  return {
    kind: "query",
    name: qualifiedName(object),
    columns,
    text: () => queryText(object),
    ...(manual && { stored: { filled: object.body.refresh.moment === "immediate", columns } }),
  };
}

function queryText(object: StarrocksQuery): Sql {
  const { query } = object.body;
  if (query.duckdb !== undefined) return raw(sqlText(query.duckdb));
  throw refusal(label, object, "its query is written for StarRocks only", "nothing is translated between dialects", duckdbBody(starrocks));
}

/** What is about columns happens to them; layout is only recorded. A partition that goes takes its rows along. */
function act(object: CatalogObject, wanted: JsonObject): readonly Effect[] {
  const action = wanted as StarrocksAction; // starrocks/rules.ts made it
  switch (action.action) {
    case "alter-columns":
      return action.changes.map((change) => ({ ...change, object }) as Operation); // the shared operations' shapes
    case "alter-fields":
      return [{ op: "retype-column", object, from: action.from, to: action.to }];
    case "drop-partition": {
      const table = tableOf(object);
      return [{ op: "delete-rows", table: tableShape(table), where: partitionRows(table, action.partition) }];
    }
    case "set-refresh": {
      const from = { ...object, body: { ...object.body, refresh: action.from } };
      return action.from.mode === action.to.mode ? [] : [{ op: "replace-object", from, object }];
    }
    default:
      return [];
  }
}

/** The rows that StarRocks would keep in a partition: NULL is below every bound. */
export function partitionRows(object: StarrocksTable, partition: NamedPartition): Sql {
  const { partition: layout, columns: all } = object.body;
  const columns = layout && "columns" in layout ? layout.columns : [];
  const refuse = (why: string) => refusal(label, object, `partition ${partition.name} goes`, why);
  const is = (name: string, value: string | null, operator: Sql): Sql => {
    const column = all.find((candidate) => candidate.name === name);
    if (!column) throw refuse(`it has no column ${name}`);
    return value === null ? sql`${id(name)} IS NULL` : sql`${id(name)} ${operator} CAST(${lit(value)} AS ${typeOf(object, column)})`;
  };
  if ("values" in partition) {
    const tuples = partition.values.map((tuple) => columns.map((name, index) => is(name, tuple[index] ?? null, raw("="))));
    return join(
      tuples.map((conditions) => sql`(${join(conditions, " AND ")})`),
      " OR ",
    );
  }
  const [name = "", ...others] = columns;
  if (others.length > 0) throw refuse("it has bounds over several columns");
  const [from = null] = partition.from;
  const [to = null] = partition.to;
  const below = to === null ? raw("TRUE") : is(name, to, raw("<"));
  return from === null ? sql`(${id(name)} IS NULL OR ${below})` : sql`(${is(name, from, raw(">="))} AND ${below})`;
}
