import { DwError } from "../../core/errors.js";
import { type Quoting, type SqlBuilder, type SqlValue, sqlBuilder } from "../../core/sql.js";

/** Flink reads the SQL standard, with names in backticks: strings in single quotes, no backslash escapes. */
export const quoting: Quoting = { ident, literal };

export const flinkSql: SqlBuilder = sqlBuilder(quoting);

function ident(name: string): string {
  if (name === "" || name.includes("\0")) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `${JSON.stringify(name)} cannot be a name in Flink SQL.`,
      why: "A name has at least one character and no NUL byte.",
      fix: "Choose another name, or set one with `name` in the options.",
    });
  }
  return `\`${name.replaceAll("`", "``")}\``;
}

function literal(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "string") return `'${value.replaceAll("'", "''")}'`;
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${value} has no literal in Flink SQL`);
  return String(value);
}
