import type { Property } from "../parse/cursor.js";
import type { Distribution, Index, Partitioning } from "./catalog.js";
import { type Column, columnOf, sameName } from "./catalog.js";
import { checkConstraints } from "./constraints.js";
import { checkDynamicTable, checkDynamicValues, dynamicOf, hasDynamic, unknownDynamic } from "./dynamic.js";
import { checkShortKeyCount, columnsNamed, type Keys } from "./keys.js";
import {
  checkCompression,
  checkFraction,
  checkLocation,
  checkNumber,
  checkOneOf,
  checkPeriod,
  checkReplication,
  checkStorage,
  checkTimeRanges,
  type Properties,
} from "./property-values.js";
import { about, refuse } from "./refusal.js";
import { checkRetention } from "./retention.js";
import { type Situation, unproven } from "./situation.js";
import { canHaveBloomFilter, isDateLike, typeText } from "./sql-type.js";
import { isProven, requireProperty } from "./versions.js";

export interface PropertyTable {
  readonly name: string;
  readonly keys: Keys;
  readonly columns: readonly Column[];
  readonly orderBy: readonly string[] | undefined;
  readonly partitioning: Partitioning;
  readonly distribution: Distribution;
  readonly indexes: readonly Index[];
}

type Check = (value: string, table: PropertyTable, situation: Situation) => void;
const anything: Check = () => {};

/** Properties of CREATE TABLE, with what their values have to be. What is not here is unknown. */
const checks: Readonly<Record<string, Check>> = {
  replication_num: (value, _, situation) => checkReplication(value, situation),
  bloom_filter_columns: (value, table) => checkBloomColumns(value, table.columns, table.keys.type),
  bloom_filter_fpp: checkFraction("bloom_filter_fpp", 0.0001, 0.05),
  storage_medium: anything, // with its cooldown, below
  storage_cooldown_time: anything,
  storage_cooldown_ttl: anything,
  storage_format: anything,
  storage_volume: (value, _, { target }) => {
    if (target.mode === "shared-data" && value === "local")
      refuse("storage-volume", "A shared-data cluster cannot keep a table on the volume local.", "Name a storage volume.");
  },
  storage_type: checkStorageType,
  in_memory: anything,
  short_key: (value, table) =>
    checkShortKeyCount(value, table.orderBy ? columnsNamed(table.columns, table.orderBy) : table.columns.filter((column) => column.key)),
  "labels.location": (value, _, situation) => {
    checkLocation(value);
    checkBackendLocation(value, situation);
  },
  enable_persistent_index: (value, { keys }) => {
    if (keys.type === "PRIMARY" && value.toLowerCase() !== "true")
      refuse(
        "persistent-index",
        "A primary-key index in memory only is not supported.",
        'Leave enable_persistent_index out, or set it to "true".',
      );
  },
  persistent_index_type: (value, _, { target }) => {
    if (target.mode === "shared-nothing") unknown("persistent_index_type", value);
    checkOneOf("persistent_index_type", "LOCAL", "CLOUD_NATIVE")(value);
  },
  primary_index_cache_expire_sec: checkNumber("primary_index_cache_expire_sec", { bits: 32, min: 0n }),
  binlog_enable: anything,
  binlog_ttl_second: checkNumber("binlog_ttl_second"),
  binlog_max_size: checkNumber("binlog_max_size"),
  "flat_json.enable": checkFlatJson,
  "flat_json.null.factor": checkFlatJson,
  "flat_json.sparsity.factor": checkFlatJson,
  "flat_json.column.max": checkFlatJson,
  bucket_size: checkNumber("bucket_size", { min: 0n }),
  mutable_bucket_num: checkNumber("mutable_bucket_num", { min: 0n }),
  enable_load_profile: anything,
  base_compaction_forbidden_time_ranges: (value, { keys }, { target }) => {
    if (value === "") return;
    if (keys.type === "PRIMARY" || target.mode === "shared-data")
      refuse(
        "compaction-time-ranges",
        "Primary-key tables and shared-data clusters have no forbidden times for base compaction.",
        "Leave base_compaction_forbidden_time_ranges out.",
      );
    checkTimeRanges("base_compaction_forbidden_time_ranges")(value);
  },
  file_bundling: anything,
  write_quorum: checkOneOf("write_quorum", "MAJORITY", "ONE", "ALL"),
  replicated_storage: (value, { columns, indexes }) => {
    if (value.toLowerCase() !== "true" && columns.some((column) => column.autoIncrement))
      refuse("auto-increment-replication", "A table with AUTO_INCREMENT needs replicated storage.", "Leave replicated_storage out.");
    if (value.toLowerCase() === "true") checkGin(indexes);
  },
  tablet_type: checkOneOf("tablet_type", "disk", "memory"),
  colocate_with: anything, // colocate.ts
  fast_schema_evolution: checkOneOf("fast_schema_evolution", "true", "false"),
  light_schema_change: anything, // the old name of fast_schema_evolution, which goes before it: below
  schema_version: checkNumber("schema_version", { bits: 32 }),
  version_info: checkNumber("version_info"),
  compression: checkCompression,
  partition_live_number: (value) => {
    checkNumber("partition_live_number", { bits: 32 })(value);
    if (Number(value) <= 0 && Number(value) !== -1) refuse("property-value", `partition_live_number is ${value}.`, "Set it above 0.");
  },
  partition_ttl: checkPeriod("partition_ttl"),
  partition_retention_condition: (value, table) => {
    if (value !== "" && table.partitioning.kind === "none")
      refuse(
        "retention-unpartitioned",
        "Only a partitioned table has partitions to retire.",
        "Partition the table, or leave partition_retention_condition out.",
      );
    if (value !== "") checkRetention(value, table.partitioning);
  },
  time_drift_constraint: checkTimeDrift,
  unique_constraints: (value) => {
    if (value === "") unknown("unique_constraints", value); // otherwise constraints.ts
  },
  foreign_key_constraints: (value) => {
    if (value === "") unknown("foreign_key_constraints", value); // as above
  },
  "datacache.enable": sharedData("datacache.enable"),
  "datacache.partition_duration": (value, table, situation) => {
    sharedData("datacache.partition_duration")(value, table, situation);
    checkPeriod("datacache.partition_duration")(value);
  },
  enable_async_write_back: (value, table, situation) => {
    sharedData("enable_async_write_back")(value, table, situation);
    if (value.toLowerCase() === "true") refuse("async-write-back", "enable_async_write_back exists no more.", "Leave it out.");
  },
};

function unknown(name: string, value: string): never {
  return refuse("property-unknown", `A table has no property ${name} (${JSON.stringify(value)}).`, "Leave it out, or correct its name.");
}

function sharedData(name: string): Check {
  return (value, _, { target }) => {
    if (target.mode === "shared-nothing")
      refuse(
        "property-shared-data",
        `${name} is a property of shared-data clusters (value ${JSON.stringify(value)}).`,
        "Leave it out, or lint with --engine starrocks@VERSION/shared-data.",
      );
  };
}

/** The last value counts where a property is written twice. */
export function propertiesOf(list: readonly Property[]): Properties {
  return Object.fromEntries(list.map(({ key, value }) => [key.trim(), value]));
}

/** All properties of a new table. Throws a Refusal. */
export function checkTableProperties(properties: Properties, table: PropertyTable, situation: Situation): void {
  const named = Object.entries(properties).filter(([name]) => !name.startsWith("dynamic_partition."));
  for (const [name, value] of named) {
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    about({ property: name }, () => {
      requireProperty(name, situation.target);
      check?.(value, table, situation);
    });
  }
  const { fast_schema_evolution: fast, light_schema_change: light } = properties;
  if (fast === undefined && light !== undefined)
    about({ property: "light_schema_change" }, () => checkOneOf("light_schema_change", "true", "false")(light));
  checkStorage(properties, situation);
  checkCooling(properties, table);
  checkConstraints(properties, table, situation);
  if (!("replicated_storage" in properties)) checkGin(table.indexes);
  checkBloomWithNgram(properties, table);
  checkDynamic(properties, table);
  for (const [name, value] of named)
    if (!Object.hasOwn(checks, name)) about({ property: name }, () => checkUnknown(name, value, situation));
}

function checkUnknown(name: string, value: string, situation: Situation): void {
  if (isProven(situation.target.version)) unknown(name, value);
  unproven(
    situation,
    "property-unknown",
    `${name} is no property of the versions that dw knows (${situation.target.version} is not among them).`,
    "Check its name in the release notes.",
  );
}

function checkDynamic(properties: Properties, { partitioning, columns }: PropertyTable): void {
  if (!Object.keys(properties).some((name) => name.startsWith("dynamic_partition."))) return;
  if (partitioning.kind === "none")
    refuse(
      "dynamic-partitioning",
      "Dynamic partitions need RANGE partitions on one column.",
      "Add PARTITION BY RANGE (date column) (), or leave dynamic_partition.* out.",
    );
  checkDynamicTable(properties, partitioning, columnsNamed(columns, partitioning.columns));
  checkDynamicValues(properties, { isNew: hasDynamic(properties) });
  const stranger = unknownDynamic(properties);
  if (stranger !== undefined) unknown(`dynamic_partition.${stranger}`, properties[`dynamic_partition.${stranger}`] ?? "");
  // Only `enable` is looked at here: without it the engine switches dynamic partitions on all the same.
  if (dynamicOf(properties).enable && partitioning.kind === "expression-range")
    refuse(
      "dynamic-expression",
      "A table that makes partitions by an expression excludes dynamic partitions.",
      "Leave dynamic_partition.* out, or partition by RANGE (column).",
    );
}

export function checkBloomColumns(value: string, columns: readonly Column[], keys: string): void {
  const names = value
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  for (const name of names) about({ column: name }, () => checkBloomColumn(name, columns, keys));
  const twice = names.find((name, index) => names.findIndex((other) => other.toLowerCase() === name.toLowerCase()) < index);
  if (twice !== undefined) refuse("bloom-twice", `bloom_filter_columns names ${twice} twice.`, "Name it once.");
}

function checkBloomColumn(name: string, columns: readonly Column[], keys: string): void {
  const column = columnOf(columns, name);
  if (!column)
    refuse("bloom-column-missing", `bloom_filter_columns names ${name}, which is no column of the table.`, "Name columns of the table.");
  if (!canHaveBloomFilter(column.type))
    refuse("bloom-type", `${typeText(column.type)} takes no bloom filter; ${name} has one.`, "Leave it out.");
  if (!column.key && keys !== "PRIMARY" && column.aggregate !== "NONE")
    refuse("bloom-keys", `A ${keys} KEY table has bloom filters on key columns only; ${name} is none.`, "Leave it out.");
}

export function checkBloomWithNgram(properties: Properties, { columns, indexes }: Pick<PropertyTable, "columns" | "indexes">): void {
  const names = (properties.bloom_filter_columns ?? "").split(",").map((name) => columnOf(columns, name.trim())?.id.toLowerCase());
  const both = indexes.find((index) => index.using === "NGRAMBF" && names.includes(index.column.toLowerCase()));
  if (both) refuse("bloom-ngram", `${both.column} has a bloom filter and an n-gram index.`, "Keep one of them.");
}

function checkGin(indexes: readonly Index[]): void {
  if (indexes.some((index) => index.using === "GIN"))
    refuse(
      "index-gin-replicated",
      "Inverted indexes do not work with replicated storage, which is on unless it is said otherwise.",
      'Add "replicated_storage" = "false".',
    );
}

function checkStorageType(value: string, { keys, columns }: PropertyTable): void {
  const type = value.toLowerCase();
  const fits = type === "column" || (keys.type === "PRIMARY" && ["row", "column_with_row"].includes(type));
  if (!fits)
    refuse(
      "storage-type",
      `A ${keys.type} KEY table has no storage type ${value}.`,
      "Leave storage_type out; column_with_row is for PRIMARY KEY tables.",
    );
  if (type === "column_with_row" && columns.every((column) => column.key))
    refuse("storage-type", "column_with_row needs columns outside the key.", "Leave storage_type out.");
}

/** The factors mean nothing unless flat JSON is switched on beside them. */
function checkFlatJson(value: string, _: PropertyTable, { target }: Situation): void {
  if (target.mode === "shared-data")
    refuse("flat-json", "Shared-data clusters take no flat_json properties of a table.", "Leave them out.");
  if (/^-/.test(value)) refuse("property-value", "A flat_json factor is not below 0.", "Raise it.");
}

export function checkFlatJsonEnabled(properties: Properties): void {
  const names = Object.keys(properties).filter((name) => name.startsWith("flat_json."));
  if (names.length > 0 && properties["flat_json.enable"]?.toLowerCase() !== "true")
    refuse(
      "flat-json",
      "flat_json properties need flat JSON to be switched on.",
      'Add "flat_json.enable" = "true", or leave them all out.',
    );
}

function checkCooling(properties: Properties, { keys, partitioning, columns }: PropertyTable): void {
  if (properties.storage_cooldown_ttl === undefined && properties.storage_cooldown_time === undefined) return;
  const fix = "Leave the cooldown out.";
  if (keys.type === "PRIMARY") refuse("storage-cooldown", "PRIMARY KEY tables do not cool down.", fix);
  if (partitioning.kind === "list") refuse("storage-cooldown", "LIST partitions do not cool down.", fix);
  if (partitioning.columns.length > 1) refuse("storage-cooldown", "Partitions by several columns do not cool down.", fix);
  const [column] = columnsNamed(columns, partitioning.columns);
  if (column && !isDateLike(column.type)) refuse("storage-cooldown", "Only partitions by date cool down.", fix);
}

const TIME_DRIFT =
  /^\s*(\w+)\s+between\s+(?:days|hours|minutes|seconds)_(?:add|sub)\s*\(\s*(\w+)\s*,.+\)\s+and\s+(?:days|hours|minutes|seconds)_(?:add|sub)\s*\(.+\)\s*$/i;

const TIME_DRIFT_FIX = 'Write "column between days_sub(partition_column, 1) and days_add(partition_column, 1)".';

/** The column that may drift, and the one that it is measured against. */
export function checkTimeDriftForm(value: string): { readonly target: string; readonly reference: string } {
  const [, target = "", reference = ""] =
    TIME_DRIFT.exec(value) ?? refuse("time-drift", `time_drift_constraint is ${JSON.stringify(value)}.`, TIME_DRIFT_FIX);
  return { target, reference };
}

export function checkTimeDrift(value: string, { columns, partitioning }: Pick<PropertyTable, "columns" | "partitioning">): void {
  const fix = TIME_DRIFT_FIX;
  const { target, reference } = checkTimeDriftForm(value);
  for (const name of [target, reference]) {
    const column = columnOf(columns, name);
    if (!column) refuse("time-drift", `time_drift_constraint names ${name}, which is no column of the table.`, fix);
    if (!isDateLike(column.type)) refuse("time-drift", `time_drift_constraint names ${name}, which is ${typeText(column.type)}.`, fix);
  }
  if (!partitioning.columns.some((name) => sameName(name, reference)))
    refuse("time-drift", `time_drift_constraint measures against ${reference}, by which the table is not partitioned.`, fix);
}

export function checkBackendLocation(value: string, situation: Situation): void {
  if (value === "" || value === "*") return;
  const fix = 'Label the backends: ALTER SYSTEM MODIFY BACKEND … SET ("labels.location" = …).';
  if (situation.isDescribed && situation.target.mode === "shared-nothing")
    refuse("location-backends", `The backends that are described carry no labels, and ${value} asks for some.`, fix);
  unproven(situation, "location-backends", `The engine refuses ${value} unless backends carry these labels.`, fix);
}
