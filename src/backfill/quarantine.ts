import { DwError } from "../core/errors.js";
import type { Quarantine } from "../core/model.js";
import type { DuckDbSession } from "../core/source.js";
import { quoteName, quoteText } from "../core/transit.js";
import { typeText } from "../core/types.js";
import type { MappedColumn, Mapping } from "./mapping.js";

/*
 * Rows that the target cannot hold, set aside with the reason instead of stopping the run. Each row has at most one reason:
 * the first of a value that does not convert, a value that breaks a rule, a NULL where none may be. Values of personal
 * columns are masked in what is kept of the row; the reasons hold no values.
 */

export interface Rejection {
  readonly most: Quarantine["most"];
  /** DuckDB expression over source columns: why the row is rejected, or NULL. */
  readonly reason: string;
  /** DuckDB expression: the source row as a JSON text. */
  readonly row: string;
}

export function rejectionOf(mapping: Mapping, read: readonly string[], { most }: Quarantine): Rejection {
  const reasons = [...mapping.columns.map(unconverted), ...mapping.rules.map(brokenRule), ...mapping.columns.flatMap(forbiddenNull)];
  return { most, reason: `CASE ${reasons.join(" ")} END`, row: rowText(mapping, read) };
}

const when = (predicate: string, reason: string): string => `WHEN ${predicate} THEN ${quoteText(reason)}`;

/** TRY gives NULL for an error; inside of a struct a value that is NULL by right can be told from it. */
function unconverted({ name, type, expression }: MappedColumn): string {
  return when(`TRY({'v': ${expression}}) IS NULL`, `${name}: the value cannot be converted to ${typeText(type)}`);
}

const brokenRule = ({ column, broken, what }: Mapping["rules"][number]): string => when(broken, `${column}: the value ${what}`);

function forbiddenNull({ name, nullable, expression }: MappedColumn): string[] {
  return nullable ? [] : [when(`(${expression}) IS NULL`, `${name}: NULL, and the target allows none there`)];
}

/** Every column that was read, as text. Where an expression makes a personal value, anything that is not plainly harmless is masked. */
function rowText(mapping: Mapping, read: readonly string[]): string {
  const personal = new Set(mapping.columns.filter(({ pii }) => pii).map(({ from }) => from));
  const harmless = new Set(mapping.columns.filter(({ pii }) => !pii).map(({ from }) => from));
  const hidden = [...personal].some((from) => !read.includes(from));
  const members = read.map((name) => {
    const masked = personal.has(name) || (hidden && !harmless.has(name));
    const shown = `CAST(${quoteName(name)} AS VARCHAR)`;
    return `${quoteText(name)}, ${masked ? `CASE WHEN ${quoteName(name)} IS NOT NULL THEN '***' END` : shown}`;
  });
  return `CAST(json_object(${members.join(", ")}) AS VARCHAR)`;
}

/** The rows of a chunk that the target can hold. */
export function acceptedRows(rejection: Rejection | undefined, chunkSql: string): string {
  return rejection === undefined ? chunkSql : `SELECT * FROM (${chunkSql}) AS source WHERE (${rejection.reason}) IS NULL`;
}

/** The others: columns `reason` and `row`. */
export function rejectedRows({ reason, row }: Rejection, chunkSql: string): string {
  return `SELECT reason, ${row} AS "row" FROM (SELECT *, ${reason} AS reason FROM (${chunkSql}) AS source) AS judged WHERE reason IS NOT NULL`;
}

export interface Rejected {
  readonly rows: bigint;
  readonly total: bigint;
  readonly reasons: ReadonlyMap<string, bigint>;
}

export const nothingRejected: Rejected = { rows: 0n, total: 0n, reasons: new Map() };

/** How many rows of a chunk are rejected, by reason, added to those of the chunks before. */
export async function countRejected(rejection: Rejection, chunkSql: string, db: DuckDbSession, before: Rejected): Promise<Rejected> {
  const rows = await db.rows<{ reason: string | null; n: string }>(
    `SELECT reason, count(*) AS n FROM (SELECT ${rejection.reason} AS reason FROM (${chunkSql}) AS source) AS judged GROUP BY reason`,
  );
  const reasons = new Map(before.reasons);
  let [rejected, total] = [before.rows, before.total];
  for (const { reason, n } of rows) {
    total += BigInt(n);
    if (reason === null) continue;
    rejected += BigInt(n);
    reasons.set(reason, (reasons.get(reason) ?? 0n) + BigInt(n));
  }
  return { rows: rejected, total, reasons };
}

/** Throws DW-QUARANTINE-FULL when more rows are rejected than the backfill allows. */
export function refuseTooMany(backfill: string, most: Quarantine["most"], { rows, total, reasons }: Rejected): void {
  const allowed = typeof most === "number" ? BigInt(most) : shareOf(most, total);
  if (rows <= allowed) return;
  const lines = [...reasons].sort(([, a], [, b]) => (a < b ? 1 : -1)).map(([reason, count]) => `  - ${count} rows: ${reason}`);
  throw new DwError("DW-QUARANTINE-FULL", {
    what: `${rows} of ${total} rows of backfill ${backfill} cannot be loaded, and ${most} are allowed (${allowed}):\n${lines.slice(0, 10).join("\n")}`,
    why: "So many rejected rows are a mistake in the mapping or in the source. Nothing was loaded by this run.",
    fix: "Correct the mapping, or allow more with quarantine: { most } in the backfill.",
  });
}

/** `0.5%` of a number of rows, rounded down. */
function shareOf(share: string, total: bigint): bigint {
  return (total * BigInt(Math.round(Number.parseFloat(share) * 10_000))) / 1_000_000n;
}
