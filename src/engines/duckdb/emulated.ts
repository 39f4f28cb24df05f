import { type CatalogObject, displayName } from "../../core/catalog.js";
import { DwError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { TypeMapping } from "../../core/loss.js";
import type { Operation } from "../../core/operation.js";
import type { Sql } from "../../core/sql.js";
import { type EngineName, type LogicalType, typeText } from "../../core/types.js";
import { duckdb } from "./dialect.js";
import { mapType } from "./types.js";

/*
 * What the emulation has to know of an engine that DuckDB stands in for. An engine's objects become shapes here; everything
 * after that (emulate.ts, emulate-table.ts, emulate-look.ts) is the same for all of them.
 */

export interface EmulatedEngine {
  readonly slot: EngineName;
  /** As people call it. */
  readonly label: string;
  /** What the emulation does differently, for people. Whatever is neither the same nor listed here is refused. */
  readonly differences: readonly string[];
  /** Databases that are always there, so that no object makes them. */
  readonly given: readonly string[];
  /** The object in DuckDB's words. Throws DW-EMULATION-UNSUPPORTED. */
  readonly shape: (object: CatalogObject) => Shape;
  /** What happens to rows and columns when the engine's own action is done; the rest is only recorded. */
  readonly act: (object: CatalogObject, action: JsonObject) => readonly Effect[];
  readonly mapType: (type: LogicalType) => TypeMapping;
  /** The object with the columns that DuckDB really has. */
  readonly asFound: (object: CatalogObject, found: FoundColumns) => CatalogObject;
}

export type Shape = { readonly kind: "database"; readonly name: readonly string[] } | Table | Query | { readonly kind: "record" };

/** `key`: its rows are merged, so that DuckDB has to know it; empty where every row stays. */
export interface Table {
  readonly kind: "table";
  readonly name: readonly string[];
  readonly columns: readonly Column[];
  readonly key: readonly string[];
  /** CAST answers NULL for what a type cannot hold. */
  readonly lenient?: true;
  /** A new column stands where the table has it; elsewhere it stands last. */
  readonly inOrder?: true;
}

export interface Column {
  readonly name: string;
  readonly type: Sql;
  readonly nullable: boolean;
  readonly default?: Sql;
}

/** A view, or a table that is filled from its query on request. */
export interface Query {
  readonly kind: "query";
  readonly name: readonly string[];
  /** As the query gives them. */
  readonly columns: readonly string[];
  /** Throws DW-EMULATION-UNSUPPORTED. */
  readonly text: () => Sql;
  /** `columns`: in the table's own order. */
  readonly stored?: { readonly filled: boolean; readonly columns: readonly string[] };
}

export type Effect = Operation | { readonly op: "delete-rows"; readonly table: Table; readonly where: Sql };

export interface FoundColumns {
  /** Recorded columns that exist, with DuckDB's type and nullability where they are not what was made. */
  readonly patch: <Recorded extends RecordedColumn>(columns: readonly Recorded[]) => Recorded[];
  /** Columns that nobody recorded. */
  readonly strange: readonly { readonly name: string; readonly type: string; readonly nullable: boolean; readonly comment: "" }[];
}

export interface RecordedColumn {
  readonly name: string;
  readonly type: string;
  readonly nullable?: boolean;
}

/** The DuckDB type that a column is emulated with. */
export function columnType(label: string, object: CatalogObject, column: string, logical: LogicalType): Sql {
  const { native, level, note } = mapType(logical);
  if (level === "impossible") throw refusal(label, object, `column ${column} is ${typeText(logical)}`, note);
  return duckdb.raw(native);
}

/** `what` completes "table shop.orders: …"; without `fix` only the engine itself can help. */
export function refusal(label: string, object: CatalogObject, what: string, why: string, fix?: string): DwError {
  const model = object.model === undefined ? "" : ` (model ${object.model})`;
  return new DwError("DW-EMULATION-UNSUPPORTED", {
    what: `${object.kind} ${displayName(object.name)}${model}: ${what}, which the embedded emulation of ${label} does not run.`,
    why: `${why[0]?.toUpperCase()}${why.slice(1)}; a result that differs from ${label}'s would mislead.`,
    fix: fix ?? `Use an environment with a ${label} connection for this model.`,
  });
}

/** What to write into a model whose query DuckDB cannot be asked as it is. */
export function duckdbBody({ slot, label }: Pick<EmulatedEngine, "slot" | "label">): string {
  return `Give the query a DuckDB body too (\`query: { ${slot}: …, duckdb: sql.duckdb\`…\` }\`), or use an environment with a ${label} connection.`;
}
