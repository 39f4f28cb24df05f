import { createReadStream, createWriteStream } from "node:fs";
import { open, rm } from "node:fs/promises";
import { PassThrough, Transform, type TransformCallback } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip, createInflate, gunzipSync, inflateSync, constants as zlib } from "node:zlib";
import { Bzip2Stream, bzip2Head } from "../../formats/compression/bzip2.js";
import { hadoopBlocks } from "../../formats/compression/hadoop-blocks.js";
import { OverLimit } from "../../formats/compression/over-limit.js";
import { loadZstd, ZstdStream } from "../../formats/compression/zstd.js";
import { corrupt, tooLarge, unsupported } from "../../formats/damage.js";
import type { Compression, TableFile } from "./listing.js";

/*
 * DuckDB reads a truncated gzip file up to where it ends and says nothing, so that files are unpacked here first, by
 * decoders that check lengths and checksums; several gzip members one after the other are one file (RFC 1952, section 2.2).
 */

/** Bytes of one unpacked file: a bomb of a few megabytes ends here and not at a full disk. */
const UNPACKED_LIMIT = 64 * 1024 ** 3;
/** And it may grow so many times; deflate reaches 1032 at most, honest rows stay below 100. */
const GROWTH_LIMIT = 1100;
const GROWTH_FREE = 256 * 1024 ** 2;

type Transcribe = (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array | string>;
type Decode = (pieces: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>;

const decoders: Readonly<Record<Compression, () => NodeJS.ReadWriteStream | Decode>> = {
  none: () => new PassThrough(),
  gzip: () => createGunzip(),
  zstd: () => unzstd,
  bzip2: () => bunzip2,
  deflate: () => createInflate(),
  snappy: () => (pieces) => hadoopBlocks("snappy", pieces),
  lz4: () => (pieces) => hadoopBlocks("lz4", pieces),
};

/**
 * Writes the unpacked bytes of `from`, transcribed or without a byte order mark before them, to `to`. DW-FILE-CORRUPT, DW-FILE-TOO-LARGE;
 * nothing is left behind then.
 */
export async function unpack(
  from: string,
  to: string,
  compression: Compression,
  name: string,
  size: number,
  transcribe: Transcribe = withoutMark,
): Promise<void> {
  const decoder = decoders[compression]();
  try {
    await pipeline(createReadStream(from), decoder as Decode, bounded(name, size), transcribe, createWriteStream(to, { flags: "wx" })); // pipeline takes streams and generators alike
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

const MARK = Buffer.of(0xef, 0xbb, 0xbf);

async function* withoutMark(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let head: Uint8Array | undefined = new Uint8Array();
  for await (const piece of pieces) {
    if (head === undefined) {
      yield piece;
      continue;
    }
    head = Buffer.concat([head, piece]);
    if (head.length < MARK.length) continue;
    yield MARK.equals(head.subarray(0, MARK.length)) ? head.subarray(MARK.length) : head;
    head = undefined;
  }
  if (head !== undefined) yield head;
}

const HEAD_BYTES = 64 * 1024;

/** Whether a local file's content begins with a byte order mark. */
export async function startsWithMark(path: string, compression: Compression, file: TableFile): Promise<boolean> {
  const head = await unpackedFirst(await firstBytes(path), compression, file);
  return MARK.equals(head.subarray(0, MARK.length));
}

async function firstBytes(path: string): Promise<Uint8Array> {
  const file = await open(path, "r");
  try {
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** As unpackedHead, and DW-FILE-CORRUPT for what does not unpack; DW-SOURCE-UNSUPPORTED for what is packed otherwise than its name says. */
export async function unpackedFirst(head: Uint8Array, compression: Compression, file: TableFile): Promise<Uint8Array> {
  if (compression === "none") refusePacked(head, file.path);
  try {
    return await unpackedHead(head, compression, head.length >= file.size);
  } catch (cause) {
    throw corrupt(file.path, "It does not unpack.", cause);
  }
}

/** How archives and compressed files begin. */
const magics: readonly (readonly [string, readonly number[]])[] = [
  ["gzip", [0x1f, 0x8b, 0x08]],
  ["Zstandard", [0x28, 0xb5, 0x2f, 0xfd]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ["LZ4", [0x04, 0x22, 0x4d, 0x18]],
  ["zip", [0x50, 0x4b, 0x03, 0x04]],
];

function refusePacked(head: Uint8Array, path: string): void {
  const [name] = magics.find(([, magic]) => magic.every((byte, index) => head[index] === byte)) ?? [];
  if (name === undefined) return;
  throw unsupported(
    `${path} is packed with ${name}, and its name does not end so.`,
    "dw unpacks .gz, .zst, .bz2, .deflate, .snappy and .lz4 by the names of files.",
    "Rename the file accordingly, or unpack it first.",
  );
}

/** Throws RangeError for damage. */
async function* bunzip2(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const stream = new Bzip2Stream();
  for await (const piece of pieces) yield* stream.push(piece);
  yield* stream.end();
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
async function unpackedHead(head: Uint8Array, compression: Compression, whole: boolean): Promise<Uint8Array> {
  if (compression === "none") return head;
  if (compression === "gzip") return gunzipSync(head, { finishFlush: zlib.Z_SYNC_FLUSH });
  if (compression === "bzip2") return bzip2Head(head, whole);
  if (compression === "deflate") return inflateSync(head, { finishFlush: zlib.Z_SYNC_FLUSH });
  if (compression !== "zstd") return hadoopHead(compression, head, whole);
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

/** Of the blocks that end in `head`; where it is the whole file, it must end with one. */
async function hadoopHead(codec: "snappy" | "lz4", head: Uint8Array, whole: boolean): Promise<Uint8Array> {
  const found: Uint8Array[] = [];
  async function* pieces(): AsyncGenerator<Uint8Array> {
    yield head;
  }
  try {
    for await (const piece of hadoopBlocks(codec, pieces())) found.push(piece);
  } catch (error) {
    if (whole || found.length === 0) throw error;
  }
  return Buffer.concat(found);
}
