import type { Outcome } from "../../core/check.js";
import type { Json } from "../../core/json.js";

/** What the presenters read of an outcome. */
export interface ShownOutcome {
  readonly outcome: Outcome;
  readonly warehouse: string;
  readonly layer: string | null;
  readonly model: string;
  /** Where the model is written, relative to the project. */
  readonly file: string | null;
  readonly slot: string;
  readonly kind: string;
  readonly check: string;
  readonly column: string | null;
  readonly where: string | null;
  readonly suppressed: { readonly until: string; readonly reason: string } | null;
  readonly owner: string | null;
  readonly value: Json;
  readonly message: string;
  /** What to do about it. */
  readonly fix: string | null;
  readonly sample: { readonly columns: readonly string[]; readonly rows: readonly (readonly Json[])[] } | null;
  readonly sql: readonly string[];
}

export interface ShownScore {
  readonly layer: string | null;
  readonly score: number;
}

/** Worst first: what people must see stands on top. */
const severityOrder: readonly Outcome[] = ["fail", "not-evaluated", "warn", "pass"];

export function worstFirst<Shown extends { readonly outcome: Outcome }>(outcomes: readonly Shown[]): Shown[] {
  return severityOrder.flatMap((outcome) => outcomes.filter((shown) => shown.outcome === outcome));
}

function counts(outcomes: readonly { readonly outcome: Outcome }[]): Readonly<Record<Outcome, number>> {
  const of = (outcome: Outcome): number => outcomes.filter((shown) => shown.outcome === outcome).length;
  return { pass: of("pass"), warn: of("warn"), fail: of("fail"), "not-evaluated": of("not-evaluated") };
}

/** The verdict's sentence, and why a violation does not count. */
export function messageText({ message, outcome, suppressed }: ShownOutcome): string {
  return suppressed && outcome !== "pass" ? `${message} (suppressed until ${suppressed.until}: ${suppressed.reason})` : message;
}

/** `12 passed, 1 failed, 0 warned, 0 not evaluated`. */
export function countsText(outcomes: readonly { readonly outcome: Outcome; readonly suppressed?: unknown }[]): string {
  const counting = outcomes.filter(({ outcome, suppressed }) => outcome === "pass" || !suppressed);
  const { pass, warn, fail, "not-evaluated": open } = counts(counting);
  const suppressed = outcomes.length - counting.length;
  return `${pass} passed, ${fail} failed, ${warn} warned, ${open} not evaluated${suppressed > 0 ? `, ${suppressed} suppressed` : ""}`;
}
