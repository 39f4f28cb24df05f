import type { DataType } from "./ast.js";
import type { Cursor } from "./cursor.js";

/** Types that take `(n)`. */
const sized = new Set(["TINYINT", "SMALLINT", "INT", "INTEGER", "BIGINT", "LARGEINT", "CHAR", "VARCHAR", "VARBINARY", "BINARY"]);
const plain = new Set(["BOOLEAN", "FLOAT", "DOUBLE", "DATE", "DATETIME", "TIME", "STRING", "TEXT", "BITMAP", "HLL", "PERCENTILE", "JSON"]);
const decimals = new Set(["DECIMAL", "DECIMALV2", "DECIMAL32", "DECIMAL64", "DECIMAL128", "NUMERIC", "NUMBER"]);

export function seesType(cursor: Cursor): boolean {
  const { kind, key } = cursor.token;
  if (kind !== "word") return false;
  return sized.has(key) || plain.has(key) || decimals.has(key) || ["ARRAY", "MAP", "STRUCT", "SIGNED", "UNSIGNED"].includes(key);
}

export function parseType(cursor: Cursor): DataType {
  if (!seesType(cursor)) throw cursor.fault("a type");
  const name = cursor.next().key;
  if (name === "ARRAY") return { kind: "array", element: inAngles(cursor, () => parseType(cursor)) };
  if (name === "MAP") return inAngles(cursor, () => mapType(cursor));
  if (name === "STRUCT") return { kind: "struct", fields: inAngles(cursor, () => cursor.commas(() => structField(cursor))) };
  if (name === "SIGNED" || name === "UNSIGNED") {
    cursor.takesAny("INT", "INTEGER");
    return { kind: "scalar", name: name === "SIGNED" ? "INT" : "BIGINT" };
  }
  if (!sized.has(name) && !decimals.has(name)) return { kind: "scalar", name };
  if (!cursor.takes("(")) return { kind: "scalar", name };
  const length = cursor.integer();
  const scale = decimals.has(name) && cursor.takes(",") ? cursor.integer() : undefined;
  cursor.expect(")");
  return { kind: "scalar", name, length, ...(scale !== undefined && { scale }) };
}

function inAngles<Result>(cursor: Cursor, inside: () => Result): Result {
  cursor.expect("<");
  const result = inside();
  cursor.expect(">");
  return result;
}

function mapType(cursor: Cursor): DataType {
  const key = parseType(cursor);
  cursor.expect(",");
  return { kind: "map", key, value: parseType(cursor) };
}

function structField(cursor: Cursor): { name: string; type: DataType } {
  const name = cursor.name();
  return { name, type: parseType(cursor) };
}
