import { type Catalog, compareText } from "../../core/catalog.js";
import type { Introspected } from "../../core/engine.js";
import type { PgSession } from "../../core/session.js";
import type {
  AggregateBody,
  ColumnstoreBody,
  HashDimension,
  HypertableBody,
  PoliciesBody,
  RefreshBody,
  SparseIndexBody,
  TableBody,
} from "../postgres/body.js";
import {
  add,
  type Extended,
  type Extension,
  indexBodies,
  introspect as introspectPostgres,
  judgedQuery,
  type Looking,
  report,
  viewColumns,
  wantedBody,
} from "../postgres/introspect.js";
import { type LiveRelation, liveRows, RELATION } from "../postgres/live-catalog.js";

/*
 * TimescaleDB's own catalog. `_timescaledb_catalog` is read rather than the information views, because those print lists
 * of column names as one text.
 */

interface LiveHypertable {
  readonly id: number;
  readonly oid: number;
  readonly schema: string;
  readonly name: string;
  readonly dimensions: readonly {
    readonly column: string;
    readonly interval: string | null;
    readonly integer: number | null;
    readonly partitions: number | null;
  }[];
  readonly skipping: readonly string[];
  /** Null: no columnstore. */
  readonly columnstore: {
    readonly segmentby: readonly string[] | null;
    readonly orderby: readonly string[] | null;
    readonly orderby_desc: readonly boolean[] | null;
    /** Since 2.22. */
    readonly index?: readonly { readonly type?: string; readonly column?: string; readonly source: string }[] | null;
  } | null;
}

interface LiveAggregate {
  readonly schema: string;
  readonly name: string;
  readonly hypertable: number;
  readonly materialized_only: boolean;
  readonly definition: string;
}

interface LiveJob {
  readonly job_id: number;
  readonly proc: string;
  readonly every: string;
  readonly timezone: string | null;
  readonly initial_start: string | null;
  readonly config: {
    readonly index_name?: string;
    readonly buckets_per_batch?: number;
    readonly max_batches_per_execution?: number;
    readonly refresh_newest_first?: boolean;
    readonly include_tiered_data?: boolean;
    readonly hypertable_id?: number;
    readonly mat_hypertable_id?: number;
    readonly drop_after?: string | number;
    readonly compress_after?: string | number;
    readonly start_offset?: string | number | null;
    readonly end_offset?: string | number | null;
  } | null;
}

const HYPERTABLES = `
SELECT h.id, o.oid::int8 AS oid, h.schema_name AS schema, h.table_name AS name,
  (SELECT coalesce(jsonb_agg(jsonb_build_object(
      'column', d.column_name, 'interval', d.time_interval::text, 'integer', d.integer_interval, 'partitions', d.num_partitions) ORDER BY d.dimension_number), '[]')
    FROM timescaledb_information.dimensions d WHERE d.hypertable_schema = h.schema_name AND d.hypertable_name = h.table_name) AS dimensions,
  (SELECT coalesce(jsonb_agg(c.column_name), '[]') FROM _timescaledb_catalog.chunk_column_stats c WHERE c.hypertable_id = h.id AND c.chunk_id IS NULL) AS skipping,
  (SELECT to_jsonb(s) FROM _timescaledb_catalog.compression_settings s WHERE s.relid = o.oid) AS columnstore
FROM _timescaledb_catalog.hypertable h JOIN pg_namespace n ON n.nspname = h.schema_name
  JOIN pg_class o ON o.relnamespace = n.oid AND o.relname = h.table_name
WHERE h.compression_state <> 2
ORDER BY h.id`;

const AGGREGATES = `
SELECT a.user_view_schema AS schema, a.user_view_name AS name, a.mat_hypertable_id AS hypertable, a.materialized_only,
  pg_get_viewdef(format('%I.%I', a.direct_view_schema, a.direct_view_name)::regclass) AS definition
FROM _timescaledb_catalog.continuous_agg a`;

const JOBS =
  "SELECT id AS job_id, proc_name AS proc, schedule_interval::text AS every, config, timezone, initial_start FROM _timescaledb_config.bgw_job WHERE id >= 1000";

const extension: Extension = {
  load: async (looking) => {
    const { session } = looking;
    const installed = await session.query("SELECT FROM pg_extension WHERE extname = 'timescaledb'");
    if (installed.length === 0) return { table: (_, body) => body, view: async () => false };
    const [hypertables, aggregates, jobs] = [
      await liveRows<LiveHypertable>(session, HYPERTABLES),
      await liveRows<LiveAggregate>(session, AGGREGATES),
      await liveRows<LiveJob>(session, JOBS),
    ];
    return extend(looking, hypertables, aggregates, jobs);
  },
};

export function introspect(session: PgSession, warehouse: string, wanted: Catalog): Promise<Introspected> {
  return introspectPostgres(session, warehouse, wanted, "timescale", extension);
}

function extend(
  looking: Looking,
  hypertables: readonly LiveHypertable[],
  aggregates: readonly LiveAggregate[],
  jobs: readonly LiveJob[],
): Extended {
  const byOid = new Map(hypertables.map((hypertable) => [hypertable.oid, hypertable]));
  reportJobs(looking, jobs, hypertables);
  return {
    table: (relation, body) => {
      const hypertable = byOid.get(relation.oid);
      return hypertable ? withHypertable(looking, hypertable, body, jobs) : body;
    },
    view: async (relation) => {
      const aggregate = aggregates.find(({ schema, name }) => schema === relation.schema && name === relation.name);
      const hypertable = hypertables.find(({ id }) => id === aggregate?.hypertable);
      if (aggregate === undefined || hypertable === undefined) return false;
      const name = [aggregate.schema, aggregate.name];
      const [behind] = await liveRows<LiveRelation>(looking.session, `${RELATION} WHERE o.oid = ${hypertable.oid}`);
      const refresh = refreshOf(hypertable, jobs);
      const body: AggregateBody = {
        comment: relation.comment ?? "",
        columns: viewColumns(relation),
        query: await judgedQuery(looking, wantedBody<AggregateBody>(looking, "continuous-aggregate", name), aggregate.definition),
        // TimescaleDB indexes the grouping columns by itself, under the hypertable's internal name.
        indexes: behind ? indexBodies(looking, behind).filter((index) => !index.name.startsWith("_materialized_hypertable_")) : [],
        materializedOnly: aggregate.materialized_only,
        ...(refresh && { refresh }),
        ...columnstoreOf(hypertable),
        ...policiesOf(hypertable, jobs),
      };
      add(looking, "continuous-aggregate", name, body);
      return true;
    },
  };
}

const OURS: ReadonlySet<string> = new Set([
  "policy_compression",
  "policy_retention",
  "policy_refresh_continuous_aggregate",
  "policy_reorder",
]);

function reportJobs(looking: Looking, jobs: readonly LiveJob[], hypertables: readonly LiveHypertable[]): void {
  for (const { job_id, proc, config } of jobs) {
    const id = config?.hypertable_id ?? config?.mat_hypertable_id;
    const table = hypertables.find((hypertable) => hypertable.id === id);
    if (!OURS.has(proc)) report(looking, table?.schema ?? "timescaledb", table?.name ?? `job ${job_id}`, `job ${proc}`);
  }
}

function withHypertable(looking: Looking, live: LiveHypertable, body: TableBody, jobs: readonly LiveJob[]): TableBody {
  const [time, ...more] = live.dimensions;
  if (time === undefined) return body;
  const [spaceBy, ...alsoBy] = more.flatMap(({ column, partitions }): HashDimension[] =>
    partitions === null ? (report(looking, live.schema, live.name, `second time dimension ${column}`) ?? []) : [{ column, partitions }],
  );
  const hypertable: HypertableBody = {
    timeColumn: time.column,
    chunkInterval: time.interval ?? String(time.integer),
    ...(spaceBy && { spaceBy }),
    ...(alsoBy.length > 0 && { alsoBy }),
    ...(live.skipping.length > 0 && { skipping: [...live.skipping].sort(compareText) }),
  };
  return { ...body, hypertable, ...columnstoreOf(live), ...policiesOf(live, jobs) };
}

function columnstoreOf({ columnstore }: LiveHypertable): { readonly columnstore?: ColumnstoreBody } {
  if (columnstore === null) return {};
  const { segmentby, orderby, orderby_desc } = columnstore;
  const orderBy = (orderby ?? []).map((column, index) => ({ column, order: orderby_desc?.[index] ? ("desc" as const) : ("asc" as const) }));
  const sparse = (columnstore.index ?? []).flatMap(({ type, column, source }): SparseIndexBody[] =>
    source === "config" && column !== undefined && (type === "bloom" || type === "minmax") ? [{ kind: type, column }] : [],
  );
  sparse.sort((a, b) => compareText(`${a.kind} ${a.column}`, `${b.kind} ${b.column}`));
  return { columnstore: { segmentBy: segmentby ?? [], orderBy, ...(sparse.length > 0 && { sparse }) } };
}

function policiesOf({ id }: LiveHypertable, jobs: readonly LiveJob[]): { readonly policies?: PoliciesBody } {
  const config = (proc: string): LiveJob["config"] =>
    jobs.find((job) => job.proc === proc && job.config?.hypertable_id === id)?.config ?? null;
  const after = config("policy_compression")?.compress_after;
  const retention = config("policy_retention")?.drop_after;
  const reorder = config("policy_reorder")?.index_name;
  const policies: PoliciesBody = {
    ...(after !== undefined && { columnstoreAfter: String(after) }),
    ...(retention !== undefined && { retention: String(retention) }),
    ...(reorder !== undefined && { reorder }),
  };
  return Object.keys(policies).length === 0 ? {} : { policies };
}

function refreshOf({ id }: LiveHypertable, jobs: readonly LiveJob[]): RefreshBody | undefined {
  const job = jobs.find(({ proc, config }) => proc === "policy_refresh_continuous_aggregate" && config?.mat_hypertable_id === id);
  if (job?.config == null) return undefined;
  const offset = (value: string | number | null | undefined): string | null => (value == null ? null : String(value));
  const { config, timezone, initial_start: start } = job;
  return {
    startOffset: offset(config.start_offset),
    endOffset: offset(config.end_offset),
    every: job.every,
    ...(timezone !== null && { timezone }),
    ...(start !== null && { initialStart: new Date(start).toISOString() }),
    ...(config.buckets_per_batch !== undefined && { bucketsPerBatch: config.buckets_per_batch }),
    ...(config.max_batches_per_execution !== undefined && { maxBatches: config.max_batches_per_execution }),
    ...(config.refresh_newest_first !== undefined && { newestFirst: config.refresh_newest_first }),
    ...(config.include_tiered_data !== undefined && { includeTiered: config.include_tiered_data }),
  };
}
