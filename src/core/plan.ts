import type { ObjectId } from "./catalog.js";
import type { SecretReference } from "./config.js";
import type { Hazard } from "./hazard.js";
import type { Json } from "./json.js";
import type { Operation } from "./operation.js";
import type { EngineName } from "./types.js";

/** How a statement is run. `wait` names an asynchronous job that must reach its terminal state before the next statement. */
export interface StatementBody {
  /** SQL without a trailing semicolon; for topics the JSON request that is sent. */
  readonly text: string;
  readonly hazards: readonly Hazard[];
  /** Statements that lead back, in order; absent when there is no way back. */
  readonly undo?: readonly string[];
  /** False for what the engine refuses inside a transaction or commits by itself. */
  readonly transactional: boolean;
  /**
   * True when a second run does no harm (a refresh, IF NOT EXISTS). A statement that a crash left undecided and that no
   * catalog shows is run again only if it says so.
   */
  readonly repeatable?: true;
  /**
   * It takes away what a way back would need: it runs at the end, once the environment's `hold` has passed since the
   * migration was applied. Until then `down` works.
   */
  readonly held?: true;
  readonly wait?: { readonly job: string; readonly args: Json };
  /** The same for the statements of `undo`, where it is another job. */
  readonly undoWait?: { readonly job: string; readonly args: Json };
  /** Secrets whose placeholders stand in `text`; their values are put in when the statement is sent, and nowhere else. */
  readonly secrets?: readonly SecretReference[];
  /**
   * How the engine carries it out, where that is worth telling a reviewer: at once, in a job that goes on after the statement
   * has answered, or as one step of a new object that takes the old one's place.
   */
  readonly reach?: "instant" | "job" | "rebuild";
}

/** One engine's way of doing one operation. Ids are stable for the same change: `drop-column.public.t.paid~3fa9c1`. */
export interface Statement extends StatementBody {
  readonly id: string;
  readonly slot: EngineName;
  readonly object: ObjectId;
  /** Index into the plan's operations. */
  readonly operation: number;
}

/** What printing, explaining and applying read alike, so that a dry run cannot differ from the run. */
export interface Plan {
  readonly warehouse: string;
  readonly operations: readonly Operation[];
  readonly statements: readonly Statement[];
}
