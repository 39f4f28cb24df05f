import { corrupt, tooLarge } from "../damage.js";
import { type CodecName, codecs } from "./codec.js";
import { OverLimit } from "./over-limit.js";

/** Bytes that one compressed block may grow to. Writers flush blocks of 16 KiB (Avro) to some MiB. */
export const MAX_BLOCK_BYTES = 256 * 1024 * 1024;

/** Decompresses a block of `file`: DW-FILE-CORRUPT, and DW-FILE-TOO-LARGE above `limit` bytes of output. */
export function decompressed(codec: CodecName, bytes: Uint8Array, file: string, limit = MAX_BLOCK_BYTES): Uint8Array {
  try {
    return codecs[codec](bytes, limit);
  } catch (error) {
    if (error instanceof OverLimit) throw tooLarge(file, error.subject, error.limit);
    if (!(error instanceof RangeError)) throw error;
    throw corrupt(file, `A block does not decompress with ${codec}.`, error);
  }
}
