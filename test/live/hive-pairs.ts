import { objectId } from "../../src/core/catalog.js";
import type { Rename } from "../../src/core/change.js";
import type { Model } from "../../src/core/model.js";
import { defineMaterializedView, defineTable, defineView, sql, t } from "../../src/index.js";
import type { AnyColumns } from "../../src/model/columns.js";

/* Pairs of models for the proof loop on a real Hive. */

export interface HivePair {
  readonly name: string;
  readonly from: readonly Model[];
  readonly to: readonly Model[];
  readonly renames?: readonly Rename[];
  /** Why there is no way back, as the planner says it. */
  readonly back?: string;
  /** One row is put into A and is there in B: every INSERT is a MapReduce job of some seconds. */
  readonly seeded?: true;
}

/** Each runs for some seconds, longer where rows are copied: these run always, all of them with DW_HIVE_PAIRS=all. */
export const ALWAYS =
  /^(nothing|(parquet|jsonfile): a column|orc: every|a column is added to|the last|a column's comment|a property changes|a column of text|a SerDe|skewed|a foreign|an external table moves|a view changes|a view's words|a partition column|a materialized view changes)/;

const base: AnyColumns = {
  id: t.bigint("natural key"),
  at: t.datetime("when it was measured", 0).nullable(),
  value: t.double('what was measured; it\'s "raw" \\ 100 %').nullable(),
  label: t.varchar(20, "a name's first letters").nullable(),
};

type Options = Readonly<Record<string, unknown>>;

interface Parts {
  readonly columns?: AnyColumns;
  readonly key?: readonly string[];
  readonly comment?: string;
}

/** A table `p`; pairs try combinations that the author's types would narrow. */
function p(options: Options = {}, { columns = base, ...parts }: Parts = {}): Model {
  const on = { hive: { database: "proof", table: "managed", storedAs: "parquet", ...options } };
  return defineTable("p", { grain: "one row per id", columns, ...parts, on } as never);
}

const more = (columns: AnyColumns): Parts => ({ columns: { ...base, ...columns } });

const pair = (name: string, from: Model, to: Model, rest: Partial<HivePair> = {}): HivePair => ({ name, from: [from], to: [to], ...rest });

const every: AnyColumns = {
  a: t.boolean().nullable(),
  b: t.tinyint().nullable(),
  c: t.smallint().nullable(),
  d: t.int().nullable(),
  e: t.bigint().nullable(),
  f: t.float().nullable(),
  g: t.double().nullable(),
  h: t.decimal(38, 10).nullable(),
  i: t.text("text").nullable(),
  j: t.varchar(65_535).nullable(),
  k: t.date().nullable(),
  l: t.datetime("zone-less", 6).nullable(),
  m: t.binary().nullable(),
  n: t.list(t.int()).nullable(),
  o: t.map(t.text(), t.double()).nullable(),
  q: t.struct({ x: t.int(), y: t.list(t.text()) }).nullable(),
  "a`b c": t.int("a hostile name").nullable(),
  select: t.int("a reserved word").nullable(),
};

const FORMATS = ["textfile", "sequencefile", "rcfile", "orc", "parquet", "avro", "jsonfile"] as const;
const partitioned = { partitionedBy: ["day"] };
const day = { day: t.date("day of the export").nullable() };
const external = { table: "external", location: "file:///tmp/dw-hive-proof/p" };

const source = p() as ReturnType<typeof defineTable>;

const duckdb = sql.duckdb`SELECT id, upper(label) AS label FROM ${source} WHERE id > 0`;

const view = (query: "all" | "some", comment = "first", words = query === "some") =>
  defineView("v", {
    comment,
    columns: { id: t.bigint("the id").nullable(), label: t.text("the label").nullable() },
    query: {
      hive:
        query === "all"
          ? sql.hive`SELECT id, label FROM ${source}`
          : sql.hive`SELECT id, upper(label) AS label FROM ${source} WHERE id > 0`,
      ...(words && { duckdb }),
    },
    on: { hive: { database: "proof" } },
  });

const materialized = (rewrite: boolean, filter: boolean) =>
  defineMaterializedView("m", {
    grain: "one row per id",
    columns: { id: t.bigint("the id").nullable(), rows_of: t.bigint("how many").nullable() },
    query: {
      hive: filter
        ? sql.hive`SELECT id, count(*) AS rows_of FROM ${source} WHERE id > 0 GROUP BY id`
        : sql.hive`SELECT id, count(*) AS rows_of FROM ${source} GROUP BY id`,
    },
    on: { hive: { database: "proof", rewrite, storedAs: "parquet" } },
  });

const parent = (key: boolean): Model =>
  defineTable("q", {
    grain: "one row per id",
    columns: { id: t.bigint("natural key") },
    ...(key && { key: ["id"] }),
    on: { hive: { database: "proof", table: "managed", storedAs: "orc" } },
  } as never);

const table = objectId("hive", "table", ["proof", "p"]);
const column = (from: string, to: string): Partial<HivePair> => ({ renames: [{ rename: "column", id: table, from, to }] });

export const hivePairs: readonly HivePair[] = [
  pair("nothing", p(), p()),
  ...FORMATS.map((storedAs) =>
    pair(`${storedAs}: a column is added`, p({ storedAs }), p({ storedAs }, more({ extra: t.int("later").nullable() }))),
  ),
  ...FORMATS.map((storedAs) =>
    pair(
      `${storedAs}: every type`,
      p({ storedAs }, { columns: ["avro", "parquet"].includes(storedAs) ? omit(every, ["a`b c"]) : every }),
      p({ storedAs }),
    ),
  ),
  pair(
    "a column is added to a partitioned table",
    p(partitioned, more(day)),
    p(partitioned, more({ ...day, extra: t.int("later").nullable() })),
  ),
  pair("a partition column's comment changes, which Hive keeps", p(partitioned, more(day)), p(partitioned, more({ day: t.date("UTC") }))),
  pair("two columns are added, one of a nested type", p(), p({}, more({ x: t.int().nullable(), y: t.list(t.text()).nullable() }))),
  pair("the last column is dropped", p({}, more({ extra: t.int("gone").nullable() })), p(), { seeded: true }),
  pair("an integer is widened", p({}, more({ n: t.int("n").nullable() })), p({}, more({ n: t.bigint("n").nullable() })), { seeded: true }),
  pair("a text is widened", p({}, more({ s: t.varchar(5).nullable() })), p({}, more({ s: t.varchar(50).nullable() }))),
  pair("a decimal is widened", p({}, more({ n: t.decimal(10, 2).nullable() })), p({}, more({ n: t.decimal(12, 2).nullable() }))),
  pair("a column in the middle is dropped: the rows are copied", p(), p({}, { columns: omit(base, ["at"]) }), { seeded: true }),
  pair(
    "a column's comment changes, with every kind of quote",
    p(),
    p({}, more({ label: t.varchar(20, `it's; "so" \\ \`x\` \${hiveconf:a} \n-- é 🦆`).nullable() })),
  ),
  pair("the table's comment changes", p({}, { comment: "before" }), p({}, { comment: "it's; after" })),
  pair("a property is set", p(), p({ properties: { "parquet.compression": "SNAPPY" } })),
  pair("a property changes and another one comes", p({ properties: { a: "1" } }), p({ properties: { a: "it's; 2", "b.c": "" } })),
  pair(
    "a column of text files is renamed",
    p({ storedAs: "textfile" }),
    p({ storedAs: "textfile" }, { columns: renamed(base, "label", "tag") }),
    {
      ...column("label", "tag"),
    },
  ),
  pair("the table is renamed", p(), p({ name: "p2" }), {
    renames: [{ rename: "object", id: table, to: objectId("hive", "table", ["proof", "p2"]) }],
  }),
  pair("a table is partitioned: the rows are copied", p({}, more(day)), p(partitioned, more(day)), { seeded: true }),
  pair("buckets: the rows are copied", p(), p({ clusteredBy: ["id"], sortedBy: [{ column: "id", order: "desc" }], buckets: 3 })),
  pair("another format: the rows are copied", p(), p({ storedAs: "orc" }), { seeded: true }),
  pair(
    "delimiters",
    p({ storedAs: "textfile", delimited: { fields: "\t", nullAs: "\\N" } }),
    p({ storedAs: "textfile", delimited: { fields: "|", escape: "\\", items: ",", mapKeys: ":" } }),
  ),
  pair(
    "a SerDe's property changes",
    p(
      { storedAs: "textfile", serde: { class: "org.apache.hadoop.hive.serde2.OpenCSVSerde", properties: { separatorChar: ";" } } },
      { columns: { a: t.text().nullable() } },
    ),
    p(
      { storedAs: "textfile", serde: { class: "org.apache.hadoop.hive.serde2.OpenCSVSerde", properties: { separatorChar: "\t" } } },
      { columns: { a: t.text().nullable() } },
    ),
  ),
  pair("skewed columns", p(), p({ skewedBy: { columns: ["label"], values: [["x"], ["y z"]], asDirectories: true } })),
  pair(
    "defaults",
    p(),
    p({}, more({ n: t.int("n").default(7), s: t.varchar(8).default("it's"), made: t.datetime("when", 0).defaultNow() })),
  ),
  pair("a key that Hive is told to believe", p(), p({}, { key: ["id"] })),
  { name: "a foreign key", from: [parent(true)], to: [parent(true), referring()] },
  pair("columns that may be NULL after all", p(), p({ notNull: "none" })),
  pair("NOT NULL that Hive is told to believe", p({ notNull: "rely" }), p({ notNull: "none" })),
  pair("an external table's property", p(external), p({ ...external, properties: { "external.table.purge": "false" } })),
  pair("an external table moves", p(external), p({ ...external, location: "file:///tmp/dw-hive-proof/q/" })),
  pair(
    "an external partitioned table gets a column in the middle: its definition is made anew",
    p({ ...external, ...partitioned }, more(day)),
    p(
      { ...external, ...partitioned },
      { columns: { id: base.id, extra: t.int("new").nullable(), ...omit(base, ["id"]), ...day } as AnyColumns },
    ),
  ),
  pair("an external table cannot become another format", p(external), p(external)),
  { name: "a view is made", from: [p()], to: [p(), view("all")] },
  { name: "a view changes", from: [p(), view("all")], to: [p(), view("some")] },
  { name: "a view's comment changes", from: [p(), view("all")], to: [p(), view("all", "it's; second")] },
  { name: "a view's words for DuckDB change, which Hive does not see", from: [p(), view("all")], to: [p(), view("all", "first", true)] },
  { name: "a materialized view without rewriting is made", from: [p()], to: [p(), materialized(false, false)] },
  { name: "a materialized view changes", from: [p(), materialized(false, false)], to: [p(), materialized(false, true)] },
];

function omit(columns: AnyColumns, names: readonly string[]): AnyColumns {
  return Object.fromEntries(Object.entries(columns).filter(([name]) => !names.includes(name)));
}

function renamed(columns: AnyColumns, from: string, to: string): AnyColumns {
  return Object.fromEntries(Object.entries(columns).map(([name, one]) => [name === from ? to : name, one]));
}

function referring(): Model {
  return defineTable("r", {
    grain: "one row per id",
    columns: { id: t.bigint("natural key"), of: t.bigint("whose") },
    references: [{ columns: ["of"], model: parent(true) as never, to: ["id"] }],
    on: { hive: { database: "proof", table: "managed", storedAs: "orc" } },
  } as never);
}
