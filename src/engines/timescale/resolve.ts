import { type CatalogObject, compareText } from "../../core/catalog.js";
import type { ResolveContext, Resolved } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { MaterializedViewModel, Model, TableModel } from "../../core/model.js";
import { modelPlace } from "../../core/model-place.js";
import type {
  AggregateBody,
  ColumnstoreBody,
  HashDimension,
  HypertableBody,
  IndexBody,
  IntervalText,
  MaterializedViewBody,
  PoliciesBody,
  SparseIndexBody,
  TableBody,
} from "../postgres/body.js";
import { derivedName } from "../postgres/dialect.js";
import { optionsOf, orderedColumn, type Resolvable, type Resolving, resolveModels } from "../postgres/resolve.js";
import type { Columnstore, TimescaleAggregateOptions, TimescaleTableOptions } from "./options.js";

const DEFAULT_CHUNK_INTERVAL = "7 days";

export function resolve(models: readonly Model[], context: ResolveContext): Resolved {
  return resolveModels(models, context, { slot: "timescale", dialects: ["timescale", "postgres"] }, extend);
}

function extend(object: CatalogObject, model: Resolvable, resolving: Resolving): CatalogObject {
  if (model.model === "table") return hypertable(object as CatalogObject<TableBody>, model, resolving); // kind and body are resolved together
  if (model.model === "materialized-view") return aggregate(object as CatalogObject<MaterializedViewBody>, model, resolving);
  return object;
}

function hypertable(object: CatalogObject<TableBody>, model: TableModel, { flavor }: Resolving): CatalogObject {
  const options = optionsOf<TimescaleTableOptions<string>>(model, flavor);
  const { timeColumn } = options;
  if (timeColumn === undefined) return plainTable(object, model, options);
  const body: TableBody = {
    ...object.body,
    indexes: withTimeIndex(object.name[1] ?? model.name, timeColumn, object.body),
    hypertable: {
      timeColumn,
      chunkInterval: (options.chunkInterval ?? DEFAULT_CHUNK_INTERVAL) as IntervalText, // a Hole is JSON
      ...dimensions(options.spaceBy),
      ...(options.chunkSkipping && { skipping: [...options.chunkSkipping].sort(compareText) }),
    },
    ...columnstoreAndPolicies(options, timeColumn),
  };
  return { ...object, body };
}

function dimensions(option: TimescaleTableOptions<string>["spaceBy"] = []): Pick<HypertableBody, "spaceBy" | "alsoBy"> {
  const [spaceBy, ...alsoBy] = [option].flat() as readonly HashDimension[]; // flat() forgets readonly lists
  return { ...(spaceBy && { spaceBy }), ...(alsoBy.length > 0 && { alsoBy }) };
}

const NEED_HYPERTABLE = ["chunkInterval", "spaceBy", "columnstore", "retention", "chunkSkipping", "reorderBy"] as const;

function plainTable(object: CatalogObject, model: TableModel, options: Partial<TimescaleTableOptions<string>>): CatalogObject {
  const idle = NEED_HYPERTABLE.filter((option) => options[option] !== undefined);
  if (idle.length === 0) return object;
  throw new DwError("DW-MODEL-INVALID", {
    what: `${modelPlace(model)} has ${idle.join(" and ")} on timescale, but no timeColumn.`,
    why: "Only a hypertable has chunks, and these speak of chunks.",
    fix: `Name the column that partitions it by time: timeColumn: "…".`,
  });
}

/**
 * create_hypertable would make this index by itself, under this name, and peers' differs then want to drop it. Here it is
 * part of the table; an index or key of the author's that begins with the time column serves as well.
 */
function withTimeIndex(table: string, timeColumn: string, body: TableBody): readonly IndexBody[] {
  const serves = body.indexes.some(({ columns, method }) => method === "btree" && columns[0]?.column === timeColumn);
  if (serves || body.primaryKey?.columns[0] === timeColumn) return body.indexes;
  const index: IndexBody = {
    name: derivedName([table, timeColumn], "idx"),
    columns: [{ column: timeColumn, order: "desc" }],
    unique: false,
    method: "btree",
  };
  return [...body.indexes, index].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function aggregate(object: CatalogObject<MaterializedViewBody>, model: MaterializedViewModel, { flavor }: Resolving): CatalogObject {
  const options = optionsOf<TimescaleAggregateOptions<string>>(model, flavor);
  const body: AggregateBody = {
    ...object.body,
    materializedOnly: options.materializedOnly ?? true,
    ...(options.refresh && { refresh: refreshBody(options.refresh as NonNullable<AggregateBody["refresh"]>) }), // Holes are JSON
    ...columnstoreAndPolicies(options, Object.keys(model.columns)[0] ?? ""),
  };
  return { ...object, body };
}

/** TimescaleDB keeps the start as an instant. */
function refreshBody(refresh: NonNullable<AggregateBody["refresh"]>): NonNullable<AggregateBody["refresh"]> {
  return { ...refresh, ...(refresh.initialStart !== undefined && { initialStart: new Date(refresh.initialStart).toISOString() }) };
}

type Extras = { readonly columnstore?: ColumnstoreBody; readonly policies?: PoliciesBody };

function columnstoreAndPolicies(
  { columnstore, retention, reorderBy }: Pick<TimescaleTableOptions<string>, "columnstore" | "retention" | "reorderBy">,
  timeColumn: string,
): Extras {
  const policies = {
    ...(columnstore?.after !== undefined && { columnstoreAfter: columnstore.after as IntervalText }), // a Hole is JSON
    ...(retention !== undefined && { retention: retention as IntervalText }),
    ...(reorderBy !== undefined && { reorder: reorderBy }),
  };
  return {
    ...(columnstore && { columnstore: columnstoreBody(columnstore, timeColumn) }),
    ...(Object.keys(policies).length > 0 && { policies }),
  };
}

/** Order is explicit, because TimescaleDB's own default depends on statistics from 2.23 on. */
function columnstoreBody({ segmentBy = [], orderBy, bloom = [], minmax = [] }: Columnstore<string>, timeColumn: string): ColumnstoreBody {
  const of = (kind: SparseIndexBody["kind"], columns: readonly string[]): SparseIndexBody[] =>
    [...columns].sort(compareText).map((column) => ({ kind, column }));
  const sparse = [...of("bloom", bloom), ...of("minmax", minmax)];
  return {
    segmentBy,
    orderBy: orderBy?.map(orderedColumn) ?? [{ column: timeColumn, order: "desc" }],
    ...(sparse.length > 0 && { sparse }),
  };
}
