import { parseType, type TypeText } from "./types.js";

/*
 * What ALTER can do, as recorded from a StarRocks front end (test/fixtures/starrocks: type-matrix, property-matrix, alter-*).
 * "instant" is done when the statement returns, "job" runs in the background, one job a table; "rebuild" is neither.
 */

export type Reach = "instant" | "job" | "rebuild";

const INTEGERS = ["tinyint", "smallint", "int", "bigint", "largeint"];

/** A value column's type change by MODIFY COLUMN. `key` columns lose the FLOAT, DOUBLE and JSON targets. */
export function retypeReach(fromText: string, toText: string, key: boolean): Reach {
  const from = parseType(fromText);
  const to = parseType(toText);
  if (!from || !to) return "rebuild";
  if (key && ["float", "double", "json"].includes(to.name)) return "rebuild";
  return convertible(from, to) ? "job" : "rebuild";
}

function convertible(from: TypeText, to: TypeText): boolean {
  if (INTEGERS.includes(from.name) && INTEGERS.includes(to.name)) return INTEGERS.indexOf(to.name) > INTEGERS.indexOf(from.name);
  const rule = CONVERSIONS[from.name];
  return rule?.(from, to) ?? false;
}

type Conversion = (from: TypeText, to: TypeText) => boolean;

const length = (type: TypeText): number => type.numbers[0] ?? 0;

/** Digits with their sign: the front end does not check that a text has room for them, and the job would be cancelled. */
const DIGITS = { tinyint: 4, smallint: 6, int: 11, bigint: 20, largeint: 40 } as const;
const FLOAT_DIGITS = 32;
const JSON_BYTES = 65_533;

const widerText =
  (bytes: number): Conversion =>
  (_, to) =>
    to.name === "varchar" && length(to) >= bytes;

const either =
  (...rules: readonly Conversion[]): Conversion =>
  (from, to) =>
    rules.some((rule) => rule(from, to));

const to =
  (...names: readonly string[]): Conversion =>
  (_, target) =>
    names.includes(target.name);

const CONVERSIONS: Readonly<Record<string, Conversion>> = {
  tinyint: either(to("double"), widerText(DIGITS.tinyint)),
  smallint: either(to("double"), widerText(DIGITS.smallint)),
  int: either(to("double", "date"), widerText(DIGITS.int)),
  bigint: either(to("double"), widerText(DIGITS.bigint)),
  largeint: widerText(DIGITS.largeint),
  float: either(to("double"), widerText(FLOAT_DIGITS)),
  double: widerText(FLOAT_DIGITS),
  decimal: either(widerDecimal, (from, target) => target.name === "varchar" && length(target) >= length(from) + 3),
  date: to("datetime"),
  datetime: to("date"),
  char: (from, target) =>
    (target.name === "char" || target.name === "varchar") && length(target) > length(from) - (target.name === "varchar" ? 1 : 0),
  varchar: either(
    (from, target) => target.name === "varchar" && length(target) > length(from),
    to("tinyint", "smallint", "int", "bigint", "largeint", "float", "double", "decimal", "date", "json"),
  ),
  json: widerText(JSON_BYTES),
  varbinary: to("varbinary"),
};

function widerDecimal(from: TypeText, target: TypeText): boolean {
  if (target.name !== "decimal") return false;
  const [precision = 0, scale = 0] = from.numbers;
  const [wider = 0, finer = 0] = target.numbers;
  return wider > precision && finer >= scale && wider - finer >= precision - scale;
}

/** Conversions that can lose values although the engine accepts them: text that is no number, a DATETIME's time of day. */
export function losesValues(fromText: string, toText: string): boolean {
  const from = parseType(fromText)?.name ?? "";
  const target = parseType(toText)?.name ?? "";
  if (from === "datetime" && target === "date") return true;
  if (from === "varchar") return target !== "varchar";
  if (from === "varbinary") return true;
  return (from === "bigint" || from === "largeint") && target === "double";
}

const INSTANT_PROPERTIES =
  /^(replication_num|storage_medium|labels\.location|storage_cooldown_ttl|write_quorum|replicated_storage|bucket_size|mutable_bucket_num|enable_load_profile|base_compaction_forbidden_time_ranges|primary_index_cache_expire_sec|enable_persistent_index|binlog_[a-z_]+|flat_json\.[a-z_.]+|partition_live_number|partition_ttl|partition_retention_condition|dynamic_partition\.[a-z_]+|colocate_with|unique_constraints|foreign_key_constraints|datacache\.partition_duration)$/;

/** How a table property is changed. Properties that ALTER refuses need a new table. */
export function propertyReach(name: string): Reach {
  if (name === "bloom_filter_columns") return "job";
  return INSTANT_PROPERTIES.test(name) ? "instant" : "rebuild";
}

const VIEW_PROPERTIES =
  /^(partition_ttl(_number)?|partition_retention_condition|auto_refresh_partitions_limit|partition_refresh_(number|strategy)|excluded_(trigger|refresh)_tables|force_external_table_query_rewrite|query_rewrite_consistency|mv_rewrite_staleness_second|(unique|foreign_key)_constraints|enable_query_rewrite|transparent_mv_rewrite_mode|resource_group|warehouse|labels\.location|bloom_filter_(columns|fpp)|session\..+)$/;

/** How a materialized view's property is changed. Those of its storage need a new view. */
export function viewPropertyReach(name: string): Reach {
  return VIEW_PROPERTIES.test(name) ? "instant" : "rebuild";
}
