import { describe, expect, test } from "vitest";
import { type CatalogObject, catalogFor, catalogOf } from "../../../src/core/catalog.js";
import { diff } from "../../../src/core/diff.js";
import type { DwError } from "../../../src/core/errors.js";
import type { Model } from "../../../src/core/model.js";
import { hive } from "../../../src/engines/hive/index.js";
import { defineMaterializedView, defineTable, defineView, perEnv, sql, t } from "../../../src/index.js";
import type { AnyColumns } from "../../../src/model/columns.js";

const context = (models: readonly Model[]) => ({ warehouse: "lake", models: new Map(models.map((model) => [model.name, model])) });

function resolved(...models: readonly Model[]) {
  const { objects, losses } = hive.resolve(models, context(models));
  return { objects: catalogFor(catalogOf("lake", objects), "default").objects, losses };
}

function tableOf(...models: readonly Model[]): CatalogObject {
  const [last] = models.slice(-1);
  const object = resolved(...models).objects.find((candidate) => candidate.model === last?.name);
  if (!object) throw new Error("the model gave no object");
  return object;
}

const ddl = (...models: readonly Model[]): string => hive.generate({ op: "create-object", object: tableOf(...models) })[0]?.text ?? "";

function changes(from: Model, to: Model, renames: Parameters<typeof diff>[2] = []): string[] {
  const catalog = (model: Model) => catalogOf("lake", resolved(model).objects);
  const operations = diff(catalog(from), catalog(to), renames).flatMap((change) => hive.decide(change));
  return operations.flatMap((operation) => hive.generate(operation).map((statement) => statement.text));
}

const columns = { id: t.bigint("order"), note: t.text().nullable(), dt: t.date("day of the export") };

const ordersWith = <const Own extends AnyColumns>(own: Own) =>
  defineTable("orders", {
    grain: "one row per order",
    columns: { ...columns, ...own },
    key: ["id"],
    on: {
      hive: {
        table: "external",
        partitionedBy: ["dt"],
        storedAs: "parquet",
        location: perEnv({ default: "hdfs://lake/orders", local: "file:///tmp/orders" }),
        properties: { "parquet.compression": "SNAPPY" },
      },
    },
  });

const external = ordersWith({});

describe("CREATE", () => {
  test("an external table keeps its partition columns out of the files, and its key as a hint", () => {
    expect(ddl(external)).toBe(`CREATE EXTERNAL TABLE \`lake\`.\`orders\` (
  \`id\` bigint COMMENT 'order',
  \`note\` string,
  PRIMARY KEY (\`id\`) DISABLE NOVALIDATE RELY
)
COMMENT 'Grain: one row per order.'
PARTITIONED BY (
  \`dt\` date COMMENT 'day of the export'
)
STORED AS PARQUET
LOCATION 'hdfs://lake/orders'
TBLPROPERTIES (
  'parquet.compression' = 'SNAPPY'
)`);
  });

  test("a transactional table has buckets, enforced columns and a foreign key to a key that Hive knows", () => {
    const lines = defineTable("lines", {
      grain: "one row per line",
      columns: { line_id: t.bigint(), order_id: t.bigint(), state: t.varchar(8).default("new") },
      references: [{ columns: ["order_id"], model: external, to: ["id"] }],
      on: { hive: { table: "transactional", storedAs: "orc", clusteredBy: ["order_id"], buckets: 4 } },
    });
    expect(ddl(external, lines)).toBe(`CREATE TABLE \`lake\`.\`lines\` (
  \`line_id\` bigint NOT NULL,
  \`order_id\` bigint NOT NULL,
  \`state\` varchar(8) DEFAULT CAST('new' AS varchar(8)),
  CONSTRAINT \`fk_order_id_orders\` FOREIGN KEY (\`order_id\`) REFERENCES \`lake\`.\`orders\` (\`id\`) DISABLE NOVALIDATE RELY
)
COMMENT 'Grain: one row per line.'
CLUSTERED BY (\`order_id\`) INTO 4 BUCKETS
STORED AS ORC
TBLPROPERTIES (
  'transactional' = 'true'
)`);
    expect(tableOf(external, lines).dependsOn).toContain("hive:table:lake.orders");
  });

  test("SerDes, delimiters, skew and Iceberg are said as the manual spells them", () => {
    const on = (hiveOptions: Parameters<typeof defineTable>[1]["on"]["hive"]) =>
      ddl(
        defineTable("x", { grain: "g", columns: { a: t.text().nullable(), b: t.text().nullable() }, on: { hive: hiveOptions as never } }),
      );
    expect(
      on({
        table: "external",
        serde: { class: "org.apache.hadoop.hive.serde2.OpenCSVSerde", properties: { separatorChar: ";" } },
        storedAs: "textfile",
      }),
    ).toContain(
      "ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' WITH SERDEPROPERTIES ('separatorChar' = '\\u003b')\nSTORED AS TEXTFILE",
    );
    expect(on({ table: "managed", delimited: { nullAs: "\\N", fields: "\t" }, storedAs: "textfile" })).toContain(
      "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' NULL DEFINED AS '\\\\N'\nSTORED AS TEXTFILE",
    );
    expect(on({ table: "managed", skewedBy: { columns: ["a"], values: [["x"], ["y"]] }, storedAs: "orc" } as never)).toContain(
      "SKEWED BY (`a`) ON ('x', 'y')",
    );
    expect(on({ table: "external", storedBy: "iceberg", storedAs: "orc" })).toContain("STORED BY ICEBERG STORED AS ORC");
  });

  test("views name their columns, materialized views say whether queries are answered from them", () => {
    const view = defineView("days", {
      columns: { dt: t.date("day") },
      query: { hive: sql.hive`SELECT DISTINCT ${external.col.dt} FROM ${external}` },
      on: { hive: {} },
    });
    expect(ddl(external, view)).toBe("CREATE VIEW `lake`.`days` (\n  `dt` COMMENT 'day'\n)\nAS\nSELECT DISTINCT `dt` FROM `lake`.`orders`");
    const materialized = defineMaterializedView("per_day", {
      grain: "one row per day",
      columns: { dt: t.date(), orders: t.bigint() },
      query: { hive: sql.hive`SELECT ${external.col.dt}, count(*) AS orders FROM ${external} GROUP BY ${external.col.dt}` },
      on: { hive: { rewrite: false, storedAs: "orc" } },
    });
    expect(ddl(external, materialized)).toBe(
      "CREATE MATERIALIZED VIEW `lake`.`per_day`\nDISABLE REWRITE\nCOMMENT 'Grain: one row per day.'\nSTORED AS ORC\nAS\nSELECT `dt`, count(*) AS orders FROM `lake`.`orders` GROUP BY `dt`",
    );
  });

  test("hostile names and comments stay names and comments; variables are not substituted", () => {
    const text = ddl(
      defineTable("t", {
        grain: "g",
        comment: `it's; \${env:HOME} \\ \n😀`,
        columns: { "a`; DROP TABLE b": t.int("').('").nullable() },
        on: { hive: { table: "managed", storedAs: "orc" } },
      }),
    );
    expect(text).toContain("`a``; DROP TABLE b` int COMMENT '\\').(\\''");
    expect(text).toContain("COMMENT 'it\\'s\\u003b \\u0024{env:HOME} \\\\ \\n😀. Grain: g.'");
    expect(() => ddl(defineTable("t", { grain: "g", columns: { "${env:HOME}": t.int() }, on: { hive: { table: "managed" } } }))).toThrow(
      /cannot be a name in Hive/,
    );
  });
});

describe("types", () => {
  const wide = (accepted: boolean) => {
    const offset = t.bigint("offset").as("hive", "INT");
    return defineTable("m", {
      grain: "g",
      columns: { kafka_offset: accepted ? offset.accept("hive", "one message a minute") : offset },
      on: { hive: { table: "external", storedAs: "parquet" } },
    });
  };

  test("a narrower type of the author is refused, until the model accepts the loss, which is then reported", () => {
    expect(() => resolved(wide(false))).toThrow(/column kafka_offset is int64, and int of Hive changes values: int ends at 2147483647/);
    expect(resolved(wide(true)).losses).toEqual([
      {
        engine: "hive",
        model: "m",
        column: "kafka_offset",
        logical: "int64",
        native: "int",
        level: "lossy",
        note: "int ends at 2147483647: larger values become NULL or wrap around",
        accepted: "one message a minute",
      },
    ]);
  });

  test.each([
    [t.instant(), "timestamp", "widened"],
    [t.datetime(), "timestamp", "lossless"],
    [t.time(), "string", "widened"],
    [t.uuid(), "string", "widened"],
    [t.json(), "string", "widened"],
    [t.decimal(38, 10), "decimal(38,10)", "lossless"],
    [t.decimal(39, 0), "", "impossible"],
    [t.largeint(), "decimal(38,0)", "lossy"],
    [t.list(t.struct({ "odd name": t.int().nullable() }).nullable()), "array<struct<`odd name`:int>>", "lossless"],
    [t.map(t.text(), t.double().nullable()), "map<string,double>", "lossless"],
  ] as const)("%#: the engine's type and what is lost", (column, native, level) => {
    expect(hive.mapType(column.column.type)).toMatchObject({ native, level });
  });
});

describe("ALTER", () => {
  const managed = (own: object, more: object = {}) =>
    defineTable("m", {
      grain: "g",
      columns: { id: t.int().nullable(), ...own },
      on: { hive: { table: "managed", storedAs: "orc", ...more } },
    });

  test("a partitioned table's new column reaches its old partitions", () => {
    const to = ordersWith({ paid: t.decimal(18, 2).nullable() });
    expect(changes(external, to)).toEqual(["ALTER TABLE `lake`.`orders` ADD COLUMNS (`paid` decimal(18,2)) CASCADE"]);
  });

  test("a wider type and a comment change the metastore; properties are set and unset", () => {
    const from = defineTable("m", {
      grain: "g",
      columns: { id: t.int().nullable() },
      on: { hive: { table: "managed", storedAs: "orc", properties: { "orc.compress": "ZLIB" } } },
    });
    const to = defineTable("m", {
      grain: "g",
      columns: { id: t.bigint().nullable() },
      on: { hive: { table: "managed", storedAs: "orc" } },
    });
    expect(changes(from, to)).toEqual([
      "ALTER TABLE `lake`.`m` CHANGE COLUMN `id` `id` bigint",
      "ALTER TABLE `lake`.`m` UNSET TBLPROPERTIES IF EXISTS ('orc.compress')",
    ]);
  });

  test("a dropped column of an owned table copies the rows into a new one, beside the old one until the end", () => {
    expect(changes(managed({ gone: t.text().nullable() }), managed({}))).toEqual([
      expect.stringMatching(/^CREATE TABLE `lake`.`m__dw_rebuild` /),
      "INSERT INTO TABLE `lake`.`m__dw_rebuild` SELECT CAST(`id` AS int) FROM `lake`.`m`",
      "ALTER TABLE `lake`.`m` RENAME TO `lake`.`m__dw_old`",
      "ALTER TABLE `lake`.`m__dw_rebuild` RENAME TO `lake`.`m`",
      "DROP TABLE `lake`.`m__dw_old`",
    ]);
  });

  test("files of an external table are neither copied nor dropped: the table is declared anew over them", () => {
    const to = ordersWith({ note: t.int().nullable() });
    const texts = changes(external, to);
    expect(texts.map((text) => text.split(" (")[0])).toEqual([
      "DROP TABLE `lake`.`orders`",
      "CREATE EXTERNAL TABLE `lake`.`orders`",
      "MSCK REPAIR TABLE `lake`.`orders`",
    ]);
  });

  test("Parquet columns are dropped in the metastore at the end only: what would move up is declared anew", () => {
    const lake = (own: AnyColumns): Model =>
      defineTable("p", { grain: "g", columns: own, on: { hive: { table: "external", storedAs: "parquet" } } });
    const [a, b, c] = [t.int().nullable(), t.text().nullable(), t.date().nullable()];
    expect(changes(lake({ a, b, c }), lake({ a, b }))).toEqual(["ALTER TABLE `lake`.`p` REPLACE COLUMNS (`a` int, `b` string)"]);
    expect(changes(lake({ a, b, c }), lake({ a, c }))[0]).toBe("DROP TABLE `lake`.`p`");
  });

  test("another format over somebody else's files is refused with a way out", () => {
    const to: Model = { ...external, on: { hive: { table: "external", partitionedBy: ["dt"], storedAs: "orc" } } };
    expect(() => changes(external, to)).toThrow(expect.objectContaining({ code: "DW-ENGINE-REFUSED" }) as DwError);
  });

  test("a rename is refused where files name their columns, and made where they do not", () => {
    const renamed = [{ rename: "column", id: "hive:table:lake.m", from: "old", to: "now" }] as const;
    expect(() => changes(managed({ old: t.text().nullable() }), managed({ now: t.text().nullable() }), renamed)).toThrow(
      /would turn its old values into NULL/,
    );
    const plain = { storedAs: "textfile" };
    expect(changes(managed({ old: t.text().nullable() }, plain), managed({ now: t.text().nullable() }, plain), renamed)).toEqual([
      "ALTER TABLE `lake`.`m` CHANGE COLUMN `old` `now` string",
    ]);
  });
});

describe("lint", () => {
  const rules = (options: object, own: object = { a: t.int().nullable(), b: t.text().nullable() }, version = "4.0") => {
    const object = tableOf(
      defineTable("x", { grain: "g", columns: own as { a: ReturnType<typeof t.int> }, on: { hive: options as never } }),
    );
    return hive.lint([object], { engine: "hive", version, mode: "shared-nothing", backends: 1 }).map(({ rule }) => rule);
  };

  test.each([
    ["external tables take no DEFAULT", { table: "external", storedAs: "orc" }, { a: t.int().default(1) }, "hive/external-default"],
    [
      "external tables take no enforced NOT NULL",
      { table: "external", storedAs: "orc", notNull: "enforce" },
      { a: t.int() },
      "hive/external-not-null",
    ],
    [
      "a partition column is not repeated in another case",
      { table: "managed", storedAs: "orc", partitionedBy: ["A"] },
      { a: t.int(), A: t.int() },
      "hive/partition-column-repeated",
    ],
    ["transactional tables are ORC", { table: "transactional", storedAs: "parquet" }, undefined, "hive/transactional-orc"],
    [
      "buckets are made of columns in the files",
      { table: "managed", storedAs: "orc", clusteredBy: ["a"], partitionedBy: ["a"], buckets: 2 },
      undefined,
      "hive/bucket-column",
    ],
    ["buckets are counted", { table: "managed", storedAs: "orc", clusteredBy: ["a"] }, undefined, "hive/bucket-count"],
    [
      "OpenCSVSerde makes everything text",
      { table: "external", storedAs: "textfile", serde: { class: "org.apache.hadoop.hive.serde2.OpenCSVSerde" } },
      undefined,
      "hive/csv-strings",
    ],
    [
      "OpenCSVSerde breaks at newlines",
      { table: "external", storedAs: "textfile", serde: { class: "org.apache.hadoop.hive.serde2.OpenCSVSerde" } },
      undefined,
      "hive/csv-newlines",
    ],
    [
      "a compression is one that the format has",
      { table: "managed", storedAs: "orc", properties: { "orc.compress": "GZIP" } },
      undefined,
      "hive/compression",
    ],
    ["reserved words are pointed out", { table: "managed", storedAs: "orc" }, { partition: t.int(), date: t.int() }, "hive/reserved-word"],
  ])("%s", (_, options, own, rule) => {
    expect(rules(options, own)).toContain(rule);
  });

  test("JSONFILE came with 4.0, and so did some reserved words", () => {
    const json = { table: "external", storedAs: "jsonfile" };
    expect(rules(json, undefined, "3.1")).toContain("hive/jsonfile");
    expect(rules(json, undefined, "4.0")).toEqual([]);
    expect(rules(json, { real: t.int().nullable() }, "3.1")).not.toContain("hive/reserved-word");
    expect(rules(json, { real: t.int().nullable() }, "4.0")).toContain("hive/reserved-word");
  });
});
