import { DwError } from "../../core/errors.js";
import type { MysqlSession } from "../../core/session.js";
import type { SourceColumn } from "../../core/source.js";
import { quoteText } from "../../core/transit.js";
import type { LogicalType, TimePrecision } from "../../core/types.js";

/*
 * Columns of a MySQL or MariaDB table: their logical types, and the SQL that writes their values as texts which DuckDB reads
 * back exactly (MySQL manual, chapter 13; MariaDB knowledge base, data types).
 */

export interface MysqlColumn extends SourceColumn {
  /** Text of the value in the server's SQL, NULL for NULL. */
  readonly text: string;
  /** True where the text may hold anything, and stands in quotes. */
  readonly quoted: boolean;
  /** Place in the primary key, from 1. */
  readonly key?: number;
}

export const quoteMysqlName = (name: string): string => `\`${name.replaceAll("`", "``")}\``;

/** Throws DW-TABLE-MISSING and DW-SOURCE-UNSUPPORTED (geometry and other types without an exact text). */
export async function mysqlColumns(session: MysqlSession, database: string, table: string): Promise<readonly MysqlColumn[]> {
  const rows = await session.query(
    `SELECT c.column_name AS name, c.data_type AS kind, c.column_type AS full, c.is_nullable AS nullable, c.column_comment AS comment,
       c.numeric_precision AS digits, c.numeric_scale AS scale, c.datetime_precision AS fraction, c.character_maximum_length AS longest,
       k.ordinal_position AS place
     FROM information_schema.columns c LEFT JOIN information_schema.key_column_usage k
       ON k.table_schema = c.table_schema AND k.table_name = c.table_name AND k.column_name = c.column_name AND k.constraint_name = 'PRIMARY'
     WHERE c.table_schema = ${mysqlText(database)} AND c.table_name = ${mysqlText(table)} ORDER BY c.ordinal_position`,
  );
  if (rows.length === 0) throw missing(`${database}.${table}`);
  return rows.map((row) => {
    const facts = folded(row);
    const type = typeOf(facts);
    const column = quoteMysqlName(facts.name ?? "");
    const comment = facts.comment ?? "";
    return {
      name: facts.name ?? "",
      type,
      nullable: facts.nullable === "YES",
      ...(comment !== "" && { comment }),
      ...textOf(type, facts.kind ?? "", column),
      ...(facts.place != null && { key: Number(facts.place) }),
    };
  });
}

/** Text as a literal: sessions read with NO_BACKSLASH_ESCAPES. */
export const mysqlText = quoteText;

/** MySQL 8 gives the names of information_schema's columns in upper case, whatever the alias of the others. */
const folded = (row: Facts): Facts => Object.fromEntries(Object.entries(row).map(([name, value]) => [name.toLowerCase(), value]));

type Facts = Readonly<Record<string, string | null>>;

const INTS = { tinyint: 8, smallint: 16, mediumint: 32, int: 32, bigint: 64 } as const;

function typeOf(facts: Facts): LogicalType {
  const { kind = "", full = "" } = facts;
  if (kind !== null && Object.hasOwn(INTS, kind)) return integer(INTS[kind as keyof typeof INTS], full ?? ""); // one of its keys
  return (types[kind ?? ""] ?? unsupported)(facts);
}

function integer(bits: 8 | 16 | 32 | 64, full: string): LogicalType {
  return full.includes("unsigned") ? { kind: "int", bits, unsigned: true } : { kind: "int", bits };
}

const fraction = ({ fraction: digits }: Facts): TimePrecision => Number(digits ?? 0) as TimePrecision; // MySQL allows 0 to 6

const limited = ({ longest }: Facts): LogicalType => ({ kind: "text", max: Number(longest) });
const unlimited = (): LogicalType => ({ kind: "text" });
const bytes = (): LogicalType => ({ kind: "binary" });

const types: Readonly<Record<string, (facts: Facts) => LogicalType>> = {
  decimal: ({ digits, scale }) => ({ kind: "decimal", precision: Number(digits), scale: Number(scale) }),
  float: () => ({ kind: "float", bits: 32 }),
  double: () => ({ kind: "float", bits: 64 }),
  bit: ({ digits }) => (digits === "1" ? { kind: "boolean" } : { kind: "int", bits: 64, unsigned: true }),
  year: () => ({ kind: "int", bits: 16 }),
  char: limited,
  varchar: limited,
  tinytext: unlimited,
  text: unlimited,
  mediumtext: unlimited,
  longtext: unlimited,
  set: unlimited,
  inet4: unlimited,
  inet6: unlimited,
  enum: ({ full }) => ({ kind: "enum", values: enumValues(full ?? "") }),
  json: () => ({ kind: "json" }),
  uuid: () => ({ kind: "uuid" }),
  binary: bytes,
  varbinary: bytes,
  tinyblob: bytes,
  blob: bytes,
  mediumblob: bytes,
  longblob: bytes,
  date: () => ({ kind: "date" }),
  time: (facts) => ({ kind: "time", precision: fraction(facts) }),
  datetime: (facts) => ({ kind: "timestamp", precision: fraction(facts), zoned: false }),
  timestamp: (facts) => ({ kind: "timestamp", precision: fraction(facts), zoned: true }), // sessions are in UTC
};

/** `enum('a','it''s')`. */
function enumValues(full: string): string[] {
  return [...full.matchAll(/'((?:[^']|'')*)'/g)].map(([, value = ""]) => value.replaceAll("''", "'"));
}

function unsupported({ name, full }: Facts): LogicalType {
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `Column ${name} is ${full}, which dw does not read from MySQL.`,
    why: "Its values have no text that another engine reads as the same value.",
    fix: "Read a view that converts the column (ST_AsText(…)) or leaves it out.",
  });
}

function textOf(type: LogicalType, kind: string, column: string): Pick<MysqlColumn, "text" | "quoted"> {
  switch (type.kind) {
    case "binary":
      return { text: `HEX(${column})`, quoted: false };
    case "float":
      // A FLOAT's own text has six digits, which are not the value; the double of the same value has all of them.
      return { text: `CAST(${column} + 0e0 AS CHAR)`, quoted: false };
    case "boolean":
      return { text: `IF(${column} + 0, 'true', 'false')`, quoted: false };
    case "int":
      return { text: `CAST(${kind === "bit" ? `${column} + 0` : column} AS CHAR)`, quoted: false };
    case "text":
    case "enum":
    case "json":
      return { text: `CONVERT(${column} USING utf8mb4)`, quoted: true };
    default:
      return { text: `CAST(${column} AS CHAR)`, quoted: false };
  }
}

function missing(table: string): DwError {
  return new DwError("DW-TABLE-MISSING", {
    what: `There is no table ${table}, or its columns may not be seen.`,
    why: "Its columns are read from information_schema.",
    fix: "Correct the name (DATABASE.TABLE), or give the user SELECT on it.",
  });
}
