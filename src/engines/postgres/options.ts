import type { Hole } from "../../core/catalog.js";

type PerEnvironment<T> = T | Hole;

export interface PostgresIndex<C extends string> {
  /** Made from table and columns when absent. */
  readonly name?: string;
  readonly columns: readonly (C | { readonly column: C; readonly order: "asc" | "desc" })[];
  readonly unique?: boolean;
  readonly method?: "btree" | "hash" | "gin" | "gist" | "brin";
  readonly where?: string;
}

/** What a table model can say for PostgreSQL; TimescaleDB adds to it. */
export interface PostgresTableOptions<C extends string> {
  readonly schema?: PerEnvironment<string>;
  readonly name?: string;
  readonly indexes?: readonly PostgresIndex<C>[];
}

export interface PostgresViewOptions {
  readonly schema?: PerEnvironment<string>;
  readonly name?: string;
}

export interface PostgresMaterializedViewOptions<C extends string> extends PostgresViewOptions {
  readonly indexes?: readonly PostgresIndex<C>[];
}

export interface PostgresFunctionOptions extends PostgresViewOptions {}
