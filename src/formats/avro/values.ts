import { corrupt } from "../damage.js";
import type { AvroRecordType, AvroType } from "./schema.js";

/*
 * Avro's binary encoding (Avro 1.12, "Binary Encoding"). A schema is compiled once into closures that read or skip one
 * value at a cursor. Every count and length is checked against the bytes that are left before anything is allocated: a
 * library that trusts them (avsc allocates the announced array) can be made to hang by one flipped bit.
 */

/** null, boolean, number (int, float, double), bigint (long), string (also enum), Uint8Array (bytes, fixed), array, map, record. */
export type AvroValue = null | boolean | number | bigint | string | Uint8Array | readonly AvroValue[] | AvroEntries | AvroRecord;

/** A map, in file order. */
export type AvroEntries = readonly (readonly [string, AvroValue])[];

export interface AvroRecord {
  readonly [field: string]: AvroValue;
}

export type ReadValue = (cursor: AvroCursor) => AvroValue;
export type SkipValue = (cursor: AvroCursor) => void;

/** Items without a byte of their own (null, empty record) that one block may hold; only these can lie about their number. */
const MAX_EMPTY_ITEMS = 1_000_000;
const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // a BOM is data

export class AvroCursor {
  position = 0;
  private emptyItems = MAX_EMPTY_ITEMS;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly buffer: Buffer;

  constructor(
    bytes: Uint8Array,
    readonly file: string,
  ) {
    this.bytes = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.position;
  }

  byte(): number {
    const byte = this.bytes[this.position];
    if (byte === undefined) throw this.truncated();
    this.position++;
    return byte;
  }

  /** A zig-zag varint that has to be a safe integer: int, counts, lengths. */
  integer(): number {
    let value = 0;
    let factor = 1;
    for (let index = 0; index < 7; index++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      factor *= 128;
    }
    throw corrupt(this.file, "A count or an integer in it is absurdly large.");
  }

  int(): number {
    const value = this.integer();
    if (value !== (value | 0)) throw corrupt(this.file, "An int in it does not fit 32 bits.");
    return value;
  }

  long(): bigint {
    let value = 0;
    let factor = 1;
    for (let index = 0; index < 7; index++) {
      const byte = this.byte();
      value += (byte & 0x7f) * factor; // 49 bits: exact in a double
      if (byte < 0x80) return BigInt(value % 2 === 0 ? value / 2 : -(value + 1) / 2);
      factor *= 128;
    }
    return this.wideLong(BigInt(value));
  }

  private wideLong(low: bigint): bigint {
    let value = low;
    for (let shift = 49n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) {
        if (value >> 64n !== 0n) break;
        return (value >> 1n) ^ -(value & 1n);
      }
    }
    throw corrupt(this.file, "A long in it does not fit 64 bits.");
  }

  float(): number {
    return this.view.getFloat32(this.advance(4), true);
  }

  double(): number {
    return this.view.getFloat64(this.advance(8), true);
  }

  boolean(): boolean {
    const byte = this.byte();
    if (byte > 1) throw corrupt(this.file, "A boolean in it is neither true nor false.");
    return byte === 1;
  }

  /** Length of a bytes or string value, known to be there. */
  length(): number {
    const length = this.integer();
    if (length < 0 || length > this.left) throw this.truncated();
    return length;
  }

  take(length: number): Uint8Array {
    const start = this.advance(length);
    return this.bytes.subarray(start, start + length);
  }

  text(): string {
    const length = this.length();
    const start = this.advance(length);
    const text = this.buffer.toString("utf8", start, start + length);
    return text.includes("\ufffd") ? this.strictText(start, length) : text;
  }

  private strictText(start: number, length: number): string {
    try {
      return strictUtf8.decode(this.bytes.subarray(start, start + length));
    } catch (error) {
      throw corrupt(this.file, "A string in it is not UTF-8.", error);
    }
  }

  /** Moves on by `length` bytes, which must be there, and answers where they start. */
  advance(length: number): number {
    const start = this.position;
    if (length > this.bytes.length - start) throw this.truncated();
    this.position = start + length;
    return start;
  }

  /** Refuses a number of items that the bytes left cannot hold. */
  expectItems(count: number, bytesEach: number): void {
    if (bytesEach > 0 ? count * bytesEach > this.left : count > this.emptyItems) {
      throw corrupt(this.file, "It announces more items than it has bytes.");
    }
    if (bytesEach === 0) this.emptyItems -= count;
  }

  private truncated(): Error {
    return corrupt(this.file, "A value in it goes on after the end of its block.");
  }
}

/** Fewest bytes that a value of the type takes. */
export function leastBytes(type: AvroType): number {
  switch (type.kind) {
    case "null":
      return 0;
    case "float":
      return 4;
    case "double":
      return 8;
    case "fixed":
      return type.size;
    case "record":
      return type.fields.reduce((sum, field) => sum + leastBytes(field.type), 0);
    default:
      return 1;
  }
}

/** Says whether the field at a path (`data_file.column_sizes`) is wanted; a field that is not is passed over and absent. */
export type Wanted = (path: string) => boolean;

export function compileRead(type: AvroType, wanted: Wanted = () => true, path = ""): ReadValue {
  switch (type.kind) {
    case "null":
      return () => null;
    case "boolean":
      return (cursor) => cursor.boolean();
    case "int":
      return (cursor) => cursor.int();
    case "long":
      return (cursor) => cursor.long();
    case "float":
      return (cursor) => cursor.float();
    case "double":
      return (cursor) => cursor.double();
    case "bytes":
      return (cursor) => cursor.take(cursor.length());
    case "string":
      return (cursor) => cursor.text();
    case "fixed":
      return (cursor) => cursor.take(type.size);
    case "enum":
      return (cursor) => pick(type.symbols, cursor);
    case "array":
      return readArray(compileRead(type.items, wanted, path), leastBytes(type.items));
    case "map":
      return readMap(compileRead(type.values, wanted, path), leastBytes(type.values));
    case "record":
      return readRecord(type, wanted, path);
    case "union": {
      const branches = type.branches.map((branch) => compileRead(branch, wanted, path));
      return (cursor) => pick(branches, cursor)(cursor);
    }
  }
}

function pick<Choice>(choices: readonly Choice[], cursor: AvroCursor): Choice {
  const chosen = choices[cursor.integer()];
  if (chosen === undefined) throw corrupt(cursor.file, "It selects a branch or a symbol that its schema does not have.");
  return chosen;
}

/** Items come in blocks; a negative count is followed by the block's size in bytes, which lets a reader pass over it. */
function blockCount(cursor: AvroCursor): number {
  const count = cursor.integer();
  if (count >= 0) return count;
  cursor.integer();
  return -count;
}

function readArray(read: ReadValue, bytesEach: number): ReadValue {
  return (cursor) => {
    const items: AvroValue[] = [];
    for (let count = blockCount(cursor); count > 0; count = blockCount(cursor)) {
      cursor.expectItems(count, bytesEach);
      for (let index = 0; index < count; index++) items.push(read(cursor));
    }
    return items;
  };
}

function readMap(read: ReadValue, bytesEach: number): ReadValue {
  return (cursor) => {
    const entries: (readonly [string, AvroValue])[] = [];
    for (let count = blockCount(cursor); count > 0; count = blockCount(cursor)) {
      cursor.expectItems(count, bytesEach + 1);
      for (let index = 0; index < count; index++) entries.push([cursor.text(), read(cursor)]);
    }
    return entries;
  };
}

function readRecord(type: AvroRecordType, wanted: Wanted, path: string): ReadValue {
  const steps = type.fields.map((field) => {
    const at = path === "" ? field.name : `${path}.${field.name}`;
    return wanted(at) ? { name: field.name, read: compileRead(field.type, wanted, at) } : { skip: compileSkip(field.type) };
  });
  return (cursor) => {
    const record: Record<string, AvroValue> = {};
    for (const step of steps) {
      if (step.skip !== undefined) step.skip(cursor);
      else if (step.name === "__proto__") defineField(record, step.name, step.read(cursor));
      else record[step.name] = step.read(cursor);
    }
    return record;
  };
}

/** Plain assignment to `__proto__` would change what the object is. */
function defineField(record: object, name: string, value: AvroValue): void {
  Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
}

export function compileSkip(type: AvroType): SkipValue {
  switch (type.kind) {
    case "float":
    case "double":
    case "fixed": {
      const length = leastBytes(type);
      return (cursor) => void cursor.advance(length);
    }
    case "bytes":
    case "string":
      return (cursor) => void cursor.advance(cursor.length());
    case "array":
      return skipBlocks(compileSkip(type.items), leastBytes(type.items));
    case "map": {
      const skip = compileSkip(type.values);
      return skipBlocks((cursor) => {
        cursor.advance(cursor.length());
        skip(cursor);
      }, leastBytes(type.values) + 1);
    }
    case "record": {
      const steps = type.fields.map((field) => compileSkip(field.type));
      return (cursor) => {
        for (const skip of steps) skip(cursor);
      };
    }
    case "union": {
      const branches = type.branches.map(compileSkip);
      return (cursor) => pick(branches, cursor)(cursor);
    }
    default: {
      const read = compileRead(type);
      return (cursor) => void read(cursor);
    }
  }
}

function skipBlocks(skip: SkipValue, bytesEach: number): SkipValue {
  return (cursor) => {
    for (let count = cursor.integer(); count !== 0; count = cursor.integer()) {
      if (count < 0) cursor.advance(cursor.length());
      else {
        cursor.expectItems(count, bytesEach);
        for (let index = 0; index < count; index++) skip(cursor);
      }
    }
  };
}
