/** A JSON value: what catalogs, plans and ledgers are made of, so that each can be stored, hashed and compared. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

export type JsonObject = { readonly [key: string]: Json };

export function isJsonObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * JSON text with keys in code-unit order, so that equal values have equal text on every machine.
 * `indent` as in JSON.stringify: 0 for hashing, 2 for files that people review.
 */
export function stableJson(value: Json, indent = 0): string {
  return JSON.stringify(sortKeys(value), null, indent);
}

function sortKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isJsonObject(value)) return value;
  // fromEntries would lose a key named __proto__; defineProperty-style assignment keeps it data.
  const sorted: Record<string, Json> = Object.create(null);
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) sorted[key] = sortKeys(member);
  }
  return sorted;
}

export function sameJson(a: Json | undefined, b: Json | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return stableJson(a) === stableJson(b);
}
