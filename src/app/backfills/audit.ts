import type { Connections } from "../../connections/open.js";
import type { CheckTable } from "../../core/check.js";
import type { AnyCheck } from "../../core/check-spec.js";
import type { Conversation } from "../../core/conversation.js";
import { DwError } from "../../core/errors.js";
import { engines } from "../../engines/index.js";
import { openPlaces } from "../check/places.js";
import { type CheckOutcome, runChecks } from "../check/run.js";
import { selectChecks } from "../check/select.js";
import type { Project } from "../project.js";
import type { Definition } from "./definition.js";

/*
 * The audit of write, audit, publish: checks of the target's model and of its backfills, on the rows that were staged. What
 * judges the living table (its freshness, its history, its columns) has nothing to say about rows that nobody sees yet.
 */

const OF_THE_LIVING_TABLE: ReadonlySet<AnyCheck["check"]> = new Set([
  "freshness",
  "expected",
  "row-change",
  "anomaly",
  "attainment",
  "schema",
  "lag",
  "messages",
]);

export interface Audit {
  readonly project: Project;
  readonly connections: Connections;
  readonly environment: string;
  readonly signal: AbortSignal;
  readonly conversation: Conversation;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** How many checks passed on the table `staged`. Throws DW-AUDIT-FAILED, which names each that did not. */
export async function auditStaged(definition: Definition, staged: readonly string[], audit: Audit): Promise<number> {
  const { to, warehouse = "", name } = definition;
  if (to.by !== "model") return 0;
  const engine = engines.get(to.slot);
  const checks = checksOf(definition, audit);
  if (engine === undefined || checks.length === 0) return 0;
  const places = openPlaces(audit);
  try {
    const slot = await places.slot(to.slot);
    if (slot instanceof DwError) throw slot;
    const around = places.inWarehouse(warehouse, to.models);
    const table = inItsPlace(around.tableOf(to.model, engine, slot), staged);
    const task = { warehouse, model: to.model, slot, table, checks, around: around.around(to.model, to.slot) };
    const outcomes = await runChecks([task], { now: audit.now, signal: audit.signal, sampleRows: 0 });
    for (const { outcome, check, message } of outcomes) if (outcome === "warn") audit.conversation.warn(`${name}: ${check}: ${message}`);
    const failed = outcomes.filter(({ outcome }) => outcome === "fail" || outcome === "not-evaluated");
    if (failed.length > 0) throw auditFailed(name, failed);
    return outcomes.length;
  } finally {
    await places.close();
  }
}

function checksOf({ to }: Definition, { project, environment }: Audit): readonly AnyCheck[] {
  if (to.by !== "model") return [];
  try {
    const [selected] = selectChecks(to.models, project.layers, {}, environment).filter(({ model }) => model.name === to.model.name);
    return selected?.checks.filter(({ check }) => !OF_THE_LIVING_TABLE.has(check)) ?? [];
  } catch (error) {
    if (error instanceof DwError && error.code === "DW-CHECK-UNKNOWN") return []; // no model of the warehouse has a check
    throw error;
  }
}

/** The same table with the staged rows: also where a query of the author's names the model. */
function inItsPlace(table: CheckTable, staged: readonly string[]): CheckTable {
  const from = staged.map(table.ident).join(".");
  return { ...table, from, table: (model) => (model === table.model ? from : table.table(model)) };
}

function auditFailed(name: string, failed: readonly CheckOutcome[]): DwError {
  const lines = failed.map(({ check, outcome, message }) => `  - ${check}: ${outcome === "fail" ? "" : "not evaluated: "}${message}`);
  return new DwError("DW-AUDIT-FAILED", {
    what: `The rows that backfill ${name} has staged do not pass:\n${lines.join("\n")}`,
    why: "It publishes what was audited. Nothing of it is visible; the staged rows are kept, and the next run audits them again.",
    fix: `Correct the source or the mapping and start over with \`dw backfill reset ${name}\`, or correct the check and run again.`,
  });
}
