import type { DuckDbSession, StoredScalar, StoredValue } from "../core/source.js";
import { corrupt, unsupported } from "./damage.js";
import {
  binaryText,
  dayText,
  floatText,
  instantText,
  jsonText,
  MICROS,
  NANOS,
  objectText,
  plainDecimal,
  timeText,
  uuidText,
  variantJson,
  variantMembers,
} from "./variant.js";
import { originalName } from "./variant-names.js";

/*
 * A column of variants in a file: a group of `metadata` and `value`, and in a shredded one of `typed_value` besides, which holds
 * the values of one type, the members of objects, or the elements of arrays in columns of their own (Parquet, "Variant
 * Shredding"). It becomes one JSON text a row.
 */

const FUNCTION = "dw_variant_json";
const PLACE = "a column of type VARIANT";

/** The JSON text of a group; the statement has to be shown to `withVariants` before it runs. */
export function variantSql(group: string): string {
  return `decode(${FUNCTION}(${group}))`;
}

/** Makes the function known where `sql` calls it. */
export function withVariants(sql: string, db: DuckDbSession): void {
  if (sql.includes(`${FUNCTION}(`)) db.valueFunction(FUNCTION, (group) => Buffer.from(columnJson(group), "utf8"));
}

type Members = ReadonlyMap<string, StoredValue>;

/** DW-FILE-CORRUPT. */
export function columnJson(group: StoredValue): string {
  const members = membersOf(group);
  return groupJson(members, bytesOf(members.get("metadata")) ?? missing("metadata")) ?? "null";
}

/** undefined where there is neither value: a member that the object does not have; anywhere else that is null. */
function groupJson(members: Members, metadata: Uint8Array): string | undefined {
  const rest = bytesOf(members.get("value"));
  const typed = members.get("typed_value");
  if (typed === undefined || typed.is === "null") return rest === undefined ? undefined : variantJson(metadata, rest, PLACE);
  if (typed.is === "struct") return objectJson(typed.members, rest, metadata);
  if (rest !== undefined) throw corrupt(PLACE, "A value in it is stored twice.");
  if (typed.is === "list") return `[${typed.items.map((item) => groupJson(membersOf(item), metadata) ?? "null").join(",")}]`;
  return scalarJson(typed.value, typed.type, typed.scale);
}

/** The members that have columns, and those that only some objects have, which are together in `value`. */
function objectJson(columns: Members, value: Uint8Array | undefined, metadata: Uint8Array): string {
  const others = value === undefined ? [] : variantMembers(metadata, value, PLACE);
  if (others === undefined) throw corrupt(PLACE, "A value in it is an object and something else.");
  const lower = new Map([...columns.keys()].map((name) => [name.toLowerCase(), name]));
  const names = new Map([...columns].map(([name, group]) => [originalName(name, lower) ?? twin(name), group]));
  const own = [...names].flatMap(([name, group]) => {
    const json = group.is === "null" ? undefined : groupJson(membersOf(group), metadata);
    return json === undefined ? [] : [[name, json] as const];
  });
  const sorted = [...own, ...others.filter(([name]) => !names.has(name))].map(([name, json]) => ({ name, json, key: Buffer.from(name) }));
  return objectText(sorted.sort((a, b) => Buffer.compare(a.key, b.key)).map(({ name, json }) => [name, json]));
}

function membersOf(value: StoredValue): Members {
  if (value.is === "struct") return value.members;
  throw corrupt(PLACE, "A value in it is not stored as a group.");
}

function bytesOf(value: StoredValue | undefined): Uint8Array | undefined {
  return value?.is === "scalar" && value.value instanceof Uint8Array ? value.value : undefined;
}

function twin(name: string): never {
  throw unsupported(
    `A shredded object in ${PLACE} has the member ${name} and others whose names differ in case alone.`,
    "DuckDB, which reads the file, compares names without case.",
    "Write the variants unshredded, or leave the column out.",
  );
}

function missing(name: string): never {
  throw corrupt(PLACE, `A value in it has no ${name}.`);
}

type Text = (value: never, scale: number) => string;

const integer: Text = (value: bigint | number) => String(value);

/** By DuckDB's type; each gets the form of value that StoredValue has for it. */
const scalars: Readonly<Record<string, Text>> = {
  BOOLEAN: (value: boolean) => String(value),
  TINYINT: integer,
  SMALLINT: integer,
  INTEGER: integer,
  BIGINT: integer,
  FLOAT: (value: number) => floatText(value, 32),
  DOUBLE: (value: number) => floatText(value, 64),
  DECIMAL: (value: bigint, scale) => plainDecimal(value, scale),
  DATE: (value: number) => dayText(BigInt(value)),
  TIME: (value: bigint) => timeText(value),
  TIMESTAMP: (value: bigint) => instantText(value, MICROS, false),
  TIMESTAMP_TZ: (value: bigint) => instantText(value, MICROS, true),
  TIMESTAMP_NS: (value: bigint) => instantText(value, NANOS, false),
  UBIGINT: (value: bigint) => instantText(BigInt.asIntN(64, value), NANOS, true), // what parquet/unannotated.ts calls zoned nanoseconds
  UUID: (value: Uint8Array) => uuidText(value),
  BLOB: (value: Uint8Array) => binaryText(value),
  VARCHAR: (value: Uint8Array) => jsonText(Buffer.from(value).toString("utf8")),
};

function scalarJson(value: StoredScalar, type: string, scale: number): string {
  const text = Object.hasOwn(scalars, type) ? scalars[type] : undefined;
  if (text === undefined) throw corrupt(PLACE, `It has values of the type ${type}, of which no variant is.`);
  return text(value as never, scale); // StoredValue's form of this type
}
