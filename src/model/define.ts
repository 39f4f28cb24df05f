import type { Hole } from "../core/catalog.js";
import type { AnyCheck } from "../core/check-spec.js";
import type { Json, JsonObject } from "../core/json.js";
import type {
  BackfillModel,
  CheckModel,
  Column,
  ColumnMapping,
  Columns,
  EngineOptions,
  Freshness,
  FunctionModel,
  Incremental,
  MaterializedViewModel,
  PipelineModel,
  Quarantine,
  SourceModel,
  SqlBodies,
  SqlReference,
  TableModel,
  TopicModel,
  ViewModel,
} from "../core/model.js";
import type { EngineName } from "../core/types.js";
import type { AnyColumn, AnyColumns, ValueOf } from "./columns.js";
import type { FunctionOptions, MaterializedViewOptions, TableOptions, TopicOptions, ViewOptions } from "./engine-options.js";

/*
 * What authors import. Each function turns a typed literal into a plain model; the generics only make the compiler refuse
 * what cannot be (a key or partition on a column that the model does not have, an option of another engine).
 */

type Name<Cs> = keyof Cs & string;

/** `model.col.paid`: a column as an object, for SQL bodies and references. */
export type ColumnReferences<Cs> = { readonly [Column in Name<Cs>]: SqlReference & { readonly ref: "column" } };

/** Only a type: lets RowOf and Database see the columns. */
export interface Typed<Cs> {
  readonly col: ColumnReferences<Cs>;
  readonly $columns?: Cs;
}

interface Described {
  readonly layer?: string;
  readonly owner?: string;
  readonly comment?: string;
  readonly tags?: readonly string[];
}

interface TypedFreshness<C extends string> extends Freshness {
  readonly column: C;
}

export interface TypedReference<C extends string> {
  readonly columns: readonly C[];
  readonly model: { readonly name: string } | string;
  readonly to: readonly string[];
}

export interface TableDefinition<Cs extends AnyColumns> extends Described {
  readonly grain: string;
  readonly columns: Cs;
  readonly key?: readonly NoInfer<Name<Cs>>[];
  readonly references?: readonly TypedReference<NoInfer<Name<Cs>>>[];
  readonly fresh?: TypedFreshness<NoInfer<Name<Cs>>>;
  readonly checks?: readonly AnyCheck<NoInfer<Name<Cs>>>[];
  readonly zone?: string;
  readonly on: TableOptions<NoInfer<Name<Cs>>>;
}

export type Table<Cs extends AnyColumns> = TableModel & Typed<Cs>;

export function defineTable<const Cs extends AnyColumns>(name: string, definition: TableDefinition<Cs>): Table<Cs> {
  const { columns, references, on, ...rest } = definition;
  return {
    model: "table",
    name,
    ...rest,
    ...(references && { references: references.map(plainReference) }),
    columns: plainColumns(columns),
    on: engineOptions(on),
    ...referable<Cs>(name, columns),
  };
}

export interface ViewDefinition<Cs extends AnyColumns> extends Described {
  readonly columns: Cs;
  readonly query: SqlBodies;
  readonly fresh?: TypedFreshness<NoInfer<Name<Cs>>>;
  readonly checks?: readonly AnyCheck<NoInfer<Name<Cs>>>[];
  readonly on: ViewOptions;
}

export function defineView<const Cs extends AnyColumns>(name: string, definition: ViewDefinition<Cs>): ViewModel & Typed<Cs> {
  const { columns, on, ...rest } = definition;
  return { model: "view", name, ...rest, columns: plainColumns(columns), on: engineOptions(on), ...referable<Cs>(name, columns) };
}

export interface MaterializedViewDefinition<Cs extends AnyColumns> extends Described {
  readonly grain: string;
  readonly columns: Cs;
  readonly key?: readonly NoInfer<Name<Cs>>[];
  readonly query: SqlBodies;
  readonly fresh?: TypedFreshness<NoInfer<Name<Cs>>>;
  readonly checks?: readonly AnyCheck<NoInfer<Name<Cs>>>[];
  readonly zone?: string;
  readonly on: MaterializedViewOptions<NoInfer<Name<Cs>>>;
}

/** A StarRocks materialized view, a TimescaleDB continuous aggregate or a PostgreSQL materialized view, by `on`. */
export function defineMaterializedView<const Cs extends AnyColumns>(
  name: string,
  definition: MaterializedViewDefinition<Cs>,
): MaterializedViewModel & Typed<Cs> {
  const { columns, on, ...rest } = definition;
  return {
    model: "materialized-view",
    name,
    ...rest,
    columns: plainColumns(columns),
    on: engineOptions(on),
    ...referable<Cs>(name, columns),
  };
}

export interface TopicDefinition<Cs extends AnyColumns> extends Described {
  readonly columns: Cs;
  readonly key?: readonly NoInfer<Name<Cs>>[];
  readonly fresh?: TypedFreshness<NoInfer<Name<Cs>>>;
  readonly checks?: readonly AnyCheck<NoInfer<Name<Cs>>>[];
  readonly on: TopicOptions<NoInfer<Name<Cs>>>;
}

export function defineTopic<const Cs extends AnyColumns>(name: string, definition: TopicDefinition<Cs>): TopicModel & Typed<Cs> {
  const { columns, on, ...rest } = definition;
  return { model: "topic", name, ...rest, columns: plainColumns(columns), on: engineOptions(on), ...referable<Cs>(name, columns) };
}

export interface FunctionDefinition extends Described {
  readonly arguments: AnyColumns;
  readonly returns: AnyColumn | { readonly table: AnyColumns };
  readonly language: "sql" | "plpgsql";
  readonly volatility?: "immutable" | "stable" | "volatile";
  readonly body: SqlBodies;
  readonly on: FunctionOptions;
}

export function defineFunction(name: string, definition: FunctionDefinition): FunctionModel {
  const { arguments: args, returns, on, volatility = "volatile", ...rest } = definition;
  return {
    model: "function",
    name,
    ...rest,
    volatility,
    arguments: plainColumns(args),
    returns: "table" in returns ? { table: plainColumns(returns.table) } : returns.column.type,
    on: engineOptions(on),
  };
}

export interface SourceDefinition<Cs extends AnyColumns> extends Described {
  readonly at: string | Hole;
  readonly columns?: Cs;
  readonly zone?: string;
  readonly checks?: readonly AnyCheck<NoInfer<Name<Cs>>>[];
}

/** A table that dw reads and never makes: a legacy lake, another team's database. */
export function defineSource<const Cs extends AnyColumns>(name: string, definition: SourceDefinition<Cs>): SourceModel & Typed<Cs> {
  const { columns, at, ...rest } = definition;
  return {
    model: "source",
    name,
    ...rest,
    at: asText(at),
    ...(columns && { columns: plainColumns(columns) }),
    ...referable<Cs>(name, columns ?? ({} as Cs)), // no columns given: none can be referred to
  };
}

type ModelRef = { readonly name: string };

export interface BackfillDefinition<To extends ModelRef> extends Described {
  readonly from: ModelRef | string | Hole;
  readonly to: To;
  readonly slot?: EngineName;
  /** Files instead of a slot: `parquet:PATH`, `csv:PATH` or `jsonl:PATH`. */
  readonly into?: string | Hole;
  /** Columns whose values become the folders `name=value` of `into`, outermost first. */
  readonly partitionBy?: readonly (To extends Typed<infer Cs> ? Name<Cs> : string)[];
  readonly map?: Readonly<Partial<Record<To extends Typed<infer Cs> ? Name<Cs> : string, ColumnMapping>>>;
  readonly where?: string;
  /** Bounds of the target's time column, ISO 8601; the flags of `dw backfill` go before them. */
  readonly since?: string;
  readonly until?: string;
  readonly sourceZone?: string;
  readonly concurrency?: number;
  readonly quarantine?: Quarantine;
  readonly policies?: "pause";
  readonly incremental?: Incremental;
  readonly deletedWhen?: string;
  readonly publish?: "audited";
  readonly checks?: readonly AnyCheck[];
}

export function defineBackfill<const To extends ModelRef>(name: string, definition: BackfillDefinition<To>): BackfillModel {
  const { from, to, map, into, ...rest } = definition;
  return {
    model: "backfill",
    name,
    ...rest,
    from: typeof from === "object" && "name" in from && typeof from.name === "string" ? from.name : asText(from as string | Hole),
    to: to.name,
    ...(into !== undefined && { into: asText(into) }),
    ...(map && { map: map as Record<string, ColumnMapping> }), // Partial<Record> of present keys
  };
}

export function defineCheck(
  name: string,
  definition: Described & { readonly on: readonly ModelRef[]; readonly spec: AnyCheck },
): CheckModel {
  const { on, ...rest } = definition;
  return { model: "check", name, ...rest, on: on.map((model) => model.name) };
}

export function definePipeline(
  name: string,
  definition: Described & { readonly schedule?: string; readonly steps: readonly JsonObject[] },
): PipelineModel {
  return { model: "pipeline", name, ...definition };
}

/** A value that differs per environment; `default` serves those that are not named. */
export function perEnv<T extends Json>(values: { readonly default: T; readonly [environment: string]: T }): Hole {
  return { $env: values };
}

/** A row of a model, in the encoding of `dw cat`. */
export type RowOf<M> = M extends { readonly $columns?: infer Cs }
  ? { -readonly [Column in keyof NonNullable<Cs>]: ValueOf<NonNullable<Cs>[Column]> }
  : never;

/** A kysely Database type from a record of models: `Database<{ orders: typeof orders }>`, keyed by table name. */
export type Database<Models> = { [Table in keyof Models]: RowOf<Models[Table]> };

function plainColumns(columns: AnyColumns): Columns {
  const entries = Object.entries(columns).map(([name, builder]): [string, Column] => [name, builder.column]);
  return Object.fromEntries(entries);
}

function plainReference(reference: TypedReference<string>): { columns: readonly string[]; model: string; to: readonly string[] } {
  return { ...reference, model: typeof reference.model === "string" ? reference.model : reference.model.name };
}

function referable<Cs extends AnyColumns>(model: string, columns: Cs): Typed<Cs> {
  const col = Object.fromEntries(Object.keys(columns).map((column) => [column, { ref: "column", model, column }]));
  return { col: col as ColumnReferences<Cs> }; // built from exactly the keys of Cs
}

/** Engine options are JSON by construction; interfaces just lack the index signature that would say so. */
function engineOptions(options: object): EngineOptions {
  return options as EngineOptions;
}

function asText(value: string | Hole): string | (Hole & JsonObject) {
  return value as string | (Hole & JsonObject); // as above: a Hole is JSON
}
