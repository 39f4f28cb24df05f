import type { Chunk, OpenChunk, ReadPlan, SourceColumn } from "./source.js";

/*
 * Loading. A target takes one chunk at a time and promises it exactly once: its own ledger row and the rows appear
 * together, or neither does. app/backfill asks `state` first and after every doubt.
 */

export interface LoadIdentity {
  /** Backfill name: part of every ledger key. */
  readonly backfill: string;
  /** ReadPlan.identity plus a hash of mapping and predicate. */
  readonly source: string;
}

export type ChunkState = "loaded" | "absent" | "unknown";

export interface LoadedChunk {
  readonly chunk: string;
  readonly rows: number;
  /** Aggregates of the source side, recorded with the rows; see backfill/reconcile.ts. */
  readonly fingerprint: string;
}

export interface LoadSession {
  /** Chunks that this identity has loaded already. Throws DW-LEDGER-CONFLICT when the ledger holds another source. */
  readonly loaded: () => Promise<readonly LoadedChunk[]>;
  /** Loads one open chunk; resolves when rows and ledger row are durable together. */
  readonly load: (chunk: Chunk, open: OpenChunk, fingerprint: string, signal: AbortSignal) => Promise<LoadedChunk>;
  readonly close: () => Promise<void>;
}

export interface Target {
  readonly title: string;
  /** Columns of the target in order, as it holds them now. */
  readonly columns: () => Promise<readonly SourceColumn[]>;
  readonly start: (identity: LoadIdentity, plan: ReadPlan) => Promise<LoadSession>;
}
