import { isHole } from "../../core/catalog.js";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.js";
import type { Model, ModelKind } from "../../core/model.js";
import type { FunctionOptions, MaterializedViewOptions, TableOptions, TopicOptions, ViewOptions } from "../engine-options.js";
import { columnsOf, type Mistake, missingColumns, suggestion } from "./mistake.js";

/** Every option, so that one of another engine is refused where nobody runs a type checker; the compiler knows when one lacks. */
type OptionNames<T> = { readonly [E in keyof T]-?: Readonly<Record<keyof NonNullable<T[E]>, true>> };

const namedOptions = { schema: true, name: true } as const;
const postgresTable = { ...namedOptions, indexes: true, partitionBy: true } as const;
const postgresMaterializedView = { ...namedOptions, indexes: true } as const;
const starrocksStorage = {
  database: true,
  name: true,
  replication: true,
  compression: true,
  colocateWith: true,
  partitionTtl: true,
  properties: true,
} as const;

const hiveStorage = { database: true, name: true, storedAs: true, location: true, properties: true } as const;

const flinkTable = {
  name: true,
  connector: true,
  properties: true,
  watermark: true,
  metadata: true,
  partitionedBy: true,
  key: true,
} as const;

const tableOptions: OptionNames<TableOptions<string>> = {
  starrocks: {
    ...starrocksStorage,
    table: true,
    key: true,
    aggregate: true,
    autoIncrement: true,
    partitionBy: true,
    dynamicPartitions: true,
    partitionLiveNumber: true,
    partitionRetention: true,
    distributeBy: true,
    orderBy: true,
    bloomFilter: true,
    bitmapIndexes: true,
    indexes: true,
    persistentIndex: true,
  },
  timescale: {
    ...postgresTable,
    timeColumn: true,
    chunkInterval: true,
    spaceBy: true,
    columnstore: true,
    retention: true,
    chunkSkipping: true,
    reorderBy: true,
  },
  postgres: postgresTable,
  duckdb: namedOptions,
  hive: {
    ...hiveStorage,
    table: true,
    partitionedBy: true,
    clusteredBy: true,
    sortedBy: true,
    buckets: true,
    skewedBy: true,
    storedBy: true,
    serde: true,
    delimited: true,
    notNull: true,
  },
  paimon: {
    catalog: true,
    warehouse: true,
    database: true,
    name: true,
    table: true,
    partitionedBy: true,
    bucket: true,
    bucketKey: true,
    merge: true,
    aggregate: true,
    changelog: true,
    sequence: true,
    format: true,
    options: true,
  },
  iceberg: {
    catalog: true,
    database: true,
    name: true,
    partitionedBy: true,
    sortedBy: true,
    formatVersion: true,
    format: true,
    changes: true,
    location: true,
    properties: true,
  },
  flink: flinkTable,
};
const viewOptions: OptionNames<ViewOptions> = {
  starrocks: { database: true, name: true },
  timescale: namedOptions,
  postgres: namedOptions,
  duckdb: namedOptions,
  hive: { database: true, name: true },
  flink: { name: true, job: true },
};
const materializedViewOptions: OptionNames<MaterializedViewOptions<string>> = {
  starrocks: { ...starrocksStorage, refresh: true, deferred: true, partitionBy: true, distributeBy: true, orderBy: true },
  timescale: { ...namedOptions, materializedOnly: true, refresh: true, columnstore: true, retention: true, indexes: true },
  postgres: postgresMaterializedView,
  hive: { ...hiveStorage, partitionedBy: true, rewrite: true },
};
const functionOptions: OptionNames<FunctionOptions> = { timescale: namedOptions, postgres: namedOptions };
const topicOptions: OptionNames<TopicOptions<string>> = {
  kafka: { topic: true, partitions: true, replicationFactor: true, config: true, format: true, schema: true, access: true },
  flink: flinkTable,
};

/** Engines that a kind of model can be on, and their options. */
const engines: Readonly<Partial<Record<ModelKind, Readonly<Record<string, Readonly<Record<string, true>>>>>>> = {
  table: tableOptions,
  view: viewOptions,
  "materialized-view": materializedViewOptions,
  function: functionOptions,
  topic: topicOptions,
};

/** Where engine options name columns, in any engine: the option, and how its names are found. */
const columnOptions: Readonly<Record<string, (option: Json) => readonly Json[]>> = {
  key: listed,
  partitionBy: partitionedLevels,
  distributeBy: named,
  orderBy: ordered,
  bloomFilter: listed,
  bitmapIndexes: listed,
  aggregate: (option) => (isJsonObject(option) ? Object.keys(option) : []),
  partitionedBy: ordered,
  bucketKey: listed,
  sequence: listed,
  watermark: named,
  clusteredBy: listed,
  sortedBy: ordered,
  skewedBy: named,
  timeColumn: (option) => [option],
  spaceBy: (option) => (Array.isArray(option) ? option : [option]).flatMap(named),
  columnstore: (option) =>
    isJsonObject(option)
      ? [...listed(option.segmentBy), ...ordered(option.orderBy), ...listed(option.bloom), ...listed(option.minmax)]
      : [],
  chunkSkipping: listed,
  indexes: (option) => listed(option).flatMap((index) => (isJsonObject(index) ? ordered(index.columns) : [])),
};

export function optionMistakes(model: Model): readonly Mistake[] {
  // What an object is stands in its options: its engine knows which ones each kind has.
  if (!("on" in model) || model.model === "check" || model.model === "object") return [];
  const known = engines[model.model] ?? {};
  return Object.entries(model.on).flatMap(([engine, options]) => {
    const names = Object.hasOwn(known, engine) ? known[engine] : undefined;
    if (names === undefined) return [unknownEngine(model.model, engine, Object.keys(known))];
    return [...unknownOptions(engine, options, Object.keys(names)), ...namedColumns(model, engine, options)];
  });
}

function unknownOptions(engine: string, options: JsonObject | undefined, known: readonly string[]): readonly Mistake[] {
  return Object.keys(options ?? {})
    .filter((option) => !known.includes(option))
    .map((option) => ({
      what: `has the option on.${engine}.${option}, which does not exist.`,
      why: `Its options are ${known.join(", ")}.`,
      fix: suggestion(option, known) ?? "Remove it, or move it to the engine that it belongs to.",
    }));
}

function unknownEngine(kind: ModelKind, engine: string, known: readonly string[]): Mistake {
  return {
    what: `is \`on\` ${engine}.`,
    why: `A ${kind} can be on ${known.join(", ")}.`,
    fix: suggestion(engine, known) ?? "Name one of those.",
  };
}

function namedColumns(model: Model, engine: string, options: JsonObject | undefined): readonly Mistake[] {
  const columns = columnsOf(model);
  if (columns === undefined || options === undefined) return [];
  return Object.entries(options).flatMap(([option, value]) => {
    const names = Object.hasOwn(columnOptions, option) && !isHole(value) ? (columnOptions[option]?.(value) ?? []) : [];
    return missingColumns(`on.${engine}.${option}`, names, columns);
  });
}

/** `["a", "b"]`. */
function listed(option: Json | undefined): readonly Json[] {
  return Array.isArray(option) ? option : [];
}

/** `{ column: "a" }`, `{ columns: ["a"] }`. */
function named(option: Json): readonly Json[] {
  if (!isJsonObject(option)) return [];
  return [...(option.column === undefined ? [] : [option.column]), ...listed(option.columns)];
}

/** Partitions of PostgreSQL may be partitioned again. */
function partitionedLevels(option: Json): readonly Json[] {
  if (!isJsonObject(option)) return [];
  const below = listed(option.partitions).flatMap((partition) =>
    isJsonObject(partition) ? partitionedLevels(partition.partitionBy ?? null) : [],
  );
  return [...named(option), ...below, ...(option.each === undefined ? [] : partitionedLevels(option.each))];
}

/** `["a", { column: "b", order: "desc" }]`. */
function ordered(option: Json | undefined): readonly Json[] {
  return listed(option).map((member) => (isJsonObject(member) ? (member.column ?? null) : member));
}
