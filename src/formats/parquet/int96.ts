import { type FileHandle, open } from "node:fs/promises";
import { DwError } from "../../core/errors.js";

/*
 * Timestamps finer than microseconds lie in Parquet as INT96 (Hive, Spark, Paimon's TIMESTAMP(9)), of which DuckDB's reader
 * keeps microseconds only. An INT96 and a FIXED_LEN_BYTE_ARRAY(12) have the same bytes in every encoding that INT96 has,
 * so a copy of the file whose footer says the latter gives the twelve bytes as they are. Footer: Parquet "File format",
 * Thrift compact protocol.
 */

const INT96 = 3n;
const FIXED_LEN_BYTE_ARRAY = 7n;
const INT96_BYTES = 12n;
const MAGIC = "PAR1";
const MAX_FOOTER = 256 * 1024 * 1024;

/** Changes the Parquet file at `path` in place; only ever a copy. `name` is for messages. Answers whether it had any INT96. */
export async function int96AsBytes(path: string, name: string): Promise<boolean> {
  const file = await open(path, "r+");
  try {
    const { footer, start } = await readFooter(file, name);
    const tree = new ThriftReader(footer, name).struct(0);
    if (!relabel(tree)) return false;
    const changed = writeStruct(tree);
    const tail = Buffer.alloc(8);
    tail.writeUInt32LE(changed.length);
    tail.write(MAGIC, 4, "latin1");
    await file.truncate(start);
    await file.write(Buffer.concat([changed, tail]), 0, changed.length + 8, start);
    return true;
  } finally {
    await file.close();
  }
}

async function readFooter(file: FileHandle, name: string): Promise<{ readonly footer: Buffer; readonly start: number }> {
  const { size } = await file.stat();
  const tail = Buffer.alloc(8);
  if (size >= 12) await file.read(tail, 0, 8, size - 8);
  const length = tail.readUInt32LE(0);
  if (tail.toString("latin1", 4) !== MAGIC || length > Math.min(size - 12, MAX_FOOTER)) throw damagedFooter(name);
  const footer = Buffer.alloc(length);
  await file.read(footer, 0, length, size - 8 - length);
  return { footer, start: size - 8 - length };
}

function damagedFooter(name: string): DwError {
  return new DwError("DW-FILE-CORRUPT", {
    what: `${name} is damaged.`,
    why: "It has no readable Parquet footer.",
    fix: "Copy the file again from where the table was exported.",
  });
}

type Value = boolean | bigint | Buffer | ThriftList | ThriftStruct;
interface ThriftList {
  readonly item: number;
  readonly items: readonly Value[];
}
interface ThriftField {
  readonly id: number;
  readonly type: number;
  readonly value: Value;
}
interface ThriftStruct {
  fields: ThriftField[];
}

const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
const I32 = 5;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const SET = 10;
const STRUCT = 12;
const MAX_DEPTH = 32;

/** Field ids of parquet.thrift. */
const FILE = { schema: 2, rowGroups: 4 };
const SCHEMA_ELEMENT = { type: 1, typeLength: 2 };
const ROW_GROUP = { columns: 1 };
const COLUMN_CHUNK = { metadata: 3 };
const COLUMN_METADATA = { type: 1, statistics: 12 };

function relabel(footer: ThriftStruct): boolean {
  const elements = structs(footer, FILE.schema).filter((element) => member(element, SCHEMA_ELEMENT.type) === INT96);
  for (const element of elements) {
    const rest = element.fields.filter(({ id }) => id !== SCHEMA_ELEMENT.type && id !== SCHEMA_ELEMENT.typeLength);
    element.fields = [
      { id: SCHEMA_ELEMENT.type, type: I32, value: FIXED_LEN_BYTE_ARRAY },
      { id: SCHEMA_ELEMENT.typeLength, type: I32, value: INT96_BYTES },
      ...rest,
    ];
  }
  for (const group of structs(footer, FILE.rowGroups)) {
    for (const chunk of structs(group, ROW_GROUP.columns)) {
      const metadata = member(chunk, COLUMN_CHUNK.metadata);
      if (isStruct(metadata) && member(metadata, COLUMN_METADATA.type) === INT96) {
        const rest = metadata.fields.filter(({ id }) => id !== COLUMN_METADATA.type && id !== COLUMN_METADATA.statistics);
        metadata.fields = [{ id: COLUMN_METADATA.type, type: I32, value: FIXED_LEN_BYTE_ARRAY }, ...rest];
      }
    }
  }
  return elements.length > 0;
}

function member(struct: ThriftStruct, id: number): Value | undefined {
  return struct.fields.find((field) => field.id === id)?.value;
}

function structs(struct: ThriftStruct, id: number): readonly ThriftStruct[] {
  const value = member(struct, id);
  return isList(value) ? value.items.filter(isStruct) : [];
}

function isStruct(value: Value | undefined): value is ThriftStruct {
  return typeof value === "object" && "fields" in value;
}

function isList(value: Value | undefined): value is ThriftList {
  return typeof value === "object" && "items" in value;
}

class ThriftReader {
  private at = 0;

  constructor(
    private readonly bytes: Buffer,
    private readonly name: string,
  ) {}

  struct(depth: number): ThriftStruct {
    if (depth > MAX_DEPTH) throw damagedFooter(this.name);
    const fields: ThriftField[] = [];
    for (let id = 0; ; ) {
      const head = this.byte();
      if (head === 0) return { fields };
      const type = head & 0x0f;
      id = head >> 4 === 0 ? Number(this.zigzag()) : id + (head >> 4);
      fields.push({ id, type, value: this.value(type, depth) });
    }
  }

  private value(type: number, depth: number): Value {
    if (type === TRUE || type === FALSE) return type === TRUE;
    if (type === BYTE) return BigInt(this.byte());
    if (type > BYTE && type < DOUBLE) return this.zigzag();
    if (type === DOUBLE) return this.take(8);
    if (type === BINARY) return this.take(Number(this.varint()));
    if (type === LIST || type === SET) return this.list(depth);
    if (type === STRUCT) return this.struct(depth + 1);
    throw damagedFooter(this.name);
  }

  private list(depth: number): ThriftList {
    const head = this.byte();
    const size = head >> 4 === 15 ? Number(this.varint()) : head >> 4;
    const item = head & 0x0f;
    if (size > this.bytes.length - this.at) throw damagedFooter(this.name);
    // Booleans in a list take a byte of their own.
    const read = (): Value => (item === TRUE || item === FALSE ? this.byte() === TRUE : this.value(item, depth + 1));
    return { item, items: Array.from({ length: size }, read) };
  }

  private zigzag(): bigint {
    const value = this.varint();
    return (value >> 1n) ^ -(value & 1n);
  }

  private varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw damagedFooter(this.name);
  }

  private byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw damagedFooter(this.name);
    return byte;
  }

  private take(length: number): Buffer {
    if (length > this.bytes.length - this.at) throw damagedFooter(this.name);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

function writeStruct(struct: ThriftStruct): Buffer {
  const parts: Buffer[] = [];
  let last = 0;
  for (const { id, type, value } of [...struct.fields].sort((a, b) => a.id - b.id)) {
    const kind = typeof value === "boolean" ? (value ? TRUE : FALSE) : type;
    const delta = id - last;
    parts.push(delta > 0 && delta < 16 ? Buffer.of((delta << 4) | kind) : Buffer.concat([Buffer.of(kind), zigzag(BigInt(id))]));
    if (typeof value !== "boolean") parts.push(writeValue(value, type));
    last = id;
  }
  return Buffer.concat([...parts, Buffer.of(0)]);
}

function writeValue(value: Value, type: number): Buffer {
  if (typeof value === "boolean") return Buffer.of(value ? TRUE : FALSE);
  if (typeof value === "bigint") return type === BYTE ? Buffer.of(Number(value)) : zigzag(value);
  if (isStruct(value)) return writeStruct(value);
  if (!isList(value)) return type === DOUBLE ? value : Buffer.concat([varint(BigInt(value.length)), value]);
  const size = value.items.length;
  const head = size < 15 ? Buffer.of((size << 4) | value.item) : Buffer.concat([Buffer.of(0xf0 | value.item), varint(BigInt(size))]);
  return Buffer.concat([head, ...value.items.map((item) => writeValue(item, value.item))]);
}

function zigzag(value: bigint): Buffer {
  return varint(BigInt.asUintN(64, (value << 1n) ^ (value >> 63n)));
}

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}
