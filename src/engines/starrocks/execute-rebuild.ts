import { createHash, randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { refused } from "../../connections/mysql.js";
import { DwError } from "../../core/errors.js";
import { isJsonObject, type Json, sameJson } from "../../core/json.js";
import type { StatementBody } from "../../core/plan.js";
import type { MysqlAnswer, MysqlRow, MysqlSession } from "../../core/session.js";
import { catalogOfDdl } from "./ddl-catalog.js";
import { starrocks } from "./dialect.js";
import type { JobPatience } from "./jobs.js";
import { normalize } from "./normalize.js";

/*
 * The steps of a rebuild that the text of a statement alone cannot carry out. Each can be repeated: a shadow that exists is
 * looked at, a partition that was copied is known by the label of its load, and a comparison changes nothing.
 */

const { sql, id, lit } = starrocks;

interface Shadow {
  readonly database: string;
  readonly table: string;
  readonly shadow: string;
  readonly label: string;
  /** The statement that copies, for a comparison that has to begin anew. */
  readonly copy: string;
}

export type ShadowStep = (session: MysqlSession, statement: StatementBody, signal: AbortSignal, patience: JobPatience) => Promise<void>;

/** The runner of a statement that is a step of a rebuild; undefined for others. */
export function shadowStep({ wait }: StatementBody): ShadowStep | undefined {
  const step = wait === undefined ? undefined : STEPS[wait.job];
  const at = wait && shadowOf(wait.args);
  return step && at && ((...how) => step(at, ...how));
}

function shadowOf(args: Json): Shadow | undefined {
  if (!isJsonObject(args)) return undefined;
  const { database, table, shadow, label, copy: text = "" } = args;
  const isComplete = [database, table, shadow, label, text].every((value) => typeof value === "string");
  if (!isComplete) return undefined;
  return { database: String(database), table: String(table), shadow: String(shadow), label: String(label), copy: String(text) };
}

const STEPS: Readonly<Record<string, (at: Shadow, ...how: Parameters<ShadowStep>) => Promise<void>>> = {
  "starrocks-shadow": createShadow,
  "starrocks-copy": copy,
  "starrocks-compare": compare,
};

// ------------------------------------------------------------------------------------------------ create

type Refusal = Extract<MysqlAnswer, { ok: false }>;

const EXISTS: ReadonlySet<number> = new Set([1050, 1005]);

/** An interrupted run may have made it already: then it is the same table. Anything else of that name is not ours to use. */
async function createShadow({ database, shadow }: Shadow, session: MysqlSession, { text }: StatementBody): Promise<void> {
  const answer = await session.ask(text);
  if (answer.ok) return;
  if (!EXISTS.has(answer.code)) throw refused(text, answer);
  const [row] = await session.query(sql`SHOW CREATE TABLE ${id(database, shadow)}`.text);
  if (sameJson(tableIn(row?.["Create Table"] ?? "", database), tableIn(text, database))) return;
  throw new DwError("DW-TARGET-MOVED", {
    what: `${database}.${shadow} exists already, and is another table than the one that this step makes.`,
    why: "It may be the old table of an earlier rebuild that is still held, with its rows.",
    fix: "Let the earlier migration finish (its hold), or drop that table by hand when nobody needs it, and run again.",
  });
}

function tableIn(text: string, database: string): Json | undefined {
  const { objects } = catalogOfDdl({ text, source: database, warehouse: database, database });
  const table = objects.find(({ kind }) => kind === "table");
  return table && normalize(table).body;
}

// ------------------------------------------------------------------------------------------------ copy

/** Partition by partition, each a load with a label of its own, so that what was copied is known after a crash. */
async function copy(
  at: Shadow,
  session: MysqlSession,
  { text }: Pick<StatementBody, "text">,
  signal: AbortSignal,
  patience: JobPatience,
): Promise<void> {
  const { database, table, shadow, label } = at;
  const rows = await session.query(sql`SHOW PARTITIONS FROM ${id(database, table)}`.text);
  const partitions = rows.flatMap(({ PartitionName: name }) => (name == null || name.startsWith("$") ? [] : [name]));
  await session.query(sql`USE ${id(database)}`.text); // labels belong to the session's database
  await forgetStrangers(at, session, partitions);
  const single = partitions.length === 1 && partitions[0] === table;
  for (const [index, partition] of partitions.entries()) {
    signal.throwIfAborted();
    const load = labelOf(label, partition);
    const from = single ? "" : sql` PARTITION (${id(partition)})`.text;
    const own = text.replace(sql`WITH LABEL ${id(label)}`.text, () => sql`WITH LABEL ${id(load)}`.text);
    await loadOnce(session, database, load, `${own}${from}`, signal, patience);
    patience.say?.(`${table}: ${index + 1} of ${partitions.length} partitions copied to ${shadow}`);
  }
}

/** The engine forgets labels (label_keep_max_second). Rows that no known label brought could be brought twice: they go first. */
async function forgetStrangers({ database, shadow, label }: Shadow, session: MysqlSession, partitions: readonly string[]): Promise<void> {
  const [row] = await session.query(sql`SELECT count(*) AS n FROM ${id(database, shadow)}`.text);
  if (row?.n === "0") return;
  const states = await Promise.all(partitions.map((partition) => stateOf(session, database, labelOf(label, partition))));
  if (states.some((state) => state === "FINISHED")) return;
  await session.query(sql`TRUNCATE TABLE ${id(database, shadow)}`.text);
}

function labelOf(label: string, partition: string): string {
  return `${label}_${createHash("sha256").update(partition, "utf8").digest("hex").slice(0, 12)}`;
}

async function loadOnce(
  session: MysqlSession,
  database: string,
  label: string,
  text: string,
  signal: AbortSignal,
  patience: JobPatience,
): Promise<void> {
  const until = Date.now() + patience.limit;
  for (let { pause } = patience; ; pause = Math.min(pause * 1.5, patience.longest)) {
    const state = await stateOf(session, database, label);
    if (state === "FINISHED") return;
    if (state === undefined || state === "CANCELLED") {
      const answer = await session.ask(text);
      if (answer.ok) return;
      if (!isUsed(answer)) throw refused(text, answer);
    } else if (Date.now() >= until) throw stillLoading(label, state);
    await sleep(pause, undefined, { signal });
  }
}

const isUsed = ({ message }: Refusal): boolean => /label .* has already been used/i.test(message);

/** FINISHED, CANCELLED, or a state on the way; undefined for a label that the engine does not know (any more). */
async function stateOf(session: MysqlSession, database: string, label: string): Promise<string | undefined> {
  const rows = await session.query(
    sql`SELECT STATE AS state FROM information_schema.loads WHERE DB_NAME = ${lit(database)} AND LABEL = ${lit(label)}`.text,
  );
  const states = rows.flatMap(({ state }) => (state == null ? [] : [state]));
  return states.find((state) => state === "FINISHED") ?? states.find((state) => state !== "CANCELLED") ?? states[0];
}

function stillLoading(label: string, state: string): DwError {
  return new DwError("DW-TIMEOUT", {
    what: `The load ${label} of an interrupted run does not end: it is ${state}.`,
    why: "Its rows may still appear, so that they are not copied a second time.",
    fix: "Look at information_schema.loads, and run the command again when it has ended.",
  });
}

// ------------------------------------------------------------------------------------------------ compare

/**
 * The statement answers with a row where the two differ. Then the copy is older than the table (somebody wrote, or an earlier
 * run was interrupted and the table lived on), and it is made once more, under labels that nobody used.
 */
async function compare(
  at: Shadow,
  session: MysqlSession,
  { text }: StatementBody,
  signal: AbortSignal,
  patience: JobPatience,
): Promise<void> {
  const { database, table, shadow, copy: again } = at;
  const [first] = await session.query(text);
  if (!first) return;
  patience.say?.(`${table}: ${shadow} differs from it and is copied again`);
  await session.query(sql`TRUNCATE TABLE ${id(database, shadow)}`.text);
  const label = `${at.label}_${randomBytes(4).toString("hex")}`;
  const fresh = again.replace(sql`WITH LABEL ${id(at.label)}`.text, () => sql`WITH LABEL ${id(label)}`.text);
  await copy({ ...at, label }, session, { text: fresh }, signal, patience);
  const [second] = await session.query(text);
  if (second) throw differs(at, second);
}

function differs({ database, table, shadow }: Shadow, { old_rows: old, new_rows: now }: MysqlRow): DwError {
  return new DwError("DW-TARGET-MOVED", {
    what: `The copy of ${database}.${table} is not what was copied: ${old} rows there, ${now} in ${shadow}, or other values.`,
    why: "Somebody writes to the table while it is copied, or a value does not survive the change. Nothing was swapped.",
    fix: "Stop the writers, or correct what cannot be converted.",
  });
}
