import { createHash } from "node:crypto";
import { DwError } from "../../core/errors.js";
import { type Quoting, type SqlValue, sqlBuilder } from "../../core/sql.js";

/** NAMEDATALEN - 1: PostgreSQL cuts longer names off, and two long names can become one. */
const MAX_NAME_BYTES = 63;

/** Words that quote_ident() quotes: every keyword but the unreserved ones (PostgreSQL 18 manual, appendix C). */
const KEYWORDS: ReadonlySet<string> = new Set(
  `all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both case cast char
  character check coalesce collate collation column concurrently constraint create cross current_catalog current_date
  current_role current_schema current_time current_timestamp current_user dec decimal default deferrable desc distinct do
  else end except exists extract false fetch float for foreign freeze from full grant greatest group grouping having ilike
  in initially inner inout int integer intersect interval into is isnull join json json_array json_arrayagg json_exists
  json_object json_objectagg json_query json_scalar json_serialize json_table json_value lateral leading least left like
  limit localtime localtimestamp merge_action national natural nchar none normalize not notnull null nullif numeric offset
  on only or order out outer overlaps overlay placing position precision primary real references returning right row select
  session_user setof similar smallint some substring symmetric system_user table tablesample then time timestamp to
  trailing treat trim true union unique user using values varchar variadic verbose when where window with xmlattributes
  xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable`.split(/\s+/),
);

export const quoting: Quoting = { ident, literal };

export const { sql, id, lit, join, raw } = sqlBuilder(quoting);

function ident(name: string): string {
  if (name === "" || name.includes("\0")) throw badName(name, "A name has at least one character and no NUL byte.");
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw badName(name, `PostgreSQL cuts names off after ${MAX_NAME_BYTES} bytes, so that two of them could become one.`);
  }
  return /^[a-z_][a-z0-9_]*$/.test(name) && !KEYWORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

function badName(name: string, why: string): DwError {
  return new DwError("DW-MODEL-INVALID", {
    what: `PostgreSQL cannot have the name ${JSON.stringify(name)}.`,
    why,
    fix: "Choose another name, or give the engine its own with `name:` in the model's options.",
  });
}

function literal(value: SqlValue): string {
  if (value === null) return "NULL";
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number") return Number.isFinite(value) ? String(value) : `'${value}'`;
  if (value.includes("\0")) {
    throw new DwError("DW-MODEL-INVALID", {
      what: "A text for PostgreSQL contains a NUL byte.",
      why: "PostgreSQL's text types cannot hold it.",
      fix: "Remove the character from the model.",
    });
  }
  const quoted = `'${value.replaceAll("'", "''")}'`;
  // E'' reads a backslash the same whatever standard_conforming_strings says.
  return value.includes("\\") ? `E${quoted.replaceAll("\\", "\\\\")}` : quoted;
}

/** Text between dollar quotes whose tag does not occur in it. */
export function dollarQuoted(text: string): string {
  let tag = "$$";
  for (let n = 0; text.includes(tag) || (tag === "$$" && text.includes("$")); n++) tag = `$dw${n || ""}$`;
  return `${tag}${text}${tag}`;
}

/** `table_column_suffix` as PostgreSQL names constraints and indexes, shortened with a hash where it would be cut. */
export function derivedName(parts: readonly string[], suffix: string): string {
  const name = [...parts, suffix].join("_");
  if (Buffer.byteLength(name) <= MAX_NAME_BYTES) return name;
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 8);
  let stem = parts.join("_");
  while (Buffer.byteLength(`${stem}_${hash}_${suffix}`) > MAX_NAME_BYTES) stem = [...stem].slice(0, -1).join("");
  return `${stem}_${hash}_${suffix}`;
}
