import type { CatalogObject } from "../../core/catalog.js";
import { type Json, sameJson } from "../../core/json.js";
import type { NamedPartition, StarrocksAction } from "./actions.js";
import type { PartitionBody, TableBody } from "./body.js";
import { normalize } from "./normalize.js";

/*
 * Named partitions come and go by ALTER; how a table is partitioned does not. A partition that has another name and the same
 * bounds was renamed, so that its rows stay.
 */

type PartitionAction = Extract<StarrocksAction, { action: "add-partition" | "drop-partition" | "rename-partition" }>;

/** What leads from one partitioning to the other; a text says why nothing but a new table does. */
export function partitionActions(from: CatalogObject, to: CatalogObject): readonly PartitionAction[] | string {
  const before = partitionOf(from);
  const after = partitionOf(to);
  if (!before || !after || before.by === "expression" || after.by !== before.by) return "the partitioning of a table cannot be altered";
  if (!sameJson(before.columns, after.columns)) return "the columns that partition a table cannot be altered";
  return namedChanges(before.partitions, after.partitions, before.by);
}

/** Both in the form that the engine shows: `LESS THAN` and fixed ranges are the same partition. */
function partitionOf(object: CatalogObject): PartitionBody | undefined {
  return (normalize(object).body as TableBody).partition; // the differ compares tables with tables
}

function namedChanges(
  before: readonly NamedPartition[],
  after: readonly NamedPartition[],
  by: "range" | "list",
): readonly PartitionAction[] | string {
  const gone = before.filter(({ name }) => !named(after, name));
  const fresh = after.filter(({ name }) => !named(before, name));
  const moved = after.filter((partition) => named(before, partition.name) && !sameContent(named(before, partition.name), partition));
  if (moved.length > 0) return `partition ${moved[0]?.name} would hold other values`;
  const renames = gone.flatMap((old): PartitionAction[] => {
    const target = fresh.find((partition) => sameContent(old, partition));
    return target ? [{ action: "rename-partition", from: old.name, to: target.name }] : [];
  });
  const isRenamed = (name: string): boolean =>
    renames.some((one) => one.action === "rename-partition" && (one.from === name || one.to === name));
  return [
    ...renames,
    ...gone.filter(({ name }) => !isRenamed(name)).map((partition): PartitionAction => ({ action: "drop-partition", partition })),
    ...fresh.filter(({ name }) => !isRenamed(name)).map((partition): PartitionAction => ({ action: "add-partition", partition, by })),
  ];
}

function named(partitions: readonly NamedPartition[], name: string): NamedPartition | undefined {
  return partitions.find((partition) => partition.name === name);
}

function sameContent(a: NamedPartition | undefined, b: NamedPartition): boolean {
  const content = (partition: NamedPartition): Json =>
    "values" in partition ? [...partition.values].map((tuple) => JSON.stringify(tuple)).sort() : [partition.from, partition.to];
  return a !== undefined && sameJson(content(a), content(b));
}
