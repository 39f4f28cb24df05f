import {
  type AskedElsewhere,
  type AskedTopic,
  type CompiledChecks,
  compileChecks,
  elsewhereQuery,
  type MetricKey,
  type MetricQuery,
} from "../../checks/compile.js";
import type { CheckTable, ColumnDifference, TopicQuestion } from "../../core/check.js";
import { DwError } from "../../core/errors.js";
import type { Json } from "../../core/json.js";
import type { EngineName } from "../../core/types.js";

/** Where rows are asked: an engine slot, a MySQL server that only sources name, or a copy of a source's rows. */
export type SlotName = EngineName | "mysql" | "source";

/** A place that can be asked; values come as text, null for SQL NULL. */
export interface CheckSlot {
  readonly engine: SlotName;
  /** How many queries may run at once. */
  readonly concurrency: number;
  /** Rows of a query, each a list of values by position, with the columns' names. Throws DW-TIMEOUT after `timeoutMs`. */
  readonly query: (
    sql: string,
    terms: { readonly signal: AbortSignal; readonly timeoutMs?: number },
  ) => Promise<{ readonly columns: readonly string[]; readonly rows: readonly (readonly Json[])[] }>;
}

/** What checks ask that is no query of their own table. Each throws DwErrors. */
export interface Surroundings {
  readonly elsewhere: (place: string) => Promise<{ readonly slot: CheckSlot; readonly table: CheckTable }>;
  readonly schema: () => Promise<readonly ColumnDifference[]>;
  readonly topic: (questions: readonly TopicQuestion[]) => Promise<readonly (string | null)[]>;
}

/** Runs a query when the slot has room for it; DwErrors of an engine come back as values. */
export type Ask = (slot: CheckSlot, sql: string) => Promise<readonly Json[] | DwError>;

interface Answer {
  readonly values: Record<string, string | null>;
  readonly error?: DwError;
}

/** Metric values by check, or the error that kept them away. */
export type Answers = ReadonlyMap<number, Answer>;

/** Asks everything that compiled checks need to know. */
export async function answersTo(compiled: CompiledChecks, at: AskedAt): Promise<Answers> {
  const answers = new Map<number, Answer>();
  for (const query of compiled.queries) await answerQuery(query, compiled, at, answers);
  for (const asked of byPlace(compiled.elsewhere)) await answerElsewhere(asked, at, answers);
  if (compiled.schema.length > 0) await answerSchema(compiled.schema, at, answers);
  if (compiled.topic.length > 0) await answerTopic(compiled.topic, at, answers);
  return answers;
}

export interface AskedAt {
  readonly slot: CheckSlot;
  readonly table: CheckTable;
  readonly around?: Partial<Surroundings>;
  readonly ask: Ask;
}

async function answerQuery(query: MetricQuery, compiled: CompiledChecks, at: AskedAt, answers: Map<number, Answer>): Promise<void> {
  const result = await at.ask(at.slot, query.sql);
  if (!(result instanceof DwError && canIsolate(result, query))) return spread(answers, query, result);
  // The engine refused the common scan: each check is asked for alone, so that one bad predicate does not silence the others.
  for (const check of new Set(query.columns.flat().map((key) => key.check))) {
    const spec = compiled.checks[check];
    const [alone] = spec ? compileChecks([spec], at.table).queries : [];
    if (!alone) continue;
    const renumbered = { ...alone, columns: alone.columns.map((keys) => keys.map((key) => ({ ...key, check }))) };
    spread(answers, renumbered, await at.ask(at.slot, renumbered.sql));
  }
}

function canIsolate(error: DwError, query: MetricQuery): boolean {
  return error.errorClass === "refused" && new Set(query.columns.flat().map((key) => key.check)).size > 1;
}

function byPlace(asked: readonly AskedElsewhere[]): AskedElsewhere[][] {
  const places = new Map<string, AskedElsewhere[]>();
  for (const one of asked) places.set(one.place, [...(places.get(one.place) ?? []), one]);
  return [...places.values()];
}

async function answerElsewhere(asked: readonly AskedElsewhere[], at: AskedAt, answers: Map<number, Answer>): Promise<void> {
  const columns = asked.map(({ key }) => [key]);
  try {
    const { slot, table } = await given(at.around?.elsewhere)(asked[0]?.place ?? "");
    const query = elsewhereQuery(asked, table);
    spread(answers, query, await at.ask(slot, query.sql));
  } catch (error) {
    spread(answers, { columns }, asLetter(error));
  }
}

async function answerSchema(keys: readonly MetricKey[], at: AskedAt, answers: Map<number, Answer>): Promise<void> {
  const columns = [keys];
  try {
    const differences = await given(at.around?.schema)();
    spread(answers, { columns }, [JSON.stringify(differences)]);
  } catch (error) {
    spread(answers, { columns }, asLetter(error));
  }
}

async function answerTopic(asked: readonly AskedTopic[], at: AskedAt, answers: Map<number, Answer>): Promise<void> {
  const columns = asked.map(({ key }) => [key]);
  try {
    spread(answers, { columns }, await given(at.around?.topic)(asked.map(({ ask }) => ask)));
  } catch (error) {
    spread(answers, { columns }, asLetter(error));
  }
}

function given<Part>(part: Part | undefined): Part {
  if (part !== undefined) return part;
  throw new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: "This check cannot be asked there.",
    why: "Topics are asked for their lag and messages, tables for their rows and columns.",
    fix: "Put the check on a model of the other kind.",
  });
}

function asLetter(error: unknown): DwError {
  if (error instanceof DwError) return error;
  throw error;
}

function spread(answers: Map<number, Answer>, { columns }: Pick<MetricQuery, "columns">, result: readonly Json[] | DwError): void {
  columns.forEach((keys, column) => {
    for (const { check, metric } of keys) {
      if (result instanceof DwError) merge(answers, check, { values: {}, error: result });
      else merge(answers, check, { values: { [metric]: text(result[column]) } });
    }
  });
}

function merge(answers: Map<number, Answer>, check: number, part: Answer): void {
  const before = answers.get(check);
  const error = before?.error ?? part.error;
  answers.set(check, { values: { ...before?.values, ...part.values }, ...(error && { error }) });
}

function text(value: Json | undefined): string | null {
  return value === undefined || value === null ? null : String(value);
}
