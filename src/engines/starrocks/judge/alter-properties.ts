import type { Property } from "../parse/cursor.js";
import type { Place, Table } from "./catalog.js";
import { checkColocate } from "./colocate.js";
import { checkConstraints } from "./constraints.js";
import { checkDynamicTable, checkDynamicValues, dynamicOf, hasDynamic } from "./dynamic.js";
import { columnsNamed } from "./keys.js";
import { checkBackendLocation, checkBloomColumns, checkBloomWithNgram, checkTimeDrift, propertiesOf } from "./properties.js";
import {
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
import { isProven, requireProperty } from "./versions.js";

interface Change {
  readonly table: Table;
  readonly place: Place;
  readonly situation: Situation;
  readonly given: Properties;
}

type Check = (value: string, change: Change) => void;
const anything: Check = () => {};
const flag = (name: string): Check => checkOneOf(name, "true", "false");

/** Properties that ALTER TABLE … SET changes. All others are fixed when the table is created. */
const checks: Readonly<Record<string, Check>> = {
  colocate_with: changeGroup,
  distribution_type: checkOneOf("distribution_type", "hash"),
  bloom_filter_columns: changeBloom,
  bloom_filter_fpp: changeBloom,
  write_quorum: checkOneOf("write_quorum", "MAJORITY", "ONE", "ALL"),
  "labels.location": (value, { situation }) => {
    checkLocation(value);
    checkBackendLocation(value, situation);
  },
  partition_live_number: (value, { table }) => {
    checkNumber("partition_live_number", { bits: 32 })(value);
    if (!["range", "expression-range"].includes(table.partitioning.kind))
      refuse(
        "live-number-unpartitioned",
        "Only tables with RANGE partitions have a number of live partitions.",
        "Leave partition_live_number out.",
      );
  },
  partition_ttl: (value, { table }) => {
    if (!["range", "expression-range"].includes(table.partitioning.kind))
      refuse("ttl-unpartitioned", "Only tables with RANGE partitions have a partition_ttl that is set later.", "Leave partition_ttl out.");
    checkPeriod("partition_ttl")(value);
  },
  partition_retention_condition: (value, { table }) => {
    if (value !== "" && table.partitioning.kind === "none")
      refuse("retention-unpartitioned", "Only a partitioned table has partitions to retire.", "Leave partition_retention_condition out.");
    if (value !== "") checkRetention(value, table.partitioning);
  },
  time_drift_constraint: (value, { table }) => checkTimeDrift(value, table),
  replication_num: changeReplication,
  storage_cooldown_ttl: checkPeriod("storage_cooldown_ttl"),
  "default.replication_num": (value, { situation }) => checkReplication(value, situation),
  "default.storage_medium": (value, { situation }) => checkStorage({ storage_medium: value }, situation),
  in_memory: anything,
  primary_index_cache_expire_sec: checkNumber("primary_index_cache_expire_sec", { bits: 32, min: 0n }),
  enable_persistent_index: flag("enable_persistent_index"),
  persistent_index_type: (value, { situation }) => {
    if (situation.target.mode === "shared-nothing")
      refuse("property-shared-data", "persistent_index_type is a property of shared-data clusters.", "Leave it out.");
    checkOneOf("persistent_index_type", "CLOUD_NATIVE", "LOCAL")(value);
  },
  file_bundling: (value, { situation }) => {
    if (situation.target.mode === "shared-nothing")
      refuse("property-shared-data", "file_bundling is a property of shared-data clusters.", "Leave it out.");
    flag("file_bundling")(value, {} as Change); // the check looks at the value only
  },
  replicated_storage: (value, { table }) => {
    checkOneOf("replicated_storage", "true", "false")(value);
    const index = table.indexes.find(({ using }) => using === "GIN" || using === "VECTOR");
    if (value.toLowerCase() === "true" && index)
      refuse("index-gin-replicated", `The index ${index.name} does not work with replicated storage.`, "Drop the index first.");
  },
  bucket_size: checkNumber("bucket_size", { min: 0n }),
  mutable_bucket_num: checkNumber("mutable_bucket_num", { min: 0n }),
  enable_load_profile: anything,
  base_compaction_forbidden_time_ranges: (value, { table, situation }) => {
    if (table.keys === "PRIMARY" || situation.target.mode === "shared-data")
      refuse(
        "compaction-time-ranges",
        "Primary-key tables and shared-data clusters have no forbidden times for base compaction.",
        "Leave base_compaction_forbidden_time_ranges out.",
      );
    checkTimeRanges("base_compaction_forbidden_time_ranges")(value);
  },
  binlog_enable: (value) => {
    if (value !== "true" && value !== "false")
      refuse("property-value", `binlog_enable does not take ${JSON.stringify(value)}.`, 'Write "true" or "false", in lower case.');
  },
  binlog_ttl_second: checkNumber("binlog_ttl_second"),
  binlog_max_size: checkNumber("binlog_max_size"),
  unique_constraints: (_, { given, table, situation }) => checkConstraints(given, table, situation),
  foreign_key_constraints: (_, { given, table, situation }) => checkConstraints(given, table, situation),
  "datacache.partition_duration": checkPeriod("datacache.partition_duration"),
  "flat_json.enable": anything,
  "flat_json.null.factor": flatJson,
  "flat_json.sparsity.factor": flatJson,
  "flat_json.column.max": flatJson,
};

/** ALTER TABLE … SET. One property a statement, except those of one family. Throws a Refusal. */
export function setProperties(table: Table, place: Place, list: readonly Property[], situation: Situation): Table {
  const given = propertiesOf(list);
  const names = Object.keys(given);
  const isFamily = ["dynamic_partition.", "binlog"].some((prefix) => names.every((name) => name.startsWith(prefix)));
  if (names.length !== 1 && !isFamily) refuse("set-several", "One statement sets one property.", "Write one ALTER TABLE … SET for each.");
  const change: Change = { table, place, situation, given };
  if (names.some((name) => name.startsWith("dynamic_partition."))) setDynamic(change);
  else for (const [name, value] of Object.entries(given)) about({ property: name }, () => check(name, value, change));
  return { ...table, properties: { ...table.properties, ...given } };
}

function check(name: string, value: string, change: Change): void {
  const known = Object.hasOwn(checks, name) ? checks[name] : undefined;
  requireProperty(name, change.situation.target);
  if (known) {
    known(value, change);
    return;
  }
  const { situation } = change;
  const message = `${name} cannot be changed by ALTER TABLE (or does not exist).`;
  const fix = "Create the table anew with it, or correct its name.";
  if (isProven(situation.target.version)) refuse("set-unknown", message, fix);
  unproven(situation, "set-unknown", message, fix);
}

function setDynamic({ table, given }: Change): void {
  if (!hasDynamic(table.properties)) {
    const columns = columnsNamed(table.columns, table.partitioning.columns);
    checkDynamicTable(given, table.partitioning, columns);
  }
  if (dynamicOf(given).buckets !== undefined && table.properties.colocate_with)
    refuse("colocate-buckets", "Tables of a colocate group have equal buckets.", "Leave the group first.");
  checkDynamicValues(given, { isNew: !hasDynamic(table.properties) && hasDynamic(given) });
}

function changeGroup(group: string, { table, place, situation }: Change): void {
  if (group === "") return;
  const { columns, distribution, properties } = table;
  const joined = checkColocate(
    { database: place.database, group, columns, distribution, replication: properties.replication_num },
    situation,
  );
  situation.catalog.colocateGroups.set(joined.name, joined.group);
}

function changeBloom(_: string, { given, table }: Change): void {
  const before = bloomOf(table.properties);
  const after = bloomOf({ ...table.properties, ...given });
  if (given.bloom_filter_fpp !== undefined) checkFraction("bloom_filter_fpp", 0.0001, 0.05)(given.bloom_filter_fpp);
  if (given.bloom_filter_columns !== undefined) checkBloomColumns(given.bloom_filter_columns, table.columns, table.keys);
  const nothing = after.columns === before.columns && (after.fpp === before.fpp || before.columns === "");
  if (nothing && !(before.columns === "" && given.bloom_filter_columns !== undefined))
    refuse("bloom-same", "The bloom filters would not change.", "Leave the statement out.");
  checkBloomWithNgram({ ...table.properties, ...given }, table);
}

function bloomOf({ bloom_filter_columns: columns = "", bloom_filter_fpp: fpp = "0.05" }: Properties): { columns: string; fpp: number } {
  const names = columns.split(",").map((name) => name.trim().toLowerCase());
  return { columns: names.sort().join(","), fpp: Number(fpp) };
}

function changeReplication(value: string, { table, situation }: Change): void {
  checkReplication(value, situation);
  if (table.properties.colocate_with)
    refuse("colocate-replication", "Tables of a colocate group keep their replicas.", "Leave the group first.");
  if (table.partitioning.kind !== "none")
    refuse(
      "replication-partitioned",
      "Each partition of this table has its own number of replicas.",
      'Use MODIFY PARTITION (*) SET ("replication_num" = …), and SET ("default.replication_num" = …) for new ones.',
    );
}

function flatJson(value: string, { table }: Change): void {
  if (table.properties["flat_json.enable"]?.toLowerCase() !== "true")
    refuse("flat-json", "flat_json properties need flat JSON to be switched on.", 'SET ("flat_json.enable" = "true") first.');
  if (value.startsWith("-")) refuse("property-value", "A flat_json factor is not below 0.", "Raise it.");
}
