import { sendNotice } from "../../connections/notify.js";
import type { Outcome } from "../../core/check.js";
import type { AlertRoute, Alerts } from "../../core/config.js";
import { parseDuration } from "../../core/duration.js";
import { DwError, isDwError } from "../../core/errors.js";
import { isJsonObject, type Json } from "../../core/json.js";
import type { Lease, StateStore } from "../../core/state.js";
import { type AlertLine, alertText } from "../../present/outcomes/alert.js";
import { globMatcher } from "../glob.js";
import type { Project } from "../project.js";
import { lockOwner } from "../state.js";
import type { CheckReport } from "./check.js";
import type { CheckOutcome } from "./run.js";

/*
 * Who is told of a run, and of what. A check that does not pass is told to each of its channels once, and again after
 * `repeat`; when it passes, those that were told are told that, too. A channel that is dead is told by the next run.
 */

export interface AlertResult {
  readonly channel: string;
  readonly lines: number;
  readonly sent: boolean;
  readonly error: { readonly code: string; readonly what: string; readonly why: string } | null;
}

/** What is remembered of a check that did not pass. */
interface Open {
  readonly since: string;
  readonly outcome: Outcome;
  /** Milliseconds since the epoch, by channel. */
  readonly told: Readonly<Record<string, number>>;
}

const REPEAT = "24h";
const SCOPE = "check-alerts";

/** Channels are silent for ten seconds at most; several runs may stand in line. */
const TURN_MS = 60_000;

/**
 * Tells the channels of `alerts` what is news to them. Never throws for a channel: what could not be sent is in the result.
 * Runs at once take turns, so that each hears what the one before it told. Who gets no turn tells all the same: twice is
 * better than never. Throws what the state store throws.
 */
export async function sendAlerts(
  project: Project,
  state: StateStore,
  report: CheckReport,
  { turnMs = TURN_MS }: { readonly turnMs?: number } = {},
): Promise<AlertResult[]> {
  const alerts = configuredAlerts(project);
  const turn = await ourTurn(project, state, turnMs);
  try {
    return await tellNews(project, alerts, state, report);
  } finally {
    await turn?.release();
  }
}

/** DW-USAGE where there is nobody to tell. */
export function configuredAlerts({ config }: Pick<Project, "config">): Alerts {
  if (config.alerts !== undefined) return config.alerts;
  throw new DwError("DW-USAGE", {
    what: "--alert was given, and there is nobody to tell.",
    why: "dw.config.ts has no `alerts`.",
    fix: "Add `alerts: { channels: { … }, routes: [{ to: [ … ] }] }`.",
  });
}

async function ourTurn(project: Project, state: StateStore, turnMs: number): Promise<Lease | undefined> {
  try {
    return await state.lock(SCOPE, lockOwner(project), turnMs);
  } catch (error) {
    if (isDwError(error) && error.code === "DW-LOCKED") return undefined;
    throw error;
  }
}

async function tellNews(project: Project, alerts: Alerts, state: StateStore, report: CheckReport): Promise<AlertResult[]> {
  const now = Date.parse(report.at);
  const memory = await remembered(state, report.outcomes);
  const lines = report.outcomes.flatMap((outcome) => news(outcome, alerts, memory.get(nameOf(outcome)), now));
  const results = await Promise.all(
    [...new Set(lines.map(({ channel }) => channel))].sort().map((channel) => tell(project, alerts, channel, lines, report)),
  );
  const dead = new Set(results.filter(({ sent }) => !sent).map(({ channel }) => channel));
  await remember(state, report.outcomes, lines, memory, dead, now);
  return results;
}

function nameOf({ warehouse, model, slot, check }: CheckOutcome): string {
  return `${warehouse}.${model}@${slot}\n${check}`;
}

interface Line extends AlertLine {
  readonly channel: string;
  readonly name: string;
}

/** What one outcome is to each of its channels: news, a reminder, an end, or nothing. */
function news(outcome: CheckOutcome, alerts: Alerts, open: Open | undefined, now: number): Line[] {
  const name = nameOf(outcome);
  const since = open?.since ?? new Date(now).toISOString();
  const line = (channel: string, is: AlertLine["is"]): Line => {
    const { warehouse, model, slot, check, message, owner } = outcome;
    return { channel, name, is, warehouse, model, slot, check, outcome: outcome.outcome, message, owner, since };
  };
  if (outcome.suppressed) return [];
  if (outcome.outcome === "pass") return Object.keys(open?.told ?? {}).map((channel) => line(channel, "recovered"));
  const repeat = parseDuration(alerts.repeat ?? REPEAT);
  return channelsOf(outcome, alerts).flatMap((channel) => {
    const told = open?.told[channel];
    if (told === undefined || open?.outcome !== outcome.outcome) return [line(channel, "new")];
    return now - told >= repeat ? [line(channel, "still")] : [];
  });
}

/** Those of the first route that fits. Warnings go only where a route asks for them. */
function channelsOf(outcome: CheckOutcome, { routes }: Alerts): readonly string[] {
  return routes.find((route) => fits(route, outcome))?.to ?? [];
}

function fits({ owner, tag, layer, warnings = false }: AlertRoute, outcome: CheckOutcome): boolean {
  if (outcome.outcome === "warn" && !warnings) return false;
  const isOwner = owner === undefined || (outcome.owner !== null && globMatcher(owner)(outcome.owner));
  return isOwner && (tag === undefined || outcome.tags.includes(tag)) && (layer === undefined || outcome.layer === layer);
}

async function tell(project: Project, alerts: Alerts, name: string, all: readonly Line[], report: CheckReport): Promise<AlertResult> {
  const channel = alerts.channels[name];
  const lines = all.filter((line) => line.channel === name);
  if (channel === undefined) throw new Error(`no channel ${name}: the configuration is checked for it`);
  const own = lines.map(({ channel: _, name: __, ...line }) => line);
  const json = { environment: report.environment, run: report.run, at: report.at, checks: own };
  try {
    await sendNotice(name, channel, { ...alertText(own, report.environment), json }, project);
    return { channel: name, lines: lines.length, sent: true, error: null };
  } catch (error) {
    if (!isDwError(error)) throw error;
    return { channel: name, lines: lines.length, sent: false, error: { code: error.code, what: error.what, why: error.why } };
  }
}

/** By table, so that a run of many checks asks for few values. */
function tableOf({ warehouse, model, slot }: CheckOutcome): string {
  return `${warehouse}.${model}@${slot}`;
}

async function remembered(state: StateStore, outcomes: readonly CheckOutcome[]): Promise<Map<string, Open>> {
  const memory = new Map<string, Open>();
  for (const table of new Set(outcomes.map(tableOf))) {
    const stored = await state.get(SCOPE, table);
    if (!isJsonObject(stored)) continue;
    for (const [check, open] of Object.entries(stored)) memory.set(`${table}\n${check}`, open as unknown as Open); // what remember() wrote
  }
  return memory;
}

async function remember(
  state: StateStore,
  outcomes: readonly CheckOutcome[],
  lines: readonly Line[],
  memory: Map<string, Open>,
  dead: ReadonlySet<string>,
  now: number,
): Promise<void> {
  const tables = new Set(outcomes.map(tableOf));
  for (const outcome of outcomes) {
    const open = updated(outcome, lines, memory.get(nameOf(outcome)), dead, now);
    if (open === undefined) memory.delete(nameOf(outcome));
    else memory.set(nameOf(outcome), open);
  }
  for (const table of tables) {
    const own = [...memory].filter(([name]) => name.startsWith(`${table}\n`));
    const stored = Object.fromEntries(own.map(([name, open]) => [name.slice(table.length + 1), open as unknown as Json])); // plain data
    if (own.length > 0 || (await state.get(SCOPE, table)) !== undefined) await state.put(SCOPE, table, stored);
  }
}

/** Undefined when nothing is left to tell: it passes and everybody knows. */
function updated(
  outcome: CheckOutcome,
  lines: readonly Line[],
  open: Open | undefined,
  dead: ReadonlySet<string>,
  now: number,
): Open | undefined {
  const told = { ...open?.told };
  for (const { channel, is } of lines.filter(({ name }) => name === nameOf(outcome))) {
    if (dead.has(channel)) continue;
    if (is === "recovered") delete told[channel];
    else told[channel] = now;
  }
  const since = open?.since ?? new Date(now).toISOString();
  if (outcome.outcome !== "pass") return { since, outcome: outcome.outcome, told };
  return Object.keys(told).length > 0 ? { since, outcome: open?.outcome ?? "fail", told } : undefined;
}
