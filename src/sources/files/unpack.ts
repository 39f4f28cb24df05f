import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, gunzipSync, constants as zlib } from "node:zlib";
import { OverLimit } from "../../formats/compression/over-limit.js";
import { loadZstd, ZstdStream } from "../../formats/compression/zstd.js";
import { corrupt, tooLarge } from "../../formats/damage.js";
import type { Compression } from "./listing.js";

/*
 * DuckDB reads a truncated gzip file up to where it ends and says nothing, so that files are unpacked here first, by
 * decoders that check lengths and checksums; several gzip members one after the other are one file (RFC 1952, section 2.2).
 */

/** Bytes of one unpacked file: a bomb of a few megabytes ends here and not at a full disk. */
const UNPACKED_LIMIT = 64 * 1024 ** 3;
/** And it may grow so many times; deflate reaches 1032 at most, honest rows stay below 100. */
const GROWTH_LIMIT = 1100;
const GROWTH_FREE = 256 * 1024 ** 2;

/** Writes the unpacked bytes of `from` to `to`. DW-FILE-CORRUPT, DW-FILE-TOO-LARGE; nothing is left behind then. */
export async function unpack(
  from: string,
  to: string,
  compression: Exclude<Compression, "none">,
  name: string,
  size: number,
): Promise<void> {
  const decoder = compression === "gzip" ? createGunzip() : unzstd;
  try {
    await pipeline(createReadStream(from), decoder, bounded(name, size), createWriteStream(to, { flags: "wx" }));
  } catch (cause) {
    await rm(to, { force: true });
    if (cause instanceof OverLimit) throw tooLarge(name, cause.subject, cause.limit);
    throw isDecoderError(cause) ? corrupt(name, `Its ${compression} stream does not unpack: ${cause.message}.`, cause) : cause;
  }
}

function isDecoderError(cause: unknown): cause is Error {
  if (!(cause instanceof Error)) return false;
  const { code } = cause as NodeJS.ErrnoException; // node:zlib's errors carry one
  return cause instanceof RangeError || (code?.startsWith("Z_") ?? false);
}

function bounded(name: string, size: number): Transform {
  const limit = Math.min(UNPACKED_LIMIT, GROWTH_FREE + size * GROWTH_LIMIT);
  let total = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done: TransformCallback) {
      total += chunk.length;
      done(total > limit ? tooLarge(name, "The unpacked content", limit) : null, chunk);
    },
  });
}

/** Throws RangeError for damage, OverLimit. */
async function* unzstd(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  await loadZstd();
  const stream = new ZstdStream();
  try {
    for await (const piece of pieces) yield* stream.push(piece);
    stream.end();
  } finally {
    stream.close();
  }
}

/**
 * The first bytes of a packed file's content, from its first bytes; as much as can be had. Where `head` is the whole file,
 * a Zstandard one that has not ended throws, since it may give nothing at all before its end.
 */
export async function unpackedHead(head: Uint8Array, compression: Compression, whole: boolean): Promise<Uint8Array> {
  if (compression === "none") return head;
  if (compression === "gzip") return gunzipSync(head, { finishFlush: zlib.Z_SYNC_FLUSH });
  await loadZstd();
  const stream = new ZstdStream();
  try {
    const content = Buffer.concat([...stream.push(head)]);
    if (whole) stream.end();
    return content;
  } finally {
    stream.close();
  }
}
