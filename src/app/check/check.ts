import { randomUUID } from "node:crypto";
import { type LayerScore, layerScores } from "../../checks/score.js";
import type { Connections } from "../../connections/open.js";
import type { Past } from "../../core/check.js";
import { parseDuration } from "../../core/duration.js";
import { DwError, isDwError } from "../../core/errors.js";
import type { Model } from "../../core/model.js";
import type { CheckRecord, StateStore } from "../../core/state.js";
import type { EngineName } from "../../core/types.js";
import type { Project } from "../project.js";
import { openState } from "../state.js";
import type { SlotName } from "./ask.js";
import { enginesOf, openPlaces, type Places, type WarehousePlaces } from "./places.js";
import { type CheckOutcome, type CheckTask, type RunTerms, runChecks, subject } from "./run.js";
import { type CheckedModel, type CheckSelection, selectChecks } from "./select.js";
import type { SourcePlace } from "./source-place.js";

export interface CheckRequest extends CheckSelection {
  readonly warehouse?: string;
  readonly environment: string;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds since the epoch. */
  readonly deadline?: number;
  readonly sampleRows?: number;
}

/** The answer of `dw check --json`. */
export interface CheckReport {
  readonly environment: string;
  readonly run: string;
  /** ISO-8601. */
  readonly at: string;
  /** Slots that DuckDB stood in for. */
  readonly emulated: readonly EngineName[];
  readonly scores: readonly LayerScore[];
  readonly outcomes: readonly CheckOutcome[];
}

/**
 * Checks what is selected, in one environment, and remembers every outcome. An engine that cannot be reached leaves its
 * checks not evaluated. Throws DW-CHECK-UNKNOWN, DW-STATE-MISSING and what loading models throws.
 */
export async function check(project: Project, connections: Connections, request: CheckRequest): Promise<CheckReport> {
  const chosen = await chooseModels(project, request);
  const state = await openState(connections);
  const places = openPlaces({ project, connections, ...request });
  try {
    const found = await Promise.all(
      chosen.flatMap(({ warehouse, models, checked }) => {
        const inWarehouse = places.inWarehouse(warehouse, models);
        return checked.map((selected) => tasksOf(warehouse, selected, places, inWarehouse));
      }),
    );
    const unreached = found.flatMap((part) => part.unreached);
    const tasks = found.flatMap((part) => part.tasks);
    const outcomes = [...unreached, ...(await runChecks(tasks, runTerms(project, state, request)))];
    const run = randomUUID();
    const at = new Date(request.now).toISOString();
    await state.recordChecks(outcomes.map((outcome) => record(run, at, outcome)));
    return { environment: request.environment, run, at, emulated: await places.emulated(), scores: layerScores(outcomes), outcomes };
  } finally {
    await places.close();
  }
}

function runTerms({ config }: Project, state: StateStore, { now, signal, deadline, sampleRows }: CheckRequest): RunTerms {
  const timeout = config.checks?.statementTimeout;
  return {
    now,
    signal,
    past: (of) => pastOf(state, of, now),
    ...(timeout !== undefined && { timeoutMs: parseDuration(timeout) }),
    ...(deadline !== undefined && { deadline }),
    ...(sampleRows !== undefined && { sampleRows }),
  };
}

/** More than a check of every five minutes makes in a month. */
const MOST_REMEMBERED = 10_000;

async function pastOf(state: StateStore, { forMs, ...of }: Parameters<NonNullable<RunTerms["past"]>>[0], now: number): Promise<Past[]> {
  const since = new Date(now - forMs).toISOString();
  const records = await state.checkHistory({ ...of, since, limit: MOST_REMEMBERED });
  return records.map(({ at, outcome, value }) => ({ at: Date.parse(at), outcome, value })).reverse();
}

interface Found {
  readonly tasks: readonly CheckTask[];
  readonly unreached: readonly CheckOutcome[];
}

async function tasksOf(warehouse: string, selected: CheckedModel, places: Places, inWarehouse: WarehousePlaces): Promise<Found> {
  const { model } = selected;
  if (model.model === "source") return placeTask(warehouse, selected, inWarehouse, () => inWarehouse.sourceOf(model));
  if (model.model === "topic") return topicTask(warehouse, selected, places, inWarehouse);
  // a promise about rows that no engine here can be asked for is kept in sight, never passed over
  if (enginesOf(model).length === 0) return placeTask(warehouse, selected, inWarehouse, () => inWarehouse.lakeOf(model));
  const tasks: CheckTask[] = [];
  const unreached: CheckOutcome[] = [];
  for (const engine of enginesOf(selected.model)) {
    const slot = await places.slot(engine.name);
    if (slot instanceof DwError) unreached.push(...notReached(warehouse, selected, engine.name, slot));
    else {
      const table = inWarehouse.tableOf(selected.model, engine, slot);
      tasks.push({ warehouse, ...selected, slot, table, around: inWarehouse.around(selected.model, engine.name) });
    }
  }
  return { tasks, unreached };
}

async function topicTask(warehouse: string, selected: CheckedModel, places: Places, inWarehouse: WarehousePlaces): Promise<Found> {
  const slot = await places.slot("kafka");
  if (slot instanceof DwError) return { tasks: [], unreached: notReached(warehouse, selected, "kafka", slot) };
  const { table, around } = inWarehouse.topicOf(selected.model);
  return { tasks: [{ warehouse, ...selected, slot, table, around }], unreached: [] };
}

async function placeTask(
  warehouse: string,
  selected: CheckedModel,
  inWarehouse: WarehousePlaces,
  place: () => Promise<SourcePlace>,
): Promise<Found> {
  try {
    const { slot, table } = await place();
    return { tasks: [{ warehouse, ...selected, slot, table, around: inWarehouse.around(selected.model) }], unreached: [] };
  } catch (error) {
    // A lake that is damaged or gone says nothing about other tables.
    if (!isDwError(error) || error.errorClass === "interrupted" || error.errorClass === "terminated") throw error;
    return { tasks: [], unreached: notReached(warehouse, selected, "source", error) };
  }
}

interface ChosenWarehouse {
  readonly warehouse: string;
  readonly models: readonly Model[];
  readonly checked: readonly CheckedModel[];
}

/** A selection that matches in one warehouse is enough; one that matches nowhere is refused. */
async function chooseModels(project: Project, request: CheckRequest): Promise<ChosenWarehouse[]> {
  const chosen: ChosenWarehouse[] = [];
  let refusal: unknown;
  for (const warehouse of await project.someWarehouses(request.warehouse)) {
    const models = await project.models(warehouse);
    try {
      chosen.push({ warehouse, models, checked: selectChecks(models, project.layers, request, request.environment) });
    } catch (error) {
      if (!isDwError(error) || error.code !== "DW-CHECK-UNKNOWN") throw error;
      refusal = error;
    }
  }
  if (chosen.length === 0) throw refusal;
  return chosen;
}

function notReached(warehouse: string, { model, checks }: CheckedModel, slot: SlotName, error: DwError): CheckOutcome[] {
  return checks.map((spec) => ({
    outcome: "not-evaluated",
    value: null,
    message: `${error.what} ${error.why}`,
    ...subject(spec, warehouse, model, slot),
    code: error.code,
    fix: error.fix,
    suppressed: null,
    sample: null,
    sql: [],
  }));
}

function record(run: string, at: string, outcome: CheckOutcome): CheckRecord {
  const { warehouse, model, slot, check: name, value, message } = outcome;
  return { run, at, warehouse, model, slot, check: name, outcome: outcome.outcome, value, message };
}
