import type { PgSession } from "../../core/session.js";
import type { TableBody, ViewBody } from "./body.js";
import { createIndex, tableStatement, viewStatement } from "./create.js";
import { id, lit } from "./dialect.js";
import { type LiveRelation, liveRows, RELATION } from "./live-catalog.js";

/*
 * PostgreSQL rewrites expressions and queries when it stores them, so a text of ours never equals the server's. A recorded
 * hash would prove only that somebody once ran our text. Instead the server itself judges: our text is made into a
 * temporary object, read back in the server's spelling, compared, and rolled back. This also works for objects that
 * somebody else made, and notices an edit by hand.
 */

const SCRATCH = "dw_scratch";

/** How the server would spell a view's query; undefined when it would refuse it. */
export function spelledQuery(session: PgSession, body: ViewBody): Promise<string | undefined> {
  return scratch(
    session,
    [`CREATE TEMPORARY${viewStatement([SCRATCH], body, false).replace(/^CREATE/, "")}`],
    (made) => made.definition ?? undefined,
  );
}

/** How the server would spell a table's defaults, generated columns, checks and index predicates. */
export function spelledTable(session: PgSession, body: TableBody): Promise<LiveRelation | undefined> {
  const { foreignKeys: _, primaryKey: __, ...rest } = body; // references to permanent tables are refused, a key's index has no expression
  const text = tableStatement([SCRATCH], { ...rest, foreignKeys: [] });
  const indexes = body.indexes
    .filter(({ where }) => where !== undefined)
    .map((index) => createIndex({ kind: "table", name: [SCRATCH] }, index).text);
  return scratch(session, [text.replace(/^CREATE TABLE/, "CREATE TEMPORARY TABLE"), ...indexes], (made) => made);
}

/** Runs inside the transaction of the introspection; a savepoint takes everything back. */
async function scratch<Result>(
  session: PgSession,
  statements: readonly string[],
  read: (made: LiveRelation) => Result,
): Promise<Result | undefined> {
  await session.query("SAVEPOINT dw_scratch");
  try {
    await session.query("SET LOCAL search_path = public");
    for (const statement of statements) await session.query(statement);
    await session.query("SET LOCAL search_path = pg_catalog");
    const [made] = await liveRows<LiveRelation>(
      session,
      `${RELATION} WHERE o.oid = to_regclass(${lit(`pg_temp.${id(SCRATCH).text}`).text})`,
    );
    return made && read(made);
  } catch {
    return undefined; // the server refuses our text, so whatever is there is something else
  } finally {
    await session.query("ROLLBACK TO SAVEPOINT dw_scratch");
  }
}
