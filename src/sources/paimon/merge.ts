import { type Aggregate, aggregate } from "./aggregates.js";
import { duckType, text } from "./duckdb.js";
import { alone, anyOrder, grouped, lastNonNull, picked, type VersionOrder } from "./grouped.js";
import { damaged, unsupported } from "./letters.js";
import type { SequenceGroup, TableOptions } from "./options.js";
import { type TableSchema, trimmedKey } from "./schema.js";
import type { PaimonField } from "./types.js";

/*
 * Merge engines (Paimon, "Primary Key Table / Merge Engine") as SQL over the versions of a section's rows. The source has
 * the columns g (partition and bucket), s (_SEQUENCE_NUMBER), k (_VALUE_KIND: 0 +I, 1 -U, 2 +U, 3 -D), l (level), and one
 * column for each table column that is needed. The answer has the latter.
 */

export interface MergeColumn {
  readonly alias: string;
  readonly field: PaimonField;
}

export interface Merge {
  /** The table's columns that must be in the source for these columns to be merged. */
  readonly needs: (wanted: readonly PaimonField[]) => readonly PaimonField[];
  readonly sql: (versions: Versions, columns: readonly MergeColumn[]) => string;
  /**
   * The same in pieces, by the keys' hash, when folding all keys with changes at once would take much memory: a SELECT of
   * what streams by, and one for each piece. Undefined when DuckDB merges in bounded memory.
   */
  readonly pieces: (versions: Versions, columns: readonly MergeColumn[], changedRows: number) => Pieces | undefined;
}

export interface Pieces {
  readonly streamed: string | undefined;
  readonly folded: readonly string[];
}

/**
 * The versions of a chunk's rows in two: a base in which each key is at most once, which is most of a table that is
 * compacted now and then, and the changes since. Only keys with changes have to be merged; the others stream by.
 */
export interface Versions {
  /** Absent where every file is a change. */
  readonly base?: string;
  readonly changes: string;
  /** Every change is newer than everything in the base. */
  readonly newer: boolean;
  /** No key has two changes. */
  readonly single: boolean;
  /** No version takes anything back, and a key has at most one version above level 0. */
  readonly plain: boolean;
  /** Versions come from tables that number theirs each by itself. */
  readonly twins?: boolean;
}

/** Throws DW-SOURCE-UNSUPPORTED from `sql` where a column has an aggregate function that dw does not follow. */
export function mergeOf(schema: TableSchema, options: TableOptions): Merge {
  const field = (name: string): PaimonField => {
    const found = schema.fields.find((candidate) => candidate.name === name);
    if (found === undefined) throw damaged(`schema-${schema.id}`, `Its options name the column ${name}, which it does not have.`);
    return found;
  };
  const order = options.sequenceFields.map(field);
  const groups = options.sequenceGroups;
  const keys = trimmedKey(schema);
  return {
    needs: (wanted) => {
      const grouped = groups.filter((group) => wanted.some(({ name }) => group.members.includes(name) || group.sequence.includes(name)));
      const all = [...wanted, ...keys, ...order, ...grouped.flatMap((group) => group.sequence.map(field))];
      return schema.fields.filter((candidate) => all.includes(candidate));
    },
    sql: (versions, columns) => {
      const merge = { columns, schema, options, keys };
      return layered(
        versions.twins ? { ...versions, changes: toldApart({ ...merge, source: versions.changes, plain: false }) } : versions,
        merge,
      );
    },
    pieces: (versions, columns, changedRows) => {
      const work = { columns, schema, options, keys, source: versions.changes, plain: versions.plain };
      const folds = options.mergeEngine === "aggregation" || options.mergeEngine === "partial-update";
      const count = Math.ceil(changedRows / ROWS_A_PIECE);
      if (!folds || versions.twins || count < 2 || columnwise(work) !== undefined) return undefined;
      const hash = `hash(${groupKeys(work)})`;
      const folded = Array.from({ length: count }, (_, piece) => {
        const changes = `SELECT * FROM (${versions.changes}) WHERE ${hash} % ${count} = ${piece}`;
        return engines[options.mergeEngine ?? "deduplicate"]({ ...work, source: withBase(work, changes, versions.base) });
      });
      return { streamed: versions.base === undefined ? undefined : untouched(work, versions.changes, versions.base), folded };
    },
  };
}

/** Of two versions that nothing orders, and that are not the same, the reference takes the one or the other. */
function toldApart(work: Work): string {
  const values = `hash(${["k", ...work.columns.map(({ alias }) => alias)].join(", ")})`;
  const order = [...work.options.sequenceFields.map((name) => aliasOf(work, name)), "s"].join(", ");
  const same = `PARTITION BY ${groupKeys(work)}, ${order}`;
  const what = "two branches of a chain table have another version of a row with the same sequence field and number";
  return `SELECT * FROM (${work.source}) QUALIFY CASE WHEN min(${values}) OVER (${same}) <> max(${values}) OVER (${same}) THEN ${refusal(what)} ELSE true END`;
}

/** A fold holds all versions of its keys: about a kilobyte each. */
const ROWS_A_PIECE = 100_000;

function layered(versions: Versions, merge: Omit<Work, "source" | "plain">): string {
  const { base, changes } = versions;
  const work = { ...merge, source: changes, plain: versions.plain };
  const engine = engines[work.options.mergeEngine ?? "deduplicate"];
  if (base === undefined) return engine(work);
  const merged = overtakes(work, versions) ? newest(work, versions) : engine({ ...work, source: withBase(work, changes, base) });
  return `${untouched(work, changes, base)}\nUNION ALL\n${merged}`;
}

/** The base's rows whose keys have no changes. */
function untouched(work: Work, changes: string, base: string): string {
  const columns = work.columns.map(({ alias }) => alias).join(", ");
  const rows = `SELECT b.* FROM (${base}) AS b ANTI JOIN (SELECT ${keyNames(work).join()} FROM (${changes})) AS u ON ${sameKey(work)}`;
  return `SELECT ${columns} FROM (${rows}) WHERE ${VISIBLE}`;
}

/** The changes and those of the base's rows that have their keys. */
function withBase(work: Work, changes: string, base: string | undefined): string {
  if (base === undefined) return changes;
  return `${changes}\nUNION ALL\nSELECT b.* FROM (${base}) AS b SEMI JOIN (SELECT ${keyNames(work).join()} FROM (${changes})) AS u ON ${sameKey(work)}`;
}

function sameKey(work: Work): string {
  return keyNames(work)
    .map((key) => `${comparedKey(work, key, "b.")} IS NOT DISTINCT FROM ${comparedKey(work, key, "u.")}`)
    .join(" AND ");
}

/** The last version of a key with changes is one of the changes: the base's versions need not be read. */
function overtakes({ options }: Work, versions: Versions): boolean {
  return versions.newer && options.mergeEngine === "deduplicate" && !options.ignoreDelete && options.sequenceFields.length === 0;
}

function newest(work: Work, versions: Versions): string {
  if (!versions.single) return oneVersion(work, "last");
  return `SELECT ${work.columns.map(({ alias }) => alias).join(", ")} FROM (${work.source}) WHERE ${VISIBLE}`;
}

interface Work {
  readonly source: string;
  readonly plain: boolean;
  readonly columns: readonly MergeColumn[];
  readonly schema: TableSchema;
  readonly options: TableOptions;
  readonly keys: readonly PaimonField[];
}

const engines: Readonly<Record<NonNullable<TableOptions["mergeEngine"]>, (work: Work) => string>> = {
  deduplicate: (work) => oneVersion(work, "last"),
  "first-row": (work) => oneVersion(work, "first"),
  "partial-update": (work) => columnwise(work) ?? folded(work, partialUpdate(work)),
  aggregation: (work) => columnwise(work) ?? folded(work, aggregation(work)),
};

function columnwise(work: Work): string | undefined {
  return byColumn(work, work.options.mergeEngine === "aggregation" ? aggregatedColumn : partialColumn);
}

/** Where nothing is taken back, each column may be merged by itself; undefined when one needs others or the fold's state. */
function byColumn(work: Work, merged: (work: Work, column: MergeColumn, order: VersionOrder) => string | undefined): string | undefined {
  if (!work.plain) return undefined;
  const order = { list: versionOrder(work, "oldest-first"), by: work.options.sequenceFields.length === 0 ? "s" : undefined };
  const values = work.columns.map((column) => merged(work, column, order));
  if (values.includes(undefined)) return undefined;
  const list = work.columns.map(({ alias, field }, index) => `${typed(values[index] ?? "NULL", field)} AS ${alias}`);
  return `SELECT ${list.join(", ")} FROM (${work.source}) GROUP BY ${groupKeys(work)}`;
}

function aggregatedColumn({ schema, options }: Work, { alias, field }: MergeColumn, order: VersionOrder): string | undefined {
  return grouped(aggregationName(field.name, schema, options), alias, field, options.field(field.name), order);
}

function partialColumn(work: Work, { alias, field }: MergeColumn, order: VersionOrder): string | undefined {
  const { schema, options } = work;
  if (schema.primaryKeys.includes(field.name)) return `any_value(${alias})`;
  const groups = options.sequenceGroups.filter((group) => readable(work, group));
  const group = groups.find(({ members, sequence }) => members.includes(field.name) || sequence.includes(field.name));
  const name = group?.sequence.includes(field.name) === true ? undefined : options.field(field.name).aggregate;
  if (group === undefined) {
    return name === undefined || groups.length === 0
      ? lastNonNull(alias, field, order)
      : grouped(name, alias, field, options.field(field.name), order);
  }
  const sequence = group.sequence.map((member) => aliasOf(work, member));
  const newestLast = group.sequence.map((member) => sortedBy(work, member, true, "FIRST"));
  const rows = ` FILTER (WHERE ${sequence.map((member) => `${member} IS NOT NULL`).join(" OR ")})`;
  if (name !== undefined) {
    const value = anyOrder(name, alias, field, rows);
    return value === undefined ? undefined : alone(alias, field, value);
  }
  const list = [...newestLast, order.list].join(", ");
  return alone(alias, field, picked("last", alias, field, list, rows));
}

const VISIBLE = "k IN (0, 2)";
const RETRACTS = "k IN (1, 3)";

function aliasOf(work: Work, name: string): string {
  const column = work.columns.find(({ field }) => field.name === name);
  if (column === undefined) throw new RangeError(`the column ${name} is needed for the merge and was not read`);
  return column.alias;
}

/** Ascending, null first, whichever way the sequence field is sorted; ties go by sequence number. */
function versionOrder(work: Work, direction: "oldest-first" | "newest-first"): string {
  const oldest = direction === "oldest-first";
  const ascending = oldest !== work.options.sequenceDescending;
  const fields = work.options.sequenceFields.map((name) => sortedBy(work, name, ascending, oldest ? "FIRST" : "LAST"));
  return [...fields, `s ${oldest ? "ASC" : "DESC"}`].join(", ");
}

/** -0.0 comes before 0.0; a float by which a window sorts would come out of it as 0.0, the sum with nothing does not. */
function sortedBy(work: Work, name: string, ascending: boolean, nulls: "FIRST" | "LAST"): string {
  const alias = aliasOf(work, name);
  const [way, back] = ascending ? ["ASC", "DESC"] : ["DESC", "ASC"];
  return isFloat(work, alias) ? `(${alias} + 0) ${way} NULLS ${nulls}, signbit(${alias}) ${back}` : `${alias} ${way} NULLS ${nulls}`;
}

function isFloat(work: Work, key: string): boolean {
  const field = work.columns.find(({ alias }) => alias === key)?.field;
  return field?.type.kind === "atomic" && field.type.logical.kind === "float";
}

function groupKeys(work: Work): string {
  return keyNames(work)
    .map((key) => comparedKey(work, key))
    .join(", ");
}

function keyNames(work: Work): readonly string[] {
  return ["g", ...work.keys.map((key) => aliasOf(work, key.name))];
}

/** -0.0 and 0.0 are two keys to Paimon and one to DuckDB, whose windows give it back as 0.0; their texts differ. */
function comparedKey(work: Work, key: string, of = ""): string {
  return isFloat(work, key) ? `CAST(${of}${key} AS VARCHAR)` : `${of}${key}`;
}

function oneVersion(work: Work, which: "first" | "last"): string {
  const versions = work.options.ignoreDelete ? `(SELECT * FROM (${work.source}) WHERE NOT ${RETRACTS})` : `(${work.source})`;
  const order = versionOrder(work, which === "last" ? "newest-first" : "oldest-first");
  const picked = `SELECT * FROM ${versions} QUALIFY row_number() OVER (PARTITION BY ${groupKeys(work)} ORDER BY ${order}) = 1`;
  return `SELECT ${work.columns.map(({ alias }) => alias).join(", ")} FROM (${picked}) WHERE ${VISIBLE}`;
}

/** SQL of the accumulator's next state by member, from accumulator `a` and version `x`. */
type Step = Readonly<Record<string, string>>;

/**
 * Versions are folded oldest first. A key with one version is taken as it is, even where the engine would have changed it:
 * so does the reference reader.
 */
function folded(work: Work, step: Step): string {
  const flags = work.columns.map(({ alias }) => `${alias}_seen := false`);
  const pack = (kind: string, level: string, value: (column: MergeColumn) => string): string =>
    `struct_pack(k := ${kind}, l := ${level}, met := false, filled := false, ${[...work.columns.map((column) => `${column.alias} := ${value(column)}`), ...flags].join(", ")})`;
  const item = pack("CAST(k AS TINYINT)", "CAST(l AS INTEGER)", ({ alias }) => alias);
  const nothing = pack("CAST(3 AS TINYINT)", "CAST(0 AS INTEGER)", ({ field }) => `CAST(NULL AS ${duckType(field.type)})`);
  const next = `struct_pack(${Object.entries(step)
    .map(([member, sql]) => `${member} := ${sql}`)
    .join(", ")})`;
  // With lookup compaction a key's lowest level above 0 has already taken in the levels below it.
  const versions = work.options.lookup ? "list_filter(items, lambda i: i.l = 0 OR i.l = low)" : "items";
  const grouped = `SELECT count(*) AS n, list(${item} ORDER BY ${versionOrder(work, "oldest-first")}) AS items, min(l) FILTER (WHERE l > 0) AS low FROM (${work.source}) GROUP BY ${groupKeys(work)}`;
  const merged = `SELECT CASE WHEN n = 1 THEN items[1] ELSE list_reduce(${versions}, lambda a, x: ${next}, ${nothing}) END AS r FROM (${grouped})`;
  return `SELECT ${work.columns.map(({ alias }) => `r.${alias} AS ${alias}`).join(", ")} FROM (${merged}) WHERE r.${VISIBLE}`;
}

function functionOf(work: Work, field: PaimonField, name: string): Aggregate {
  const found = aggregate(name, { type: field.type, options: work.options.field(field.name) });
  if (found !== undefined) return found;
  throw unsupported(
    `The column ${field.name} is merged with the aggregate function ${name}.`,
    "dw does not compute this function, and some keys have several versions that it would have to merge.",
    "Read the other columns only, or compact the table fully with Paimon, so that each key has one version.",
  );
}

function refusal(what: string): string {
  return `error(${text(`DW-SOURCE-UNSUPPORTED: ${what}`)})`;
}

const RETRACT = "(x.k = 1 OR x.k = 3)";

function aggregation(work: Work): Step {
  const { options, schema } = work;
  const step: Record<string, string> = {
    k: options.removeOnDelete ? "CAST(CASE WHEN x.k = 3 THEN 3 ELSE 0 END AS TINYINT)" : "CAST(0 AS TINYINT)",
    l: "x.l",
    met: "true",
    filled: "true",
  };
  for (const { alias, field } of work.columns) {
    const fold = functionOf(work, field, aggregationName(field.name, schema, options));
    const [acc, value, seen] = [`a.${alias}`, `x.${alias}`, `a.${alias}_seen`];
    const added = fold.add(acc, value, seen);
    const retracted = fold.retract?.(acc, value) ?? refusal(`${field.name}: its aggregate function cannot take a value back`);
    const removed = options.removeOnDelete ? `WHEN x.k = 3 THEN ${value} ` : "";
    step[alias] = typed(`CASE ${removed}WHEN ${RETRACT} THEN ${retracted} ELSE ${added.value} END`, field);
    step[`${alias}_seen`] = added.seen === undefined ? "false" : `CASE WHEN ${RETRACT} THEN ${seen} ELSE ${added.seen} END`;
  }
  return ordered(work, step);
}

function aggregationName(name: string, schema: TableSchema, options: TableOptions): string {
  if (options.sequenceFields.includes(name)) return "last_value";
  if (schema.primaryKeys.includes(name)) return "primary-key";
  return options.field(name).aggregate ?? "last_non_null_value";
}

/** The members in the order of the accumulator, whose type they must have. */
function ordered(work: Work, step: Step): Step {
  const names = ["k", "l", "met", "filled", ...work.columns.map(({ alias }) => alias), ...work.columns.map(({ alias }) => `${alias}_seen`)];
  return Object.fromEntries(names.map((name) => [name, step[name] ?? "NULL"]));
}

function typed(sql: string, field: PaimonField): string {
  return `CAST(${sql} AS ${duckType(field.type)})`;
}

/** A group of a partial-update table: whether a version says anything about it, and whether it is as new as what is there. */
interface GroupTest {
  readonly group: SequenceGroup;
  readonly empty: string;
  readonly newer: (base: (alias: string) => string) => string;
}

function partialUpdate(work: Work): Step {
  const { options } = work;
  const tests = options.sequenceGroups.filter((group) => readable(work, group)).map((group) => groupTest(work, group));
  const accumulated = (alias: string): string => `a.${alias}`;
  // The first version fills every column, even when it takes values back.
  const base = (alias: string): string => `(CASE WHEN a.filled THEN a.${alias} ELSE x.${alias} END)`;
  const removes = removal(work, tests, base);
  const step: Record<string, string> = {
    k: `CAST(CASE WHEN NOT ${RETRACT} THEN 0 WHEN ${removes} THEN 3 WHEN a.met THEN 0 ELSE 3 END AS TINYINT)`,
    l: "x.l",
    met: `(a.met OR NOT ${RETRACT})`,
    filled: "true",
  };
  for (const { alias, field } of work.columns) {
    const test = tests.find(({ group }) => group.members.includes(field.name) || group.sequence.includes(field.name));
    const isSequence = test?.group.sequence.includes(field.name) === true;
    const fold = partialFunction(work, field, isSequence);
    const updated = test === undefined ? ungrouped(alias, fold, tests.length > 0) : inGroup(alias, test, fold, accumulated, isSequence);
    const retracted = retraction(work, alias, test, fold, base, isSequence);
    step[alias] = typed(`CASE WHEN NOT ${RETRACT} THEN ${updated.value} WHEN ${removes} THEN x.${alias} ELSE ${retracted} END`, field);
    step[`${alias}_seen`] = updated.seen === undefined ? "false" : `CASE WHEN ${RETRACT} THEN a.${alias}_seen ELSE ${updated.seen} END`;
  }
  return ordered(work, step);
}

function readable(work: Work, group: SequenceGroup): boolean {
  return group.sequence.every((name) => work.columns.some(({ field }) => field.name === name));
}

function groupTest(work: Work, group: SequenceGroup): GroupTest {
  const aliases = group.sequence.map((name) => aliasOf(work, name));
  return {
    group,
    empty: `(${aliases.map((alias) => `x.${alias} IS NULL`).join(" AND ")})`,
    newer: (base) =>
      aliases.reduceRight((rest, alias) => {
        const [next, old] = [`x.${alias}`, base(alias)];
        // Null is the oldest.
        const greater = `(${next} IS NOT NULL AND (${old} IS NULL OR ${next} > ${old}))`;
        return `(${greater} OR (${next} IS NOT DISTINCT FROM ${old} AND ${rest}))`;
      }, "true"),
  };
}

function partialFunction(work: Work, field: PaimonField, isSequence: boolean): Aggregate | undefined {
  if (isSequence) return undefined;
  if (work.schema.primaryKeys.includes(field.name)) return functionOf(work, field, "primary-key");
  const name = work.options.field(field.name).aggregate;
  return name === undefined ? undefined : functionOf(work, field, name);
}

interface Updated {
  readonly value: string;
  readonly seen?: string;
}

/** Without any sequence group functions do not apply: the last value that is not null stays. */
function ungrouped(alias: string, fold: Aggregate | undefined, hasGroups: boolean): Updated {
  if (fold === undefined || !hasGroups) return { value: `coalesce(x.${alias}, a.${alias})` };
  return fold.add(`a.${alias}`, `x.${alias}`, `a.${alias}_seen`);
}

function inGroup(
  alias: string,
  test: GroupTest,
  fold: Aggregate | undefined,
  accumulated: (alias: string) => string,
  isSequence: boolean,
): Updated {
  const [acc, value, seen] = [`a.${alias}`, `x.${alias}`, `a.${alias}_seen`];
  const newer = test.newer(accumulated);
  if (fold === undefined || isSequence) return { value: `CASE WHEN ${test.empty} OR NOT ${newer} THEN ${acc} ELSE ${value} END` };
  const [added, older] = [fold.add(acc, value, seen), fold.addOlder(acc, value, seen)];
  const choose = (member: "value" | "seen", kept: string): string =>
    `CASE WHEN ${test.empty} THEN ${kept} WHEN ${newer} THEN ${added[member] ?? kept} ELSE ${older[member] ?? kept} END`;
  return added.seen === undefined ? { value: choose("value", acc) } : { value: choose("value", acc), seen: choose("seen", seen) };
}

/** Whether a version removes the whole row. */
function removal(work: Work, tests: readonly GroupTest[], base: (alias: string) => string): string {
  const { options } = work;
  if (options.ignoreDelete) return "false";
  if (options.sequenceGroups.length === 0) return options.removeOnDelete ? "(x.k = 3)" : "false";
  const removing = tests.filter(({ group }) => group.sequence.some((name) => options.removeOnSequenceGroup.includes(name)));
  const any = removing.map((test) => `(NOT ${test.empty} AND ${test.newer(base)})`).join(" OR ");
  return any === "" ? "false" : `(x.k = 3 AND (${any}))`;
}

function retraction(
  work: Work,
  alias: string,
  test: GroupTest | undefined,
  fold: Aggregate | undefined,
  base: (alias: string) => string,
  isSequence: boolean,
): string {
  const { options } = work;
  if (options.ignoreDelete) return base(alias);
  if (options.sequenceGroups.length === 0) {
    return options.removeOnDelete ? base(alias) : refusal("a partial-update table without ignore-delete has rows that take values back");
  }
  if (test === undefined) return base(alias);
  const newer = test.newer(base);
  if (isSequence) return `CASE WHEN ${test.empty} OR NOT ${newer} THEN ${base(alias)} ELSE x.${alias} END`;
  if (fold === undefined) return `CASE WHEN ${test.empty} OR NOT ${newer} THEN ${base(alias)} END`;
  const taken = fold.retract?.(base(alias), `x.${alias}`) ?? refusal("an aggregate function cannot take a value back");
  return `CASE WHEN ${test.empty} THEN ${base(alias)} ELSE ${taken} END`;
}
