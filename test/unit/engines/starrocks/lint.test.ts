import { expect, test } from "vitest";
import type { EngineTarget } from "../../../../src/core/finding.js";
import type { Model } from "../../../../src/core/model.js";
import { starrocks } from "../../../../src/engines/starrocks/index.js";
import { defineTable, hash, hour, month, perEnv, random, t } from "../../../../src/index.js";
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
    ["starrocks/partition-in-key orders.day"],
  ],
  [
    "a primary key is a decimal",
    orders({ table: "primary", key: ["paid"], distributeBy: hash(["paid"]) }),
    ["starrocks/key-type orders.paid"],
  ],
  ["a key column is a double", orders({ key: ["id", "size"] }), ["starrocks/key-type orders.size"]],
  ["a primary key may be NULL", orders({ table: "primary", key: ["id", "note"] }), ["starrocks/primary-key-null orders.note"]],
  [
    "a unique table is distributed at random",
    orders({ table: "unique", distributeBy: random() }),
    ["starrocks/distribution-method orders"],
  ],
  ["a table is distributed by a double", orders({ distributeBy: hash(["size"]) }), ["starrocks/distribution-type orders.size"]],
  ["a date has no hours", orders({ partitionBy: hour("day") }), ["starrocks/partition-type orders.day"]],
  ["a text is summed", orders({ table: "aggregate", aggregate: { note: "SUM" } }), ["starrocks/aggregate-function orders.note"]],
  ["a bitmap index is on a double", orders({ bitmapIndexes: ["size"] }), ["starrocks/index orders.size"]],
  ["a bloom filter is on a double", orders({ bloomFilter: ["size"] }), ["starrocks/bloom-filter orders.size"]],
  ["AUTO_INCREMENT is on a date", orders({ autoIncrement: "day" }), ["starrocks/auto-increment orders.day"]],
  [
    "dynamic partitions without ranges",
    orders({ partitionBy: month("day"), dynamicPartitions: { unit: "month", end: 2 } }),
    ["starrocks/dynamic-partition orders"],
  ],
  ["a unique table is sorted by other columns", orders({ table: "unique", orderBy: ["paid"] }), ["starrocks/sort-key orders"]],
  ["more copies than backends", orders({ replication: perEnv({ default: 5, local: 5 }) }), ["starrocks/replication-backends orders"]],
])("%s", (_, model, expected) => {
  expect(rules(model)).toEqual(expected);
});

test("what a version lacks is refused for that version only", () => {
  const wide = orders({}, { columns: { ...columns, paid: t.decimal(40, 2) } });
  expect(rules(wide)).toEqual(["starrocks/type-size orders.paid"]);
  expect(rules(wide, { version: "4.0" })).toEqual([]);
});
