import type { Property } from "../parse/cursor.js";
import { checkReplication, checkStorage } from "./property-values.js";
import { refuse } from "./refusal.js";
import type { Situation } from "./situation.js";

const KNOWN = [
  "replication_num",
  "storage_medium",
  "storage_cooldown_time",
  "storage_cooldown_ttl",
  "in_memory",
  "tablet_type",
  "version_info",
  "datacache.enable",
  "enable_async_write_back",
];

/** Properties behind one partition. */
export function checkPartitionProperties(properties: readonly Property[], situation: Situation): void {
  for (const { key, value } of properties) {
    if (!KNOWN.includes(key)) refuse("property-unknown", `A partition has no property ${key}.`, `Use one of ${KNOWN.join(", ")}.`);
    if (key === "replication_num") checkReplication(value, situation);
  }
  checkStorage(Object.fromEntries(properties.map(({ key, value }) => [key, value])), situation);
}
