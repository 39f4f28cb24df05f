import { crc32 } from "node:zlib";
import type { Storage } from "../../core/storage.js";
import type { AvroRecord } from "../../formats/avro/index.js";
import { type Bitmap, readBitmap32, readBitmap64 } from "../../formats/roaring.js";
import { members } from "./avro-members.js";
import { damaged } from "./letters.js";
import { manifestReader } from "./manifest-rows.js";
import { plain } from "./manifests.js";

/*
 * Deletion vectors (Paimon, "Specification / Table index"): an index file holds, for each data file, the length of a
 * vector, the vector and its checksum. A vector is a magic number and either a 32-bit bitmap or, from 1.1 on and with
 * other byte orders, an array of them for positions of 64 bits.
 */

/** Where a data file's vector lies. */
export interface VectorPlace {
  readonly indexFile: string;
  readonly externalPath: string | undefined;
  readonly partition: Uint8Array;
  readonly bucket: number;
  readonly offset: number;
  readonly length: number;
  readonly cardinality: number | undefined;
}

const DELETE = 1;

/** The vectors of a snapshot by partition, bucket and data file, as `vectorKey` makes the key. */
export async function vectorPlaces(storage: Storage, indexManifest: string): Promise<ReadonlyMap<string, VectorPlace>> {
  const file = `manifest/${indexManifest}`;
  const entries = (await indexRows(storage, file))
    .map((row) => members(row, file))
    .filter((row) => row.text("_INDEX_TYPE") === "DELETION_VECTORS");
  const gone = new Set(entries.filter((row) => row.integer("_KIND") === DELETE).map((row) => row.text("_FILE_NAME")));
  const places = new Map<string, VectorPlace>();
  for (const row of entries) {
    const indexFile = plain(row.text("_FILE_NAME"));
    if (gone.has(indexFile)) continue;
    const partition = row.bytes("_PARTITION");
    const bucket = row.integer("_BUCKET");
    const ranges = row.optionalList("_DELETIONS_VECTORS_RANGES") ?? row.optionalList("_DELETION_VECTORS_RANGES");
    for (const range of ranges ?? []) {
      const place = members(range, file);
      places.set(vectorKey(partition, bucket, place.text("f0")), {
        indexFile,
        externalPath: row.optionalText("_EXTERNAL_PATH"),
        partition,
        bucket,
        offset: place.integer("f1"),
        length: place.integer("f2"),
        cardinality: place.optionalInteger("_CARDINALITY"),
      });
    }
  }
  return places;
}

async function indexRows(storage: Storage, file: string): Promise<readonly AvroRecord[]> {
  const reader = manifestReader(storage);
  try {
    return await reader.rows(file);
  } finally {
    await reader.close();
  }
}

export function vectorKey(partition: Uint8Array, bucket: number, dataFile: string): string {
  return `${Buffer.from(partition).toString("base64")}|${bucket}|${dataFile}`;
}

const MAGIC_32 = 1_581_511_376; // big-endian
const MAGIC_64 = 1_681_511_377; // little-endian
/** Two gigabytes of deletions are no vector; a vector of a file of two billion rows takes a quarter of this. */
const MAX_VECTOR_BYTES = 256 * 1024 * 1024;
const LENGTH_AND_CHECKSUM = 8;

/** Reads one vector of the index file at `path`; its positions are row numbers within the data file. */
export async function readVector(storage: Storage, path: string, place: VectorPlace): Promise<Bitmap> {
  if (place.offset < 0 || place.length < 8 || place.length > MAX_VECTOR_BYTES) {
    throw damaged(path, "The index manifest gives a deletion vector an impossible place.");
  }
  // The 64-bit form counts its length field and checksum in the manifest's length, the 32-bit form does not.
  const available = Math.min(place.length + LENGTH_AND_CHECKSUM, (await storage.size(path)) - place.offset);
  if (available < 16) throw damaged(path, "A deletion vector begins behind its end.");
  const bytes = await storage.read(path, { start: place.offset, length: available });
  return parseVector(bytes, path);
}

export function parseVector(bytes: Uint8Array, path: string): Bitmap {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.byteLength < 12) throw damaged(path, "A deletion vector is cut off.");
  const length = view.getInt32(0);
  if (length < 8 || 4 + length + 4 > view.byteLength) throw damaged(path, "A deletion vector is longer than its place.");
  const body = bytes.subarray(4, 4 + length);
  if (crc32(body) !== view.getUint32(4 + length)) throw damaged(path, "A deletion vector does not match its checksum.");
  if (view.getInt32(4) === MAGIC_32) return readBitmap32(body, 4, path);
  if (view.getInt32(4, true) === MAGIC_64) return readBitmap64(body, 4, path);
  throw damaged(path, "A deletion vector has an unknown magic number.");
}
