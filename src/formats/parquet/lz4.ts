import { type FileHandle, open } from "node:fs/promises";
import { lz4Block } from "../compression/lz4.js";
import { MAX_BLOCK_BYTES } from "../compression/named.js";
import { corrupt, tooLarge } from "../damage.js";
import {
  change,
  footerBytes,
  isStruct,
  MAGIC,
  member,
  readStruct,
  structs,
  type ThriftStruct,
  writeFooter,
  writeStruct,
} from "./thrift-tree.js";

/*
 * Parquet's codec LZ4 (not LZ4_RAW) is what Hadoop's Lz4Codec writes: blocks with lengths before them, which the format's
 * authors did not mean and DuckDB does not read. A copy of the file with its pages decompressed is read as any other.
 */

/** Ids of parquet.thrift. */
const FILE = { rowGroups: 4 };
const ROW_GROUP = { columns: 1, fileOffset: 5, compressedSize: 6 };
const CHUNK = { fileOffset: 2, metadata: 3, offsetIndex: 4, offsetIndexLength: 5, columnIndex: 6, columnIndexLength: 7 };
const METADATA = { codec: 4, compressedSize: 7, dataPage: 9, indexPage: 10, dictionaryPage: 11, bloomFilter: 14, bloomFilterLength: 15 };
const PAGE = { plainSize: 2, size: 3, checksum: 4, version2: 8 };
const VERSION_2 = { definitionLevels: 5, repetitionLevels: 6, compressed: 7 };

const LZ4 = 5n;
const UNCOMPRESSED = 0n;
/** ColumnMetaData's `codec: LZ4` and the head of `num_values` behind it: footers without these bytes need no parsing. */
const CODEC_LZ4 = Buffer.from([0x15, 0x0a, 0x16]);
/** A column of a row group is held in memory; a page's header is found within so many bytes. */
const MAX_CHUNK_BYTES = 256 * 1024 ** 2;
/** Of the copy: what decompresses to more is a bomb. */
const MAX_BYTES = 64 * 1024 ** 3;

/** Writes the copy to `to`, a new file; answers false, and writes nothing, where no column is compressed so. `name` is for messages. */
export async function withoutLz4(from: string, to: string, name: string): Promise<boolean> {
  const file = await open(from, "r");
  try {
    const { bytes } = await footerBytes(file, name);
    if (!bytes.includes(CODEC_LZ4)) return false;
    const footer = readStruct(bytes, name).struct;
    const groups = structs(footer, FILE.rowGroups);
    const chunks = groups.flatMap((group) => structs(group, ROW_GROUP.columns));
    if (!chunks.some((chunk) => codecOf(chunk) === LZ4)) return false;
    for (const group of groups) change(group, { [ROW_GROUP.fileOffset]: undefined, [ROW_GROUP.compressedSize]: undefined });
    const copy = await open(to, "wx", 0o600);
    try {
      let end = (await copy.write(MAGIC)).bytesWritten;
      for (const chunk of chunks) {
        for (const bytes of await rewritten(file, chunk, end, name)) end += (await copy.write(bytes)).bytesWritten;
        if (end > MAX_BYTES) throw tooLarge(name, "The decompressed content", MAX_BYTES);
      }
      await copy.write(writeFooter(footer));
    } finally {
      await copy.close();
    }
    return true;
  } finally {
    await file.close();
  }
}

function codecOf(chunk: ThriftStruct): unknown {
  const metadata = member(chunk, CHUNK.metadata);
  return isStruct(metadata) ? member(metadata, METADATA.codec) : undefined;
}

/** The bytes of a column of a row group as they will stand from `start` on; its metadata is changed to say so. */
async function rewritten(file: FileHandle, chunk: ThriftStruct, start: number, name: string): Promise<readonly Uint8Array[]> {
  const metadata = member(chunk, CHUNK.metadata);
  if (!isStruct(metadata)) throw corrupt(name, "A column has no metadata.");
  const number = (id: number): number => {
    const value = Number(member(metadata, id) ?? 0);
    if (!Number.isSafeInteger(value)) throw corrupt(name, "A column's metadata has something else where a number must be.");
    return value;
  };
  const dictionary = number(METADATA.dictionaryPage);
  const first = dictionary > 0 ? Math.min(dictionary, number(METADATA.dataPage)) : number(METADATA.dataPage);
  const bytes = await range(file, first, number(METADATA.compressedSize), name);
  const compressed = codecOf(chunk) === LZ4;
  const pages = compressed ? plainPages(bytes, name) : { parts: [bytes], offsets: new Map<number, number>() };
  const moved = (offset: number): bigint => BigInt(start + (pages.offsets.get(offset - first) ?? offset - first));
  change(chunk, {
    [CHUNK.fileOffset]: BigInt(start),
    [CHUNK.offsetIndex]: undefined,
    [CHUNK.offsetIndexLength]: undefined,
    [CHUNK.columnIndex]: undefined,
    [CHUNK.columnIndexLength]: undefined,
  });
  change(metadata, {
    ...(compressed ? { [METADATA.codec]: UNCOMPRESSED } : {}),
    [METADATA.compressedSize]: BigInt(pages.parts.reduce((sum, part) => sum + part.length, 0)),
    [METADATA.dataPage]: moved(number(METADATA.dataPage)),
    [METADATA.indexPage]: undefined,
    [METADATA.dictionaryPage]: dictionary > 0 ? moved(dictionary) : undefined,
    [METADATA.bloomFilter]: undefined,
    [METADATA.bloomFilterLength]: undefined,
  });
  return pages.parts;
}

async function range(file: FileHandle, start: number, length: number, name: string): Promise<Buffer> {
  if (length > MAX_CHUNK_BYTES) throw tooLarge(name, "A column of a row group", MAX_CHUNK_BYTES);
  const { size } = await file.stat();
  if (start < MAGIC.length || length < 0 || start + length > size) throw corrupt(name, "A column lies outside of the file.");
  const bytes = Buffer.alloc(length);
  await file.read(bytes, 0, length, start);
  return bytes;
}

interface Pages {
  readonly parts: readonly Uint8Array[];
  /** Where each page, which began at the key, begins now. */
  readonly offsets: ReadonlyMap<number, number>;
}

function plainPages(bytes: Buffer, name: string): Pages {
  const parts: Uint8Array[] = [];
  const offsets = new Map<number, number>();
  let end = 0;
  let plain = 0;
  for (let at = 0; at < bytes.length; ) {
    const { struct: header, length } = readStruct(bytes.subarray(at), name);
    const size = Number(member(header, PAGE.size) ?? -1);
    const body = bytes.subarray(at + length, at + length + size);
    if (size < 0 || body.length !== size) throw corrupt(name, "A page is longer than its column.");
    const written = plainPage(header, body, name);
    plain += written.length;
    if (plain > MAX_CHUNK_BYTES * 4) throw tooLarge(name, "A column of a row group", MAX_CHUNK_BYTES * 4);
    change(header, { [PAGE.size]: BigInt(written.length), [PAGE.checksum]: undefined });
    const head = writeStruct(header);
    offsets.set(at, end);
    parts.push(head, written);
    end += head.length + written.length;
    at += length + size;
  }
  return { parts, offsets };
}

/** Levels of the second version's pages stand before the compressed part. */
function plainPage(header: ThriftStruct, body: Buffer, name: string): Uint8Array {
  const version2 = member(header, PAGE.version2);
  const plainSize = Number(member(header, PAGE.plainSize) ?? -1);
  if (plainSize < 0 || plainSize > MAX_BLOCK_BYTES) throw tooLarge(name, "A page", MAX_BLOCK_BYTES);
  if (!isStruct(version2)) return hadoopBlocks(body, plainSize, name);
  if (member(version2, VERSION_2.compressed) === false) return body;
  const levels = Number(member(version2, VERSION_2.definitionLevels) ?? 0) + Number(member(version2, VERSION_2.repetitionLevels) ?? 0);
  if (levels < 0 || levels > Math.min(body.length, plainSize)) throw corrupt(name, "The levels of a page are longer than the page.");
  change(version2, { [VERSION_2.compressed]: false });
  return Buffer.concat([body.subarray(0, levels), hadoopBlocks(body.subarray(levels), plainSize - levels, name)]);
}

/** A block is its plain length, then compressed pieces, each with its length before it, until that many bytes are there. */
function hadoopBlocks(body: Buffer, plainSize: number, name: string): Uint8Array {
  const out = Buffer.alloc(plainSize);
  let done = 0;
  let at = 0;
  const length = (): number => {
    if (at + 4 > body.length) throw corrupt(name, "A compressed page is cut off.");
    at += 4;
    return body.readUInt32BE(at - 4);
  };
  while (done < plainSize) {
    const blockEnd = done + length();
    if (blockEnd > plainSize || blockEnd === done) throw corrupt(name, "A compressed page has another length than it says.");
    while (done < blockEnd) {
      const size = length();
      if (at + size > body.length) throw corrupt(name, "A compressed page is cut off.");
      const piece = piecePlain(body.subarray(at, at + size), blockEnd - done, name);
      out.set(piece, done);
      done += piece.length;
      at += size;
    }
  }
  return out;
}

/** What a byte of LZ4 can stand for at most. */
const MOST_PER_BYTE = 256;

function piecePlain(bytes: Uint8Array, limit: number, name: string): Uint8Array {
  try {
    const piece = lz4Block(bytes, Math.min(limit, bytes.length * MOST_PER_BYTE));
    if (piece.length > 0) return piece;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw corrupt(name, "A compressed page cannot be decompressed.", error);
  }
  throw corrupt(name, "A compressed page holds nothing.");
}
