import type { Outcome } from "../../core/check.js";
import type { Json } from "../../core/json.js";

/** What the presenters read of an outcome. */
export interface ShownOutcome {
  readonly outcome: Outcome;
  readonly layer: string | null;
  readonly model: string;
  readonly slot: string;
  readonly kind: string;
  readonly check: string;
  readonly owner: string | null;
  readonly value: Json;
  readonly message: string;
  readonly sample: { readonly columns: readonly string[]; readonly rows: readonly (readonly Json[])[] } | null;
  readonly sql: readonly string[];
}

export interface ShownScore {
  readonly layer: string | null;
  readonly score: number;
}

/** Worst first: what people must see stands on top. */
export const severityOrder: readonly Outcome[] = ["fail", "not-evaluated", "warn", "pass"];

export function worstFirst<Shown extends { readonly outcome: Outcome }>(outcomes: readonly Shown[]): Shown[] {
  return severityOrder.flatMap((outcome) => outcomes.filter((shown) => shown.outcome === outcome));
}

export function counts(outcomes: readonly { readonly outcome: Outcome }[]): Readonly<Record<Outcome, number>> {
  const of = (outcome: Outcome): number => outcomes.filter((shown) => shown.outcome === outcome).length;
  return { pass: of("pass"), warn: of("warn"), fail: of("fail"), "not-evaluated": of("not-evaluated") };
}

/** `12 passed, 1 failed, 0 warned, 0 not evaluated`. */
export function countsText(outcomes: readonly { readonly outcome: Outcome }[]): string {
  const { pass, warn, fail, "not-evaluated": open } = counts(outcomes);
  return `${pass} passed, ${fail} failed, ${warn} warned, ${open} not evaluated`;
}
