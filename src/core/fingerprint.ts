import { compareText } from "./catalog.js";
import type { LogicalType } from "./types.js";

/*
 * A fingerprint says what a set of rows is without holding them: counts, null counts, bounds, exact sums and a hash that
 * does not depend on the order of rows. Source and target compute it by their own SQL over the same canonical texts
 * (render/canonical.ts); everything here is plain arithmetic on the results, so that chunks add up to a table.
 */

export interface FingerprintColumn {
  readonly name: string;
  /** The type of the values as the target holds them. */
  readonly type: LogicalType;
  /** Bounds of personal data would be samples of it: they are not taken. The hash covers the column all the same. */
  readonly pii?: true;
  /** The target keeps another text of the same value (jsonb): counted, and compared apart from the row hash. */
  readonly apart?: true;
}

export interface ColumnFingerprint {
  readonly name: string;
  readonly nulls: string;
  /** Canonical texts; null when there is no value or bounds are not taken for the type. */
  readonly min: string | null;
  readonly max: string | null;
  /** Exact sum of integers and decimals as text; null where sums are not taken. */
  readonly sum: string | null;
}

/** The rows whose watermark column is above `after` (null: from the beginning) and at most `upTo`; values as DuckDB writes them, in UTC. */
export interface WatermarkRange {
  readonly after: string | null;
  readonly upTo: string;
}

export interface Fingerprint {
  /** Of a chunk of an incremental backfill: which rows it is of. It is kept with the fingerprint, in every ledger. */
  readonly range?: WatermarkRange;
  /** Integers beyond 2^53 stay exact: text. */
  readonly rows: string;
  /**
   * Sums of the two 60-bit halves of each row's MD5, as text. A sum does not cancel as XOR does: two rows that were both
   * replaced by another pair change it, and a row that is there twice counts twice.
   */
  readonly hash: readonly [string, string];
  readonly columns: readonly ColumnFingerprint[];
  /** The rows are loaded, and hashed later: nothing but their number is known yet. */
  readonly countedOnly?: true;
}

export function emptyFingerprint(columns: readonly FingerprintColumn[]): Fingerprint {
  return {
    rows: "0",
    hash: ["0", "0"],
    columns: columns.map(({ name, type }) => ({ name, nulls: "0", min: null, max: null, sum: isSummed(type) ? "0" : null })),
  };
}

/** Sums are exact in both engines only up to what DuckDB's 128-bit accumulator holds over a large table. */
function isSummed(type: LogicalType): boolean {
  return (type.kind === "int" && type.bits <= 64) || (type.kind === "decimal" && type.precision <= 24);
}

/** The fingerprint of the rows of both. */
export function addFingerprints(a: Fingerprint, b: Fingerprint, columns: readonly FingerprintColumn[]): Fingerprint {
  return combine(a, b, columns, 1n);
}

/**
 * What `later` has beyond `earlier` when rows were only added in between. Bounds cannot be subtracted: they are null,
 * except where `earlier` was empty.
 */
export function subtractFingerprint(later: Fingerprint, earlier: Fingerprint, columns: readonly FingerprintColumn[]): Fingerprint {
  if (earlier.rows === "0") return later;
  const difference = combine(later, earlier, columns, -1n);
  return { ...difference, columns: difference.columns.map((column) => ({ ...column, min: null, max: null })) };
}

function combine(a: Fingerprint, b: Fingerprint, columns: readonly FingerprintColumn[], sign: bigint): Fingerprint {
  return {
    rows: addIntegers(a.rows, b.rows, sign),
    hash: [addIntegers(a.hash[0], b.hash[0], sign), addIntegers(a.hash[1], b.hash[1], sign)],
    columns: columns.map(({ name, type }) => combineColumn(type, columnOf(a, name), columnOf(b, name), sign)),
  };
}

function columnOf(fingerprint: Fingerprint, name: string): ColumnFingerprint {
  const found = fingerprint.columns.find((column) => column.name === name);
  if (found === undefined) throw new Error(`the fingerprint has no column ${name}`);
  return found;
}

function combineColumn(type: LogicalType, a: ColumnFingerprint, b: ColumnFingerprint, sign: bigint): ColumnFingerprint {
  return {
    name: a.name,
    nulls: addIntegers(a.nulls, b.nulls, sign),
    min: bound(type, a.min, b.min, -1),
    max: bound(type, a.max, b.max, 1),
    sum: a.sum === null || b.sum === null ? null : addDecimals(a.sum, b.sum, sign),
  };
}

function addIntegers(a: string, b: string, sign: bigint): string {
  return (BigInt(a) + sign * BigInt(b)).toString();
}

function bound(type: LogicalType, a: string | null, b: string | null, direction: -1 | 1): string | null {
  if (a === null || b === null) return a ?? b;
  return compareValues(type, a, b) * direction >= 0 ? a : b;
}

/** Order of two canonical texts as the engines order the values. */
export function compareValues(type: LogicalType, a: string, b: string): number {
  switch (type.kind) {
    case "int":
    case "decimal":
    case "date":
    case "time":
    case "timestamp":
      return compareNumbers(a, b);
    case "float":
      return Number(a) - Number(b);
    default:
      // Binary order of UTF-8, which is what both engines are asked for; UTF-16 order differs beyond the BMP.
      return Buffer.compare(Buffer.from(a), Buffer.from(b));
  }
}

function compareNumbers(a: string, b: string): number {
  // Dates and timestamps may be infinite: `infinity` and `-infinity` in both engines.
  const [x, y] = [unscaled(a), unscaled(b)];
  if (x === undefined || y === undefined) return infinityRank(a) - infinityRank(b) || compareText(a, b);
  const scale = Math.max(x.scale, y.scale);
  const difference = rescale(x, scale) - rescale(y, scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

const infinityRank = (text: string): number => (text === "infinity" ? 1 : text === "-infinity" ? -1 : 0);

interface Unscaled {
  readonly value: bigint;
  readonly scale: number;
}

function unscaled(text: string): Unscaled | undefined {
  const match = /^(-?\d+)(?:\.(\d+))?$/.exec(text);
  if (match === null) return undefined;
  const [, whole = "", fraction = ""] = match;
  return { value: BigInt(whole + fraction), scale: fraction.length };
}

const rescale = ({ value, scale }: Unscaled, to: number): bigint => value * 10n ** BigInt(to - scale);

function addDecimals(a: string, b: string, sign: bigint): string {
  const [x, y] = [unscaled(a), unscaled(b)];
  if (x === undefined || y === undefined) throw new Error(`not decimals: ${a}, ${b}`);
  const scale = Math.max(x.scale, y.scale);
  return decimalText(rescale(x, scale) + sign * rescale(y, scale), scale);
}

function decimalText(value: bigint, scale: number): string {
  if (scale === 0) return value.toString();
  const digits = (value < 0n ? -value : value).toString().padStart(scale + 1, "0");
  return `${value < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Equal as numbers where the type is one: engines may write the same sum with other trailing zeros. */
export function sameValue(type: LogicalType, a: string | null, b: string | null): boolean {
  if (a === null || b === null) return a === b;
  // PGlite drops a byte-order mark at the start of a text on its way out; the hash, computed inside, has seen it.
  return withoutMark(a) === withoutMark(b) || compareValues(type, a, b) === 0;
}

/**
 * How one engine writes canonical values. Two engines agree when `text` gives the same characters for the same value;
 * test/unit/backfill/canonical.test.ts holds them to it.
 */
export interface CanonicalSql {
  readonly ident: (name: string) => string;
  /** Text of a value, NULL for NULL; undefined for types whose text is not comparable between engines. */
  readonly text: (type: LogicalType, value: string) => string | undefined;
  /** Aggregates; undefined for types without bounds. */
  readonly bounds: (type: LogicalType, value: string) => { readonly min: string; readonly max: string } | undefined;
  readonly sum: (value: string) => string;
  /** A value as the engine's text type. */
  readonly asText: (value: string) => string;
  /** Characters of a text, where `length` counts something else. */
  readonly length?: (text: string) => string;
  /** The first characters of a text, where there is no `left`. */
  readonly prefix?: (text: string, length: number) => string;
  readonly md5: (text: string) => string;
  /** 60 bits from `position` (1-based) of an MD5 in hexadecimal, as a non-negative integer. */
  readonly half: (md5: string, position: number) => string;
  /** Keeps the planner from computing the row hash once a use. */
  readonly fence: string;
}

/** Columns that only one engine can write canonically: their nulls are counted, their values are not hashed. */
export function isHashed(column: FingerprintColumn): boolean {
  return column.apart !== true && hasCanonicalText(column.type);
}

function hasCanonicalText(type: LogicalType): boolean {
  switch (type.kind) {
    case "interval":
    case "native":
      return false;
    case "list":
      return hasCanonicalText(type.element.type);
    case "map":
      return hasCanonicalText(type.key) && hasCanonicalText(type.value.type);
    case "struct":
      return type.fields.every((field) => hasCanonicalText(field.type));
    default:
      return true;
  }
}

/** Text that may contain the separator is framed by its length, so that no two rows share a text. */
function framed(sql: CanonicalSql, column: FingerprintColumn, value: string): string {
  const text = isHashed(column) ? sql.text(column.type, value) : undefined;
  if (text === undefined) return `'?'`;
  const length = sql.length?.(text) ?? `length(${text})`;
  const body = isFree(column.type) ? `${sql.asText(length)} || ':' || ${text}` : text;
  return `coalesce(${body}, '~')`;
}

/** Not JSON, whose canonical text is a hash already: to frame it would be to compute it twice. */
const isFree = ({ kind }: LogicalType): boolean => ["text", "enum", "list", "map", "struct"].includes(kind);

function hashedRelation(sql: CanonicalSql, columns: readonly FingerprintColumn[], relation: string): string {
  const named = columns.map(({ name }, index) => `${sql.ident(name)} AS c${index}`).join(", ");
  const row = columns.map((column, index) => framed(sql, column, `c${index}`)).join(" || '|' || ");
  return `(SELECT *, ${sql.md5(row)} AS row_hash FROM (SELECT ${named} FROM ${relation}) AS named${sql.fence}) AS hashed`;
}

/** MD5 of a row's canonical text, over the columns by their own names. */
export function rowHash(sql: CanonicalSql, columns: readonly FingerprintColumn[]): string {
  return sql.md5(columns.map((column) => framed(sql, column, sql.ident(column.name))).join(" || '|' || "));
}

/** `row_hash` and the canonical texts of all columns (`v0` …) of the rows with these hashes (hexadecimal: they are not quoted further). */
export function rowValuesQuery(
  sql: CanonicalSql,
  columns: readonly FingerprintColumn[],
  relation: string,
  hashes: readonly string[],
): string {
  const texts = columns.map((column, index) => {
    const text = isHashed(column) ? sql.text(column.type, `c${index}`) : undefined;
    return `${text === undefined ? "NULL" : sql.asText(text)} AS v${index}`;
  });
  const names = hashes.filter((hash) => /^[0-9a-f]{32}$/.test(hash)).map((hash) => `'${hash}'`);
  return `SELECT row_hash, ${texts.join(", ")} FROM ${hashedRelation(sql, columns, relation)} WHERE row_hash IN (${names.join(", ")})`;
}

/** Values by row hash, in the order of the columns. */
export function readRowValues(
  columns: readonly FingerprintColumn[],
  rows: readonly Readonly<Record<string, unknown>>[],
): ReadonlyMap<string, readonly (string | null)[]> {
  const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
  return new Map(rows.map((row) => [String(row.row_hash), columns.map((_, index) => text(row[`v${index}`]))]));
}

/** One scan of `relation` (quoted name or subquery) that computes a fingerprint; `readFingerprint` reads its single row. */
export function fingerprintQuery(sql: CanonicalSql, columns: readonly FingerprintColumn[], relation: string): string {
  const metrics = columns.flatMap((column, index) => columnMetrics(sql, column, index));
  const parts = [`${sql.asText("count(*)")} AS total`, ...hashSums(sql), ...metrics];
  return `SELECT ${parts.join(", ")} FROM ${hashedRelation(sql, columns, relation)}`;
}

const SECOND_HALF = 17;

const hashSums = (sql: CanonicalSql): string[] => [
  `${sql.asText(`coalesce(sum(${sql.half("row_hash", 1)}), 0)`)} AS hash_a`,
  `${sql.asText(`coalesce(sum(${sql.half("row_hash", SECOND_HALF)}), 0)`)} AS hash_b`,
];

function columnMetrics(sql: CanonicalSql, { type, pii }: FingerprintColumn, index: number): string[] {
  const value = `c${index}`;
  const bounds = pii ? undefined : sql.bounds(type, value);
  return [
    `${sql.asText(`count(*) - count(${value})`)} AS nulls_${index}`,
    ...(bounds ? [`${bounds.min} AS min_${index}`, `${bounds.max} AS max_${index}`] : []),
    ...(isSummed(type) ? [`${sql.asText(`coalesce(${sql.sum(value)}, 0)`)} AS sum_${index}`] : []),
  ];
}

export function readFingerprint(columns: readonly FingerprintColumn[], row: Readonly<Record<string, unknown>>): Fingerprint {
  const text = (name: string): string | null => {
    const value = row[name];
    return value === null || value === undefined ? null : String(value);
  };
  return {
    rows: text("total") ?? "0",
    hash: [text("hash_a") ?? "0", text("hash_b") ?? "0"],
    columns: columns.map(({ name }, index) => ({
      name,
      nulls: text(`nulls_${index}`) ?? "0",
      min: text(`min_${index}`),
      max: text(`max_${index}`),
      sum: text(`sum_${index}`),
    })),
  };
}

/** Rows and first hash half per bucket: columns `bucket`, `total`, `hash_a`. */
export function bucketQuery(sql: CanonicalSql, columns: readonly FingerprintColumn[], relation: string, digits: number): string {
  const bucket = `substr(row_hash, 1, ${digits})`;
  const sums = `${sql.asText("count(*)")} AS total, ${hashSums(sql)[0]}`;
  return `SELECT ${bucket} AS bucket, ${sums} FROM ${hashedRelation(sql, columns, relation)} GROUP BY ${bucket}`;
}

/** `row_hash` and `label` of the rows of some buckets (hexadecimal digits only: they are not quoted further). */
export function bucketRowsQuery(
  sql: CanonicalSql,
  columns: readonly FingerprintColumn[],
  relation: string,
  label: readonly string[],
  buckets: readonly string[],
  limit: number,
): string {
  const digits = buckets[0]?.length ?? 1;
  const names = buckets.filter((bucket) => /^[0-9a-f]+$/.test(bucket)).map((bucket) => `'${bucket}'`);
  const texts = label.map((name) => labelText(sql, columns, name));
  return [
    `SELECT row_hash, ${texts.join(" || ', ' || ")} AS label FROM ${hashedRelation(sql, columns, relation)}`,
    `WHERE substr(row_hash, 1, ${digits}) IN (${names.join(", ")}) ORDER BY 1 LIMIT ${limit}`,
  ].join(" ");
}

function labelText(sql: CanonicalSql, columns: readonly FingerprintColumn[], name: string): string {
  const index = columns.findIndex((column) => column.name === name);
  const column = columns[index];
  if (column === undefined) throw new Error(`the fingerprint has no column ${name}`);
  const shown = column.pii ? "'***'" : `coalesce(${prefix(sql, sql.asText(`c${index}`), 80)}, 'NULL')`;
  return `'${name.replaceAll("'", "''")}=' || ${shown}`;
}

const prefix = (sql: CanonicalSql, text: string, length: number): string => sql.prefix?.(text, length) ?? `left(${text}, ${length})`;

const withoutMark = (text: string): string => text.replace(/^\uFEFF/, "");
