import type { CatalogObject } from "../../core/catalog.js";
import { displayName } from "../../core/catalog.js";
import type { RenderedFile } from "../../core/engine.js";
import type { Hazard } from "../../core/hazard.js";
import type { Json } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import type { ColumnChange, NamedPartition, PropertyChange, StarrocksAction } from "./actions.js";
import { type ColumnBody, qualifiedName, type StarrocksObject, starrocksObject, type TableBody } from "./body.js";
import { isClusterObject } from "./cluster/body.js";
import { create as clusterStatements, generateCluster } from "./cluster/statements.js";
import { isSlow } from "./coalesce.js";
import {
  columnClause,
  createDatabase,
  createMaterializedView,
  createTable,
  createView,
  distributionClause,
  indexClause,
  keyColumnClause,
  listClause,
  type Name,
  quoted,
  rangeClause,
  schedule,
} from "./create.js";
import { starrocks } from "./dialect.js";
import { losesValues, propertyReach } from "./facts.js";
import { rebuild, type TableObject } from "./rebuild.js";

/*
 * StarRocks's statements for an operation. Nothing is transactional here, and a job must end before the next statement on
 * its table: `wait` says which list of SHOW ALTER TABLE shows it.
 */

const { sql, id, join, raw } = starrocks;

type Extras = Partial<Pick<StatementBody, "undo" | "wait" | "repeatable">> & { readonly hazards?: readonly Hazard[] };

function statement(text: Sql, extras: Extras = {}): StatementBody {
  return { text: text.text, hazards: [], transactional: false, ...extras };
}

const WHOLE: ReadonlySet<Operation["op"]> = new Set(["create-object", "drop-object", "replace-object", "rebuild-object"]);

/** Statements of an operation, with how the front end carries them out where the same object is changed. */
export function generate(operation: Operation): readonly StatementBody[] {
  if (isClusterObject(operation.object)) return generateCluster(operation);
  const statements = statementsOf(operation);
  const replaces =
    operation.op === "rebuild-object" || (operation.op === "replace-object" && operation.object.kind === "materialized-view");
  if (replaces) return statements.map((one) => ({ ...one, reach: "rebuild" }));
  return WHOLE.has(operation.op) ? statements : statements.map((one) => ({ ...one, reach: one.wait ? "job" : "instant" }));
}

function statementsOf(operation: Operation): readonly StatementBody[] {
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
      return rebuild(tableObject(operation.from), tableObject(operation.object), operation.why);
    case "engine-action":
      return act(object, operation.action as StarrocksAction); // rules.ts and weave.ts make them
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
    case "add-column":
    case "drop-column":
    case "retype-column":
    case "set-nullable": {
      const change = operation as ColumnChange; // columns of StarRocks bodies are ColumnBody
      return alterColumns(object, [change], isJob(object, change));
    }
    case "rename-column": {
      const text = (from: string, to: string): Sql => sql`ALTER TABLE ${table} RENAME COLUMN ${id(from)} TO ${id(to)}`;
      return statement(text(operation.from, operation.to), { undo: [text(operation.to, operation.from).text] });
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

/** Instant with fast_schema_evolution, the default since 3.3; a table made without it runs a job. */
function isJob(object: StarrocksObject, change: ColumnChange): boolean {
  if (change.op === "retype-column" || change.op === "set-nullable") return true;
  return (change.op === "add-column" && change.column.generated !== undefined) || isSlow(tableBody(object));
}

function tableObject(object: CatalogObject): TableObject {
  const typed = starrocksObject(object);
  if (typed.kind !== "table") throw new Error(`${object.id} is not a table`);
  return typed;
}

function tableBody(object: StarrocksObject): TableBody {
  return object.body as TableBody; // only tables are altered by column
}

/** Column clauses as one ALTER TABLE. */
function alterColumns(object: StarrocksObject, changes: readonly ColumnChange[], isJob: boolean): StatementBody {
  const clauses = changes.map((change) => columnChange(object, change));
  const adds = changes.every((change) => change.op === "add-column");
  const undo = [...changes]
    .reverse()
    .flatMap((change) => ("column" in change && typeof change.column === "object" ? [change.column.name] : []));
  const hazards = [
    ...(isJob && rewritesRows(object, changes) ? [rewrites(object)] : []),
    ...changes.flatMap((change) => changeHazards(object, change)),
  ];
  return statement(sql`ALTER TABLE ${id(...qualifiedName(object))} ${join(clauses)}`, {
    hazards,
    ...(adds && {
      undo: [sql`ALTER TABLE ${id(...qualifiedName(object))} ${join(undo.map((name) => sql`DROP COLUMN ${id(name)}`))}`.text],
    }),
    ...(isJob && columnJob(object)),
  });
}

/** Columns that come and go in a table without fast schema evolution are a job too, but one that links the files as they are. */
function rewritesRows(object: StarrocksObject, changes: readonly ColumnChange[]): boolean {
  return !isSlow(tableBody(object)) || changes.some(({ op }) => op === "retype-column" || op === "set-nullable");
}

function columnChange(object: StarrocksObject, change: ColumnChange): Sql {
  switch (change.op) {
    case "add-column":
      return sql`ADD COLUMN ${columnText(object, change.column)}${position(object, change.column)}`;
    case "drop-column":
      return sql`DROP COLUMN ${id(change.column.name)}`;
    case "retype-column":
      return sql`MODIFY COLUMN ${columnText(object, change.to)}`;
    case "set-nullable":
      return sql`MODIFY COLUMN ${columnText(object, columnOf(object, change.column))}`;
  }
}

/** MODIFY restates everything: what is left out is erased. A key column says KEY again. */
function columnText(object: StarrocksObject, column: ColumnBody): Sql {
  const { table, key } = tableBody(object);
  return table !== "primary" && key.includes(column.name) ? keyColumnClause(column) : columnClause(column);
}

/** Where the model has the column: behind the column before it. Nothing stands behind a generated column, and it says no place. */
function position(object: StarrocksObject, column: ColumnBody): Sql {
  const { columns } = tableBody(object);
  const index = columns.findIndex(({ name }) => name === column.name);
  const previous = columns.slice(0, index).findLast(({ generated }) => generated === undefined);
  const isLast = columns.slice(index + 1).every(({ generated }) => generated !== undefined);
  if (column.generated !== undefined || (isLast && !tableBody(object).key.includes(column.name))) return raw("");
  return previous === undefined ? raw(" FIRST") : sql` AFTER ${id(previous.name)}`;
}

function changeHazards(object: StarrocksObject, change: ColumnChange): Hazard[] {
  const table = displayName(object.name);
  if (change.op === "drop-column" && change.column.generated === undefined) {
    const why = `the values of ${change.column.name} in ${table} are gone`;
    return [
      { kind: "data-loss", why },
      { kind: "irreversible", why },
    ];
  }
  if (change.op !== "retype-column" || !losesValues(change.from.type, change.to.type)) return [];
  return [{ kind: "data-loss", why: `values of ${change.to.name} that ${change.to.type} cannot hold are lost, or the job is cancelled` }];
}

function columnOf(object: StarrocksObject, name: string): ColumnBody {
  const column = tableBody(object).columns.find((candidate) => candidate.name === name);
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

// ------------------------------------------------------------------------------------------------ StarRocks only

function act(object: StarrocksObject, action: StarrocksAction): StatementBody[] {
  return action.action === "activate" ? activate(object) : [alterBy(object, action)];
}

/** The view is looked at after it was told: what keeps it inactive is a reason to stop. */
function activate(object: StarrocksObject): StatementBody[] {
  const view = id(...qualifiedName(object));
  const [database, name = ""] = qualifiedName(object);
  return [
    statement(sql`ALTER MATERIALIZED VIEW ${view} ACTIVE`, {
      repeatable: true,
      undo: [],
      wait: { job: "starrocks-active", args: { database, view: name } },
    }),
    statement(sql`REFRESH MATERIALIZED VIEW ${view} FORCE WITH SYNC MODE`, { repeatable: true, undo: [] }),
  ];
}

function alterBy(object: StarrocksObject, action: Exclude<StarrocksAction, { action: "activate" }>): StatementBody {
  const target = id(...qualifiedName(object));
  switch (action.action) {
    case "alter-columns":
      return alterColumns(object, action.changes, action.job);
    case "alter-fields":
      return alterFields(object, action);
    case "add-index": {
      const undo = sql`ALTER TABLE ${target} ${join(action.indexes.map(({ name }) => sql`DROP INDEX ${id(name)}`))}`;
      return statement(sql`ALTER TABLE ${target} ${join(action.indexes.map((index) => sql`ADD ${indexClause(index)}`))}`, {
        hazards: [rewrites(object)],
        undo: [undo.text],
        ...columnJob(object),
      });
    }
    case "drop-index": {
      const undo = sql`ALTER TABLE ${target} ${join(action.indexes.map((index) => sql`ADD ${indexClause(index)}`))}`;
      return statement(sql`ALTER TABLE ${target} ${join(action.indexes.map(({ name }) => sql`DROP INDEX ${id(name)}`))}`, {
        undo: [undo.text],
        ...columnJob(object),
      });
    }
    case "set-property":
      return setProperty(object, action);
    case "replicate-partitions": {
      const text = (value: string): Sql =>
        sql`ALTER TABLE ${target} MODIFY PARTITION (*) SET (${quoted("replication_num")} = ${quoted(value)})`;
      return statement(text(action.to), { undo: [text(action.from).text] });
    }
    case "redistribute": {
      const text = (to: typeof action.to): Sql => sql`ALTER TABLE ${target} DISTRIBUTED BY ${distributionClause(to)}`;
      return statement(text(action.to), { hazards: [rewrites(object)], undo: [text(action.from).text], ...job(object, "OPTIMIZE") });
    }
    case "set-sort-key": {
      const text = (columns: readonly string[]): Sql =>
        sql`ALTER TABLE ${target} ORDER BY (${join((columns.length === 0 ? tableBody(object).key : columns).map((column) => id(column)))})`;
      return statement(text(action.to), { hazards: [rewrites(object)], undo: [text(action.from).text], ...columnJob(object) });
    }
    case "reorder-columns": {
      const text = (columns: readonly string[]): Sql => sql`ALTER TABLE ${target} ORDER BY (${join(columns.map((column) => id(column)))})`;
      return statement(text(action.to), { hazards: [rewrites(object)], ...columnJob(object) });
    }
    case "move-column": {
      const place = action.after === null ? raw("FIRST") : sql`AFTER ${id(action.after)}`;
      return statement(sql`ALTER TABLE ${target} MODIFY COLUMN ${columnText(object, action.column)} ${place}`, {
        hazards: [rewrites(object)],
        ...columnJob(object),
      });
    }
    case "add-partition":
      return statement(sql`ALTER TABLE ${target} ADD ${partitionText(object, action.partition)}`, {
        undo: [sql`ALTER TABLE ${target} DROP PARTITION ${id(action.partition.name)}`.text],
      });
    case "drop-partition":
      return statement(sql`ALTER TABLE ${target} DROP PARTITION ${id(action.partition.name)}`, {
        hazards: [{ kind: "data-loss", why: `partition ${action.partition.name} of ${displayName(object.name)} goes with its rows` }],
        undo: [sql`RECOVER PARTITION ${id(action.partition.name)} FROM ${target}`.text], // from the recycle bin, for a day
      });
    case "rename-partition": {
      const text = (from: string, to: string): Sql => sql`ALTER TABLE ${target} RENAME PARTITION ${id(from)} ${id(to)}`;
      return statement(text(action.from, action.to), { undo: [text(action.to, action.from).text] });
    }
    case "set-refresh": {
      const text = (to: typeof action.to): Sql =>
        sql`ALTER MATERIALIZED VIEW ${target} REFRESH ${join([raw(to.mode === "manual" ? "MANUAL" : "ASYNC"), ...schedule(to)], " ")}`;
      return statement(text(action.to), { undo: [text(action.from).text] });
    }
  }
}

function alterFields(object: StarrocksObject, { column, change }: Extract<StarrocksAction, { action: "alter-fields" }>): StatementBody {
  const modify = sql`ALTER TABLE ${id(...qualifiedName(object))} MODIFY COLUMN ${id(column)}`;
  const path = join(
    change.path.map((step) => (step === "[*]" ? raw(step) : id(step))),
    ".",
  );
  const drops = sql`${modify} DROP FIELD ${path}`;
  if (change.field === "drop") {
    const why = `the values of ${column}.${change.path.join(".")} in ${displayName(object.name)} are gone`;
    return statement(drops, {
      hazards: [
        { kind: "data-loss", why },
        { kind: "irreversible", why },
      ],
    });
  }
  const place = change.after === null ? raw("FIRST") : sql`AFTER ${id(change.after)}`;
  return statement(sql`${modify} ADD FIELD ${path} ${raw(change.type)} ${place}`, { undo: [drops.text] });
}

function partitionText(object: StarrocksObject, partition: NamedPartition): Sql {
  if ("values" in partition) return listClause(partition);
  const { columns, partition: partitioning } = tableBody(object);
  const by = partitioning?.by === "range" ? partitioning.columns : [];
  return rangeClause(
    partition,
    by.map((name) => columns.find((column) => column.name === name)?.type ?? ""),
  );
}

function setProperty(object: StarrocksObject, { properties }: Extract<StarrocksAction, { action: "set-property" }>): StatementBody {
  const kind = object.kind === "materialized-view" ? raw("MATERIALIZED VIEW") : raw("TABLE");
  const target = id(...qualifiedName(object));
  const text = (values: readonly (readonly [string, string])[]): Sql =>
    sql`ALTER ${kind} ${target} SET (${join(values.map(([name, value]) => sql`${quoted(settable(object, name))} = ${quoted(value)}`))})`;
  const isJob = object.kind === "table" && properties.some(({ name }) => propertyReach(name) === "job");
  const back = properties.flatMap(({ name, from }): [string, string][] => (from === null ? [] : [[name, from]]));
  return statement(text(properties.map(({ name, to }) => [name, to ?? ""])), {
    hazards: [...properties.flatMap((property) => expiryHazard(object, property)), ...(isJob ? [rewrites(object)] : [])],
    ...(back.length === properties.length && { undo: [text(back).text] }),
    ...(isJob && columnJob(object)),
  });
}

function expiryHazard(object: StarrocksObject, { name, to }: PropertyChange): Hazard[] {
  if (!expires(name, to)) return [];
  return [{ kind: "data-loss", why: `${name} = ${to} lets the engine drop partitions of ${displayName(object.name)}` }];
}

/** What belongs to partitions cannot be set for a partitioned table; its default for new ones can. */
function settable(object: StarrocksObject, name: string): string {
  const partitioned = object.kind === "table" && object.body.partition !== undefined;
  const isDefault = name === "storage_medium" || (partitioned && name === "replication_num");
  return isDefault && object.kind === "table" ? `default.${name}` : name;
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
    // What an interrupted run left under this name is computed again.
    statement(sql`DROP MATERIALIZED VIEW IF EXISTS ${id(...shadow)}`, { repeatable: true, undo: [] }),
    statement(raw(create(object, shadow).text.replace(/^CREATE MATERIALIZED VIEW /, "CREATE MATERIALIZED VIEW IF NOT EXISTS ")), {
      repeatable: true,
      undo: [drop(object, shadow).text],
    }),
    statement(sql`REFRESH MATERIALIZED VIEW ${id(...shadow)} WITH SYNC MODE`, { repeatable: true, undo: [] }),
    statement(sql`ALTER MATERIALIZED VIEW ${id(...qualifiedName(object))} SWAP WITH ${id(shadow.at(-1) ?? "")}`, {
      hazards: [{ kind: "blocks-writes", why: swapWhy }],
    }),
    statement(sql`DROP MATERIALIZED VIEW IF EXISTS ${id(...shadow)}`, {
      repeatable: true,
      hazards: [{ kind: "irreversible", why: "the old materialized view is gone; its rows can be computed again" }],
    }),
  ];
}

function replaceText(from: StarrocksObject): string {
  return from.kind === "view" ? createView(qualifiedName(from), from.body, true).text : create(from).text;
}

/** The object's DDL as a reviewer reads it. */
export function render(object: CatalogObject): RenderedFile {
  const statements = isClusterObject(object) ? clusterStatements(object) : [create(starrocksObject(object))];
  const source =
    object.model === undefined
      ? ""
      : `-- Generated by dw from the model ${object.model.replace(/\s+/g, " ")}. Edit the model, not this file.\n\n`;
  const text = statements.map((one) => `${one.text};\n`).join("");
  return { path: `${object.kind}/${object.name.map(fileName).join(".")}.sql`, text: `${source}${text}` };
}

/** A name as part of a file name: what a file system could misread becomes %hex. */
function fileName(name: string): string {
  return name.replace(/[^A-Za-z0-9_-]/gu, (character) => encodeURIComponent(character).replaceAll("*", "%2A").replaceAll("'", "%27"));
}
