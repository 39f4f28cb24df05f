/*
 * Thrift's binary protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-binary-protocol.md), as much of it as
 * HiveServer2 needs: requests are written from fields with their types, answers are read as fields by number.
 */

const STOP = 0;
export const BOOL = 2;
const BYTE = 3;
const DOUBLE = 4;
export const I16 = 6;
export const I32 = 8;
export const I64 = 10;
export const STRING = 11;
export const STRUCT = 12;
export const MAP = 13;
const SET = 14;
const LIST = 15;

/** A field to write. Maps are of strings. */
export type Field =
  | readonly [id: number, type: typeof BOOL, value: boolean]
  | readonly [id: number, type: typeof I16 | typeof I32, value: number]
  | readonly [id: number, type: typeof I64, value: bigint]
  | readonly [id: number, type: typeof STRING, value: string | Buffer]
  | readonly [id: number, type: typeof STRUCT, value: readonly Field[]]
  | readonly [id: number, type: typeof MAP, value: Readonly<Record<string, string>>];

export type Value = boolean | number | bigint | Buffer | Struct | readonly Value[];
export type Struct = ReadonlyMap<number, Value>;

const CALL = 0x80010001;

export function encodeCall(name: string, sequence: number, request: readonly Field[]): Buffer {
  const fields = fieldsOf([[1, STRUCT, request]]);
  return Buffer.concat([int32(CALL | 0), stringOf(name), int32(sequence), fields]);
}

function fieldsOf(fields: readonly Field[]): Buffer {
  return Buffer.concat([...fields.flatMap((field) => [Buffer.from([field[1]]), int16(field[0]), encoded(field)]), Buffer.from([STOP])]);
}

function encoded([, type, value]: Field): Buffer {
  switch (type) {
    case BOOL:
      return Buffer.from([value ? 1 : 0]);
    case I16:
      return int16(value);
    case I32:
      return int32(value);
    case I64:
      return int64(value);
    case STRING:
      return stringOf(value);
    case STRUCT:
      return fieldsOf(value);
    case MAP: {
      const entries = Object.entries(value);
      return Buffer.concat([Buffer.from([STRING, STRING]), int32(entries.length), ...entries.flat().map(stringOf)]);
    }
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}

function stringOf(value: string | Buffer): Buffer {
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  return Buffer.concat([int32(bytes.length), bytes]);
}

/** The bytes end inside the message: `needed` of them would have been enough to go on. */
export class Incomplete extends Error {
  constructor(readonly needed: number) {
    super(`the answer goes on after ${needed} bytes`);
  }
}

export interface Answer {
  /** False: the server answers with an exception of Thrift, whose first field is its message. */
  readonly ok: boolean;
  readonly sequence: number;
  readonly fields: Struct;
  /** Bytes that the message took. */
  readonly size: number;
}

const REPLY = 2;

/** Throws Incomplete, and RangeError for what is no message of the protocol. */
export function decodeAnswer(bytes: Buffer): Answer {
  const reader = new Reader(bytes);
  const head = reader.int32() >>> 0;
  if (head >>> 16 !== 0x8001) throw new RangeError("not Thrift's binary protocol");
  reader.blob();
  const sequence = reader.int32();
  return { ok: (head & 0xff) === REPLY, sequence, fields: reader.struct(), size: reader.at };
}

class Reader {
  at = 0;

  constructor(private readonly bytes: Buffer) {}

  private place(size: number): number {
    if (size < 0) throw new RangeError("a negative size");
    const place = this.at;
    if (place + size > this.bytes.length) throw new Incomplete(place + size);
    this.at += size;
    return place;
  }

  byte(): number {
    return this.bytes.readInt8(this.place(1));
  }

  int16(): number {
    return this.bytes.readInt16BE(this.place(2));
  }

  int32(): number {
    return this.bytes.readInt32BE(this.place(4));
  }

  blob(): Buffer {
    const size = this.int32();
    const place = this.place(size);
    return this.bytes.subarray(place, place + size);
  }

  struct(): Struct {
    const fields = new Map<number, Value>();
    for (let type = this.byte(); type !== STOP; type = this.byte()) {
      const id = this.int16();
      fields.set(id, this.value(type));
    }
    return fields;
  }

  private members(type: number): Value[] {
    const size = this.int32();
    const members: Value[] = [];
    for (let index = 0; index < size; index++) members.push(this.value(type));
    return members;
  }

  private value(type: number): Value {
    switch (type) {
      case BOOL:
        return this.byte() !== 0;
      case BYTE:
        return this.byte();
      case DOUBLE:
        return this.bytes.readDoubleBE(this.place(8));
      case I16:
        return this.int16();
      case I32:
        return this.int32();
      case I64:
        return this.bytes.readBigInt64BE(this.place(8));
      case STRING:
        return this.blob();
      case STRUCT:
        return this.struct();
      case MAP: {
        const [keys, values] = [this.byte(), this.byte()];
        const size = this.int32();
        const entries: Value[] = [];
        for (let index = 0; index < size; index++) entries.push([this.value(keys), this.value(values)]);
        return entries;
      }
      case LIST:
      case SET:
        return this.members(this.byte());
      default:
        throw new RangeError(`type ${type} is none of the protocol`);
    }
  }
}
