import type { EngineName } from "./types.js";

/**
 * What happens to a column's values in an engine.
 * lossless: every value comes back equal. widened: every value comes back equal, and more would be accepted.
 * lossy: some values come back changed (rounded, truncated, zone lost): must be accepted in the model. impossible: refused.
 */
export type LossLevel = "lossless" | "widened" | "lossy" | "impossible";

export interface TypeMapping {
  /** The engine's own type text, as it stands in DDL; empty when impossible. */
  readonly native: string;
  readonly level: LossLevel;
  /** What is lost or widened, for a person; empty when lossless. */
  readonly note: string;
}

/** One line of the loss report. */
export interface Loss extends TypeMapping {
  readonly engine: EngineName;
  readonly model: string;
  readonly column: string;
  readonly logical: string;
  /** The reason the author gave for accepting a lossy mapping. */
  readonly accepted?: string;
}
