import { deflateBlock } from "./deflate.js";
import { lz4Block } from "./lz4.js";
import { lzoBlock } from "./lzo.js";
import { snappyBlock } from "./snappy.js";
import { zstdBlock } from "./zstd.js";

/*
 * What a block of a file is compressed with. A codec knows neither its file nor a letter to write: it throws RangeError for
 * what does not decompress, and its kind OverLimit for what would grow beyond the caller's bound; callers name the file.
 * No codec allocates more than `limit` bytes for its output, whatever the input announces.
 */

/** Answers at most `limit` bytes. The result may be a view of a larger buffer. */
export type Decompress = (bytes: Uint8Array, limit: number) => Uint8Array;

export type CodecName = "deflate" | "lz4" | "lzo" | "snappy" | "zstd";

/** zstd needs loadZstd first. */
export const codecs: Readonly<Record<CodecName, Decompress>> = {
  deflate: deflateBlock,
  lz4: lz4Block,
  lzo: lzoBlock,
  snappy: snappyBlock,
  zstd: zstdBlock,
};
