import type { Json } from "./json.js";

/*
 * What dw remembers per environment: locks, statement journal, check history, watermarks. One interface; state/ has an
 * implementation for PostgreSQL (also PGlite) and one for StarRocks.
 */

export interface Lease {
  /** The lock's name. */
  readonly name: string;
  /** Rises with every holder; whoever writes under a lease checks that it is still the newest. */
  readonly fence: number;
  /** Throws DW-FENCED when the lease was taken over. */
  readonly assertHeld: () => Promise<void>;
  readonly release: () => Promise<void>;
}

export interface LockHolder {
  readonly owner: string;
  /** ISO-8601, by the state store's clock. */
  readonly since: string;
}

export type StatementState = "started" | "done" | "failed";

export interface JournalEntry {
  readonly warehouse: string;
  readonly migration: string;
  readonly statement: string;
  readonly state: StatementState;
  /** ISO-8601, by the state store's clock. */
  readonly at: string;
  readonly message?: string;
}

export interface AppliedMigration {
  readonly id: string;
  readonly hash: string;
  readonly appliedAt: string;
}

/** One outcome of one check in one run; `result` as in core/check.ts. */
export interface CheckRecord {
  readonly run: string;
  readonly at: string;
  readonly warehouse: string;
  readonly model: string;
  /** Where the model was looked at: an engine's name, as a rule. Absent in what older versions remembered. */
  readonly slot?: string;
  readonly check: string;
  readonly outcome: string;
  readonly value: Json;
  readonly message: string;
}

export interface StateStore {
  /** Waits at most `waitMs` (0: not at all); DW-LOCKED names the holder. Renewed in the background until released. */
  readonly lock: (name: string, owner: string, waitMs: number) => Promise<Lease>;
  /** Oldest first; the last entry of a statement is its state. */
  readonly journal: (warehouse: string, migration: string) => Promise<readonly JournalEntry[]>;
  /** All entries or none: what runs in one transaction is also announced at once. Throws DW-FENCED. */
  readonly record: (lease: Lease, entries: readonly Omit<JournalEntry, "at">[]) => Promise<void>;
  readonly applied: (warehouse: string) => Promise<readonly AppliedMigration[]>;
  readonly markApplied: (lease: Lease, warehouse: string, migration: { readonly id: string; readonly hash: string }) => Promise<void>;
  /** After `down`: the migration is pending again; its journal and that of its way back (`<id>/down`) are forgotten. */
  readonly unmarkApplied: (lease: Lease, warehouse: string, migration: string) => Promise<void>;
  readonly recordChecks: (records: readonly CheckRecord[]) => Promise<void>;
  readonly checkHistory: (filter: {
    readonly warehouse: string;
    readonly model?: string;
    readonly slot?: string;
    readonly check?: string;
    /** ISO-8601. */
    readonly since?: string;
    readonly limit: number;
  }) => Promise<readonly CheckRecord[]>;
  /** Small named values: watermarks, restore points. */
  readonly get: (scope: string, key: string) => Promise<Json | undefined>;
  readonly put: (scope: string, key: string, value: Json) => Promise<void>;
  readonly close: () => Promise<void>;
}
