import type { AlterClause, DistributionDef, ListItem, RangeItem } from "../parse/ast.js";
import { batchPartitions } from "./batch.js";
import { type Bound, type Partition, sameName, type Table } from "./catalog.js";
import { isDynamicEnabled } from "./dynamic.js";
import { columnsNamed } from "./keys.js";
import { checkPartitionName } from "./names.js";
import { listPartition, rangePartition } from "./partitions.js";
import { propertiesOf } from "./properties.js";
import { checkReplication, checkStorage } from "./property-values.js";
import { refuse } from "./refusal.js";
import { strangerIn } from "./retention.js";
import type { Situation } from "./situation.js";
import { compareBounds } from "./values.js";
import { requireFeature } from "./versions.js";

type PartitionClause = Extract<
  AlterClause,
  {
    clause:
      | "add-partition"
      | "drop-partition"
      | "truncate-partition"
      | "modify-partition"
      | "modify-partition-distribution"
      | "replace-partition"
      | "rename-partition";
  }
>;

/** Clauses of ALTER TABLE that change partitions. Throws a Refusal. */
export function changePartitions(table: Table, clause: PartitionClause, situation: Situation): Table {
  switch (clause.clause) {
    case "add-partition":
      return addPartition(table, clause, situation);
    case "drop-partition":
      if (clause.names.length !== 1) requireFeature("DROP PARTITIONS of several, by range or by WHERE", situation.target);
      return dropPartitions(table, clause);
    case "replace-partition":
      return replacePartitions(table, clause);
    case "rename-partition":
      return renamePartition(table, clause.from, clause.to);
    case "modify-partition":
      return modifyPartitions(table, clause, situation);
    case "truncate-partition":
    case "modify-partition-distribution":
      return table;
  }
}

const isRange = ({ partitioning: { kind } }: Table): boolean => kind === "range" || kind === "expression-range";
/** Partitions that the engine makes by itself are not in the file; only the given ones are known. */
const knowsAll = ({ partitioning, properties }: Table): boolean => !partitioning.automatic && !isDynamicEnabled(properties);

function checkNotDynamic({ properties }: Table): void {
  if (isDynamicEnabled(properties))
    refuse(
      "dynamic-manual",
      "The table makes and drops its partitions by itself.",
      'ALTER TABLE … SET ("dynamic_partition.enable" = "false") first.',
    );
}

// ------------------------------------------------------------------------------------------------ add

function addPartition(
  table: Table,
  { temporary, item, distribution }: Extract<PartitionClause, { clause: "add-partition" }>,
  situation: Situation,
): Table {
  if (table.partitioning.kind === "none") refuse("unpartitioned", "The table has no partitions.", "Create it with PARTITION BY.");
  const made = item.kind === "list" ? listItems(table, item, temporary, situation) : rangeItems(table, item, temporary, situation);
  if (!temporary) checkNotDynamic(table);
  if (distribution) checkDistribution(distribution, table);
  return temporary ? { ...table, temporary: [...table.temporary, ...made] } : { ...table, partitions: [...table.partitions, ...made] };
}

/** Names are unique over partitions and temporary ones. True when IF NOT EXISTS makes the clause do nothing. */
function isThere(table: Table, name: string, ifNotExists: boolean): boolean {
  const found = [...table.partitions, ...table.temporary].some((partition) => sameName(partition.name, name));
  if (found && !ifNotExists)
    refuse("partition-exists", `The table has a partition ${name} already.`, "Write IF NOT EXISTS, or choose another name.");
  return found;
}

function listItems(table: Table, item: ListItem, temporary: boolean, situation: Situation): Partition[] {
  if (isRange(table))
    refuse("partition-kind", "The table has RANGE partitions; a LIST partition is added.", "Write VALUES LESS THAN or VALUES [(…), (…)).");
  if (table.partitioning.automatic && item.values.length > 1)
    refuse("partition-automatic", "A table that makes its own partitions has one value a partition.", "Add one partition a value.");
  const exists = isThere(table, item.name, item.ifNotExists);
  const members = Math.max(table.partitioning.columns.length, table.partitioning.expressions.length);
  if (!item.multi && members > 1)
    refuse("partition-values", `A value stands for one of ${members} partition columns.`, 'Write tuples: VALUES IN (("a", "b"), …).');
  const columns = columnsNamed(table.columns, table.partitioning.columns);
  if (columns.length !== table.partitioning.columns.length || table.partitioning.expressions.length > 0)
    return exists ? [] : [{ name: item.name }];
  const made = listPartition(
    item,
    columns.map((column) => ({ ...column, nullable: true })),
    exists ? [] : temporary ? table.temporary : table.partitions,
    situation,
  );
  return exists ? [] : [made];
}

function rangeItems(table: Table, item: RangeItem, temporary: boolean, situation: Situation): Partition[] {
  if (!isRange(table)) refuse("partition-kind", "The table has LIST partitions; a RANGE partition is added.", "Write VALUES IN (…).");
  const { automatic, type } = table.partitioning;
  if (item.kind !== "batch") {
    if (automatic)
      refuse(
        "partition-automatic",
        "The table makes its own ranges; single ones cannot be added.",
        "Use ADD PARTITIONS START (…) END (…) EVERY (…), or let rows make them.",
      );
    return singleRange(table, item, temporary, situation);
  }
  if (table.partitioning.columns.length !== 1)
    refuse("batch-columns", "START … END … EVERY takes one partition column.", "Add the partitions one by one.");
  checkUnit(item, table);
  const made = batchPartitions(item, { type: type ?? { name: "unknown" }, automatic, temporary, properties: {} });
  const others = temporary ? table.temporary : table.partitions;
  for (const partition of made) {
    isThere(table, partition.name, false);
    checkFree(partition, others);
  }
  return made;
}

function checkFree({ name, range }: Partition, others: readonly Partition[]): void {
  const crossed = others.find(
    (other) => range && other.range && isBelow(range.lower, other.range.upper) && isBelow(other.range.lower, range.upper),
  );
  if (crossed)
    refuse(
      "partition-overlap",
      `The range of partition ${name} crosses that of ${crossed.name}.`,
      "Choose bounds that no other partition covers.",
    );
}

const isBelow = (a: Bound, b: Bound): boolean => (compareBounds(a, b) ?? 0) < 0;

function singleRange(table: Table, item: Exclude<RangeItem, { kind: "batch" }>, temporary: boolean, situation: Situation): Partition[] {
  const exists = isThere(table, item.name, item.ifNotExists);
  const columns = columnsNamed(table.columns, table.partitioning.columns);
  const types =
    table.partitioning.expressions.length > 0 && table.partitioning.type ? [table.partitioning.type] : columns.map((column) => column.type);
  // What is there already is not looked at any further.
  return exists ? [] : [rangePartition(item, types, temporary ? table.temporary : table.partitions, situation)];
}

/** A partition may have its own number of buckets, nothing else. */
function checkDistribution({ kind, columns }: DistributionDef, { distribution }: Table): void {
  if (kind !== distribution.kind)
    refuse(
      "partition-distribution",
      `The table is distributed by ${distribution.kind.toUpperCase()}; the partition is not.`,
      "Distribute the partition like the table.",
    );
  const same =
    columns.length === distribution.columns.length && columns.every((name, index) => sameName(name, distribution.columns[index] ?? ""));
  if (!same)
    refuse(
      "partition-distribution",
      `The table is distributed by ${distribution.columns.join(", ")}; the partition by ${columns.join(", ")}.`,
      "Only BUCKETS may differ.",
    );
}

// ------------------------------------------------------------------------------------------------ drop, replace, rename

function dropPartitions(table: Table, clause: Extract<PartitionClause, { clause: "drop-partition" }>): Table {
  const { temporary, ifExists, all, batch, where } = clause;
  if (all) return { ...table, temporary: [] };
  if (table.partitioning.kind === "none") refuse("unpartitioned", "The table has no partitions.", "Use TRUNCATE TABLE, or DROP TABLE.");
  if (!temporary) checkNotDynamic(table);
  if (where) {
    const stranger = strangerIn(where, table.partitioning);
    if (stranger !== undefined)
      refuse("drop-partition-where", `WHERE reads ${stranger}, by which the table is not partitioned.`, "Name partition columns only.");
    return table;
  }
  if (batch) checkUnit(batch, table);
  const names = batch?.kind === "batch" ? batchNames(batch, table, temporary) : clause.names;
  const partitions = temporary ? table.temporary : table.partitions;
  const missing = names.find((name) => !partitions.some((partition) => sameName(partition.name, name)));
  if (missing !== undefined && !ifExists && (temporary || knowsAll(table) || !mayBeMade(missing, table)))
    refuse(
      "partition-missing",
      `The table has no${temporary ? " temporary" : ""} partition ${missing}.`,
      "Write IF EXISTS, or leave the clause out.",
    );
  const rest = partitions.filter((partition) => !names.some((name) => sameName(partition.name, name)));
  return temporary ? { ...table, temporary: rest } : { ...table, partitions: rest };
}

/** Partitions that a table makes by time are called p20240131. */
function mayBeMade(name: string, { partitioning }: Table): boolean {
  return partitioning.kind !== "expression-range" || /^p\d{4,14}$/i.test(name);
}

function checkUnit(item: RangeItem, { partitioning: { automatic, unit } }: Table): void {
  if (item.kind !== "batch" || !automatic || item.every.unit?.toLowerCase() === unit) return;
  refuse(
    "partition-unit",
    `Partitions are made by ${unit}, and the statement counts by ${item.every.unit ?? "number"}.`,
    `Write EVERY (INTERVAL 1 ${unit?.toUpperCase()}).`,
  );
}

function batchNames(batch: Extract<RangeItem, { kind: "batch" }>, table: Table, temporary: boolean): string[] {
  const { type, automatic } = table.partitioning;
  return batchPartitions(batch, { type: type ?? { name: "unknown" }, automatic, temporary, properties: {} }).map(({ name }) => name);
}

function replacePartitions(
  table: Table,
  { partitions, with: source, properties }: Extract<PartitionClause, { clause: "replace-partition" }>,
): Table {
  if (partitions.temporary || !source.temporary)
    refuse("replace-temporary", "Partitions are replaced by temporary ones.", "Write REPLACE PARTITION (p) WITH TEMPORARY PARTITION (tp).");
  const given = propertiesOf(properties);
  const stranger = Object.keys(given).find((name) => !["strict_range", "use_temp_partition_name"].includes(name));
  if (stranger !== undefined)
    refuse("property-unknown", `REPLACE PARTITION has no property ${stranger}.`, "Use strict_range and use_temp_partition_name.");
  const old = named(table.partitions, partitions.names);
  const fresh = named(table.temporary, source.names);
  if (old.missing !== undefined && knowsAll(table))
    refuse("partition-missing", `The table has no partition ${old.missing}.`, "Correct the name.");
  if (fresh.missing !== undefined) refuse("partition-missing", `The table has no temporary partition ${fresh.missing}.`, "Add it first.");
  if ((given.strict_range ?? "true").toLowerCase() === "true") checkSameRanges(old.found, fresh.found);
  const keepsNames = old.found.length === fresh.found.length && (given.use_temp_partition_name ?? "false").toLowerCase() !== "true";
  const arrived = fresh.found.map((partition, index) => ({
    ...partition,
    name: keepsNames ? (old.found[index]?.name ?? partition.name) : partition.name,
  }));
  return {
    ...table,
    partitions: [...table.partitions.filter((partition) => !old.found.includes(partition)), ...arrived],
    temporary: table.temporary.filter((partition) => !fresh.found.includes(partition)),
  };
}

function named(partitions: readonly Partition[], names: readonly string[]): { found: Partition[]; missing: string | undefined } {
  const found = names.flatMap((name) => partitions.filter((partition) => sameName(partition.name, name)));
  return { found, missing: names.find((name) => !partitions.some((partition) => sameName(partition.name, name))) };
}

/** Both sides have to cover the same: ranges are merged where they touch. */
function checkSameRanges(old: readonly Partition[], fresh: readonly Partition[]): void {
  const [a, b] = [merged(old), merged(fresh)];
  if (!a || !b) return;
  const same =
    a.length === b.length &&
    a.every(
      (range, index) => compareBounds(range.lower, b[index]?.lower ?? []) === 0 && compareBounds(range.upper, b[index]?.upper ?? []) === 0,
    );
  if (!same)
    refuse(
      "replace-ranges",
      "The temporary partitions do not cover exactly what they replace.",
      'Give them the same bounds, or add PROPERTIES ("strict_range" = "false").',
    );
}

function merged(partitions: readonly Partition[]): { lower: Bound; upper: Bound }[] | undefined {
  const ranges = partitions.map(({ range }) => range);
  if (ranges.some((range) => !range || [...range.lower, ...range.upper].includes(undefined))) return undefined;
  const sorted = ranges.flatMap((range) => range ?? []).sort((a, b) => compareBounds(a.lower, b.lower) ?? 0);
  const out: { lower: Bound; upper: Bound }[] = [];
  for (const range of sorted) {
    const last = out.at(-1);
    if (last && compareBounds(last.upper, range.lower) === 0) out[out.length - 1] = { lower: last.lower, upper: range.upper };
    else out.push(range);
  }
  return out;
}

function renamePartition(table: Table, from: string, to: string): Table {
  checkPartitionName(to);
  if (!isRange(table)) refuse("rename-partition", "Only RANGE partitions can be renamed.", "Leave the name as it is.");
  if (table.partitioning.automatic)
    refuse("rename-partition", "Partitions that the engine makes cannot be renamed.", "Leave the name as it is.");
  if (sameName(from, to)) refuse("rename-same", `The partition is called ${to} already.`, "Leave the statement out.");
  const { found, missing } = named(table.partitions, [from]);
  if (missing !== undefined && knowsAll(table)) refuse("partition-missing", `The table has no partition ${from}.`, "Correct the name.");
  isThere(table, to, false);
  return {
    ...table,
    partitions: table.partitions.map((partition) => (found.includes(partition) ? { ...partition, name: to } : partition)),
  };
}

function modifyPartitions(
  table: Table,
  { names, properties }: Extract<PartitionClause, { clause: "modify-partition" }>,
  situation: Situation,
): Table {
  const given = propertiesOf(properties);
  checkStorage(given, situation);
  if (given.replication_num !== undefined) checkReplication(given.replication_num, situation);
  const isSingle = table.partitioning.kind === "none";
  const missing = names === "*" || isSingle ? undefined : named(table.partitions, names).missing;
  if (missing !== undefined && knowsAll(table)) refuse("partition-missing", `The table has no partition ${missing}.`, "Correct the name.");
  if (given.storage_cooldown_ttl !== undefined && !isRange(table))
    refuse("storage-cooldown", "Only RANGE partitions cool down.", "Leave the cooldown out.");
  return table;
}
