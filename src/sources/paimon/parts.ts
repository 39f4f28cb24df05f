import { liesBeside } from "./beside-files.js";
import { damaged } from "./letters.js";
import type { DataFile } from "./manifests.js";
import type { KeyTypes } from "./sections.js";
import { sections } from "./sections.js";
import type { PaimonTable } from "./table.js";

/*
 * How a snapshot's files are read: `stream` files are read one by one, the files of a `merge` part share keys and are
 * merged (MergeTreeSplitGenerator of the reference reader decides alike). A stream part with several files has the columns
 * of the same rows in them, newest first (DataEvolutionSplitGenerator).
 */

export interface Part {
  readonly mode: "stream" | "merge";
  /** Some of the files' rows may take rows back: they have to be looked at. */
  readonly mayDelete: boolean;
  readonly files: readonly DataFile[];
}

export function bucketKey(file: DataFile): string {
  return `${Buffer.from(file.partition).toString("base64")}|${file.bucket}`;
}

export function partsOf(table: PaimonTable, files: readonly DataFile[], keyTypes: KeyTypes): readonly Part[] {
  const full = files.filter((file) => file.rows > 0);
  if (!table.hasKey) return table.options.dataEvolution ? columnParts(full) : full.map((file) => stream(file, false));
  return [...byBucket(files).values()].flatMap((bucket) => bucketParts(table, bucket, keyTypes));
}

/** Files whose rows have the same numbers, together; those that lie beside one, which may have fewer rows each, come last. */
function columnParts(files: readonly DataFile[]): readonly Part[] {
  const rows = new Map<string, DataFile[]>();
  for (const file of files.filter((file) => !liesBeside(file))) {
    const key = `${bucketKey(file)}|${file.firstRowId ?? file.name}`;
    rows.set(key, [...(rows.get(key) ?? []), file]);
  }
  const others = files.filter(liesBeside);
  return [...rows.values()].map((same) => {
    const uneven = same.find((file) => file.rows !== same[0]?.rows);
    if (uneven !== undefined) throw damaged(uneven.manifest, `${uneven.name} has another number of rows than the files beside it.`);
    const beside = others.filter((other) => same[0] !== undefined && overlap(other, same[0]));
    return { mode: "stream", mayDelete: false, files: [...same.sort((a, b) => Number(b.maxSequence - a.maxSequence)), ...beside] };
  });
}

function overlap(a: DataFile, b: DataFile): boolean {
  if (a.firstRowId === undefined || b.firstRowId === undefined || bucketKey(a) !== bucketKey(b)) return false;
  return a.firstRowId < b.firstRowId + b.rows && b.firstRowId < a.firstRowId + a.rows;
}

/** Rows before merging and deletes. */
export function rowsOf({ mode, files }: Part): number {
  return mode === "stream" ? (files[0]?.rows ?? 0) : files.reduce((sum, file) => sum + file.rows, 0);
}

export function byBucket(files: readonly DataFile[]): ReadonlyMap<string, readonly DataFile[]> {
  const buckets = new Map<string, DataFile[]>();
  for (const file of files) {
    const key = bucketKey(file);
    const bucket = buckets.get(key);
    if (bucket === undefined) buckets.set(key, [file]);
    else bucket.push(file);
  }
  return buckets;
}

function bucketParts(table: PaimonTable, bucket: readonly DataFile[], keyTypes: KeyTypes): readonly Part[] {
  const { options } = table;
  // A chain table's partition has files of several partitions, whose levels know nothing of each other.
  const settled = table.chain === undefined && bucket.every((file) => file.level !== 0 && withoutDeletes(file));
  const oneLevel = new Set(bucket.map((file) => file.level)).size === 1;
  if (settled && (oneLevel || options.deletionVectors || options.mergeEngine === "first-row")) {
    return bucket.filter((file) => file.rows > 0).map((file) => stream(file, false));
  }
  return sections(bucket, keyTypes).map((section) => {
    const [only] = section;
    if (section.length === 1 && only !== undefined) return stream(only, only.deletedRows !== 0);
    return { mode: "merge", mayDelete: true, files: section };
  });
}

/** Unknown counts as none, as the reference reader has it for files of old releases. */
function withoutDeletes(file: DataFile): boolean {
  return (file.deletedRows ?? 0) === 0;
}

function stream(file: DataFile, mayDelete: boolean): Part {
  return { mode: "stream", mayDelete, files: [file] };
}

/** Streams cost no memory, merges do: their chunks are smaller. Each group of files costs a scan in the chunk's SQL. */
const LIMITS = {
  stream: { bytes: 256 * 1024 * 1024, parts: 512, buckets: 48 },
  merge: { bytes: 96 * 1024 * 1024, parts: 64, buckets: 24 },
} as const;

/** Parts packed into chunks, in their order; a chunk has one mode. */
export function packed(parts: readonly Part[]): readonly (readonly Part[])[] {
  return [...pack(parts.filter(({ mode }) => mode === "stream")), ...pack(parts.filter(({ mode }) => mode === "merge"))];
}

function pack(parts: readonly Part[]): readonly (readonly Part[])[] {
  const chunks: Part[][] = [];
  let bytes = 0;
  let buckets = new Set<string>();
  for (const part of parts) {
    const limit = LIMITS[part.mode];
    const size = part.files.reduce((sum, file) => sum + file.size, 0);
    const bucket = part.files[0] === undefined ? "" : bucketKey(part.files[0]);
    const chunk = chunks.at(-1);
    const full =
      chunk === undefined ||
      bytes + size > limit.bytes ||
      chunk.length >= limit.parts ||
      (buckets.size >= limit.buckets && !buckets.has(bucket));
    if (full) {
      chunks.push([part]);
      bytes = size;
      buckets = new Set([bucket]);
    } else {
      chunk.push(part);
      bytes += size;
      buckets.add(bucket);
    }
  }
  return chunks;
}

/** No row takes anything back, and a key has at most one version above level 0. */
export function isPlain({ files }: Part): boolean {
  const deep = new Set(files.flatMap(({ level }) => (level > 0 ? [level] : [])));
  return deep.size <= 1 && files.every(({ deletedRows }) => deletedRows === 0);
}

/** A section's files in two: a base in which each key is at most once, and the files that change it. */
export interface Layers {
  readonly base: readonly DataFile[];
  readonly changes: readonly DataFile[];
  /** Every change is newer than everything in the base. */
  readonly newer: boolean;
}

/** The base is the deepest level (whose files share no key), or the largest of the files that were never compacted. */
export function layers(files: readonly DataFile[]): Layers {
  const deepest = Math.max(...files.map((file) => file.level));
  const largest = files.reduce((best, file) => (file.size > best.size ? file : best));
  const base = files.filter((file) => (deepest === 0 ? file === largest : file.level === deepest));
  const changes = files.filter((file) => !base.includes(file));
  const newer = changes.every((change) => base.every((file) => change.minSequence > file.maxSequence));
  return { base, changes, newer };
}
