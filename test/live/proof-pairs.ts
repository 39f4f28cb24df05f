import { objectId } from "../../src/core/catalog.js";
import type { Model } from "../../src/core/model.js";
import type { EngineName } from "../../src/core/types.js";
import {
  type AnyColumns,
  defineEnum,
  defineFunction,
  defineMaterializedView,
  definePostgresRole,
  defineTable,
  defineView,
  env,
  sql,
  t,
} from "../../src/index.js";
import type { Pair } from "./proof-loop.js";

/*
 * Pairs of models for the proof loop. Table pairs hold for PostgreSQL and TimescaleDB, as a plain table and, there, as a
 * hypertable; the second list is TimescaleDB's own.
 */

export interface NamedPair extends Pair {
  readonly name: string;
}

type TableParts = Partial<Omit<Parameters<typeof defineTable>[1], "on" | "columns">> & { readonly columns?: AnyColumns };

const base: AnyColumns = {
  id: t.bigint("natural key"),
  at: t.instant("when it was measured"),
  value: t.double("what was measured").nullable(),
  label: t.varchar(20, "a name's first letters").nullable(),
};

const SEED = [
  "INSERT INTO p (id, at, value, label) SELECT n, timestamptz '2024-01-01' + n * interval '1 hour', n / 2.0, 'l' || n FROM generate_series(1, 200) n",
];
const COUNT = ["SELECT count(*)::int FROM p", 200] as const;

export function tablePairs(slot: EngineName, options: object, hypertable: boolean): NamedPair[] {
  const p = (parts: TableParts = {}, more: object = {}): Model =>
    defineTable("p", {
      grain: "one row per id and hour",
      key: ["id", "at"],
      ...parts,
      columns: parts.columns ?? base,
      on: { [slot]: { ...options, ...more } },
    } as never); // the pairs try combinations that the author's types would narrow
  const change = (name: string, from: Model, to: Model, pair: Partial<Pair> = {}): NamedPair => ({
    name: `${slot}${hypertable ? " hypertable" : ""}: ${name}`,
    from: [from],
    to: [to],
    seed: SEED,
    expected: COUNT,
    ...pair,
  });
  const columns = (more: AnyColumns): TableParts => ({ columns: { ...base, ...more } });
  const index = (...indexes: object[]): object => ({ indexes });
  const pairs = [
    change("nothing", p(), p()),
    change("a nullable column is added", p(), p(columns({ extra: t.text("later").nullable() }))),
    change("a column with a default is added", p(), p(columns({ extra: t.int("later").default(7) }))),
    change("a column with the engine's clock is added", p(), p(columns({ made: t.instant("when inserted").defaultNow() }))),
    change("a column is dropped", p(columns({ extra: t.text("gone").nullable() })), p()),
    change("a column is renamed", p(columns({ old_name: t.text("x").nullable() })), p(columns({ new_name: t.text("x").nullable() })), {
      renames: [{ rename: "column", id: objectId(slot, "table", ["public", "p"]), from: "old_name", to: "new_name" }],
    }),
    change("a text is widened", p(), p({ columns: { ...base, label: t.varchar(50, "a name's first letters").nullable() } })),
    change("a text becomes unlimited", p(), p({ columns: { ...base, label: t.text("a name's first letters").nullable() } })),
    change("an integer is widened", p(columns({ n: t.int("n").default(1) })), p(columns({ n: t.bigint("n").default("1" as never) }))),
    change("an integer becomes decimal", p(columns({ n: t.int("n").nullable() })), p(columns({ n: t.decimal(18, 4, "n").nullable() }))),
    change(
      "a decimal is narrowed",
      p(columns({ n: t.decimal(18, 4, "n").nullable() })),
      p(columns({ n: t.decimal(10, 2, "n").nullable() })),
    ),
    change("a column becomes NOT NULL", p(), p({ columns: { ...base, value: t.double("what was measured") } })),
    change("a column becomes nullable", p(columns({ n: t.int("n").default(0) })), p(columns({ n: t.int("n").nullable().default(0) }))),
    change("a default changes", p(columns({ n: t.int("n").default(0) })), p(columns({ n: t.int("n").default(5) }))),
    change("a default goes", p(columns({ n: t.text("n").nullable().default("it's") })), p(columns({ n: t.text("n").nullable() }))),
    change(
      "comments change",
      p(),
      p({ comment: "Now with 'quotes' and \\ backslashes", columns: { ...base, value: t.double("µ — “other”\nline").nullable() } }),
    ),
    change("columns change places", p(), p({ columns: { at: base.at, id: base.id, label: base.label, value: base.value } as AnyColumns })),
    change("an index is added", p(), p({}, index({ columns: ["label", { column: "at", order: "desc" }] }))),
    change("an index is dropped", p({}, index({ columns: ["label"] })), p()),
    change(
      "an index changes its columns",
      p({}, index({ name: "p_i", columns: ["label"] })),
      p({}, index({ name: "p_i", columns: ["label", "value"] })),
    ),
    change("an index is renamed", p({}, index({ name: "p_i", columns: ["label"] })), p({}, index({ name: "p_j", columns: ["label"] }))),
    change(
      "a partial index changes its predicate",
      p({}, index({ columns: ["label"], where: "value > 1" })),
      p({}, index({ columns: ["label"], where: "value > 2 AND label <> 'it''s'" })),
    ),
    change("a unique index is added", p(), p({}, index({ columns: ["label", "id", "at"], unique: true }))),
    change(
      "a brin and a gin index are added",
      p(columns({ doc: t.json("d").nullable() })),
      p(columns({ doc: t.json("d").nullable() }), index({ columns: ["id"], method: "brin" }, { columns: ["doc"], method: "gin" })),
    ),
    change("the key goes", p(), p({ key: undefined } as never)),
    change("the key comes", p({ key: undefined } as never), p()),
    change("the key grows", p(), p({ key: ["id", "at", "label"], columns: { ...base, label: t.varchar(20, "l") } })),
    change(
      "an enum gets a value",
      p(columns({ s: t.enum(["a", "b"], "s").nullable() })),
      p(columns({ s: t.enum(["a", "b", "it's"], "s").nullable() })),
    ),
    change("an enum column is added", p(), p(columns({ s: t.enum(["a", "b"], "s").default("a") }))),
    change(
      "a generated column is added",
      p(),
      p(columns({ twice: t.double("2 × value").nullable().generated({ postgres: "value * 2" }) })),
    ),
    change(
      "a generated column changes",
      p(columns({ twice: t.double("2 × value").nullable().generated({ postgres: "value * 2" }) })),
      p(columns({ twice: t.double("2 × value").nullable().generated({ postgres: "value * 2.5" }) })),
    ),
    change(
      "several things change at once",
      p(columns({ gone: t.int("x").nullable() }), index({ columns: ["gone"] })),
      p(
        { comment: "new", columns: { ...base, label: t.text("l").nullable(), more: t.date("d").nullable() } },
        index({ columns: ["more"] }),
      ),
    ),
    change("every type", p(), p(columns(everyType))),
    change(
      "hostile names",
      p(),
      p(
        columns({
          'a"b; DROP TABLE p': t.int("'; DROP TABLE p; --").nullable(),
          select: t.int("$$ $1 \\").nullable(),
          "Ünï🎉": t.text("{{x}}").nullable(),
        }),
      ),
    ),
    {
      name: `${slot}${hypertable ? " hypertable" : ""}: a table is renamed with its key and indexes`,
      from: [p({}, index({ columns: ["label"] }))],
      to: [{ ...p({}, index({ columns: ["label"] })), name: "q" } as Model],
      renames: [{ rename: "object" as const, id: objectId(slot, "table", ["public", "p"]), to: objectId(slot, "table", ["public", "q"]) }],
      seed: SEED,
      expected: ["SELECT count(*)::int FROM q", 200] as const,
    },
    {
      name: `${slot}${hypertable ? " hypertable" : ""}: another table comes in a schema of its own`,
      from: [p()],
      to: [p(), { ...p({}, { schema: "Other one" }), name: "o" } as Model],
      seed: SEED,
      expected: COUNT,
    },
  ];
  return pairs;
}

const everyType: AnyColumns = {
  c_boolean: t.boolean("c").nullable(),
  c_tinyint: t.tinyint("c").nullable(),
  c_smallint: t.smallint("c").nullable(),
  c_largeint: t.largeint("c").nullable(),
  c_float: t.float("c").nullable(),
  c_decimal: t.decimal(38, 10, "c").nullable(),
  c_char: t.char(3, "c").nullable(),
  c_binary: t.binary("c").nullable(),
  c_fixed: t.fixed(16, "c").nullable(),
  c_date: t.date("c").nullable(),
  c_time: t.time("c").nullable(),
  c_time3: t.time("c", 3).nullable(),
  c_instant3: t.instant("c", 3).nullable(),
  c_datetime: t.datetime("c").nullable(),
  c_datetime0: t.datetime("c", 0).nullable(),
  c_interval: t.interval("c").nullable(),
  c_uuid: t.uuid("c").nullable(),
  c_json: t.json("c").nullable(),
  c_list: t.list(t.decimal(10, 2), "c").nullable(),
  c_lists: t.list(t.list(t.int()), "c").nullable(),
  c_map: t.map(t.text(), t.int(), "c").nullable(),
  c_struct: t.struct({ a: t.int("a") }, "c").nullable(),
  c_as: t.text("c").as("postgres", "varchar(7)").as("timescale", "varchar(7)").nullable(),
  c_timestamptz: t.instant("c").as("postgres", "timestamptz(0)").as("timescale", "timestamptz(0)").nullable(),
};

export function objectPairs(slot: "postgres" | "timescale", options: object): NamedPair[] {
  const orders = defineTable("orders", {
    grain: "one row per order",
    columns: { id: t.bigint("key"), at: t.instant("when"), paid: t.decimal(18, 4, "money").nullable(), shop: t.int("shop") },
    key: ["id", "at"],
    on: { [slot]: options },
  });
  const shops = defineTable("shops", {
    grain: "one row per shop",
    columns: { id: t.int("key"), name: t.text("n") },
    key: ["id"],
    on: { [slot]: {} },
  });
  const on = { [slot]: {} };
  const view = (query: Parameters<typeof defineView>[1]["query"], more: AnyColumns = {}, comment = "paid by shop"): Model =>
    defineView("v", { comment, columns: { shop: t.int("shop"), paid: t.decimal(38, 4, "sum"), ...more }, query, on });
  const sum = { postgres: sql.postgres`SELECT shop, sum(paid) FROM ${orders} WHERE ${orders.col.paid} > 0 GROUP BY shop` };
  const bigger = {
    postgres: sql.postgres`
    SELECT shop, sum(paid) AS paid
    FROM ${orders}
    WHERE ${orders.col.paid} > 1.5 AND 'it''s' <> 'x' -- comment; with semicolon
    GROUP BY shop`,
  };
  const counted = { postgres: sql.postgres`SELECT shop, sum(paid), count(*) FROM ${orders} GROUP BY shop` };
  const fn = (body: string, more: object = {}): Model =>
    defineFunction("paid_since", {
      comment: "what was paid since",
      arguments: { since: t.instant("from here") },
      returns: { table: { shop: t.int("s"), paid: t.decimal(18, 4, "p") } },
      language: "sql",
      volatility: "stable",
      body: {
        postgres: {
          ...sql.postgres`${orders}`,
          parts: [body, { ref: "model", model: "orders" }, " o WHERE o.at >= since GROUP BY o.shop"],
        },
      },
      on,
      ...more,
    });
  const seed = [
    "INSERT INTO orders (id, at, paid, shop) SELECT n, timestamptz '2024-01-01' + n * interval '1 hour', n, n % 3 FROM generate_series(1, 100) n",
  ];
  const expected = ["SELECT count(*)::int FROM orders", 100] as const;
  const pair = (name: string, from: Model[], to: Model[]): NamedPair => ({
    name: `${slot}: ${name}`,
    from: [orders, ...from],
    to: [orders, ...to],
    seed,
    expected,
  });
  const plain = slot === "postgres";
  return [
    pair("a view comes", [], [view(sum)]),
    pair("a view goes", [view(sum)], []),
    pair("a view's query changes", [view(sum)], [view(bigger)]),
    pair("a view gets a column at its end", [view(sum)], [view(counted, { n: t.bigint("count") })]),
    pair("a view loses a column", [view(counted, { n: t.bigint("count") })], [view(sum)]),
    pair("a view's comment changes", [view(sum)], [view(sum, {}, "")]),
    pair("a function comes", [], [fn("SELECT o.shop, sum(o.paid) FROM ")]),
    pair(
      "a function's body changes",
      [fn("SELECT o.shop, sum(o.paid) FROM ")],
      [fn("SELECT o.shop, max(o.paid) -- $$ dollars; 'quotes'\n FROM ")],
    ),
    pair(
      "a function's arguments change",
      [fn("SELECT o.shop, sum(o.paid) FROM ")],
      [fn("SELECT o.shop, sum(o.paid) + n FROM ", { arguments: { since: t.instant("x"), n: t.int("n") } })],
    ),
    pair(
      "a function's volatility changes",
      [fn("SELECT o.shop, sum(o.paid) FROM ")],
      [fn("SELECT o.shop, sum(o.paid) FROM ", { volatility: "volatile" })],
    ),
    pair(
      "a plpgsql function comes",
      [],
      [
        defineFunction("doubled", {
          arguments: { n: t.int("n") },
          returns: t.bigint("2n"),
          language: "plpgsql",
          volatility: "immutable",
          body: { postgres: sql.postgres`BEGIN\n  RETURN n * 2;\nEND;` },
          on,
        }),
      ],
    ),
    pair("a referenced table comes", [], [shops]),
    ...(plain
      ? [
          pair("a materialized view comes", [], [matview(sum)]),
          pair("a materialized view's query changes", [matview(sum)], [matview(bigger)]),
          pair("a materialized view gets an index", [matview(sum)], [matview(sum, { indexes: [{ columns: ["shop"], unique: true }] })]),
          {
            name: "postgres: a reference comes",
            from: [shops, reference(false)],
            to: [shops, reference(true)],
            seed: ["INSERT INTO shops VALUES (1, 'a')", "INSERT INTO sales VALUES (1, 1)"],
            expected: ["SELECT count(*)::int FROM sales", 1] as const,
          },
          { name: "postgres: a reference goes", from: [shops, reference(true)], to: [shops, reference(false)] },
        ]
      : []),
  ];
  function matview(query: Parameters<typeof defineView>[1]["query"], options: object = {}): Model {
    return defineMaterializedView("m", {
      grain: "one row per shop",
      columns: { shop: t.int("shop"), paid: t.decimal(38, 4, "sum") },
      query,
      on: { postgres: options },
    });
  }
  function reference(present: boolean): Model {
    return defineTable("sales", {
      grain: "one row per sale",
      columns: { id: t.int("key"), shop: t.int("shop") },
      key: ["id"],
      ...(present && { references: [{ columns: ["shop" as const], model: shops, to: ["id"] }] }),
      on: { postgres: {} },
    });
  }
}

export function timescalePairs(): NamedPair[] {
  const p = (options: object): Model =>
    defineTable("p", { grain: "one row per id and hour", columns: base, key: ["id", "at"], on: { timescale: options } } as never); // as above
  const hyper = (options: object = {}): Model => p({ timeColumn: "at", chunkInterval: "1 day", ...options });
  const twice = (options: object): Model =>
    defineTable("p", {
      grain: "one row per id and hour",
      columns: { ...base, label: t.varchar(20, "a name's first letters") },
      key: ["id", "at", "label"],
      on: { timescale: { timeColumn: "at", chunkInterval: "1 day", ...options } },
    } as never); // as above
  const pair = (name: string, from: Model, to: Model): NamedPair => ({
    name: `timescale: ${name}`,
    from: [from],
    to: [to],
    seed: SEED,
    expected: COUNT,
  });
  const segment = { segmentBy: ["id"], orderBy: [{ column: "at", order: "desc" }] };
  const tables = [
    pair("a plain table becomes a hypertable", p({}), hyper()),
    pair("a hypertable becomes a plain table", hyper(), p({})),
    pair("the chunk interval changes", hyper(), hyper({ chunkInterval: "7 days" })),
    pair("the chunk interval is a month", hyper(), hyper({ chunkInterval: "1 month" })),
    pair("a space dimension comes", hyper(), hyper({ spaceBy: { column: "id", partitions: 4 } })),
    pair(
      "a space dimension grows",
      hyper({ spaceBy: { column: "id", partitions: 2 } }),
      hyper({ spaceBy: { column: "id", partitions: 4 } }),
    ),
    pair(
      "a second space dimension comes",
      hyper({ spaceBy: { column: "id", partitions: 2 } }),
      twice({
        spaceBy: [
          { column: "id", partitions: 2 },
          { column: "label", partitions: 3 },
        ],
      }),
    ),
    pair(
      "one of two space dimensions grows",
      twice({
        spaceBy: [
          { column: "label", partitions: 2 },
          { column: "id", partitions: 3 },
        ],
      }),
      twice({
        spaceBy: [
          { column: "label", partitions: 2 },
          { column: "id", partitions: 5 },
        ],
      }),
    ),
    pair("retention comes", hyper(), hyper({ retention: "10 years" })),
    pair("retention changes", hyper({ retention: "10 years" }), hyper({ retention: "120 months 5 days" })),
    pair("retention goes", hyper({ retention: "10 years" }), hyper()),
    pair("a columnstore comes", hyper(), hyper({ columnstore: segment })),
    pair("a columnstore with policy comes", hyper(), hyper({ columnstore: { ...segment, after: "7 days" } })),
    pair(
      "a columnstore policy changes",
      hyper({ columnstore: { ...segment, after: "7 days" } }),
      hyper({ columnstore: { ...segment, after: "36 hours" } }),
    ),
    pair(
      "a columnstore's order changes",
      hyper({ columnstore: segment }),
      hyper({ columnstore: { segmentBy: [], orderBy: ["id", { column: "at", order: "desc" }] } }),
    ),
    pair(
      "sparse indexes come",
      hyper({ columnstore: segment }),
      hyper({ columnstore: { ...segment, bloom: ["label"], minmax: ["value"] } }),
    ),
    pair("sparse indexes go", hyper({ columnstore: { ...segment, bloom: ["label"] } }), hyper({ columnstore: segment })),
    pair("chunk skipping comes", hyper({ columnstore: segment }), hyper({ columnstore: segment, chunkSkipping: ["id"] })),
    pair("chunk skipping goes", hyper({ columnstore: segment, chunkSkipping: ["id"] }), hyper({ columnstore: segment })),
    pair(
      "a reorder policy comes",
      hyper({ indexes: [{ columns: ["label"] }] }),
      hyper({ indexes: [{ columns: ["label"] }], reorderBy: "p_label_idx" }),
    ),
    pair(
      "a reorder policy changes",
      hyper({ indexes: [{ columns: ["label"] }], reorderBy: "p_label_idx" }),
      hyper({ indexes: [{ columns: ["label"] }], reorderBy: "p_pkey" }),
    ),
    pair("a columnstore goes", hyper({ columnstore: { ...segment, after: "7 days" } }), hyper()),
  ];
  return [...tables, ...aggregatePairs()];
}

function aggregatePairs(): NamedPair[] {
  const source = (retention?: string) =>
    defineTable("p", {
      grain: "one row per id and hour",
      columns: base as { id: (typeof base)[string] },
      key: ["id"],
      on: { timescale: { timeColumn: "at", chunkInterval: "1 day", ...(retention && { retention }) } },
    } as never) as Model & { name: string };
  const raw = { ...source(), key: ["id", "at"] } as ReturnType<typeof source>;
  const cagg = (options: object = {}, width = "1 hour", extra = false, comment = "hourly"): Model =>
    defineMaterializedView("h", {
      grain: "one row per id and hour",
      comment,
      columns: {
        bucket: t.instant("start"),
        id: t.bigint("id"),
        mean: t.double("mean"),
        ...(extra && { n: t.bigint("rows") }),
      } as AnyColumns,
      query: {
        timescale: {
          dialect: "timescale",
          parts: [
            `SELECT time_bucket(INTERVAL '${width}', at) AS bucket, id, avg(value) AS mean${extra ? ", count(*) AS n" : ""} FROM `,
            { ref: "model", model: "p" },
            " GROUP BY 1, 2",
          ],
        },
      },
      on: { timescale: options },
    });
  const refresh = { startOffset: "3 days", endOffset: "1 hour", every: "1 hour" };
  const expected = ["SELECT count(*)::int FROM h", 200] as const;
  const pair = (name: string, from: Model[], to: Model[], more: Partial<Pair> = {}): NamedPair => ({
    name: `timescale: ${name}`,
    from: [raw, ...from],
    to: [raw, ...to],
    seed: SEED,
    ...more,
  });
  const daily = defineMaterializedView("d", {
    grain: "one row per day",
    columns: { bucket: t.instant("start"), mean: t.double("mean") },
    query: {
      timescale: {
        dialect: "timescale",
        parts: ["SELECT time_bucket(INTERVAL '1 day', bucket), avg(mean) FROM ", { ref: "model", model: "h" }, " GROUP BY 1"],
      },
    },
    on: { timescale: {} },
  });
  return [
    pair("an aggregate comes and is filled", [], [cagg()], { expected }),
    pair("an aggregate goes", [cagg()], []),
    pair("an aggregate's query changes", [cagg()], [cagg({}, "1 day")], { expected: ["SELECT count(*)::int FROM h", 200] }),
    pair("an aggregate gets a column", [cagg()], [cagg({}, "1 hour", true)], { expected }),
    pair("an aggregate's comment changes", [cagg()], [cagg({}, "1 hour", false, "hourly means")]),
    pair("an aggregate becomes real-time", [cagg()], [cagg({ materializedOnly: false })], { expected }),
    pair("a refresh policy comes", [cagg()], [cagg({ refresh })]),
    pair(
      "a refresh policy changes",
      [cagg({ refresh })],
      [cagg({ refresh: { startOffset: null, endOffset: "2 hours", every: "30 min" } })],
    ),
    pair("a refresh policy goes", [cagg({ refresh })], [cagg()]),
    pair(
      "a refresh policy gets all its options",
      [cagg({ refresh })],
      [
        cagg({
          refresh: {
            ...refresh,
            timezone: "Europe/Berlin",
            initialStart: "2024-01-01T02:30:00+01:00",
            bucketsPerBatch: 5,
            maxBatches: 7,
            newestFirst: false,
          },
        }),
      ],
    ),
    pair("an aggregate's retention changes", [cagg({ retention: "5 years" })], [cagg({ retention: "6 years" })]),
    pair("an aggregate gets a columnstore", [cagg({ refresh })], [cagg({ refresh, columnstore: { segmentBy: ["id"], after: "30 days" } })]),
    pair(
      "a refresh policy changes beside a columnstore policy",
      [cagg({ refresh, columnstore: { segmentBy: ["id"], after: "30 days" } })],
      [cagg({ refresh: { ...refresh, every: "2 hours" }, columnstore: { segmentBy: ["id"], after: "40 days" } })],
    ),
    pair(
      "an aggregate gets refresh and columnstore policies",
      [cagg()],
      [cagg({ refresh, columnstore: { segmentBy: ["id"], after: "30 days" } })],
    ),
    pair("an aggregate loses its policies", [cagg({ refresh, columnstore: { segmentBy: ["id"], after: "30 days" } })], [cagg()]),
    pair("an aggregate loses its columnstore", [cagg({ columnstore: { segmentBy: ["id"] } })], [cagg()]),
    pair("an aggregate gets an index", [cagg()], [cagg({ indexes: [{ columns: ["mean"] }] })]),
    pair("an aggregate over an aggregate comes", [cagg()], [cagg(), daily], { expected: ["SELECT count(*)::int FROM d", 0] }),
  ];
}

/** Columns and tables that others read: what hangs on them steps aside or is rebuilt with them. */
export function rebuildPairs(): NamedPair[] {
  const columnstore = { segmentBy: ["id"], orderBy: [{ column: "at", order: "desc" }], after: "7 days" };
  const hyper = { timeColumn: "at", chunkInterval: "1 day" };
  const full = { ...hyper, columnstore, retention: "10 years" };
  const p = (columns: AnyColumns = {}, options: object = full, key: string[] | undefined = ["id", "at"]): Model =>
    defineTable("p", {
      grain: "one row per id and hour",
      columns: { ...base, ...columns },
      ...(key && { key }),
      on: { timescale: options },
    } as never); // as in tablePairs
  const real = { value: t.float("what was measured").nullable() };
  const aggregate = (name: string, from: string, columns: AnyColumns, query: string, options: object = {}): Model =>
    defineMaterializedView(name, {
      grain: "one row per id and bucket",
      comment: "hourly's means",
      columns,
      query: {
        timescale: {
          dialect: "timescale",
          parts: [`${query} FROM `, { ref: "model", model: from }, " GROUP BY 1, 2"],
        },
      },
      on: { timescale: options },
    });
  const hourColumns: AnyColumns = { bucket: t.instant("start"), id: t.bigint("id"), mean: t.double("mean").nullable() };
  const hour = "SELECT time_bucket(INTERVAL '1 hour', at) AS bucket, id, avg(value) AS mean";
  const refresh = { startOffset: "3 days", endOffset: "1 hour", every: "1 hour" };
  const policies = {
    refresh,
    columnstore: { segmentBy: ["id"], after: "30 days" },
    retention: "20 years",
    indexes: [{ columns: ["mean"] }],
  };
  const h = (query = hour, options: object = policies): Model => aggregate("h", "p", hourColumns, query, options);
  const d = (): Model =>
    aggregate(
      "d",
      "h",
      { bucket: t.instant("start"), id: t.bigint("id"), mean: t.double("mean").nullable() },
      "SELECT time_bucket(INTERVAL '1 day', bucket) AS bucket, id, avg(mean) AS mean",
      { refresh: { startOffset: "30 days", endOffset: "1 day", every: "1 day" } },
    );
  const view = (name: string, from: string, columns: AnyColumns, select: string): Model =>
    defineView(name, {
      comment: `${name}'s view`,
      columns,
      query: { postgres: { dialect: "postgres", parts: [`${select} FROM `, { ref: "model", model: from }] } },
      on: { timescale: {} },
    });
  const latest = view("v", "h", { id: t.bigint("i"), mean: t.double("m").nullable() }, "SELECT id, mean");
  const values = view("w", "p", { id: t.bigint("i"), value: t.double("m").nullable() }, "SELECT id, value");
  const overValues = view("x", "w", { id: t.bigint("i"), twice: t.double("m").nullable() }, "SELECT id, value * 2 AS twice");
  const compressed = [...SEED, "SELECT compress_chunk(chunk, if_not_compressed => TRUE) FROM show_chunks('p') AS chunk"];
  const history = [
    ...compressed,
    "CALL refresh_continuous_aggregate('h', NULL, NULL)",
    "SELECT drop_chunks('p', older_than => timestamptz '2024-01-04')",
  ];
  const daily = [...history.slice(0, -1), "CALL refresh_continuous_aggregate('d', NULL, NULL)", history.at(-1) ?? ""];
  const counts = [
    "SELECT (SELECT count(*) FROM p) || ' rows, ' || (SELECT count(*) FROM h) || ' buckets'",
    "129 rows, 200 buckets",
  ] as const;
  const pair = (name: string, from: Model[], to: Model[], more: Partial<Pair> = {}): NamedPair => ({
    name: `timescale rebuild: ${name}`,
    from,
    to,
    seed: compressed,
    expected: COUNT,
    back: 200,
    ...more,
  });
  const both = { seed: history, expected: counts, back: counts[1] };
  return [
    pair("a type under columnstore, aggregate and policies", [p(), h()], [p(real), h()], both),
    pair(
      "a type under aggregate over aggregate and views",
      [p(), h(), d(), latest, values, overValues],
      [p(real), h(), d(), latest, values, overValues],
      {
        ...both,
        seed: daily,
        expected: ["SELECT (SELECT count(*) FROM d) || ' ' || (SELECT count(*) FROM v) || ' ' || (SELECT count(*) FROM x)", "200 200 129"],
        back: "200 200 129",
      },
    ),
    pair("a type under an aggregate without a columnstore", [p({}, hyper), h()], [p(real, hyper), h()], { seed: SEED }),
    pair("a text is widened under a columnstore", [p()], [p({ label: t.text("a name").nullable() })]),
    pair("a type without a key, under an aggregate", [p({}, full, undefined), h()], [p(real, full, undefined), h()], both),
    pair("a column with the clock comes to a columnstore", [p()], [p({ made: t.instant("when inserted").defaultNow() })]),
    pair("a column with the clock, nullable and quoted", [p()], [p({ 'ma"d%e': t.instant("when inserted").nullable().defaultNow() })]),
    pair(
      "a column with a value by row comes to a columnstore",
      [p()],
      [p({ u: t.uuid("id").defaultSql({ postgres: "gen_random_uuid()" }) })],
    ),
    pair(
      "a computed column comes to a columnstore",
      [p()],
      [p({ twice: t.double("2 × value").nullable().generated({ postgres: "value * 2" }) })],
    ),
    pair(
      "the segmenting column goes",
      [p({ s: t.text("s").default("x") }, { ...full, columnstore: { ...columnstore, segmentBy: ["s"] } })],
      [p()],
    ),
    pair(
      "a column is renamed and another retyped under a columnstore",
      [p()],
      [
        defineTable("p", {
          grain: "one row per id and hour",
          columns: { id: base.id, at: base.at, ...real, name: base.label },
          key: ["id", "at"],
          on: { timescale: full },
        } as never), // as above
      ],
      {
        renames: [{ rename: "column", id: objectId("timescale", "table", ["public", "p"]), from: "label", to: "name" }],
      },
    ),
    pair(
      "a space dimension comes under aggregate and view",
      [p(), h(), values],
      [p({}, { ...full, spaceBy: { column: "id", partitions: 3 } }), h(), values],
      both,
    ),
    pair(
      "an aggregate's query changes under an aggregate and a view",
      [p(), h(), d(), latest],
      [p(), h(hour.replace("avg", "max")), d(), latest],
      {
        seed: daily.slice(0, -1),
        expected: ["SELECT (SELECT count(*) FROM h) || ' ' || (SELECT count(*) FROM d) || ' ' || (SELECT count(*) FROM v)", "200 200 200"],
        back: "200 200 200",
      },
    ),
    pair(
      "a column goes that an aggregate read until now",
      [p({ n: t.int("n").default(1) }), h(hour.replace("avg(value)", "avg(n)::double precision"))],
      [p(), h()],
      {
        seed: history.slice(0, -1),
      },
    ),
    pair(
      "a column goes that views read until now",
      [p({ n: t.int("n").default(1) }), view("w", "p", { id: t.bigint("i"), n: t.int("n").nullable() }, "SELECT id, n")],
      [p(), view("w", "p", { id: t.bigint("i") }, "SELECT id")],
    ),
    pair(
      "a column is renamed that an aggregate and a view read",
      [p({ n: t.int("n").default(1) }), h(hour.replace("value", "n::double precision")), view("w", "p", { n: t.int("n") }, "SELECT n")],
      [p({ m: t.int("n").default(1) }), h(hour.replace("value", "m::double precision")), view("w", "p", { n: t.int("n") }, "SELECT m")],
      { renames: [{ rename: "column", id: objectId("timescale", "table", ["public", "p"]), from: "n", to: "m" }] },
    ),
    pair("a type under a view", [p({}, hyper), values, overValues], [p(real, hyper), values, overValues], { seed: SEED }),
    pair(
      "a table goes that a view read until now",
      [
        p(),
        defineTable("q", { grain: "one row", columns: base as never, on: { timescale: {} } } as never),
        view("w", "q", { id: t.bigint("i") }, "SELECT id"),
      ],
      [p(), view("w", "p", { id: t.bigint("i") }, "SELECT id")],
    ),
  ];
}

/** Native partitioning: PostgreSQL's own. */
export function partitionPairs(): NamedPair[] {
  const on = (partitionBy: object | undefined, more: object = {}, columns: AnyColumns = {}): Model =>
    defineTable("p", {
      grain: "one row per id and hour",
      key: ["id", "at"],
      columns: { ...base, ...columns },
      on: { postgres: { ...(partitionBy && { partitionBy }), ...more } },
    } as never); // as above
  const pair = (name: string, from: Model, to: Model, more: Partial<Pair> = {}): NamedPair => ({
    name: `postgres partitions: ${name}`,
    from: [from],
    to: [to],
    seed: SEED,
    expected: COUNT,
    ...more,
  });
  const months = (until: string, more: object = {}): object => ({
    by: "range",
    columns: ["at"],
    every: { step: "1 month", from: "2024-01-01", until },
    ...more,
  });
  const halves = (middle: number, names = ["low", "high"]): object => ({
    by: "range",
    columns: ["id"],
    partitions: [
      { name: names[0], to: middle },
      { name: names[1], from: middle },
    ],
  });
  const shops = (lists: object[], more: object = {}): Model =>
    defineTable("p", {
      grain: "one row per id and shop",
      key: ["id", "shop"],
      columns: { ...base, shop: t.text("code") },
      on: { postgres: { partitionBy: { by: "list", columns: ["shop"], partitions: lists, ...more } } },
    } as never);
  const shopSeed = [
    "INSERT INTO p (id, at, shop) SELECT n, timestamptz '2024-01-01', (ARRAY['FR', 'it''s', 'DE', 'IT'])[n % 4 + 1] FROM generate_series(1, 200) n",
  ];
  const inShops = (name: string, from: Model, to: Model, more: Partial<Pair> = {}): NamedPair =>
    pair(name, from, to, { seed: shopSeed, ...more });
  const hash = (modulus: number, more: object = {}): object => ({ by: "hash", columns: ["id"], modulus, ...more });
  const countsBy =
    "SELECT string_agg(part || ' ' || n, ', ' ORDER BY part) FROM (SELECT tableoid::regclass::text AS part, count(*) AS n FROM p GROUP BY 1) c";
  const eu = { name: "eu", values: ["FR", "DE"] };
  const quoted = { name: 'Odd 100% "shops"', values: ["it's", "back\\slash", null] };
  return [
    pair("nothing, by month", on(months("2024-03-01")), on(months("2024-03-01"))),
    pair("more months come", on(months("2024-03-01")), on(months("2024-05-01")), { back: 200 }),
    pair(
      "months come out of the default partition",
      on(months("2024-01-01", { default: "p_rest", every: undefined })),
      on(months("2024-03-01", { default: "p_rest" })),
      {
        expected: [countsBy, "p_2024_01 200"],
        back: "p_rest 200",
      },
    ),
    pair(
      "a month goes, and its rows with it",
      on(months("2024-03-01")),
      on({ ...months("2024-03-01"), every: { step: "1 month", from: "2024-02-01", until: "2024-03-01" } }),
      {
        expected: ["SELECT count(*)::int FROM p", 0],
      },
    ),
    pair(
      "a year becomes months",
      on({ by: "range", columns: ["at"], every: { step: "1 year", from: "2024-01-01", until: "2025-01-01" } }),
      on(months("2025-01-01")),
      {
        expected: [countsBy, "p_2024_01 200"],
        back: "p_2024 200",
      },
    ),
    pair("a boundary moves", on(halves(50)), on(halves(151)), { expected: [countsBy, "high 50, low 150"], back: "high 151, low 49" }),
    pair("partitions are called otherwise", on(halves(50)), on(halves(50, ["under", "over"])), {
      expected: [countsBy, "over 151, under 49"],
    }),
    pair("two hashes become four", on(hash(2)), on(hash(4)), { back: 200 }),
    pair("hashed partitions with names of their own", on(hash(2, { names: ["left", "right"] })), on(hash(2))),
    pair("a plain table is partitioned", on(undefined), on(months("2024-03-01", { default: "p_rest" })), { back: 200 }),
    pair("a partitioned table is partitioned otherwise", on(months("2024-03-01")), on(hash(3)), { back: 200 }),
    pair("months of hashes get more months", on(months("2024-02-01", { each: hash(2) })), on(months("2024-04-01", { each: hash(2) }))),
    pair("months are partitioned again", on(months("2024-02-01")), on(months("2024-02-01", { each: hash(2) })), { back: 200 }),
    pair(
      "months of two hashes become months of three",
      on(months("2024-02-01", { each: hash(2) })),
      on(months("2024-02-01", { each: hash(3) })),
    ),
    pair("the key's column gets another type", on(hash(2)), on(hash(2), {}, { id: t.largeint("natural key") })),
    pair(
      "columns, indexes and comments change",
      on(months("2024-03-01")),
      on(months("2024-03-01"), { indexes: [{ columns: ["label"] }] }, { more: t.int("more").default(3) }),
    ),
    pair(
      "days and numbers of a wider range",
      on({ by: "range", columns: ["id"], every: { step: 100, from: -100, until: 300 } }),
      on({ by: "range", columns: ["id"], every: { step: 100, from: -200, until: 400 } }),
    ),
    pair(
      "two columns",
      on({
        by: "range",
        columns: ["id", "at"],
        partitions: [
          { name: "a", to: [100, { min: true }] },
          { name: "b", from: [100, { min: true }] },
        ],
      }),
      on({
        by: "range",
        columns: ["id", "at"],
        partitions: [
          { name: "a", to: [100, { min: true }] },
          { name: "b", from: [100, { min: true }], to: [1000, "2025-01-01T00:00:00+02:00"] },
        ],
      }),
    ),
    inShops(
      "a list gets a value",
      shops([eu, { name: "rest", values: ["it's", "IT"] }]),
      shops([
        { name: "eu", values: ["FR", "DE", "ES"] },
        { name: "rest", values: ["it's", "IT"] },
      ]),
      { back: 200 },
    ),
    inShops(
      "a value moves to another list",
      shops([eu, { name: "rest", values: ["it's", "IT"] }]),
      shops([
        { name: "eu", values: ["FR", "DE", "IT"] },
        { name: "rest", values: ["it's"] },
      ]),
      {
        expected: [countsBy, "eu 150, rest 50"],
        back: "eu 100, rest 100",
      },
    ),
    {
      ...inShops(
        "hostile names and values",
        shops([eu, quoted], { default: "rest" }),
        shops([eu, quoted, { name: "it", values: ["IT"] }], { default: "rest" }),
      ),
      expected: ["SELECT count(*)::int FROM it", 50] as const,
    },
    inShops("a list goes, and the default takes its rows", shops([eu], { default: "rest" }), shops([], { default: "rest" }), {
      expected: [countsBy, "rest 200"],
      back: "eu 100, rest 100",
    }),
    inShops(
      "lists are hashed, one by month",
      shops([eu], { default: "rest", each: hash(2) }),
      shops([{ ...eu, partitionBy: months("2024-03-01", { columns: ["id"], every: { step: 100, from: 0, until: 300 } }) }], {
        default: "rest",
        each: hash(2),
      }),
    ),
  ];
}

/** Enum types, and roles with their rights. */
export function declaredPairs(slot: "postgres" | "timescale", options: object, columnstore?: object): NamedPair[] {
  const state = (values: readonly string[], more: object = {}, comment = "how far it is"): Model =>
    defineEnum("order state", { values, comment, on: { [slot]: more } } as never); // values differ by pair
  const p = (type: Model | undefined, more: AnyColumns = {}, on: object = {}, name = "p"): Model => {
    const column = type === undefined ? {} : { s: t.enum(type as never, "state").default("new" as never) };
    return defineTable(name, {
      grain: "one row per id and hour",
      key: ["id", "at"],
      columns: { ...base, ...column, ...more },
      on: { [slot]: { ...options, ...on } },
    } as never); // as above
  };
  const of = (type: Model, ...others: Model[]): Model[] => [type, p(type), ...others];
  const pair = (name: string, from: Model[], to: Model[], more: Partial<Pair> = {}): NamedPair => ({
    name: `${slot}: ${name}`,
    from,
    to,
    seed: SEED,
    expected: COUNT,
    ...more,
  });
  const three = ["new", "it's", "done"];
  const states = "SELECT string_agg(DISTINCT s::text, ', ' ORDER BY s::text) FROM p";
  const seed = [...SEED, "UPDATE p SET s = 'done' WHERE id > 100"];
  const listed = (type: Model): Model[] => [type, p(type, { all_states: t.list(t.enum(type as never), "l").nullable() })];
  const view = defineView("v", {
    columns: { s: t.text("state"), n: t.bigint("rows") },
    query: {
      postgres: {
        dialect: "postgres",
        parts: ["SELECT s::text AS s, count(*) AS n FROM ", { ref: "model", model: "p" }, " WHERE s <> 'new' GROUP BY 1"],
      },
    },
    on: { [slot]: {} },
  } as never);
  const next = (type: Model): Model =>
    defineFunction("next_state", {
      arguments: { s: t.enum(type as never, "s") },
      returns: t.enum(type as never, "s"),
      language: "sql",
      body: { postgres: sql.postgres`SELECT s` },
      on: { [slot]: {} },
    } as never);
  const reader = (grants: readonly object[], more: object = {}): Model =>
    definePostgresRole("dw test reader", { on: [slot], comment: "reads", grants, ...more } as never);
  const read = { privileges: ["SELECT"], on: { name: "p" } };
  const enums = [
    pair("an enum type comes with a column", [p(undefined)], of(state(three))),
    pair("an enum type gets values, at their places", of(state(["new", "done"])), of(state(["draft", "new", "it's", "done", "gone"])), {
      seed,
      expected: [states, "done, new"],
      back: "done, new",
    }),
    pair("an enum type loses a value that no row has", of(state(three)), of(state(["new", "done"])), {
      seed,
      expected: [states, "done, new"],
      back: "done, new",
    }),
    pair(
      "an enum type changes its order under a view, a list and a function",
      [...listed(state(three)), view, next(state(three))],
      [...listed(state(["done", "new", "it's"])), view, next(state(["done", "new", "it's"]))],
      { seed, expected: [states, "done, new"] },
    ),
    pair(
      "an enum type is called otherwise, in a schema with capitals",
      of(state(three, { schema: "Odd", name: "State" })),
      of(state(three, { schema: "Odd", name: 'state "2"' }, "renamed")),
      {
        renames: [{ rename: "object", id: objectId(slot, "enum", ["Odd", "State"]), to: objectId(slot, "enum", ["Odd", 'state "2"']) }],
      },
    ),
    ...(columnstore
      ? [
          pair(
            "an enum type loses a value under a columnstore",
            [state(three), p(state(three), {}, columnstore)],
            [state(["new", "done"]), p(state(["new", "done"]), {}, columnstore)],
            { seed, expected: [states, "done, new"] },
          ),
        ]
      : []),
  ];
  const roles = [
    pair("a role comes with rights", [p(undefined)], [p(undefined), reader([read, { privileges: ["USAGE"], on: { schema: "public" } }])]),
    pair(
      "a user's attributes and rights change",
      [p(undefined), reader([read, { privileges: ["INSERT", "UPDATE"], on: { name: "p" } }])],
      [
        p(undefined),
        reader(
          [
            { ...read, grantable: true },
            { privileges: ["UPDATE"], on: { name: "p" }, columns: ["value", "label"] },
          ],
          { login: true, password: env("DW_TEST"), connectionLimit: 3, validUntil: "2030-01-01T01:00:00+02:00", createDatabase: true },
        ),
      ],
    ),
    pair(
      "rights follow a renamed table and column, and go with a dropped view",
      [
        p(undefined, { old_name: t.int("x").nullable() }),
        defineView("v", {
          columns: { n: t.bigint("n") },
          query: { postgres: { dialect: "postgres", parts: ["SELECT count(*) AS n FROM ", { ref: "model", model: "p" }] } },
          on: { [slot]: {} },
        } as never),
        reader([
          { ...read, columns: ["old_name", "id"] },
          { privileges: ["SELECT"], on: { name: "v" } },
        ]),
      ],
      [p(undefined, { new_name: t.int("x").nullable() }, {}, "q"), reader([{ ...read, on: { name: "q" }, columns: ["new_name", "id"] }])],
      {
        renames: [
          { rename: "object", id: objectId(slot, "table", ["public", "p"]), to: objectId(slot, "table", ["public", "q"]) },
          { rename: "column", id: objectId(slot, "table", ["public", "q"]), from: "old_name", to: "new_name" },
        ],
        expected: ["SELECT count(*)::int FROM q", 200],
      },
    ),
    pair(
      "roles that have roles, and rights on all tables, functions and types",
      [...of(state(three)), next(state(three))],
      [
        ...of(state(three)),
        next(state(three)),
        reader([
          { privileges: ["ALL"], on: { allTablesIn: "public" } },
          { privileges: ["EXECUTE"], on: { name: "next_state" } },
          { privileges: ["USAGE"], on: { name: "order state" } },
        ]),
        definePostgresRole("dw_test_chief", { on: [slot], memberOf: [{ name: "dw test reader" }] }),
      ],
    ),
  ];
  return [...enums, ...roles];
}
