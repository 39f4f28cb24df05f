import type { Condition, PredicateLiteral } from "../../core/predicate.js";
import type { AvroValue } from "../../formats/avro/index.js";
import { bucketOf } from "./bucket.js";
import { unscaled } from "./constants.js";
import type { DataFile } from "./manifests.js";
import type { PartitionField } from "./metadata.js";
import { boundOf, compareOrdered, literalOf, MICROS_PER_DAY, type Ordered } from "./ordered.js";
import type { IcebergField, IcebergSchema, IcebergType } from "./schema.js";

/*
 * Leaving out files that cannot hold a row which the predicate accepts: by column bounds and counts, and by what a
 * partition says about the columns that it was computed from (spec, "Scan Planning": the inclusive projection).
 */

/** What is known of a column in a file. */
interface Range {
  readonly lower: Ordered | undefined;
  readonly upper: Ordered | undefined;
  readonly nulls: "none" | "some" | "all" | "unknown";
}

export type MayHold = (file: DataFile) => boolean;

export function pruner(all: readonly Condition[], schema: IcebergSchema): MayHold {
  const conditions = all.flatMap((condition) => {
    const field = columnOf(condition.column, schema);
    return field === undefined ? [] : [{ condition, field }];
  });
  return (file) => conditions.every(({ condition, field }) => mayHold(condition, field, file));
}

/** DuckDB finds columns without regard to case; one that could be two is left alone. */
function columnOf(name: string, schema: IcebergSchema): IcebergField | undefined {
  const found = schema.fields.filter((field) => field.name.toLowerCase() === name.toLowerCase());
  return found.length === 1 ? found[0] : undefined;
}

function mayHold(condition: Condition, field: IcebergField, file: DataFile): boolean {
  const ranges = [measuredRange(field, file), ...partitionRanges(field, file)];
  return ranges.every((range) => fits(condition, range, field.type)) && inBuckets(condition, field, file);
}

function fits(condition: Condition, range: Range, type: IcebergType): boolean {
  switch (condition.op) {
    case "is null":
      return range.nulls !== "none";
    case "is not null":
      return range.nulls !== "all";
    case "in":
      return condition.values.some((value) => compares("=", value, range, type));
    default:
      return compares(condition.op, condition.value, range, type);
  }
}

const passes = {
  "=": (low: number, high: number) => low <= 0 && high >= 0,
  "<": (low: number) => low < 0,
  "<=": (low: number) => low <= 0,
  ">": (_: number, high: number) => high > 0,
  ">=": (_: number, high: number) => high >= 0,
};

function compares(op: keyof typeof passes, literal: PredicateLiteral, range: Range, type: IcebergType): boolean {
  if (range.nulls === "all") return false; // a comparison with NULL accepts nothing
  const value = literalOf(literal, type);
  if (value === undefined) return true;
  // an unknown bound is as low, or as high, as need be
  const low = range.lower === undefined ? -1 : (compareOrdered(range.lower, value) ?? -1);
  const high = range.upper === undefined ? 1 : (compareOrdered(range.upper, value) ?? 1);
  return passes[op](low, high);
}

function measuredRange(field: IcebergField, { metrics }: DataFile): Range {
  const { id, type } = field;
  const values = metrics.valueCounts.get(id);
  const nulls = metrics.nullCounts.get(id);
  const lower = metrics.lower.get(id);
  const upper = metrics.upper.get(id);
  // bounds do not tell of NaN, which DuckDB holds for the greatest of all
  const open = (type.kind === "float" || type.kind === "double") && metrics.nanCounts.get(id) !== 0;
  return {
    lower: lower === undefined ? undefined : boundOf(lower, type),
    upper: upper === undefined || open ? undefined : boundOf(upper, type),
    nulls: nulls === undefined ? "unknown" : nulls === 0 ? "none" : nulls === values ? "all" : "some",
  };
}

function partitionRanges(field: IcebergField, file: DataFile): readonly Range[] {
  return file.spec.fields.flatMap((partition, index) => {
    if (partition.sources.length !== 1 || partition.sources[0] !== field.id) return [];
    const value = file.partition[index];
    return value === undefined ? [] : (partitionRange(partition, value, field.type) ?? []);
  });
}

/** What a partition value says about its source column; undefined when nothing. A void field is always null. */
function partitionRange({ transform }: PartitionField, value: AvroValue, type: IcebergType): Range | undefined {
  if (transform.kind === "void" || transform.kind === "unknown") return undefined;
  if (value === null) return { lower: undefined, upper: undefined, nulls: "all" };
  const known = (lower: Ordered | undefined, upper: Ordered | undefined): Range => ({ lower, upper, nulls: "none" });
  switch (transform.kind) {
    case "identity": {
      const exact = orderedOf(value, type);
      return known(exact, exact);
    }
    case "truncate":
      return known(...truncated(orderedOf(value, type), BigInt(transform.width), type));
    case "bucket":
      return known(undefined, undefined);
    default:
      return typeof value === "number" ? known(...period(transform.kind, value, type)) : known(undefined, undefined);
  }
}

function truncated(start: Ordered | undefined, width: bigint, type: IcebergType): [Ordered | undefined, Ordered | undefined] {
  if (start instanceof Uint8Array) return [start, Buffer.concat([start, Buffer.of(0xff)])]; // no UTF-8 text has this byte
  if (typeof start !== "bigint") return [undefined, undefined];
  const end = start + width - 1n;
  // below the smallest integer Iceberg goes on at the greatest; an int may be a long by now
  const wraps = type.kind !== "decimal" && (end >= 2n ** 63n || (end >= 2n ** 31n && start < 2n ** 31n));
  return wraps ? [undefined, undefined] : [start, end];
}

/** First and last instant of a year, month, day or hour, in the unit of the source column. */
function period(kind: "year" | "month" | "day" | "hour", value: number, type: IcebergType): [Ordered | undefined, Ordered | undefined] {
  // early writers cut instants before 1970 towards zero, so that these partitions may hold rows of the period before
  const start = startMs(kind, value <= 0 ? value - 1 : value);
  const end = startMs(kind, value + 1);
  const unit = unitsPerDay[type.kind];
  if (unit === undefined || Number.isNaN(start) || Number.isNaN(end)) return [undefined, undefined];
  return [(BigInt(start) * unit) / MS_PER_DAY, (BigInt(end) * unit) / MS_PER_DAY - 1n];
}

function startMs(kind: "year" | "month" | "day" | "hour", value: number): number {
  if (kind === "day") return value * 86_400_000;
  if (kind === "hour") return value * 3_600_000;
  return kind === "month" ? monthMs(value) : monthMs(value * 12);
}

function monthMs(months: number): number {
  return new Date(0).setUTCMonth(months); // Date.UTC would take years below 100 for those of the last century
}

const MS_PER_DAY = 86_400_000n;
const unitsPerDay: Readonly<Record<string, bigint>> = {
  date: 1n,
  timestamp: MICROS_PER_DAY,
  timestamptz: MICROS_PER_DAY,
  timestamp_ns: MICROS_PER_DAY * 1000n,
  timestamptz_ns: MICROS_PER_DAY * 1000n,
};

function orderedOf(value: AvroValue, type: IcebergType): Ordered | undefined {
  if (value instanceof Uint8Array) return type.kind === "decimal" ? unscaled(value) : undefined;
  if (typeof value === "string") return type.kind === "string" ? Buffer.from(value) : undefined;
  if (typeof value === "bigint") return value;
  if (typeof value !== "number") return undefined;
  if (type.kind === "float" || type.kind === "double") return Number.isNaN(value) ? undefined : value;
  return type.kind === "int" || type.kind === "long" || type.kind === "date" ? BigInt(value) : undefined;
}

function inBuckets(condition: Condition, field: IcebergField, file: DataFile): boolean {
  const literals = condition.op === "in" ? condition.values : condition.op === "=" ? [condition.value] : undefined;
  if (literals === undefined) return true;
  const values = literals.map((literal) => literalOf(literal, field.type));
  return file.spec.fields.every(({ transform, sources }, index) => {
    const bucket = file.partition[index];
    if (transform.kind !== "bucket" || sources.length !== 1 || sources[0] !== field.id || typeof bucket !== "number") return true;
    return values.some((value) => {
      const own = value === undefined ? undefined : bucketOf(value, field.type, transform.buckets);
      return own === undefined || own === bucket;
    });
  });
}
