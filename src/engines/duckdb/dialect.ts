import { doubleQuoted } from "../../core/double-quotes.js";
import { DwError } from "../../core/errors.js";
import { type Quoting, type SqlBuilder, type SqlValue, sqlBuilder } from "../../core/sql.js";

/** DuckDB reads the SQL standard: names in double quotes, strings in single quotes, no backslash escapes. */
export const quoting: Quoting = { ident, literal };

export const duckdb: SqlBuilder = sqlBuilder(quoting);

function ident(name: string): string {
  if (name === "" || name.includes("\0")) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `${JSON.stringify(name)} cannot be a name in DuckDB.`,
      why: "A name has at least one character and no NUL byte.",
      fix: "Choose another name.",
    });
  }
  return doubleQuoted(name);
}

function literal(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "number" && !Number.isFinite(value)) return `'${value}'::DOUBLE`;
  if (typeof value !== "string") return String(value);
  // A NUL byte would end the text at the C interface: such a string is put together.
  const pieces = value.split("\0").map((piece) => `'${piece.replaceAll("'", "''")}'`);
  return pieces.length === 1 ? pieces.join("") : `(${pieces.join(" || chr(0) || ")})`;
}
