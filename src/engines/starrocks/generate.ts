import type { CatalogObject } from "../../core/catalog.js";
import { displayName } from "../../core/catalog.js";
import type { RenderedFile } from "../../core/engine.js";
import type { Hazard } from "../../core/hazard.js";
import type { Json } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import { type ColumnBody, qualifiedName, type StarrocksObject, starrocksObject, type TableBody } from "./body.js";
import {
  columnClause,
  createDatabase,
  createMaterializedView,
  createTable,
  createView,
  distributionClause,
  indexClause,
  type Name,
  quoted,
  schedule,
} from "./create.js";
import { starrocks } from "./dialect.js";
import { losesValues, propertyReach } from "./facts.js";
import type { StarrocksAction } from "./rules.js";

/*
 * StarRocks's statements for an operation. Nothing is transactional here, and a job must end before the next statement on
 * its table: `wait` says which list of SHOW ALTER TABLE shows it.
 */

const { sql, id, join, lit, raw } = starrocks;

type Extras = Partial<Pick<StatementBody, "undo" | "wait">> & { readonly hazards?: readonly Hazard[] };

function statement(text: Sql, extras: Extras = {}): StatementBody {
  return { text: text.text, hazards: [], transactional: false, ...extras };
}

export function generate(operation: Operation): readonly StatementBody[] {
  const object = starrocksObject(operation.object);
  switch (operation.op) {
    case "create-object":
      return [statement(create(object), { undo: [drop(object).text] })];
    case "drop-object":
      return [statement(drop(object), dropHazards(object))];
    case "replace-object":
      return replace(starrocksObject(operation.from), object);
    case "rename-object":
      return [rename(starrocksObject(operation.from), object)];
    case "rebuild-object":
      return rebuild(starrocksObject(operation.from), object, operation.why);
    case "engine-action":
      return [act(object, operation.action as StarrocksAction)]; // rules.ts made it
    default:
      return [alter(object, operation)];
  }
}

export function create(object: StarrocksObject, name: Name = qualifiedName(object)): Sql {
  switch (object.kind) {
    case "database":
      return createDatabase(name, object.body);
    case "table":
      return createTable(name, object.body);
    case "view":
      return createView(name, object.body);
    case "materialized-view":
      return createMaterializedView(name, object.body);
  }
}

const KIND_WORDS: Readonly<Record<StarrocksObject["kind"], string>> = {
  database: "DATABASE",
  table: "TABLE",
  view: "VIEW",
  "materialized-view": "MATERIALIZED VIEW",
};

function drop(object: StarrocksObject, name: Name = qualifiedName(object)): Sql {
  return sql`DROP ${raw(KIND_WORDS[object.kind])} ${id(...name)}`;
}

function dropHazards(object: StarrocksObject): Extras {
  if (object.kind === "view") return {};
  const why = `${object.kind} ${displayName(object.name)} goes with ${object.kind === "database" ? "everything in it" : "its rows"}`;
  // A table stays in the recycle bin for a day (catalog_trash_expire_second); a materialized view does not.
  if (object.kind === "table")
    return { hazards: [{ kind: "data-loss", why }], undo: [sql`RECOVER TABLE ${id(...qualifiedName(object))}`.text] };
  return {
    hazards: [
      { kind: "data-loss", why },
      { kind: "irreversible", why: "it cannot be brought back" },
    ],
  };
}

// ------------------------------------------------------------------------------------------------ alter

type Alteration = Exclude<
  Operation,
  { op: "create-object" | "drop-object" | "replace-object" | "rename-object" | "rebuild-object" | "engine-action" }
>;

function alter(object: StarrocksObject, operation: Alteration): StatementBody {
  const table = id(...qualifiedName(object));
  switch (operation.op) {
    case "add-column": {
      const column = operation.column as ColumnBody; // columns of StarRocks bodies are ColumnBody
      const undo = [sql`ALTER TABLE ${table} DROP COLUMN ${id(column.name)}`.text];
      const reach = column.generated === undefined ? {} : columnJob(object);
      return statement(sql`ALTER TABLE ${table} ADD COLUMN ${columnClause(column)}${after(object, column)}`, { undo, ...reach });
    }
    case "drop-column": {
      const column = operation.column as ColumnBody; // as above
      const why = `the values of ${column.name} in ${displayName(object.name)} are gone`;
      const hazards: Hazard[] =
        column.generated === undefined
          ? [
              { kind: "data-loss", why },
              { kind: "irreversible", why },
            ]
          : [];
      return statement(sql`ALTER TABLE ${table} DROP COLUMN ${id(column.name)}`, { hazards, ...settled(object) });
    }
    case "rename-column": {
      const text = (from: string, to: string): Sql => sql`ALTER TABLE ${table} RENAME COLUMN ${id(from)} TO ${id(to)}`;
      return statement(text(operation.from, operation.to), { undo: [text(operation.to, operation.from).text] });
    }
    case "retype-column":
      return retype(object, operation.from as ColumnBody, operation.to as ColumnBody); // as above
    case "set-nullable": {
      const column = columnOf(object, operation.column);
      return statement(sql`ALTER TABLE ${table} MODIFY COLUMN ${modified(object, column)}`, {
        hazards: [rewrites(object)],
        ...columnJob(object),
      });
    }
    case "set-default":
      throw new Error("StarRocks changes no default: rules.ts plans a rebuild");
    case "set-comment":
      return statement(
        operation.column === undefined
          ? sql`ALTER TABLE ${table} COMMENT = ${quoted(operation.comment)}`
          : sql`ALTER TABLE ${table} MODIFY COLUMN ${id(operation.column)} COMMENT ${quoted(operation.comment)}`,
      );
  }
}

/** Where the model has the column: behind the column before it. Value columns come after the key, so there always is one. */
function after(object: StarrocksObject, column: ColumnBody): Sql {
  const { columns } = object.body as TableBody; // only tables have columns that are added
  const index = columns.findIndex(({ name }) => name === column.name);
  const previous = columns[index - 1];
  return previous === undefined || index === columns.length - 1 ? raw("") : sql` AFTER ${id(previous.name)}`;
}

function retype(object: StarrocksObject, from: ColumnBody, to: ColumnBody): StatementBody {
  const loss = losesValues(from.type, to.type);
  const lossWhy = `values of ${to.name} that ${to.type} cannot hold are lost, or the job is cancelled`;
  const hazards: Hazard[] = [rewrites(object), ...(loss ? [{ kind: "data-loss", why: lossWhy } as const] : [])];
  return statement(sql`ALTER TABLE ${id(...qualifiedName(object))} MODIFY COLUMN ${modified(object, to)}`, {
    hazards,
    ...columnJob(object),
  });
}

/** MODIFY restates everything: what is left out is erased. A key column says KEY again. */
function modified(object: StarrocksObject, column: ColumnBody): Sql {
  const body = object.body as TableBody; // only tables have columns that are modified
  const key = body.table !== "primary" && body.key.includes(column.name);
  return key
    ? sql`${id(column.name)} ${raw(column.type)} KEY ${raw(column.nullable ? "NULL" : "NOT NULL")} COMMENT ${quoted(column.comment)}`
    : columnClause(column);
}

function columnOf(object: StarrocksObject, name: string): ColumnBody {
  const column = (object.body as TableBody).columns.find((candidate) => candidate.name === name); // set-nullable is for tables
  if (!column) throw new Error(`${object.id} has no column ${name}`);
  return column;
}

function rewrites(object: StarrocksObject): Hazard {
  return { kind: "rewrites-table", why: `a background job rewrites ${displayName(object.name)}; other changes of the table wait for it` };
}

type JobKind = "COLUMN" | "OPTIMIZE";

function job(object: StarrocksObject, kind: JobKind): Pick<StatementBody, "wait"> {
  const [database, table = ""] = qualifiedName(object);
  return { wait: { job: "starrocks-alter-table", args: { kind, database, table } satisfies Record<string, Json> } };
}

function columnJob(object: StarrocksObject): Pick<StatementBody, "wait"> {
  return job(object, "COLUMN");
}

/** Instant with fast_schema_evolution, the default since 3.3; a table made without it runs a job. */
function settled(object: StarrocksObject): Pick<StatementBody, "wait"> {
  const { properties } = object.body as TableBody; // only tables have columns that are dropped
  return properties.fast_schema_evolution === "false" ? columnJob(object) : {};
}

// ------------------------------------------------------------------------------------------------ StarRocks only

function act(object: StarrocksObject, action: StarrocksAction): StatementBody {
  const target = id(...qualifiedName(object));
  switch (action.action) {
    case "add-index":
      return statement(sql`ALTER TABLE ${target} ADD ${indexClause(action.index)}`, { hazards: [rewrites(object)], ...columnJob(object) });
    case "drop-index":
      return statement(sql`ALTER TABLE ${target} DROP INDEX ${id(action.index.name)}`, columnJob(object));
    case "set-property":
      return setProperty(object, action);
    case "redistribute": {
      const text = (to: typeof action.to): Sql => sql`ALTER TABLE ${target} DISTRIBUTED BY ${distributionClause(to)}`;
      return statement(text(action.to), { hazards: [rewrites(object)], undo: [text(action.from).text], ...job(object, "OPTIMIZE") });
    }
    case "set-sort-key": {
      const columns = action.to.length === 0 ? (object.body as TableBody).key : action.to; // only tables have sort keys that change
      return statement(sql`ALTER TABLE ${target} ORDER BY (${join(columns.map((column) => id(column)))})`, {
        hazards: [rewrites(object)],
        ...columnJob(object),
      });
    }
    case "set-refresh": {
      const text = (to: typeof action.to): Sql =>
        sql`ALTER MATERIALIZED VIEW ${target} REFRESH ${join([raw(to.mode === "manual" ? "MANUAL" : "ASYNC"), ...schedule(to)], " ")}`;
      return statement(text(action.to), { undo: [text(action.from).text] });
    }
  }
}

function setProperty(object: StarrocksObject, { name, from, to }: Extract<StarrocksAction, { action: "set-property" }>): StatementBody {
  const kind = object.kind === "materialized-view" ? raw("MATERIALIZED VIEW") : raw("TABLE");
  const target = id(...qualifiedName(object));
  const text = (value: string): Sql => sql`ALTER ${kind} ${target} SET (${quoted(settable(object, name))} = ${quoted(value)})`;
  const wait = object.kind === "table" && propertyReach(name) === "job" ? columnJob(object) : {};
  const hazards: Hazard[] = expires(name, to)
    ? [{ kind: "data-loss", why: `${name} = ${to} lets the engine drop partitions of ${displayName(object.name)}` }]
    : [];
  // No property has a word for "as if never set"; the empty text is what ends a bloom filter or a colocation.
  return statement(text(to ?? ""), { hazards, ...(from !== null && { undo: [text(from).text] }), ...wait });
}

/** A partitioned table's own replication_num cannot be set; its default for new partitions can. */
function settable(object: StarrocksObject, name: string): string {
  const partitioned = object.kind === "table" && object.body.partition !== undefined;
  return partitioned && name === "replication_num" ? "default.replication_num" : name;
}

function expires(name: string, value: string | null): boolean {
  return (
    value !== null &&
    value !== "" &&
    ["partition_ttl", "partition_live_number", "partition_retention_condition", "dynamic_partition.start"].includes(name)
  );
}

// ------------------------------------------------------------------------------------------------ whole objects

function rename(from: StarrocksObject, to: StarrocksObject): StatementBody {
  const [, name = ""] = qualifiedName(to);
  const [, old = ""] = qualifiedName(from);
  const word = raw(from.kind === "materialized-view" ? "MATERIALIZED VIEW" : "TABLE");
  if (from.kind === "view") return statement(create(to), { undo: [drop(to).text] });
  return statement(sql`ALTER ${word} ${id(...qualifiedName(from))} RENAME ${id(name)}`, {
    undo: [sql`ALTER ${word} ${id(...qualifiedName(to))} RENAME ${id(old)}`.text],
  });
}

/** A view is replaced in place. A materialized view is built beside the old one, filled, and the two swap names. */
function replace(from: StarrocksObject, object: StarrocksObject): StatementBody[] {
  if (object.kind === "view") return [statement(createView(qualifiedName(object), object.body, true), { undo: [replaceText(from)] })];
  if (object.kind !== "materialized-view") throw new Error(`${object.id} is not replaced: rules.ts plans a rebuild`);
  const [database, name = ""] = qualifiedName(object);
  const shadow = [database, `${name}__dw_new`];
  const swapWhy = `views that are built on ${displayName(object.name)} become inactive until they are refreshed`;
  return [
    statement(create(object, shadow), { undo: [drop(object, shadow).text] }),
    statement(sql`REFRESH MATERIALIZED VIEW ${id(...shadow)} WITH SYNC MODE`),
    statement(sql`ALTER MATERIALIZED VIEW ${id(...qualifiedName(object))} SWAP WITH ${id(shadow.at(-1) ?? "")}`, {
      hazards: [{ kind: "blocks-writes", why: swapWhy }],
    }),
    statement(drop(object, shadow), {
      hazards: [{ kind: "irreversible", why: "the old materialized view is gone; its rows can be computed again" }],
    }),
  ];
}

function replaceText(from: StarrocksObject): string {
  return from.kind === "view" ? createView(qualifiedName(from), from.body, true).text : create(from).text;
}

/** Rows move to a table of the new shape, which then takes the name. */
function rebuild(from: StarrocksObject, object: StarrocksObject, why: string): StatementBody[] {
  if (from.kind !== "table" || object.kind !== "table") throw new Error(`${object.id} is not a table`);
  const [database, name = ""] = qualifiedName(object);
  const shadow = [database, `${name}__dw_rebuild`];
  const old = new Set(from.body.columns.map((column) => column.name));
  const shared = object.body.columns.filter((column) => old.has(column.name) && column.generated === undefined);
  const lost = from.body.columns.filter((column) => !object.body.columns.some((other) => other.name === column.name));
  const columns = join(shared.map((column) => id(column.name)));
  const values = join(shared.map((column) => carried(from.body, column)));
  const table = displayName(object.name);
  const lossHazard: Hazard[] =
    lost.length === 0
      ? []
      : [{ kind: "data-loss", why: `the values of ${lost.map((column) => column.name).join(", ")} in ${table} are gone` }];
  return [
    statement(create(object, shadow), { undo: [drop(object, shadow).text] }),
    statement(sql`INSERT INTO ${id(...shadow)} (${columns}) SELECT ${values} FROM ${id(...qualifiedName(from))}`, {
      hazards: [
        { kind: "rewrites-table", why: `every row of ${table} is copied, because ${why}` },
        { kind: "blocks-writes", why: `rows that others write to ${table} until the swap are not copied: stop them first` },
      ],
      undo: [sql`TRUNCATE TABLE ${id(...shadow)}`.text],
    }),
    statement(sql`ALTER TABLE ${id(...qualifiedName(object))} SWAP WITH ${id(shadow.at(-1) ?? "")}`, {
      undo: [sql`ALTER TABLE ${id(...qualifiedName(object))} SWAP WITH ${id(shadow.at(-1) ?? "")}`.text],
    }),
    statement(drop(object, shadow), { hazards: lossHazard, undo: [sql`RECOVER TABLE ${id(...shadow)}`.text] }),
  ];
}

/** A column that turns NOT NULL takes its default where the old table has NULL; without a default the copy fails, loudly. */
function carried(from: TableBody, column: ColumnBody): Sql {
  const old = from.columns.find(({ name }) => name === column.name);
  const literal = column.default && "literal" in column.default ? column.default.literal : undefined;
  return old?.nullable && !column.nullable && literal !== undefined ? sql`coalesce(${id(column.name)}, ${lit(literal)})` : id(column.name);
}

/** The object's DDL as a reviewer reads it. */
export function render(object: CatalogObject): RenderedFile {
  const typed = starrocksObject(object);
  const source =
    object.model === undefined
      ? ""
      : `-- Generated by dw from the model ${object.model.replace(/\s+/g, " ")}. Edit the model, not this file.\n\n`;
  return { path: `${typed.kind}/${typed.name.map(fileName).join(".")}.sql`, text: `${source}${create(typed).text};\n` };
}

/** A name as part of a file name: what a file system could misread becomes %hex. */
function fileName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/gu, (character) => encodeURIComponent(character).replaceAll("*", "%2A").replaceAll("'", "%27"));
}
