import type { Column, OutputColumn } from "./catalog.js";
import { checkBloomColumns, checkTimeDriftForm } from "./properties.js";
import { checkFraction, checkNumber, checkOneOf, checkPeriod, checkReplication, checkStorage, type Properties } from "./property-values.js";
import { about, refuse } from "./refusal.js";
import { isSessionVariable } from "./session-variables.js";
import { type Situation, unproven } from "./situation.js";
import { isProven, requireProperty } from "./versions.js";

export interface MaterializedViewTraits {
  readonly partitioned: boolean;
  /** `ASYNC`, `MANUAL`, `INCREMENTAL`. */
  readonly refresh: string;
  readonly columns: readonly OutputColumn[] | undefined;
  /** `hash`, `random`; not known when a view is altered. */
  readonly distributed?: string;
  /** Tables that the query reads, where that is known. */
  readonly bases?: readonly string[] | undefined;
}

type Check = (value: string, view: MaterializedViewTraits, situation: Situation) => void;
const anything: Check = () => {};

function positive(name: string): Check {
  return (value) => {
    checkNumber(name, { bits: 32 })(value);
    if (Number(value) <= 0 && Number(value) !== -1) refuse("property-value", `${name} is ${value}.`, "Set it above 0.");
  };
}

function partitionedOnly(name: string, check: Check): Check {
  return (value, view, situation) => {
    check(value, view, situation);
    if (!view.partitioned)
      refuse("mv-unpartitioned", `${name} is for partitioned materialized views.`, "Add PARTITION BY, or leave it out.");
  };
}

/** Tables whose changes do not count; they have to be among those that the query reads. */
function baseTables(name: string): Check {
  return (value, { refresh, bases }) => {
    if (refresh !== "ASYNC")
      refuse("mv-refresh", `${name} is for materialized views with REFRESH ASYNC.`, "Leave it out, or change REFRESH.");
    const names = value.split(",").map((one) => one.trim().split(".").at(-1) ?? "");
    const stranger = bases && names.find((one) => one !== "" && !bases.includes(one));
    if (stranger !== undefined)
      refuse("mv-base-table", `${name} names ${stranger}, which the view does not read.`, "Name tables of its query.");
  };
}

/** What CREATE and ALTER take both. */
const shared: Readonly<Record<string, Check>> = {
  partition_ttl_number: positive("partition_ttl_number"),
  partition_ttl: partitionedOnly("partition_ttl", (value) => checkPeriod("partition_ttl")(value)),
  partition_retention_condition: (value, view, situation) => {
    if (value !== "") partitionedOnly("partition_retention_condition", anything)(value, view, situation);
  },
  auto_refresh_partitions_limit: (value, view, situation) => {
    if (view.refresh === "MANUAL")
      refuse("mv-refresh", "auto_refresh_partitions_limit is for views that refresh by themselves.", "Leave it out, or change REFRESH.");
    partitionedOnly("auto_refresh_partitions_limit", positive("auto_refresh_partitions_limit"))(value, view, situation);
  },
  partition_refresh_number: positive("partition_refresh_number"),
  partition_refresh_strategy: checkOneOf("partition_refresh_strategy", "strict", "adaptive", "force"),
  excluded_trigger_tables: baseTables("excluded_trigger_tables"),
  excluded_refresh_tables: baseTables("excluded_refresh_tables"),
  force_external_table_query_rewrite: checkOneOf(
    "force_external_table_query_rewrite",
    "true",
    "false",
    "disable",
    "loose",
    "checked",
    "nocheck",
    "force_mv",
  ),
  query_rewrite_consistency: checkOneOf("query_rewrite_consistency", "disable", "loose", "checked", "nocheck", "force_mv"),
  mv_rewrite_staleness_second: checkNumber("mv_rewrite_staleness_second", { bits: 32, min: -1n }),
  unique_constraints: anything,
  foreign_key_constraints: anything,
  enable_query_rewrite: checkOneOf("enable_query_rewrite", "default", "true", "false", ""),
  transparent_mv_rewrite_mode: checkOneOf("transparent_mv_rewrite_mode", "false", "true", "transparent_or_error", "transparent_or_default"),
  resource_group: (value, _, situation) => {
    if (!["default_wg", "default_mv_wg"].includes(value))
      unproven(
        situation,
        "mv-resource-group",
        `The engine refuses resource group ${value} unless it exists.`,
        "CREATE RESOURCE GROUP before.",
      );
  },
  warehouse: (value, _, { target }) => {
    if (target.mode === "shared-nothing" && value !== "default_warehouse")
      refuse("mv-warehouse", `A shared-nothing cluster has no warehouse ${value}.`, "Leave warehouse out.");
  },
  "labels.location": anything,
  bloom_filter_columns: (value, { columns }) => {
    if (columns?.every(({ type }) => type.name !== "unknown")) checkBloomColumns(value, columns.map(asColumn), "DUPLICATE");
  },
  bloom_filter_fpp: checkFraction("bloom_filter_fpp", 0.0001, 0.05),
};

const created: Readonly<Record<string, Check>> = {
  ...shared,
  replicated_storage: anything,
  replication_num: (value, _, situation) => checkReplication(value, situation),
  storage_medium: (value, _, situation) => checkStorage({ storage_medium: value }, situation),
  storage_cooldown_time: anything,
  storage_cooldown_ttl: anything,
  storage_volume: anything,
  time_drift_constraint: (value) => checkTimeDriftForm(value),
  colocate_with: (value, { distributed }) => {
    if (value !== "" && distributed === "random")
      refuse(
        "colocate-random",
        "A view that is distributed by RANDOM, as all are that do not say how, cannot be colocated.",
        "Distribute by HASH.",
      );
  },
  colocate_mv: anything,
  compression: anything, // not looked at here, other than in a table
  "datacache.enable": anything,
  "datacache.partition_duration": anything,
  enable_async_write_back: anything,
  query_timeout: anything,
};

function asColumn({ name, type }: OutputColumn): Column {
  return { name, id: name, type, key: false, aggregate: "NONE", nullable: true, autoIncrement: false, comment: "" };
}

/** PROPERTIES of an asynchronous view: `verb` says whether it is new. Throws a Refusal. */
export function checkMaterializedViewProperties(
  properties: Properties,
  view: MaterializedViewTraits,
  verb: "create" | "alter",
  situation: Situation,
): void {
  const checks = verb === "create" ? created : shared;
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("session.")) {
      about({ property: name }, () => checkVariable(name.slice("session.".length), situation));
      continue;
    }
    const check = Object.hasOwn(checks, name) ? checks[name] : undefined;
    about({ property: name }, () => requireProperty(name, situation.target));
    about({ property: name }, () => (check ? check(value, view, situation) : unknown(name, verb, situation)));
  }
}

function checkVariable(name: string, situation: Situation): void {
  if (isSessionVariable(name)) return;
  const message = `${name} is no session variable of the versions that dw knows.`;
  const fix = "Correct its name; SHOW VARIABLES lists them.";
  if (isProven(situation.target.version)) refuse("mv-session-variable", message, fix);
  unproven(situation, "mv-session-variable", message, fix);
}

function unknown(name: string, verb: "create" | "alter", situation: Situation): void {
  const message =
    verb === "create"
      ? `A materialized view has no property ${name}.`
      : `${name} of a materialized view cannot be changed (or does not exist).`;
  const fix = `Leave it out; a session variable is written session.${name}.`;
  if (isProven(situation.target.version)) refuse("property-unknown", message, fix);
  unproven(situation, "property-unknown", message, fix);
}
