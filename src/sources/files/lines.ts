import { closeSync, openSync } from "node:fs";
import type { Storage } from "../../core/storage.js";
import { writeAll } from "../../formats/spool.js";
import type { RowRange } from "../../formats/vector.js";
import type { TableFile } from "./listing.js";

const PIECE = 4 * 1024 * 1024;
const NEWLINE = 0x0a;

/**
 * Copies the lines that begin in a range of bytes, whole, the last one beyond its end: every line of a file is in one of
 * several ranges that follow each other. A line break is no part of a line, as in JSON, where one inside of a text is escaped.
 */
export async function copyLines(storage: Storage, { path, size }: TableFile, { start, end }: RowRange, to: string): Promise<void> {
  const output = openSync(to, "wx", 0o600);
  try {
    // a line begins at `start` if the byte before it ends another
    let at = start === 0 ? 0 : start - 1;
    let inside = start === 0;
    for (let done = start >= end; !done && at < size; ) {
      const bytes = await storage.read(path, { start: at, length: Math.min(PIECE, size - at) });
      const from = inside ? 0 : bytes.indexOf(NEWLINE) + 1;
      if (inside || (from > 0 && at + from < end)) {
        inside = true;
        const stop = endOfLines(bytes, Math.max(from, end - 1 - at));
        writeAll(output, bytes.subarray(from, stop ?? bytes.length));
        done = stop !== undefined;
      } else done = from > 0 || at + bytes.length >= end;
      at += bytes.length;
    }
  } finally {
    closeSync(output);
  }
}

/** Behind the first line break from a position on; undefined when there is none. */
function endOfLines(bytes: Uint8Array, from: number): number | undefined {
  if (from >= bytes.length) return undefined;
  const found = bytes.indexOf(NEWLINE, from);
  return found < 0 ? undefined : found + 1;
}
