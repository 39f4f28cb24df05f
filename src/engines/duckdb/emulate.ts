import type { CatalogObject } from "../../core/catalog.js";
import type { LiveEngine } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import { type Json, stableJson } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import type { DuckDbSession } from "../../core/source.js";
import type { Sql } from "../../core/sql.js";
import type { EngineName } from "../../core/types.js";
import { duckdb } from "./dialect.js";
import { introspectWith } from "./emulate-look.js";
import { createQuery, createTable, dropShape, rebuildTable, refreshQuery, reorderTable } from "./emulate-table.js";
import { type Column, type Effect, type EmulatedEngine, refusal, type Shape, type Table } from "./emulated.js";
import { hive } from "./emulated-hive.js";
import { starrocks } from "./emulated-starrocks.js";
import { execute } from "./execute.js";

const { sql, id, lit, raw } = duckdb;

/*
 * The embedded profile's StarRocks and Hive: the same operations that a plan has for them, executed by DuckDB. Physical options
 * have no effect here; the engine's full object is kept in dw_state.dw_catalog beside the rows, so that introspection answers
 * with the engine's objects, checked against the tables and columns that DuckDB really has.
 */

const EMULATED: Readonly<Partial<Record<EngineName, EmulatedEngine>>> = { starrocks, hive };

/** An emulated slot as app/ sees an engine that is live; `generate` takes the place of the engine's own. */
export interface Emulation extends LiveEngine<DuckDbSession> {
  readonly differences: readonly string[];
  /** DuckDB's statements for an operation, the last ones recording the object. Throws DW-EMULATION-UNSUPPORTED. */
  readonly generate: (operation: Operation) => readonly StatementBody[];
  /** Brings up to date what is stored of queries, in the order given. */
  readonly refresh: (objects: readonly CatalogObject[]) => readonly StatementBody[];
}

/** Throws DW-EMULATION-UNSUPPORTED for slots that have no emulation. */
export function emulationOf(slot: EngineName): Emulation {
  const engine = EMULATED[slot];
  if (!engine) throw refuseSlot(slot);
  return {
    differences: engine.differences,
    generate: (operation) => transactional([...foundation(engine, operation), ...happening(engine, operation), ...record(operation)]),
    refresh: (objects) => transactional(objects.map(engine.shape).flatMap((shape) => (shape.kind === "query" ? refreshQuery(shape) : []))),
    introspect: introspectWith(engine),
    execute,
  };
}

function transactional(statements: readonly Sql[]): StatementBody[] {
  return statements.map(({ text }) => ({ text, hazards: [], transactional: true }));
}

const LAYOUT: readonly Sql[] = [
  sql`CREATE SCHEMA IF NOT EXISTS dw_state`,
  sql`CREATE TABLE IF NOT EXISTS dw_state.dw_catalog (slot VARCHAR NOT NULL, id VARCHAR NOT NULL, object VARCHAR NOT NULL)`,
];

/** Every object depends on its database, so that the first of them brings the catalog's table; what is in none brings it itself. */
function foundation({ given, shape }: EmulatedEngine, { op, object }: Operation): readonly Sql[] {
  const made = shape(object);
  if (made.kind === "record") return LAYOUT;
  if (op !== "create-object") return [];
  if (made.kind === "database") return LAYOUT;
  const [database = ""] = made.name;
  return given.includes(database) ? [...LAYOUT, sql`CREATE SCHEMA IF NOT EXISTS ${id(database)}`] : [];
}

function happening(engine: EmulatedEngine, effect: Effect): readonly Sql[] {
  if (effect.op === "delete-rows") return [sql`DELETE FROM ${id(...effect.table.name)} WHERE ${effect.where}`];
  const shape = engine.shape(effect.object);
  switch (effect.op) {
    case "create-object":
      return create(shape);
    case "drop-object":
      return dropShape(shape);
    case "replace-object":
      return [...dropShape(engine.shape(effect.from)), ...create(shape)];
    case "rename-object":
      return rename(engine, effect.object, engine.shape(effect.from), shape);
    case "rebuild-object":
      return rebuild(engine.shape(effect.from), shape);
    case "engine-action":
      return engine.act(effect.object, effect.action).flatMap((each) => happening(engine, each));
    case "set-comment":
      return []; // kept in dw_catalog
    default:
      return shape.kind === "table" ? alter(shape, effect) : [];
  }
}

function create(shape: Shape): Sql[] {
  switch (shape.kind) {
    case "record":
      return [];
    case "database":
      return [sql`CREATE SCHEMA IF NOT EXISTS ${id(...shape.name)}`];
    case "table":
      return [createTable(shape)];
    case "query":
      return [createQuery(shape)];
  }
}

function rename({ label }: EmulatedEngine, object: CatalogObject, from: Shape, to: Shape): Sql[] {
  if (from.kind === "record" || to.kind === "record") return [];
  const [database, name = ""] = to.name;
  if (from.kind === "database" || from.name[0] !== database)
    throw refusal(label, object, "it moves to another database", "DuckDB cannot move it");
  const stored = from.kind === "table" || from.stored !== undefined;
  const target = id(...from.name);
  return [stored ? sql`ALTER TABLE ${target} RENAME TO ${id(name)}` : sql`ALTER VIEW ${target} RENAME TO ${id(name)}`];
}

function rebuild(from: Shape, to: Shape): Sql[] {
  return from.kind === "table" && to.kind === "table" ? rebuildTable(from, to) : [...dropShape(from), ...create(to)];
}

type ColumnOperation = Extract<
  Operation,
  { op: "add-column" | "drop-column" | "rename-column" | "retype-column" | "set-nullable" | "set-default" }
>;

function alter(table: Table, operation: ColumnOperation): Sql[] {
  const target = id(...table.name);
  switch (operation.op) {
    case "add-column":
      return addColumn(table, columnOf(table, operation.column.name));
    case "drop-column":
      return [sql`ALTER TABLE ${target} DROP COLUMN ${id(String(operation.column.name))}`];
    case "rename-column":
      return [sql`ALTER TABLE ${target} RENAME COLUMN ${id(operation.from)} TO ${id(operation.to)}`];
    case "retype-column":
      return retype(table, columnOf(table, operation.to.name));
    case "set-nullable":
      return [setNullable(target, operation.column, operation.nullable)];
    case "set-default":
      return [setDefault(target, columnOf(table, operation.column))];
  }
}

function columnOf(table: Table, name: unknown): Column {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (column) return column;
  throw new Error(`${table.name.join(".")} has no column ${String(name)}`);
}

/** DuckDB adds no column with a constraint: NOT NULL follows once the default has filled the rows. */
function addColumn(table: Table, column: Column): Sql[] {
  if (table.inOrder && table.columns.at(-1) !== column) return reorderTable(table);
  const target = id(...table.name);
  const clause = sql`${id(column.name)} ${column.type}`;
  const unless = raw(table.inOrder ? "IF NOT EXISTS " : ""); // another new column may have brought it
  const add = sql`ALTER TABLE ${target} ADD COLUMN ${unless}${column.default ? sql`${clause} DEFAULT ${column.default}` : clause}`;
  return column.nullable ? [add] : [add, setNullable(target, column.name, false)];
}

function retype(table: Table, column: Column): Sql[] {
  // The type of a key column cannot be altered under its constraint.
  if (table.key.includes(column.name)) return rebuildTable(table, table);
  const target = id(...table.name);
  const type = sql`ALTER TABLE ${target} ALTER COLUMN ${id(column.name)} TYPE ${column.type}`;
  return [type, setNullable(target, column.name, column.nullable)];
}

function setNullable(table: Sql, column: string, nullable: boolean): Sql {
  return nullable
    ? sql`ALTER TABLE ${table} ALTER COLUMN ${id(column)} DROP NOT NULL`
    : sql`ALTER TABLE ${table} ALTER COLUMN ${id(column)} SET NOT NULL`;
}

function setDefault(table: Sql, { name, default: value }: Column): Sql {
  return value
    ? sql`ALTER TABLE ${table} ALTER COLUMN ${id(name)} SET DEFAULT ${value}`
    : sql`ALTER TABLE ${table} ALTER COLUMN ${id(name)} DROP DEFAULT`;
}

function record(operation: Operation): Sql[] {
  const { object } = operation;
  const before =
    operation.op === "rename-object" || operation.op === "replace-object" || operation.op === "rebuild-object" ? operation.from : object;
  const forget = [...new Set([before.id, object.id])].map(
    (name) => sql`DELETE FROM dw_state.dw_catalog WHERE slot = ${lit(object.slot)} AND id = ${lit(name)}`,
  );
  if (operation.op === "drop-object") return forget;
  const text = stableJson(object as unknown as Json); // a catalog object is JSON by construction
  return [...forget, sql`INSERT INTO dw_state.dw_catalog VALUES (${lit(object.slot)}, ${lit(object.id)}, ${lit(text)})`];
}

function refuseSlot(slot: string): DwError {
  return new DwError("DW-EMULATION-UNSUPPORTED", {
    what: `The embedded profile does not emulate ${slot}.`,
    why: "DuckDB has nothing that behaves like it.",
    fix: `Bind the slot ${slot} to a connection in dw.config.ts.`,
  });
}
