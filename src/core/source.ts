import type { Fingerprint, FingerprintColumn } from "./fingerprint.js";
import type { Column } from "./model.js";
import type { LogicalType } from "./types.js";

/*
 * Reading. A source plans from metadata only and answers with chunks; a chunk opens into one SELECT that DuckDB runs.
 * Nothing here walks rows.
 */

export interface SourceColumn {
  readonly name: string;
  readonly type: LogicalType;
  readonly nullable: boolean;
  readonly comment?: string;
  /** Iceberg and Paimon field id. */
  readonly fieldId?: number;
}

/** Which state of the table is read. At most one is given; none means the current one. */
export interface At {
  readonly snapshot?: string;
  readonly ref?: string;
  /** Instant, milliseconds since the epoch. */
  readonly asOf?: number;
}

export interface ReadRequest {
  /** Columns wanted, in this order; all when absent. */
  readonly columns?: readonly string[];
  /** A DuckDB predicate over the table's columns. It is applied exactly; a source may also prune files by it. */
  readonly where?: string;
  /**
   * `where` leaves a range of one column: a database reads it by an index, as one chunk if it can, and `identity` names the
   * table without looking at its rows. Others plan as always.
   */
  readonly ranged?: true;
  /** Units of the plan that are left out, by `contents` of another plan with the same columns and predicate. */
  readonly except?: ReadonlySet<string>;
}

/** A piece of a table that is read, loaded, recorded and reconciled as one. */
export interface Chunk {
  /** Deterministic for the same snapshot and request; safe in labels: [A-Za-z0-9_-]{1,64}. */
  readonly id: string;
  /** For people: `dt=2024-01-01/hr=3`, `rows 0–99999`. */
  readonly title: string;
  /** From metadata; before deletes and predicates. Absent when unknown. */
  readonly rows?: number;
  readonly bytes: number;
  readonly files: readonly string[];
}

/** A chunk made readable: `sql` is a SELECT giving exactly the requested columns, in order, by name, in DuckDB types. */
export interface OpenChunk {
  readonly sql: string;
  /** Frees temporary tables and spool files. */
  readonly close: () => Promise<void>;
}

export interface ReadPlan {
  readonly columns: readonly SourceColumn[];
  /** Identity of what is read: `iceberg:<uuid>@<snapshot>`. A ledger never mixes two. */
  readonly identity: string;
  /** True when the same identity always gives the same rows (a lake snapshot, immutable files). */
  readonly immutable: boolean;
  /** True where reading a chunk twice is no matter: local files that DuckDB reads by itself. */
  readonly near?: boolean;
  /** True where rows are texts that every reading parses anew: whoever needs a chunk twice keeps it. */
  readonly textual?: boolean;
  readonly chunks: readonly Chunk[];
  /**
   * What each unit of the read is made of (a data file and the deletes that apply to it), whatever `except` leaves out: a unit
   * of the same content has the same rows in every snapshot. Absent where snapshots cannot be compared in this way.
   */
  readonly contents?: readonly string[];
  /** `db` is the DuckDB connection on which the chunk's sql will run (temporary tables live there). */
  readonly open: (chunk: Chunk, db: DuckDbSession) => Promise<OpenChunk>;
  /** Says that a chunk will be opened soon: its files may be brought here meanwhile. Never fails. */
  readonly prefetch?: (chunk: Chunk) => void;
  /** Absent where a target of the same kind could not take the rows as the source writes them. */
  readonly relay?: RelaySource;
}

/** A server whose rows another one of its kind can take as they are. Every call sees the plan's snapshot. */
export interface RelaySource {
  /** The server's text of each column's type, of those types that mean the same on every such server: `numeric(18,4)`. */
  readonly types: ReadonlyMap<string, string>;
  /** Every row of a chunk, in the form that both sides know. */
  readonly rows: (chunk: Chunk, columns: readonly string[]) => AsyncIterable<Uint8Array>;
  /** By the server's own SQL. */
  readonly fingerprint: (chunk: Chunk, columns: readonly RelayedColumn[]) => Promise<Fingerprint>;
}

/** A column of the target, with the source's column that fills it. */
export interface RelayedColumn extends FingerprintColumn {
  readonly from: string;
}

export interface SourceTable {
  readonly title: string;
  readonly columns: readonly SourceColumn[];
  readonly plan: (request: ReadRequest) => Promise<ReadPlan>;
  /** What `dw inspect` shows; plain JSON-like data in sections. */
  readonly inspect: () => Promise<Inspection>;
  readonly close: () => Promise<void>;
}

export interface Inspection {
  readonly format: string;
  readonly location: string;
  readonly facts: readonly { readonly name: string; readonly value: string }[];
  readonly columns: readonly SourceColumn[];
  readonly sections: readonly InspectionSection[];
  /** Features that dw refuses here, each with its reason. Empty when the table can be read. */
  readonly refused: readonly string[];
}

export interface InspectionSection {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly (string | number | null)[])[];
}

/** A format opens a path; `typed` are the columns of a model, for formats without types (CSV). */
export interface OpenSource {
  readonly at: At;
  readonly typed?: Readonly<Record<string, Column>>;
}

/**
 * The part of a DuckDB connection that sources and targets use; connections/duckdb.ts implements it.
 * Every method runs on one connection, so temporary tables persist until dropped or closed.
 */
export interface DuckDbSession {
  readonly run: (sql: string) => Promise<void>;
  /** Small results only: values as JSON-safe JavaScript (bigint and decimal as strings). */
  readonly rows: <Row extends Record<string, unknown>>(sql: string) => Promise<Row[]>;
  /** First column of the result as strings (null stays null), one array a vector of up to 2048 rows; memory bounded. */
  readonly strings: (sql: string, signal?: AbortSignal) => AsyncIterable<readonly (string | null)[]>;
  /** What `read` makes of a result, up to 2048 rows at a time, as DuckDB holds them: the vectors are valid until it returns. */
  readonly vectors: <Piece>(sql: string, read: (rows: VectorRows) => Piece, signal?: AbortSignal) => AsyncIterable<Piece>;
  /** Creates a temporary table from columns; see connections/duckdb.ts for the value forms. */
  readonly appendColumns: (
    table: string,
    batches: AsyncIterable<ColumnBatch> | Iterable<ColumnBatch>,
    columns: readonly AppendColumn[],
  ) => Promise<void>;
  /**
   * Makes a function of two BLOBs known to SQL, for values whose form only we know; NULL when one of them is. Asking again is
   * harmless. What `fold` throws ends the statement: a DwError with its code.
   */
  readonly blobFunction: (name: string, fold: (a: Uint8Array, b: Uint8Array) => Uint8Array) => void;
  /** The same of one value of any type, which need not be the same in every statement. */
  readonly valueFunction: (name: string, of: (value: StoredValue) => Uint8Array) => void;
}

/**
 * A value as a function of SQL gets it. A scalar's `type` is DuckDB's name; its `value` is what chunkValues (connections) takes
 * for that type, but integers of every width are bigint, and texts are their UTF-8 bytes.
 */
export type StoredValue =
  | { readonly is: "null" }
  | { readonly is: "struct"; readonly members: ReadonlyMap<string, StoredValue> }
  | { readonly is: "list"; readonly items: readonly StoredValue[] }
  | { readonly is: "scalar"; readonly type: string; readonly value: StoredScalar; readonly scale: number };

export type StoredScalar = boolean | number | bigint | Uint8Array;

export interface VectorRows {
  readonly rows: number;
  readonly columns: readonly ValueVector[];
}

/** Values of one width side by side, little-endian; a VARCHAR or BLOB is an entry of 16 bytes, of which the first four are its length. */
export interface ValueVector {
  readonly bytes: Uint8Array;
  /** A bit a row, lowest first: 0 is NULL. Undefined: there is none. */
  readonly valid: Uint8Array | undefined;
  /** Bytes of a VARCHAR or BLOB. */
  readonly content: (row: number, length: number) => Uint8Array;
}

export interface AppendColumn {
  readonly name: string;
  /** DuckDB type text. */
  readonly type: string;
}

/** `columns[i]` has `rows` values for the i-th AppendColumn; null for NULL. */
export interface ColumnBatch {
  readonly rows: number;
  readonly columns: readonly ArrayLike<unknown>[];
}
