import { createHash } from "node:crypto";
import type { Chunk } from "../../core/source.js";
import type { PlannedFile } from "./open.js";

/** A chunk is read, loaded and repeated as one: large enough to stream well, small enough to repeat. */
const MAX_CHUNK_BYTES = 128 * 1024 * 1024;
const MAX_CHUNK_ROWS = 2_000_000;
const MAX_CHUNK_FILES = 1000;

export interface PlannedChunk extends Chunk {
  readonly planned: readonly PlannedFile[];
}

export interface TitledFile extends PlannedFile {
  readonly partition: string;
}

/** Files in the order of their partitions, packed; the rows of a file that is larger than two chunks are divided. */
export function chunksOf(files: readonly TitledFile[]): readonly PlannedChunk[] {
  const sorted = [...files].sort((a, b) => compare(a.partition, b.partition) || compare(a.path, b.path)).flatMap(pieces);
  const packs = packed(sorted);
  let before = 0;
  return packs.map((pack, index) => {
    const chunk = chunkOf(pack, index, before, sorted.length);
    before += pack.length;
    return chunk;
  });
}

function pieces(file: TitledFile): readonly TitledFile[] {
  const { bytes, rows } = file.data;
  const chunks = Math.max(bytes / MAX_CHUNK_BYTES, rows / MAX_CHUNK_ROWS);
  if (chunks <= 2 || rows < chunks) return [file];
  const count = Math.ceil(chunks);
  const edge = (index: number): number => Math.floor((rows / count) * index);
  return Array.from({ length: count }, (_, index) => ({
    ...file,
    // the last piece has no end: should the count of rows be wrong, none is lost
    rows: { start: edge(index), end: index === count - 1 ? Number.MAX_SAFE_INTEGER : edge(index + 1) },
  }));
}

function rowsOf({ data, rows }: TitledFile): number {
  return rows === undefined ? data.rows : Math.min(rows.end, data.rows) - rows.start;
}

function bytesOf(file: TitledFile): number {
  return file.rows === undefined ? file.data.bytes : Math.round((file.data.bytes / file.data.rows) * rowsOf(file));
}

function packed(files: readonly TitledFile[]): readonly (readonly TitledFile[])[] {
  const packs: TitledFile[][] = [];
  let bytes = 0;
  let rows = 0;
  for (const file of files) {
    const last = packs.at(-1);
    bytes += bytesOf(file);
    rows += rowsOf(file);
    if (last !== undefined && bytes <= MAX_CHUNK_BYTES && rows <= MAX_CHUNK_ROWS && last.length < MAX_CHUNK_FILES) last.push(file);
    else {
      packs.push([file]);
      bytes = bytesOf(file);
      rows = rowsOf(file);
    }
  }
  return packs;
}

function chunkOf(files: readonly TitledFile[], index: number, before: number, all: number): PlannedChunk {
  const places = files.map(({ path, rows }) => (rows === undefined ? path : `${path} ${rows.start}`));
  const hash = createHash("sha256").update(places.join("\n")).digest("hex").slice(0, 16);
  return {
    id: `c${String(index + 1).padStart(5, "0")}-${hash}`,
    title: titleOf(files, before, all),
    rows: files.reduce((sum, file) => sum + rowsOf(file), 0),
    bytes: files.reduce((sum, file) => sum + bytesOf(file), 0),
    files: [...new Set(files.map(({ path }) => path))],
    planned: files,
  };
}

function titleOf(files: readonly TitledFile[], before: number, all: number): string {
  const [only, ...others] = files;
  if (only?.rows !== undefined && others.length === 0) {
    const rows = `rows ${only.rows.start}–${only.rows.start + rowsOf(only) - 1} of ${only.path.slice(only.path.lastIndexOf("/") + 1)}`;
    return only.partition === "" ? rows : `${only.partition}, ${rows}`;
  }
  const [first, last] = [files[0]?.partition ?? "", files.at(-1)?.partition ?? ""];
  if (first === "" || last === "") return `files ${before + 1}–${before + files.length} of ${all}`;
  return first === last ? first : `${first} … ${last}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
