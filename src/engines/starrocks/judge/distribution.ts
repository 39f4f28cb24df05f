import type { DistributionDef } from "../parse/ast.js";
import { type Column, columnOf, type Distribution } from "./catalog.js";
import { isReplace } from "./columns.js";
import type { Keys } from "./keys.js";
import type { Properties } from "./property-values.js";
import { about, refuse } from "./refusal.js";
import { canBeKey, typeText } from "./sql-type.js";

const MAX_BUCKETS = 1024;

/** DISTRIBUTED BY of a new table, or what the engine takes without it. Throws a Refusal. */
export function distributeTable(
  definition: DistributionDef | undefined,
  { keys, columns, properties, partitioned }: { keys: Keys; columns: readonly Column[]; properties: Properties; partitioned: boolean },
): Distribution {
  const distribution = definition ?? impliedDistribution(keys, properties);
  checkMethod(distribution.kind, keys, columns);
  if (partitioned && (distribution.buckets ?? 0) > MAX_BUCKETS)
    refuse("buckets", `A partition has at most ${MAX_BUCKETS} buckets; ${distribution.buckets} are asked for.`, "Lower BUCKETS.");
  for (const name of distribution.columns) about({ column: name }, () => checkColumn(name, keys, columns));
  const { kind, columns: names, buckets } = distribution;
  return { kind, columns: names, ...(buckets !== undefined && buckets > 0 && { buckets }) };
}

function impliedDistribution(keys: Keys, properties: Properties): Distribution {
  if (properties.colocate_with !== undefined)
    refuse("colocate-distribution", "A colocated table has to say how it is distributed.", "Add DISTRIBUTED BY HASH (…) BUCKETS n.");
  if (keys.type === "PRIMARY") return { kind: "hash", columns: keys.columns };
  if (keys.type === "DUPLICATE") return { kind: "random", columns: [] };
  return refuse(
    "distribution-missing",
    `${keys.type} KEY tables have to say how they are distributed.`,
    "Add DISTRIBUTED BY HASH (key column).",
  );
}

export function checkMethod(kind: string, keys: Pick<Keys, "type">, columns: readonly Column[]): void {
  if (kind !== "random" || keys.type === "DUPLICATE") return;
  if (keys.type === "AGGREGATE" && !columns.some((column) => isReplace(column.aggregate))) return;
  refuse(
    "distribution-random",
    `A ${keys.type} KEY table${keys.type === "AGGREGATE" ? " with REPLACE" : ""} must be distributed by HASH.`,
    "Write DISTRIBUTED BY HASH (key column).",
  );
}

function checkColumn(name: string, keys: Keys, columns: readonly Column[]): void {
  const column = columnOf(columns, name);
  if (!column)
    refuse(
      "distribution-column-missing",
      `The table is distributed by ${name}, which is no column of it.`,
      "Distribute by columns of the table.",
    );
  if (!column.key && keys.type !== "DUPLICATE")
    refuse("distribution-key", `A ${keys.type} KEY table is distributed by key columns; ${name} is none.`, "Distribute by key columns.");
  if (!canBeKey(column.type))
    refuse(
      "distribution-type",
      `${typeText(column.type)} cannot distribute a table; ${name} does.`,
      "Distribute by an integer, text or date column.",
    );
}
