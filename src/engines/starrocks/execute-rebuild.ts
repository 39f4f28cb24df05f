import { setTimeout as sleep } from "node:timers/promises";
import { refused } from "../../connections/mysql.js";
import { DwError } from "../../core/errors.js";
import { sameJson } from "../../core/json.js";
import type { StatementBody } from "../../core/plan.js";
import type { MysqlAnswer, MysqlRow, MysqlSession } from "../../core/session.js";
import { starrocks } from "./dialect.js";
import type { JobPatience } from "./jobs.js";
import {
  areCopied,
  bothWritten,
  cameLate,
  definitionOf,
  isNoted,
  isSwapped,
  isThere,
  type Loads,
  labelOf,
  leaveNote,
  loadsOf,
  neverQuiet,
  noteOf,
  partOf,
  type Shadow,
  sameVersions,
  shadowOf,
  tableIn,
  type Versions,
  versionsOf,
  WHOLE,
  writtenSince,
} from "./shadow.js";

/*
 * The steps of a rebuild that the text of a statement alone cannot carry out. Each can be repeated: a shadow that exists is
 * looked at, a partition that was copied is known by the label of its load, which says in which version, a comparison changes
 * nothing, and a swap is looked at before and after.
 */

const { sql, id } = starrocks;

export type ShadowStep = (session: MysqlSession, statement: StatementBody, signal: AbortSignal, patience: JobPatience) => Promise<void>;

/** The runner of a statement that is a step of a rebuild; undefined for others. */
export function shadowStep({ wait }: StatementBody): ShadowStep | undefined {
  const step = wait === undefined ? undefined : STEPS[wait.job];
  const at = wait && shadowOf(wait.args);
  return step && at && ((session, statement, signal, patience) => step({ at, session, text: statement.text, signal, patience }));
}

interface Work {
  readonly at: Shadow;
  readonly session: MysqlSession;
  readonly text: string;
  readonly signal: AbortSignal;
  readonly patience: JobPatience;
}

const STEPS: Readonly<Record<string, (work: Work) => Promise<void>>> = {
  "starrocks-shadow": createShadow,
  "starrocks-copy": async (work) => copy({ ...work, at: { ...work.at, copy: work.text } }),
  "starrocks-compare": async (work) => compare({ ...work, at: { ...work.at, compare: work.text } }),
  "starrocks-swap": swap,
  "starrocks-held": settle,
  "starrocks-swap-back": swapBack,
  "starrocks-drop-held": dropHeld,
};

// ------------------------------------------------------------------------------------------------ create

type Refusal = Extract<MysqlAnswer, { ok: false }>;

const EXISTS: ReadonlySet<number> = new Set([1050, 1005]);

/** An interrupted run may have made it already: then it is the same table. Anything else of that name is not ours to use. */
async function createShadow({ at, session, text }: Work): Promise<void> {
  const { database, shadow } = at;
  const answer = await session.ask(text);
  if (answer.ok) return;
  if (!EXISTS.has(answer.code)) throw refused(text, answer);
  if (sameJson(await definitionOf(session, at, shadow), tableIn(text, database))) return;
  throw new DwError("DW-TARGET-MOVED", {
    what: `${database}.${shadow} exists already, and is another table than the one that this step makes.`,
    why: "It may be the old table of an earlier rebuild that is still held, with its rows.",
    fix: "Let the earlier migration finish (its hold), or drop that table by hand when nobody needs it, and run again.",
  });
}

// ------------------------------------------------------------------------------------------------ copy

/** Partition by partition, each a load whose label says in which version, so that what was copied is known after a crash. */
async function copy(work: Work): Promise<void> {
  const { at, session } = work;
  const versions = await versionsOf(session, at, at.table);
  await session.query(sql`USE ${id(at.database)}`.text); // labels belong to the session's database
  const loads = await loadsOf(session, at);
  if (!(await isSound(at, session, loads, versions))) return copyAnew(work);
  await copyPartitions(work, loads, versions);
}

/**
 * Whether what the shadow holds can stay. Rows that no known label brought could be brought twice (the engine forgets labels), and
 * so could those of a partition that was written to since, unless rows of one key replace each other.
 */
async function isSound(at: Shadow, session: MysqlSession, { generation, states }: Loads, versions: Versions): Promise<boolean> {
  const [row] = await session.query(sql`SELECT count(*) AS n FROM ${id(at.database, at.shadow)}`.text);
  if (row?.n === "0") return true;
  const finished = [...states].flatMap(([label, state]) => (state === "FINISHED" ? [label] : []));
  if (finished.length === 0) return false;
  const current = new Set([...versions].map(([partition, version]) => labelOf(at, generation, partition, version)));
  const known = [...versions.keys()].map((partition) => partOf(at, generation, partition));
  const isOld = (label: string): boolean => !current.has(label);
  const isGone = (label: string): boolean => !known.some((part) => label.startsWith(part));
  return !finished.some((label) => (at.upserts ? isGone(label) : isOld(label)));
}

async function copyAnew(work: Work): Promise<void> {
  const { at, session, patience } = work;
  const { generation } = await loadsOf(session, at);
  patience.say?.(`${at.table}: ${at.shadow} is older than it and is copied again`);
  await session.query(sql`TRUNCATE TABLE ${id(at.database, at.shadow)}`.text);
  await copyPartitions(work, { generation: generation + 1, states: new Map() }, await versionsOf(session, at, at.table));
}

async function copyPartitions({ at, session, signal, patience }: Work, { generation, states }: Loads, versions: Versions): Promise<void> {
  const { table, shadow, label, copy: text } = at;
  let done = 0;
  for (const [partition, version] of versions) {
    signal.throwIfAborted();
    const load = labelOf(at, generation, partition, version);
    const from = partition === WHOLE ? "" : sql` PARTITION (${id(partition)})`.text;
    const own = text.replace(sql`WITH LABEL ${id(label)}`.text, () => sql`WITH LABEL ${id(load)}`.text);
    await loadOnce(session, at, load, states.get(load), `${own}${from}`, signal, patience);
    patience.say?.(`${table}: ${++done} of ${versions.size} partitions copied to ${shadow}`);
  }
}

async function loadOnce(
  session: MysqlSession,
  at: Shadow,
  label: string,
  known: string | undefined,
  text: string,
  signal: AbortSignal,
  patience: JobPatience,
): Promise<void> {
  const until = Date.now() + patience.limit;
  let state = known;
  for (let { pause } = patience; ; pause = Math.min(pause * 1.5, patience.longest)) {
    if (state === "FINISHED") return;
    if (state === undefined || state === "CANCELLED") {
      const answer = await session.ask(text);
      if (answer.ok) return;
      if (!isUsed(answer)) throw refused(text, answer);
    } else if (Date.now() >= until) throw stillLoading(label, state);
    await sleep(pause, undefined, { signal });
    state = (await loadsOf(session, at)).states.get(label);
  }
}

const isUsed = ({ message }: Refusal): boolean => /label .* has already been used/i.test(message);

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
async function compare(work: Work): Promise<void> {
  const { at, session } = work;
  const [first] = await session.query(at.compare);
  if (!first) return;
  await session.query(sql`USE ${id(at.database)}`.text);
  await copyAnew(work);
  const [second] = await session.query(at.compare);
  if (second) throw differs(at, second);
}

function differs({ database, table, shadow }: Shadow, { old_rows: old, new_rows: now }: MysqlRow): DwError {
  return new DwError("DW-TARGET-MOVED", {
    what: `The copy of ${database}.${table} is not what was copied: ${old} rows there, ${now} in ${shadow}, or other values.`,
    why: "Somebody writes to the table while it is copied, or a value does not survive the change. Nothing was swapped.",
    fix: "Stop the writers, or correct what cannot be converted.",
  });
}

// ------------------------------------------------------------------------------------------------ swap

const ATTEMPTS = 3;

/**
 * Swaps when the shadow is proved to hold what the table holds, and looks afterwards whether anything came in between: then the
 * two are swapped back, what came is copied, and it is tried again. Nobody can be locked out, but nothing is lost unseen.
 */
async function swap(work: Work): Promise<void> {
  const { at, session, text } = work;
  if (await isSwapped(session, at)) return settle(work);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const copied = await caughtUp(work, attempt > 1);
    const filled = await versionsOf(session, at, at.shadow);
    await session.query(text);
    const held = await versionsOf(session, at, at.shadow);
    if (sameVersions(held, copied)) return leaveNote(session, at, held, filled);
    if (!sameVersions(await versionsOf(session, at, at.table), filled)) throw bothWritten(at);
    await session.query(text);
    if (!sameVersions(await versionsOf(session, at, at.shadow), filled)) throw bothWritten(at);
    work.patience.say?.(`${at.table}: rows came while it was swapped; they are copied too`);
  }
  throw neverQuiet(at);
}

/** Versions of the table that the shadow is equal to. */
async function caughtUp(work: Work, moved: boolean): Promise<Versions> {
  const { at, session } = work;
  const versions = await versionsOf(session, at, at.table);
  if (!moved && areCopied(at, await loadsOf(session, at), versions)) return versions;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await versionsOf(session, at, at.table);
    await copy(work);
    await compare(work);
    if (sameVersions(before, await versionsOf(session, at, at.table))) return before;
  }
  throw neverQuiet(at);
}

/** After the swap: a load that had begun before it may have ended behind it, and a run may have died before it looked. */
async function settle({ at, session }: Work): Promise<void> {
  if (!(await isThere(session, at))) return; // somebody has decided, and dropped it
  const note = await noteOf(session, at);
  if (note === "settled") return;
  const held = await versionsOf(session, at, at.shadow);
  if (note !== "nothing") {
    if (isNoted(note.held, held)) return;
    throw cameLate(at);
  }
  const isCopied = areCopied(at, await loadsOf(session, at), held) || (await areEqual(session, at));
  if (!isCopied) throw cameLate(at);
  await leaveNote(session, at, held, await versionsOf(session, at, at.table));
}

/** As `compare`, with the names that the two have after the swap. */
async function areEqual(session: MysqlSession, { database, table, shadow, compare: text }: Shadow): Promise<boolean> {
  const [old, now] = [id(database, table).text, id(database, shadow).text];
  const swapped = text
    .split(now)
    .map((part) => part.replaceAll(old, () => now))
    .join(old);
  return (await session.query(swapped)).length === 0;
}

/** The way back is the old table: only while the new one has nothing that the old one lacks. */
async function swapBack({ at, session, text }: Work): Promise<void> {
  if (text !== at.swap) {
    await session.query(text);
    return;
  }
  if (!(await isSwapped(session, at))) return;
  const note = await noteOf(session, at);
  const live = await versionsOf(session, at, at.table);
  const isUntouched = typeof note === "string" ? await areEqual(session, at) : isNoted(note.live, live);
  if (!isUntouched) throw writtenSince(at);
  await session.query(text);
}

/** The last look: rows that came to what is dropped now are nowhere else. */
async function dropHeld({ at, session, text }: Work): Promise<void> {
  if (await isThere(session, at)) {
    const note = await noteOf(session, at);
    const isSafe = note === "settled" || (note !== "nothing" && isNoted(note.held, await versionsOf(session, at, at.shadow)));
    if (!isSafe) throw cameLate(at);
  }
  await session.query(text);
}
