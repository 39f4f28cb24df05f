import { createHash } from "node:crypto";
import { displayName } from "../../core/catalog.js";
import type { Hazard } from "../../core/hazard.js";
import { stableJson } from "../../core/json.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import { type ColumnBody, qualifiedName, type StarrocksObject, type TableBody } from "./body.js";
import { createTable, quoted } from "./create.js";
import { starrocks } from "./dialect.js";
import { retypeReach } from "./facts.js";
import { parseType } from "./types.js";

/*
 * What no ALTER leads to is built anew beside the old table: shadow, copy partition by partition, compare, swap, and a drop
 * that waits for the environment's hold, so that there is a way back until then. Each statement can be repeated after a
 * crash; what the text alone cannot say (labels, partitions) `wait` tells its runner (execute-rebuild.ts).
 */

const { sql, id, join, lit, raw } = starrocks;

export type TableObject = StarrocksObject & { readonly kind: "table" };

export function rebuild(from: TableObject, to: TableObject, why: string): StatementBody[] {
  const [database, name = ""] = qualifiedName(to);
  const table = id(database, name);
  const shadow = shadowName(from, to);
  const beside = id(database, shadow);
  const copy = copyOf(from.body, to.body);
  const label = `dw_${shadow.slice(-8)}`;
  const title = displayName(to.name);
  const plain = { transactional: false, hazards: [] as readonly Hazard[] };
  const dropShadow = sql`DROP TABLE IF EXISTS ${beside} FORCE`.text;
  const swap = sql`ALTER TABLE ${table} SWAP WITH ${id(shadow)}`.text;
  const insert = sql`INSERT INTO ${beside} WITH LABEL ${id(label)} (${names(copy.columns)}) SELECT ${join(copy.values)} FROM ${table}`.text;
  const made = createTable([database, shadow], to.body).text;
  const compare = comparison(table, beside, from.body, to.body);
  const at = { database, table: name, shadow, label };
  const texts = { copy: insert, compare, create: made, swap, upserts: to.body.table === "primary" || to.body.table === "unique" };
  const step = (job: string, more: object = {}) => ({ wait: { job: `starrocks-${job}`, args: { ...at, ...more } } });
  return [
    { ...plain, text: made, undo: [dropShadow], repeatable: true, ...step("shadow") },
    {
      ...plain,
      text: insert,
      hazards: copyHazards(from, to, why),
      undo: [], // the way back of the table before and behind it is theirs too
      repeatable: true,
      ...step("copy", { upserts: texts.upserts }),
    },
    { ...plain, text: compare, undo: [], repeatable: true, ...step("compare", { copy: insert, upserts: texts.upserts }) },
    {
      ...plain,
      text: swap,
      undo: [swap, sql`ALTER TABLE ${table} COMMENT = ${quoted(from.body.comment ?? "")}`.text],
      ...step("swap", texts),
      undoWait: step("swap-back", texts).wait,
    },
    // A note on the old table, in the words of its runner: which versions it was copied in.
    { ...plain, text: sql`SHOW PARTITIONS FROM ${beside}`.text, undo: [], repeatable: true, ...step("held", texts) },
    { ...plain, text: dropShadow, hazards: lostHazards(from, to, title), repeatable: true, held: true, ...step("drop-held") },
  ];
}

/** A name of its own for each way: the old table of an earlier rebuild may still be held under another one. */
function shadowName(from: TableObject, to: TableObject): string {
  const digest = createHash("sha256")
    .update(stableJson([from.body, to.body]), "utf8")
    .digest("hex")
    .slice(0, 8);
  return `${qualifiedName(to).at(-1) ?? ""}__dw_${digest}`;
}

interface Copy {
  readonly columns: readonly ColumnBody[];
  readonly values: readonly Sql[];
}

function copyOf(from: TableBody, to: TableBody): Copy {
  const columns = to.columns.filter((column) => column.generated === undefined && oldOf(from, column) !== undefined);
  return { columns, values: columns.map((column) => carried(from, column)) };
}

function oldOf(from: TableBody, { name }: ColumnBody): ColumnBody | undefined {
  return from.columns.find((column) => column.name === name);
}

const names = (columns: readonly ColumnBody[]): Sql => join(columns.map(({ name }) => id(name)));

/** A column that turns NOT NULL takes its default where the old table has NULL; without a default the copy fails, loudly. */
function carried(from: TableBody, column: ColumnBody): Sql {
  const old = oldOf(from, column);
  const literal = column.default && "literal" in column.default ? column.default.literal : undefined;
  return old?.nullable && !column.nullable && literal !== undefined ? sql`coalesce(${id(column.name)}, ${lit(literal)})` : id(column.name);
}

// ------------------------------------------------------------------------------------------------ hazards

function copyHazards(from: TableObject, to: TableObject, why: string): Hazard[] {
  const table = displayName(to.name);
  const narrowed = to.body.columns.filter((column) => narrows(oldOf(from.body, column), column));
  return [
    { kind: "rewrites-table", why: `every row of ${table} is copied, because ${why}` },
    { kind: "blocks-writes", why: `writers of ${table} have to pause: rows that come during the swap are noticed, and stop it` },
    ...narrowed.map(
      ({ name, type }): Hazard => ({ kind: "data-loss", why: `values of ${name} in ${table} that ${type} cannot hold are lost` }),
    ),
    ...(merges(from.body, to.body)
      ? [{ kind: "data-loss", why: `rows of ${table} with the same key (${to.body.key.join(", ")}) become one` } as const]
      : []),
  ];
}

function lostHazards(from: TableObject, to: TableObject, table: string): Hazard[] {
  const lost = from.body.columns.filter(({ name }) => !to.body.columns.some((column) => column.name === name));
  if (lost.length === 0) return [];
  return [{ kind: "data-loss", why: `the values of ${lost.map((column) => column.name).join(", ")} in ${table} are gone` }];
}

/** True where a conversion can change values. Every ALTER that the engine takes keeps them, except text that becomes something else. */
function narrows(old: ColumnBody | undefined, column: ColumnBody): boolean {
  if (!old || old.type === column.type) return false;
  return retypeReach(old.type, column.type, false) === "rebuild" || parseType(old.type)?.name === "varchar";
}

/** True where the new table joins rows that the old one keeps apart. */
function merges(from: TableBody, to: TableBody): boolean {
  if (to.table === "duplicate") return false;
  return from.table === "duplicate" || from.key.some((name) => !to.key.includes(name));
}

// ------------------------------------------------------------------------------------------------ comparison

/** Types that have no text, or one that differs from version to version: their values are counted. */
const COUNTED: ReadonlySet<string> = new Set(["array", "map", "struct", "json", "varbinary", "float", "double"]);
/** Sketches cannot even be counted. */
const SKETCHES: ReadonlySet<string> = new Set(["bitmap", "hll", "percentile"]);

/**
 * One row with both sides where they differ, none where they agree: rows (or keys, where rows merge), NULLs and an additive
 * hash of every column that is carried unchanged. Computed by the engine in one pass a side.
 */
function comparison(table: Sql, shadow: Sql, from: TableBody, to: TableBody): string {
  const merging = merges(from, to);
  const keys = merging ? to.key.filter((name) => from.columns.some((column) => column.name === name)) : [];
  const carriedColumns = copyOf(from, to).columns.filter(({ type }) => !SKETCHES.has(parseType(type)?.name ?? ""));
  // Where rows merge only the keys are the same afterwards.
  const compared = merging || to.table === "aggregate" ? carriedColumns.filter(({ name }) => to.key.includes(name)) : carriedColumns;
  const exact = compared.filter((column) => !narrows(oldOf(from, column), column));
  const side = (relation: Sql, isOld: boolean): Sql => {
    const value = (column: ColumnBody): Sql => (isOld ? carried(from, column) : id(column.name));
    const text = (column: ColumnBody): Sql =>
      sql`coalesce(CAST(CAST(${value(column)} AS ${raw(sharedType(from, column))}) AS VARCHAR), '')`;
    const hashed = exact.filter(({ type }) => !COUNTED.has(parseType(type)?.name ?? ""));
    const counts = compared.map((column, index) => sql`sum(CASE WHEN ${value(column)} IS NULL THEN 0 ELSE 1 END) AS ${id(`c${index}`)}`);
    const hash = hashed.length === 0 ? raw("0") : rowHash(hashed.map(text));
    const rows = keys.length > 0 ? sql`(SELECT DISTINCT ${join(keys.map((name) => id(name)))} FROM ${relation}) AS k` : relation;
    const own = keys.length > 0 ? compared.filter(({ name }) => keys.includes(name)) : compared;
    return sql`SELECT ${join([sql`count(*) AS n`, ...counts.slice(0, own.length), sql`sum(${hash}) AS h`])} FROM ${rows}`;
  };
  const differing = join(
    ["n", ...compared.map((_, index) => `c${index}`), "h"].map((name) => sql`NOT (o.${id(name)} <=> s.${id(name)})`),
    " OR ",
  );
  return sql`SELECT o.n AS old_rows, s.n AS new_rows FROM (${side(table, true)}) AS o CROSS JOIN (${side(shadow, false)}) AS s WHERE ${differing}`
    .text;
}

/** Both sides are written as the type that both can be: the old one where the new one is wider. */
function sharedType(from: TableBody, column: ColumnBody): string {
  return oldOf(from, column)?.type ?? column.type;
}

/** The first 15 hexadecimal digits of a row's MD5 as a number: sums of it do not depend on the order and do not cancel. */
function rowHash(texts: readonly Sql[]): Sql {
  const lengths = texts.map((text) => sql`char_length(${text})`);
  return sql`CAST(conv(substr(md5(concat_ws('|', ${join([...lengths, ...texts])})), 1, 15), 16, 10) AS LARGEINT)`;
}
