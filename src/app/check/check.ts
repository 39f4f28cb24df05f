import { randomUUID } from "node:crypto";
import { type LayerScore, layerScores } from "../../checks/score.js";
import type { Connections } from "../../connections/open.js";
import { type CatalogObject, fillHoles } from "../../core/catalog.js";
import type { CheckTable } from "../../core/check.js";
import type { Engine } from "../../core/engine.js";
import { DwError, isDwError } from "../../core/errors.js";
import type { Json } from "../../core/json.js";
import type { Model, RelationModel } from "../../core/model.js";
import { sqlBuilder } from "../../core/sql.js";
import type { CheckRecord } from "../../core/state.js";
import type { EngineName } from "../../core/types.js";
import { quoting as duckdb } from "../../engines/duckdb/dialect.js";
import { engines } from "../../engines/index.js";
import type { Project } from "../project.js";
import { resolveWarehouse } from "../resolve.js";
import { openState } from "../state.js";
import { type CheckOutcome, type CheckTask, runChecks } from "./run.js";
import { type CheckedModel, type CheckSelection, selectChecks } from "./select.js";
import { type AskableSlot, checkSlot } from "./slot.js";

export interface CheckRequest extends CheckSelection {
  readonly warehouse?: string;
  readonly environment: string;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: number;
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
  const tasks: CheckTask[] = [];
  const unreached: CheckOutcome[] = [];
  const slots = new Map<EngineName, AskableSlot | DwError>();
  const chosen = await chooseModels(project, request);
  const state = await openState(connections);
  for (const { warehouse, models, checked } of chosen) {
    const { catalog } = resolveWarehouse(warehouse, models, engines);
    const objects = catalog.objects.map((object) => filled(object, request.environment));
    for (const selected of checked) {
      for (const engine of enginesOf(selected.model)) {
        const slot = await openSlot(slots, engine.name, connections);
        if (slot instanceof DwError) unreached.push(...notReached(warehouse, selected, engine.name, slot));
        else tasks.push({ warehouse, slot, ...selected, table: checkTable(selected.model, engine, slot, objects) });
      }
    }
  }
  const run = randomUUID();
  const at = new Date(request.now).toISOString();
  const outcomes = [...unreached, ...(await runChecks(tasks, { now: request.now, signal: request.signal }))];
  await state.recordChecks(outcomes.map((outcome) => record(run, at, outcome)));
  const emulated = [...slots].flatMap(([name, slot]) => (!(slot instanceof DwError) && slot.emulated ? [name] : []));
  return { environment: request.environment, run, at, emulated, scores: layerScores(outcomes), outcomes };
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

/** Engines of the model that can be asked: those with a SQL dialect. */
function enginesOf(model: RelationModel): Engine[] {
  return Object.keys(model.on).flatMap((name) => {
    const engine = engines.get(name as EngineName); // keys of EngineOptions
    return engine?.quoting ? [engine] : [];
  });
}

const notServed: ReadonlySet<string> = new Set(["DW-SLOT-UNBOUND", "DW-CONNECTION-UNSUPPORTED"]);

async function openSlot(
  slots: Map<EngineName, AskableSlot | DwError>,
  engine: EngineName,
  connections: Connections,
): Promise<AskableSlot | DwError> {
  const known = slots.get(engine);
  if (known) return known;
  const slot = await connections.slot(engine).then(
    (open) => checkSlot(engine, open),
    (error: unknown) => {
      // An engine that is not there leaves its checks open and the others go on; anything else stops the run.
      if (isDwError(error) && (error.errorClass === "unreachable" || notServed.has(error.code))) return error;
      throw error;
    },
  );
  slots.set(engine, slot);
  return slot;
}

function filled(object: CatalogObject, environment: string): CatalogObject {
  return fillHoles(object as unknown as Json, environment) as unknown as CatalogObject; // JSON by construction
}

function checkTable(model: RelationModel, engine: Engine, slot: AskableSlot, objects: readonly CatalogObject[]): CheckTable {
  const quoting = slot.dialect === "duckdb" ? duckdb : engine.quoting;
  if (!quoting) throw new Error(`${engine.name} has no quoting`);
  const { id, lit } = sqlBuilder(quoting);
  const table = (name: string): string => {
    const object = objects.find((candidate) => candidate.slot === engine.name && candidate.model === name && holdsRows(candidate));
    if (!object) throw notThere(model, engine.name, name);
    return id(...(engine.qualifiedName?.(object) ?? object.name)).text;
  };
  return {
    dialect: slot.dialect,
    model: model.name,
    from: table(model.name),
    columns: model.columns,
    key: ("key" in model ? model.key : undefined) ?? [],
    table,
    ident: (name) => id(name).text,
    literal: (value) => lit(value).text,
  };
}

const relationKinds = new Set(["table", "view", "materialized-view", "continuous-aggregate"]);

function holdsRows(object: CatalogObject): boolean {
  return relationKinds.has(object.kind);
}

function notThere(model: RelationModel, engine: EngineName, name: string): DwError {
  return new DwError("DW-MODEL-INVALID", {
    what: `A check of ${model.name} refers to ${name}, which is no table of ${engine}.`,
    why: "One query cannot look into two engines.",
    fix: `Put ${name} on ${engine} too, or check it where both are.`,
  });
}

function notReached(warehouse: string, { model, checks }: CheckedModel, slot: EngineName, error: DwError): CheckOutcome[] {
  return checks.map((spec) => ({
    outcome: "not-evaluated",
    value: null,
    message: error.what,
    warehouse,
    layer: model.layer ?? null,
    model: model.name,
    slot,
    kind: spec.check,
    check: spec.name ?? spec.check,
    owner: spec.owner ?? null,
    tags: spec.tags ?? [],
    weight: spec.weight ?? 1,
    code: error.code,
    sample: null,
    sql: [],
  }));
}

function record(run: string, at: string, outcome: CheckOutcome): CheckRecord {
  const { warehouse, model, check: name, value, message } = outcome;
  return { run, at, warehouse, model, check: name, outcome: outcome.outcome, value, message };
}
