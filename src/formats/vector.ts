/**
 * A column of values as typed arrays, the way file decoders produce them and writers take them, without an object a value.
 *
 * `length` counts rows, `count` those that are not NULL. `present` has one byte a row (1 = not NULL) and is absent where
 * nothing is NULL. All values are dense: NULL rows take no slot, and children of a struct or list only have entries for
 * what their parent holds. ORC and Parquet both store them so.
 */
export type Vector = {
  readonly length: number;
  readonly count: number;
  readonly present?: Uint8Array;
} & VectorValues;

export type VectorValues =
  /** One byte a value, 0 or 1. */
  | { readonly kind: "boolean"; readonly values: Uint8Array }
  /** Integers up to 32 bits; dates as days since the epoch. */
  | { readonly kind: "int32"; readonly values: Int32Array }
  /** 64-bit integers; timestamps as micro- or nanoseconds since the epoch; decimals up to 18 digits, unscaled. */
  | { readonly kind: "int64"; readonly values: BigInt64Array }
  | { readonly kind: "float32"; readonly values: Float32Array }
  | { readonly kind: "float64"; readonly values: Float64Array }
  /** Value i is bytes[offsets[i], offsets[i + 1]). */
  | { readonly kind: "bytes"; readonly offsets: Int32Array; readonly bytes: Uint8Array }
  /** `width` bytes a value: decimals of more digits as big-endian two's complement, UUIDs. */
  | { readonly kind: "fixed"; readonly width: number; readonly bytes: Uint8Array }
  /** How many elements each list has; the child holds them one after the other. */
  | { readonly kind: "list"; readonly lengths: Int32Array; readonly child: Vector }
  | { readonly kind: "map"; readonly lengths: Int32Array; readonly key: Vector; readonly value: Vector }
  | { readonly kind: "struct"; readonly fields: readonly Vector[] };

export type VectorKind = VectorValues["kind"];

/** Rows from `start` up to and without `end`. */
export interface RowRange {
  readonly start: number;
  readonly end: number;
}

/** Whether two ranges have a row in common; no second range stands for all rows. */
export function overlap(place: RowRange, rows: RowRange | undefined): boolean {
  return rows === undefined || (place.start < rows.end && place.end > rows.start);
}

/** The positions of so many rows from a first one on. */
export function positions(firstRow: number, rows: number): Vector {
  return { length: rows, count: rows, kind: "int64", values: BigInt64Array.from({ length: rows }, (_, row) => BigInt(firstRow + row)) };
}
