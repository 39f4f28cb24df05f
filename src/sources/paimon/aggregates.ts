import { entryKey, entryValue } from "../../core/transit.js";
import { atomicType, duckType, ident, text } from "./duckdb.js";
import { wrapped } from "./evolve.js";
import type { FieldOptions } from "./options.js";
import type { PaimonType } from "./types.js";

/*
 * Aggregate functions of the merge engines aggregation and partial-update (Paimon, "Primary Key Table / Merge Engine /
 * Aggregation"), one value folded into an accumulator at a time, in SQL. `acc` and `value` are SQL of the column's type,
 * either may be null; `seen` is SQL of a flag of the column's own, false at first.
 */

export interface Fold {
  readonly value: string;
  /** The flag afterwards; absent for functions without one. */
  readonly seen?: string;
}

export interface Aggregate {
  readonly add: (acc: string, value: string, seen: string) => Fold;
  /** An older version of the row comes after a newer one (sequence groups). */
  readonly addOlder: (acc: string, value: string, seen: string) => Fold;
  /** Undefined: the reference refuses rows that take back a value. */
  readonly retract: ((acc: string, value: string) => string) | undefined;
}

type Column = { readonly type: PaimonType; readonly options: FieldOptions };
type Binary = (acc: string, value: string) => string;

/** A function of two values; the accumulator passes when one is null. */
function merging(both: Binary, retract?: Binary): Aggregate {
  const add = (acc: string, value: string): Fold => ({
    value: `CASE WHEN ${acc} IS NULL THEN ${value} WHEN ${value} IS NULL THEN ${acc} ELSE ${both(acc, value)} END`,
  });
  return { add, addOlder: (acc, value) => add(value, acc), retract };
}

/** A function without memory, given by what it answers. */
function choosing(add: Binary, retract?: Binary): Aggregate {
  return {
    add: (acc, value) => ({ value: add(acc, value) }),
    addOlder: (acc, value) => ({ value: add(value, acc) }),
    retract,
  };
}

const lastValue = choosing(
  (_acc, value) => value,
  () => "NULL",
);
const lastNonNull = choosing(
  (acc, value) => `coalesce(${value}, ${acc})`,
  (acc, value) => `CASE WHEN ${value} IS NULL THEN ${acc} END`,
);
/** Key columns are the same in every version. */
const primaryKey = choosing(
  (_acc, value) => value,
  (_acc, value) => value,
);

const firstValue: Aggregate = {
  add: (acc, value, seen) => ({ value: `CASE WHEN ${seen} THEN ${acc} ELSE ${value} END`, seen: "true" }),
  addOlder: (acc, value, seen) => ({ value: `CASE WHEN ${seen} THEN ${value} ELSE ${acc} END`, seen: "true" }),
  retract: undefined,
};

const firstNonNull: Aggregate = {
  add: (acc, value, seen) => ({
    value: `CASE WHEN NOT ${seen} AND ${value} IS NOT NULL THEN ${value} ELSE ${acc} END`,
    seen: `(${seen} OR ${value} IS NOT NULL)`,
  }),
  addOlder: (acc, value, seen) => ({
    value: `CASE WHEN NOT ${seen} AND ${acc} IS NOT NULL THEN ${acc} ELSE ${value} END`,
    seen: `(${seen} OR ${acc} IS NOT NULL)`,
  }),
  retract: undefined,
};

type Maker = (column: Column) => Aggregate | undefined;

const makers: Readonly<Record<string, Maker>> = {
  sum,
  product,
  max: (column) => extreme(column, "<"),
  min: (column) => extreme(column, ">"),
  last_value: () => lastValue,
  last_non_null_value: () => lastNonNull,
  first_value: () => firstValue,
  first_non_null_value: () => firstNonNull,
  first_not_null_value: () => firstNonNull,
  "primary-key": () => primaryKey,
  bool_and: () => merging((acc, value) => `(${acc} AND ${value})`),
  bool_or: () => merging((acc, value) => `(${acc} OR ${value})`),
  listagg,
  collect,
  merge_map: mergeMap,
  merge_map_with_keytime: mergeMapWithKeyTime,
  nested_update: nestedUpdate,
  nested_partial_update: nestedPartialUpdate,
  rbm32: binaryUnion("dw_union_rbm32"),
  rbm64: binaryUnion("dw_union_rbm64"),
  theta_sketch: binaryUnion("dw_union_theta"),
  hll_sketch: binaryUnion("dw_union_hll"),
};

/** Bitmaps and sketches are merged outside of SQL, for the keys alone that have several versions (functions.ts). */
function binaryUnion(name: string): Maker {
  return ({ type }) =>
    type.kind === "atomic" && type.logical.kind === "binary" ? merging((acc, value) => `${name}(${acc}, ${value})`) : undefined;
}

/** The function of a column; undefined when dw does not know it or it does not fit the column's type. */
export function aggregate(name: string, column: Column): Aggregate | undefined {
  const made = Object.hasOwn(makers, name) ? makers[name]?.(column) : undefined;
  if (made === undefined || !column.options.ignoreRetract) return made;
  // The reference's wrapper turns older values round itself, even for functions with a way of their own.
  return { add: made.add, addOlder: (acc, value, seen) => made.add(value, acc, seen), retract: (acc) => acc };
}

function numeric({ type }: Column, by: Partial<Record<"int" | "float" | "decimal", (type: PaimonType & { kind: "atomic" }) => Aggregate>>) {
  if (type.kind !== "atomic") return undefined;
  const { kind } = type.logical;
  return kind === "int" || kind === "float" || kind === "decimal" ? by[kind]?.(type) : undefined;
}

function sum(column: Column): Aggregate | undefined {
  const of = (add: Binary, subtract: Binary): Aggregate =>
    merging(
      add,
      (acc, value) => `CASE WHEN ${value} IS NULL THEN ${acc} WHEN ${acc} IS NULL THEN -${value} ELSE ${subtract(acc, value)} END`,
    );
  return numeric(column, {
    int: (type) => of(integers(type, "+"), integers(type, "-")),
    float: () => of(floats("+"), floats("-")),
    decimal: (type) => of(decimals(type, "+"), decimals(type, "-")),
  });
}

function product(column: Column): Aggregate | undefined {
  const of = (multiply: Binary, divide: Binary): Aggregate =>
    merging(multiply, (acc, value) => `CASE WHEN ${acc} IS NULL OR ${value} IS NULL THEN ${acc} ELSE ${divide(acc, value)} END`);
  return numeric(column, {
    int: (type) => of(integers(type, "*"), integers(type, "//")),
    float: () => of(floats("*"), floats("/")),
    decimal: (type) => {
      if (type.logical.kind !== "decimal" || type.logical.scale * 2 > 38) return of(refusing, refusing);
      return of((acc, value) => `TRY_CAST(${acc} * ${value} AS ${duckType(type)})`, refusing);
    },
  });
}

/** Integers overflow as Java's do: the lower bits stay. */
function integers(type: PaimonType, operator: string): Binary {
  const bits = type.kind === "atomic" && type.logical.kind === "int" ? type.logical.bits : 64;
  return (acc, value) => wrapped(`CAST(${acc} AS HUGEINT) ${operator} CAST(${value} AS HUGEINT)`, bits);
}

function floats(operator: string): Binary {
  return (acc, value) => `(${acc} ${operator} ${value})`;
}

/** A sum that leaves the column's precision is null. */
function decimals(type: PaimonType, operator: string): Binary {
  if (type.kind !== "atomic" || type.logical.kind !== "decimal") return floats(operator);
  const { precision, scale } = type.logical;
  if (precision === 38) return (acc, value) => `TRY(${acc} ${operator} ${value})`;
  const wide = atomicType({ kind: "decimal", precision: precision + 1, scale });
  return (acc, value) => `TRY_CAST(CAST(${acc} AS ${wide}) ${operator} CAST(${value} AS ${wide}) AS ${duckType(type)})`;
}

const refusing: Binary = (acc) =>
  `CASE WHEN ${acc} IS NULL THEN NULL ELSE error('a decimal product of this precision cannot be computed') END`;

/** `replaces` compares accumulator and value; for floats -0.0 is below 0.0 and NaN above all, as in Java. */
function extreme({ type }: Column, replaces: "<" | ">"): Aggregate {
  const float = type.kind === "atomic" && type.logical.kind === "float";
  const [low, high] = replaces === "<" ? ["acc", "value"] : ["value", "acc"];
  const zero = (acc: string, value: string): string => {
    const side = { acc, value };
    return `OR (${acc} = ${value} AND signbit(${side[low as "acc"]}) AND NOT signbit(${side[high as "acc"]}))`; // low and high are the two names
  };
  return merging((acc, value) => `CASE WHEN ${acc} ${replaces} ${value} ${float ? zero(acc, value) : ""} THEN ${value} ELSE ${acc} END`);
}

function listagg({ options }: Column): Aggregate {
  const delimiter = text(options.delimiter);
  const added = (acc: string, value: string): string => {
    if (!options.distinct || options.delimiter === "") return `${acc} || ${delimiter} || ${value}`;
    const tokens = `string_split(${value}, ${delimiter})`;
    const fresh = `t <> '' AND NOT list_contains(string_split(${acc}, ${delimiter}), t) AND list_position(${tokens}, t) = i`;
    return `concat(${acc}, list_aggregate(list_transform(list_filter(${tokens}, lambda t, i: ${fresh}), lambda t: ${delimiter} || t), 'string_agg', ''))`;
  };
  return merging((acc, value) => `CASE WHEN ${value} = '' THEN ${acc} WHEN ${acc} = '' THEN ${value} ELSE ${added(acc, value)} END`);
}

function collect({ type, options }: Column): Aggregate | undefined {
  if (type.kind !== "array") return undefined;
  const all: Binary = (acc, value) => `list_concat(${acc}, ${value})`;
  const first = (list: string): string =>
    `list_filter(${list}, lambda e, i: len(list_filter(${list}[1:i], lambda o: o IS NOT DISTINCT FROM e)) = 1)`;
  const distinct = choosing(
    (acc, value) =>
      `CASE WHEN ${acc} IS NULL AND ${value} IS NULL THEN NULL ELSE ${first(`list_concat(coalesce(${acc}, []), coalesce(${value}, []))`)} END`,
  );
  const base = options.distinct ? distinct : merging(all);
  // Each element to take back removes its first equal one.
  const kept = (acc: string, value: string): string =>
    `list_filter(${acc}, lambda e, i: len(list_filter(${acc}[1:i], lambda o: o IS NOT DISTINCT FROM e)) > len(list_filter(${value}, lambda o: o IS NOT DISTINCT FROM e)))`;
  return {
    add: base.add,
    addOlder: base.add,
    retract: (acc, value) => `CASE WHEN ${acc} IS NULL THEN NULL WHEN ${value} IS NULL THEN ${acc} ELSE ${kept(acc, value)} END`,
  };
}

function mergeMap({ type }: Column): Aggregate | undefined {
  if (type.kind !== "map") return undefined;
  const without: Binary = (acc, value) =>
    `map_from_entries(list_filter(map_entries(${acc}), lambda e: NOT list_contains(map_keys(${value}), ${entryKey("e")})))`;
  return merging(
    (acc, value) => `map_concat(${acc}, ${value})`,
    (acc, value) => `CASE WHEN ${acc} IS NULL THEN NULL WHEN ${value} IS NULL THEN ${acc} ELSE ${without(acc, value)} END`,
  );
}

/** Of two rows with the same key in the map, the one with the later text in its time field; a null row removes its key. */
function mergeMapWithKeyTime({ type, options }: Column): Aggregate | undefined {
  if (type.kind !== "map" || type.value.type.kind !== "row") return undefined;
  const { fields } = type.value.type;
  const time = options.timeField === undefined ? fields.at(-1) : fields.find(({ name }) => name === options.timeField);
  if (time?.type.kind !== "atomic" || time.type.logical.kind !== "text") return undefined;
  const timeOf = (row: string): string => `${row}.${ident(time.name)}`;
  const known = (map: string, entry: string): string => `map_extract_value(${map}, ${entryKey(entry)})`;
  /** Does an entry of the newer map replace what the older one has? */
  const wins = (entry: string, row: string, acc: string): string =>
    `(${timeOf(row)} IS NOT NULL AND (${known(acc, entry)} IS NULL OR ${timeOf(known(acc, entry))} IS NULL OR ${timeOf(row)} > ${timeOf(known(acc, entry))}))`;
  return merging((acc, value) => {
    const gone = `map_contains(${value}, ${entryKey("e")}) AND (${known(value, "e")} IS NULL OR ${wins("e", known(value, "e"), acc)})`;
    const kept = `list_filter(map_entries(${acc}), lambda e: NOT (${gone}))`;
    const added = `list_filter(map_entries(${value}), lambda e: ${entryValue("e")} IS NOT NULL AND ${wins("e", entryValue("e"), acc)})`;
    return `map_from_entries(list_concat(${kept}, ${added}))`;
  });
}

/** Rows of a nested table by key, each field with the last value that is not null. */
function nestedPartialUpdate({ type, options }: Column): Aggregate | undefined {
  if (type.kind !== "array" || type.element.type.kind !== "row" || options.nestedKey.length === 0) return undefined;
  const { fields } = type.element.type;
  const same = (a: string, b: string): string =>
    options.nestedKey.map((name) => `${a}.${ident(name)} IS NOT DISTINCT FROM ${b}.${ident(name)}`).join(" AND ");
  const solid = (list: string): string => `list_filter(${list}, lambda e: e IS NOT NULL)`;
  return merging((acc, value) => {
    const rows = `list_concat(${solid(acc)}, ${solid(value)})`;
    const first = `list_filter(${rows}, lambda e, i: len(list_filter(${rows}[1:i - 1], lambda o: ${same("o", "e")})) = 0)`;
    const last = (name: string): string =>
      `list_filter(list_transform(list_filter(${rows}, lambda o: ${same("o", "r")}), lambda o: o.${ident(name)}), lambda v: v IS NOT NULL)[-1]`;
    return `list_transform(${first}, lambda r: struct_pack(${fields.map(({ name }) => `${ident(name)} := ${last(name)}`).join(", ")}))`;
  });
}

function nestedUpdate({ type, options }: Column): Aggregate | undefined {
  if (type.kind !== "array" || type.element.type.kind !== "row") return undefined;
  const same = (a: string, b: string): string =>
    options.nestedKey.length === 0
      ? `${a} IS NOT DISTINCT FROM ${b}`
      : options.nestedKey.map((name) => `${a}.${ident(name)} IS NOT DISTINCT FROM ${b}.${ident(name)}`).join(" AND ");
  const solid = (list: string): string => `list_filter(${list}, lambda e: e IS NOT NULL)`;
  const newest = (list: string): string =>
    options.nestedKey.length === 0
      ? list
      : `list_filter(${list}, lambda e, i: len(list_filter(${list}[i + 1:], lambda o: ${same("o", "e")})) = 0)`;
  const joined: Binary = (acc, value) => {
    const { countLimit } = options;
    if (countLimit === undefined) return newest(`list_concat(${solid(acc)}, ${solid(value)})`);
    const more = `${solid(value)}[1:${countLimit} - len(${acc})]`;
    return `CASE WHEN len(${acc}) >= ${countLimit} THEN ${acc} ELSE ${newest(`list_concat(${solid(acc)}, ${more})`)} END`;
  };
  const without: Binary = (acc, value) =>
    `list_filter(${newest(solid(acc))}, lambda e: len(list_filter(${solid(value)}, lambda o: ${same("o", "e")})) = 0)`;
  return merging(joined, (acc, value) => `CASE WHEN ${acc} IS NULL OR ${value} IS NULL THEN ${acc} ELSE ${without(acc, value)} END`);
}
