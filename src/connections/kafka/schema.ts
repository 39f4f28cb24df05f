import type { ByteReader, ByteWriter } from "./bytes.js";

/*
 * Messages of the Kafka protocol as values of a schema. "Flexible" versions (KIP-482) write lengths as variable numbers plus
 * one and end each struct with tagged fields, which are skipped: they only carry what older readers may ignore.
 */

/** Methods, so that a schema of any value is a Schema<unknown>: a struct writes each field with the value that its type names. */
export interface Schema<Value> {
  write(to: ByteWriter, value: Value, flexible: boolean): void;
  read(from: ByteReader, flexible: boolean): Value;
}

export type ValueOf<S> = S extends Schema<infer Value> ? Value : never;

export const int8: Schema<number> = { write: (to, value) => to.int8(value), read: (from) => from.int8() };
export const int16: Schema<number> = { write: (to, value) => to.int16(value), read: (from) => from.int16() };
export const int32: Schema<number> = { write: (to, value) => to.int32(value), read: (from) => from.int32() };
export const int64: Schema<bigint> = { write: (to, value) => to.int64(value), read: (from) => from.int64() };
export const bool: Schema<boolean> = { write: (to, value) => to.int8(value ? 1 : 0), read: (from) => from.int8() !== 0 };

export const nullableText: Schema<string | null> = {
  write: (to, value, flexible) => {
    const bytes = value === null ? null : Buffer.from(value, "utf8");
    if (flexible) to.varint(bytes === null ? 0 : bytes.length + 1);
    else to.int16(bytes === null ? -1 : bytes.length);
    if (bytes) to.raw(bytes);
  },
  read: (from, flexible) => {
    const size = flexible ? from.varint() - 1 : from.int16();
    return size < 0 ? null : from.raw(size).toString("utf8");
  },
};

export const text: Schema<string> = {
  write: nullableText.write,
  read: (from, flexible) => nullableText.read(from, flexible) ?? "",
};

export const bytes: Schema<Buffer | null> = {
  write: (to, value, flexible) => {
    if (flexible) to.varint(value === null ? 0 : value.length + 1);
    else to.int32(value === null ? -1 : value.length);
    if (value) to.raw(value);
  },
  read: (from, flexible) => {
    const size = flexible ? from.varint() - 1 : from.int32();
    return size < 0 ? null : from.raw(size);
  },
};

export function nullableList<Value>(member: Schema<Value>): Schema<readonly Value[] | null> {
  return {
    write: (to, value, flexible) => {
      if (flexible) to.varint(value === null ? 0 : value.length + 1);
      else to.int32(value === null ? -1 : value.length);
      for (const one of value ?? []) member.write(to, one, flexible);
    },
    read: (from, flexible) => {
      const size = flexible ? from.varint() - 1 : from.int32();
      if (size < 0) return null;
      const members: Value[] = [];
      for (let index = 0; index < size; index++) members.push(member.read(from, flexible));
      return members;
    },
  };
}

export function list<Value>(member: Schema<Value>): Schema<readonly Value[]> {
  const inner = nullableList(member);
  return { write: inner.write, read: (from, flexible) => inner.read(from, flexible) ?? [] };
}

type Struct<F> = { readonly [Name in keyof F]: ValueOf<F[Name]> };

/** Fields in the order in which they are written. */
export function struct<const F extends { readonly [name: string]: Schema<unknown> }>(fields: F): Schema<Struct<F>> {
  const entries = Object.entries(fields);
  return {
    write: (to, value, flexible) => {
      for (const [name, field] of entries) field.write(to, value[name], flexible);
      if (flexible) to.varint(0);
    },
    read: (from, flexible) => {
      const value = Object.fromEntries(entries.map(([name, field]) => [name, field.read(from, flexible)]));
      if (flexible) skipTags(from);
      return value as Struct<F>; // one entry a field, each read by its own schema
    },
  };
}

export function skipTags(from: ByteReader): void {
  for (let left = from.varint(); left > 0; left--) {
    from.varint();
    from.raw(from.varint());
  }
}
