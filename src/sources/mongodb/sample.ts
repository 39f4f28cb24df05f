import { compareText } from "../../core/catalog.js";
import type { Mongo } from "../../core/session.js";
import type { LogicalType } from "../../core/types.js";
import { type BsonTypeName, binaryOf, bsonTypeName, decimalOf, members } from "./bson.js";

/*
 * Documents have no schema: what fields hold is looked up in the first and the last of them by `_id`, which is the same look
 * every time. What lies between may differ; a value that does not fit is refused when it is read, never changed.
 */

export interface SampledField {
  readonly name: string;
  readonly type: LogicalType;
  /** How many of the sampled documents hold which type, NULL included. */
  readonly seen: readonly (readonly [type: BsonTypeName, documents: number])[];
  /** True where no column type but JSON holds all that was seen. */
  readonly mixed: boolean;
}

export interface Sample {
  readonly documents: number;
  readonly fields: readonly SampledField[];
}

const EACH_END = 1000;

export async function sampleOf(mongo: Mongo, collection: string): Promise<Sample> {
  const facts = new Map<string, Facts>();
  const first = await look(mongo, collection, 1, facts);
  const last = first < EACH_END ? 0 : await look(mongo, collection, -1, facts);
  const fields = [...facts].map(([name, found]) => fieldOf(name, found));
  return { documents: first + last, fields: fields.sort((a, b) => Number(b.name === "_id") - Number(a.name === "_id")) };
}

interface Facts {
  readonly types: Map<BsonTypeName, number>;
  readonly subtypes: Set<number>;
  /** Digits before and after the point of decimals; undefined once one is no number that fits. */
  digits: readonly [whole: number, fraction: number] | undefined;
}

async function look(mongo: Mongo, collection: string, byId: 1 | -1, facts: Map<string, Facts>): Promise<number> {
  let documents = 0;
  for await (const batch of mongo.find(collection, { byId, limit: EACH_END })) {
    documents += batch.length;
    for (const document of batch) note(Buffer.from(document.buffer, document.byteOffset, document.byteLength), facts);
  }
  return documents;
}

function note(document: Buffer, facts: Map<string, Facts>): void {
  for (const [name, value] of members(document)) {
    const found: Facts = facts.get(name) ?? { types: new Map(), subtypes: new Set(), digits: [0, 0] };
    facts.set(name, found);
    const type = bsonTypeName(value.type);
    found.types.set(type, (found.types.get(type) ?? 0) + 1);
    if (type === "binary") found.subtypes.add(binaryOf(value).subtype);
    if (type === "decimal") found.digits = widened(found.digits, decimalOf(value));
  }
}

function widened(digits: Facts["digits"], value: ReturnType<typeof decimalOf>): Facts["digits"] {
  if (digits === undefined || typeof value === "string") return undefined;
  const length = value.coefficient === 0n ? 0 : value.coefficient.toString().length;
  const fraction = Math.max(0, -value.exponent);
  return [Math.max(digits[0], length + value.exponent), Math.max(digits[1], fraction)];
}

const PLAIN: Readonly<Partial<Record<BsonTypeName, LogicalType>>> = {
  double: { kind: "float", bits: 64 },
  string: { kind: "text" },
  symbol: { kind: "text" },
  objectId: { kind: "text" },
  bool: { kind: "boolean" },
  date: { kind: "timestamp", precision: 3, zoned: true },
  int: { kind: "int", bits: 32 },
  long: { kind: "int", bits: 64 },
};

function fieldOf(name: string, { types, subtypes, digits }: Facts): SampledField {
  const seen = [...types].sort(([a], [b]) => compareText(a, b));
  const real = seen.map(([type]) => type).filter((type) => type !== "null" && type !== "undefined");
  const one = oneType(real, subtypes, digits);
  return { name, type: one ?? { kind: "json" }, seen, mixed: one === undefined && real.length > 1 };
}

/** The type that holds all of them unchanged; undefined where only JSON does. Nothing but NULL was seen: JSON holds what may come. */
function oneType(types: readonly BsonTypeName[], subtypes: ReadonlySet<number>, digits: Facts["digits"]): LogicalType | undefined {
  const [only] = types;
  if (types.length === 2 && types.includes("int") && types.includes("long")) return { kind: "int", bits: 64 };
  if (types.length === 2 && types.includes("int") && types.includes("double")) return { kind: "float", bits: 64 };
  if (types.length !== 1 || only === undefined) return undefined;
  if (only === "binary") return subtypes.size === 1 && subtypes.has(4) ? { kind: "uuid" } : { kind: "binary" };
  if (only === "decimal") return decimalType(digits);
  return PLAIN[only];
}

/** As many digits before the point as a decimal has beside those after it; what has none of both is a text with all its digits. */
function decimalType(digits: Facts["digits"]): LogicalType {
  if (digits === undefined || digits[0] + digits[1] > 38) return { kind: "text" };
  return { kind: "decimal", precision: 38, scale: digits[1] };
}
