import type { Hazard, HazardKind } from "../../core/hazard.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";

export interface StatementFacts {
  readonly hazards?: readonly Hazard[];
  /** The way back; `[]` when undoing an earlier statement of the operation undoes this one too. */
  readonly undo?: readonly (Sql | string)[];
  readonly transactional?: false;
  readonly repeatable?: true;
}

/** Template output and built SQL are the two ways to a statement's text. */
export function statement(text: Sql | string, facts: StatementFacts = {}): StatementBody {
  return {
    text: String(text).trimEnd(),
    hazards: facts.hazards ?? [],
    ...(facts.undo && { undo: facts.undo.map((undo) => String(undo).trimEnd()) }),
    transactional: facts.transactional ?? true,
    ...(facts.repeatable && { repeatable: true }),
  };
}

export function hazard(kind: HazardKind, why: string): Hazard {
  return { kind, why };
}

/** The same statements as parts of a larger operation: what they warn of does not apply to an object that is just being made. */
export function harmless(statements: readonly StatementBody[]): StatementBody[] {
  return statements.map((body) => ({ ...body, hazards: [], undo: [] }));
}
