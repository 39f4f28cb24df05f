import { objectId } from "../../src/core/catalog.js";
import type { Rename } from "../../src/core/change.js";
import type { Model } from "../../src/core/model.js";
import type { StarrocksTableOptions } from "../../src/engines/starrocks/options.js";
import { type AnyColumns, defineMaterializedView, defineTable, defineView, hash, month, sql, t } from "../../src/index.js";

/* Pairs of models for the proof on the fake front end: A is made, becomes B, and B becomes A again. */

export interface StarrocksPair {
  readonly name: string;
  readonly from: readonly Model[];
  readonly to: readonly Model[];
  readonly renames?: readonly Rename[];
  /** Whether the way is a rebuild; absent: ordinary ALTERs only. */
  readonly rebuilds?: true;
}

type Kind = StarrocksTableOptions<string>["table"];
type Options = Partial<StarrocksTableOptions<string>>;

const base: AnyColumns = {
  id: t.bigint("natural key"),
  at: t.datetime("when it was measured, UTC"),
  value: t.double("what was measured").nullable(),
  label: t.varchar(20, "a name's first letters").nullable(),
};

interface Parts {
  readonly columns?: AnyColumns;
  readonly comment?: string;
  readonly key?: readonly string[];
}

function table(kind: Kind, parts: Parts = {}, options: Options = {}): Model {
  const aggregate = kind === "aggregate" ? { aggregate: { value: "SUM" } } : {};
  return defineTable("p", {
    grain: "one row per id and hour",
    key: parts.key ?? ["id", "at"],
    columns: parts.columns ?? base,
    ...(parts.comment !== undefined && { comment: parts.comment }),
    on: { starrocks: { table: kind, distributeBy: hash(["id"], 4), replication: 1, ...aggregate, ...options } },
  } as never); // the pairs try combinations that the author's types would narrow
}

const TABLE = objectId("starrocks", "table", ["proof", "p"]);

/** One change for each kind of table; where the engine refuses it, the plan has to be a rebuild. */
function tablePairs(kind: Kind): StarrocksPair[] {
  const p = (parts: Parts = {}, options: Options = {}): Model => table(kind, parts, options);
  const columns = (more: AnyColumns): Parts => ({ columns: { ...base, ...more } });
  const pair = (name: string, from: Model, to: Model, more: Partial<StarrocksPair> = {}): StarrocksPair => ({
    name: `${kind}: ${name}`,
    from: [from],
    to: [to],
    ...more,
  });
  const rebuilds = { rebuilds: true } as const;
  const between: AnyColumns = {
    id: base.id as never,
    at: base.at as never,
    extra: t.int("between").nullable(),
    value: base.value as never,
    label: base.label as never,
  }; // the same columns in another order
  return [
    pair("nothing", p(), p()),
    pair("a nullable column is added and dropped", p(), p(columns({ extra: t.text("later").nullable() }))),
    pair("a column with a default is added", p(), p(columns({ extra: t.int("later").default(7) }))),
    pair("a column is added in the middle", p(), p({ columns: between })),
    pair("three columns are added", p(), p(columns({ a: t.int("a").nullable(), b: t.date("b").nullable(), c: t.json("c").nullable() }))),
    pair("a list and a map are added", p(), p(columns({ l: t.list(t.int()).nullable(), m: t.map(t.varchar(5), t.int()).nullable() }))),
    pair("a column is renamed", p(columns({ old_name: t.int("x").nullable() })), p(columns({ new_name: t.int("x").nullable() })), {
      renames: [{ rename: "column", id: TABLE, from: "old_name", to: "new_name" }],
    }),
    pair("a text is widened", p(), p({ columns: { ...base, label: t.varchar(50, "a name's first letters").nullable() } }), rebuilds),
    pair("an integer is widened", p(columns({ n: t.int("n").nullable() })), p(columns({ n: t.bigint("n").nullable() })), rebuilds),
    pair("a decimal grows", p(columns({ n: t.decimal(10, 2).nullable() })), p(columns({ n: t.decimal(14, 3).nullable() })), rebuilds),
    pair("a text becomes a number", p(columns({ n: t.varchar(9).nullable() })), p(columns({ n: t.int().nullable() })), rebuilds),
    pair("a column may be NULL from now on", p(columns({ n: t.int("n") })), p(columns({ n: t.int("n").nullable() })), rebuilds),
    pair("a default changes", p(columns({ n: t.int("n").default(1) })), p(columns({ n: t.int("n").default(2) })), rebuilds),
    pair(
      "a column's comment changes, quotes and all",
      p(columns({ n: t.int("one").nullable() })),
      p(columns({ n: t.int('"two" \\ `three`\n𝒳').nullable() })),
    ),
    pair("the table's comment changes", p({ comment: "one" }), p({ comment: 'it\'s "two" 🛰' })),
    pair("a bloom filter is set", p({}, { bloomFilter: ["id"] }), p({}, { bloomFilter: ["id", "at"] })),
    pair("a write quorum is set", p({}, { properties: { write_quorum: "ALL" } }), p({}, { properties: { write_quorum: "ONE" } })),
    pair("more buckets", p(), p({}, { distributeBy: hash(["id"], 8) })),
    pair("another bucket key", p(), p({}, { distributeBy: hash(["id", "at"], 4) })),
    pair("compression changes", p(), p({}, { compression: "zstd" }), rebuilds),
    pair("partitioned by month", p(), p({}, { partitionBy: month("at") }), rebuilds),
    pair("the key grows", p({ key: ["id"] }), p({ key: ["id", "at"] }), rebuilds),
    pair(
      "columns come, go and grow at once",
      p(columns({ n: t.int("n").nullable(), gone: t.int("gone").nullable() })),
      p(columns({ n: t.bigint("n").nullable(), fresh: t.date("fresh").nullable() })),
      rebuilds,
    ),
    pair(
      "a struct gains and loses fields",
      p(columns({ s: t.struct({ a: t.int(), b: t.varchar(5) }).nullable() })),
      p(columns({ s: t.struct({ a: t.int(), c: t.date() }).nullable() })),
    ),
    pair("a compaction is put off", p(), p({}, { properties: { mutable_bucket_num: "3" } })),
    pair("replicas", p({}, { replication: 1 }), p({}, { replication: 2 })),
    pair("hostile names", p(columns({ "a; DROP TABLE p": t.int().nullable() })), p(columns({ 'select " from': t.int().nullable() }))),
  ];
}

const MONTHS = ["2024-01-01", "2024-02-01", "2024-03-01", "2024-04-01"] as const;

function ranged(...names: readonly string[]): Model {
  const partitions = names.map((name, index) => ({ name, from: [MONTHS[index] ?? ""], to: [MONTHS[index + 1] ?? ""] }));
  return table("duplicate", {}, { partitionBy: { by: "range", columns: ["at"], partitions } });
}

function listed(...parts: readonly (readonly [string, readonly string[]])[]): Model {
  const partitions = parts.map(([name, values]) => ({ name, values: values.map((value) => [value]) }));
  return table("duplicate", {}, { partitionBy: { by: "list", columns: ["id"], partitions } });
}

const onlyKeys: Readonly<Record<Kind, readonly StarrocksPair[]>> = {
  duplicate: [
    {
      name: "duplicate: a bitmap index comes and goes",
      from: [table("duplicate")],
      to: [table("duplicate", {}, { bitmapIndexes: ["label"] })],
    },
    {
      name: "duplicate: partitions by range and by list",
      from: [
        table(
          "duplicate",
          {},
          {
            partitionBy: {
              by: "range",
              columns: ["at"],
              partitions: [
                { name: "p1", to: ["2024-01-01"] },
                { name: "p2", from: ["2024-01-01"] },
              ],
            },
          },
        ),
      ],
      to: [
        table(
          "duplicate",
          { key: ["id"] },
          { partitionBy: { by: "list", columns: ["id"], partitions: [{ name: "a", values: [["1"], ["2"], ["3"]] }] } },
        ),
      ],
      rebuilds: true,
    },
    { name: "duplicate: a range partition comes and goes", from: [ranged("p1")], to: [ranged("p1", "p2", "p3")] },
    { name: "duplicate: a range partition is renamed", from: [ranged("p1", "p2")], to: [ranged("p1", "p2", "renamed")] },
    {
      name: "duplicate: a list partition comes and goes",
      from: [listed(["a", ["1", "2", "3"]])],
      to: [listed(["a", ["1", "2", "3"]], ["b", ["4"]])],
    },
    {
      name: "duplicate: a list partition holds other values",
      from: [listed(["a", ["1", "2", "3"]])],
      to: [listed(["a", ["1", "2", "3", "4"]])],
      rebuilds: true,
    },
    {
      name: "duplicate: a key column comes and goes",
      from: [table("duplicate")],
      to: [
        table("duplicate", {
          columns: { id: base.id, at: base.at, code: t.int("code").default(1), value: base.value, label: base.label } as never,
          key: ["id", "at", "code"],
        }),
      ],
    },
    { name: "duplicate: sorted by other columns", from: [table("duplicate")], to: [table("duplicate", {}, { orderBy: ["at"] })] },
    {
      name: "duplicate: two indexes and a column",
      from: [table("duplicate")],
      to: [table("duplicate", { columns: { ...base, code: t.int("code").nullable() } }, { bitmapIndexes: ["label", "code"] })],
    },
    {
      name: "duplicate: random distribution",
      from: [table("duplicate")],
      to: [table("duplicate", {}, { distributeBy: { by: "random", buckets: 3 } })],
    },
  ],
  primary: [
    {
      name: "primary: another sort key",
      from: [table("primary", {}, { orderBy: ["at"] })],
      to: [table("primary", {}, { orderBy: ["label"] })],
    },
    { name: "primary: the index leaves memory", from: [table("primary")], to: [table("primary", {}, { persistentIndex: false })] },
    { name: "primary: it becomes a duplicate table", from: [table("primary")], to: [table("duplicate")], rebuilds: true },
  ],
  unique: [{ name: "unique: it becomes a primary-key table", from: [table("unique")], to: [table("primary")], rebuilds: true }],
  aggregate: [
    {
      name: "aggregate: another function",
      from: [table("aggregate")],
      to: [table("aggregate", {}, { aggregate: { value: "MAX" } })],
      rebuilds: true,
    },
  ],
};

const source = defineTable("p", {
  grain: "one row per id",
  columns: { id: t.bigint("natural key"), value: t.double("measured").nullable() },
  key: ["id"],
  on: { starrocks: { table: "duplicate", distributeBy: hash(["id"], 4), replication: 1 } },
});

const wideSource = defineTable("p", {
  grain: "one row per id",
  columns: { id: t.bigint("natural key"), value: t.double("measured").nullable(), extra: t.int("not read").nullable() },
  key: ["id"],
  on: { starrocks: { table: "duplicate", distributeBy: hash(["id"], 4), replication: 1 } },
});

const viewParts = { columns: { id: t.bigint("natural key"), total: t.double("summed").nullable() }, on: { starrocks: {} } } as const;

function view(comment: string, all: boolean): Model {
  const query = all
    ? { starrocks: sql.starrocks`SELECT id, sum(value) AS total FROM ${source} GROUP BY id` }
    : { starrocks: sql.starrocks`SELECT id, sum(value) AS total FROM ${source} WHERE value > 1 GROUP BY id` };
  return defineView("v", { ...viewParts, comment, query });
}

function materialized(every: string | undefined, options: object = {}, all = true): Model {
  const query = all
    ? { starrocks: sql.starrocks`SELECT id, sum(value) AS total FROM ${source} GROUP BY id` }
    : { starrocks: sql.starrocks`SELECT id, max(value) AS total FROM ${source} GROUP BY id` };
  return defineMaterializedView("m", {
    ...viewParts,
    grain: "one row per id",
    comment: "totals",
    query,
    on: { starrocks: { refresh: every === undefined ? "manual" : { every }, distributeBy: hash(["id"], 2), replication: 1, ...options } },
  });
}

const viewPairs: readonly StarrocksPair[] = [
  { name: "view: it comes and goes", from: [source], to: [source, view("totals", true)] },
  { name: "view: another query", from: [source, view("totals", true)], to: [source, view("totals", false)] },
  { name: "view: another comment", from: [source, view("totals", true)], to: [source, view('the "totals"', true)] },
  { name: "materialized view: it comes and goes", from: [source], to: [source, materialized("1 HOUR")] },
  { name: "materialized view: another schedule", from: [source, materialized("1 HOUR")], to: [source, materialized("30 minute")] },
  { name: "materialized view: by hand from now on", from: [source, materialized("1 HOUR")], to: [source, materialized(undefined)] },
  { name: "materialized view: another query", from: [source, materialized("1 HOUR")], to: [source, materialized("1 HOUR", {}, false)] },
  {
    name: "materialized view: other buckets",
    from: [source, materialized("1 HOUR")],
    to: [source, materialized("1 HOUR", { distributeBy: hash(["id"], 4) })],
  },
  {
    name: "materialized view: its base table is built anew",
    from: [source, materialized("1 HOUR")],
    to: [{ ...source, on: { starrocks: { ...source.on.starrocks, compression: "zstd" } } } as Model, materialized("1 HOUR")],
    rebuilds: true,
  },
  {
    name: "materialized view: a column of its base table goes",
    from: [wideSource, materialized("1 HOUR")],
    to: [source, materialized("1 HOUR")],
  },
  {
    name: "materialized view: a property",
    from: [source, materialized("1 HOUR", { properties: { query_rewrite_consistency: "loose" } })],
    to: [source, materialized("1 HOUR", { properties: { query_rewrite_consistency: "checked" } })],
  },
];

export const starrocksPairs: readonly StarrocksPair[] = [
  ...(["duplicate", "primary", "unique", "aggregate"] as const).flatMap((kind) => [...tablePairs(kind), ...onlyKeys[kind]]),
  ...viewPairs,
];
