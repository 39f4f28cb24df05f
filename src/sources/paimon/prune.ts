import { type Condition, conditions, type PredicateLiteral } from "../../core/predicate.js";
import type { LogicalType } from "../../core/types.js";
import { BinaryRow, compareValues, type RowValue } from "./binary-row.js";
import { sameType } from "./duckdb.js";
import { type DataFile, writtenWith } from "./manifests.js";
import { partitionFields } from "./partitions.js";
import type { Part } from "./parts.js";
import type { TableSchema } from "./schema.js";
import { trimmedKey } from "./schema.js";
import type { PaimonTable } from "./table.js";
import type { PaimonField } from "./types.js";

/*
 * Leaving out files by a predicate, from the manifest alone. Partition values and keys are the same in every version of a
 * row, so that they may leave out any file; other columns' bounds only a file whose keys have no versions elsewhere.
 * Whatever is not understood keeps the file: DuckDB applies the predicate in any case.
 */

export interface Pruning {
  readonly file: (file: DataFile) => boolean;
  readonly part: (part: Part) => boolean;
}

interface Bounds {
  readonly min: RowValue;
  readonly max: RowValue;
  /** Absent: unknown. */
  readonly nulls?: number;
}

export async function pruning(table: PaimonTable, where: string | undefined, files: readonly DataFile[]): Promise<Pruning> {
  const wanted = where === undefined ? [] : conditions(where);
  if (wanted.length === 0) return { file: () => true, part: () => true };
  const written = new Map(files.map((file) => [writtenWith(file), file]));
  const schemas = new Map(await Promise.all([...written].map(async ([key, file]) => [key, await table.schemaOf(file)] as const)));
  const mayHold = (file: DataFile, bounds: (field: PaimonField) => Bounds | undefined): boolean =>
    wanted.every((condition) => {
      const field = fieldOf(table.schema, condition.column);
      const known = field === undefined ? undefined : bounds(field);
      return field === undefined || known === undefined || mayBeTrue(condition, field, known, file.rows);
    });
  const valueBounds = (file: DataFile) => (field: PaimonField) => statistics(table, file, schemas.get(writtenWith(file)), field);
  const fixedBounds = (file: DataFile) => (field: PaimonField) =>
    partitionBounds(table, file, field) ?? keyBounds(table, file, schemas.get(writtenWith(file)), field);
  return {
    // A file with some columns only may be overruled by another one.
    file: (file) => mayHold(file, fixedBounds(file)) && (table.hasKey || table.options.dataEvolution || mayHold(file, valueBounds(file))),
    part: ({ mode, files: [file, ...more] }) =>
      mode === "merge" || file === undefined || more.length > 0 || mayHold(file, valueBounds(file)),
  };
}

/** As DuckDB finds it: without regard to case. */
function fieldOf(schema: TableSchema, name: string): PaimonField | undefined {
  return schema.fields.find((field) => field.name.toLowerCase() === name.toLowerCase());
}

function partitionBounds(table: PaimonTable, file: DataFile, field: PaimonField): Bounds | undefined {
  const index = partitionFields(table.schema).findIndex(({ id }) => id === field.id);
  if (index < 0) return undefined;
  const value = table.partitions.of(file.partition, file.manifest).values[index] ?? null;
  return { min: value, max: value, nulls: value === null ? file.rows : 0 };
}

/** Only the first column of a key is ordered by itself; its bounds are those of the smallest and largest key. */
function keyBounds(table: PaimonTable, file: DataFile, schema: TableSchema | undefined, field: PaimonField): Bounds | undefined {
  const [first, ...rest] = table.hasKey && schema !== undefined ? trimmedKey(schema) : [];
  if (first?.type.kind !== "atomic" || first.id !== field.id || !sameType(first.type, field.type)) return undefined;
  const [min, max] = [new BinaryRow(file.minKey, file.manifest), new BinaryRow(file.maxKey, file.manifest)];
  if (min.arity !== rest.length + 1 || max.arity !== rest.length + 1) return undefined;
  return { min: min.value(0, first.type.logical), max: max.value(0, first.type.logical) };
}

/** Bounds from _VALUE_STATS, of a column that has not changed its type since; a writer may have left any of them out. */
function statistics(table: PaimonTable, file: DataFile, schema: TableSchema | undefined, field: PaimonField): Bounds | undefined {
  const partition = partitionBounds(table, file, field);
  if (partition !== undefined || file.valueStats === undefined || schema === undefined) return partition;
  const stored = schema.fields.find(({ id }) => id === field.id);
  if (stored?.type.kind !== "atomic" || !sameType(stored.type, field.type)) return undefined;
  const columns = file.valueStatsColumns ?? schema.fields.map(({ name }) => name);
  const index = columns.indexOf(stored.name);
  const [min, max] = [new BinaryRow(file.valueStats.min, file.manifest), new BinaryRow(file.valueStats.max, file.manifest)];
  if (index < 0 || min.arity !== columns.length || max.arity !== columns.length) return undefined;
  const nulls = file.valueStats.nulls[index] ?? undefined;
  const { logical } = stored.type;
  return { min: min.value(index, logical), max: max.value(index, logical), ...(nulls === undefined ? {} : { nulls }) };
}

function mayBeTrue(condition: Condition, field: PaimonField, bounds: Bounds, rows: number): boolean {
  if (condition.op === "is null") return bounds.nulls !== 0;
  // Every value is null: no comparison is ever true. Otherwise an absent bound says nothing.
  if (bounds.nulls === rows) return false;
  if (condition.op === "is not null") return true;
  const { min, max } = bounds;
  if (min === null || max === null || field.type.kind !== "atomic") return true;
  const { logical } = field.type;
  if (condition.op === "in") return condition.values.some((value) => within("=", comparable(value, logical), min, max));
  return !("value" in condition) || within(condition.op, comparable(condition.value, logical), min, max);
}

function within(op: "=" | "<" | "<=" | ">" | ">=", value: RowValue | undefined, min: RowValue, max: RowValue): boolean {
  if (value === undefined) return true;
  const [low, high] = [compareValues(widened(min), value), compareValues(widened(max), value)];
  const holds = { "=": low <= 0 && high >= 0, "<": low < 0, "<=": low <= 0, ">": high > 0, ">=": high >= 0 };
  return holds[op];
}

/** Integers of every width compare as one type. */
function widened(value: RowValue): RowValue {
  return typeof value === "number" && Number.isInteger(value) ? BigInt(value) : value;
}

/** A literal in the form of the column's values; undefined where DuckDB might compare in another type. */
function comparable(literal: PredicateLiteral, type: LogicalType): RowValue | undefined {
  if (type.kind === "int" && literal.kind === "number" && literal.type === undefined && /^-?\d{1,18}$/.test(literal.text)) {
    return BigInt(literal.text);
  }
  if (literal.kind !== "text") return undefined;
  if (type.kind === "text" && !type.padded && literal.type === undefined) return Buffer.from(literal.text, "utf8");
  if (type.kind !== "date" || !/^\d{4}-\d{2}-\d{2}$/.test(literal.text) || (literal.type ?? "DATE") !== "DATE") return undefined;
  const time = Date.parse(`${literal.text}T00:00:00Z`);
  return Number.isNaN(time) ? undefined : BigInt(time / 86_400_000);
}
