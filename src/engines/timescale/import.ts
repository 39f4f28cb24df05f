import type { JsonObject } from "../../core/json.js";
import type { AggregateBody, ColumnstoreBody, IndexBody, PoliciesBody, TableBody } from "../postgres/body.js";
import { derivedName } from "../postgres/dialect.js";
import { orderedOption, sameOrder, toModelOf } from "../postgres/import.js";

/* What TimescaleDB adds to a table or view, as options of a model: the way back from resolve.ts. */

export const toModel = toModelOf("timescale", { table: tableOptions, ownIndex, aggregate: aggregateOptions });

function tableOptions({ hypertable, columnstore, policies }: TableBody): JsonObject {
  if (!hypertable) return {};
  const { timeColumn, chunkInterval, spaceBy, alsoBy, skipping } = hypertable;
  return {
    timeColumn,
    chunkInterval,
    ...(spaceBy && { spaceBy: alsoBy === undefined ? spaceBy : [spaceBy, ...alsoBy] }),
    ...(skipping && { chunkSkipping: skipping }),
    ...columnstoreOptions(timeColumn, columnstore, policies),
    ...(policies?.reorder !== undefined && { reorderBy: policies.reorder }),
  };
}

/** The index on the time column that a hypertable has anyway. */
function ownIndex(table: string, { hypertable }: TableBody): (index: IndexBody) => boolean {
  const name = hypertable && derivedName([table, hypertable.timeColumn], "idx");
  return (index) =>
    index.name === name && !index.unique && sameOrder(index.columns, [{ column: hypertable?.timeColumn ?? "", order: "desc" }]);
}

function aggregateOptions({ materializedOnly, refresh, columnstore, policies, columns }: AggregateBody): JsonObject {
  return {
    ...(!materializedOnly && { materializedOnly }),
    ...(refresh && { refresh }),
    ...columnstoreOptions(columns[0]?.name ?? "", columnstore, policies),
  };
}

function columnstoreOptions(timeColumn: string, columnstore: ColumnstoreBody | undefined, policies: PoliciesBody | undefined): JsonObject {
  const { columnstoreAfter, retention } = policies ?? {};
  return {
    ...(columnstore && {
      columnstore: { ...settings(timeColumn, columnstore), ...(columnstoreAfter !== undefined && { after: columnstoreAfter }) },
    }),
    ...(retention !== undefined && { retention }),
  };
}

/** Newest first is what a model means when it says nothing. */
function settings(timeColumn: string, { segmentBy, orderBy, sparse = [] }: ColumnstoreBody): JsonObject {
  const of = (wanted: string): string[] => sparse.filter(({ kind }) => kind === wanted).map(({ column }) => column);
  const [bloom, minmax] = [of("bloom"), of("minmax")];
  const isDefault = sameOrder(orderBy, [{ column: timeColumn, order: "desc" }]);
  return {
    ...(segmentBy.length > 0 && { segmentBy }),
    ...(!isDefault && { orderBy: orderBy.map(orderedOption) }),
    ...(bloom.length > 0 && { bloom }),
    ...(minmax.length > 0 && { minmax }),
  };
}
