import { describe, expect, test } from "vitest";
import { crossFindings } from "../../../../src/app/cross-rules.js";
import { resolveWarehouse } from "../../../../src/app/resolve.js";
import { catalogFor } from "../../../../src/core/catalog.js";
import { diff } from "../../../../src/core/diff.js";
import type { Model } from "../../../../src/core/model.js";
import { engines } from "../../../../src/engines/index.js";
import { withSecrets } from "../../../../src/engines/starrocks/cluster/statements.js";
import { starrocks } from "../../../../src/engines/starrocks/index.js";
import {
  defineExternalCatalog,
  definePipe,
  defineResourceGroup,
  defineRole,
  defineRoutineLoad,
  defineStorageVolume,
  defineTable,
  defineTopic,
  defineUser,
  env,
  hash,
  sql,
  t,
} from "../../../../src/index.js";

const columns = { id: t.bigint(), at: t.instant() };
const orders = defineTable("orders", {
  grain: "one row per order",
  columns,
  key: ["id"],
  fresh: { column: "at", within: "3 days" },
  on: { starrocks: { table: "duplicate", distributeBy: hash(["id"], 2), replication: 1 } },
});
const clicks = defineTopic("clicks", {
  columns,
  key: ["id"],
  on: { kafka: { partitions: 3, replicationFactor: 3, config: { "retention.ms": 86_400_000 } } },
});

const lake = defineExternalCatalog("lake", {
  comment: 'the "old" lake',
  type: "iceberg",
  properties: { "iceberg.catalog.type": "hive", "hive.metastore.uris": "thrift://meta:9083", "aws.s3.secret_key": env("S3_SECRET") },
});
const load = defineRoutineLoad("orders_load", {
  into: orders,
  columns: ["id", "ts", "at = from_unixtime(ts)"],
  where: "id > 0",
  properties: { format: "json", desired_concurrent_number: "2" },
  kafka: {
    brokers: "broker:9092",
    topic: clicks,
    properties: { "property.group.id": "dw", "property.sasl.password": env("KAFKA_PASSWORD") },
  },
});
const reader = defineRole("reader", {
  comment: "reads",
  grants: [
    { privileges: ["select"], on: orders },
    { privileges: ["USAGE"], on: { catalog: "lake" } },
  ],
});
const anna = defineUser("anna", { host: "10.0.%", password: env("ANNA_PASSWORD"), roles: [reader] });

function statements(...models: readonly Model[]): string[] {
  const { catalog } = resolveWarehouse("shop", models, engines);
  const objects = catalogFor(catalog, "default").objects.filter(
    ({ slot, kind }) => slot === "starrocks" && kind !== "database" && kind !== "table",
  );
  return objects.flatMap((object) => starrocks.generate({ op: "create-object", object }).map(({ text }) => text));
}

function changed(before: Model, after: Model, ...others: readonly Model[]): string[] {
  const [from, to] = [before, after].map((model) => resolveWarehouse("shop", [model, ...others], engines).catalog);
  if (!from || !to) throw new Error("two catalogs were made");
  return diff(from, to)
    .flatMap((change) => starrocks.decide(change))
    .flatMap((operation) => starrocks.generate(operation).map(({ text }) => text));
}

function rules(...models: readonly Model[]): string[] {
  const { catalog } = resolveWarehouse("shop", models, engines);
  const own = catalog.objects.filter(({ slot }) => slot === "starrocks");
  const target = { engine: "starrocks", version: "4.0", mode: "shared-data", backends: 3 } as const;
  return starrocks.lint(own, target).map(({ severity, rule, place }) => `${severity} ${rule} ${place}`);
}

test("an external catalog, with its secret as a reference", () => {
  expect(statements(lake)).toEqual([
    'CREATE EXTERNAL CATALOG `lake` COMMENT "the \\"old\\" lake" PROPERTIES ("aws.s3.secret_key" = "<secret env:S3_SECRET>", "hive.metastore.uris" = "thrift://meta:9083", "iceberg.catalog.type" = "hive", "type" = "iceberg")',
  ]);
});

test("a routine load reads a topic into a table, and depends on both", () => {
  expect(statements(orders, clicks, load)).toEqual([
    'CREATE ROUTINE LOAD `shop`.`orders_load` ON `orders` COLUMNS (id, ts, at = from_unixtime(ts)), WHERE id > 0 PROPERTIES ("desired_concurrent_number" = "2", "format" = "json") FROM KAFKA ("kafka_broker_list" = "broker:9092", "kafka_topic" = "clicks", "property.group.id" = "dw", "property.sasl.password" = "<secret env:KAFKA_PASSWORD>")',
  ]);
  const { catalog } = resolveWarehouse("shop", [orders, clicks, load], engines);
  expect(catalog.objects.find(({ kind }) => kind === "routine-load")?.dependsOn).toEqual([
    "kafka:topic:clicks",
    "starrocks:table:shop.orders",
  ]);
});

test("roles and users with their rights", () => {
  expect(statements(orders, lake, reader, anna).slice(1)).toEqual([
    'CREATE ROLE `reader` COMMENT "reads"',
    "GRANT USAGE ON CATALOG `lake` TO ROLE `reader`",
    "GRANT SELECT ON TABLE `shop`.`orders` TO ROLE `reader`",
    "CREATE USER 'anna'@'10.0.%' IDENTIFIED WITH mysql_native_password BY \"<secret env:ANNA_PASSWORD>\"",
    "GRANT `reader` TO 'anna'@'10.0.%'",
    "ALTER USER 'anna'@'10.0.%' DEFAULT ROLE `reader`",
  ]);
});

test("resource groups, storage volumes and pipes", () => {
  const group = defineResourceGroup("etl", {
    classifiers: [{ user: "loader", query_type: "INSERT, SELECT" }, { db: "shop" }],
    limits: { cpu_weight: 4, mem_limit: "20%" },
  });
  const volume = defineStorageVolume("cold", {
    type: "S3",
    locations: ["s3://bucket/dw"],
    properties: { enabled: "true", "aws.s3.secret_key": env("S3_SECRET") },
  });
  const pipe = definePipe("old_orders", {
    insert: sql.starrocks`INSERT INTO ${orders} SELECT * FROM FILES("path" = "s3://b/*")`,
    properties: { AUTO_INGEST: "true" },
  });
  expect(statements(orders, group, volume, pipe)).toEqual([
    'CREATE PIPE `shop`.`old_orders` PROPERTIES ("AUTO_INGEST" = "true") AS INSERT INTO `shop`.`orders` SELECT * FROM FILES("path" = "s3://b/*")',
    "CREATE RESOURCE GROUP `etl` TO (user = 'loader', query_type IN ('INSERT', 'SELECT')), (db = 'shop') WITH (\"cpu_weight\" = \"4\", \"mem_limit\" = \"20%\")",
    'CREATE STORAGE VOLUME `cold` TYPE = S3 LOCATIONS = ("s3://bucket/dw") PROPERTIES ("aws.s3.secret_key" = "<secret env:S3_SECRET>", "enabled" = "true")',
  ]);
});

describe("changes", () => {
  test("rights are taken and given one by one; the role stays", () => {
    const wider = defineRole("reader", { comment: "reads", grants: [{ privileges: ["SELECT", "INSERT"], on: orders }] });
    expect(changed(reader, wider, orders, lake)).toEqual([
      "REVOKE USAGE ON CATALOG `lake` FROM ROLE `reader`",
      "GRANT INSERT ON TABLE `shop`.`orders` TO ROLE `reader`",
    ]);
  });

  test("a job that is made anew says what that means", () => {
    const other = defineRoutineLoad("orders_load", { into: orders, kafka: { brokers: "broker:9092", topic: clicks } });
    const [from, to] = [load, other].map((model) => resolveWarehouse("shop", [orders, clicks, model], engines).catalog);
    const [stop] = diff(from ?? { warehouse: "", objects: [] }, to ?? { warehouse: "", objects: [] })
      .flatMap((change) => starrocks.decide(change))
      .flatMap((operation) => starrocks.generate(operation));
    expect(stop?.text).toBe("STOP ROUTINE LOAD FOR `shop`.`orders_load`");
    expect(stop?.hazards.map(({ kind }) => kind)).toEqual(["data-loss"]);
  });

  test("a volume does not move", () => {
    const volume = (location: string): Model => defineStorageVolume("cold", { type: "S3", locations: [location] });
    expect(() => changed(volume("s3://a"), volume("s3://b"))).toThrow("would move to another place");
  });
});

test("a secret's value is in the statement that is sent, quoted, and in nothing else", () => {
  const { catalog } = resolveWarehouse("shop", [lake], engines);
  const [object] = catalog.objects;
  const [statement] = object ? starrocks.generate({ op: "create-object", object }) : [];
  expect(statement?.secrets).toEqual([env("S3_SECRET")]);
  const sent = withSecrets(statement?.text ?? "", [{ reference: env("S3_SECRET"), value: 'a"b\\c$&' }]);
  expect(sent).toContain('"aws.s3.secret_key" = "a\\"b\\\\c$&"');
  expect(JSON.stringify(catalog)).not.toContain('a"b');
});

test.each<[string, Model, string[]]>([
  ["a catalog without its metastore", defineExternalCatalog("c", { type: "hive" }), ["error starrocks/catalog-property c"]],
  [
    "a group without shares",
    defineResourceGroup("g", { limits: { mem_limit: "120%" } }),
    ["error starrocks/resource-group-cpu g", "error starrocks/resource-group-memory g"],
  ],
  ["a volume elsewhere", defineStorageVolume("v", { type: "S3", locations: ["hdfs://x"] }), ["error starrocks/storage-volume-location v"]],
  ["a role of the engine", defineRole("public", {}), ["error starrocks/role-builtin public"]],
  [
    "a password in the open",
    defineExternalCatalog("c", {
      type: "jdbc",
      properties: { user: "u", password: "p", jdbc_uri: "jdbc:x", driver_url: "u", driver_class: "c" },
    }),
    ["warning starrocks/secret-in-the-open c"],
  ],
])("%s is found", (_, model, expected) => {
  expect(rules(model)).toEqual(expected);
});

test("a load's properties are known, and its brokers have ports", () => {
  const wrong = defineRoutineLoad("l", {
    into: orders,
    properties: { formt: "json", max_batch_rows: "3" },
    kafka: { brokers: "broker", topic: "t" },
  });
  expect(rules(orders, wrong)).toEqual([
    "error starrocks/routine-load-property l",
    "error starrocks/routine-load-brokers l",
    "error starrocks/routine-load-value l",
  ]);
});

test("a topic that a load reads keeps its messages for as long as the table may be late", () => {
  const models = [orders, clicks, load];
  const { catalog } = resolveWarehouse("shop", models, engines);
  expect(crossFindings(models, catalog, new Date(0)).map(({ rule }) => rule)).toEqual(["cross/topic-shorter-than-freshness"]);
});

test("a load into what is no table is no model", () => {
  expect(() => statements(defineRoutineLoad("l", { into: { name: "nope" }, kafka: { brokers: "b:1", topic: "t" } }))).toThrow(
    "names nope, which is on StarRocks in no model",
  );
});
