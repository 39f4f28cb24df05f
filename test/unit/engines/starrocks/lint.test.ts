import { expect, test } from "vitest";
import type { EngineTarget } from "../../../../src/core/finding.js";
import type { Model } from "../../../../src/core/model.js";
import { starrocks } from "../../../../src/engines/starrocks/index.js";
import { defineTable, defineView, hash, hour, month, perEnv, random, sql, t } from "../../../../src/index.js";
import { starrocksCatalog } from "../ciapol.js";

const columns = { id: t.bigint(), day: t.date(), paid: t.decimal(9, 2), note: t.varchar(10).nullable(), size: t.double().nullable() };

function orders(options: object, change: object = {}): Model {
  const on = { starrocks: { table: "duplicate", distributeBy: hash(["id"], 4), ...options } };
  const definition = { grain: "one row per order", columns, key: ["id"], ...change, on };
  return defineTable("orders", definition as unknown as Parameters<typeof defineTable>[1]); // options vary by test
}

function rules(model: Model, target: Partial<EngineTarget> = {}): string[] {
  const judged = { engine: "starrocks", version: "3.5", mode: "shared-nothing", backends: 3, ...target } as const;
  return starrocks.lint(starrocksCatalog([model]).objects, judged).map(({ rule, place }) => `${rule} ${place}`);
}

test.each<[string, Model, string[]]>([
  ["a plain table is legal", orders({}), []],
  [
    "a primary key does not hold the partition column",
    orders({ table: "primary", partitionBy: month("day") }),
    ["starrocks/partition-key orders.day"],
  ],
  [
    "a primary key is a decimal",
    orders({ table: "primary", key: ["paid"], distributeBy: hash(["paid"]) }),
    ["starrocks/primary-key-type orders.paid"],
  ],
  ["a key column is a double", orders({ key: ["id", "size"] }), ["starrocks/key-type orders.size"]],
  ["a primary key may be NULL", orders({ table: "primary", key: ["id", "note"] }), ["starrocks/primary-key-null orders.note"]],
  [
    "a unique table is distributed at random",
    orders({ table: "unique", distributeBy: random() }),
    ["starrocks/distribution-random orders"],
  ],
  ["a table is distributed by a double", orders({ distributeBy: hash(["size"]) }), ["starrocks/distribution-type orders.size"]],
  ["a text has no hours", orders({ partitionBy: hour("note") }), ["starrocks/partition-range-type orders.note"]],
  ["a text is summed", orders({ table: "aggregate", aggregate: { note: "SUM" } }), ["starrocks/aggregate-type orders.note"]],
  ["a bitmap index is on a double", orders({ bitmapIndexes: ["size"] }), ["starrocks/index-type orders.size"]],
  ["a bloom filter is on a double", orders({ bloomFilter: ["size"] }), ["starrocks/bloom-type orders.size"]],
  ["AUTO_INCREMENT is on a date", orders({ autoIncrement: "day" }), ["starrocks/auto-increment-type orders.day"]],
  [
    "dynamic partitions without partitions",
    orders({ dynamicPartitions: { unit: "month", end: 2 } }),
    ["starrocks/dynamic-partitioning orders"],
  ],
  ["a unique table is sorted by other columns", orders({ table: "unique", orderBy: ["paid"] }), ["starrocks/sort-key-columns orders"]],
  ["more copies than backends", orders({ replication: perEnv({ default: 5, local: 5 }) }), ["starrocks/replication-backends orders"]],
])("%s", (_, model, expected) => {
  expect(rules(model)).toEqual(expected);
});

test("what a version lacks is refused for that version only", () => {
  const wide = orders({}, { columns: { ...columns, paid: t.decimal(40, 2) } });
  expect(rules(wide)).toEqual(["starrocks/decimal-precision orders.paid"]);
  expect(rules(wide, { version: "4.0" })).toEqual([]);
});

test("one refused table does not make the views over it look wrong", () => {
  const options = { table: "primary", distributeBy: hash(["paid"]) } as const;
  const table = defineTable("orders", { grain: "one row per order", columns, key: ["paid"], on: { starrocks: options } });
  const view = defineView("paid", {
    columns: { paid: t.decimal(9, 2) },
    query: { starrocks: sql.starrocks`SELECT ${table.col.paid} FROM ${table}` },
    on: { starrocks: {} },
  });
  const target = { engine: "starrocks", version: "4.0", mode: "shared-nothing", backends: 3 } as const;
  expect(starrocks.lint(starrocksCatalog([table, view]).objects, target).map(({ place }) => place)).toEqual(["orders.paid"]);
});
