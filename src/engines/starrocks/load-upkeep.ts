import { createHash } from "node:crypto";
import { tableCopies } from "../../connections/starrocks-copies.js";
import { DwError } from "../../core/errors.js";
import type { MysqlRow, MysqlSession } from "../../core/session.js";
import type { Upkeep, UpkeepPolicy, ValueRange } from "../../core/target.js";
import type { TableBody } from "./body.js";
import { quotedText, starrocks } from "./dialect.js";
import { isDynamic } from "./normalize.js";

/*
 * What StarRocks does to a table by the clock: partitions that are dropped while, or soon after, history arrives. A property is
 * paused by another value; what it was is recorded in dw_state first, so that a run that died is put right by the next one.
 */

const { sql, id, lit } = starrocks;
const UPKEEP = id("dw_state", "upkeep");
const LAYOUT = sql`${UPKEEP} (id VARCHAR(64) NOT NULL, target STRING NOT NULL, backfill STRING NOT NULL, property STRING NOT NULL, was STRING NOT NULL, what STRING NOT NULL)`;

interface Policy extends UpkeepPolicy {
  /** Its value while it is paused. */
  readonly paused: string;
  readonly was: string;
}

/** What cannot be computed here may drop any row. */
const ANY_ROW = String(2n ** 63n - 1n);

export interface UpkeepRequest {
  readonly db: MysqlSession;
  readonly name: readonly [database: string, table: string];
  readonly definition: () => Promise<TableBody>;
}

export function tableUpkeep({ db, name, definition }: UpkeepRequest): Upkeep {
  const target = name.join(".");
  const set = async (property: string, value: string): Promise<void> => {
    await db.query(`ALTER TABLE ${id(...name).text} SET (${quotedText(property)} = ${quotedText(value)})`);
    const now = (await definition()).properties[property];
    if (isSame(property, now, value)) return;
    throw stillPaused(target, property, value, now === undefined ? "nothing" : String(now));
  };
  return {
    policies: async () => policiesOf(await definition(), await clock(db)),
    pause: async (backfill, policies) => {
      await prepare(db);
      const live = policiesOf(await definition(), await clock(db));
      const known = await recorded(db, target);
      // Paused by another backfill into this table: both must have ended before it works again.
      for (const { property = "", was = "", what = "" } of known)
        await record(db, { target, backfill, property: property ?? "", was: was ?? "", what: what ?? "" });
      for (const policy of live.filter(({ id: property }) => policies.some((one) => one.id === property))) {
        await record(db, { target, backfill, property: policy.id, was: policy.was, what: policy.what });
        await set(policy.id, policy.paused);
      }
    },
    restore: async (backfill) => {
      if (!(await isPrepared(db))) return [];
      const all = await recorded(db, target);
      const restored: string[] = [];
      for (const row of all.filter((one) => one.backfill === backfill && one.property !== REFRESH)) {
        const others = all.some((one) => one.backfill !== backfill && one.property === row.property);
        if (!others) await set(row.property ?? "", row.was ?? "");
        await forget(db, target, backfill, row.property ?? "");
        if (!others) restored.push(row.what ?? "");
      }
      return restored;
    },
    oweRefresh: async (backfill) => {
      await prepare(db);
      await record(db, { target, backfill, property: REFRESH, was: "", what: "refresh of materialized views" });
    },
    owesRefresh: async (backfill) =>
      (await isPrepared(db)) && (await recorded(db, target)).some((row) => row.backfill === backfill && row.property === REFRESH),
    refresh: async (backfill, ranges) => {
      const names = ranges.length === 0 ? [] : await refreshed(db, name, ranges);
      await forget(db, target, backfill, REFRESH);
      return names;
    },
  };
}

/** A property that no table has: the row says that materialized views are to be refreshed. */
const REFRESH = "";

// ------------------------------------------------------------------------------------------------ policies

function policiesOf(body: TableBody, now: Date): Policy[] {
  const text = (name: string): string | undefined => (body.properties[name] === undefined ? undefined : String(body.properties[name]));
  const column = partitionColumn(body);
  const policies: Policy[] = [];
  const drops = (before: string): Pick<UpkeepPolicy, "drops"> => (column === undefined ? {} : { drops: { column, before } });
  if (isDynamic(body)) {
    const [start, unit] = [Number(text("dynamic_partition.start") ?? NEVER), (text("dynamic_partition.time_unit") ?? "DAY").toUpperCase()];
    const before = start <= NEVER ? undefined : microseconds(back(floor(now, unit), -start, unit));
    policies.push({
      ...{ id: "dynamic_partition.enable", was: "true", paused: "false" },
      what: before === undefined ? "dynamic partitions" : `dynamic partitions (${start} ${unit})`,
      ...(before !== undefined && drops(before)),
    });
  }
  const live = text("partition_live_number");
  if (live !== undefined && Number(live) > 0)
    policies.push({
      ...{ id: "partition_live_number", was: live, paused: "-1" },
      what: `partition_live_number (${live})`,
      ...drops(ANY_ROW),
    });
  const ttl = text("partition_ttl");
  const period = /^(\d+)\s*(HOUR|DAY|WEEK|MONTH|YEAR)S?$/i.exec(ttl ?? "");
  if (ttl !== undefined && ttl !== FOR_EVER)
    policies.push({
      ...{ id: "partition_ttl", was: ttl, paused: FOR_EVER, what: `partition_ttl (${ttl})` },
      ...drops(period ? microseconds(back(now, Number(period[1]), (period[2] ?? "").toUpperCase())) : ANY_ROW),
    });
  const condition = text("partition_retention_condition");
  if (condition !== undefined && condition !== "")
    policies.push({
      ...{ id: "partition_retention_condition", was: condition, paused: "" },
      what: `partition_retention_condition (${condition})`,
      ...drops(ANY_ROW),
    });
  return policies;
}

/** The least start, which drops nothing. */
const NEVER = -2147483648;
const FOR_EVER = "1000 YEAR";

function partitionColumn({ partition }: TableBody): string | undefined {
  if (partition === undefined) return undefined;
  if ("columns" in partition) return partition.columns[0];
  const [first] = partition.expressions;
  return first && ("column" in first ? first.column : "dateTrunc" in first ? first.dateTrunc : undefined);
}

/** By the engine's clock. */
async function clock(db: MysqlSession): Promise<Date> {
  const [row] = await db.query("SELECT CAST(utc_timestamp() AS VARCHAR) AS now");
  return new Date(`${(row?.now ?? "").slice(0, 19).replace(" ", "T")}Z`);
}

const MONTHS: Readonly<Record<string, number>> = { MONTH: 1, YEAR: 12 };
const HOURS: Readonly<Record<string, number>> = { HOUR: 1, DAY: 24, WEEK: 168 };

function back(from: Date, amount: number, unit: string): Date {
  const date = new Date(from);
  const months = MONTHS[unit];
  if (months !== undefined) date.setUTCMonth(date.getUTCMonth() - amount * months);
  else date.setUTCHours(date.getUTCHours() - amount * (HOURS[unit] ?? 24));
  return date;
}

function floor(at: Date, unit: string): Date {
  const [year, month, day, hour] = [at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate(), at.getUTCHours()];
  if (unit === "YEAR") return new Date(Date.UTC(year, 0));
  if (unit === "MONTH") return new Date(Date.UTC(year, month));
  return unit === "HOUR" ? new Date(Date.UTC(year, month, day, hour)) : new Date(Date.UTC(year, month, day));
}

const microseconds = (at: Date): string => String(BigInt(at.getTime()) * 1000n);

/** An unset property is not shown at all. */
function isSame(property: string, now: unknown, value: string): boolean {
  const isUnset = value === "" || (property === "partition_live_number" && value === "-1");
  return isUnset ? now === undefined || String(now) === value : String(now).toUpperCase() === value.toUpperCase();
}

// ------------------------------------------------------------------------------------------------ views

/** Manual views over the table, in the ranges only where they are partitioned; the others follow by themselves or by a schedule. */
async function refreshed(db: MysqlSession, [database, table]: readonly [string, string], ranges: readonly ValueRange[]): Promise<string[]> {
  const views = await db.query(sql`SHOW MATERIALIZED VIEWS FROM ${id(database)}`.text);
  const names: string[] = [];
  for (const { name, refresh_type: kind, text, is_active: active } of views) {
    if (name == null || kind !== "MANUAL" || active !== "true" || !mentions(text ?? "", table)) continue;
    const isPartitioned = /\bPARTITION BY\b/i.test(text ?? "");
    for (const range of isPartitioned ? ranges : [undefined]) {
      const part = range ? ` PARTITION START (${quotedText(day(range.min))}) END (${quotedText(dayAfter(range.max))})` : "";
      await db.query(`REFRESH MATERIALIZED VIEW ${id(database, name).text}${part}`);
    }
    names.push(`${database}.${name}`);
  }
  return names;
}

/** Case aside: the front end may write names as they were first written. */
const mentions = (text: string, table: string): boolean => new RegExp(`(^|\\W)${table.replace(/\W/g, "\\$&")}(\\W|$)`, "i").test(text);

const DAY = 86_400_000;
const day = (micros: string): string => new Date(Number(BigInt(micros) / 1000n)).toISOString().slice(0, 10);
const dayAfter = (micros: string): string => new Date(Number(BigInt(micros) / 1000n) + DAY).toISOString().slice(0, 10);

// ------------------------------------------------------------------------------------------------ the record

async function prepare(db: MysqlSession): Promise<void> {
  await db.query("CREATE DATABASE IF NOT EXISTS dw_state");
  await db.query(
    `CREATE TABLE IF NOT EXISTS ${LAYOUT.text} PRIMARY KEY (id) DISTRIBUTED BY HASH (id) BUCKETS 1 PROPERTIES ("replication_num" = "${await tableCopies(db)}")`,
  );
}

async function isPrepared(db: MysqlSession): Promise<boolean> {
  const answer = await db.ask("SHOW TABLES FROM dw_state LIKE 'upkeep'");
  return answer.ok && answer.rows.length > 0;
}

function recorded(db: MysqlSession, target: string): Promise<readonly MysqlRow[]> {
  return db.query(sql`SELECT backfill, property, was, what FROM ${UPKEEP} WHERE target = ${lit(target)} ORDER BY property`.text);
}

interface Recorded {
  readonly target: string;
  readonly backfill: string;
  readonly property: string;
  readonly was: string;
  readonly what: string;
}

const keyOf = (target: string, backfill: string, property: string): string =>
  createHash("sha256")
    .update(JSON.stringify([target, backfill, property]), "utf8")
    .digest("hex");

/** What was recorded before stays: it is what the owner wrote. */
async function record(db: MysqlSession, { target, backfill, property, was, what }: Recorded): Promise<void> {
  const key = lit(keyOf(target, backfill, property));
  const [known] = await db.query(sql`SELECT was FROM ${UPKEEP} WHERE id = ${key}`.text);
  if (known !== undefined) return;
  const values = [target, backfill, property, was, what].map((value) => lit(value).text);
  await db.query(`INSERT INTO ${UPKEEP.text} VALUES (${key.text}, ${values.join(", ")})`);
}

async function forget(db: MysqlSession, target: string, backfill: string, property: string): Promise<void> {
  await db.query(sql`DELETE FROM ${UPKEEP} WHERE id = ${lit(keyOf(target, backfill, property))}`.text);
}

function stillPaused(target: string, property: string, wanted: string, found: string): DwError {
  return new DwError("DW-POLICY-PAUSED", {
    what: `The property ${property} of ${target} was to be ${JSON.stringify(wanted)} and is ${found}.`,
    why: "It was paused for a backfill; ALTER TABLE was accepted, and SHOW CREATE TABLE shows another value.",
    fix: `Set it by hand: ALTER TABLE ${target} SET (${quotedText(property)} = ${quotedText(wanted)}).`,
  });
}
