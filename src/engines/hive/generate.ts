import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { RenderedFile } from "../../core/engine.js";
import type { Hazard } from "../../core/hazard.js";
import { generatedNotice, sqlFile } from "../../core/model-sql.js";
import type { Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import { type ColumnBody, type HiveObject, hiveObject, qualifiedName, type TableBody } from "./body.js";
import { create, createTable, described, names } from "./create.js";
import { hive } from "./dialect.js";
import { type HiveAction, purges } from "./rules.js";

const { sql, id, lit, join, raw } = hive;

interface Extras {
  readonly hazards?: readonly Hazard[];
  readonly undo?: readonly Sql[];
  /** To say it twice does no harm. */
  readonly repeatable?: true;
}

/** Hive commits every DDL statement by itself. */
function statement(text: Sql, { hazards = [], undo, repeatable }: Extras = {}): StatementBody {
  const back = undo && { undo: undo.map((one) => one.text) };
  return { text: text.text, hazards, transactional: false, ...back, ...(repeatable && { repeatable }) };
}

export function generate(operation: Operation): readonly StatementBody[] {
  const object = hiveObject(operation.object);
  const target = sql`TABLE ${id(...qualifiedName(object))}`;
  switch (operation.op) {
    case "create-object":
      return object.kind === "database"
        ? [{ ...statement(create(object)), repeatable: true }]
        : [statement(create(object), { undo: [drop(object)] })];
    case "drop-object":
      return [statement(drop(object), { hazards: dropHazards(object) })];
    case "replace-object":
      return replace(hiveObject(operation.from), object);
    case "rename-object":
      return [rename(hiveObject(operation.from), object)];
    case "add-column":
      return [
        statement(sql`ALTER ${target} ADD COLUMNS (${described(operation.column as ColumnBody)})${cascade(object)}`), // columns of Hive bodies
      ];
    case "rename-column": {
      const column = columnOf(object, operation.to);
      const text = (from: string, to: string): Sql =>
        sql`ALTER ${target} CHANGE COLUMN ${id(from)} ${described({ ...column, name: to })}${cascade(object)}`;
      return [statement(text(operation.from, operation.to), { undo: [text(operation.to, operation.from)] })];
    }
    case "retype-column":
      return [change(object, operation.to as ColumnBody)]; // as above
    case "set-comment":
      return commentStatements(object, operation.column, operation.comment);
    case "rebuild-object":
      return rebuild(hiveObject(operation.from), object, operation.why);
    case "engine-action": {
      const wanted = operation.action as HiveAction; // rules.ts made it
      return wanted.action === "reword" ? [] : [act(object, wanted)];
    }
    default:
      throw new Error(`${operation.op} is no operation of Hive: rules.ts plans a rebuild`);
  }
}

/** CHANGE COLUMN refuses partition columns: they keep the comment that they were made with. */
function commentStatements(object: HiveObject, column: string | undefined, comment: string): StatementBody[] {
  if (column === undefined) return [tableComment(object, comment)];
  const isPartition = (object.body as TableBody).partitions.some(({ name }) => name === column); // called for tables
  return isPartition ? [] : [change(object, columnOf(object, column))];
}

function columnOf(object: HiveObject, name: string): ColumnBody {
  const column = (object.body as TableBody).columns.find((candidate) => candidate.name === name); // called for tables
  if (!column) throw new Error(`${object.id} has no column ${name}`);
  return column;
}

/** Partitions keep columns of their own; without CASCADE the old ones would not know the change. Refused on other tables. */
function cascade(object: HiveObject): Sql {
  return raw(object.kind === "table" && object.body.partitions.length > 0 && object.body.format.storedBy === undefined ? " CASCADE" : "");
}

function change(object: HiveObject, column: ColumnBody): StatementBody {
  return statement(
    sql`ALTER TABLE ${id(...qualifiedName(object))} CHANGE COLUMN ${id(column.name)} ${described(column)}${cascade(object)}`,
    { repeatable: true },
  );
}

function tableComment(object: HiveObject, comment: string): StatementBody {
  return statement(sql`ALTER TABLE ${id(...qualifiedName(object))} SET TBLPROPERTIES (${lit("comment")} = ${lit(comment)})`, {
    repeatable: true,
  });
}

function act(object: HiveObject, wanted: Exclude<HiveAction, { action: "reword" }>): StatementBody {
  const target = sql`ALTER TABLE ${id(...qualifiedName(object))}`;
  switch (wanted.action) {
    case "set-property": {
      const text = (value: string | null): Sql =>
        value === null
          ? sql`${target} UNSET TBLPROPERTIES IF EXISTS (${lit(wanted.name)})`
          : sql`${target} SET TBLPROPERTIES (${lit(wanted.name)} = ${lit(value)})`;
      return statement(text(wanted.to), { undo: [text(wanted.from)], repeatable: true });
    }
    case "set-serde-property": {
      const text = (value: string): Sql => sql`${target} SET SERDEPROPERTIES (${lit(wanted.name)} = ${lit(value)})`;
      return statement(text(wanted.to), { repeatable: true, ...(wanted.from !== null && { undo: [text(wanted.from)] }) });
    }
    case "set-location": {
      const why = `${displayName(object.name)} answers from ${wanted.to}; files of ${wanted.from} stay there unread, and partitions keep their places`;
      return statement(sql`${target} SET LOCATION ${lit(wanted.to)}`, {
        hazards: [{ kind: "data-loss", why }],
        undo: [sql`${target} SET LOCATION ${lit(wanted.from)}`],
      });
    }
    case "replace-columns": {
      const columns = join((object.body as TableBody).columns.map(described)); // called for tables
      const why = `values of columns that ${displayName(object.name)} no longer has stay in its files, where nobody reads them`;
      return statement(sql`${target} REPLACE COLUMNS (${columns})${cascade(object)}`, { hazards: [{ kind: "data-loss", why }] });
    }
  }
}

// ------------------------------------------------------------------------------------------------ whole objects

const WORDS = { database: "DATABASE", table: "TABLE", view: "VIEW", "materialized-view": "MATERIALIZED VIEW" } as const;

function drop(object: HiveObject, name = qualifiedName(object)): Sql {
  return sql`DROP ${raw(WORDS[object.kind])} ${id(...name)}`;
}

function dropHazards(object: HiveObject): Hazard[] {
  if (object.kind !== "table") return [];
  const name = displayName(object.name);
  if (object.body.table === "external" && !purges(object.body))
    return [{ kind: "blocks-writes", why: `${name} is no longer known to Hive; its files stay` }];
  return [
    { kind: "data-loss", why: `${name} goes with its files` },
    { kind: "irreversible", why: `the files of ${name} are deleted or moved to the trash` },
  ];
}

function rename(from: HiveObject, to: HiveObject): StatementBody {
  const text = (a: HiveObject, b: HiveObject): Sql =>
    sql`ALTER ${raw(WORDS[a.kind])} ${id(...qualifiedName(a))} RENAME TO ${id(...qualifiedName(b))}`;
  return statement(text(from, to), { undo: [text(to, from)] });
}

/** A view is replaced in place; a materialized view has no ALTER for its query. */
function replace(from: HiveObject, object: HiveObject): StatementBody[] {
  if (object.kind === "view") return [statement(create(object, true), { undo: [create(from, true)] })];
  const why = `${displayName(object.name)} is missing until it is computed again`;
  return [
    statement(drop(object), { hazards: [{ kind: "blocks-writes", why }], undo: [create(from)] }),
    statement(create(object), { undo: [drop(object)] }),
  ];
}

function rebuild(from: HiveObject, object: HiveObject, why: string): StatementBody[] {
  if (from.kind !== "table" || object.kind !== "table") throw new Error(`${object.id} is not a table`);
  return from.body.table === "external" && !purges(from.body) ? redefine(from, object, why) : copy(from, object, why);
}

/** The files stay where they are: only what Hive knows of them is made anew. */
function redefine(from: HiveObject, object: HiveObject & { readonly kind: "table" }, why: string): StatementBody[] {
  const target = id(...qualifiedName(object));
  const gap = `${displayName(object.name)} is unknown until the next statement has run, because ${why}; its files stay`;
  const found = object.body.partitions.length === 0 ? [] : [{ ...statement(sql`MSCK REPAIR TABLE ${target}`), repeatable: true as const }];
  return [
    statement(drop(object), { hazards: [{ kind: "blocks-writes", why: gap }], undo: [create(from)] }),
    statement(create(object), { undo: [drop(object)] }),
    ...found,
  ];
}

/** Rows move to a table of the new shape, which then takes the name. */
function copy(
  from: HiveObject & { readonly kind: "table" },
  object: HiveObject & { readonly kind: "table" },
  why: string,
): StatementBody[] {
  const name = qualifiedName(object);
  const beside = (suffix: string): string[] => [...name.slice(0, -1), `${name.at(-1) ?? ""}${suffix}`];
  const [shadow, old] = [beside("__dw_rebuild"), beside("__dw_old")];
  const table = displayName(object.name);
  const had = new Set([...from.body.columns, ...from.body.partitions].map((column) => column.name));
  const carried = (column: { readonly name: string; readonly type: string }): Sql =>
    had.has(column.name) ? sql`CAST(${id(column.name)} AS ${raw(column.type)})` : sql`CAST(NULL AS ${raw(column.type)})`;
  const scalar = (column: { readonly name: string; readonly type: string }): Sql =>
    /[<]/.test(column.type) && had.has(column.name) ? id(column.name) : carried(column); // Hive casts no nested types
  const { partitions, columns } = object.body;
  const into = partitions.length === 0 ? raw("") : sql` PARTITION (${names(partitions.map((column) => column.name))})`;
  const lost = from.body.columns.filter((column) => !columns.some((other) => other.name === column.name));
  const move = (a: readonly string[], b: readonly string[]): Sql => sql`ALTER TABLE ${id(...a)} RENAME TO ${id(...b)}`;
  const gone =
    lost.length === 0 ? "rows written during the copy are gone" : `the values of ${lost.map((column) => column.name).join(", ")} are gone`;
  return [
    statement(createTable(shadow, object.body), { undo: [drop(object, shadow)] }),
    ...(partitions.length === 0
      ? []
      : [{ ...statement(raw("SET hive.exec.dynamic.partition.mode=nonstrict")), repeatable: true as const }]),
    statement(sql`INSERT INTO TABLE ${id(...shadow)}${into} SELECT ${join([...columns, ...partitions].map(scalar))} FROM ${id(...name)}`, {
      hazards: [
        { kind: "rewrites-table", why: `every row of ${table} is copied, because ${why}` },
        { kind: "blocks-writes", why: `rows that others write to ${table} until the swap are not copied: stop them first` },
      ],
    }),
    statement(move(name, old), { undo: [move(old, name)] }),
    statement(move(shadow, name), { undo: [move(name, shadow)] }),
    statement(drop(object, old), { hazards: [{ kind: "data-loss", why: `the old ${table} is dropped: ${gone}` }] }),
  ];
}

/** The object's DDL as a reviewer reads it. */
export function render(object: CatalogObject): RenderedFile {
  const typed = hiveObject(object);
  return { path: sqlFile(typed.kind, typed.name), text: `${generatedNotice(object)}${create(typed).text};\n` };
}
