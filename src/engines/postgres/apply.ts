import { DwError } from "../../core/errors.js";
import { type Fingerprint, type FingerprintColumn, fingerprintQuery, readFingerprint } from "../../core/fingerprint.js";
import type { Pg, PgSession } from "../../core/session.js";
import type { Apply } from "../../core/target.js";
import { postgresCanonical } from "./canonical.js";

/*
 * Chunks that meet rows which are there: in the chunk's own transaction, and read back before its COMMIT by the server's SQL.
 */

const { ident } = postgresCanonical;
const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;

const UNIQUE = `SELECT 1 FROM pg_catalog.pg_index i WHERE i.indrelid = $1::regclass AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
  AND (SELECT array_agg(a.attname::text ORDER BY a.attname::text COLLATE "C") FROM pg_catalog.pg_attribute a
       WHERE a.attrelid = i.indrelid AND a.attnum = ANY((i.indkey::int2[])[0:i.indnkeyatts - 1]) AND a.attnotnull)
    = (SELECT array_agg(k ORDER BY k COLLATE "C") FROM unnest($2::text[]) k) AND i.indnkeyatts = cardinality($2::text[]) LIMIT 1`;

/** Is there a unique index over exactly these columns, none of which may be NULL? `relation` is quoted. */
export async function isUniqueBy(pg: Pg, relation: string, key: readonly string[]): Promise<boolean> {
  const names = `{${key.map((name) => `"${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`).join(",")}}`;
  return key.length > 0 && (await pg.query(UNIQUE, [relation, names])).length > 0;
}

export interface Applied {
  /** Quoted. */
  readonly relation: string;
  readonly columns: readonly FingerprintColumn[];
  readonly title: string;
}

/** Rows lie in `dw_rows` of the session; keys to delete, where there are any, in `dw_gone`. */
export const ROWS = "dw_rows";
export const GONE = "dw_gone";

/** An empty table of the target's types that goes with the transaction. */
export async function makeLike(session: PgSession, table: string, relation: string, names: readonly string[]): Promise<void> {
  await session.query(`CREATE TEMPORARY TABLE ${table} ON COMMIT DROP AS SELECT ${names.map(ident).join(", ")} FROM ${relation} LIMIT 0`);
}

export async function giveWay(session: PgSession, relation: string, apply: Extract<Apply, { apply: "replace" }>): Promise<void> {
  await session.query(`DELETE FROM ${relation} WHERE ${inRange(apply)}`);
}

function inRange({ column, after, upTo }: Extract<Apply, { apply: "replace" }>): string {
  const top = `${ident(column)} <= ${literal(upTo)}`;
  return after === null ? top : `${ident(column)} > ${literal(after)} AND ${top}`;
}

/** What is deleted goes first: a key that came back in the same chunk stays. */
export async function upsert(session: PgSession, { relation, columns }: Applied, key: readonly string[], hasGone: boolean): Promise<void> {
  const names = columns.map(({ name }) => name);
  const list = names.map(ident).join(", ");
  if (hasGone) await session.query(`DELETE FROM ${relation} t USING ${GONE} g WHERE ${sameKey(key, "t", "g")}`);
  const rest = names.filter((name) => !key.includes(name)).map((name) => `${ident(name)} = excluded.${ident(name)}`);
  const action = rest.length === 0 ? "NOTHING" : `UPDATE SET ${rest.join(", ")}`;
  await session.query(
    `INSERT INTO ${relation} (${list}) SELECT ${list} FROM ${ROWS} ON CONFLICT (${key.map(ident).join(", ")}) DO ${action}`,
  );
}

const sameKey = (key: readonly string[], a: string, b: string): string =>
  key.map((name) => `${a}.${ident(name)} = ${b}.${ident(name)}`).join(" AND ");

/** Throws DW-RECONCILE-MISMATCH where the target does not hold the chunk as it was read. */
export async function readBack(
  session: PgSession,
  { relation, columns, title }: Applied,
  apply: Apply,
  expected: Fingerprint,
  hasGone: boolean,
): Promise<void> {
  const there =
    apply.apply === "replace"
      ? `(SELECT * FROM ${relation} WHERE ${inRange(apply)}) AS there`
      : `(SELECT t.* FROM ${relation} t JOIN ${ROWS} r ON ${sameKey(apply.key, "t", "r")}) AS there`;
  const [row] = await session.query(fingerprintQuery(postgresCanonical, columns, there));
  const found = readFingerprint(columns, row ?? {});
  if (found.rows !== expected.rows || found.hash.join() !== expected.hash.join()) throw readDifferently(title, expected.rows, found.rows);
  if (apply.apply !== "upsert" || !hasGone) return;
  const left = await session.query(`SELECT 1 FROM ${relation} t JOIN ${GONE} g ON ${sameKey(apply.key, "t", "g")} LIMIT 1`);
  if (left.length > 0) throw readDifferently(title, "no deleted", "some of them");
}

function readDifferently(title: string, expected: string, found: string): DwError {
  return new DwError("DW-RECONCILE-MISMATCH", {
    what: `Chunk ${title} was loaded, but the target does not give it back: ${expected} rows were expected, ${found} found, or values differ.`,
    why: "A trigger, a rule, a type or another writer changed them. The chunk was rolled back; the watermark stays.",
    fix: "Look at the target's triggers and rules, and at who else writes to this table; then run again.",
  });
}
