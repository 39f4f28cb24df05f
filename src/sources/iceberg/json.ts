import { corrupt } from "../../formats/damage.js";

/*
 * Metadata JSON. Snapshot ids are 64-bit numbers, which JSON.parse rounds; and everything in the file may be a lie, so
 * each value is narrowed where it is used, with the place named when it is not what it should be.
 */

export type JsonNode = Readonly<Record<string, unknown>>;

/** A string or a number. Strings are matched so that digits inside them stay what they are. */
const tokens = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/** Integers of 16 digits and more become strings, so that ids and sequence numbers stay exact. */
export function parseExactJson(text: string, file: string): unknown {
  const exact = text.replace(tokens, (token) => (/^-?\d{16,}$/.test(token) ? `"${token}"` : token));
  try {
    return JSON.parse(exact.replace(/^\ufeff/, ""));
  } catch (error) {
    throw corrupt(file, "It is not JSON.", error);
  }
}

/** Where in a metadata file something is, for messages. */
export class Place {
  constructor(
    private readonly file: string,
    private readonly path: string = "",
  ) {}

  step(name: string): Place {
    return new Place(this.file, this.path === "" ? name : `${this.path}.${name}`);
  }

  wrong(why: string): Error {
    return corrupt(this.file, this.path === "" ? `It ${why}.` : `${this.path.slice(0, 200)} ${why}.`);
  }
}

export function isObject(value: unknown): value is JsonNode {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function objectOf(value: unknown, at: Place): JsonNode {
  if (!isObject(value)) throw at.wrong("is not an object");
  return value;
}

export function listOf(value: unknown, at: Place): readonly unknown[] {
  if (!Array.isArray(value)) throw at.wrong("is not a list");
  return value;
}

export function textOf(value: unknown, at: Place): string {
  if (typeof value !== "string") throw at.wrong("is not a string");
  return value;
}

/** An integer that fits a double exactly: field ids, versions, milliseconds. */
export function integerOf(value: unknown, at: Place): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value)) throw at.wrong("is not an integer");
  return value;
}

/** A 64-bit integer as its digits. */
export function longOf(value: unknown, at: Place): string {
  if (typeof value === "number" && Number.isSafeInteger(value)) return String(value);
  if (typeof value === "string" && /^-?\d{1,19}$/.test(value)) return value;
  throw at.wrong("is not a 64-bit integer");
}

export function optionalText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
