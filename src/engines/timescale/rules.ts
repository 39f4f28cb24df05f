import type { CatalogObject } from "../../core/catalog.js";
import type { Change } from "../../core/change.js";
import { isJsonObject, type Json, type JsonObject, sameJson } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import {
  type ColumnstoreBody,
  type HypertableBody,
  hashDimensions,
  type IntervalText,
  type PoliciesBody,
  type RefreshBody,
} from "../postgres/body.js";
import { isVolatile } from "../postgres/generate.js";
import { alteredObject, decide as decidePostgres } from "../postgres/rules.js";
import { asRenamed } from "../postgres/weave.js";

/** Decisions that only TimescaleDB has. `null` on one side: it is new, or it goes. */
export type TimescaleAction =
  | { readonly action: "make-hypertable"; readonly hypertable: HypertableBody }
  | { readonly action: "set-chunk-interval"; readonly from: IntervalText; readonly to: IntervalText }
  | { readonly action: "set-space-partitions"; readonly column: string; readonly from: number; readonly to: number }
  | { readonly action: "set-columnstore"; readonly from: ColumnstoreBody | null; readonly to: ColumnstoreBody | null }
  | { readonly action: "set-columnstore-policy"; readonly from: IntervalText | null; readonly to: IntervalText | null }
  | { readonly action: "set-retention-policy"; readonly from: IntervalText | null; readonly to: IntervalText | null }
  | { readonly action: "set-reorder-policy"; readonly from: string | null; readonly to: string | null }
  | { readonly action: "set-chunk-skipping"; readonly from: readonly string[]; readonly to: readonly string[] }
  | { readonly action: "set-refresh-policy"; readonly from: RefreshBody | null; readonly to: RefreshBody | null }
  | { readonly action: "set-materialized-only"; readonly from: boolean; readonly to: boolean };

type Altered = Extract<Change, { change: "altered" }>;

export function decide(change: Change): Operation[] {
  return decidePostgres(change, altered);
}

/** Columnstore and policies that go, go first: they forbid changes below them. New ones come last. */
function altered(change: Altered): Operation[] {
  const why = rebuildReason(change) ?? columnstoreReason(change);
  if (why !== undefined) {
    return [{ op: "rebuild-object", from: asRenamed(change.from, change.to, change.renamed?.columns ?? {}), object: change.to, why }];
  }
  const own = timescaleActions(change);
  const postgres = alteredObject(change);
  if (postgres.some(({ op }) => op === "rebuild-object")) return [...postgres];
  const first = own.filter((action) => "to" in action && action.to === null);
  const last = own.filter((action) => !first.includes(action));
  const operation = (action: TimescaleAction): Operation => ({ op: "engine-action", object: change.to, action });
  return [...first.reverse().map(operation), ...postgres, ...last.map(operation)];
}

/** Partitioning columns are fixed when a hypertable is made, and a hypertable never becomes a plain table again. */
function rebuildReason({ from, to, renamed: renames }: Altered): string | undefined {
  const before = from.body.hypertable as HypertableBody | undefined; // as resolve and introspect write it
  const after = to.body.hypertable as HypertableBody | undefined;
  if (before === undefined) return undefined;
  if (after === undefined) return "A hypertable cannot become a plain table in place.";
  const renamed = sameJson(columnsOf(from), columnsOf(to)) ? before.timeColumn !== after.timeColumn : false;
  if (renamed) return "The time column of a hypertable cannot be changed in place.";
  const spaces = (hypertable: HypertableBody): string[] => hashDimensions(hypertable).map(({ column }) => column);
  const followed = spaces(before).map((column) => renames?.columns[column] ?? column);
  if (!sameJson(followed, spaces(after))) {
    return "The partitioning columns of a hypertable cannot be changed in place.";
  }
  return undefined;
}

/**
 * What TimescaleDB refuses on a hypertable with a columnstore (its source, check_alter_table_allowed_on_ht_with_compression).
 * 2.28 and newer let a type change while no chunk is in the columnstore; a plan that is made offline cannot count on that.
 */
function columnstoreReason({ from, to, facts }: Altered): string | undefined {
  const before = from.body.columnstore as ColumnstoreBody | undefined; // as resolve and introspect write it
  if (before === undefined || to.body.columnstore === undefined) return undefined;
  for (const { path, from: old, to: next } of facts) {
    const [list, column = "", part] = path;
    if (list !== "columns" || column === "#order") continue;
    if (part === "type") return `TimescaleDB changes no column's type in a hypertable with a columnstore (${column}).`;
    if (part === "generated" || (part === undefined && isJsonObject(next) && next.generated !== undefined)) {
      return `TimescaleDB adds no computed column to a hypertable with a columnstore (${column}).`;
    }
    if (part === undefined && isJsonObject(next) && isVolatile(next.default as string | undefined)) {
      return `TimescaleDB adds no column to a hypertable with a columnstore whose default differs by row (${column}).`;
    }
    if (part === undefined && old !== undefined && settles(before, column)) {
      return `The columnstore is segmented or ordered by ${column}, which is dropped.`;
    }
  }
  return undefined;
}

function settles({ segmentBy, orderBy }: ColumnstoreBody, column: string): boolean {
  return segmentBy.includes(column) || orderBy.some((ordered) => ordered.column === column);
}

function columnsOf({ body }: CatalogObject): Json {
  return (body.columns as readonly JsonObject[]).map(({ name }) => name ?? null);
}

function timescaleActions({ from, to }: Altered): TimescaleAction[] {
  return [...hypertableActions(from.body.hypertable, to.body.hypertable), ...settingsActions(from.body, to.body)];
}

function hypertableActions(from: Json | undefined, to: Json | undefined): TimescaleAction[] {
  const before = from as HypertableBody | undefined; // as resolve and introspect write it
  const after = to as HypertableBody | undefined;
  if (after === undefined) return [];
  if (before === undefined) return [{ action: "make-hypertable", hypertable: after }];
  const actions: TimescaleAction[] = [];
  if (!sameJson(before.chunkInterval, after.chunkInterval)) {
    actions.push({ action: "set-chunk-interval", from: before.chunkInterval, to: after.chunkInterval });
  }
  if (!sameJson(before.skipping ?? [], after.skipping ?? [])) {
    actions.push({ action: "set-chunk-skipping", from: before.skipping ?? [], to: after.skipping ?? [] });
  }
  const spaces = hashDimensions(before);
  for (const [index, { column, partitions }] of hashDimensions(after).entries()) {
    const old = spaces[index]?.partitions;
    if (old !== undefined && old !== partitions) actions.push({ action: "set-space-partitions", column, from: old, to: partitions });
  }
  return actions;
}

function settingsActions(before: JsonObject, after: JsonObject): TimescaleAction[] {
  const actions: TimescaleAction[] = [];
  const policies = (body: JsonObject): PoliciesBody => (body.policies ?? {}) as PoliciesBody; // as resolve and introspect write it
  const changed = <Value extends Json>(
    from: Value | undefined,
    to: Value | undefined,
    action: (from: Value | null, to: Value | null) => TimescaleAction,
  ): void => {
    if (!sameJson(from ?? null, to ?? null)) actions.push(action(from ?? null, to ?? null));
  };
  if (before.materializedOnly !== after.materializedOnly) {
    actions.push({ action: "set-materialized-only", from: before.materializedOnly === true, to: after.materializedOnly === true });
  }
  changed(before.columnstore as ColumnstoreBody | undefined, after.columnstore as ColumnstoreBody | undefined, (from, to) => ({
    action: "set-columnstore",
    from,
    to,
  }));
  changed(before.refresh as RefreshBody | undefined, after.refresh as RefreshBody | undefined, (from, to) => ({
    action: "set-refresh-policy",
    from,
    to,
  }));
  changed(policies(before).columnstoreAfter, policies(after).columnstoreAfter, (from, to) => ({
    action: "set-columnstore-policy",
    from,
    to,
  }));
  changed(policies(before).reorder, policies(after).reorder, (from, to) => ({ action: "set-reorder-policy", from, to }));
  changed(policies(before).retention, policies(after).retention, (from, to) => ({ action: "set-retention-policy", from, to }));
  return actions;
}
