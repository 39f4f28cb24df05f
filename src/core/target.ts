import type { Fingerprint, FingerprintColumn, WatermarkRange } from "./fingerprint.js";
import type { Measures } from "./measures.js";
import type { Chunk, DuckDbSession, SourceColumn } from "./source.js";
import type { EngineName, LogicalType } from "./types.js";

/*
 * Loading. A target takes one chunk at a time and promises it exactly once: its own ledger row and the rows appear
 * together, or neither does. backfill/run.ts asks `loaded` first and after every doubt.
 */

export interface LoadIdentity {
  /** Backfill name: part of every ledger key. */
  readonly backfill: string;
  /** ReadPlan.identity, for people. */
  readonly source: string;
  /** Hash of identity, mapping and predicate: the ledger never mixes two under one name. */
  readonly digest: string;
}

/** A chunk that is ready to be loaded: `sql` runs on `db` and gives the target's columns, in order, in their DuckDB types. */
export interface LoadableChunk {
  readonly chunk: Chunk;
  readonly db: DuckDbSession;
  readonly sql: string;
  /** Of the rows that `sql` gives; recorded in the ledger together with them. One that is `countedOnly` gets the number that arrived. */
  readonly fingerprint: Fingerprint;
  /** Rows of the chunk that are set aside: SQL on `db` with the texts `reason` and `row`. They are kept together with the chunk. */
  readonly rejected?: string;
  /** Chunks whose place this one takes: their ledger rows go with the same commit. */
  readonly supersedes?: readonly string[];
  /** How it meets the rows that are there; absent: they are added. Only what `applies` of the target names is asked for. */
  readonly apply?: Apply;
}

/**
 * Both are read back by the target's own SQL before their commit: DW-RECONCILE-MISMATCH where it does not find the chunk's
 * fingerprint.
 */
export type Apply =
  /** The chunk is everything that the target holds in a range of `column`: what is there gives way. Bounds as texts that the target's SQL reads. */
  | ({ readonly apply: "replace"; readonly column: string } & WatermarkRange)
  /** Rows replace those with the same key; `gone` is SQL on `db` that gives the keys (the key's columns) of rows to delete. */
  | { readonly apply: "upsert"; readonly key: readonly string[]; readonly gone?: string };

/** A chunk whose rows the target takes as the source writes them. */
export interface RelayedChunk {
  readonly chunk: Chunk;
  /** Columns of the target, in the order in which the rows have them. */
  readonly columns: readonly string[];
  readonly rows: () => AsyncIterable<Uint8Array>;
}

export interface LoadedChunk {
  readonly chunk: string;
  readonly title: string;
  readonly fingerprint: Fingerprint;
  /** ISO-8601, by the target's clock. */
  readonly loadedAt: string;
}

export interface TargetColumn extends SourceColumn {
  /** False for columns that the engine computes: they are never loaded and not compared. */
  readonly writable: boolean;
  /** The engine fills it when a load leaves it out. */
  readonly hasDefault: boolean;
}

/**
 * What happens to rows that are loaded. `append`: every row becomes a row. `upsert`: a row replaces the one with the same
 * key. `aggregate`: rows of one key merge, so that only what the functions keep (SUM) can be compared.
 */
export type MergeRule =
  | { readonly merge: "append" }
  | { readonly merge: "upsert"; readonly key: readonly string[] }
  | { readonly merge: "aggregate"; readonly key: readonly string[]; readonly functions: Readonly<Record<string, string>> };

export interface LoadSession {
  /** Fingerprint of the table before the first chunk of this backfill, taken once and kept in the ledger. */
  readonly baseline: Fingerprint;
  /** Chunks that this identity has loaded already. */
  readonly loaded: () => Promise<readonly LoadedChunk[]>;
  /**
   * Loads one chunk; resolves when rows and ledger row are durable together, and also when another run had loaded it in the
   * meantime. Rejects with DW-VALUE-REFUSED, DW-LOAD-CONFLICT, DW-LOAD-UNKNOWN, DW-CONNECT, DW-TIMEOUT.
   */
  readonly load: (rows: LoadableChunk, signal: AbortSignal) => Promise<LoadedChunk>;
  /** As `load`, for rows of a RelaySource; they are only counted. */
  readonly relay?: (rows: RelayedChunk, signal: AbortSignal) => Promise<LoadedChunk>;
  readonly close: () => Promise<void>;
}

export interface Mending {
  /** Rows that only the target has: how many of each hash. */
  readonly extra: ReadonlyMap<string, number>;
  readonly missing: readonly MissingRows[];
}

/** Rows of one chunk that only the source has: `sql` runs on `db` and gives them. `fingerprint` is of the whole chunk as it was read now. */
export interface MissingRows {
  readonly chunk: Chunk;
  readonly db: DuckDbSession;
  readonly sql: string;
  readonly rows: number;
  readonly fingerprint: Fingerprint;
}

/** Something that the engine does to rows of the table by itself, on a schedule. */
export interface UpkeepPolicy {
  readonly id: string;
  /** `retention (30 days)`. */
  readonly what: string;
  /** Set for a policy that deletes rows: those whose `column` is before `before` (as in ValueRange); null where that is not known. */
  readonly drops?: { readonly column: string; readonly before: string | null };
}

/** Values of the time column, both included: microseconds since 1970, or integers of a column that counts itself. */
export interface ValueRange {
  readonly min: string;
  readonly max: string;
}

/**
 * What must be kept out of a backfill's way, and what must be brought up to date after it. Everything that is paused or owed
 * is recorded in the target first, so that it is found and put right after a crash.
 */
export interface Upkeep {
  readonly policies: () => Promise<readonly UpkeepPolicy[]>;
  readonly pause: (backfill: string, policies: readonly UpkeepPolicy[]) => Promise<void>;
  /** Everything that this backfill has paused runs again, now or earlier; answers with what did. DW-POLICY-PAUSED. */
  readonly restore: (backfill: string) => Promise<readonly string[]>;
  readonly oweRefresh: (backfill: string) => Promise<void>;
  readonly owesRefresh: (backfill: string) => Promise<boolean>;
  /** Brings up to date what is computed from the table, in these ranges only; answers with its names. */
  readonly refresh: (backfill: string, ranges: readonly ValueRange[]) => Promise<readonly string[]>;
}

/**
 * Write, audit, publish. Chunks are loaded into a table beside the target, which nobody reads; `table` opens that place as a
 * target of its own, with the target's ledger and without staging. What it holds becomes visible by `publish`, all at once.
 */
export interface Staging {
  readonly table: () => Promise<TargetTable>;
  /** Qualified name of the staging table, outermost part first: where checks look. */
  readonly name: readonly string[];
  /** False once the rows of this backfill were published: there is nothing to stage again. */
  readonly isOpen: () => Promise<boolean>;
  /** Every staged row becomes visible at once, or none, and the staging table goes. DW-LOAD-CONFLICT. */
  readonly publish: () => Promise<void>;
}

/** Its measures are computed by its own SQL over the whole table. `rowValues` absent: rows are named by their labels alone. */
export interface TargetTable extends Omit<Measures, "rowValues">, Partial<Pick<Measures, "rowValues">> {
  readonly title: string;
  readonly engine: EngineName;
  /** Who stands in for the engine, in an embedded environment. */
  readonly emulatedBy?: EngineName;
  readonly merge: MergeRule;
  /** How rows travel, for `--dry-run`, where it is not by COPY. */
  readonly route?: string;
  /** How many chunks are worth loading at once when nobody says. */
  readonly lanes: number;
  /** Columns in order, as the target holds them now; `source` decides where the target has none of its own yet (files). */
  readonly columns: (source: readonly SourceColumn[]) => Promise<readonly TargetColumn[]>;
  /** Takes the ledger for this identity; DW-LEDGER-CONFLICT when it holds another source, snapshot or mapping. */
  readonly start: (identity: LoadIdentity, columns: readonly FingerprintColumn[]) => Promise<LoadSession>;
  /** What the ledger says about a backfill, whatever its source; undefined when it never ran here. */
  readonly ledger: (backfill: string) => Promise<LedgerEntry | undefined>;
  /** Forgets a backfill. With `empty` the table is emptied in the same transaction; without it, rows in the table refuse. */
  readonly reset: (backfill: string, empty: boolean) => Promise<void>;
  /** False for types whose values the target's SQL cannot write canonically: only their NULLs are counted. Absent: as core/fingerprint.ts says. */
  readonly hashes?: (type: LogicalType) => boolean;
  /** How many rows of a backfill are set aside. Absent: the target keeps none, and a backfill that asks for it is refused. */
  readonly quarantined?: (backfill: string) => Promise<string>;
  /** Where they lie; `dw_state.quarantine` when absent. */
  readonly quarantine?: string;
  /** What a chunk may do to rows that are there; absent: nothing. `upsert`: where the table's rows are unique by this key. */
  readonly applies?: (apply: "replace" | { readonly upsert: readonly string[] }) => Promise<boolean>;
  /** Takes rows out and puts rows in, with the ledger's fingerprints, in one commit. DW-RECONCILE-MISMATCH where a row is not found. */
  readonly mend?: (backfill: string, columns: readonly FingerprintColumn[], mending: Mending, signal: AbortSignal) => Promise<void>;
  /** Absent where the engine does nothing by itself. */
  readonly upkeep?: Upkeep;
  /** Absent where the target cannot publish what was audited: such backfills are refused. */
  readonly staging?: (backfill: string) => Staging;
  /**
   * Gives the ledger the fingerprint of a chunk that was loaded with one that is `countedOnly`; its rows are the number that
   * arrived. Absent: every chunk is hashed before it is loaded.
   */
  readonly settle?: (backfill: string, chunk: string, fingerprint: Fingerprint) => Promise<void>;
  /** As RelaySource.types. Absent: rows cannot be relayed into this target. */
  readonly relayedTypes?: () => Promise<ReadonlyMap<string, string>>;
  /** DuckDB connections on which chunks are read when the target is the DuckDB database itself. */
  readonly reader?: () => Promise<DuckDbSession & { readonly close: () => Promise<void> }>;
  readonly close: () => Promise<void>;
}

export interface LedgerEntry {
  readonly identity: LoadIdentity;
  readonly startedAt: string;
  readonly baseline: Fingerprint;
  readonly chunks: readonly LoadedChunk[];
}
