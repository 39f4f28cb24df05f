/*
 * BSON (bsonspec.org, version 1.1), read from the bytes: a driver's objects have lost the difference between 1 and 1.0, and the
 * digits of large integers. Throws RangeError for what is no BSON; the server checks documents when it stores them.
 */

export interface BsonValue {
  readonly bytes: Buffer;
  /** The specification's number of the type. */
  readonly type: number;
  /** Where the value begins. */
  readonly at: number;
}

const bsonTypes = {
  double: 0x01,
  string: 0x02,
  object: 0x03,
  array: 0x04,
  binary: 0x05,
  undefined: 0x06,
  objectId: 0x07,
  bool: 0x08,
  date: 0x09,
  null: 0x0a,
  regex: 0x0b,
  dbPointer: 0x0c,
  javascript: 0x0d,
  symbol: 0x0e,
  scopedJavascript: 0x0f,
  int: 0x10,
  timestamp: 0x11,
  long: 0x12,
  decimal: 0x13,
  minKey: 0xff,
  maxKey: 0x7f,
} as const;

export type BsonTypeName = keyof typeof bsonTypes;

const names = new Map<number, BsonTypeName>(Object.entries(bsonTypes).map(([name, number]) => [number, name as BsonTypeName])); // the keys of the table above

export function bsonTypeName(type: number): BsonTypeName {
  const name = names.get(type);
  if (name === undefined) throw new RangeError(`BSON has no type ${type}`);
  return name;
}

/** The members of a document or array that begins at `start`. */
export function* members(bytes: Buffer, start = 0): Generator<readonly [name: string, value: BsonValue]> {
  const end = start + bytes.readInt32LE(start) - 1;
  for (let at = start + 4; at < end; ) {
    const type = bytes[at] ?? 0;
    const stop = bytes.indexOf(0, at + 1);
    const value = { bytes, type, at: stop + 1 };
    yield [bytes.toString("utf8", at + 1, stop), value];
    at = stop + 1 + sizeOf(value);
  }
}

function sizeOf({ bytes, type, at }: BsonValue): number {
  switch (bsonTypeName(type)) {
    case "undefined":
    case "null":
    case "minKey":
    case "maxKey":
      return 0;
    case "bool":
      return 1;
    case "int":
      return 4;
    case "double":
    case "date":
    case "timestamp":
    case "long":
      return 8;
    case "objectId":
      return 12;
    case "decimal":
      return 16;
    case "string":
    case "javascript":
    case "symbol":
      return 4 + bytes.readInt32LE(at);
    case "dbPointer":
      return 4 + bytes.readInt32LE(at) + 12;
    case "binary":
      return 5 + bytes.readInt32LE(at);
    case "object":
    case "array":
    case "scopedJavascript":
      return bytes.readInt32LE(at);
    case "regex":
      return bytes.indexOf(0, bytes.indexOf(0, at) + 1) + 1 - at;
  }
}

export const longOf = ({ bytes, at }: BsonValue): bigint => bytes.readBigInt64LE(at);
export const doubleOf = ({ bytes, at }: BsonValue): number => bytes.readDoubleLE(at);
export const intOf = ({ bytes, at }: BsonValue): number => bytes.readInt32LE(at);
export const boolOf = ({ bytes, at }: BsonValue): boolean => bytes[at] === 1;
export const objectIdOf = ({ bytes, at }: BsonValue): string => bytes.toString("hex", at, at + 12);
export const stringOf = ({ bytes, at }: BsonValue): string => bytes.toString("utf8", at + 4, at + 3 + bytes.readInt32LE(at));

export interface BsonBinary {
  readonly subtype: number;
  readonly content: Buffer;
}

export function binaryOf({ bytes, at }: BsonValue): BsonBinary {
  const [length, subtype] = [bytes.readInt32LE(at), bytes[at + 4] ?? 0];
  const content = bytes.subarray(at + 5, at + 5 + length);
  return { subtype, content: subtype === 2 ? content.subarray(4) : content }; // the old generic one repeats its length
}

/** Pattern and options. */
export function regexOf({ bytes, at }: BsonValue): readonly [pattern: string, options: string] {
  const middle = bytes.indexOf(0, at);
  return [bytes.toString("utf8", at, middle), bytes.toString("utf8", middle + 1, bytes.indexOf(0, middle + 1))];
}

/** Seconds and ordinal of the type that replication uses. */
export function timestampOf({ bytes, at }: BsonValue): readonly [seconds: number, ordinal: number] {
  return [bytes.readUInt32LE(at + 4), bytes.readUInt32LE(at)];
}

/** Code, and where its scope begins. */
export function scopedOf({ bytes, at }: BsonValue): readonly [code: string, scope: number] {
  const length = bytes.readInt32LE(at + 4);
  return [bytes.toString("utf8", at + 8, at + 7 + length), at + 8 + length];
}

export function dbPointerOf({ bytes, at }: BsonValue): readonly [namespace: string, id: string] {
  const length = bytes.readInt32LE(at);
  return [bytes.toString("utf8", at + 4, at + 3 + length), bytes.toString("hex", at + 4 + length, at + 16 + length)];
}

export interface Decimal128 {
  readonly negative: boolean;
  readonly coefficient: bigint;
  readonly exponent: number;
}

const LARGEST = 10n ** 34n - 1n;
const BIAS = 6176;

/** IEEE 754 decimal128 with the coefficient as a binary integer; a text for what is no number. */
export function decimalOf({ bytes, at }: BsonValue): Decimal128 | "NaN" | "Infinity" | "-Infinity" {
  const [low, high] = [bytes.readBigUInt64LE(at), bytes.readBigUInt64LE(at + 8)];
  const negative = high >> 63n === 1n;
  const combination = Number((high >> 58n) & 0x1fn);
  if (combination === 0x1f) return "NaN";
  if (combination === 0x1e) return negative ? "-Infinity" : "Infinity";
  const wide = combination >> 3 === 3; // such coefficients are beyond the largest: they count as 0
  const exponent = Number((high >> (wide ? 47n : 49n)) & 0x3fffn) - BIAS;
  const coefficient = wide ? 0n : ((high & 0x1ffffffffffffn) << 64n) | low;
  return { negative, coefficient: coefficient > LARGEST ? 0n : coefficient, exponent };
}

/** More zeros than this are written as an exponent. */
const ZEROS = 40;

/** Every digit, trailing zeros included: `1.50`, `-0`, `1E+100`. */
export function decimalText(value: ReturnType<typeof decimalOf>): string {
  if (typeof value === "string") return value;
  const { negative, coefficient, exponent } = value;
  const digits = coefficient.toString();
  const sign = negative ? "-" : "";
  if (exponent > ZEROS || exponent < -ZEROS - 34) return `${sign}${digits}E${exponent < 0 ? "" : "+"}${exponent}`;
  if (exponent >= 0) return `${sign}${digits}${coefficient === 0n ? "" : "0".repeat(exponent)}`;
  const padded = digits.padStart(1 - exponent, "0");
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}
