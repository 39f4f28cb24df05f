import { type CatalogObject, isHole } from "../../core/catalog.js";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.js";
import { chunkIntervalText, sameIntervalText } from "./interval.js";
import { canonicalType } from "./types.js";

/** How a value is spelt where it stands, by the last key of its path. */
const SPELLING: Readonly<Record<string, (text: string) => string>> = {
  chunkInterval: chunkIntervalText,
  columnstoreAfter: sameIntervalText,
  retention: sameIntervalText,
  startOffset: sameIntervalText,
  endOffset: sameIntervalText,
  every: sameIntervalText,
  type: canonicalType,
};

/** The object with one spelling for each type and interval; values per environment are spelt alike inside their hole. */
export function normalize(object: CatalogObject): CatalogObject {
  return { ...object, body: spell(object.body) as JsonObject }; // an object maps to an object
}

function spell(value: Json, key?: string): Json {
  if (typeof value === "string") return (key !== undefined && SPELLING[key]?.(value)) || value;
  if (Array.isArray(value)) return value.map((member) => spell(member));
  if (!isJsonObject(value)) return value;
  const inHole = key !== undefined && isHole({ $env: value });
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, spell(member, name === "$env" || inHole ? key : name)]));
}
