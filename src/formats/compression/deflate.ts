import { inflateRawSync } from "node:zlib";
import { overLimit } from "./over-limit.js";

/** DEFLATE without a header (RFC 1951) into at most `limit` bytes. Throws RangeError, OverLimit. */
export function deflateBlock(source: Uint8Array, limit: number): Uint8Array {
  try {
    return inflateRawSync(source, { maxOutputLength: Math.max(limit, 1) });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") throw overLimit(limit);
    throw new RangeError("a DEFLATE block is damaged", { cause: error });
  }
}
