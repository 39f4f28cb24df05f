import type { Statement } from "../parse/ast.js";
import { type Catalog, SYSTEM_DATABASES } from "./catalog.js";
import { refuse } from "./refusal.js";

type Drop = Extract<Statement, { statement: "drop-table" | "drop-view" | "drop-materialized-view" }>;

const WORDS: Readonly<Record<Drop["statement"], readonly [string, string]>> = {
  "drop-table": ["table", "DROP TABLE"],
  "drop-view": ["view", "DROP VIEW"],
  "drop-materialized-view": ["materialized-view", "DROP MATERIALIZED VIEW"],
};

export function drop(statement: Drop, catalog: Catalog): void {
  const place = catalog.resolve(statement.name);
  if (!place) return;
  const [kind] = WORDS[statement.statement];
  const force = statement.statement === "drop-table" && statement.force;
  const owner = kind === "materialized-view" ? catalog.ownerOf(place) : undefined;
  const table = owner && catalog.get(owner);
  if (owner && table?.kind === "table") {
    catalog.put(owner, { ...table, rollups: table.rollups.filter((rollup) => rollup.name !== place.name) });
    return;
  }
  if (kind === "table" && catalog.dropTemporary(place)) return;
  const thing = catalog.get(place);
  if (thing === undefined) {
    // What lies in the recycle bin may have been brought back by RECOVER, which a file of definitions does not show.
    const known = catalog.isMissing(place) && !(force && catalog.isRecyclable(place));
    if (known && !statement.ifExists)
      refuse("drop-missing", `${statement.name.join(".")} does not exist.`, "Write IF EXISTS, or leave the statement out.");
    return;
  }
  const actual = thing.kind === "opaque" ? kind : thing.kind;
  if (actual !== kind) {
    const right = Object.values(WORDS).find(([one]) => one === actual)?.[1] ?? "DROP TABLE";
    refuse("drop-kind", `${place.name} is a ${actual.replace("-", " ")}.`, `Write ${right} ${place.name}.`);
  }
  catalog.remove(place, kind === "table" && !force);
}

export function createDatabase({ name, ifNotExists }: Extract<Statement, { statement: "create-database" }>, catalog: Catalog): void {
  const database = name.at(-1) ?? "";
  if (catalog.hasDatabase(database)) {
    if (!ifNotExists) refuse("database-exists", `Database ${database} exists.`, "Write IF NOT EXISTS.");
    return;
  }
  catalog.createDatabase(database);
}

export function dropDatabase({ name, ifExists }: Extract<Statement, { statement: "drop-database" }>, catalog: Catalog): void {
  const database = name.at(-1) ?? "";
  if (SYSTEM_DATABASES.includes(database.toLowerCase()))
    refuse("database-system", `Database ${database} belongs to the engine.`, "Leave it alone.");
  if (catalog.wasDropped(database) && !ifExists)
    refuse("drop-missing", `Database ${database} does not exist any more.`, "Write IF EXISTS.");
  catalog.dropDatabase(database);
}
