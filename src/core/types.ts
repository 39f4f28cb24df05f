/** The engines that dw knows; a slot in `on:` and in dw.config.ts carries the engine's name. */
export type EngineName = "starrocks" | "timescale" | "postgres" | "duckdb" | "kafka" | "hive" | "paimon" | "iceberg" | "flink";

/** SQL dialects in which a body (view, function, check) can be written. */
export type Dialect = "starrocks" | "timescale" | "postgres" | "duckdb" | "hive" | "flink";

/** Digits after the second: 0 seconds, 3 milliseconds, 6 microseconds, 9 nanoseconds. */
export type TimePrecision = 0 | 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9;

/**
 * What a value is, independent of any engine. Engines map to and from it, and say what a mapping loses.
 * `text.max` counts characters, `binary.max` bytes; `padded` is CHAR(n), `fixed` is exactly `max` bytes;
 * `timestamp.zoned` is an instant, without it a wall-clock time whose zone the model states.
 * `enum.type` is the model of a declared type, for engines that have such; the others see the values.
 * `native` is a type that only one engine has (HLL, BITMAP), by that engine's name.
 */
export type LogicalType =
  | { readonly kind: "boolean" }
  | { readonly kind: "int"; readonly bits: 8 | 16 | 32 | 64 | 128; readonly unsigned?: true }
  | { readonly kind: "float"; readonly bits: 32 | 64 }
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "text"; readonly max?: number; readonly padded?: true }
  | { readonly kind: "binary"; readonly max?: number; readonly fixed?: true }
  | { readonly kind: "date" }
  | { readonly kind: "time"; readonly precision: TimePrecision }
  | { readonly kind: "timestamp"; readonly precision: TimePrecision; readonly zoned: boolean }
  | { readonly kind: "interval" }
  | { readonly kind: "uuid" }
  | { readonly kind: "json" }
  | { readonly kind: "enum"; readonly values: readonly string[]; readonly type?: string }
  | { readonly kind: "list"; readonly element: Nested }
  | { readonly kind: "map"; readonly key: LogicalType; readonly value: Nested }
  | { readonly kind: "struct"; readonly fields: readonly StructField[] }
  | { readonly kind: "native"; readonly engine: EngineName; readonly type: string };

export interface Nested {
  readonly type: LogicalType;
  readonly nullable: boolean;
}

export interface StructField extends Nested {
  readonly name: string;
  readonly comment?: string;
}

/** Short text for messages: `decimal(18,4)`, `timestamp(6) with zone`, `list<int64>`. */
export function typeText(type: LogicalType): string {
  switch (type.kind) {
    case "int":
      return `${type.unsigned ? "u" : ""}int${type.bits}`;
    case "float":
      return `float${type.bits}`;
    case "decimal":
      return `decimal(${type.precision},${type.scale})`;
    case "text":
      return type.max === undefined ? "text" : `${type.padded ? "char" : "varchar"}(${type.max})`;
    case "binary":
      return type.max === undefined ? "binary" : `${type.fixed ? "fixed" : "binary"}(${type.max})`;
    case "time":
      return `time(${type.precision})`;
    case "timestamp":
      return `timestamp(${type.precision})${type.zoned ? " with zone" : ""}`;
    case "enum":
      return `enum(${type.values.join("|")})`;
    case "list":
      return `list<${typeText(type.element.type)}>`;
    case "map":
      return `map<${typeText(type.key)},${typeText(type.value.type)}>`;
    case "struct":
      return `struct<${type.fields.map((field) => `${field.name}:${typeText(field.type)}`).join(",")}>`;
    case "native":
      return `${type.engine} ${type.type}`;
    case "boolean":
    case "date":
    case "interval":
    case "uuid":
    case "json":
      return type.kind;
  }
}
