import type { RowRange } from "../../formats/vector.js";
import type { CutBy } from "./format.js";
import { compressionOf, type TableFile } from "./listing.js";

/* Chunks: as many files, in order, as stay below some bounds; of a file that is larger than two chunks, parts. */

const CHUNK_BYTES = 128 * 1024 ** 2;
const CHUNK_ROWS = 2_000_000;
const CHUNK_FILES = 500;

/** A file, or a part of one. */
export interface Piece {
  readonly file: TableFile;
  /** Positions of rows; or, where lines or blocks are cut, of bytes: those that begin there. */
  readonly part: RowRange | undefined;
  readonly bytes: number;
  /** Where metadata tells. */
  readonly rows: number | undefined;
}

/** Whether a file's `groups` have to be known. */
export function isLarge(bytes: number, rows: number): boolean {
  return Math.max(bytes / CHUNK_BYTES, rows / CHUNK_ROWS) > 2;
}

export function cut(
  file: TableFile,
  by: CutBy | undefined,
  rows: number | undefined,
  groups: readonly number[] | undefined,
): readonly Piece[] {
  const whole: Piece = { file, part: undefined, bytes: file.size, rows };
  if (!isLarge(file.size, rows ?? 0)) return [whole];
  if (by === "lines" || by === "blocks") return compressionOf(file.path) === "none" ? byBytes(file) : [whole];
  if (groups === undefined || groups.length < 2 || rows === undefined || rows === 0) return [whole];
  return byRows(file, rows, groups);
}

function byBytes(file: TableFile): readonly Piece[] {
  const count = Math.ceil(file.size / CHUNK_BYTES);
  const edge = (index: number): number => Math.floor((file.size / count) * index);
  return Array.from({ length: count }, (_, index) => {
    const part = { start: edge(index), end: index === count - 1 ? file.size : edge(index + 1) };
    return { file, part, bytes: part.end - part.start, rows: undefined };
  });
}

/** Edges lie between groups: one that two parts share would be decoded twice. */
function byRows(file: TableFile, rows: number, groups: readonly number[]): readonly Piece[] {
  const count = Math.ceil(Math.max(file.size / CHUNK_BYTES, rows / CHUNK_ROWS));
  const edges = [0];
  let end = 0;
  for (const group of groups) {
    end += group;
    if (end >= (rows / count) * edges.length) edges.push(end);
  }
  return edges.slice(1).map((edge, index) => {
    const part = { start: edges[index] ?? 0, end: edge };
    return { file, part, bytes: Math.round((file.size / rows) * (part.end - part.start)), rows: part.end - part.start };
  });
}

export function packed(pieces: readonly Piece[]): readonly (readonly Piece[])[] {
  const packs: Piece[][] = [];
  let bytes = 0;
  let rows = 0;
  for (const piece of pieces) {
    const last = packs.at(-1);
    bytes += piece.bytes;
    rows += piece.rows ?? 0;
    if (last !== undefined && bytes <= CHUNK_BYTES && rows <= CHUNK_ROWS && last.length < CHUNK_FILES) last.push(piece);
    else {
      packs.push([piece]);
      bytes = piece.bytes;
      rows = piece.rows ?? 0;
    }
  }
  return packs;
}

export function pieceTitle({ file, part, rows }: Piece): string {
  if (part === undefined) return file.path;
  return `${rows === undefined ? "bytes" : "rows"} ${part.start}–${part.end - 1} of ${file.path}`;
}
