import { createReadStream, createWriteStream } from "node:fs";
import { rm } from "node:fs/promises";
import { Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, gunzipSync, constants as zlib } from "node:zlib";
import { Decompress } from "fzstd";
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
  const decoder = compression === "gzip" ? createGunzip() : zstd();
  try {
    await pipeline(createReadStream(from), decoder, bounded(name, size), createWriteStream(to, { flags: "wx" }));
  } catch (cause) {
    await rm(to, { force: true });
    throw isDecoderError(cause) ? corrupt(name, `Its ${compression} stream does not unpack: ${cause.message}.`, cause) : cause;
  }
}

function isDecoderError(cause: unknown): cause is Error {
  if (!(cause instanceof Error)) return false;
  const { code } = cause as NodeJS.ErrnoException; // node:zlib's errors carry one, fzstd's are marked below
  return cause instanceof ZstdError || (code?.startsWith("Z_") ?? false);
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

class ZstdError extends Error {}

function zstd(): Transform {
  let decoder: Decompress | undefined;
  let failure: Error | undefined;
  const attempt = (work: () => void): Error | null => {
    try {
      work();
    } catch (cause) {
      failure = new ZstdError(cause instanceof Error ? cause.message : String(cause), { cause });
    }
    return failure ?? null;
  };
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      decoder ??= new Decompress((piece) => this.push(piece));
      done(attempt(() => decoder?.push(chunk)));
    },
    flush(done) {
      done(attempt(() => decoder?.push(new Uint8Array(0), true)));
    },
  });
}

/** The first bytes of a packed file's content, from its first bytes; as much as can be had. */
export function unpackedHead(head: Uint8Array, compression: Compression): Uint8Array {
  if (compression === "none") return head;
  const pieces: Uint8Array[] = [];
  if (compression === "zstd") {
    new Decompress((piece) => pieces.push(piece)).push(head);
    return Buffer.concat(pieces);
  }
  return gunzipSync(head, { finishFlush: zlib.Z_SYNC_FLUSH });
}
