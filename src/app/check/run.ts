import pLimit from "p-limit";
import { type CompiledChecks, compileChecks, type MetricQuery } from "../../checks/compile.js";
import { kindOf } from "../../checks/index.js";
import type { CheckTable, Verdict } from "../../core/check.js";
import type { AnyCheck } from "../../core/check-spec.js";
import { DwError } from "../../core/errors.js";
import type { Json } from "../../core/json.js";
import type { RelationModel } from "../../core/model.js";
import type { EngineName } from "../../core/types.js";

/** An engine slot that can be asked; values come as text, null for SQL NULL. */
export interface CheckSlot {
  readonly engine: EngineName;
  /** How many queries may run at once. */
  readonly concurrency: number;
  /** Rows of a query, each a list of values by position, with the columns' names. */
  readonly query: (
    sql: string,
    signal: AbortSignal,
  ) => Promise<{ readonly columns: readonly string[]; readonly rows: readonly (readonly Json[])[] }>;
}

/** One table in one slot with the checks that run on it. */
export interface CheckTask {
  readonly warehouse: string;
  readonly model: RelationModel;
  readonly slot: CheckSlot;
  readonly table: CheckTable;
  readonly checks: readonly AnyCheck[];
}

/** What one check said; the shape of an element of `dw check --json`. */
export interface CheckOutcome extends Verdict {
  readonly warehouse: string;
  readonly layer: string | null;
  readonly model: string;
  readonly slot: EngineName;
  readonly kind: string;
  readonly check: string;
  readonly owner: string | null;
  readonly tags: readonly string[];
  /** How much it counts in its layer's score. */
  readonly weight: number;
  /** The code of what stopped an evaluation: DW-CONNECT means that a retry may help. */
  readonly code: string | null;
  /** Rows that show the failure, personal data masked. */
  readonly sample: { readonly columns: readonly string[]; readonly rows: readonly (readonly Json[])[] } | null;
  readonly sql: readonly string[];
}

export interface RunTerms {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
}

/** Runs every task, table by table within a slot's limit; an engine that dies leaves its checks not evaluated, not the run. */
export async function runChecks(tasks: readonly CheckTask[], terms: RunTerms): Promise<CheckOutcome[]> {
  const limits = new Map<CheckSlot, ReturnType<typeof pLimit>>();
  const limitOf = (slot: CheckSlot): ReturnType<typeof pLimit> => {
    const limit = limits.get(slot) ?? pLimit(slot.concurrency);
    limits.set(slot, limit);
    return limit;
  };
  const done = await Promise.all(tasks.map((task) => limitOf(task.slot)(() => runTask(task, terms))));
  return done.flat();
}

async function runTask(task: CheckTask, terms: RunTerms): Promise<CheckOutcome[]> {
  const compiled = compileChecks(task.checks, task.table);
  const answers = await answer(compiled, task, terms);
  const outcomes: CheckOutcome[] = [];
  for (const [index, spec] of task.checks.entries()) outcomes.push(await judge(spec, index, compiled, answers, task, terms));
  return outcomes;
}

/** Metric values by check, or the error that kept them away. */
type Answers = ReadonlyMap<number, { readonly values: Record<string, string | null>; readonly error?: DwError }>;

async function answer(compiled: CompiledChecks, task: CheckTask, terms: RunTerms): Promise<Answers> {
  const answers = new Map<number, { values: Record<string, string | null>; error?: DwError }>();
  for (const query of compiled.queries) {
    const result = await ask(query, task, terms);
    if (result instanceof DwError && canIsolate(result, query)) {
      for (const [check, value] of await isolated(compiled, query, task, terms)) merge(answers, check, value);
    } else spread(answers, query, result);
  }
  return answers;
}

async function ask(query: MetricQuery, { slot }: CheckTask, { signal }: RunTerms): Promise<readonly Json[] | DwError> {
  try {
    const { rows } = await slot.query(query.sql, signal);
    return rows[0] ?? [];
  } catch (error) {
    if (error instanceof DwError && !signal.aborted) return error;
    throw error;
  }
}

function canIsolate(error: DwError, query: MetricQuery): boolean {
  return error.errorClass === "refused" && new Set(query.columns.flat().map((key) => key.check)).size > 1;
}

/** The engine refused the common scan: ask for each check alone, so that one bad predicate does not silence the others. */
async function isolated(compiled: CompiledChecks, query: MetricQuery, task: CheckTask, terms: RunTerms): Promise<Answers> {
  const answers = new Map<number, { values: Record<string, string | null>; error?: DwError }>();
  for (const check of new Set(query.columns.flat().map((key) => key.check))) {
    const spec = compiled.checks[check];
    const [alone] = spec ? compileChecks([spec], task.table).queries : [];
    if (!alone) continue;
    const renumbered = { ...alone, columns: alone.columns.map((keys) => keys.map((key) => ({ ...key, check }))) };
    spread(answers, renumbered, await ask(renumbered, task, terms));
  }
  return answers;
}

function spread(
  answers: Map<number, { values: Record<string, string | null>; error?: DwError }>,
  query: MetricQuery,
  result: readonly Json[] | DwError,
): void {
  query.columns.forEach((keys, column) => {
    for (const { check, metric } of keys) {
      if (result instanceof DwError) merge(answers, check, { values: {}, error: result });
      else merge(answers, check, { values: { [metric]: text(result[column]) } });
    }
  });
}

function merge(
  answers: Map<number, { values: Record<string, string | null>; error?: DwError }>,
  check: number,
  part: { readonly values: Record<string, string | null>; readonly error?: DwError },
): void {
  const before = answers.get(check);
  const error = before?.error ?? part.error;
  answers.set(check, { values: { ...before?.values, ...part.values }, ...(error && { error }) });
}

function text(value: Json | undefined): string | null {
  return value === undefined || value === null ? null : String(value);
}

async function judge(
  spec: AnyCheck,
  index: number,
  compiled: CompiledChecks,
  answers: Answers,
  task: CheckTask,
  terms: RunTerms,
): Promise<CheckOutcome> {
  const kind = kindOf(spec);
  const error = compiled.refused.get(index) ?? answers.get(index)?.error;
  const sql = compiled.queries.filter((query) => query.columns.flat().some((key) => key.check === index)).map((query) => query.sql);
  const zone = (column: string): string => task.table.columns[column]?.zone ?? zoneOf(task.model);
  const verdict: Verdict = error
    ? { outcome: "not-evaluated", value: null, message: `${error.what} ${error.why}` }
    : kind.judge(spec, answers.get(index)?.values ?? {}, { now: terms.now, zone });
  const failed = verdict.outcome === "fail" || verdict.outcome === "warn";
  return {
    ...verdict,
    warehouse: task.warehouse,
    layer: task.model.layer ?? null,
    model: task.model.name,
    slot: task.slot.engine,
    kind: spec.check,
    check: spec.name ?? kind.title(spec),
    owner: spec.owner ?? null,
    tags: spec.tags ?? [],
    weight: spec.weight ?? 1,
    code: error?.code ?? null,
    sample: failed && kind.sample ? await sampleRows(kind.sample(spec, task.table), task, terms) : null,
    sql,
  };
}

function zoneOf(model: RelationModel): string {
  return ("zone" in model ? model.zone : undefined) ?? "UTC";
}

/** A sample that cannot be had hides nothing: the verdict stands without it. */
async function sampleRows(sql: string, task: CheckTask, { signal }: RunTerms): Promise<CheckOutcome["sample"]> {
  try {
    const { columns, rows } = await task.slot.query(sql, signal);
    const masked = columns.map((column) => task.table.columns[column]?.pii === true);
    return { columns, rows: rows.map((row) => row.map((value, i) => (masked[i] && value !== null ? "***" : value))) };
  } catch (error) {
    if (error instanceof DwError && !signal.aborted) return null;
    throw error;
  }
}
