import type { CatalogObject } from "../../src/core/catalog.js";
import { catalogOf, displayName, objectId } from "../../src/core/catalog.js";
import type { Change } from "../../src/core/change.js";
import type { Engine, LiveEngine } from "../../src/core/engine.js";
import { isJsonObject, type Json, type JsonObject } from "../../src/core/json.js";
import type { TableModel } from "../../src/core/model.js";
import type { Operation } from "../../src/core/operation.js";
import type { StatementBody } from "../../src/core/plan.js";
import type { PgSession } from "../../src/core/session.js";
import { type LogicalType, typeText } from "../../src/core/types.js";

/** The smallest engine that answers every question: tables with columns in PostgreSQL. For tests of what lies above engines. */

const types: Readonly<Record<string, string>> = { int32: "integer", int64: "bigint", text: "text" };
const native = (type: LogicalType): string => types[typeText(type)] ?? "text";
const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
const qualified = (object: CatalogObject): string => object.name.map(quote).join(".");
const column = (value: JsonObject): string => `${quote(String(value.name))} ${String(value.type)}`;

export function toyTable(name: string, columns: Readonly<Record<string, string | JsonObject>>): CatalogObject {
  return {
    slot: "postgres",
    kind: "table",
    id: objectId("postgres", "table", ["public", name]),
    name: ["public", name],
    model: name,
    dependsOn: [],
    body: { columns: Object.entries(columns).map(([key, type]) => ({ name: key, type })) },
  };
}

const statement = (text: string, more: Partial<StatementBody> = {}): StatementBody => ({ text, hazards: [], transactional: true, ...more });

function columnsOf(object: CatalogObject): readonly JsonObject[] {
  return Array.isArray(object.body.columns) ? object.body.columns.filter(isJsonObject) : [];
}

function named(object: CatalogObject, name: string): JsonObject {
  return columnsOf(object).find((candidate) => candidate.name === name) ?? {};
}

function decide(change: Change): Operation[] {
  if (change.change === "added") return [{ op: "create-object", object: change.to }];
  if (change.change === "removed") return [{ op: "drop-object", object: change.from }];
  const { to } = change;
  const renames = Object.entries(change.renamed?.columns ?? {}).map(
    ([from, name]): Operation => ({ op: "rename-column", object: to, from, to: name }),
  );
  const moves: Operation[] = change.renamed?.object ? [{ op: "rename-object", from: change.from, object: to }] : [];
  const facts = change.facts.flatMap((fact): Operation[] => {
    const [, name = "", part] = fact.path;
    if (part === "type") return [{ op: "retype-column", object: to, from: named(change.from, name), to: named(to, name) }];
    if (isJsonObject(fact.to)) return [{ op: "add-column", object: to, column: fact.to }];
    return isJsonObject(fact.from) ? [{ op: "drop-column", object: to, column: fact.from }] : [];
  });
  return [...moves, ...renames, ...facts];
}

function generate(operation: Operation): StatementBody[] {
  const { object } = operation;
  const on = `ALTER TABLE ${qualified(object)}`;
  switch (operation.op) {
    case "create-object":
      return [
        statement(`CREATE TABLE ${qualified(object)} (${columnsOf(object).map(column).join(", ")})`, {
          undo: [`DROP TABLE ${qualified(object)}`],
        }),
      ];
    case "drop-object":
      return [
        statement(`DROP TABLE ${qualified(object)}`, {
          hazards: [{ kind: "data-loss", why: `All rows of ${displayName(object.name)} are lost.` }],
        }),
      ];
    case "rename-object":
      return [statement(`ALTER TABLE ${qualified(operation.from)} RENAME TO ${quote(object.name.at(-1) ?? "")}`)];
    case "add-column": {
      const name = quote(String(operation.column.name));
      return [statement(`${on} ADD COLUMN ${column(operation.column)}`, { undo: [`${on} DROP COLUMN ${name}`] })];
    }
    case "drop-column": {
      const name = String(operation.column.name);
      return [statement(`${on} DROP COLUMN ${quote(name)}`, { hazards: [{ kind: "data-loss", why: `The values of ${name} are lost.` }] })];
    }
    case "rename-column":
      return [statement(`${on} RENAME COLUMN ${quote(operation.from)} TO ${quote(operation.to)}`)];
    case "retype-column":
      return [statement(`${on} ALTER COLUMN ${quote(String(operation.to.name))} TYPE ${String(operation.to.type)}`)];
    default:
      throw new Error(`the toy engine never decides ${operation.op}`);
  }
}

export const toyEngine: Engine = {
  name: "postgres",
  mapType: (type) => ({ native: native(type), level: "lossless", note: "" }),
  resolve: (models) => {
    const tables = models.filter((model): model is TableModel => model.model === "table");
    const objects = tables.map((model) =>
      toyTable(model.name, Object.fromEntries(Object.entries(model.columns).map(([name, { type }]) => [name, native(type)]))),
    );
    const losses = tables.flatMap((model) =>
      Object.entries(model.columns).map(([name, { type }]) => ({
        engine: "postgres" as const,
        model: model.name,
        column: name,
        logical: typeText(type),
        native: native(type),
        level: "lossless" as const,
        note: "",
      })),
    );
    return { objects, losses, findings: [] };
  },
  lint: () => [],
  normalize: (object) => object,
  decide,
  generate,
  render: (object) => ({ path: `${object.name.at(-1)}.sql`, text: `${generate({ op: "create-object", object })[0]?.text};` }),
};

export const toyLive: LiveEngine<PgSession> = {
  introspect: async (session, warehouse) => {
    const rows = await session.query<{ t: string; columns: string }>(
      `SELECT c.relname AS t, json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)::text AS columns
       FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace GROUP BY c.relname`,
    );
    const objects = rows.map((row) => ({ ...toyTable(row.t, {}), body: { columns: JSON.parse(row.columns) as Json } })); // json_agg is JSON
    return { catalog: catalogOf(warehouse, objects), unmodelled: [] };
  },
  execute: async (session, { text }) => {
    await session.query(text);
  },
};
