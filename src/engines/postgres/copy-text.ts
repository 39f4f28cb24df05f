import { createReadStream } from "node:fs";
import type { PgSession } from "../../core/session.js";
import type { LogicalType } from "../../core/types.js";

/*
 * A chunk on its way into PostgreSQL is a CSV file that DuckDB writes and COPY reads. DuckDB's text of most values is what
 * PostgreSQL reads as the same value; the table below has the others.
 */

/** DuckDB expression that writes `value` as PostgreSQL reads it. */
export function copyText(type: LogicalType, value: string): string {
  switch (type.kind) {
    case "binary":
      return `'\\x' || hex(${value})`;
    case "date":
    case "timestamp":
      // Before year 1 DuckDB writes `0044-03-15 (BC)`.
      return `CASE WHEN ${value} < '0001-01-01' THEN replace(CAST(${value} AS VARCHAR), '(BC)', 'BC') ELSE CAST(${value} AS VARCHAR) END`;
    case "list":
      return arrayText(type.element.type, value);
    default:
      return value;
  }
}

function arrayText(element: LogicalType, value: string): string {
  const text = `CAST(${copyText(element, "element")} AS VARCHAR)`;
  const quoted = `'"' || replace(replace(${text}, '\\', '\\\\'), '"', '\\"') || '"'`;
  const item = element.kind === "list" ? text : quoted;
  return `'{' || array_to_string(list_transform(${value}, lambda element: CASE WHEN element IS NULL THEN 'NULL' ELSE ${item} END), ',') || '}'`;
}

/** Types whose CSV text is always quoted: an empty text is not NULL, and `\.` on a line of its own does not end the copy. */
export function isQuoted(type: LogicalType): boolean {
  return type.kind === "text" || type.kind === "enum" || type.kind === "json" || type.kind === "native";
}

const READ_BYTES = 1024 * 1024;

/** The file's bytes. Stops with the signal's reason, which makes COPY fail and the transaction roll back. */
export async function* fileBytes(path: string, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const piece of createReadStream(path, { highWaterMark: READ_BYTES })) {
    signal.throwIfAborted();
    yield piece as Uint8Array; // without an encoding a read stream gives Buffers
  }
}

const QUOTE = 0x22;
const NEWLINE = 0x0a;

/**
 * Rows of a CSV file in pieces of at most `limit` bytes where rows allow it: each piece ends at the end of a row. A line
 * break inside quotes is not the end of a row, and a doubled quote leaves and enters quotes at once, so that parity tells.
 */
async function* csvPieces(bytes: AsyncIterable<Uint8Array>, limit: number): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  let inQuotes = false;
  for await (const piece of bytes) {
    const scan = lastRowEnd(piece, inQuotes);
    inQuotes = scan.inQuotes;
    if (size + piece.length > limit && scan.end > 0) {
      yield Buffer.concat([...held, piece.subarray(0, scan.end)]);
      held = [piece.subarray(scan.end)];
      size = piece.length - scan.end;
    } else {
      held.push(piece);
      size += piece.length;
    }
  }
  if (size > 0) yield Buffer.concat(held);
}

/** Offset after the last line break outside quotes; 0 when there is none. */
function lastRowEnd(piece: Uint8Array, startsInQuotes: boolean): { end: number; inQuotes: boolean } {
  let inQuotes = startsInQuotes;
  let end = 0;
  for (let index = 0; index < piece.length; index++) {
    const byte = piece[index];
    if (byte === QUOTE) inQuotes = !inQuotes;
    else if (byte === NEWLINE && !inQuotes) end = index + 1;
  }
  return { end, inQuotes };
}

/** Bytes that PGlite is handed at once: it holds them in its own memory, of which it has little. */
const EMBEDDED_PIECE = 16 * 1024 * 1024;

/** Answers the number of rows. */
export async function copyBytes(session: PgSession, copy: string, bytes: AsyncIterable<Uint8Array>, embedded: boolean): Promise<number> {
  if (!embedded) return session.copyIn(copy, bytes);
  let copied = 0;
  for await (const piece of csvPieces(bytes, EMBEDDED_PIECE)) copied += await session.copyIn(copy, only(piece));
  return copied;
}

async function* only(piece: Uint8Array): AsyncGenerator<Uint8Array> {
  yield piece;
}
