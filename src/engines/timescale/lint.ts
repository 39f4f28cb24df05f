import { type CatalogObject, fillHoles, isHole } from "../../core/catalog.js";
import type { EngineTarget, Finding } from "../../core/finding.js";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.js";
import { type HypertableBody, hashDimensions, type IntervalText, postgresObject, type RefreshBody } from "../postgres/body.js";
import { approximateMicroseconds, parseInterval } from "../postgres/interval.js";
import { type AggregateObject, lintTables, tablesOf, unproven } from "../postgres/lint.js";
import { placeOf, type TableObject } from "../postgres/lint-place.js";

const TESTED = { oldest: 18, newest: 29 };

type Hypertable = TableObject & { readonly body: { readonly hypertable: HypertableBody } };

export function lint(objects: readonly CatalogObject[], target: EngineTarget): Finding[] {
  const hypertables = tablesOf(objects).filter((table): table is Hypertable => table.body.hypertable !== undefined);
  const aggregates = objects.map(postgresObject).filter((object): object is AggregateObject => object.kind === "continuous-aggregate");
  return [
    ...versionFindings(target),
    ...lintTables(objects),
    ...hypertables.flatMap(hypertableFindings),
    ...hypertables.flatMap(skippingFindings),
    ...hypertables.flatMap(reorderFindings),
    ...[...hypertables, ...aggregates].flatMap((object) => newerFindings(object, target)),
    ...aggregates.flatMap((aggregate) => aggregateFindings(aggregate, objects)),
    ...[...hypertables, ...aggregates].flatMap(columnstoreFindings),
    ...aggregates.flatMap(columnstorePolicyFindings),
    ...aggregates.flatMap((aggregate) => windowFindings(aggregate, objects)),
  ];
}

function versionFindings({ version }: EngineTarget): Finding[] {
  const minor = /^2\.(\d+)/.exec(version)?.[1];
  if (minor !== undefined && Number(minor) >= TESTED.oldest && Number(minor) <= TESTED.newest) return [];
  return [unproven("timescale/version", `TimescaleDB ${version}`, `2.${TESTED.oldest} to 2.${TESTED.newest}`)];
}

function error(rule: string, object: CatalogObject, message: string, fix: string, column?: string): Finding {
  return { rule, severity: "error", message, fix, place: placeOf(object, column) };
}

/** Options that came with a release, by what has them: its release notes say so, and its SQL lacks them before. */
const SINCE: readonly { readonly minor: number; readonly what: string; readonly has: (body: JsonObject) => boolean }[] = [
  {
    minor: 19,
    what: "a refresh in batches (bucketsPerBatch, maxBatches)",
    has: ({ refresh }) => hasAny(refresh, ["bucketsPerBatch", "maxBatches"]),
  },
  { minor: 20, what: "the order of a refresh (newestFirst)", has: ({ refresh }) => hasAny(refresh, ["newestFirst"]) },
  { minor: 22, what: "sparse indexes of one's own (bloom, minmax)", has: ({ columnstore }) => hasAny(columnstore, ["sparse"]) },
];

function hasAny(value: Json | undefined, names: readonly string[]): boolean {
  return isJsonObject(value) && names.some((name) => value[name] !== undefined);
}

function newerFindings(object: CatalogObject, { version }: EngineTarget): Finding[] {
  const minor = Number(/^2\.(\d+)/.exec(version)?.[1] ?? Number.POSITIVE_INFINITY);
  return SINCE.filter((one) => minor < one.minor && one.has(object.body)).map((one) =>
    error(
      "timescale/newer-option",
      object,
      `${placeOf(object)} uses ${one.what}, which TimescaleDB has since 2.${one.minor}; this is ${version}.`,
      "Leave the option out, or upgrade the extension first.",
    ),
  );
}

/** Types whose smallest and largest value TimescaleDB keeps for a chunk. */
const SKIPPED_TYPES = /^(smallint|integer|bigint|date|timestamp)/;

function skippingFindings(table: Hypertable): Finding[] {
  const { hypertable, columns, columnstore } = table.body;
  const skipping = hypertable.skipping ?? [];
  const unfit = skipping.filter((name) => !SKIPPED_TYPES.test(columns.find((column) => column.name === name)?.type ?? ""));
  return [
    ...unfit.map((name) =>
      error(
        "timescale/chunk-skipping-type",
        table,
        `Chunks of ${placeOf(table)} cannot be skipped by ${name}: TimescaleDB keeps ranges of integers and times only.`,
        "Take it out of chunkSkipping; a sparse index (columnstore.minmax) serves other types.",
        name,
      ),
    ),
    ...(skipping.length > 0 && columnstore === undefined
      ? [
          error(
            "timescale/chunk-skipping-columnstore",
            table,
            `${placeOf(table)} has chunkSkipping and no columnstore: ranges are computed when a chunk is converted.`,
            "Give it a columnstore, or leave chunkSkipping out.",
          ),
        ]
      : []),
  ];
}

function reorderFindings(table: Hypertable): Finding[] {
  const { policies, indexes, primaryKey } = table.body;
  const name = policies?.reorder;
  if (name === undefined || name === primaryKey?.name || indexes.some((index) => index.name === name)) return [];
  const known = [...indexes.map((index) => index.name), ...(primaryKey ? [primaryKey.name] : [])].join(", ");
  const message = `${placeOf(table)} is reordered by ${name}, which is none of its indexes (${known}).`;
  return [error("timescale/reorder-index", table, message, "Name one of its indexes.")];
}

/** Dimensions keep their number of partitions as a smallint. */
const MAX_SPACES = 32_767;

const TIME_TYPES = /^(timestamp|date$|bigint$|integer$|smallint$|uuid$)/;

function hypertableFindings(table: Hypertable): Finding[] {
  const { hypertable, primaryKey, indexes, columns } = table.body;
  const spaces = hashDimensions(hypertable);
  const partitioning = [hypertable.timeColumn, ...spaces.map(({ column }) => column)];
  const twice = partitioning.find((column, index) => partitioning.indexOf(column) !== index);
  const uncountable = spaces.find(({ partitions }) => !Number.isInteger(partitions) || partitions < 1 || partitions > MAX_SPACES);
  const uniques = [
    ...(primaryKey ? [{ name: "The key", columns: primaryKey.columns }] : []),
    ...indexes
      .filter(({ unique }) => unique)
      .map((index) => ({ name: `Unique index ${index.name}`, columns: index.columns.map(({ column }) => column) })),
  ];
  const time = columns.find(({ name }) => name === hypertable.timeColumn);
  return [
    ...(twice === undefined
      ? []
      : [
          error(
            "timescale/dimension-twice",
            table,
            `${placeOf(table)} is partitioned by ${twice} twice; TimescaleDB takes a column as one dimension only.`,
            "Name another column, or leave one out.",
            twice,
          ),
        ]),
    ...(uncountable === undefined
      ? []
      : [
          error(
            "timescale/hash-partitions",
            table,
            `${placeOf(table, uncountable.column)} is hashed into ${uncountable.partitions} partitions; TimescaleDB takes 1 to ${MAX_SPACES}.`,
            "Correct the number.",
            uncountable.column,
          ),
        ]),
    ...uniques.flatMap((unique) => {
      const missing = partitioning.filter((column) => !unique.columns.includes(column));
      if (missing.length === 0) return [];
      const message = `${unique.name} of ${placeOf(table)} lacks the partitioning column ${missing.join(", ")}; TimescaleDB checks uniqueness only inside a chunk.`;
      return [error("timescale/unique-contains-partitioning", table, message, `Add ${missing.join(", ")} to it.`)];
    }),
    ...(time === undefined || TIME_TYPES.test(time.type)
      ? []
      : [
          error(
            "timescale/time-column-type",
            table,
            `${placeOf(table, time.name)} is ${time.type}, which cannot partition by time.`,
            "Use an instant, a date or an integer.",
            time.name,
          ),
        ]),
    ...(time?.nullable
      ? [
          error(
            "timescale/time-column-nullable",
            table,
            `${placeOf(table, time.name)} partitions the table and is nullable; TimescaleDB makes it NOT NULL.`,
            "Remove .nullable().",
            time.name,
          ),
        ]
      : []),
  ];
}

/** A bucket function call; exactly one may stand in a continuous aggregate (TimescaleDB manual). */
const BUCKET = /\btime_bucket(?:_ng|_gapfill)?\s*\(/gi;

function aggregateFindings(aggregate: AggregateObject, objects: readonly CatalogObject[]): Finding[] {
  const { query } = aggregate.body;
  const buckets = new Set(callsOf(query)).size;
  const sources = objects.filter(({ id }) => aggregate.dependsOn.includes(id)).map(postgresObject);
  const overPlain = sources.some(
    (source) => source.kind === "continuous-aggregate" || (source.kind === "table" && source.body.hypertable !== undefined),
  );
  return [
    ...(buckets === 1
      ? []
      : [
          error(
            "timescale/one-time-bucket",
            aggregate,
            `${placeOf(aggregate)} has ${buckets} different time_bucket calls; a continuous aggregate needs exactly one.`,
            "Group by one time_bucket of the hypertable's time column.",
          ),
        ]),
    ...(sources.length === 0 || overPlain
      ? []
      : [
          error(
            "timescale/aggregate-source",
            aggregate,
            `${placeOf(aggregate)} reads no hypertable and no continuous aggregate.`,
            "Make the table a hypertable, or the view an ordinary one.",
          ),
        ]),
    ...(/\border\s+by\b(?![^()]*\))/i.test(query)
      ? [
          error(
            "timescale/aggregate-order",
            aggregate,
            `${placeOf(aggregate)} has ORDER BY at its end, which older versions refuse and none keeps.`,
            "Order where the aggregate is read.",
          ),
        ]
      : []),
  ];
}

function callsOf(query: string): string[] {
  return [...query.matchAll(BUCKET)].map(({ index }) => {
    let depth = 0;
    for (let at = query.indexOf("(", index); at < query.length; at++) {
      if (query[at] === "(") depth++;
      if (query[at] === ")" && --depth === 0) return query.slice(index, at + 1).replace(/\s+/g, " ");
    }
    return query.slice(index);
  });
}

function columnstoreFindings(object: Hypertable | AggregateObject): Finding[] {
  const { columnstore, policies } = object.body;
  if (columnstore === undefined) return [];
  const both = columnstore.segmentBy.filter((column) => columnstore.orderBy.some((ordered) => ordered.column === column));
  const names = new Set(object.body.columns.map(({ name }) => name));
  const unknown = [...columnstore.segmentBy, ...columnstore.orderBy.map(({ column }) => column)].filter((column) => !names.has(column));
  const late = longerOrSame(policies?.columnstoreAfter, policies?.retention);
  return [
    ...(both.length === 0
      ? []
      : [
          error(
            "timescale/segment-and-order",
            object,
            `${both.join(", ")} of ${placeOf(object)} both segments and orders the columnstore; TimescaleDB refuses that.`,
            "Leave it in one of the two.",
          ),
        ]),
    ...(unknown.length === 0
      ? []
      : [
          error(
            "timescale/columnstore-column",
            object,
            `The columnstore of ${placeOf(object)} names ${unknown.join(", ")}, which it does not have.`,
            "Correct the column's name.",
          ),
        ]),
    ...(late
      ? [
          {
            rule: "timescale/columnstore-after-retention",
            severity: "warning" as const,
            message: `${placeOf(object)} converts chunks after ${late[0]} but drops them after ${late[1]}: nothing is ever converted.`,
            fix: "Convert earlier, or leave the columnstore policy out.",
            place: placeOf(object),
          },
        ]
      : []),
  ];
}

/** TimescaleDB refuses both when the policy is added. */
function columnstorePolicyFindings(aggregate: AggregateObject): Finding[] {
  const { refresh, policies } = aggregate.body;
  const after = policies?.columnstoreAfter;
  if (after === undefined) return [];
  if (refresh === undefined) {
    const message = `${placeOf(aggregate)} has a columnstore policy but no refresh policy; TimescaleDB wants the refresh first.`;
    return [error("timescale/columnstore-needs-refresh", aggregate, message, "Add `refresh`, or leave `after` out.")];
  }
  if (!reachesBeyond(refresh, after)) return [];
  const message = `${placeOf(aggregate)} converts chunks after ${intervalOf(after)}, inside the window that is refreshed; a refresh would rewrite columnstore chunks.`;
  return [error("timescale/columnstore-inside-refresh", aggregate, message, "Convert later than the refresh's startOffset.")];
}

/** Retention of a source inside the window that is refreshed: the next refresh deletes the history that was aggregated. */
function windowFindings(aggregate: AggregateObject, objects: readonly CatalogObject[]): Finding[] {
  const { refresh } = aggregate.body;
  if (refresh === undefined) return [];
  const sources = objects.filter(({ id }) => aggregate.dependsOn.includes(id)).map(postgresObject);
  return sources.flatMap((source) => {
    const retention = "policies" in source.body ? source.body.policies?.retention : undefined;
    if (retention === undefined || !reachesBeyond(refresh, retention)) return [];
    const window = refresh.startOffset === null ? "everything" : intervalOf(refresh.startOffset);
    return [
      {
        rule: "cross/retention-inside-refresh-window",
        severity: "error" as const,
        message: `${placeOf(source)} drops rows after ${intervalOf(retention)}, but ${placeOf(aggregate)} is refreshed over ${window}: a refresh deletes buckets whose rows were dropped. TimescaleDB accepts this without a word.`,
        fix: `Give the refresh a startOffset shorter than ${intervalOf(retention)}, or keep the rows longer.`,
        place: placeOf(aggregate),
      },
    ];
  });
}

function reachesBeyond({ startOffset }: RefreshBody, retention: IntervalText): boolean {
  return environments([startOffset, retention]).some((name) => {
    const start = startOffset === null ? Number.POSITIVE_INFINITY : lengthOf(startOffset, name);
    const kept = lengthOf(retention, name);
    return start !== undefined && kept !== undefined && start > kept;
  });
}

function longerOrSame(a: IntervalText | undefined, b: IntervalText | undefined): readonly [string, string] | undefined {
  if (a === undefined || b === undefined) return undefined;
  const where = environments([a, b]).find((name) => (lengthOf(a, name) ?? 0) >= (lengthOf(b, name) ?? Number.POSITIVE_INFINITY));
  return where === undefined ? undefined : [intervalOf(a, where), intervalOf(b, where)];
}

/** Every environment that one of the values names: a rule that holds in production may break in the test environment. */
function environments(values: readonly (IntervalText | null)[]): string[] {
  return [
    ...new Set([
      "default",
      ...values.flatMap((value) => (value !== null && isHole(value as Json) ? Object.keys((value as { $env: object }).$env) : [])),
    ]),
  ];
}

function intervalOf(value: IntervalText, environment = "default"): string {
  return String(fillHoles(value as Json, environment)); // an interval or a hole of intervals, both JSON
}

function lengthOf(value: IntervalText, environment: string): number | undefined {
  const interval = parseInterval(intervalOf(value, environment));
  return interval && approximateMicroseconds(interval);
}
