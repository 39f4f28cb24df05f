import pLimit from "p-limit";
import { adviceFor } from "../../checks/advice.js";
import { type CompiledChecks, compileChecks, narrowed } from "../../checks/compile.js";
import { kindOf } from "../../checks/index.js";
import { checkName } from "../../checks/name.js";
import type { CheckTable, JudgeContext, Past, Verdict } from "../../core/check.js";
import type { AnyCheck } from "../../core/check-spec.js";
import { DwError } from "../../core/errors.js";
import { isJsonObject, type Json } from "../../core/json.js";
import { type Answers, type Ask, answersTo, type CheckSlot, type SlotName, type Surroundings } from "./ask.js";
import type { CheckableModel } from "./select.js";

/** One table in one place with the checks that run on it. */
export interface CheckTask {
  readonly warehouse: string;
  readonly model: CheckableModel;
  readonly slot: CheckSlot;
  readonly table: CheckTable;
  readonly checks: readonly AnyCheck[];
  readonly around?: Partial<Surroundings>;
}

/** What one check said; the shape of an element of `dw check --json`. */
export interface CheckOutcome extends Verdict {
  readonly warehouse: string;
  readonly layer: string | null;
  readonly model: string;
  readonly slot: SlotName;
  readonly kind: string;
  readonly check: string;
  /** Where the model is written, relative to the project. */
  readonly file: string | null;
  /** The predicate of a check that is not about all rows. */
  readonly where: string | null;
  /** The column that the check is about, when it is one. */
  readonly column: string | null;
  readonly owner: string | null;
  readonly tags: readonly string[];
  /** How much it counts in its layer's score. */
  readonly weight: number;
  /** The code of what stopped an evaluation: DW-CONNECT means that a retry may help. */
  readonly code: string | null;
  /** What to do about it; null for a pass. */
  readonly fix: string | null;
  /** Why a violation does not count now. */
  readonly suppressed: { readonly until: string; readonly reason: string } | null;
  /** Rows that show the failure, personal data masked. */
  readonly sample: { readonly columns: readonly string[]; readonly rows: readonly (readonly Json[])[] } | null;
  readonly sql: readonly string[];
}

export interface RunTerms {
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly signal: AbortSignal;
  /** Milliseconds after which a statement is given up. */
  readonly timeoutMs?: number;
  /** Milliseconds since the epoch after which nothing more is asked. */
  readonly deadline?: number;
  /** Rows that show a failure; 5 when absent, 0: they are not asked for. */
  readonly sampleRows?: number;
  /** Earlier outcomes of a check, oldest first; nothing is remembered when absent. */
  readonly past?: (of: {
    readonly warehouse: string;
    readonly model: string;
    readonly slot: SlotName;
    readonly check: string;
    readonly forMs: number;
  }) => Promise<readonly Past[]>;
}

export const SAMPLE_ROWS = 5;

/** Runs every task, within each slot's limit of queries; an engine that dies leaves its checks not evaluated, not the run. */
export async function runChecks(tasks: readonly CheckTask[], terms: RunTerms): Promise<CheckOutcome[]> {
  const ask = asking(terms);
  const done = await Promise.all(tasks.map((task) => runTask(task, terms, ask)));
  return done.flat();
}

type Query = CheckSlot["query"];
type Asked = (slot: CheckSlot, sql: string) => ReturnType<Query>;

/** Queries wait for their turn; what waited past the deadline is not asked any more. */
function asking({ signal, timeoutMs, deadline }: RunTerms): Asked {
  const limits = new Map<CheckSlot, ReturnType<typeof pLimit>>();
  return (slot, sql) => {
    const limit = limits.get(slot) ?? pLimit(slot.concurrency);
    limits.set(slot, limit);
    return limit(() => {
      signal.throwIfAborted();
      const left = deadline === undefined ? Number.POSITIVE_INFINITY : deadline - Date.now();
      if (left <= 0) throw tooLate();
      const patience = Math.min(timeoutMs ?? Number.POSITIVE_INFINITY, left);
      return slot.query(sql, { signal, ...(Number.isFinite(patience) && { timeoutMs: Math.ceil(patience) }) });
    });
  };
}

function tooLate(): DwError {
  return new DwError("DW-TIMEOUT", {
    what: "The deadline passed before this check was asked.",
    why: "A gate answers in time, and says what it could not look at.",
    fix: "Give a later --deadline, or fewer checks.",
  });
}

async function runTask(task: CheckTask, terms: RunTerms, asked: Asked): Promise<CheckOutcome[]> {
  const compiled = compileChecks(task.checks, task.table);
  const ask: Ask = (slot, sql) =>
    asValue(asked(slot, sql), terms).then((answer) => (answer instanceof DwError ? answer : (answer.rows[0] ?? [])));
  const answers = await answersTo(compiled, { ...task, ask });
  const outcomes: CheckOutcome[] = [];
  for (const [index, spec] of task.checks.entries()) {
    const verdict = await judge(spec, index, compiled, answers, task, terms);
    outcomes.push({ ...verdict, sample: await sampleRows(spec, verdict, task, terms, asked) });
  }
  return outcomes;
}

/** An engine's refusal as a value; an interrupted run is no answer. */
async function asValue<Value>(work: Promise<Value>, { signal }: RunTerms): Promise<Value | DwError> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof DwError && !signal.aborted) return error;
    throw error;
  }
}

async function judge(
  spec: AnyCheck,
  index: number,
  compiled: CompiledChecks,
  answers: Answers,
  task: CheckTask,
  terms: RunTerms,
): Promise<Omit<CheckOutcome, "sample">> {
  const error = compiled.refused.get(index) ?? answers.get(index)?.error;
  const sql = compiled.queries.filter((query) => query.columns.flat().some((key) => key.check === index)).map((query) => query.sql);
  const verdict: Verdict = error
    ? { outcome: "not-evaluated", value: null, message: reasonOf(error, sql) }
    : ofSample(spec, kindOf(spec).judge(spec, answers.get(index)?.values ?? {}, await contextOf(spec, task, terms)));
  return {
    ...verdict,
    ...subject(spec, task.warehouse, task.model, task.slot.engine),
    code: error?.code ?? null,
    fix: error?.fix ?? (verdict.outcome === "pass" ? null : adviceFor(spec)),
    suppressed: isSuppressed(spec, terms.now) ? (spec.suppress ?? null) : null,
    sql,
  };
}

/** A server's letter without the query that it repeats: `sql` has that. */
function reasonOf({ what, why }: DwError, sql: readonly string[]): string {
  return sql.reduce((text, query) => text.replaceAll(query, "this check's query"), `${what} ${why}`);
}

/** A sample says that it is one; one that holds no row says nothing. */
function ofSample({ sample }: AnyCheck, verdict: Verdict): Verdict {
  if (sample === undefined) return verdict;
  const isEmpty = isJsonObject(verdict.value) && verdict.value.rows === "0";
  if (isEmpty) return { ...verdict, outcome: "not-evaluated", message: `a sample of ${sample} holds no row: nothing was looked at` };
  return { ...verdict, message: `${verdict.message} (in a sample of ${sample})` };
}

type Subject = Pick<
  CheckOutcome,
  "warehouse" | "layer" | "model" | "file" | "slot" | "kind" | "check" | "column" | "where" | "owner" | "tags" | "weight"
>;

/** What an outcome is about, whether it could be had or not. */
export function subject(spec: AnyCheck, warehouse: string, model: CheckableModel, slot: SlotName): Subject {
  return {
    warehouse,
    layer: model.layer ?? null,
    model: model.name,
    file: model.origin?.file ?? null,
    slot,
    kind: spec.check,
    check: checkName(spec),
    column: "column" in spec && spec.column !== undefined ? spec.column : null,
    where: spec.where ?? null,
    owner: spec.owner ?? null,
    tags: spec.tags ?? [],
    weight: spec.weight ?? 1,
  };
}

function isSuppressed({ suppress }: AnyCheck, now: number): boolean {
  return suppress !== undefined && new Date(now).toISOString().slice(0, 10) <= suppress.until;
}

async function contextOf(spec: AnyCheck, task: CheckTask, terms: RunTerms): Promise<JudgeContext> {
  const { warehouse, model, slot, table } = task;
  const wanted = kindOf(spec).remembers?.(spec);
  const check = wanted?.of ?? checkName(spec);
  const past =
    wanted && wanted.forMs > 0 ? await terms.past?.({ warehouse, model: model.name, slot: slot.engine, check, forMs: wanted.forMs }) : [];
  return { now: terms.now, columns: table.columns, past: past ?? [], zone: (column) => table.columns[column]?.zone ?? table.zone ?? "UTC" };
}

/** A sample that cannot be had hides nothing: the verdict stands without it. */
async function sampleRows(
  spec: AnyCheck,
  { outcome }: Verdict,
  task: CheckTask,
  terms: RunTerms,
  asked: Asked,
): Promise<CheckOutcome["sample"]> {
  const kind = kindOf(spec);
  if ((outcome !== "fail" && outcome !== "warn") || !kind.sample || terms.sampleRows === 0) return null;
  const sql = kind.sample(narrowed(spec, task.table), task.table, terms.sampleRows ?? SAMPLE_ROWS);
  const answer = await asValue(asked(task.slot, sql), terms);
  if (answer instanceof DwError) return null;
  const masked = answer.columns.map((column) => isPersonal(column, spec, task.table));
  return { columns: answer.columns, rows: answer.rows.map((row) => row.map((value, i) => (masked[i] && value !== null ? "***" : value))) };
}

/** A query of the author's own may call a personal column by another name: where a model has any, unknown names are masked. */
function isPersonal(column: string, spec: AnyCheck, { columns }: CheckTable): boolean {
  const known = Object.hasOwn(columns, column) ? columns[column] : undefined;
  if (known !== undefined) return known.pii === true;
  return spec.check === "sql" && Object.values(columns).some(({ pii }) => pii === true);
}
