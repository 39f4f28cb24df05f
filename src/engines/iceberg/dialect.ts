import { DwError } from "../../core/errors.js";
import { type Quoting, type SqlBuilder, type SqlValue, sqlBuilder } from "../../core/sql.js";

/** How Spark reads names and values: backticks, backslash escapes, and variables substituted in the whole text beforehand. */
export const quoting: Quoting = { ident, literal };

export const spark: SqlBuilder = sqlBuilder(quoting);

function ident(name: string): string {
  if (name === "" || name.includes("\0") || name.includes("${")) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `${JSON.stringify(name)} cannot be a name in Spark.`,
      why: "A name has at least one character, no NUL byte and no ${, which Spark would replace by a variable.",
      fix: "Choose another name, or set one with `name` in the Iceberg options.",
    });
  }
  return `\`${name.replaceAll("`", "``")}\``;
}

function literal(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "string") return `'${escaped(value)}'`;
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${value} has no literal in Spark`);
  return String(value);
}

const ESCAPES: Readonly<Record<string, string>> = { "\\": "\\\\", "'": "\\'", "\0": "\\0", "\n": "\\n", "\r": "\\r", "${": "\\u0024{" };

function escaped(text: string): string {
  return text.replace(/\$\{|[\\'\0\n\r]/g, (found) => ESCAPES[found] ?? found);
}
