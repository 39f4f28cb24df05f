import type { EngineTarget } from "../../../core/finding.js";
import { refuse } from "./refusal.js";

/** Names that the engine takes. Table names are free; partitions and databases are the strict ones. */

export function checkTableName(name: string): void {
  if (name === "") refuse("name-empty", "The name is empty.", "Give the object a name.");
  if (name.length > 1024 || name.includes("\0"))
    refuse("name-length", `The name has ${name.length} characters; at most 1024 are allowed.`, "Shorten the name.");
}

export function checkDatabaseName(name: string): void {
  if (!/^(?:[a-zA-Z][\w\-~!@#$%^&<>=+]{0,255}|_[a-zA-Z0-9][\w\-~!@#$%^&<>=+]{0,254})$/.test(name))
    refuse(
      "database-name",
      `${JSON.stringify(name)} cannot name a database.`,
      "Use ASCII letters, digits, _ and -, a letter first, at most 256.",
    );
}

export function checkPartitionName(name: string): void {
  if (!/^(?:[a-zA-Z]\w{0,63}|_[a-zA-Z0-9]\w{0,62})$/.test(name) || name.startsWith("placeholder_"))
    refuse(
      "partition-name",
      `${JSON.stringify(name)} cannot name a partition.`,
      "Use ASCII letters, digits and _, a letter first, at most 64.",
    );
}

const RESERVED = ["__op", "__row"];
const SHADOW = "__starrocks_shadow_";

/** Shared-nothing clusters refuse a few symbols that shared-data clusters take. */
export function checkColumnName(name: string, target: EngineTarget): void {
  const symbols = target.mode === "shared-nothing" ? /[\0=<>!*]/ : /\0/;
  if (name === "" || name.length > 1024 || symbols.test(name) || name.startsWith(SHADOW))
    refuse("column-name", `${JSON.stringify(name.slice(0, 80))} cannot name a column.`, "Use 1 to 1024 characters, none of = < > ! *.");
  if (RESERVED.includes(name.toLowerCase()))
    refuse("column-name-reserved", `The engine keeps the column name ${name} for itself.`, "Rename the column.");
}
