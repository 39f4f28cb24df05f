import { DwError } from "../../core/errors.js";
import type { LogicalType } from "../../core/types.js";

/** A type as Hive shows it: `decimal(18,4)`. */
export interface HiveColumn {
  readonly name: string;
  readonly native: string;
  readonly type: LogicalType;
}

const INTS: Readonly<Record<string, 8 | 16 | 32 | 64>> = { tinyint: 8, smallint: 16, int: 32, bigint: 64 };

/** The logical type of a column; `native` of hive where HiveServer2 gives no exact text of its values. */
export function logicalType(native: string): LogicalType {
  const [, name = native, first, second] = /^([a-z ]+?)\s*(?:\((\d+)(?:,(\d+))?\))?$/.exec(native) ?? [];
  const bits = INTS[name];
  if (bits !== undefined) return { kind: "int", bits };
  switch (name) {
    case "boolean":
    case "date":
    case "binary":
      return { kind: name };
    case "float":
      return { kind: "float", bits: 32 };
    case "double":
      return { kind: "float", bits: 64 };
    case "decimal":
      return { kind: "decimal", precision: Number(first ?? 10), scale: Number(second ?? 0) };
    case "string":
      return { kind: "text" };
    case "varchar":
      return { kind: "text", max: Number(first) };
    case "char":
      return { kind: "text", max: Number(first), padded: true };
    case "timestamp":
      return { kind: "timestamp", precision: 6, zoned: false };
    default:
      return { kind: "native", engine: "hive", type: native };
  }
}

/** From HiveServer2's text to DuckDB's value; `text` is a quoted name. Throws DW-SOURCE-UNSUPPORTED. */
export function valueText({ name, native, type }: HiveColumn, text: string, carrier: (type: LogicalType) => string): string {
  switch (type.kind) {
    case "native":
      throw new DwError("DW-SOURCE-UNSUPPORTED", {
        what: `Column ${name} is ${native}, which dw does not read from Hive.`,
        why: "HiveServer2 gives such values as a text from which they cannot be read back exactly.",
        fix: "Name the other columns with --columns, or read the table's files: parquet:, orc:, avro:.",
      });
    case "binary":
      return `from_base64(${text})`;
    case "timestamp":
      return `CASE WHEN regexp_matches(${text}, '\\.\\d{6}\\d*[1-9]') THEN CAST(error('a timestamp has nanoseconds: ' || ${text}) AS TIMESTAMP) ELSE CAST(${text} AS TIMESTAMP) END`;
    default:
      return `CAST(${text} AS ${carrier(type)})`;
  }
}
