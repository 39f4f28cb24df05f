import type { CatalogObject } from "../../core/catalog.js";
import type { Change, Fact } from "../../core/change.js";
import { type Altered, decided } from "../../core/decided.js";
import type { RenderedFile } from "../../core/engine.js";
import type { Hazard } from "../../core/hazard.js";
import { generatedNotice, sqlFile } from "../../core/model-sql.js";
import type { Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import { template } from "../../render/template.js";
import { type ColumnBody, type DuckdbObject, duckdbObject, type TableBody, type ViewBody } from "./body.js";
import { duckdb } from "./dialect.js";

/*
 * DuckDB alters nearly everything in place and in a transaction. What it cannot (a key, a generated column) is a new table
 * that takes the rows over.
 */

const { sql, id, lit, join, raw } = duckdb;

const tableTemplate = template("duckdb/create-table.sql", { name: "sql", lines: [{ line: "sql" }] });
const viewTemplate = template("duckdb/create-view.sql", { replace: "flag", name: "sql", columns: [{ line: "sql" }], query: "sql" });

export function decide(change: Change): readonly Operation[] {
  return decided(change, {
    renameColumn: (object, from, to) => ({ op: "rename-column", object, from, to }),
    table: tableOperations,
    query: ({ to }, here) => [{ op: "replace-object", from: here, object: to }],
  });
}

function tableOperations({ facts, from, to }: Altered, here: CatalogObject): Operation[] {
  const before = duckdbObject(from).body as TableBody; // the differ compares objects of one kind
  const after = duckdbObject(to).body as TableBody;
  const why = facts.flatMap((fact) => rebuildReason(fact, before, after) ?? []);
  if (why.length > 0) return [{ op: "rebuild-object", from: here, object: to, why: [...new Set(why)].join("; ") }];
  return facts.flatMap((fact) => alteration(fact, to, before, after));
}

function rebuildReason({ path, from, to }: Fact, before: TableBody, after: TableBody): string | undefined {
  const [head, name = "", what] = path;
  if (head === "key") return "the key of a table cannot be altered";
  if (what === "generated") return `${name} becomes or stops being a generated column`;
  const column = (to === undefined ? before : after).columns.find((candidate) => candidate.name === name);
  if (what === undefined && column?.generated !== undefined && from !== to) return `${name} is a generated column`;
  const inKey = before.key.includes(name) || after.key.includes(name);
  return inKey && (what === undefined || what === "type" || what === "nullable") && name !== "#order"
    ? `${name} is a key column`
    : undefined;
}

function alteration({ path, from, to }: Fact, object: CatalogObject, before: TableBody, after: TableBody): Operation[] {
  const [head, name = "", what] = path;
  if (head === "comment") return [{ op: "set-comment", object, comment: after.comment }];
  const old = before.columns.find((column) => column.name === name);
  const column = after.columns.find((candidate) => candidate.name === name);
  // The order of columns has no meaning to queries that name them.
  if (name === "#order") return [];
  if (what === undefined && column && from === undefined) return [{ op: "add-column", object, column }];
  if (what === undefined && old && to === undefined) return [{ op: "drop-column", object, column: old }];
  if (!column) return [];
  switch (what) {
    case "type":
      return [{ op: "retype-column", object, from: { ...column, type: String(from) }, to: column }];
    case "nullable":
      return [{ op: "set-nullable", object, column: name, nullable: column.nullable }];
    case "default":
      return [{ op: "set-default", object, column: name, from: from ?? null, to: to ?? null }];
    default:
      return [{ op: "set-comment", object, column: name, comment: column.comment }];
  }
}

interface Extras {
  readonly hazards?: readonly Hazard[];
  readonly undo?: readonly Sql[];
}

function statement(text: Sql, { hazards = [], undo }: Extras = {}): StatementBody {
  return { text: text.text, hazards, transactional: true, ...(undo && { undo: undo.map((one) => one.text) }) };
}

export function generate(operation: Operation): readonly StatementBody[] {
  const object = duckdbObject(operation.object);
  const target = id(...object.name);
  switch (operation.op) {
    case "create-object":
      return create(object).map((text, index) => statement(text, { undo: index === 0 ? [drop(object)] : [] }));
    case "drop-object":
      return [
        statement(drop(object), {
          hazards: object.kind === "view" ? [] : gone(object, `${object.kind} ${object.name.join(".")} goes with its rows`),
        }),
      ];
    case "replace-object":
      return [
        ...(sameColumns(operation.from, object) ? [] : [statement(drop(duckdbObject(operation.from)))]),
        ...create(object, true).map((text) => statement(text)),
      ];
    case "rename-object":
      return [renameStatement(duckdbObject(operation.from), object)];
    case "add-column":
      return addColumn(target, operation.column as ColumnBody); // columns of DuckDB bodies are ColumnBody
    case "drop-column": {
      const name = String(operation.column.name);
      return [statement(sql`ALTER TABLE ${target} DROP COLUMN ${id(name)}`, { hazards: gone(object, `the values of ${name} are gone`) })];
    }
    case "rename-column":
      return [
        statement(sql`ALTER TABLE ${target} RENAME COLUMN ${id(operation.from)} TO ${id(operation.to)}`, {
          undo: [sql`ALTER TABLE ${target} RENAME COLUMN ${id(operation.to)} TO ${id(operation.from)}`],
        }),
      ];
    case "retype-column": {
      const column = operation.to as ColumnBody; // as above
      const why = `every row of ${object.name.join(".")} is rewritten; a value that ${column.type} cannot hold stops it`;
      return [
        statement(sql`ALTER TABLE ${target} ALTER COLUMN ${id(column.name)} TYPE ${raw(column.type)}`, {
          hazards: [{ kind: "rewrites-table", why }],
        }),
      ];
    }
    case "set-nullable":
      return [nullability(target, operation.column, operation.nullable)];
    case "set-default":
      return [statement(sql`ALTER TABLE ${target} ALTER COLUMN ${id(operation.column)} ${defaultAction(operation.to)}`)];
    case "set-comment": {
      const place = operation.column === undefined ? sql`TABLE ${target}` : sql`COLUMN ${id(...object.name, operation.column)}`;
      return [statement(comment(place, operation.comment))];
    }
    case "rebuild-object":
      return rebuild(duckdbObject(operation.from), object, operation.why);
    case "engine-action":
      throw new Error("DuckDB has no actions of its own");
  }
}

function gone(object: DuckdbObject, why: string): Hazard[] {
  return [
    { kind: "data-loss", why },
    { kind: "irreversible", why: `${object.name.join(".")} is not kept anywhere else` },
  ];
}

function create(object: DuckdbObject, replace = false): Sql[] {
  if (object.kind === "schema") return [sql`CREATE SCHEMA IF NOT EXISTS ${id(...object.name)}`];
  const text = object.kind === "table" ? createTable(object.name, object.body) : createView(object.name, object.body, replace);
  return [text, ...comments(object)];
}

export function createTable(name: readonly string[], { columns, key }: TableBody): Sql {
  const keyLine = key.length === 0 ? [] : [sql`PRIMARY KEY (${join(key.map((column) => id(column)))})`];
  const lines = [...columns.map(columnClause), ...keyLine].map((line) => ({ line }));
  return raw(tableTemplate({ name: id(...name), lines }).trimEnd());
}

export function createView(name: readonly string[], { columns, query }: ViewBody, replace = false): Sql {
  const lines = columns.map((column) => ({ line: id(column.name) }));
  return raw(viewTemplate({ replace, name: id(...name), columns: lines, query: raw(query) }).trimEnd());
}

function columnClause(column: ColumnBody): Sql {
  const parts = [id(column.name), raw(column.type)];
  if (column.generated !== undefined) parts.push(sql`GENERATED ALWAYS AS (${raw(column.generated)}) VIRTUAL`);
  if (column.default !== undefined) parts.push(sql`DEFAULT ${raw(column.default)}`);
  if (!column.nullable && column.generated === undefined) parts.push(raw("NOT NULL"));
  return join(parts, " ");
}

function comments(object: Extract<DuckdbObject, { kind: "table" | "view" }>): Sql[] {
  const { body, name, kind } = object;
  const own = body.comment === "" ? [] : [comment(sql`${raw(kind.toUpperCase())} ${id(...name)}`, body.comment)];
  const columns = body.columns.filter((column) => column.comment !== "");
  return [...own, ...columns.map((column) => comment(sql`COLUMN ${id(...name, column.name)}`, column.comment))];
}

function comment(place: Sql, text: string): Sql {
  return sql`COMMENT ON ${place} IS ${text === "" ? raw("NULL") : lit(text)}`;
}

function drop(object: DuckdbObject): Sql {
  return sql`DROP ${raw(object.kind.toUpperCase())} ${id(...object.name)}`;
}

/** CREATE OR REPLACE VIEW may change the columns as well; only a change of kind would need a drop. */
function sameColumns(from: CatalogObject, to: DuckdbObject): boolean {
  return from.kind === to.kind;
}

function renameStatement(from: DuckdbObject, to: DuckdbObject): StatementBody {
  if (from.kind === "schema" || from.name[0] !== to.name[0]) throw new Error(`${from.id} cannot move to ${to.id}`);
  const word = raw(from.kind.toUpperCase());
  const text = (a: DuckdbObject, b: DuckdbObject): Sql => sql`ALTER ${word} ${id(...a.name)} RENAME TO ${id(b.name.at(-1) ?? "")}`;
  return statement(text(from, to), { undo: [text(to, from)] });
}

/** DuckDB adds no column with a constraint: NOT NULL follows once the default has filled the rows. */
function addColumn(target: Sql, column: ColumnBody): StatementBody[] {
  const value = column.default === undefined ? raw("") : sql` DEFAULT ${raw(column.default)}`;
  const undo = [sql`ALTER TABLE ${target} DROP COLUMN ${id(column.name)}`];
  const add = statement(sql`ALTER TABLE ${target} ADD COLUMN ${id(column.name)} ${raw(column.type)}${value}`, { undo });
  const table = target.text;
  const note =
    column.comment === ""
      ? []
      : [statement(sql`COMMENT ON COLUMN ${raw(table)}.${id(column.name)} IS ${lit(column.comment)}`, { undo: [] })];
  return [add, ...(column.nullable ? [] : [nullability(target, column.name, false)]), ...note];
}

function nullability(target: Sql, column: string, nullable: boolean): StatementBody {
  const text = (action: string): Sql => sql`ALTER TABLE ${target} ALTER COLUMN ${id(column)} ${raw(action)} NOT NULL`;
  return nullable ? statement(text("DROP"), { undo: [text("SET")] }) : statement(text("SET"), { undo: [text("DROP")] });
}

function defaultAction(value: unknown): Sql {
  return typeof value === "string" ? sql`SET DEFAULT ${raw(value)}` : raw("DROP DEFAULT");
}

function rebuild(from: DuckdbObject, to: DuckdbObject, why: string): StatementBody[] {
  if (from.kind !== "table" || to.kind !== "table") throw new Error(`${to.id} is not a table`);
  const name = to.name.at(-1) ?? "";
  const shadow = [...to.name.slice(0, -1), `${name}__dw_rebuild`];
  const old = new Set(from.body.columns.map((column) => column.name));
  const shared = to.body.columns.filter((column) => old.has(column.name) && column.generated === undefined);
  const columns = join(shared.map((column) => id(column.name)));
  const values = join(shared.map((column) => sql`CAST(${id(column.name)} AS ${raw(column.type)})`));
  const lost = from.body.columns.filter((column) => !to.body.columns.some((other) => other.name === column.name));
  const loss: Hazard[] = lost.map((column) => ({ kind: "data-loss", why: `the values of ${column.name} are gone` }));
  return [
    statement(createTable(shadow, to.body), { undo: [sql`DROP TABLE ${id(...shadow)}`] }),
    statement(sql`INSERT INTO ${id(...shadow)} (${columns}) SELECT ${values} FROM ${id(...from.name)}`, {
      hazards: [{ kind: "rewrites-table", why: `every row is copied, because ${why}` }],
    }),
    statement(drop(from), { hazards: loss }),
    statement(sql`ALTER TABLE ${id(...shadow)} RENAME TO ${id(name)}`),
    ...comments(to).map((text) => statement(text)),
  ];
}

/** The object's DDL as a reviewer reads it. */
export function render(object: CatalogObject): RenderedFile {
  const typed = duckdbObject(object);
  const text = create(typed).map((one) => `${one.text};\n`);
  return { path: sqlFile(typed.kind, typed.name), text: `${generatedNotice(object)}${text.join("")}` };
}
