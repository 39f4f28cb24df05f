import type { Certificate } from "../../backfill/certificate.js";
import type { Mended } from "../../backfill/mend.js";
import type { Conversation } from "../../core/conversation.js";
import type { ResolvedEnvironment } from "../../core/environment.js";
import type { EngineName } from "../../core/types.js";
import type { Project } from "../project.js";

export interface BackfillCall {
  readonly project: Project;
  readonly environment: ResolvedEnvironment;
  readonly warehouse?: string;
  readonly names: readonly string[];
  readonly source?: string;
  readonly target?: string;
  readonly signal: AbortSignal;
  readonly conversation: Conversation;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface RunFlags {
  readonly where?: string;
  readonly since?: string;
  readonly until?: string;
  readonly concurrency?: number;
  /** Of `verify`: rows that differ are copied again. */
  readonly recopy?: boolean;
  /** Where certificates are written, relative to the project; `.dw/certificates` when absent. */
  readonly certificates?: string;
}

export interface BackfillReport {
  readonly backfill: string;
  readonly environment: string;
  /** The engine that the target is of, where another one stands in for it. */
  readonly emulated: EngineName | null;
  readonly source: string;
  readonly target: string;
  readonly verdict: Certificate["verdict"];
  readonly rows: Certificate["rows"];
  /** Rows that were rejected; null where the backfill allows none. */
  readonly quarantined: string | null;
  readonly chunks: number;
  /** Chunks that this run loaded; the others were there before. */
  readonly loadedNow: number;
  /** Relative to the project. */
  readonly certificate: string;
  readonly findings: Certificate["findings"];
  readonly differences: Certificate["differences"];
  /** What `verify --recopy` did before the verdict. */
  readonly mended?: Mended;
}
