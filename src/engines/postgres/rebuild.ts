import { displayName } from "../../core/catalog.js";
import type { StatementBody } from "../../core/plan.js";
import type { PostgresObject, TableBody } from "./body.js";
import { columnList, dropText } from "./create.js";
import { derivedName, id, sql } from "./dialect.js";
import type { Making } from "./generate.js";
import { harmless, hazard, statement } from "./statements.js";

type TableObject = Extract<PostgresObject, { kind: "table" }>;

/**
 * A table that cannot be altered: the old one steps aside, the new one is made and filled from the columns that both
 * have, the old one goes. All in the migration's transaction, so that nobody sees a half.
 * Names of indexes and constraints are unique in a schema, so the old table moves to a schema of its own meanwhile.
 */
export function rebuildTable(from: PostgresObject, to: TableObject, why: string, making: Making): StatementBody[] {
  if (from.kind !== "table") throw new Error(`${from.id} is not a table.`);
  const aside = derivedName(from.name, "dw_rebuild");
  const old = { ...from, name: [aside, from.name.at(-1) ?? ""] };
  const shared = copied(from.body, to.body);
  const [create, ...rest] = harmless(making.create(to));
  const where = displayName(to.name);
  return [
    statement(sql`CREATE SCHEMA ${id(aside)}`, {
      hazards: [
        hazard("rewrites-table", `${why} Every row of ${where} is copied.`),
        hazard("blocks-writes", `Nobody writes to ${where} until the copy has ended.`),
      ],
    }),
    statement(sql`ALTER TABLE ${id(...from.name)} SET SCHEMA ${id(aside)}`),
    ...(create ? [create] : []),
    ...rest,
    statement(sql`INSERT INTO ${id(...to.name)} (${columnList(shared)})\nSELECT ${columnList(shared)}\nFROM ${id(...old.name)}`),
    statement(dropText(old)),
    statement(sql`DROP SCHEMA ${id(aside)}`),
  ];
}

function copied(from: TableBody, to: TableBody): string[] {
  const before = new Set(from.columns.map(({ name }) => name));
  return to.columns.filter(({ name, generated }) => before.has(name) && generated === undefined).map(({ name }) => name);
}
