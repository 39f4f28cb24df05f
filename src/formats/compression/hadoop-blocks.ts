import { type CodecName, codecs } from "./codec.js";

/*
 * What Hadoop's SnappyCodec and Lz4Codec write (BlockCompressorStream): blocks, each of its plain length, and pieces of their
 * compressed length and bytes until the block is full; lengths are big-endian, of four bytes. No checksums.
 */

/** Bytes of one block: writers take 256 KiB. */
const BLOCK_LIMIT = 64 * 1024 * 1024;
const LENGTH = 4;

/** Throws RangeError for damage. */
export async function* hadoopBlocks(codec: CodecName, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let rest = Buffer.alloc(0);
  let left = 0;
  for await (const piece of pieces) {
    rest = Buffer.concat([rest, piece]);
    for (;;) {
      const at = left === 0 ? LENGTH : 0;
      if (rest.length < at + LENGTH) break;
      const plain = left === 0 ? bounded(rest.readUInt32BE(0)) : left;
      if (plain === 0) {
        rest = rest.subarray(LENGTH); // an empty block has no pieces
        continue;
      }
      const end = at + LENGTH + bounded(rest.readUInt32BE(at));
      if (rest.length < end) break;
      const bytes = codecs[codec](rest.subarray(at + LENGTH, end), plain);
      left = plain - bytes.length;
      rest = rest.subarray(end);
      yield bytes;
    }
  }
  if (rest.length > 0 || left > 0) throw new RangeError("it ends in the middle of a block");
}

function bounded(length: number): number {
  if (length <= BLOCK_LIMIT) return length;
  throw new RangeError(`a block says to have ${length} bytes`);
}
