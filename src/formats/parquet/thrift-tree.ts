import { type FileHandle, open } from "node:fs/promises";
import { DwError } from "../../core/errors.js";

/*
 * Parquet's metadata as a tree that keeps what it does not know, so that a few members can be changed and the rest written
 * back as it was. Thrift compact protocol; members are named by their ids in parquet.thrift.
 */

export const MAGIC = "PAR1";
const MAX_FOOTER = 256 * 1024 * 1024;

/** The footer, and where it starts. DW-FILE-CORRUPT. */
export async function readFooter(file: FileHandle, name: string): Promise<{ readonly footer: ThriftStruct; readonly start: number }> {
  const { bytes, start } = await footerBytes(file, name);
  return { footer: readStruct(bytes, name).struct, start };
}

/** The footer as it is stored, and where it starts. DW-FILE-CORRUPT. */
export async function footerBytes(file: FileHandle, name: string): Promise<{ readonly bytes: Buffer; readonly start: number }> {
  const { size } = await file.stat();
  const tail = Buffer.alloc(8);
  if (size >= 12) await file.read(tail, 0, 8, size - 8);
  const length = tail.readUInt32LE(0);
  if (tail.toString("latin1", 4) !== MAGIC || length > Math.min(size - 12, MAX_FOOTER)) throw damagedFooter(name);
  const bytes = Buffer.alloc(length);
  await file.read(bytes, 0, length, size - 8 - length);
  return { bytes, start: size - 8 - length };
}

function damagedFooter(name: string): DwError {
  return new DwError("DW-FILE-CORRUPT", {
    what: `${name} is damaged.`,
    why: "It has no readable Parquet footer.",
    fix: "Copy the file again from where the table was exported.",
  });
}

/** A footer as it stands at a file's end. */
export function writeFooter(footer: ThriftStruct): Buffer {
  const bytes = writeStruct(footer);
  const tail = Buffer.alloc(8);
  tail.writeUInt32LE(bytes.length);
  tail.write(MAGIC, 4, "latin1");
  return Buffer.concat([bytes, tail]);
}

/**
 * Changes the footer of the file at `path`, only ever a copy: `edit` answers whether it changed anything, and so does this.
 * `name` is for messages. DW-FILE-CORRUPT.
 */
export async function editFooter(path: string, name: string, edit: (footer: ThriftStruct) => boolean): Promise<boolean> {
  const file = await open(path, "r+");
  try {
    const { footer, start } = await readFooter(file, name);
    if (!edit(footer)) return false;
    const changed = writeFooter(footer);
    await file.truncate(start);
    await file.write(changed, 0, changed.length, start);
    return true;
  } finally {
    await file.close();
  }
}

/** A struct at the beginning of the bytes, and its length. */
export function readStruct(bytes: Buffer, name: string): { readonly struct: ThriftStruct; readonly length: number } {
  const reader = new ThriftReader(bytes, name);
  const struct = reader.struct(0);
  return { struct, length: reader.at };
}

/** Replaces members, and leaves out those that are undefined. */
export function change(struct: ThriftStruct, members: Readonly<Record<number, ThriftField["value"] | undefined>>): void {
  const types = new Map(struct.fields.map(({ id, type }) => [id, type]));
  const rest = struct.fields.filter(({ id }) => !(id in members));
  const fresh = Object.entries(members).flatMap(([key, value]) => {
    const id = Number(key);
    return value === undefined ? [] : [{ id, type: types.get(id) ?? (typeof value === "bigint" ? I64 : TRUE), value }];
  });
  struct.fields = [...rest, ...fresh];
}

export type ThriftValue = boolean | bigint | Buffer | ThriftList | ThriftStruct;
interface ThriftList {
  readonly item: number;
  readonly items: readonly ThriftValue[];
}
interface ThriftField {
  readonly id: number;
  readonly type: number;
  readonly value: ThriftValue;
}
export interface ThriftStruct {
  fields: ThriftField[];
}

const TRUE = 1;
const FALSE = 2;
const BYTE = 3;
export const I32 = 5;
const I64 = 6;
const DOUBLE = 7;
const BINARY = 8;
const LIST = 9;
const SET = 10;
const STRUCT = 12;
const MAX_DEPTH = 32;

export function member(struct: ThriftStruct, id: number): ThriftValue | undefined {
  return struct.fields.find((field) => field.id === id)?.value;
}

export function structs(struct: ThriftStruct, id: number): readonly ThriftStruct[] {
  const value = member(struct, id);
  return isList(value) ? value.items.filter(isStruct) : [];
}

export function isStruct(value: ThriftValue | undefined): value is ThriftStruct {
  return typeof value === "object" && "fields" in value;
}

function isList(value: ThriftValue | undefined): value is ThriftList {
  return typeof value === "object" && "items" in value;
}

class ThriftReader {
  at = 0;

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

  private value(type: number, depth: number): ThriftValue {
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
    const read = (): ThriftValue => (item === TRUE || item === FALSE ? this.byte() === TRUE : this.value(item, depth + 1));
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

export function writeStruct(struct: ThriftStruct): Buffer {
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

function writeValue(value: ThriftValue, type: number): Buffer {
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
