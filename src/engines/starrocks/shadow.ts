import { createHash } from "node:crypto";
import { DwError } from "../../core/errors.js";
import { isJsonObject, type Json, sameJson, stableJson } from "../../core/json.js";
import type { MysqlSession } from "../../core/session.js";
import { catalogOfDdl } from "./ddl-catalog.js";
import { starrocks } from "./dialect.js";
import { normalize } from "./normalize.js";

/*
 * What a rebuild knows of its two tables. Nothing locks writers out of a StarRocks table, but the engine counts: each load,
 * deletion or truncation gives a partition a new version, and a swap changes names only. So a version that was copied and is
 * still there proves that nothing came in between, on either side of the swap.
 */

const { sql, id, lit } = starrocks;

/** What a rebuild's statements tell their runners; texts are there where a step needs them. */
export interface Shadow {
  readonly database: string;
  readonly table: string;
  readonly shadow: string;
  readonly label: string;
  /** The statements that copy, compare, swap and make the shadow. */
  readonly copy: string;
  readonly compare: string;
  readonly swap: string;
  readonly create: string;
  /** A row that is copied twice is there once. */
  readonly upserts: boolean;
}

export function shadowOf(args: Json): Shadow | undefined {
  if (!isJsonObject(args)) return undefined;
  const text = (name: string): string => (typeof args[name] === "string" ? args[name] : "");
  const at = {
    ...{ database: text("database"), table: text("table"), shadow: text("shadow"), label: text("label") },
    ...{ copy: text("copy"), compare: text("compare"), swap: text("swap"), create: text("create"), upserts: args.upserts === true },
  };
  return [at.database, at.table, at.shadow, at.label].includes("") ? undefined : at;
}

/** Of each partition, by name. That of a table without partitions is called as its table, whichever name that has: here, nothing. */
export type Versions = ReadonlyMap<string, string>;

export const WHOLE = "";

/** Before its first load a partition has this one. */
const FIRST = "1";

/** Compactions of shared data make visible versions, too; where the engine tells versions of rows apart, those count. */
export async function versionsOf(session: MysqlSession, { database }: Shadow, table: string): Promise<Versions> {
  const rows = await session.query(sql`SHOW PARTITIONS FROM ${id(database, table)}`.text);
  const versions = new Map<string, string>();
  for (const row of rows) {
    const { PartitionName: name, PartitionId: own, DataVersion: rowVersion, VisibleVersion: visible } = row;
    if (name == null || name.startsWith("$")) continue;
    // A table of random buckets has several parts of one name.
    versions.set(name, [versions.get(name) ?? [], `${own}.${rowVersion ?? visible}`].flat().sort().join(" "));
  }
  const whole = versions.size === 1 ? versions.get(table) : undefined;
  return whole === undefined ? versions : new Map([[WHOLE, whole]]);
}

export const sameVersions = (a: Versions, b: Versions): boolean => digest(a) === digest(b);

function isEmpty(version: string): boolean {
  return version.split(" ").every((part) => part.endsWith(`.${FIRST}`));
}

function digest(versions: Versions): string {
  return hash(stableJson(Object.fromEntries(versions))).slice(0, 16);
}

function hash(text: string): string {
  return createHash("sha256").update(text, "utf8").digest("hex");
}

// ------------------------------------------------------------------------------------------------ labels

/** Copies are begun anew under labels of another generation. */
export interface Loads {
  readonly generation: number;
  /** States by label, of this generation and, without a state of their own, of none other. */
  readonly states: ReadonlyMap<string, string>;
}

const stem = ({ label }: Shadow, generation: number): string => `${label}_${generation}_`;

export function labelOf(at: Shadow, generation: number, partition: string, version: string): string {
  return `${partOf(at, generation, partition)}${hash(version).slice(0, 8)}`;
}

/** How all labels of one partition begin. */
export function partOf(at: Shadow, generation: number, partition: string): string {
  return `${stem(at, generation)}${hash(partition).slice(0, 12)}_`;
}

/** Loads of the newest generation that the engine remembers. */
export async function loadsOf(session: MysqlSession, at: Shadow): Promise<Loads> {
  const rows = await session.query(
    sql`SELECT LABEL AS label, STATE AS state FROM information_schema.loads WHERE DB_NAME = ${lit(at.database)} AND LABEL LIKE ${lit(`${at.label}%`)}`
      .text,
  );
  const own = rows.flatMap(({ label, state }) => {
    const [, generation] = label?.startsWith(`${at.label}_`) ? (/^_(\d+)_/.exec(label.slice(at.label.length)) ?? []) : [];
    return label != null && state != null && generation !== undefined ? [{ label, state, generation: Number(generation) }] : [];
  });
  const generation = Math.max(1, ...own.map((one) => one.generation));
  const states = new Map<string, string>();
  // A cancelled load may stand beside a later one with its label.
  for (const { label, state, generation: of } of own) {
    if (of === generation && !(state === "CANCELLED" && states.has(label))) states.set(label, state);
  }
  return { generation, states };
}

/** True when each partition is copied in the version that it has now. */
export function areCopied(at: Shadow, { generation, states }: Loads, versions: Versions): boolean {
  return [...versions].every(
    ([partition, version]) => isEmpty(version) || states.get(labelOf(at, generation, partition, version)) === "FINISHED",
  );
}

// ------------------------------------------------------------------------------------------------ the two tables

/** The definition that a table has now, as it compares with that of a statement. */
export async function definitionOf(session: MysqlSession, { database }: Shadow, table: string): Promise<Json | undefined> {
  const [row] = await session.query(sql`SHOW CREATE TABLE ${id(database, table)}`.text);
  return tableIn(row?.["Create Table"] ?? "", database);
}

export function tableIn(text: string, database: string): Json | undefined {
  const { objects } = catalogOfDdl({ text, source: database, warehouse: database, database });
  const table = objects.find(({ kind }) => kind === "table");
  return table && normalize(table).body;
}

/** True when the new table has the old one's name already. */
export async function isSwapped(session: MysqlSession, at: Shadow): Promise<boolean> {
  return sameJson(await definitionOf(session, at, at.table), tableIn(at.create, at.database));
}

export async function isThere(session: MysqlSession, at: Shadow): Promise<boolean> {
  return (await commentOf(session, at)) !== undefined;
}

// ------------------------------------------------------------------------------------------------ the note

/** What is written on the old table when it is set aside: both tables' versions at the swap. */
interface Note {
  readonly held: string;
  readonly live: string;
}

const NOTE = "dw: set aside by a rebuild until its hold is over";
/** What somebody writes there who has looked after the rows that came late. */
const SETTLED = "dw: settled";

export async function leaveNote(session: MysqlSession, { database, shadow }: Shadow, held: Versions, live: Versions): Promise<void> {
  const text = `${NOTE}; held ${digest(held)}, live ${digest(live)}`;
  await session.query(sql`ALTER TABLE ${id(database, shadow)} COMMENT = ${lit(text)}`.text);
}

export type Left = Note | "settled" | "nothing";

export async function noteOf(session: MysqlSession, at: Shadow): Promise<Left> {
  const comment = (await commentOf(session, at)) ?? "";
  if (comment === SETTLED) return "settled";
  const [, held, live] = comment.startsWith(NOTE) ? (/; held ([0-9a-f]+), live ([0-9a-f]+)$/.exec(comment) ?? []) : [];
  return held === undefined || live === undefined ? "nothing" : { held, live };
}

export const isNoted = (noted: string, versions: Versions): boolean => noted === digest(versions);

async function commentOf(session: MysqlSession, { database, shadow }: Shadow): Promise<string | undefined> {
  const [row] = await session.query(
    sql`SELECT TABLE_COMMENT AS comment FROM information_schema.tables WHERE TABLE_SCHEMA = ${lit(database)} AND TABLE_NAME = ${lit(shadow)}`
      .text,
  );
  return row && (row.comment ?? "");
}

// ------------------------------------------------------------------------------------------------ letters

export function neverQuiet({ database, table }: Shadow): DwError {
  return new DwError("DW-TARGET-MOVED", {
    what: `${database}.${table} is written to all the while, and cannot take its new form beside that.`,
    why: "Rows that come between the copy and the swap would stay in the old table. The table is as it was, with every row.",
    fix: "Stop the writers (pause routine loads, end streaming jobs), and run again.",
  });
}

export function bothWritten({ database, table, shadow }: Shadow): DwError {
  return new DwError("DW-TARGET-MOVED", {
    what: `Rows were written to both sides of the swap of ${database}.${table}: some are in ${shadow} only.`,
    why: "A load that had begun before the swap ended behind it. Which of two versions of a row is the newer one only its writers know.",
    fix: `Compare the two, write what is missing to ${table}, and say so with ALTER TABLE ${database}.${shadow} COMMENT = '${SETTLED}'; then run again.`,
  });
}

export function cameLate({ database, table, shadow }: Shadow): DwError {
  return new DwError("DW-TARGET-MOVED", {
    what: `Rows came to ${database}.${shadow}, the old ${table}, after it was set aside.`,
    why: `They are not in ${table}; dropping or leaving them would lose them silently.`,
    fix: `Write what is missing to ${table}, and say so with ALTER TABLE ${database}.${shadow} COMMENT = '${SETTLED}'; then run again.`,
  });
}

export function writtenSince({ database, table }: Shadow): DwError {
  return new DwError("DW-TARGET-MOVED", {
    what: `${database}.${table} has been written to since it was rebuilt.`,
    why: "The way back is the old table, which does not have those rows.",
    fix: "Change the models back and make a new migration: it rebuilds the table with all of its rows.",
  });
}
