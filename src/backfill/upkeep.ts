import { DwError } from "../core/errors.js";
import { compareValues } from "../core/fingerprint.js";
import type { LoadedChunk, UpkeepPolicy, ValueRange } from "../core/target.js";
import type { LogicalType } from "../core/types.js";
import { duckdbCanonical } from "../engines/duckdb/canonical.js";
import { mappedSelect } from "./mapping.js";
import type { PreparedBackfill } from "./prepare.js";
import type { Reader } from "./run.js";

/*
 * Policies in the way of history: found before the first row, paused only with the owner's word, running again afterwards.
 */

/**
 * What is to be paused. Throws DW-POLICY-IN-THE-WAY when a policy would delete rows that the source has, and nobody has said
 * that it may be paused.
 */
export async function policiesToPause(
  prepared: PreparedBackfill,
  allowed: boolean,
  connect: () => Promise<Reader>,
): Promise<readonly UpkeepPolicy[]> {
  const policies = (await prepared.target.upkeep?.policies()) ?? [];
  if (allowed) return policies;
  for (const policy of policies) {
    const oldest = policy.drops && (await oldestDropped(prepared, policy.drops, connect));
    if (oldest !== undefined) throw inTheWay(prepared, policy, oldest);
  }
  return [];
}

const DAY = 86_400_000_000n;

/** Canonical dates count days; everything else of time counts microseconds, or is an integer by itself. */
const place = (type: LogicalType, value: string): string =>
  type.kind === "date" && /^-?\d+$/.test(value) ? String(BigInt(value) * DAY) : value;

const isEarlier = (a: string, b: string): boolean => compareValues({ kind: "int", bits: 64 }, a, b) < 0;

/** The oldest row's time, where the policy would drop it. */
async function oldestDropped(
  prepared: PreparedBackfill,
  { column, before }: NonNullable<UpkeepPolicy["drops"]>,
  connect: () => Promise<Reader>,
): Promise<string | undefined> {
  const found = prepared.mapping.columns.find(({ name }) => name === column);
  if (found === undefined || before === null) return undefined;
  const oldest = await oldestValue(prepared, found.name, connect);
  return oldest !== undefined && isEarlier(oldest, before) ? oldest : undefined;
}

async function oldestValue(prepared: PreparedBackfill, name: string, connect: () => Promise<Reader>): Promise<string | undefined> {
  const column = prepared.mapping.columns.filter((candidate) => candidate.name === name);
  const [type] = column.map((candidate) => candidate.type);
  const bounds = type && duckdbCanonical.bounds(type, duckdbCanonical.ident(name));
  if (type === undefined || bounds === undefined) return undefined;
  const db = await connect();
  try {
    let oldest: string | undefined;
    for (const chunk of prepared.plan.chunks) {
      const open = await prepared.plan.open(chunk, db);
      try {
        const select = mappedSelect({ ...prepared.mapping, columns: column }, open.sql);
        const [row] = await db.rows<{ oldest: string | null }>(`SELECT ${bounds.min} AS oldest FROM (${select}) AS mapped`);
        const value = row?.oldest ?? undefined;
        if (value !== undefined && (oldest === undefined || isEarlier(place(type, value), oldest))) oldest = place(type, value);
      } finally {
        await open.close();
      }
    }
    return oldest;
  } finally {
    await db.close();
  }
}

function inTheWay({ name, target }: PreparedBackfill, { what }: UpkeepPolicy, oldest: string): DwError {
  const at = /^-?\d+$/.test(oldest) ? new Date(Number(BigInt(oldest) / 1000n)).toISOString() : oldest;
  return new DwError("DW-POLICY-IN-THE-WAY", {
    what: `${target.title} has a policy, ${what}, that would delete what backfill ${name} brings: its oldest row is of ${at}.`,
    why: "The rows would vanish while they are loaded, or soon after; nothing was loaded.",
    fix: 'Widen the retention in the model and migrate; leave the old rows out (--since); or, to load them for as long as the run takes, state policies: "pause" in the backfill.',
  });
}

/** Ranges of the time column that chunks have touched, overlapping ones as one. */
export function touchedRanges(
  { columns }: PreparedBackfill,
  time: string | undefined,
  chunks: readonly LoadedChunk[],
): readonly ValueRange[] {
  const column = columns.find(({ name }) => name === time);
  if (column === undefined) return [];
  const ranges = chunks.flatMap(({ fingerprint }) => {
    const found = fingerprint.columns.find(({ name }) => name === column.name);
    return found?.min == null || found.max == null ? [] : [{ min: place(column.type, found.min), max: place(column.type, found.max) }];
  });
  const merged: ValueRange[] = [];
  for (const range of ranges.sort((a, b) => (isEarlier(a.min, b.min) ? -1 : 1))) {
    const last = merged.at(-1);
    if (last === undefined || isEarlier(last.max, range.min)) merged.push(range);
    else merged[merged.length - 1] = { min: last.min, max: isEarlier(last.max, range.max) ? range.max : last.max };
  }
  return merged;
}
