import type { Hole } from "./catalog.js";
import type { AnyCheck } from "./check-spec.js";
import type { JsonObject } from "./json.js";
import type { Dialect, EngineName, LogicalType } from "./types.js";

/*
 * Models are plain data: what authors' files export and what every later stage reads. The functions that make them, with
 * the types that catch a misspelt column, are in model/define.ts. Engine options are engine-typed there and JSON here.
 */

export type DefaultValue =
  | { readonly literal: string | number | boolean }
  | { readonly now: true }
  | { readonly sql: Readonly<Partial<Record<Dialect, string>>> };

export interface Column {
  readonly type: LogicalType;
  readonly comment: string;
  readonly nullable: boolean;
  readonly default?: DefaultValue;
  readonly unit?: string;
  /** Personal data: masked in samples, certificates, quarantine rows and alerts. */
  readonly pii?: true;
  /** IANA zone of a zone-less timestamp; falls back to the model's `zone`. */
  readonly zone?: string;
  /** An engine's own type text instead of the mapped one. */
  readonly as?: Readonly<Partial<Record<EngineName, string>>>;
  /** Engines in which the author accepts that values change, with the reason. */
  readonly accept?: Readonly<Partial<Record<EngineName, string>>>;
  /** Computed by the engine from other columns of the row. */
  readonly generated?: Readonly<Partial<Record<Dialect, string>>>;
}

export type Columns = Readonly<Record<string, Column>>;

/** `within` is a duration such as `26h`, `5 min`, `2 days`: the newest value of `column` may be no older. */
export interface Freshness {
  readonly column: string;
  readonly within: string;
  readonly severity?: Severity;
}

/** What a violated check without thresholds gives: a warning or a failure. */
export type Severity = "warn" | "error";

export interface Reference {
  readonly columns: readonly string[];
  readonly model: string;
  readonly to: readonly string[];
}

/** Where a model file stands, for messages; filled by model/load.ts. */
export interface Origin {
  readonly warehouse: string;
  /** Relative to the project, with forward slashes. */
  readonly file: string;
}

interface Common {
  readonly name: string;
  readonly layer?: string;
  readonly owner?: string;
  readonly comment?: string;
  readonly tags?: readonly string[];
  readonly origin?: Origin;
}

export type EngineOptions = Readonly<Partial<Record<EngineName, JsonObject>>>;

export interface TableModel extends Common {
  readonly model: "table";
  /** What one row is: "one row per shop and day". */
  readonly grain: string;
  readonly columns: Columns;
  readonly key?: readonly string[];
  readonly references?: readonly Reference[];
  readonly fresh?: Freshness;
  readonly checks?: readonly AnyCheck[];
  readonly zone?: string;
  readonly on: EngineOptions;
}

/** `${table}` or `${table.col.x}` inside a SQL body. */
export type SqlReference =
  | { readonly ref: "model"; readonly model: string }
  | { readonly ref: "column"; readonly model: string; readonly column: string };

/** A SQL body in one dialect, with references kept as objects so that lineage needs no guessing. */
export interface SqlBody {
  readonly dialect: Dialect;
  readonly parts: readonly (string | SqlReference)[];
}

export type SqlBodies = Readonly<Partial<Record<Dialect, SqlBody>>>;

export interface ViewModel extends Common {
  readonly model: "view";
  readonly columns: Columns;
  readonly query: SqlBodies;
  readonly checks?: readonly AnyCheck[];
  readonly fresh?: Freshness;
  readonly on: EngineOptions;
}

/** A StarRocks materialized view, a TimescaleDB continuous aggregate or a PostgreSQL materialized view, by `on`. */
export interface MaterializedViewModel extends Common {
  readonly model: "materialized-view";
  readonly grain: string;
  readonly columns: Columns;
  readonly key?: readonly string[];
  readonly query: SqlBodies;
  readonly checks?: readonly AnyCheck[];
  readonly fresh?: Freshness;
  readonly zone?: string;
  readonly on: EngineOptions;
}

export interface TopicModel extends Common {
  readonly model: "topic";
  readonly columns: Columns;
  /** Columns that make the message key. */
  readonly key?: readonly string[];
  readonly fresh?: Freshness;
  readonly checks?: readonly AnyCheck[];
  readonly on: EngineOptions;
}

export interface FunctionModel extends Common {
  readonly model: "function";
  readonly arguments: Readonly<Record<string, Column>>;
  readonly returns: LogicalType | { readonly table: Columns };
  readonly language: "sql" | "plpgsql";
  readonly volatility: "immutable" | "stable" | "volatile";
  readonly body: SqlBodies;
  readonly on: EngineOptions;
}

/** A table that dw does not make: a legacy lake table, another team's database. Read, never created or dropped. */
export interface SourceModel extends Common {
  readonly model: "source";
  /** `SOURCE` syntax of the command line: `iceberg:PATH`, `paimon:PATH`, `CONNECTION:REST`. */
  readonly at: string | (Hole & JsonObject);
  readonly columns?: Columns;
  readonly zone?: string;
  readonly checks?: readonly AnyCheck[];
}

export interface BackfillModel extends Common {
  readonly model: "backfill";
  /** A `defineSource` model's name or a SOURCE string. */
  readonly from: string | (Hole & JsonObject);
  /** The target model's name. */
  readonly to: string;
  /** The slot of the target model that is filled; needed only where the model is on several. */
  readonly slot?: EngineName;
  /** Files instead of a slot: `parquet:PATH`, `csv:PATH` or `jsonl:PATH` with the path of a folder. The model in `to` states their columns. */
  readonly into?: string | (Hole & JsonObject);
  /** Columns whose values become the folders `name=value` of `into`, outermost first. */
  readonly partitionBy?: readonly string[];
  /** Target column → source column or DuckDB expression over source columns. Unnamed target columns map by name. */
  readonly map?: Readonly<Record<string, ColumnMapping>>;
  /** DuckDB predicate over source columns. */
  readonly where?: string;
  /** The oldest rows that are brought, by the target's time column: a date or an instant in ISO 8601. `--since` goes before it. */
  readonly since?: string;
  /** Rows before this only; `--until` goes before it. */
  readonly until?: string;
  /** How the legacy writer meant zone-less timestamps, when the source does not say. */
  readonly sourceZone?: string;
  readonly concurrency?: number;
  readonly quarantine?: Quarantine;
  /** The owner of the target lets its retention and columnstore policies be paused while the backfill runs. */
  readonly policies?: "pause";
  /** Runs again and again; each reads what is newer than the last. */
  readonly incremental?: Incremental;
  /** DuckDB predicate over source columns: such a row deletes the target's row with its key instead of replacing it. */
  readonly deletedWhen?: string;
  /** Chunks go to a staging table; the checks of the target and of the backfill run on it, and then everything is seen at once, or nothing. */
  readonly publish?: "audited";
  readonly checks?: readonly AnyCheck[];
}

/** By a column, or from snapshot to snapshot of a lake table: then also what was changed and removed in between is seen. */
export type Incremental = ByColumn | { readonly by: "snapshot" };

/**
 * The watermark is the greatest value of a source column that has been loaded: from the rows, never from a clock. The next run
 * reads what is above it, and again what is above it less `lateness`, for rows that arrive late.
 */
export interface ByColumn {
  readonly column: string;
  /** A duration for times, a number for integers. Rows that arrive later than that are not seen. */
  readonly lateness?: string | number;
}

/** Rows that the target cannot hold are set aside with the reason instead of stopping the run. */
export interface Quarantine {
  /** So many rows, or such a share of all (`0.1%`); with more, nothing is loaded. */
  readonly most: number | `${number}%`;
}

export type ColumnMapping =
  | { readonly column: string }
  | ZonedColumn
  | TranslatedColumn
  | ScaledColumn
  | JsonColumn
  | { readonly sql: string }
  | { readonly constant: string | number | boolean | null };

/** Codes that become other values: `{ A: "active", I: "inactive" }`. A value that is not named is refused or set aside; NULL stays NULL. */
export interface TranslatedColumn {
  readonly column: string;
  readonly values: Readonly<Record<string, string | number | boolean>>;
}

/** Another unit: value × factor + offset. Decimal numbers, as texts where they have many digits. */
export interface ScaledColumn {
  readonly column: string;
  readonly factor: string | number;
  readonly offset?: string | number;
}

/** A value out of a JSON document: `$.station.id`. What is not there is NULL. */
export interface JsonColumn {
  readonly column: string;
  readonly path: string;
}

/** A column of wall-clock times that becomes an instant. */
export interface ZonedColumn {
  readonly column: string;
  /** IANA zone whose clocks the writer read. */
  readonly zone: string;
  /**
   * Which instant a time means that clocks show twice in the night when they are set back. `by`: a DuckDB predicate over
   * source columns that is true for the second one, such as `utc_offset = '+01:00'`. Absent: such a time is refused.
   */
  readonly repeated?: "first" | "second" | { readonly by: string };
}

/** A check that belongs to no single model. */
export interface CheckModel extends Common {
  readonly model: "check";
  /** Models that it reads. */
  readonly on: readonly string[];
  readonly spec: AnyCheck;
}

export interface PipelineModel extends Common {
  readonly model: "pipeline";
  readonly schedule?: string;
  readonly steps: readonly JsonObject[];
}

/** What one engine keeps beside tables: an external catalog, a role, a load job. Its options in `on` say what it is. */
export interface ObjectModel extends Common {
  readonly model: "object";
  readonly on: EngineOptions;
}

export type Model =
  | ObjectModel
  | TableModel
  | ViewModel
  | MaterializedViewModel
  | TopicModel
  | FunctionModel
  | SourceModel
  | BackfillModel
  | CheckModel
  | PipelineModel;

export type ModelKind = Model["model"];

/** Models that hold rows and can be checked, read or filled. */
export type RelationModel = TableModel | ViewModel | MaterializedViewModel;
