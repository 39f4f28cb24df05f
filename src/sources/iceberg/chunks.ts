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

/** Files in the order of their partitions, packed; one file is never split. */
export function chunksOf(files: readonly TitledFile[]): readonly PlannedChunk[] {
  const sorted = [...files].sort((a, b) => compare(a.partition, b.partition) || compare(a.path, b.path));
  const packs = packed(sorted);
  let before = 0;
  return packs.map((pack, index) => {
    const chunk = chunkOf(pack, index, before, files.length);
    before += pack.length;
    return chunk;
  });
}

function packed(files: readonly TitledFile[]): readonly (readonly TitledFile[])[] {
  const packs: TitledFile[][] = [];
  let bytes = 0;
  let rows = 0;
  for (const file of files) {
    const last = packs.at(-1);
    bytes += file.data.bytes;
    rows += file.data.rows;
    if (last !== undefined && bytes <= MAX_CHUNK_BYTES && rows <= MAX_CHUNK_ROWS && last.length < MAX_CHUNK_FILES) last.push(file);
    else {
      packs.push([file]);
      bytes = file.data.bytes;
      rows = file.data.rows;
    }
  }
  return packs;
}

function chunkOf(files: readonly TitledFile[], index: number, before: number, all: number): PlannedChunk {
  const paths = files.map(({ path }) => path);
  const hash = createHash("sha256").update(paths.join("\n")).digest("hex").slice(0, 16);
  return {
    id: `c${String(index + 1).padStart(5, "0")}-${hash}`,
    title: titleOf(files, before, all),
    rows: files.reduce((sum, { data }) => sum + data.rows, 0),
    bytes: files.reduce((sum, { data }) => sum + data.bytes, 0),
    files: paths,
    planned: files,
  };
}

function titleOf(files: readonly TitledFile[], before: number, all: number): string {
  const [first, last] = [files[0]?.partition ?? "", files.at(-1)?.partition ?? ""];
  if (first === "" || last === "") return `files ${before + 1}–${before + files.length} of ${all}`;
  return first === last ? first : `${first} … ${last}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
