import type { DwError } from "../../core/errors.js";
import type { Column } from "../../core/model.js";
import type { DuckDbSession, OpenSource, SourceColumn } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { carried, quoteName, quoteText } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { corrupt, unsupported } from "../../formats/damage.js";
import { SpoolFolder } from "../../formats/spool.js";
import type { FileFormat, FileTable, Shape } from "./format.js";
import { type Compression, compressionOf, type TableFile } from "./listing.js";
import { pathList } from "./path-list.js";
import { isMembers, isNumber, joinedFacts, joinedObjects, type Members, type NumberFacts, type Structure } from "./structure.js";
import { typedText } from "./typed-text.js";
import { startsWithMark, unpack } from "./unpack.js";

/**
 * JSON Lines: one object a line, in UTF-8. Types are found by reading every line: a number column is the smallest of int32,
 * int64, int128 and float64 that holds all of its values unchanged; strings stay text, also where they look like times;
 * what is of several kinds stays JSON. A model types its columns instead.
 */
export const jsonl: FileFormat = { name: "jsonl", extensions: ["jsonl", "ndjson", "json"], packed: true, cutBy: "lines", describe };

const UNPACKED = "uncompressed";
/** Those that DuckDB unpacks. */
const COMPRESSIONS: Readonly<Partial<Record<Compression, string>>> = { none: UNPACKED, gzip: "gzip", zstd: "zstd" };

async function describe(storage: Storage, files: readonly TableFile[], typed: OpenSource["typed"], db: DuckDbSession): Promise<FileTable> {
  const columns = typed === undefined ? await inferred(db, groupsOf(storage, files)) : stated(typed);
  const shape = shapeOf(columns, typed);
  return {
    shapes: new Map(files.map((file) => [file.path, shape])),
    columns,
    rows: new Map(),
    facts: [{ name: "types", value: typed === undefined ? "found by reading every line" : "stated by the model" }],
  };
}

/** Files that are looked at together. */
type Group = <Result>(look: (files: readonly PackedFile[]) => Promise<Result>) => Promise<Result>;

/** Bytes of copies that have to be here at once, where files lie on another machine. */
const GROUP_BYTES = 1024 ** 3;
const GROUP_FILES = 500;

function groupsOf(storage: Storage, files: readonly TableFile[]): readonly Group[] {
  const groups: TableFile[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const file of files) {
    bytes += storage.remote === true ? file.size : 0;
    if (bytes > GROUP_BYTES || (storage.remote === true && (groups.at(-1)?.length ?? 0) >= GROUP_FILES)) {
      groups.push([]);
      bytes = storage.remote === true ? file.size : 0;
    }
    groups.at(-1)?.push(file);
  }
  return groups.map((group) => (look) => withCopies(storage, group, look));
}

async function withCopies<Result>(
  storage: Storage,
  files: readonly TableFile[],
  look: (files: readonly PackedFile[]) => Promise<Result>,
): Promise<Result> {
  const copies = new SpoolFolder("jsonl");
  const releases: (() => Promise<void>)[] = [];
  try {
    storage.prefetch?.(files.map(({ path }) => path));
    const packed: PackedFile[] = [];
    for (const file of files) {
      const { path, release } = await storage.local(file.path);
      releases.push(release);
      packed.push(await readable(file, path, copies));
    }
    return await look(packed);
  } finally {
    await Promise.all([...releases.map((release) => release()), copies.close()]);
  }
}

/** DuckDB unpacks some by itself; a byte order mark is no JSON to it. */
async function readable(file: TableFile, path: string, copies: SpoolFolder): Promise<PackedFile> {
  const compression = compressionOf(file.path);
  const known = COMPRESSIONS[compression];
  if (known !== undefined && !(await startsWithMark(path, compression, file))) return { path, compression: known };
  const copy = await copies.file("jsonl");
  await unpack(path, copy, compression, file.path, file.size);
  return { path: copy, compression: UNPACKED };
}

interface PackedFile {
  readonly path: string;
  readonly compression: string;
}

/** Every line as a JSON value, straight from packed files: good enough to look for types; rows are read from checked copies. */
function lines(files: readonly PackedFile[]): string {
  const parts = [...new Set(files.map(({ compression }) => compression))].map((compression) => {
    const paths = files.filter((file) => file.compression === compression).map(({ path }) => path);
    return `SELECT json FROM read_ndjson_objects(${pathList(paths)}, compression = ${quoteText(compression)}, ignore_errors = false, hive_partitioning = false)`;
  });
  return parts.join(" UNION ALL ");
}

/** One structure after the other: DuckDB's aggregate over structures keeps all that it has seen in memory. */
async function structureOf(db: DuckDbSession, files: readonly PackedFile[]): Promise<Members> {
  let whole: Members = {};
  for await (const batch of db.strings(`SELECT DISTINCT json_structure(json)::VARCHAR FROM (${lines(files)})`)) {
    for (const text of batch) {
      const found = JSON.parse(text ?? '"NULL"') as Structure; // what DuckDB makes
      if (found === "JSON") continue; // what DuckDB says of an object without keys
      if (Array.isArray(found)) throw isArray(files);
      if (!isMembers(found)) throw corrupt(files[0]?.path ?? "", "Some of its lines are no JSON objects, and a row is an object.");
      whole = joinedObjects(whole, found);
    }
  }
  return whole;
}

function isArray(files: readonly PackedFile[]): DwError {
  const [only, another] = files;
  return corrupt(
    another === undefined ? (only?.path ?? "") : `One of ${files.length} files`,
    "A line in it is a JSON array, and a row is an object: jq -c '.[]' FILE makes lines of the objects in an array.",
  );
}

async function inferred(db: DuckDbSession, groups: readonly Group[]): Promise<readonly SourceColumn[]> {
  let whole: Members = {};
  for (const group of groups) whole = joinedObjects(whole, await group((files) => structureOf(db, files)));
  const structure = Object.entries(whole);
  if (structure.length === 0)
    throw unsupported("The files hold no row with a key.", "Without a key there are no columns.", "Type them with --model.");
  refuseTwins(structure.map(([name]) => name));
  const numbers = structure.filter(([, found]) => isNumber(found)).map(([name]) => name);
  const nested = structure.filter(([, found]) => typeof found === "object").map(([name]) => name);
  const facts = await numberTypes(db, groups, numbers, nested);
  const type = (found: Structure): LogicalType => (depth(found) > MAX_DEPTH ? { kind: "json" } : typeOf(found));
  return structure.map(([name, found]) => ({ name, type: facts.get(name) ?? type(found), nullable: true }));
}

/** DuckDB's SQL ends not far beyond: each level of a type is one of an expression. */
const MAX_DEPTH = 50;

function depth(found: Structure): number {
  if (typeof found === "string") return 0;
  const parts: readonly Structure[] = Array.isArray(found) ? found : Object.values(found);
  return 1 + Math.max(0, ...parts.map(depth));
}

function refuseTwins(names: readonly string[]): void {
  const twin = names.find((name, at) => names.some((other, index) => index < at && other.toLowerCase() === name.toLowerCase()));
  if (twin === undefined) return;
  throw unsupported(
    `The key ${twin} is also written in another case.`,
    "DuckDB, in which rows travel, compares names without case.",
    "Rename one of them in the files.",
  );
}

const texts: Readonly<Record<string, LogicalType>> = {
  BOOLEAN: { kind: "boolean" },
  UBIGINT: { kind: "int", bits: 64 },
  BIGINT: { kind: "int", bits: 64 },
  HUGEINT: { kind: "int", bits: 64 }, // of positive and negative numbers; a nested one that leaves int64 makes its column JSON
  DOUBLE: { kind: "float", bits: 64 },
  VARCHAR: { kind: "text" },
  NULL: { kind: "text" },
};

function typeOf(found: Structure): LogicalType {
  if (typeof found === "string") return texts[found] ?? { kind: "json" };
  if (Array.isArray(found)) return { kind: "list", element: { type: typeOf(found[0] ?? "NULL"), nullable: true } };
  const fields = Object.entries(found).map(([name, member]) => ({ name, type: typeOf(member), nullable: true }));
  const names = new Set(fields.map(({ name }) => name.toLowerCase()));
  return fields.length === 0 || names.size < fields.length ? { kind: "json" } : { kind: "struct", fields };
}

/** Integers of more than 15 digits are not all exact in a double; those of more than 18 may leave int64. */
async function numberTypes(
  db: DuckDbSession,
  groups: readonly Group[],
  numbers: readonly string[],
  nested: readonly string[],
): Promise<ReadonlyMap<string, LogicalType>> {
  if (numbers.length + nested.length === 0) return new Map();
  const facts = new Map<string, NumberFacts>();
  for (const group of groups) {
    for (const fact of await group((files) => numberFacts(db, files, numbers, nested))) {
      const known = facts.get(fact.name);
      facts.set(fact.name, known === undefined ? fact : joinedFacts(known, fact));
    }
  }
  const types = new Map<string, LogicalType>();
  for (const [name, fact] of facts) {
    const type = nested.includes(name) ? nestedType(fact) : numberType(fact);
    if (type !== undefined) types.set(name, type);
  }
  return types;
}

async function numberFacts(
  db: DuckDbSession,
  files: readonly PackedFile[],
  numbers: readonly string[],
  nested: readonly string[],
): Promise<readonly NumberFacts[]> {
  const values = numbers.map((name) => {
    const text = `json_extract_string(json, ${pointer(name)})`;
    const whole = `regexp_full_match(${text}, '-?\\d+')`;
    const integer = `CASE WHEN ${whole} AND length(${text}) <= 38 THEN ${text}::HUGEINT END`;
    const infinite = `isinf(TRY_CAST(${text} AS DOUBLE))`;
    const fractions = `'fractions': (count(*) FILTER (NOT ${whole}))::INTEGER, 'infinite': (count(*) FILTER (NOT ${whole} AND ${infinite}))::INTEGER`;
    return `{'name': ${quoteText(name)}, ${fractions}, 'longest': max(CASE WHEN ${whole} THEN length(${text}) END)::INTEGER, 'low': min(${integer})::VARCHAR, 'high': max(${integer})::VARCHAR}`;
  });
  const risky = nested.map((name) => {
    const text = `json_extract(json, ${pointer(name)})::VARCHAR`;
    return `{'name': ${quoteText(name)}, 'fractions': 0, 'infinite': 0, 'longest': (CASE WHEN bool_or(regexp_matches(${text}, ${quoteText(riskyNumber)})) THEN 99 ELSE 0 END)::INTEGER, 'low': NULL::VARCHAR, 'high': NULL::VARCHAR}`;
  });
  const rows = await db.rows<{ fact: NumberFacts }>(`SELECT unnest([${[...values, ...risky].join(", ")}]) AS fact FROM (${lines(files)})`);
  return rows.map(({ fact }) => fact);
}

/** A number somewhere inside of a JSON value that int64 or a double may not hold unchanged. */
const riskyNumber = String.raw`[:,\[]-?(?:\d{16,}[],}]|[\d.]+[eE]\+?(?:309|3[1-9]\d|[4-9]\d\d|\d{4,}))`;

function nestedType({ longest }: NumberFacts): LogicalType | undefined {
  return longest === 99 ? { kind: "json" } : undefined;
}

function numberType({ fractions, infinite, longest, low, high }: NumberFacts): LogicalType {
  if (fractions > 0) return (longest ?? 0) <= 15 && infinite === 0 ? { kind: "float", bits: 64 } : { kind: "json" };
  if ((longest ?? 0) > 38) return { kind: "json" };
  const fits = (bits: bigint): boolean => BigInt(low ?? 0) >= -(2n ** (bits - 1n)) && BigInt(high ?? 0) < 2n ** (bits - 1n);
  const bits = fits(32n) ? 32 : fits(64n) ? 64 : 128;
  return { kind: "int", bits };
}

function pointer(name: string): string {
  return quoteText(`/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
}

/** Keys that the model does not name are not read. */
function stated(typed: Readonly<Record<string, Column>>): readonly SourceColumn[] {
  return Object.entries(typed).map(([name, column]) => ({ name, type: column.type, nullable: true }));
}

/** DuckDB keeps buffers of twice as much for each thread and file: with more, four files leave the memory of a backfill. */
const LONGEST_LINE = 16 * 1024 ** 2;

function shapeOf(columns: readonly SourceColumn[], typed: OpenSource["typed"]): Shape {
  const asJson = (column: SourceColumn): boolean => typed !== undefined || column.type.kind === "json";
  return {
    columns,
    scan: (paths) => {
      const types = columns.map(
        (column) => `${quoteText(column.name)}: ${quoteText(asJson(column) ? "JSON" : carried(column.name, column.type))}`,
      );
      return `read_json(${pathList(paths)}, format = 'newline_delimited', columns = {${types.join(", ")}}, auto_detect = false, ignore_errors = false, compression = 'uncompressed', hive_partitioning = false, maximum_object_size = ${LONGEST_LINE})`;
    },
    value: (column) => {
      const model = typed?.[column.name];
      if (model !== undefined) return typedText(jsonText(column), column.name, model);
      return asJson(column) ? `CAST(${quoteName(column.name)} AS VARCHAR)` : quoteName(column.name);
    },
  };
}

/** The text of a JSON string, or the JSON of anything else; JSON's null is NULL. */
function jsonText(column: SourceColumn): string {
  const name = quoteName(column.name);
  if (column.type.kind === "json") return `CAST(${name} AS VARCHAR)`;
  const text = `(${name} ->> '$')`;
  return column.type.kind === "decimal" ? exactFraction(text, name, column.name) : text;
}

/** DuckDB reads a number with a fraction as a double: 15 digits are exact, of more a decimal could be another one. */
function exactFraction(text: string, value: string, column: string): string {
  const digits = `trim(regexp_replace(split_part(lower(${text}), 'e', 1), '[^0-9]', '', 'g'), '0')`;
  const refusal = `error('DW-VALUE-REFUSED: Column ' || ${quoteText(column)} || ' holds a number with a fraction and more than 15 digits, which is only exact as a JSON string.')`;
  return `CASE WHEN json_type(${value}) = 'DOUBLE' AND length(${digits}) > 15 THEN ${refusal} ELSE ${text} END`;
}
