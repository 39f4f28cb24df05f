import { DwError } from "../../core/errors.js";
import { type Quoting, type SqlBuilder, type SqlValue, sqlBuilder } from "../../core/sql.js";

/*
 * How StarRocks reads names and values. Strings know backslash escapes; comments and properties stand in double quotes, as
 * SHOW CREATE TABLE prints them. Every name is quoted: the list of reserved words differs per version.
 */

export const quoting: Quoting = { ident, literal };

export const starrocks: SqlBuilder = sqlBuilder(quoting);

function ident(name: string): string {
  if (name === "" || name.includes("\0")) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `${JSON.stringify(name)} cannot be a name in StarRocks.`,
      why: "A name has at least one character and no NUL byte.",
      fix: "Choose another name, or set one with `name` in the StarRocks options.",
    });
  }
  return `\`${name.replaceAll("`", "``")}\``;
}

function literal(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "string") return `'${escaped(value).replaceAll("'", "\\'")}'`;
  if (typeof value === "number" && !Number.isFinite(value)) throw new Error(`${value} has no literal in StarRocks`);
  return String(value);
}

/** Text in double quotes, for comments, properties, defaults and partition bounds. */
export function quotedText(text: string): string {
  return `"${escaped(text).replaceAll('"', '\\"')}"`;
}

/** Newlines and tabs stay as they are; a NUL would end the text in some clients. */
function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\0", "\\0");
}
