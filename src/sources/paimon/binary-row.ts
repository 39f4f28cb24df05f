import type { LogicalType } from "../../core/types.js";
import { damaged } from "./letters.js";

/*
 * BinaryRow (Paimon, "Specification / Manifest", appendix). As serialised in manifests it is a big-endian int with the
 * arity, then: one byte row kind, null bits up to the next 8-byte boundary (bit 8+i is field i), one little-endian
 * 8-byte slot a field, then the variable part. A slot holds a small value itself; a text or binary value of at most
 * seven bytes lies inline (top byte 0x80 | length), a longer one as offset (upper half) and length (lower half).
 */

/**
 * One decoded value: boolean; number (integers up to 32 bits, floats, DATE as epoch days, TIME as milliseconds);
 * bigint (BIGINT, DECIMAL unscaled, TIMESTAMP as nanoseconds since the epoch); bytes (text as UTF-8, binary).
 */
export type RowValue = boolean | number | bigint | Uint8Array | null;

const HEADER_BITS = 8;
const INLINE = 0x80;
const MAX_COMPACT_DECIMAL = 18;
const MAX_COMPACT_TIMESTAMP = 3;

export class BinaryRow {
  private readonly view: DataView;
  readonly arity: number;
  private readonly slots: number;

  /** `bytes` starts with the arity. */
  constructor(
    private readonly bytes: Uint8Array,
    private readonly file: string,
  ) {
    if (bytes.byteLength < 4) throw damaged(file, "A row value is shorter than its own length field.");
    this.arity = new DataView(bytes.buffer, bytes.byteOffset).getInt32(0);
    this.view = new DataView(bytes.buffer, bytes.byteOffset + 4, bytes.byteLength - 4);
    this.slots = Math.ceil((Math.max(this.arity, 0) + HEADER_BITS) / 64) * 8;
    if (this.arity < 0 || this.slots + this.arity * 8 > this.view.byteLength) {
      throw damaged(file, `A row value says that it has ${this.arity} fields, which do not fit in its bytes.`);
    }
  }

  values(types: readonly LogicalType[]): readonly RowValue[] {
    if (this.arity !== types.length) throw damaged(this.file, `A row value has ${this.arity} fields where ${types.length} are expected.`);
    return types.map((type, index) => this.value(index, type));
  }

  value(index: number, type: LogicalType): RowValue {
    if (this.isNull(index)) return null;
    const at = this.slots + index * 8;
    switch (type.kind) {
      case "boolean":
        return this.view.getUint8(at) !== 0;
      case "int":
        return this.integer(at, type.bits);
      case "float":
        return type.bits === 32 ? this.view.getFloat32(at, true) : this.view.getFloat64(at, true);
      case "date":
      case "time":
        return this.view.getInt32(at, true);
      case "decimal":
        return type.precision <= MAX_COMPACT_DECIMAL ? this.view.getBigInt64(at, true) : unscaled(this.variable(at));
      case "timestamp":
        return type.precision <= MAX_COMPACT_TIMESTAMP ? this.view.getBigInt64(at, true) * 1_000_000n : this.wideTimestamp(at);
      case "text":
      case "binary":
        return this.variable(at);
      default:
        throw damaged(this.file, `A row value has a field of type ${type.kind}, which cannot stand in a key, partition or statistic.`);
    }
  }

  private isNull(index: number): boolean {
    const bit = index + HEADER_BITS;
    return (this.view.getUint8(bit >> 3) & (1 << (bit & 7))) !== 0;
  }

  private integer(at: number, bits: number): number | bigint {
    if (bits === 8) return this.view.getInt8(at);
    if (bits === 16) return this.view.getInt16(at, true);
    return bits === 32 ? this.view.getInt32(at, true) : this.view.getBigInt64(at, true);
  }

  /** Milliseconds in the variable part, nanoseconds within the millisecond in the slot. */
  private wideTimestamp(at: number): bigint {
    const offset = this.view.getUint32(at + 4, true);
    if (offset + 8 > this.view.byteLength) throw damaged(this.file, "A row value points behind its own end.");
    return this.view.getBigInt64(offset, true) * 1_000_000n + BigInt(this.view.getUint32(at, true));
  }

  private variable(at: number): Uint8Array {
    const top = this.view.getUint8(at + 7);
    if ((top & INLINE) !== 0) return this.slice(at, top & 0x7f, at + 7);
    return this.slice(this.view.getUint32(at + 4, true), this.view.getUint32(at, true), this.view.byteLength);
  }

  private slice(start: number, length: number, end: number): Uint8Array {
    if (start + length > end) throw damaged(this.file, "A row value points behind its own end.");
    return this.bytes.subarray(4 + start, 4 + start + length);
  }
}

/** Big-endian two's complement. */
function unscaled(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(bytes.length * 8, value);
}

/** The order of Paimon's key comparator: numbers by value, text and binary by unsigned bytes, null first. */
export function compareValues(a: RowValue, b: RowValue): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return Buffer.compare(a, b);
  // A float has NaN above all else and -0.0 below 0.0, as in Java's Double.compare.
  if (typeof a === "number" && typeof b === "number") return compareNumbers(a, b);
  return a < b ? -1 : a > b ? 1 : 0;
}

function compareNumbers(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a !== 0 ? 0 : Number(Object.is(b, -0)) - Number(Object.is(a, -0));
}

export function compareRows(a: readonly RowValue[], b: readonly RowValue[]): number {
  for (const [index, value] of a.entries()) {
    const order = compareValues(value, b[index] ?? null);
    if (order !== 0) return order;
  }
  return 0;
}
