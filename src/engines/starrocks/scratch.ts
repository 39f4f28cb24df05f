import { createHash } from "node:crypto";
import type { MysqlSession } from "../../core/session.js";
import { type MaterializedViewBody, sqlText, type ViewBody } from "./body.js";
import { createMaterializedView, createView } from "./create.js";
import { materializedViewBody, viewBody } from "./definition.js";
import { starrocks } from "./dialect.js";
import { readShown } from "./shown.js";

/*
 * StarRocks rewrites a query when it stores it, so our text never equals the live one. The engine itself judges: our query
 * is made into a scratch view beside the live one, read back and dropped. A materialized view's scratch is never refreshed.
 */

const { sql, id } = starrocks;

type Name = readonly [database: string, name: string];

/** How the engine would spell a view's query; undefined when it refuses it (or us: CREATE VIEW is needed). */
export async function spelledView(session: MysqlSession, [database, name]: Name, body: ViewBody): Promise<string | undefined> {
  const scratch: Name = [database, scratchName(name, body)];
  const made = await session.ask(createView(scratch, { ...body, comment: "" }, true).text);
  if (!made.ok) return undefined;
  try {
    const shown = await shownText(session, "VIEW", scratch);
    const statement = shown?.statement.statement === "create-view" ? shown.statement : undefined;
    return statement && shown ? sqlText(viewBody(statement, database, shown.text).query.starrocks) : undefined;
  } finally {
    await session.ask(sql`DROP VIEW IF EXISTS ${id(...scratch)}`.text);
  }
}

/** The same for a materialized view: it keeps less of a query's qualification than a view does. */
export async function spelledMaterializedView(
  session: MysqlSession,
  [database, name]: Name,
  body: MaterializedViewBody,
): Promise<string | undefined> {
  const scratch: Name = [database, scratchName(name, body)];
  const { distribution: _, ...rest } = body;
  const replication = body.properties.replication_num;
  const cheap: MaterializedViewBody = {
    ...rest,
    comment: "",
    partition: [],
    orderBy: [],
    refresh: { mode: "manual", moment: "deferred" },
    properties: replication === undefined ? {} : { replication_num: replication },
  };
  const drop = sql`DROP MATERIALIZED VIEW IF EXISTS ${id(...scratch)}`.text;
  await session.ask(drop); // a crash may have left it
  const made = await session.ask(createMaterializedView(scratch, cheap).text);
  if (!made.ok) return undefined;
  try {
    const shown = await shownText(session, "MATERIALIZED VIEW", scratch);
    const statement = shown?.statement.statement === "create-materialized-view" ? shown.statement : undefined;
    return statement && shown ? sqlText(materializedViewBody(statement, database, shown.text).query.starrocks) : undefined;
  } finally {
    await session.ask(drop);
  }
}

function scratchName(name: string, body: ViewBody): string {
  const digest = createHash("sha256")
    .update(`${name}\0${sqlText(body.query.starrocks)}\0${process.pid}`, "utf8")
    .digest("hex");
  return `dw_scratch_${digest.slice(0, 16)}`;
}

async function shownText(session: MysqlSession, word: "VIEW" | "MATERIALIZED VIEW", name: Name) {
  const answer = await session.ask(`SHOW CREATE ${word} ${id(...name).text}`);
  const [row] = answer.ok ? answer.rows : [];
  return readShown(Object.entries(row ?? {}).find(([column]) => column.startsWith("Create "))?.[1] ?? "");
}
