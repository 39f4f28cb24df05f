import type { CatalogObject, ObjectId } from "../../core/catalog.js";
import { beginSession, judgeStatements } from "./judge/judge.js";
import { typeText, unknownType } from "./judge/sql-type.js";
import { foldType } from "./types.js";

/** Any version gives the same types to a query. */
const TARGET = { engine: "starrocks", version: "4.0", mode: "shared-nothing", backends: 3 } as const;

/** Types of the columns of a file's views, as far as its own tables tell. `database`: where names without one are. */
export function viewColumnTypes(text: string, objects: readonly CatalogObject[], database: string): Map<ObjectId, Map<string, string>> {
  const session = beginSession(TARGET);
  judgeStatements(text, session);
  const { catalog } = session;
  const types = new Map<ObjectId, Map<string, string>>();
  for (const {
    id,
    name: [own = "", name = ""],
  } of objects) {
    const thing = catalog.get({ database: own, name }) ?? (own === database ? catalog.get({ database: "default", name }) : undefined);
    if (thing?.kind !== "view" && thing?.kind !== "materialized-view") continue;
    const known = (thing.columns ?? []).filter(({ type }) => type !== unknownType && type.name !== unknownType.name);
    types.set(id, new Map(known.map((column) => [column.name, foldType(typeText(column.type))])));
  }
  return types;
}
