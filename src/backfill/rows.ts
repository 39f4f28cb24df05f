import { quoteName } from "../core/transit.js";
import { type Mapping, mappedSelect } from "./mapping.js";
import { acceptedRows, type Rejection } from "./quarantine.js";

/** Of several versions of a row, the newest counts. */
export interface Latest {
  /** Target columns. */
  readonly key: readonly string[];
  /** DuckDB expression over source columns: the greatest is the newest. */
  readonly mark: string;
  /** DuckDB predicate over source columns: the row is a deletion. */
  readonly gone?: string;
}

interface Mapped {
  readonly mapping: Mapping;
  readonly rejection?: Rejection;
  readonly latest?: Latest;
}

/** What a chunk will be in the target: its rows as mapped, without those that are set aside, superseded or deleted. */
export function rowsOf(mapped: Mapped, chunkSql: string): string {
  const { latest, mapping } = mapped;
  if (latest === undefined) return mappedSelect(mapping, acceptedRows(mapped.rejection, chunkSql));
  const names = mapping.columns.map(({ name }) => quoteName(name)).join(", ");
  return `SELECT ${names} FROM (${newest(mapped, latest, chunkSql)}) AS newest WHERE NOT dw_gone`;
}

/** The keys of rows that are deleted; undefined where the backfill knows no deletions. */
export function goneKeys(mapped: Mapped, chunkSql: string): string | undefined {
  const { latest } = mapped;
  if (latest?.gone === undefined) return undefined;
  return `SELECT ${latest.key.map(quoteName).join(", ")} FROM (${newest(mapped, latest, chunkSql)}) AS newest WHERE dw_gone`;
}

/** How many keys have two newest versions that differ: which one counts cannot be told. */
export function ambiguousKeys(mapped: Mapped, latest: Latest, chunkSql: string): string {
  const key = latest.key.map(quoteName).join(", ");
  const last = `SELECT * FROM (${versions(mapped, latest, chunkSql)}) AS versions QUALIFY rank() OVER (PARTITION BY ${key} ORDER BY dw_mark DESC) = 1`;
  return `SELECT count(*) AS n FROM (SELECT 1 AS one FROM (SELECT DISTINCT * FROM (${last}) AS last) AS kept GROUP BY ${key} HAVING count(*) > 1) AS twice`;
}

/** Rows that are there to stay: a deletion needs no more than its key, and the rest of it is not judged. */
export function livingRows({ latest }: Mapped, chunkSql: string): string {
  return latest?.gone === undefined ? chunkSql : `SELECT * FROM (${chunkSql}) AS source WHERE NOT ${isGone(latest)}`;
}

function newest(mapped: Mapped, latest: Latest, chunkSql: string): string {
  const key = latest.key.map(quoteName).join(", ");
  return `SELECT * FROM (${versions(mapped, latest, chunkSql)}) AS versions QUALIFY row_number() OVER (PARTITION BY ${key} ORDER BY dw_mark DESC) = 1`;
}

/** Mapped columns with two of our own. */
function versions({ mapping, rejection }: Mapped, latest: Latest, chunkSql: string): string {
  const columns = mapping.columns.map(({ name, expression }) => `${expression} AS ${quoteName(name)}`);
  const accepted = rejection === undefined ? "" : ` WHERE (${rejection.reason}) IS NULL OR ${isGone(latest)}`;
  return `SELECT ${columns.join(", ")}, ${latest.mark} AS dw_mark, ${isGone(latest)} AS dw_gone FROM (${chunkSql}) AS source${accepted}`;
}

const isGone = ({ gone }: Latest): string => (gone === undefined ? "false" : `coalesce((${gone}), false)`);
