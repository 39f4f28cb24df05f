import type { CheckDialect, CheckTable } from "../core/check.js";
import { columnOf } from "./expression.js";

/*
 * Where the engines' SQL differs, said once. TimescaleDB speaks PostgreSQL's; Flink is never asked.
 */

type Family = "postgres" | "duckdb" | "starrocks" | "mysql" | "hive";

const families: Readonly<Record<CheckDialect, Family>> = {
  postgres: "postgres",
  timescale: "postgres",
  duckdb: "duckdb",
  starrocks: "starrocks",
  mysql: "mysql",
  hive: "hive",
  flink: "hive",
};

export function familyOf(table: Pick<CheckTable, "dialect">): Family {
  return families[table.dialect];
}

/** As text, so that no driver rounds a count or a decimal and timestamps keep their digits. */
export function asText(expression: string, table: CheckTable): string {
  const types: Readonly<Record<Family, string>> = {
    postgres: "varchar",
    duckdb: "varchar",
    starrocks: "varchar",
    mysql: "char",
    hive: "string",
  };
  return `cast(${expression} as ${types[familyOf(table)]})`;
}

/** Seconds since the epoch of a date or timestamp column, fractions kept. A zone-less time is taken as it stands. */
export function epochSeconds(column: string, table: CheckTable): string {
  const texts: Readonly<Record<Family, string>> = {
    postgres: `extract(epoch from ${column})`,
    duckdb: `epoch(${column})`,
    starrocks: `(milliseconds_diff(${column}, '1970-01-01 00:00:00') / 1000)`,
    mysql: `(timestampdiff(microsecond, '1970-01-01 00:00:00', ${column}) / 1000000)`,
    hive: `cast(cast(${column} as timestamp) as double)`,
  };
  return texts[familyOf(table)];
}

/** Seconds from one timestamp column to another, fractions kept. */
export function secondsBetween(from: string, to: string, table: CheckTable): string {
  const texts: Readonly<Record<Family, string>> = {
    postgres: `extract(epoch from (${to} - ${from}))`,
    duckdb: `((epoch_us(${to}) - epoch_us(${from})) / 1000000.0)`,
    starrocks: `(milliseconds_diff(${to}, ${from}) / 1000)`,
    mysql: `(timestampdiff(microsecond, ${from}, ${to}) / 1000000)`,
    hive: `(cast(${to} as double) - cast(${from} as double))`,
  };
  return texts[familyOf(table)];
}

/**
 * An interpolated quantile as an aggregate; undefined where the engine has none, and a query of its own is needed: MySQL, and
 * Hive, whose percentile_approx gave 5 s where 8 s are right, and whose exact one takes whole numbers only.
 */
export function quantile(value: string, at: number, table: CheckTable): string | undefined {
  const place = table.literal(at);
  const texts: Readonly<Record<Family, string | undefined>> = {
    postgres: `percentile_cont(${place}) within group (order by ${value})`,
    duckdb: `quantile_cont(${value}, ${place})`,
    starrocks: `percentile_cont(${value}, ${place})`,
    mysql: undefined,
    hive: undefined,
  };
  return texts[familyOf(table)];
}

/** The same quantile as a query of its own, with window functions that every engine has. */
export function quantileQuery(value: string, at: number, table: CheckTable): string {
  const ranked = `select ${value} as v, row_number() over (order by ${value}) as place, count(*) over () as held from ${table.from} where ${value} is not null`;
  const position = `(held - 1) * ${table.literal(at)}`;
  const fraction = `(${position} - floor(${position}))`;
  const lower = `floor(${position}) + 1`;
  return `select sum(case when place = ${lower} then v * (1 - ${fraction}) when place = ${lower} + 1 then v * ${fraction} end) from (${ranked}) as ranked`;
}

/** True where a text is not wholly what the regular expression describes: engines search inside unless they are told not to. */
export function notMatching(column: string, matches: string, table: CheckTable): string {
  const whole = table.literal(`^(?:${matches})$`);
  // MariaDB and MySQL compare texts without case unless the comparison is binary; \z because $ stands before a last line break, too.
  const texts: Readonly<Record<Family, string>> = {
    postgres: `${column} !~ ${whole}`,
    duckdb: `not regexp_matches(${column}, ${whole})`,
    starrocks: `not (${column} regexp ${whole})`,
    mysql: `not (${column} regexp ${table.literal(`(?-i)^(?:${matches})$`)})`,
    hive: `not (${column} regexp ${whole})`,
  };
  return texts[familyOf(table)];
}

/** Characters, not bytes: StarRocks's and Hive's LENGTH differ from each other, char_length and character_length do not. */
export function characters(column: string, table: CheckTable): string {
  return familyOf(table) === "duckdb" ? `length(${column})` : `char_length(${column})`;
}

/** Whether a float may be NaN there, and how to ask. MySQL holds none; StarRocks stores none. */
export function isNaNText(column: string, table: CheckTable): string | undefined {
  const family = familyOf(table);
  if (family === "postgres" || family === "duckdb") return `${column} = 'NaN'`;
  return family === "hive" ? `${column} = cast('NaN' as double)` : undefined;
}

/** A text compared byte by byte: MySQL's collations take `lyon` for `Lyon`. */
export function exactText(column: string, name: string, table: CheckTable): string {
  const kind = columnOf(table, name, "accepted-values").column.type.kind;
  return familyOf(table) === "mysql" && (kind === "text" || kind === "enum") ? `binary ${column}` : column;
}

/**
 * Rows chosen at random, as FROM and the WHERE that goes with it. Whole pages where the engine can (PostgreSQL's manual, "TABLESAMPLE";
 * DuckDB's, "Samples"): the others are not read. Others look at each row, but only at the columns asked for: MySQL has no sample;
 * TimescaleDB would take all rows of a chunk in the columnstore beside a few of each other chunk; Hive's is of whole HDFS
 * blocks, so all of a small table; StarRocks's is younger than the releases in use.
 */
export function sampledFrom(table: CheckTable, percent: number): { readonly from: string; readonly where?: string } {
  if (familyOf(table) === "duckdb") return { from: `${table.from} tablesample system(${table.literal(percent)} percent)` };
  if (table.dialect === "postgres" && table.stored) return { from: `${table.from} tablesample system (${table.literal(percent)})` };
  const random = familyOf(table) === "postgres" ? "random()" : "rand()";
  return { from: table.from, where: `${random} < ${table.literal(percent / 100)}` };
}
