import type { Column, DefaultValue } from "../core/model.js";
import type { Dialect, EngineName, LogicalType, Nested, StructField, TimePrecision } from "../core/types.js";

/**
 * A column while it is being written: refinements return a new one. `Value` is what a row holds in TypeScript, in the
 * encoding of `dw cat`: int64, wider integers and decimals as strings, timestamps as ISO-8601 text, binary as base64.
 */
export interface ColumnBuilder<Value, Nullable extends boolean = false> {
  readonly column: Column;
  /** Only a type: what a row holds here. */
  readonly $value?: Value;
  readonly $nullable?: Nullable;
  /** NULL is allowed; columns are NOT NULL unless they say so. */
  nullable(): ColumnBuilder<Value, true>;
  default(value: Value & (string | number | boolean)): ColumnBuilder<Value, Nullable>;
  /** The engine's clock at insert. */
  defaultNow(): ColumnBuilder<Value, Nullable>;
  /** An engine's own expression, one a dialect. */
  defaultSql(sql: Partial<Record<Dialect, string>>): ColumnBuilder<Value, Nullable>;
  /** Unit of measure, as it should stand in documentation: "µg/m³", "ms". */
  unit(unit: string): ColumnBuilder<Value, Nullable>;
  /** Personal data: masked in every sample, certificate, quarantine row and alert. */
  pii(): ColumnBuilder<Value, Nullable>;
  /** IANA zone of a zone-less timestamp: "Europe/Paris". */
  zone(zone: string): ColumnBuilder<Value, Nullable>;
  /** An engine's own type text instead of the mapped one. */
  as(engine: EngineName, type: string): ColumnBuilder<Value, Nullable>;
  /** Accepts that this engine changes some values of the column; the reason is printed in the loss report. */
  accept(engine: EngineName, reason: string): ColumnBuilder<Value, Nullable>;
  /** Computed by the engine from other columns, one expression a dialect. */
  generated(sql: Partial<Record<Dialect, string>>): ColumnBuilder<Value, Nullable>;
}

export type AnyColumn = ColumnBuilder<unknown, boolean>;
export type AnyColumns = Readonly<Record<string, AnyColumn>>;

export type ValueOf<C> = C extends ColumnBuilder<infer Value, infer Nullable> ? (Nullable extends true ? Value | null : Value) : never;

function build<Value, Nullable extends boolean>(column: Column): ColumnBuilder<Value, Nullable> {
  const next = (change: Partial<Column>): ColumnBuilder<Value, Nullable> => build({ ...column, ...change });
  const withDefault = (value: DefaultValue): ColumnBuilder<Value, Nullable> => next({ default: value });
  return {
    column,
    nullable: () => build<Value, true>({ ...column, nullable: true }),
    default: (value) => withDefault({ literal: value }),
    defaultNow: () => withDefault({ now: true }),
    defaultSql: (sql) => withDefault({ sql }),
    unit: (unit) => next({ unit }),
    pii: () => next({ pii: true }),
    zone: (zone) => next({ zone }),
    as: (engine, type) => next({ as: { ...column.as, [engine]: type } }),
    accept: (engine, reason) => next({ accept: { ...column.accept, [engine]: reason } }),
    generated: (sql) => next({ generated: sql }),
  };
}

function of<Value>(type: LogicalType, comment: string): ColumnBuilder<Value> {
  return build<Value, false>({ type, comment, nullable: false });
}

function nested(column: AnyColumn): Nested {
  return { type: column.column.type, nullable: column.column.nullable };
}

interface DeclaredEnum<Values extends readonly string[]> {
  readonly name: string;
  readonly values: Values;
}

function isDeclared<Values extends readonly string[]>(values: Values | DeclaredEnum<Values>): values is DeclaredEnum<Values> {
  return !Array.isArray(values);
}

/** Column types. Each takes the column's meaning as its last argument: it becomes the comment in every engine. */
export const t = {
  boolean: (comment = "") => of<boolean>({ kind: "boolean" }, comment),
  tinyint: (comment = "") => of<number>({ kind: "int", bits: 8 }, comment),
  smallint: (comment = "") => of<number>({ kind: "int", bits: 16 }, comment),
  int: (comment = "") => of<number>({ kind: "int", bits: 32 }, comment),
  bigint: (comment = "") => of<string>({ kind: "int", bits: 64 }, comment),
  /** 128 bits, signed. */
  largeint: (comment = "") => of<string>({ kind: "int", bits: 128 }, comment),
  /** An integer that is never negative; engines without such types take the next wider one. Only 8 to 32 bits are numbers in a row. */
  unsigned: <Bits extends 8 | 16 | 32 | 64>(bits: Bits, comment = "") =>
    of<Bits extends 64 ? string : number>({ kind: "int", bits, unsigned: true }, comment),
  float: (comment = "") => of<number>({ kind: "float", bits: 32 }, comment),
  double: (comment = "") => of<number>({ kind: "float", bits: 64 }, comment),
  decimal: (precision: number, scale: number, comment = "") => of<string>({ kind: "decimal", precision, scale }, comment),
  text: (comment = "") => of<string>({ kind: "text" }, comment),
  /** At most `max` characters (not bytes). */
  varchar: (max: number, comment = "") => of<string>({ kind: "text", max }, comment),
  /** Padded with spaces to `length` characters by most engines. */
  char: (length: number, comment = "") => of<string>({ kind: "text", max: length, padded: true }, comment),
  binary: (comment = "") => of<string>({ kind: "binary" }, comment),
  /** Exactly `bytes` bytes. */
  fixed: (bytes: number, comment = "") => of<string>({ kind: "binary", max: bytes, fixed: true }, comment),
  date: (comment = "") => of<string>({ kind: "date" }, comment),
  time: (comment = "", precision: TimePrecision = 6) => of<string>({ kind: "time", precision }, comment),
  /** A point in time, kept in UTC. */
  instant: (comment = "", precision: TimePrecision = 6) => of<string>({ kind: "timestamp", precision, zoned: true }, comment),
  /** A wall-clock time without a zone; the model or `.zone()` says whose clock. */
  datetime: (comment = "", precision: TimePrecision = 6) => of<string>({ kind: "timestamp", precision, zoned: false }, comment),
  interval: (comment = "") => of<string>({ kind: "interval" }, comment),
  uuid: (comment = "") => of<string>({ kind: "uuid" }, comment),
  /** JSON as its text. */
  json: (comment = "") => of<string>({ kind: "json" }, comment),
  /** A list of values, or a type that `defineEnum` declares. */
  enum: <const Values extends readonly string[]>(values: Values | DeclaredEnum<Values>, comment = "") =>
    of<Values[number]>(isDeclared(values) ? { kind: "enum", values: values.values, type: values.name } : { kind: "enum", values }, comment),
  list: <Element extends AnyColumn>(element: Element, comment = "") =>
    of<ValueOf<Element>[]>({ kind: "list", element: nested(element) }, comment),
  map: <Key extends AnyColumn, Value extends AnyColumn>(key: Key, value: Value, comment = "") =>
    of<[ValueOf<Key>, ValueOf<Value>][]>({ kind: "map", key: key.column.type, value: nested(value) }, comment),
  struct: <Fields extends AnyColumns>(fields: Fields, comment = "") =>
    of<{ [Name in keyof Fields]: ValueOf<Fields[Name]> }>({ kind: "struct", fields: structFields(fields) }, comment),
  /** A type that only one engine has, by its own name: `t.native("starrocks", "HLL")`. */
  native: (engine: EngineName, type: string, comment = "") => of<unknown>({ kind: "native", engine, type }, comment),
} as const;

function structFields(fields: AnyColumns): StructField[] {
  return Object.entries(fields).map(([name, field]) => ({ name, ...nested(field), comment: field.column.comment }));
}
