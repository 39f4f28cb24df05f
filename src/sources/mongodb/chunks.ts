import { createHash } from "node:crypto";
import type { Mongo } from "../../core/session.js";
import type { Chunk } from "../../core/source.js";
import { type BsonValue, members } from "./bson.js";
import { extendedJson } from "./text.js";

/*
 * Ranges of `_id`, each boundary found by walking its index. Comparisons see only values of their own kind: where the first and
 * the last `_id` are of different ones, everything is one chunk.
 */

export interface IdRange {
  readonly chunk: Chunk;
  /** Canonical Extended JSON; absent: every document. */
  readonly filter?: string;
}

const CHUNK_BYTES = 64 * 1024 ** 2;
const FEWEST = 1000;
const MOST = 500_000;

export async function idRanges(mongo: Mongo, collection: string, documentsAChunk?: number): Promise<readonly IdRange[]> {
  const size = await mongo.size(collection);
  const each = documentsAChunk ?? Math.min(MOST, Math.max(FEWEST, Math.floor((CHUNK_BYTES * size.documents) / Math.max(1, size.bytes))));
  const [first, last] = [await idAt(mongo, collection, { byId: 1 }), await idAt(mongo, collection, { byId: -1 })];
  if (first === undefined || last === undefined || kindOf(first) !== kindOf(last)) return [whole(size)];
  const bounds: string[] = [];
  for (let from = extendedJson(first); ; ) {
    const next = await idAt(mongo, collection, { byId: 1, filter: `{"_id":{"$gte":${from}}}`, skip: each });
    if (next === undefined) break;
    from = extendedJson(next);
    bounds.push(from);
  }
  if (bounds.length === 0) return [whole(size)];
  const bytes = Math.round(size.bytes / (bounds.length + 1));
  return [...bounds, undefined].map((to, index) => range(bounds[index - 1], to, { documents: each, bytes }));
}

interface Size {
  readonly documents: number;
  readonly bytes: number;
}

function whole({ documents, bytes }: Size): IdRange {
  return { chunk: { id: "all", title: "all documents", rows: documents, bytes, files: [] } };
}

function range(from: string | undefined, to: string | undefined, { documents, bytes }: Size): IdRange {
  const parts = [...(from === undefined ? [] : [`"$gte":${from}`]), ...(to === undefined ? [] : [`"$lt":${to}`])];
  const id = createHash("sha256")
    .update(JSON.stringify([from ?? null, to ?? null]))
    .digest("hex")
    .slice(0, 24);
  const title = `_id ${from === undefined ? "" : `from ${shown(from)} `}${to === undefined ? "to the last" : `below ${shown(to)}`}`;
  return { chunk: { id: `i-${id}`, title, rows: documents, bytes, files: [] }, filter: `{"_id":{${parts.join(",")}}}` };
}

/** The value alone, where Extended JSON wraps one. */
const shown = (id: string): string => (/^\{"\$(?:oid|numberInt|numberLong)":"(.*)"\}$/.exec(id)?.[1] ?? id).slice(0, 60);

async function idAt(
  mongo: Mongo,
  collection: string,
  question: { readonly byId: 1 | -1; readonly filter?: string; readonly skip?: number },
): Promise<BsonValue | undefined> {
  for await (const [document] of mongo.find(collection, { ...question, fields: ["_id"], limit: 1 })) {
    if (document === undefined) continue;
    for (const [name, value] of members(Buffer.from(document.buffer, document.byteOffset, document.byteLength)))
      if (name === "_id") return value;
  }
  return undefined;
}

/** Numbers compare with each other, and so do texts and symbols. */
const kindOf = ({ type }: BsonValue): number => ([0x01, 0x10, 0x12, 0x13].includes(type) ? 0x01 : type === 0x0e ? 0x02 : type);
