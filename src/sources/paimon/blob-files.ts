import { crc32 } from "node:zlib";
import { localBytes, spoolParquet } from "../../formats/spool.js";
import type { Vector } from "../../formats/vector.js";
import { damaged, unsupported } from "./letters.js";
import type { Spool } from "./relation.js";

/*
 * BLOB columns of data-evolution tables lie in files of their own (`data-….blob`, from 1.3 on): one after the other each
 * value as a magic number, its bytes, the length of it all and a checksum; then the lengths (-1: null) as differences in
 * zigzag varints, the size of that index, and the version (BlobFormatWriter of the reference).
 */

const MAGIC = 1_481_511_375;
const VERSION = 1;
const TRAILER_BYTES = 5;
/** Magic number, length and checksum around a value. */
const AROUND = 16;
const MAX_INDEX_BYTES = 64 * 1024 * 1024;
/** A value is held in memory, and so are those of one batch together. */
const MAX_VALUE_BYTES = 256 * 1024 * 1024;
const BATCH_BYTES = 16 * 1024 * 1024;
const BATCH_ROWS = 1024;

/** Spools the values of a column as a Parquet file with one column of that name. DW-FILE-CORRUPT, DW-SOURCE-UNSUPPORTED. */
export async function spoolBlobs(
  name: string,
  files: readonly { readonly path: string; readonly rows: number }[],
  spool: Spool,
): Promise<string> {
  const to = await spool.folder.file("parquet");
  await spoolParquet(to, files[0]?.path ?? name, [{ name, type: { kind: "bytes" } }], async (write) => {
    for (const { path, rows } of files) {
      const copy = await spool.storage.local(path);
      const source = localBytes(copy.path);
      try {
        for (const batch of batches(values(source, path, rows))) write(batch.length, [vector(batch)]);
      } finally {
        source.close();
        await copy.release();
      }
    }
  });
  return to;
}

type Source = ReturnType<typeof localBytes>;

function* values(source: Source, path: string, rows: number): Generator<Uint8Array | null> {
  let offset = 0;
  const { lengths, end } = index(source, path);
  if (lengths.length !== rows) throw damaged(path, `It has ${lengths.length} values, and the manifest says ${rows}.`);
  for (const length of lengths) {
    if (length === -1) {
      yield null;
      continue;
    }
    if (length < AROUND || offset + length > end) throw damaged(path, "A value in it has an impossible length.");
    if (length > MAX_VALUE_BYTES) throw tooLong(path);
    yield checked(Buffer.from(source.read(offset, length)), path);
    offset += length;
  }
}

function checked(record: Buffer, path: string): Uint8Array {
  const sum = record.length - 4;
  const sound =
    record.readUInt32LE(0) === MAGIC &&
    record.readBigInt64LE(sum - 8) === BigInt(record.length) &&
    crc32(record.subarray(0, sum)) === record.readUInt32LE(sum);
  if (!sound) throw damaged(path, "A value in it does not match its checksum.");
  return record.subarray(4, sum - 8);
}

function tooLong(path: string): Error {
  return unsupported(
    `${path} has a value of more than ${MAX_VALUE_BYTES} bytes.`,
    "A value is held in memory as a whole.",
    "Read the other columns, and copy such values by other means.",
  );
}

function index(source: Source, path: string): { readonly lengths: readonly number[]; readonly end: number } {
  if (source.size < TRAILER_BYTES) throw damaged(path, "It is shorter than its own end.");
  const trailer = Buffer.from(source.read(source.size - TRAILER_BYTES, TRAILER_BYTES));
  const version = trailer.readUInt8(4);
  if (version !== VERSION) throw unsupported(`${path} has the BLOB format ${version}.`, `dw knows the format ${VERSION}.`, "Update dw.");
  const size = trailer.readInt32LE(0);
  const end = source.size - TRAILER_BYTES - size;
  if (size < 0 || end < 0 || size > MAX_INDEX_BYTES) throw damaged(path, "Its index has an impossible size.");
  return { lengths: lengths(source.read(end, size), path), end };
}

function lengths(bytes: Uint8Array, path: string): readonly number[] {
  const found: number[] = [];
  let length = 0n;
  for (let at = 0; at < bytes.length; ) {
    let bits = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw damaged(path, "Its index is cut off.");
      bits |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    length += (bits >> 1n) ^ -(bits & 1n);
    found.push(Number(length));
  }
  return found;
}

function* batches(all: Iterable<Uint8Array | null>): Generator<readonly (Uint8Array | null)[]> {
  let batch: (Uint8Array | null)[] = [];
  let bytes = 0;
  for (const value of all) {
    batch.push(value);
    bytes += value?.length ?? 0;
    if (batch.length < BATCH_ROWS && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function vector(batch: readonly (Uint8Array | null)[]): Vector {
  const kept = batch.flatMap((value) => value ?? []);
  const offsets = new Int32Array(kept.length + 1);
  for (const [at, value] of kept.entries()) offsets[at + 1] = (offsets[at] ?? 0) + value.length;
  const present = Uint8Array.from(batch, (value) => Number(value !== null));
  return { length: batch.length, count: kept.length, present, kind: "bytes", offsets, bytes: Buffer.concat(kept) };
}
