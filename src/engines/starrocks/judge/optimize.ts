import type { AlterClause } from "../parse/ast.js";
import { columnOf, sameName, type Table } from "./catalog.js";
import { checkMethod } from "./distribution.js";
import { refuse } from "./refusal.js";
import type { Situation } from "./situation.js";
import { requireFeature } from "./versions.js";

const DEFAULT_BUCKET_SIZE = 4_294_967_296;
const UNITS = ["minute", "hour", "day", "month", "year"];

/** ALTER TABLE … DISTRIBUTED BY, ORDER BY or PARTITION BY: the rows are written anew. Throws a Refusal. */
export function optimize(table: Table, clause: Extract<AlterClause, { clause: "optimize" }>, { target }: Situation): Table {
  if (clause.between) requireFeature("PARTITION BY … BETWEEN", target);
  if (table.properties.colocate_with)
    refuse("optimize-colocate", "Tables of a colocate group keep their layout.", "Leave the group first.");
  if (hasBucketSize(table) && !clause.partition)
    refuse("optimize-random", "A table that is distributed by RANDOM scales by itself.", 'SET ("bucket_size" = "0") first.');
  for (const name of clause.orderBy ?? [])
    if (!table.columns.some((column) => column.name === name))
      refuse("sort-key-missing", `ORDER BY names ${name}, which is no column of the table.`, "Name columns of the table.");
  if (clause.key) refuse("optimize-keys", "The kind of table and its key cannot change.", "Create the table anew.");
  if (clause.partition) return mergePartitions(table, clause);
  if (clause.distribution) checkDistribution(table, clause);
  if (clause.partitions) checkPartitions(table, clause);
  if (clause.partitions || !clause.distribution) return table;
  const { kind, columns, buckets } = clause.distribution;
  return { ...table, distribution: { kind, columns, ...(buckets !== undefined && { buckets }) } };
}

/** Tables that are distributed by RANDOM get a bucket size unless they say otherwise. */
function hasBucketSize({ properties, distribution }: Table): boolean {
  return distribution.kind === "random" && Number(properties.bucket_size ?? DEFAULT_BUCKET_SIZE) > 0;
}

function checkDistribution(table: Table, { distribution }: Extract<AlterClause, { clause: "optimize" }>): void {
  if (!distribution) return;
  checkMethod(distribution.kind, { type: table.keys }, table.columns);
  const missing = distribution.columns.find((name) => !columnOf(table.columns, name));
  if (missing !== undefined)
    refuse(
      "distribution-column-missing",
      `The table would be distributed by ${missing}, which is no column of it.`,
      "Distribute by columns of the table.",
    );
}

function checkPartitions(table: Table, { partitions, distribution, orderBy }: Extract<AlterClause, { clause: "optimize" }>): void {
  if (orderBy) refuse("optimize-partitions", "The sort key is that of the whole table.", "Leave PARTITIONS out.");
  if (partitions?.temporary) refuse("optimize-partitions", "Temporary partitions cannot be optimized.", "Name partitions of the table.");
  if (!distribution) return;
  const same =
    distribution.columns.length === table.distribution.columns.length &&
    distribution.columns.every((name, index) => sameName(name, table.distribution.columns[index] ?? ""));
  if (distribution.kind !== table.distribution.kind || !same)
    refuse(
      "optimize-partitions",
      "Single partitions can change their buckets only.",
      "Leave PARTITIONS out, or keep the distribution columns.",
    );
  const missing = table.partitioning.automatic
    ? undefined
    : partitions?.names.find((name) => !table.partitions.some((partition) => sameName(partition.name, name)));
  if (missing !== undefined) refuse("partition-missing", `The table has no partition ${missing}.`, "Correct the name.");
}

/** PARTITION BY with a coarser unit merges the partitions that the engine made. */
function mergePartitions(table: Table, { partition, distribution, partitions }: Extract<AlterClause, { clause: "optimize" }>): Table {
  const [call] = partition?.kind === "expression" ? partition.expressions : [];
  if (call?.kind !== "call" || !["date_trunc", "time_slice"].includes(call.name))
    refuse("merge-expression", "Partitions are merged by date_trunc or time_slice.", "Write PARTITION BY date_trunc('month', column).");
  const [, interval] = call.args;
  if (call.name === "time_slice" && interval?.kind === "interval" && interval.value.kind === "literal" && interval.value.text !== "1")
    refuse("merge-interval", "Partitions are merged to one unit each.", "Write INTERVAL 1, or date_trunc.");
  if (distribution) refuse("merge-distribution", "Merging partitions and a new distribution exclude each other.", "Write two statements.");
  if (partitions) refuse("merge-partitions", "Merging takes all partitions.", "Leave PARTITIONS out.");
  const { kind, unit = "" } = table.partitioning;
  if (kind !== "expression-range") refuse("merge-kind", "Only partitions by date_trunc can be merged.", "Create the table anew.");
  const wanted = call.args[0]?.kind === "literal" ? call.args[0].text.toLowerCase() : "";
  if (UNITS.includes(wanted) && UNITS.indexOf(wanted) <= UNITS.indexOf(unit))
    refuse("merge-unit", `${wanted} is not coarser than ${unit}.`, "Choose a longer unit.");
  return table;
}
