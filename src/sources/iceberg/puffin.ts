import type { Storage } from "../../core/storage.js";
import { corrupt } from "../../formats/damage.js";
import { integerOf, isObject, listOf, objectOf, Place, parseExactJson } from "./json.js";

/*
 * The footer of a Puffin file (Puffin spec, "Footer structure"): magic number, payload, its length in four bytes, four
 * bytes of flags, magic number. The payload is JSON and names the blobs.
 */

export interface PuffinBlob {
  readonly offset: number;
  readonly length: number;
  readonly properties: Readonly<Record<string, unknown>>;
}

const MAGIC = "PFA1";
const TAIL_BYTES = 12;
const COMPRESSED = 1;

/** The blobs of a file, or undefined where the footer is compressed: nothing in it is needed to read a deletion vector. */
export async function puffinBlobs(storage: Storage, path: string): Promise<readonly PuffinBlob[] | undefined> {
  const size = await storage.size(path);
  if (size < 2 * MAGIC.length + TAIL_BYTES) throw corrupt(path, "It is too short for a Puffin file.");
  const tail = Buffer.from(await storage.read(path, { start: size - TAIL_BYTES, length: TAIL_BYTES }));
  if (tail.toString("latin1", 8) !== MAGIC) throw corrupt(path, "It does not end with the magic number of Puffin files.");
  const [length, flags] = [tail.readUInt32LE(0), tail.readUInt32LE(4)];
  if (flags & COMPRESSED) return undefined;
  const start = size - TAIL_BYTES - length;
  if (start < 2 * MAGIC.length) throw corrupt(path, "Its footer is longer than the file.");
  return blobsOf(Buffer.from(await storage.read(path, { start, length })).toString("utf8"), path);
}

function blobsOf(footer: string, path: string): readonly PuffinBlob[] {
  const place = new Place(path);
  const { blobs } = objectOf(parseExactJson(footer, path), place);
  return listOf(blobs, place.step("blobs")).map((blob) => {
    const at = place.step("blobs[]");
    const { offset, length, properties } = objectOf(blob, at);
    return {
      offset: integerOf(offset, at.step("offset")),
      length: integerOf(length, at.step("length")),
      properties: isObject(properties) ? properties : {},
    };
  });
}
