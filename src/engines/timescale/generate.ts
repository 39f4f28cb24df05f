import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { JsonObject } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import { template } from "../../render/template.js";
import {
  type AggregateBody,
  type ColumnBody,
  type ColumnstoreBody,
  type HypertableBody,
  hashDimensions,
  type IntervalText,
  postgresObject,
  type RefreshBody,
  type TableBody,
} from "../postgres/body.js";
import {
  AGGREGATE_SCHEMA,
  columnClause,
  columnList,
  commentOnColumn,
  comments,
  createIndex,
  createObject,
  dropText,
  viewColumns,
} from "../postgres/create.js";
import { derivedName, id, join, lit, quoting, raw, sql } from "../postgres/dialect.js";
import { act as actPostgres, generate as generatePostgres, type Making } from "../postgres/generate.js";
import { block } from "../postgres/grants.js";
import { approximateMicroseconds, parseInterval } from "../postgres/interval.js";
import type { IndexStage, RebuildParts } from "../postgres/rebuild.js";
import type { PostgresAction } from "../postgres/rules.js";
import { harmless, hazard, statement } from "../postgres/statements.js";
import type { TimescaleAction } from "./rules.js";

const aggregateText = template("timescale/create-continuous-aggregate.sql", {
  name: "sql",
  columns: [{ name: "sql" }],
  materializedOnly: "sql",
  query: "sql",
});

const carryText = template("timescale/carry-buckets.sql", { schema: "sql", name: "sql", insert: "sql" });

export function generate(operation: Operation): StatementBody[] {
  return generatePostgres(operation, making);
}

function create(object: CatalogObject): StatementBody[] {
  const made = postgresObject(object);
  if (made.kind === "table") return createTable(object, made.body);
  if (made.kind === "continuous-aggregate") return createAggregate(object, made.body);
  return createObject(object);
}

const rebuildParts: RebuildParts = {
  shadow: (object) => create(withoutPolicies(indexesRenamed(object, "dw_shadow"))).filter(({ transactional }) => transactional),
  settle: (object) => policySettings(object),
  release: (object) => (isPlain(object) ? [] : [removeColumnstorePolicy(object), removeRetentionPolicy(object), ...removeOwn(object)]),
  pause: (object, paused) => (isPlain(object) ? [] : [pauseRetention(object, paused)]),
  slices: (object) => (isPlain(object) ? undefined : chunkSlices(object)),
  afterSlice: (from, shadow) => (from.body.columnstore && shadow.body.columnstore ? convertCopied(shadow) : undefined),
  refresh,
  carry: carryBuckets,
  renameIndexes: (object, from, to) =>
    aggregateIndexes(object).map((name) => {
      const named = (suffix: IndexStage | undefined): string => (suffix === undefined ? name : derivedName([name], suffix));
      return sql`ALTER INDEX ${id(AGGREGATE_SCHEMA, named(from))} RENAME TO ${id(named(to))}`;
    }),
};

function aggregateIndexes({ kind, body }: CatalogObject): string[] {
  return kind === "continuous-aggregate" ? (body.indexes as AggregateBody["indexes"]).map(({ name }) => name) : []; // as resolve writes it
}

/** Indexes of all aggregates share one schema, so that a shadow's have to be called something else until the swap. */
function indexesRenamed(object: CatalogObject, stage: IndexStage): CatalogObject {
  if (object.kind !== "continuous-aggregate") return object;
  const indexes = (object.body.indexes as AggregateBody["indexes"]).map((index) => ({ ...index, name: derivedName([index.name], stage) }));
  return { ...object, body: { ...object.body, indexes } };
}

const making: Making = { create, act, addColumn: addColumnToColumnstore, rebuild: rebuildParts };

function isPlain({ body, kind }: CatalogObject): boolean {
  return kind === "table" && body.hypertable === undefined;
}

function withoutPolicies(object: CatalogObject): CatalogObject {
  const { policies: _, refresh: __, ...body } = object.body;
  return { ...object, body };
}

function policySettings(object: CatalogObject): StatementBody[] {
  const { policies, refresh: policy } = object.body as Partial<AggregateBody>; // tables have the first only
  return harmless(settings(object, { ...(policies && { policies }), ...(policy && { refresh: policy }) }));
}

const removeColumnstorePolicy = (object: CatalogObject): Sql =>
  sql`CALL remove_columnstore_policy(${relation(object.name)}, if_exists => TRUE)`;
const removeRetentionPolicy = (object: CatalogObject): Sql =>
  sql`SELECT remove_retention_policy(${relation(object.name)}, if_exists => TRUE)`;

/** Only tables are reordered, only aggregates refreshed. */
function removeOwn(object: CatalogObject): Sql[] {
  if (object.kind === "table") return [sql`SELECT remove_reorder_policy(${relation(object.name)}, if_exists => TRUE)`];
  return [sql`SELECT remove_continuous_aggregate_policy(${relation(object.name)}, if_exists => TRUE)`];
}

/** Rows that a policy drops while they are copied would be in the copy and not in the table. */
function pauseRetention(object: CatalogObject, paused: boolean): Sql {
  const [schema = "", name = ""] = object.name;
  return sql`SELECT alter_job(job_id, scheduled => ${lit(!paused)}) FROM timescaledb_information.jobs
WHERE proc_name = 'policy_retention' AND hypertable_schema = ${lit(schema)} AND hypertable_name = ${lit(name)}`;
}

/** Chunks are copied one by one, also those of the columnstore, which reads them without changing them. */
function chunkSlices(object: CatalogObject): Sql {
  const [schema = "", name = ""] = object.name;
  return sql`SELECT row_number() OVER (ORDER BY range_start, range_start_integer, chunk_name) AS place, format('%I.%I', chunk_schema, chunk_name) AS source, 'TRUE' AS part, FALSE AS done,
  is_compressed AS converted, range_start, range_end, range_start_integer, range_end_integer
FROM timescaledb_information.chunks
WHERE hypertable_schema = ${lit(schema)} AND hypertable_name = ${lit(name)}`;
}

/** What was in the columnstore goes there again at once: the copy needs no more disk than it must. */
function convertCopied(shadow: CatalogObject): Sql {
  const [schema = "", name = ""] = shadow.name;
  return sql`IF slice.converted THEN
        PERFORM compress_chunk(format('%I.%I', c.chunk_schema, c.chunk_name)::regclass, if_not_compressed => TRUE)
        FROM timescaledb_information.chunks c
        WHERE c.hypertable_schema = ${lit(schema)} AND c.hypertable_name = ${lit(name)} AND NOT c.is_compressed
          AND (c.range_start >= slice.range_start AND c.range_end <= slice.range_end
            OR c.range_start_integer >= slice.range_start_integer AND c.range_end_integer <= slice.range_end_integer);
      END IF;`;
}

/** It fills all that its source rows give; repeated, it has little to do. */
function refresh(object: CatalogObject): StatementBody {
  return statement(sql`CALL refresh_continuous_aggregate(${relation(object.name)}, NULL, NULL)`, {
    hazards: [hazard("not-transactional", "It commits bucket by bucket; repeating it after an interruption is harmless.")],
    undo: [],
    transactional: false,
    repeatable: true,
  });
}

/** Straight into the hypertable behind the aggregate, where a refresh would put them if their source rows were still there. */
function carryBuckets(from: CatalogObject, to: CatalogObject): StatementBody {
  const [schema = "", name = ""] = to.name;
  const columns = columnList((to.body.columns as readonly { readonly name: string }[]).map((column) => column.name)); // as resolve writes them
  const escaped = (text: Sql): Sql => raw(text.text.replaceAll("%", "%%"));
  const insert = sql`INSERT INTO %1$s (${escaped(columns)}) SELECT ${escaped(columns)} FROM ${escaped(id(...from.name))} WHERE %2$I < coalesce((SELECT min(%2$I) FROM ${escaped(id(...to.name))}), 'infinity')`;
  const body = carryText({ schema: lit(schema), name: lit(name), insert: lit(insert.text) });
  return { ...statement(block(body), { undo: [] }), repeatable: true };
}

/**
 * A columnstore takes only constants as the default of a new column: the clock is read once, as PostgreSQL itself would, and
 * the expression is for rows to come.
 */
function addColumnToColumnstore(object: CatalogObject, column: ColumnBody): StatementBody[] | undefined {
  if (object.body.columnstore === undefined || column.default === undefined || !/[(]|\bcurrent_|\blocaltime/i.test(column.default))
    return undefined;
  const table = id(...object.name);
  const { default: expression, ...bare } = column;
  const clause = columnClause({ ...bare, nullable: true }).text.replaceAll("%", "%%");
  const add = lit(`ALTER TABLE ${table.text.replaceAll("%", "%%")} ADD COLUMN ${clause} DEFAULT %L${column.nullable ? "" : " NOT NULL"}`);
  return [
    statement(block(sql`BEGIN\n  EXECUTE format(${add}, (${raw(expression)})::text);\nEND`.text), {
      undo: [sql`ALTER TABLE ${table} DROP COLUMN ${id(column.name)}`],
    }),
    ...harmless([
      statement(sql`ALTER TABLE ${table} ALTER COLUMN ${id(column.name)} SET DEFAULT ${raw(expression)}`),
      ...(column.comment === "" ? [] : [statement(commentOnColumn(object, column.name, column.comment))]),
    ]),
  ];
}

/** The hypertable is made right after its table: an index that came first would have to be checked against the partitioning. */
function createTable(object: CatalogObject, body: TableBody): StatementBody[] {
  const [table, ...rest] = createObject(object);
  if (table === undefined || body.hypertable === undefined) return createObject(object);
  const skipping = body.hypertable.skipping ?? [];
  return [
    table,
    ...harmless(makeHypertable(object.name, body.hypertable, false)),
    ...rest,
    ...harmless([...settings(object, body), ...setChunkSkipping(object, { from: [], to: skipping })]),
  ];
}

function settings(object: CatalogObject, { columnstore, policies, refresh }: Partial<AggregateBody>): StatementBody[] {
  return [
    ...(columnstore ? setColumnstore(object, { from: null, to: columnstore }) : []),
    // TimescaleDB refuses an aggregate's columnstore policy before its refresh policy.
    ...(refresh ? setRefreshPolicy(object, { from: null, to: refresh }) : []),
    ...(policies?.columnstoreAfter ? setColumnstorePolicy(object, { from: null, to: policies.columnstoreAfter }) : []),
    ...(policies?.reorder ? setReorderPolicy(object, { from: null, to: policies.reorder }) : []),
    ...(policies?.retention ? setRetentionPolicy(object, { from: null, to: policies.retention }) : []),
  ];
}

/** Made empty inside the migration's transaction; the refresh that fills it commits as it goes and comes last. */
function createAggregate(object: CatalogObject, body: AggregateBody): StatementBody[] {
  const text = aggregateText({
    name: id(...object.name),
    columns: viewColumns(body),
    materializedOnly: lit(body.materializedOnly),
    query: raw(body.query),
  });
  return [
    statement(text, { undo: [dropText(object)] }),
    ...harmless(body.indexes.map((index) => createIndex(object, index))),
    ...harmless(comments(object)),
    ...harmless(settings(object, body)),
    refresh(object),
  ];
}

/** A table as TimescaleDB's functions take it: a text that PostgreSQL reads as a quoted name. */
function relation(name: readonly string[]): Sql {
  return lit(id(...name).text);
}

function interval(text: IntervalText): Sql {
  const value = String(text); // holes were filled before statements are made
  return /^\d+$/.test(value) ? raw(value) : sql`INTERVAL ${lit(value)}`;
}

const actions: {
  readonly [A in TimescaleAction["action"]]: (object: CatalogObject, action: Extract<TimescaleAction, { action: A }>) => StatementBody[];
} = {
  "make-hypertable": (object, { hypertable }) => makeHypertable(object.name, hypertable, true),
  "set-chunk-interval": (object, { from, to }) => [
    statement(sql`${raw(FUTURE_CHUNKS)}\n${chunkInterval(object, to)}`, { undo: [chunkInterval(object, from)] }),
  ],
  "set-space-partitions": (object, { column, from, to }) => {
    const text = (partitions: number): Sql =>
      sql`SELECT set_number_partitions(${relation(object.name)}, ${lit(partitions)}, ${lit(column)})`;
    return [statement(sql`${raw(FUTURE_CHUNKS)}\n${text(to)}`, { undo: [text(from)] })];
  },
  "set-columnstore": setColumnstore,
  "set-columnstore-policy": setColumnstorePolicy,
  "set-retention-policy": setRetentionPolicy,
  "set-reorder-policy": setReorderPolicy,
  "set-chunk-skipping": setChunkSkipping,
  "set-refresh-policy": setRefreshPolicy,
  "set-materialized-only": (object, { from, to }) => {
    const text = (value: boolean): Sql =>
      sql`ALTER MATERIALIZED VIEW ${id(...object.name)} SET (timescaledb.materialized_only = ${lit(value)})`;
    return [statement(text(to), { undo: [text(from)] })];
  },
};

const FUTURE_CHUNKS = "-- Existing chunks stay as they are; this holds for chunks that are made from now on.";

function act(object: CatalogObject, action: JsonObject): StatementBody[] {
  const name = String(action.action);
  if (!Object.hasOwn(actions, name)) return actPostgres(object, action as PostgresAction);
  const carryOut = actions[name as TimescaleAction["action"]] as (object: CatalogObject, action: JsonObject) => StatementBody[];
  return carryOut(object, action); // the name picks its own function
}

function chunkInterval(object: CatalogObject, value: IntervalText): Sql {
  return sql`SELECT set_chunk_time_interval(${relation(object.name)}, ${interval(value)})`;
}

/** TimescaleDB's own default index is left out: the table's body has one under the same name. */
function makeHypertable(name: readonly string[], hypertable: HypertableBody, filled: boolean): StatementBody[] {
  const { timeColumn, chunkInterval: length } = hypertable;
  const migrate = filled ? raw(",\n  migrate_data => TRUE") : raw("");
  const why = `Every row of ${displayName(name)} moves into chunks.`;
  return [
    statement(
      sql`SELECT create_hypertable(\n  ${relation(name)},\n  by_range(${lit(timeColumn)}, ${interval(length)}),\n  create_default_indexes => FALSE${migrate}\n)`,
      { hazards: [hazard("rewrites-table", why), hazard("irreversible", "A hypertable does not become a plain table again in place.")] },
    ),
    ...hashDimensions(hypertable).map(({ column, partitions }) =>
      statement(sql`SELECT add_dimension(${relation(name)}, by_hash(${lit(column)}, ${lit(partitions)}))`),
    ),
  ];
}

interface Side<Value> {
  readonly from: Value | null;
  readonly to: Value | null;
}

function alterWord(object: CatalogObject): Sql {
  return raw(object.kind === "continuous-aggregate" ? "ALTER MATERIALIZED VIEW" : "ALTER TABLE");
}

function setReorderPolicy(object: CatalogObject, { from, to }: Side<string>): StatementBody[] {
  const add = (index: string): Sql => sql`SELECT add_reorder_policy(${relation(object.name)}, ${lit(index)})`;
  return replacePolicy(from, to, add, sql`SELECT remove_reorder_policy(${relation(object.name)})`);
}

/** TimescaleDB takes the request only from a session that allows chunk skipping. */
function setChunkSkipping(
  object: CatalogObject,
  { from, to }: { readonly from: readonly string[]; readonly to: readonly string[] },
): StatementBody[] {
  const call = (word: string, column: string): Sql => sql`SELECT ${raw(word)}_chunk_skipping(${relation(object.name)}, ${lit(column)})`;
  const goes = from.filter((column) => !to.includes(column));
  const comes = to.filter((column) => !from.includes(column));
  if (goes.length + comes.length === 0) return [];
  const allow = sql`SELECT set_config('timescaledb.enable_chunk_skipping', 'on', TRUE)`;
  return [
    statement(allow, { undo: [] }),
    ...goes.map((column) => statement(call("disable", column), { undo: [allow, call("enable", column)] })),
    ...comes.map((column) => statement(call("enable", column), { undo: [allow, call("disable", column)] })),
  ];
}

function setColumnstore(object: CatalogObject, { from, to }: Side<ColumnstoreBody>): StatementBody[] {
  const name = id(...object.name);
  const where = displayName(object.name);
  // Left out, the setting stays as it is; releases before 2.22 do not have it.
  const isSparse = from?.sparse !== undefined || to?.sparse !== undefined;
  const sparse = (settingsOf: ColumnstoreBody): Sql =>
    isSparse ? sql`,\n  timescaledb.sparse_index = ${lit(sparseText(settingsOf))}` : raw("");
  const on = (settingsOf: ColumnstoreBody): Sql =>
    sql`${alterWord(object)} ${name} SET (\n  timescaledb.enable_columnstore = TRUE,\n  timescaledb.segmentby = ${lit(segmentText(settingsOf))},\n  timescaledb.orderby = ${lit(orderText(settingsOf))}${sparse(settingsOf)}\n)`;
  const off = sql`${alterWord(object)} ${name} SET (timescaledb.enable_columnstore = FALSE)`;
  if (to === null) {
    const chunks = sql`SELECT decompress_chunk(chunk, if_compressed => TRUE) FROM show_chunks(${relation(object.name)}) AS chunk`;
    const hazards = [hazard("rewrites-table", `Every columnstore chunk of ${where} is written back to rows.`)];
    return [statement(chunks, { hazards, undo: [] }), statement(off, { ...(from && { undo: [on(from)] }) })];
  }
  const changed = from === null ? on(to) : sql`${raw("-- Chunks that are in the columnstore already keep their order.")}\n${on(to)}`;
  return [statement(changed, { undo: [from === null ? off : on(from)] })];
}

/** Settings are lists of names inside a text: each name is quoted for that inner list. */
function segmentText({ segmentBy }: ColumnstoreBody): string {
  return segmentBy.map((column) => quoting.ident(column)).join(", ");
}

function sparseText({ sparse = [] }: ColumnstoreBody): string {
  return sparse.map(({ kind, column }) => `${kind}(${quoting.ident(column)})`).join(", ");
}

function orderText({ orderBy }: ColumnstoreBody): string {
  return orderBy.map(({ column, order }) => `${quoting.ident(column)} ${order.toUpperCase()}`).join(", ");
}

/** Adding a policy that exists keeps the old one silently, so a changed policy is removed first. */
function setColumnstorePolicy(object: CatalogObject, { from, to }: Side<IntervalText>): StatementBody[] {
  const add = (after: IntervalText): Sql => sql`CALL add_columnstore_policy(${relation(object.name)}, after => ${interval(after)})`;
  const remove = sql`CALL remove_columnstore_policy(${relation(object.name)})`;
  return replacePolicy(from, to, add, remove);
}

function setRetentionPolicy(object: CatalogObject, { from, to }: Side<IntervalText>): StatementBody[] {
  const add = (dropAfter: IntervalText): Sql =>
    sql`SELECT add_retention_policy(${relation(object.name)}, drop_after => ${interval(dropAfter)})`;
  const remove = sql`SELECT remove_retention_policy(${relation(object.name)})`;
  const [first, ...rest] = replacePolicy(from, to, add, remove).reverse();
  if (first === undefined || to === null || (from !== null && !shorter(to, from))) return [...rest.reverse(), ...(first ? [first] : [])];
  const lost = hazard("data-loss", `Chunks of ${displayName(object.name)} older than ${to} are dropped at the policy's next run.`);
  return [...rest.reverse(), { ...first, hazards: [lost] }];
}

function shorter(a: IntervalText, b: IntervalText): boolean {
  const [left, right] = [parseInterval(String(a)), parseInterval(String(b))];
  return left === undefined || right === undefined || approximateMicroseconds(left) < approximateMicroseconds(right);
}

function setRefreshPolicy(object: CatalogObject, { from, to }: Side<RefreshBody>): StatementBody[] {
  const offset = (text: IntervalText | null): Sql => (text === null ? raw("NULL") : interval(text));
  const add = (policy: RefreshBody): Sql =>
    sql`SELECT add_continuous_aggregate_policy(\n  ${relation(object.name)},\n  start_offset => ${offset(policy.startOffset)},\n  end_offset => ${offset(policy.endOffset)},\n  schedule_interval => ${interval(policy.every)}${refreshOptions(policy)}\n)`;
  return replacePolicy(from, to, add, sql`SELECT remove_continuous_aggregate_policy(${relation(object.name)})`);
}

const REFRESH_OPTIONS = {
  initialStart: "initial_start",
  timezone: "timezone",
  includeTiered: "include_tiered_data",
  bucketsPerBatch: "buckets_per_batch",
  maxBatches: "max_batches_per_execution",
  newestFirst: "refresh_newest_first",
} as const;

function refreshOptions(policy: RefreshBody): Sql {
  const given = Object.entries(REFRESH_OPTIONS).flatMap(([option, parameter]) => {
    const value = policy[option as keyof typeof REFRESH_OPTIONS]; // a key of the table above
    return value === undefined ? [] : [sql`,\n  ${raw(parameter)} => ${lit(value)}`];
  });
  return join(given, "");
}

function replacePolicy<Value>(from: Value | null, to: Value | null, add: (value: Value) => Sql, remove: Sql): StatementBody[] {
  return [
    ...(from === null ? [] : [statement(remove, { undo: [add(from)] })]),
    ...(to === null ? [] : [statement(add(to), { undo: [remove] })]),
  ];
}
