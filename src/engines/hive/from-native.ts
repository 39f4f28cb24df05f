import type { LogicalType, StructField } from "../../core/types.js";

/*
 * A type text of the metastore (`map<string,array<int>>`, `struct<a:int,b:decimal(9,2)>`) as a logical type: the way back from
 * mapType. Everything that Hive has is nullable inside nested types.
 */

export function fromNative(text: string): LogicalType {
  return read(text.trim()) ?? { kind: "native", engine: "hive", type: text };
}

const PLAIN: Readonly<Record<string, LogicalType>> = {
  boolean: { kind: "boolean" },
  tinyint: { kind: "int", bits: 8 },
  smallint: { kind: "int", bits: 16 },
  int: { kind: "int", bits: 32 },
  bigint: { kind: "int", bits: 64 },
  float: { kind: "float", bits: 32 },
  double: { kind: "float", bits: 64 },
  string: { kind: "text" },
  binary: { kind: "binary" },
  date: { kind: "date" },
  timestamp: { kind: "timestamp", precision: 6, zoned: false },
};

function read(text: string): LogicalType | undefined {
  const [, name = "", inside] = /^([a-z ]+?)(?:<(.*)>|\((.*)\))?$/is.exec(text) ?? [];
  const numbers = /^[^<]*\(([\d,]+)\)$/.exec(text)?.[1]?.split(",").map(Number);
  switch (name) {
    case "decimal":
      return { kind: "decimal", precision: numbers?.[0] ?? 10, scale: numbers?.[1] ?? 0 };
    case "varchar":
      return { kind: "text", max: numbers?.[0] ?? 1 };
    case "char":
      return { kind: "text", max: numbers?.[0] ?? 1, padded: true };
    case "array":
      return inside === undefined ? undefined : { kind: "list", element: { type: fromNative(inside), nullable: true } };
    case "map":
      return inside === undefined ? undefined : mapOf(members(inside));
    case "struct":
      return inside === undefined ? undefined : structOf(members(inside));
    default:
      return inside === undefined ? PLAIN[name] : undefined;
  }
}

function mapOf([key, value, ...others]: readonly string[]): LogicalType | undefined {
  if (key === undefined || value === undefined || others.length > 0) return undefined;
  return { kind: "map", key: fromNative(key), value: { type: fromNative(value), nullable: true } };
}

function structOf(parts: readonly string[]): LogicalType | undefined {
  const fields = parts.flatMap((part): StructField[] => {
    const [, quoted, plain, type] = /^(?:`((?:[^`]|``)+)`|([^:]+)):(.+)$/s.exec(part) ?? [];
    const name = quoted?.replaceAll("``", "`") ?? plain;
    return name === undefined || type === undefined ? [] : [{ name, type: fromNative(type), nullable: true }];
  });
  return fields.length === parts.length ? { kind: "struct", fields } : undefined;
}

/** Parts between the commas that stand in no brackets. */
function members(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "<" || character === "(") depth++;
    else if (character === ">" || character === ")") depth--;
    else if (character === "," && depth === 0) {
      parts.push(text.slice(from, at).trim());
      from = at + 1;
    }
  }
  return [...parts, text.slice(from).trim()];
}
