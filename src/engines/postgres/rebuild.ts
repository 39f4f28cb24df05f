import { textHash } from "../../core/build-plan.js";
import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { Hazard } from "../../core/hazard.js";
import { stableJson } from "../../core/json.js";
import type { Along, Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import { template } from "../../render/template.js";
import { type ForeignKeyBody, type PartitionBody, type PostgresObject, postgresObject, type TableBody } from "./body.js";
import { columnList, dropText, foreignKeyClause } from "./create.js";
import { derivedName, dollarQuoted, id, join, lit, raw, sql } from "./dialect.js";
import type { Making } from "./generate.js";
import { block, keepGrants, restoreGrants } from "./grants.js";
import { allPartitions } from "./partitions.js";
import { redirected } from "./reads.js";
import { castText, retyping } from "./retype.js";
import { harmless, hazard, statement } from "./statements.js";

/*
 * What cannot be altered is rebuilt: a shadow in a schema of its own, where names of indexes and constraints are free; a
 * chunked copy that notes its progress, while a trigger notes the keys of rows that change meanwhile; then, in one
 * transaction, those rows again, a comparison of count and hash, and the swap. The old one is held in another schema, from
 * which `down` brings it back, and goes when the hold has ended.
 */

export type RebuildOperation = Extract<Operation, { op: "rebuild-object" }>;
type TableObject = Extract<PostgresObject, { kind: "table" }>;

/** What TimescaleDB adds to a rebuild. */
export interface RebuildParts {
  /** The object in the shadow's schema, without the policies that would work on it there. */
  readonly shadow: (object: CatalogObject) => readonly StatementBody[];
  /** The policies that `shadow` left out. */
  readonly settle: (object: CatalogObject) => readonly StatementBody[];
  /** Ends the policies of an object that is set aside, whichever it has. */
  readonly release: (object: CatalogObject) => readonly Sql[];
  /** Keeps jobs from dropping rows while they are copied, and lets them again. */
  readonly pause: (object: CatalogObject, paused: boolean) => readonly Sql[];
  /** Rows (place, source, part) of the slices in which a table is copied; undefined: by its pages. */
  readonly slices: (object: CatalogObject) => Sql | undefined;
  /** PL/pgSQL after each slice. */
  readonly afterSlice: (from: CatalogObject, shadow: CatalogObject) => Sql | undefined;
  readonly refresh: (object: CatalogObject) => StatementBody;
  /** Buckets of `from` that are older than all that `to` could compute again. */
  readonly carry: (from: CatalogObject, to: CatalogObject) => StatementBody;
  /** Indexes that do not move to another schema with their object are called otherwise while both sides exist. */
  readonly renameIndexes: (object: CatalogObject, from: IndexStage | undefined, to: IndexStage | undefined) => readonly Sql[];
}

export type IndexStage = "dw_shadow" | "dw_held";

const guardText = template("postgres/guard-rebuild.sql", { relation: "sql", ours: "sql" });
const functionText = template("postgres/note-changes.sql", { function: "sql", body: "sql" });
const functionBody = template("postgres/note-changes-body.sql", { changes: "sql", key: [{ column: "sql" }] });
const copyText = template("postgres/copy-slices.sql", { slices: "sql", insert: "sql", after: "sql?" });
const compareText = template("postgres/compare-copy.sql", { columns: "sql", from: "sql", to: "sql", title: "sql" });

/** The schemas that a rebuild of this object uses. Introspection passes them over: see live-catalog.ts. */
const shadowSchema = (name: readonly string[]): string => derivedName(name, "dw_shadow");

/** One for each change, because the next rebuild of an object may come while the last one's old table is still held. */
function heldSchema(from: CatalogObject, to: CatalogObject): string {
  return derivedName([...to.name, textHash(stableJson([from.body, to.body])).slice(0, 6)], "dw_held");
}

/** Pages of a plain table that are copied and committed at once: 16 MiB. */
const SLICE_PAGES = 2048;

interface Rebuild {
  readonly from: CatalogObject;
  readonly to: CatalogObject;
  readonly why: string;
  readonly now: boolean;
  readonly making: Making;
  readonly parts: RebuildParts;
  readonly shadow: string;
  readonly held: string;
  /** Continuous aggregates, which are built beside the old ones, and what is only dropped and made again. */
  readonly swapped: readonly Along[];
  readonly remade: readonly Along[];
}

export function rebuild(operation: RebuildOperation, making: Making): StatementBody[] {
  const { from, object: to, why } = operation;
  const along = operation.with ?? [];
  const isAggregate = ({ object }: Along): boolean => object.kind === "continuous-aggregate";
  const work: Rebuild = {
    from,
    to,
    why,
    now: operation.now === true,
    making,
    parts: making.rebuild,
    shadow: shadowSchema(to.name),
    held: heldSchema(from, to),
    swapped: along.filter(isAggregate),
    remade: along.filter((one) => !isAggregate(one)),
  };
  const statements = postgresObject(to).kind === "table" ? rebuildTable(work) : rebuildAggregate(work);
  return statements.map((body) => ({ ...body, reach: "rebuild" }));
}

const moved = (object: CatalogObject, schema: string): CatalogObject => ({ ...object, name: [schema, object.name.at(-1) ?? ""] });
const nameOf = (object: CatalogObject): Sql => id(...object.name);
const relation = (object: CatalogObject): Sql => lit(nameOf(object).text);

function rebuildTable(work: Rebuild): StatementBody[] {
  const [from, to] = [work.from as TableObject, work.to as TableObject]; // rebuild() has asked for the kind
  const shared = sharedColumns(from.body, to.body);
  const key = from.body.primaryKey?.columns.filter((column) => shared.includes(column)) ?? [];
  const isNoted = key.length > 0 && key.length === from.body.primaryKey?.columns.length;
  const copy: Copy = { work, from, to, shared, key, casts: castsOf(from.body, to.body, shared) };
  return isNoted ? besideWriters(copy) : underLock(copy);
}

interface Copy {
  readonly work: Rebuild;
  readonly from: TableObject;
  readonly to: TableObject;
  /** Columns that both have, as they are called afterwards, without computed ones. */
  readonly shared: readonly string[];
  /** Key before; empty when changed rows cannot be told. */
  readonly key: readonly string[];
  /** `shared` of the old table in the types of the new one. */
  readonly casts: Sql;
}

function sharedColumns(from: TableBody, to: TableBody): string[] {
  const before = new Set(from.columns.map(({ name }) => name));
  return to.columns.filter(({ name, generated }) => before.has(name) && generated === undefined).map(({ name }) => name);
}

function castsOf(from: TableBody, to: TableBody, shared: readonly string[]): Sql {
  const typeIn = (body: TableBody, name: string): string => body.columns.find((column) => column.name === name)?.type ?? "";
  return join(
    shared.map((name) => {
      const type = typeIn(to, name);
      return typeIn(from, name) === type ? id(name) : castText(id(name), typeIn(from, name), type);
    }),
  );
}

/** Writers go on while rows are copied; a trigger notes the keys of what they change. */
function besideWriters(copy: Copy): StatementBody[] {
  const { work, from, to } = copy;
  return [
    ...repeatable(prepare(copy)),
    copySlices(copy),
    ...shadowAggregates(work, work.shadow),
    ...swap(work, [
      sql`LOCK TABLE ${nameOf(from)} IN SHARE ROW EXCLUSIVE MODE`,
      ...catchUp(copy),
      compare(copy, nameOf(moved(to, work.shadow))),
      sql`DROP TRIGGER dw_note ON ${nameOf(from)}`,
      sql`DROP TRIGGER dw_no_truncate ON ${nameOf(from)}`,
    ]),
    ...refreshes(work),
    ...farewell(work),
  ];
}

/** Without a key nobody could tell which rows changed: writers wait for the copy. */
function underLock(copy: Copy): StatementBody[] {
  const { work, from, to } = copy;
  const there = moved(to, work.shadow);
  const filled = sql`INSERT INTO ${nameOf(there)} (${columnList(copy.shared)})\nSELECT ${copy.casts}\nFROM ${nameOf(from)}`;
  const made = [guard(work), sql`CREATE SCHEMA ${id(work.shadow)}`.text, ...texts(work.parts.shadow(ownReferences(to, there)))];
  const copied = [sql`LOCK TABLE ${nameOf(from)} IN SHARE ROW EXCLUSIVE MODE`, filled, compare(copy, nameOf(there))];
  const aggregates = work.swapped.flatMap(({ object }) => texts(work.parts.shadow(shadowOf(work, object, work.shadow))));
  const carried = work.swapped.flatMap((one) => carryFrom(work, { ...one, from: moved(one.from, work.held) }, one.object));
  return [...swap(work, [...made, ...copied, ...aggregates]), ...refreshes(work), ...carried, ...farewell(work)];
}

/** Everything that a second run may do again: it begins by throwing the first one's away. */
function prepare({ work, from, to, key }: Copy): StatementBody[] {
  const { shadow, parts } = work;
  const changes = id(shadow, "dw_changes");
  const note = id(shadow, "dw_note");
  const noted = functionBody({ changes, key: key.map((column) => ({ column: id(column) })) });
  const there = moved(to, shadow);
  const on = (events: string, name: string, each: string): Sql =>
    sql`CREATE TRIGGER ${id(name)} AFTER ${raw(events)} ON ${nameOf(from)} FOR EACH ${raw(each)} EXECUTE FUNCTION ${note}()`;
  const undo = [...dropShadow(shadow), ...parts.pause(from, false)];
  return [
    statement(guard(work), { hazards: rebuildHazards(work), undo }),
    ...[
      ...dropShadow(shadow),
      sql`CREATE SCHEMA ${id(shadow)}`,
      ...texts(parts.shadow(ownReferences(to, there))),
      sql`CREATE TABLE ${changes} AS SELECT ${columnList(key)} FROM ${nameOf(from)} WITH NO DATA`,
      functionText({ function: note, body: raw(dollarQuoted(noted)) }),
      on("INSERT OR UPDATE OR DELETE", "dw_note", "ROW"),
      on("TRUNCATE", "dw_no_truncate", "STATEMENT"),
      ...parts.pause(from, true),
      slices(work),
    ].map(part),
  ];
}

/** CASCADE takes the trigger on the old table along, and nothing that is not in dw's own schema or bound to it. */
function dropShadow(shadow: string): Sql[] {
  return [sql`DROP SCHEMA IF EXISTS ${id(shadow)} CASCADE`];
}

function rebuildHazards({ why, from, to, swapped, remade }: Rebuild): Hazard[] {
  const where = displayName(to.name);
  const others = [...swapped, ...remade].map(({ object }) => displayName(object.name));
  const along = others.length === 0 ? "" : ` ${others.join(", ")} ${others.length === 1 ? "is" : "are"} made again with it.`;
  return [
    hazard("rewrites-table", `${why} Every row of ${where} is copied, which needs its size on disk once more.${along}`),
    hazard("blocks-writes", `Writes to ${where} wait while the copy is compared; readers wait for the swap only.`),
    ...lostValues(from as TableObject, to as TableObject).map((lost) => hazard("data-loss", lost)), // only tables come here
  ];
}

function lostValues(from: TableObject, to: TableObject): string[] {
  return from.body.columns.flatMap((old): string[] => {
    const column = to.body.columns.find(({ name }) => name === old.name);
    const where = `${displayName(to.name)}.${old.name}`;
    if (column === undefined) return old.generated === undefined ? [`The values of ${where} are lost.`] : [];
    if (retyping(old.type, column.type) !== "narrowing" || old.type === column.type) return [];
    return [`Values of ${where} that ${column.type} cannot hold are rounded, or the copy is refused.`];
  });
}

/** A table's references to itself mean the shadow while it is one. */
function ownReferences(to: TableObject, there: CatalogObject): CatalogObject {
  const own = displayName(to.name);
  const foreignKeys = to.body.foreignKeys.map((key) => (displayName(key.table) === own ? { ...key, table: there.name } : key));
  return { ...there, body: { ...to.body, foreignKeys } };
}

function guard(work: Rebuild): string {
  const ours = [work.from, ...work.swapped.map(({ from }) => from), ...work.remade.map(({ from }) => from)];
  return block(guardText({ relation: relation(work.from), ours: sql`ARRAY[${join(ours.map(relation))}]` }));
}

function slices({ from, shadow, parts }: Rebuild): Sql {
  const table = id(shadow, "dw_slices");
  const leaves = partitionsOf(from).filter(({ partitioning }) => partitioning === undefined);
  if (from.body.partitioning !== undefined) return sql`CREATE TABLE ${table} AS\n${partitionSlices(from, leaves)}`;
  const pages = sql`SELECT n AS place, ${relation(from)}::text AS source,
  format('ctid >= ''(%s,0)'' AND ctid < ''(%s,0)''', n * ${lit(SLICE_PAGES)}, (n + 1) * ${lit(SLICE_PAGES)}) AS part, FALSE AS done
FROM generate_series(0, pg_relation_size(${relation(from)}) / current_setting('block_size')::bigint / ${lit(SLICE_PAGES)}) AS n`;
  return sql`CREATE TABLE ${table} AS\n${parts.slices(from) ?? pages}`;
}

/** A partitioned table has no pages of its own. */
function partitionSlices(from: CatalogObject, leaves: readonly PartitionBody[]): Sql {
  const [schema = ""] = from.name;
  const list = join(leaves.map(({ name }) => sql`(${lit(id(schema, name).text)}::text)`));
  const all =
    leaves.length === 0 ? sql`SELECT NULL::text AS source WHERE FALSE` : sql`SELECT source FROM (VALUES ${list}) AS leaf (source)`;
  return sql`SELECT row_number() OVER (ORDER BY source) AS place, source, 'TRUE' AS part, FALSE AS done FROM (${all}) AS leaves`;
}

function copySlices({ work, to, shared, casts }: Copy): StatementBody {
  const there = moved(to, work.shadow);
  const escaped = (text: Sql): Sql => raw(text.text.replaceAll("%", "%%"));
  const insert = sql`INSERT INTO ${escaped(nameOf(there))} (${escaped(columnList(shared))}) SELECT ${escaped(casts)} FROM %s WHERE %s ON CONFLICT DO NOTHING`;
  const text = copyText({ slices: id(work.shadow, "dw_slices"), insert: lit(insert.text), after: work.parts.afterSlice(work.from, there) });
  return statement(block(text), {
    hazards: [hazard("not-transactional", "It commits slice by slice; an interrupted copy goes on with the next slice.")],
    undo: [],
    transactional: false,
    repeatable: true,
  });
}

/** Rows that changed since they were copied: taken out by key, and copied again where they still exist. */
function catchUp({ work, from, to, shared, key, casts }: Copy): Sql[] {
  const there = nameOf(moved(to, work.shadow));
  const changes = id(work.shadow, "dw_changes");
  const typeOf = (name: string): Sql => raw(to.body.columns.find((column) => column.name === name)?.type ?? "text");
  const same = join(
    key.map((column) => sql`copy.${id(column)} = noted.${id(column)}::${typeOf(column)}`),
    " AND ",
  );
  const keys = columnList(key);
  return [
    sql`DELETE FROM ${there} AS copy USING ${changes} AS noted WHERE ${same}`,
    sql`INSERT INTO ${there} (${columnList(shared)})\nSELECT ${casts}\nFROM ${nameOf(from)}\nWHERE (${keys}) IN (SELECT ${keys} FROM ${changes})`,
  ];
}

function compare({ from, casts }: Copy, there: Sql): string {
  return block(compareText({ columns: casts, from: nameOf(from), to: there, title: lit(displayName(from.name)) }));
}

/** An aggregate under its shadow's name, reading the shadows of what is swapped with it. */
function shadowOf({ to, swapped }: Rebuild, object: CatalogObject, schema: string): CatalogObject {
  const query = String(object.body.query);
  const relations = new Map([to, ...swapped.map((one) => one.object)].map((one) => [nameOf(one).text, nameOf(moved(one, schema)).text]));
  relations.delete(nameOf(object).text);
  return { ...moved(object, schema), body: { ...object.body, query: redirected(query, relations) } };
}

/** Made empty, filled, and given the buckets whose source rows are gone: readers still see the old ones. */
function shadowAggregates(work: Rebuild, schema: string): StatementBody[] {
  const { parts, swapped } = work;
  const shadows = swapped.map(({ from, object }) => ({ from, object, there: shadowOf(work, object, schema) }));
  return [
    ...repeatable([
      ...[...shadows].reverse().map(({ there }) => part(sql`DROP MATERIALIZED VIEW IF EXISTS ${nameOf(there)}`)),
      ...shadows.flatMap(({ there }) => texts(parts.shadow(there)).map(part)),
    ]),
    ...shadows.flatMap(({ from, object, there }) => [parts.refresh(there), ...carryFrom(work, { from, object }, there)]),
  ];
}

/** Only the same query makes the same buckets. */
function carryFrom({ parts }: Rebuild, { from, object }: Along, to: CatalogObject): StatementBody[] {
  return from.body.query === object.body.query ? [parts.carry(from, to)] : [];
}

/** The transaction in which the new ones take the names of the old. Its first statement has the way back for all of it. */
function swap(work: Rebuild, first: readonly (Sql | string)[]): StatementBody[] {
  const { from, to, held, shadow, swapped, remade, parts, making, now } = work;
  const old = [from, ...swapped.map((one) => one.from)];
  const made = [to, ...swapped.map((one) => one.object)];
  const all = [
    ...first,
    ...[...remade].reverse().flatMap((one) => detach(one.from, one.object, from)),
    ...old.flatMap((object) => parts.release(object)),
    sql`CREATE SCHEMA ${id(held)}`,
    ...old.flatMap((object) => [...setSchema(object, object.name, held), ...parts.renameIndexes(object, undefined, "dw_held")]),
    ...made.flatMap((object) => [
      ...setSchema(object, moved(object, shadow).name, object.name[0] ?? ""),
      ...parts.renameIndexes(object, "dw_shadow", undefined),
    ]),
    ...made.flatMap((object, index) => grantsLike(moved(old[index] ?? object, held), object)),
    ...remade.flatMap((one) => attach(one.from, one.object, from, to, making)),
    ...made.flatMap((object) => texts(parts.settle(object))),
    ...dropShadow(shadow),
    ...(now ? goodbye(work) : []),
  ];
  const [head, ...rest] = all;
  const undo = now ? undefined : wayBack(work);
  const hazards = [...lossHazards(work), ...(from.kind === "table" && first.length > 0 && !hasKey(from) ? rebuildHazards(work) : [])];
  return [statement(head ?? "", { hazards, ...(undo && { undo }) }), ...rest.map((text) => statement(text, now ? {} : { undo: [] }))];
}

function hasKey(object: CatalogObject): boolean {
  return object.body.primaryKey !== undefined;
}

/** A changed query cannot fill buckets whose source rows are gone. */
function lossHazards({ from, to, swapped }: Rebuild): Hazard[] {
  const changed = [{ from, object: to }, ...swapped].filter(
    (one) => one.object.kind === "continuous-aggregate" && one.from.body.query !== one.object.body.query,
  );
  return changed.map(({ object }) =>
    hazard("data-loss", `Buckets of ${displayName(object.name)} whose source rows are gone cannot be computed again by its new query.`),
  );
}

/** Partitions do not follow their table: they are named, too. */
function setSchema(object: CatalogObject, name: readonly string[], schema: string): Sql[] {
  const word = raw(object.kind === "table" ? "TABLE" : "MATERIALIZED VIEW");
  const [there = ""] = name;
  const all = [name, ...partitionsOf(object).map((partition) => [there, partition.name])];
  return all.map((one) => sql`ALTER ${word} ${id(...one)} SET SCHEMA ${id(schema)}`);
}

function partitionsOf({ kind, body }: CatalogObject): PartitionBody[] {
  return kind === "table" ? allPartitions((body as TableBody).partitioning) : []; // only tables are partitioned
}

function grantsLike(from: CatalogObject, to: CatalogObject): string[] {
  return [keepGrants(from.name, to.name), restoreGrants(to.name)];
}

function referencesTo(object: CatalogObject, table: CatalogObject): readonly ForeignKeyBody[] {
  const { foreignKeys } = object.body as TableBody; // only tables are asked
  return foreignKeys.filter((key) => displayName(key.table) === displayName(table.name));
}

/** What is bound to the old table lets go of it. */
function detach(object: CatalogObject, next: CatalogObject, table: CatalogObject): (Sql | string)[] {
  if (object.kind !== "table") return [keepGrants(object.name, next.name), dropText(object)];
  return referencesTo(object, table).map(({ name }) => sql`ALTER TABLE ${nameOf(object)} DROP CONSTRAINT ${id(name)}`);
}

function attach(before: CatalogObject, object: CatalogObject, from: CatalogObject, to: CatalogObject, making: Making): string[] {
  if (object.kind !== "table") return [...making.create(object).map(({ text }) => text), restoreGrants(object.name)];
  return referencesTo(before, from).map(
    (key) => sql`ALTER TABLE ${nameOf(object)} ADD ${foreignKeyClause({ ...key, table: to.name })}`.text,
  );
}

/** Back to the old ones, with the rows that the new table got since; while they are held. */
function wayBack(work: Rebuild): (Sql | string)[] {
  const { from, to, held, swapped, remade, parts, making } = work;
  const old = [from, ...swapped.map((one) => one.from)];
  const made = [to, ...swapped.map((one) => one.object)];
  return [
    ...(from.kind === "table" ? bringRows(from as TableObject, to as TableObject, held) : []), // the kinds are equal
    ...[...remade].reverse().flatMap((one) => detach(one.object, one.from, to)),
    ...[...made].reverse().map(dropText),
    ...old.flatMap((object) => [
      ...setSchema(object, moved(object, held).name, object.name[0] ?? ""),
      ...parts.renameIndexes(object, "dw_held", undefined),
    ]),
    ...remade.flatMap((one) => attach(one.from, one.from, from, from, making)),
    ...old.flatMap((object) => texts(parts.settle(object))),
    sql`DROP SCHEMA ${id(held)}`,
  ];
}

/** Rows written since the swap, by key; without a key there is no telling, and a difference in number stops the way back. */
function bringRows(from: TableObject, to: TableObject, held: string): (Sql | string)[] {
  const back = moved(from, held);
  const shared = sharedColumns(to.body, from.body);
  const key = from.body.primaryKey?.columns.filter((column) => shared.includes(column)) ?? [];
  if (key.length === 0) {
    const differ = sql`(SELECT count(*) FROM ${nameOf(to)}) <> (SELECT count(*) FROM ${nameOf(back)})`;
    const message = lit(`${displayName(to.name)} has been written to since it was rebuilt, and has no key to tell which rows are new`);
    return [block(sql`BEGIN\n  IF ${differ} THEN\n    RAISE EXCEPTION USING MESSAGE = ${message};\n  END IF;\nEND`.text)];
  }
  const typeOf = (name: string): Sql => raw(from.body.columns.find((column) => column.name === name)?.type ?? "text");
  const same = join(
    key.map((column) => sql`held.${id(column)} = written.${id(column)}::${typeOf(column)}`),
    " AND ",
  );
  return [
    sql`INSERT INTO ${nameOf(back)} (${columnList(shared)})\nSELECT ${castsOf(to.body, from.body, shared)}\nFROM ${nameOf(to)} AS written\nWHERE NOT EXISTS (SELECT FROM ${nameOf(back)} AS held WHERE ${same})`,
  ];
}

function refreshes({ parts, swapped }: Rebuild): StatementBody[] {
  return swapped.map(({ object }) => parts.refresh(object));
}

function goodbye({ from, held, swapped }: Rebuild): Sql[] {
  const old = [from, ...swapped.map((one) => one.from)].map((object) => moved(object, held));
  return [...old.reverse().map(dropIfThere), sql`DROP SCHEMA IF EXISTS ${id(held)}`];
}

function dropIfThere(object: CatalogObject): Sql {
  return sql`DROP ${raw(object.kind === "table" ? "TABLE" : "MATERIALIZED VIEW")} IF EXISTS ${nameOf(object)}`;
}

function farewell(work: Rebuild): StatementBody[] {
  return work.now ? [] : goodbye(work).map((text) => ({ ...statement(text), repeatable: true, held: true }));
}

/** A continuous aggregate with another query: built and filled beside the old one, then swapped. */
function rebuildAggregate(work: Rebuild): StatementBody[] {
  const own: Along = { from: work.from, object: work.to };
  const beside: Rebuild = { ...work, swapped: [own, ...work.swapped] };
  const undo = dropShadow(work.shadow);
  return [
    ...repeatable([statement(guard(work), { undo }), ...[...dropShadow(work.shadow), sql`CREATE SCHEMA ${id(work.shadow)}`].map(part)]),
    ...shadowAggregates(beside, work.shadow),
    ...swap(work, []),
    ...farewell(work),
  ];
}

function texts(statements: readonly StatementBody[]): string[] {
  return statements.map(({ text }) => text);
}

/** A statement whose way back is that of an earlier one. */
function part(text: Sql | string): StatementBody {
  return statement(text, { undo: [] });
}

function repeatable(statements: readonly StatementBody[]): StatementBody[] {
  return statements.map((body) => ({ ...body, repeatable: true }));
}

/** A dependant that steps aside while what it reads changes, and takes its grants along. */
export function stepAside(object: CatalogObject, making: Making): StatementBody[] {
  const back = [...making.create(object).map(({ text }) => text), restoreGrants(object.name)];
  const lost = hazard("data-loss", `Buckets of ${displayName(object.name)} whose source rows are gone cannot be computed again.`);
  const hazards = object.kind === "continuous-aggregate" ? [lost] : [];
  return [statement(keepGrants(object.name, object.name), { undo: [] }), statement(dropText(object), { hazards, undo: back })];
}

export function comeBack(object: CatalogObject, making: Making): StatementBody[] {
  const [head, ...rest] = making.create(object);
  const undo = [keepGrants(object.name, object.name), dropText(object)];
  return [statement(head?.text ?? "", { undo }), ...harmless(rest), statement(restoreGrants(object.name), { undo: [] })];
}
