import type { ColocateGroup, Column, Distribution } from "./catalog.js";
import { columnsNamed } from "./keys.js";
import { refuse } from "./refusal.js";
import type { Situation } from "./situation.js";
import { sameType, typeText } from "./sql-type.js";

export interface Colocated {
  readonly database: string;
  readonly group: string;
  readonly columns: readonly Column[];
  readonly distribution: Distribution;
  readonly replication: string | undefined;
}

/** Tables of a group lie in equal buckets: the first one says how. Throws a Refusal; answers what to remember. */
export function checkColocate(table: Colocated, { catalog }: Situation): { readonly name: string; readonly group: ColocateGroup } {
  if (table.distribution.kind === "random")
    refuse("colocate-random", "A table that is distributed by RANDOM cannot be colocated.", "Distribute by HASH.");
  const name = `${table.database}\0${table.group}`;
  const mine: ColocateGroup = {
    columns: columnsNamed(table.columns, table.distribution.columns).map(({ type }) => type),
    buckets: table.distribution.buckets,
    replication: table.replication,
  };
  const group = catalog.colocateGroups.get(name);
  if (group) checkFits(mine, group, table.group);
  return { name, group: group ?? mine };
}

function checkFits(mine: ColocateGroup, group: ColocateGroup, name: string): void {
  const rule = "colocate-mismatch";
  if (mine.buckets !== undefined && group.buckets !== undefined && mine.buckets !== group.buckets)
    refuse(rule, `Tables of group ${name} have ${group.buckets} buckets; this one has ${mine.buckets}.`, `Write BUCKETS ${group.buckets}.`);
  if (mine.columns.length !== group.columns.length)
    refuse(
      rule,
      `Tables of group ${name} are distributed by ${group.columns.length} columns; this one by ${mine.columns.length}.`,
      "Distribute alike.",
    );
  mine.columns.forEach((type, index) => {
    const other = group.columns[index];
    if (other && !sameType(type, other))
      refuse(rule, `Tables of group ${name} are distributed by ${typeText(other)}; this one by ${typeText(type)}.`, "Use the same types.");
  });
  if (mine.replication !== undefined && group.replication !== undefined && mine.replication !== group.replication)
    refuse(
      rule,
      `Tables of group ${name} have ${group.replication} replicas; this one has ${mine.replication}.`,
      "Use the same replication_num.",
    );
}
