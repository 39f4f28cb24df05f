import { gunzipSync } from "node:zlib";
import { codecs } from "../../formats/compression/codec.js";
import { loadZstd } from "../../formats/compression/zstd.js";

/*
 * How producers compress the messages of a batch. Java's Snappy has a framing of its own, other clients write a plain block;
 * LZ4 is a frame (https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md).
 */

/** Bytes that one batch may grow to: a broker takes batches of 1 MiB by default. */
const LIMIT = 512 * 1024 * 1024;

const ZSTD = 4;

/** By the number in a batch's attributes. Throws RangeError for what does not decompress. */
export async function decompressed(codec: number, bytes: Buffer): Promise<Buffer> {
  if (codec === ZSTD) await loadZstd();
  const decompress = DECOMPRESS[codec];
  if (!decompress) throw new RangeError(`a batch is compressed with codec ${codec}, which Kafka does not have`);
  return decompress(bytes);
}

const DECOMPRESS: Readonly<Record<number, (bytes: Buffer) => Buffer>> = {
  0: (bytes) => bytes,
  1: (bytes) => gunzipSync(bytes, { maxOutputLength: LIMIT }),
  2: snappy,
  3: lz4,
  [ZSTD]: (bytes) => Buffer.from(codecs.zstd(bytes, LIMIT)),
};

const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);

function snappy(bytes: Buffer): Buffer {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return Buffer.from(codecs.snappy(bytes, LIMIT));
  const blocks: Uint8Array[] = [];
  for (let at = 16; at < bytes.length; ) {
    const size = bytes.readInt32BE(at);
    if (size < 0 || at + 4 + size > bytes.length) throw new RangeError("a Snappy block runs past its batch");
    blocks.push(codecs.snappy(bytes.subarray(at + 4, at + 4 + size), LIMIT));
    at += 4 + size;
  }
  return Buffer.concat(blocks);
}

const LZ4_MAGIC = 0x184d2204;
const LZ4_BLOCK_SIZES: Readonly<Record<number, number>> = { 4: 65_536, 5: 262_144, 6: 1_048_576, 7: 4_194_304 };
const UNCOMPRESSED = 0x8000_0000;

function lz4(bytes: Buffer): Buffer {
  if (bytes.readUInt32LE(0) !== LZ4_MAGIC) throw new RangeError("no LZ4 frame");
  const flags = bytes.readUInt8(4);
  const [blockChecksums, contentSize, dictionary] = [(flags & 0x10) !== 0, (flags & 0x08) !== 0, (flags & 0x01) !== 0];
  if ((flags & 0x20) === 0 || dictionary) throw new RangeError("LZ4 blocks that depend on each other");
  const limit = LZ4_BLOCK_SIZES[(bytes.readUInt8(5) >> 4) & 7] ?? 0;
  const blocks: Uint8Array[] = [];
  for (let at = 7 + (contentSize ? 8 : 0); ; ) {
    const word = bytes.readUInt32LE(at);
    if (word === 0) return Buffer.concat(blocks);
    const size = word >= UNCOMPRESSED ? word - UNCOMPRESSED : word;
    if (at + 4 + size > bytes.length) throw new RangeError("an LZ4 block runs past its batch");
    const block = bytes.subarray(at + 4, at + 4 + size);
    blocks.push(word >= UNCOMPRESSED ? block : codecs.lz4(block, limit));
    at += 4 + size + (blockChecksums ? 4 : 0);
  }
}
