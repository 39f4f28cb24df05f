import { DwError } from "../../core/errors.js";
import { type Quoting, type SqlBuilder, type SqlValue, sqlBuilder } from "../../core/sql.js";

/*
 * How Hive reads names and values. Variables such as ${env:HOME} are substituted in the whole text before it is parsed,
 * quoted or not: a dollar sign before a brace is written as its code in texts, and refused in names.
 */

export const quoting: Quoting = { ident, literal };

export const hive: SqlBuilder = sqlBuilder(quoting);

function ident(name: string): string {
  if (name === "" || name.includes("\0") || name.includes("${")) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `${JSON.stringify(name)} cannot be a name in Hive.`,
      why: "A name has at least one character, no NUL byte and no ${, which Hive would replace by a variable.",
      fix: "Choose another name, or set one with `name` in the Hive options.",
    });
  }
  return `\`${name.replaceAll("`", "``")}\``;
}

function literal(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "string") return `'${escaped(value)}'`;
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${value} has no literal in Hive`);
  return String(value);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "'": "\\'",
  "\0": "\\0",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  // Beeline ends a statement at a semicolon that ends a line, also inside a text.
  ";": "\\u003b",
  "${": "\\u0024{",
};

function escaped(text: string): string {
  return text.replace(/\$\{|[\\'\0\n\r\t;]/g, (found) => ESCAPES[found] ?? found);
}
