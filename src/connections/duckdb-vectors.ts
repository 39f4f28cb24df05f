import duckdb, { type DuckDBDataChunk, type DuckDBType } from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";
import type { ValueVector, VectorRows } from "../core/source.js";

const { DuckDBTypeId: Id } = duckdb;

/** Bytes of a value in a vector (DuckDB's C API, "Vectors"); types that are not here nobody asks for. */
const widths: Readonly<Record<number, number>> = {
  [Id.BOOLEAN]: 1,
  [Id.SMALLINT]: 2,
  [Id.INTEGER]: 4,
  [Id.BIGINT]: 8,
  [Id.FLOAT]: 4,
  [Id.DOUBLE]: 8,
  [Id.DATE]: 4,
  [Id.TIME]: 8,
  [Id.TIMESTAMP]: 8,
  [Id.TIMESTAMP_TZ]: 8,
  [Id.INTERVAL]: 16,
  [Id.UUID]: 16,
  [Id.VARCHAR]: 16,
  [Id.BLOB]: 16,
};

const DECIMAL_WIDTHS = [
  [4, 2],
  [9, 4],
  [18, 8],
  [38, 16],
] as const;

function widthOf(type: DuckDBType): number {
  const width =
    type.typeId === Id.DECIMAL ? DECIMAL_WIDTHS.find(([digits]) => digits >= type.width)?.[1] : (widths[type.typeId] as number | undefined);
  if (width === undefined) throw new Error(`vectors of ${type} have no width here`);
  return width;
}

/** The vectors are the chunk's own memory, which it frees once nobody needs the chunk: it is asked for something afterwards. */
export function withVectors<Piece>(chunk: DuckDBDataChunk, read: (rows: VectorRows) => Piece): Piece {
  const rows = chunk.rowCount;
  const piece = read({ rows, columns: Array.from({ length: chunk.columnCount }, (_, index) => valueVector(chunk, index, rows)) });
  if (chunk.rowCount !== rows) throw new Error("a chunk changed while it was read");
  return piece;
}

const ROWS_A_WORD = 64;
const WORD_BYTES = 8;
const ENTRY_BYTES = 16;
const LENGTH_BYTES = 4;
/** A text of at most so many bytes lies in its entry; of a longer one there are a prefix of four bytes and a pointer. */
const INLINE_BYTES = 12;

function valueVector(chunk: DuckDBDataChunk, index: number, rows: number): ValueVector {
  const vector = bindings.data_chunk_get_vector(chunk.chunk, index);
  const bytes = bindings.vector_get_data(vector, rows * widthOf(chunk.getColumnVector(index).type));
  // Null where no row is NULL, which the declaration does not say.
  const valid = bindings.vector_get_validity(vector, Math.ceil(rows / ROWS_A_WORD) * WORD_BYTES) as Uint8Array | null;
  const content = (row: number, length: number): Uint8Array => {
    const at = row * ENTRY_BYTES + LENGTH_BYTES;
    if (length <= INLINE_BYTES) return bytes.subarray(at, at + length);
    // DuckDB's own memory is no SharedArrayBuffer.
    return bindings.get_data_from_pointer(bytes.buffer as ArrayBuffer, bytes.byteOffset + at + LENGTH_BYTES, length);
  };
  return { bytes, valid: valid ?? undefined, content };
}
