import { aggregate } from "./aggregates.js";
import { duckType } from "./duckdb.js";
import { wrapped } from "./evolve.js";
import type { FieldOptions } from "./options.js";
import type { PaimonField, PaimonType } from "./types.js";

/*
 * Aggregate functions where no version takes anything back: each column is then by itself, and most functions are those
 * that DuckDB groups by. It is the fast way of the same merge that merge.ts folds version by version.
 */

/** How the versions of a key are told apart. */
export interface VersionOrder {
  /** An ORDER BY list, oldest first. */
  readonly list: string;
  /** The single column that orders them, where there is one. */
  readonly by: string | undefined;
}

type Picked = (value: string, field: PaimonField, order: VersionOrder) => string;

/** `by` orders the versions alone, and the function that goes by it keeps the column's values as they are. */
const chosen =
  (which: "first" | "last", byOne: string, rows: (value: string) => string = () => ""): Picked =>
  (value, field, order) =>
    order.by === undefined || hasNestedFloats(field.type)
      ? picked(which, value, field, order.list, rows(value))
      : `${byOne}(${inDoubles(value, field.type)}, ${order.by})`;

/** Of 32-bit floats arg_max and its like give -0.0 back as 0.0, of doubles not. */
function inDoubles(value: string, type: PaimonType): string {
  return type.kind === "atomic" && type.logical.kind === "float" ? `CAST(${value} AS DOUBLE)` : value;
}

const notNull = (value: string): string => ` FILTER (WHERE ${value} IS NOT NULL)`;

const last = chosen("last", "arg_max_null");
export const lastNonNull = chosen("last", "arg_max", notNull);
const first = chosen("first", "arg_min_null");
const firstNonNull = chosen("first", "arg_min", notNull);

/**
 * DuckDB's first and last in an order give -0.0 back as 0.0: they turn values into bytes that sort. A list does not. Of
 * nested values so do any_value, arg_max and their like.
 */
export function picked(which: "first" | "last", value: string, { type }: PaimonField, list: string, rows = ""): string {
  if (!hasFloats(type)) return `${which}(${value} ORDER BY ${list})${rows}`;
  return `(list(${value} ORDER BY ${list})${rows})[${which === "first" ? 1 : -1}]`;
}

function hasFloats(type: PaimonType): boolean {
  return /\b(FLOAT|DOUBLE)\b/.test(duckType(type));
}

function hasNestedFloats(type: PaimonType): boolean {
  return type.kind !== "atomic" && hasFloats(type);
}

const inOrder: Readonly<Record<string, Picked>> = {
  last_value: last,
  last_non_null_value: lastNonNull,
  first_value: first,
  first_non_null_value: firstNonNull,
  first_not_null_value: firstNonNull,
  "primary-key": (value) => `any_value(${value})`,
};

type InAnyOrder = (value: string, rows: string, field: PaimonField) => string | undefined;

const extreme =
  (name: "max" | "min"): InAnyOrder =>
  (value, rows, { type }) =>
    // Of -0.0 and 0.0, which are equal to DuckDB, the reference knows a greater one.
    type.kind !== "atomic" || type.logical.kind === "float" ? undefined : `${name}(${value})${rows}`;

/** Functions to which the order of versions is nothing; `rows` is a FILTER clause. */
const inAnyOrder: Readonly<Record<string, InAnyOrder>> = {
  sum: (value, rows, { type }) =>
    type.kind === "atomic" && type.logical.kind === "int" && type.logical.bits !== 128
      ? wrapped(`sum(CAST(${value} AS HUGEINT))${rows}`, type.logical.bits)
      : undefined,
  max: extreme("max"),
  min: extreme("min"),
  bool_and: (value, rows) => `bool_and(${value})${rows}`,
  bool_or: (value, rows) => `bool_or(${value})${rows}`,
};

/** The function over those versions alone that a FILTER clause leaves; undefined when their order matters. */
export function anyOrder(name: string, value: string, field: PaimonField, rows = ""): string | undefined {
  return Object.hasOwn(inAnyOrder, name) ? inAnyOrder[name]?.(value, rows, field) : undefined;
}

/** The function over all versions of a key; undefined when it needs more than its own column. */
export function grouped(name: string, value: string, field: PaimonField, options: FieldOptions, order: VersionOrder): string | undefined {
  if (Object.hasOwn(inOrder, name)) return inOrder[name]?.(value, field, order);
  return anyOrder(name, value, field) ?? folded(name, value, field, options, order);
}

/** Any other function folds a list of the column's values; one version is taken as it is. */
function folded(name: string, value: string, field: PaimonField, options: FieldOptions, order: VersionOrder): string | undefined {
  const step = aggregate(name, { type: field.type, options })?.add("a", "x", "false");
  if (step === undefined || step.seen !== undefined) return undefined;
  const type = duckType(field.type);
  const list = `list_reduce(list(${value} ORDER BY ${order.list}), lambda a, x: CAST(${step.value} AS ${type}), CAST(NULL AS ${type}))`;
  return alone(value, field, list);
}

/** A key with one version is taken as it is. */
export function alone(value: string, { type }: PaimonField, several: string): string {
  const one = hasNestedFloats(type) ? `list(${value})[1]` : `any_value(${value})`;
  return `CASE WHEN count(*) = 1 THEN ${one} ELSE ${several} END`;
}
