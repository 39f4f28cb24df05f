import { createHash } from "node:crypto";
import type { MysqlSession } from "../../core/session.js";
import type { Chunk } from "../../core/source.js";
import type { LogicalType } from "../../core/types.js";
import { type MysqlColumn, mysqlText, quoteMysqlName } from "./columns.js";

/*
 * Ranges of the primary key's first column. Each boundary is found by walking the index, so that chunks hold about the same
 * number of rows however the values are spread; rows of one value are never parted.
 */

export interface KeyRange {
  readonly chunk: Chunk;
  /** Predicate in the server's SQL; absent: every row. */
  readonly where?: string;
}

export interface Size {
  readonly rows: number;
  readonly bytes: number;
}

const CHUNK_BYTES = 64 * 1024 ** 2;
const FEWEST_ROWS = 10_000;
const MOST_ROWS = 1_000_000;

/** Key types whose order and equality are those of their texts as literals. */
const ordered: ReadonlySet<LogicalType["kind"]> = new Set(["int", "decimal", "date", "timestamp", "text", "binary", "uuid"]);

/** `rowsAChunk` overrides what follows from the table's size. */
export async function keyRanges(
  session: MysqlSession,
  relation: string,
  columns: readonly MysqlColumn[],
  size: Size,
  rowsAChunk?: number,
): Promise<readonly KeyRange[]> {
  const key = columns.find((column) => column.key === 1);
  if (key === undefined || !ordered.has(key.type.kind)) return [whole(size)];
  const rows = rowsAChunk ?? rowsPerChunk(size);
  const bounds: string[] = [];
  for (let bound = await nextBound(session, relation, key, undefined, rows); bound !== undefined; ) {
    bounds.push(bound);
    bound = await nextBound(session, relation, key, bound, rows);
  }
  if (bounds.length === 0) return [whole(size)];
  const share = { rows, bytes: Math.round(size.bytes / (bounds.length + 1)) };
  return [...bounds, undefined].map((to, index) => range(key, bounds[index - 1], to, share));
}

function rowsPerChunk({ rows, bytes }: Size): number {
  const wanted = rows === 0 ? MOST_ROWS : Math.floor(CHUNK_BYTES / Math.max(1, bytes / rows));
  return Math.min(MOST_ROWS, Math.max(FEWEST_ROWS, wanted));
}

/** The key of the row that is `rows` after `from`; undefined when fewer are left. */
async function nextBound(
  session: MysqlSession,
  relation: string,
  key: MysqlColumn,
  from: string | undefined,
  rows: number,
): Promise<string | undefined> {
  const name = quoteMysqlName(key.name);
  const after = from === undefined ? "" : ` WHERE ${name} > ${boundLiteral(key, from)}`;
  const [row] = await session.query(`SELECT ${key.text} AS bound FROM ${relation}${after} ORDER BY ${name} LIMIT 1 OFFSET ${rows - 1}`);
  return row?.bound ?? undefined;
}

function range(key: MysqlColumn, from: string | undefined, to: string | undefined, size: Size): KeyRange {
  const name = quoteMysqlName(key.name);
  const after = from === undefined ? [] : [`${name} > ${boundLiteral(key, from)}`];
  const until = to === undefined ? [] : [`${name} <= ${boundLiteral(key, to)}`];
  const id = createHash("sha256")
    .update(JSON.stringify([from, to]))
    .digest("hex")
    .slice(0, 24);
  const shown = (bound: string): string => (bound.length > 40 ? `${bound.slice(0, 40)}…` : bound);
  const title = [from === undefined ? "" : `after ${shown(from)}`, to === undefined ? "" : `to ${shown(to)}`].filter((part) => part !== "");
  return {
    chunk: { id: `key-${id}`, title: `${key.name} ${title.join(" ")}`, rows: size.rows, bytes: size.bytes, files: [] },
    where: [...after, ...until].join(" AND "),
  };
}

/** A bound is a value that the server itself wrote: digits, or a text that stands in quotes. */
function boundLiteral({ type }: MysqlColumn, bound: string): string {
  if (type.kind === "binary") return `x'${bound.replace(/[^0-9A-Fa-f]/g, "")}'`;
  if ((type.kind === "int" || type.kind === "decimal") && /^-?[0-9.]+$/.test(bound)) return bound;
  return mysqlText(bound);
}

export const whole = ({ rows, bytes }: Size): KeyRange => ({ chunk: { id: "all", title: "the whole table", rows, bytes, files: [] } });
