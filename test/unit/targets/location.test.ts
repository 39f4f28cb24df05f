import { expect, test } from "vitest";
import { addressOf } from "../../../src/targets/hive/location.js";

const files = { "hdfs://lake:8020": "webhdfs://namenode:9870?user.name=dw", "hdfs://other/warehouse": "webhdfs://other:9870/hive/" };

test("a table's location becomes the address at which its files are written", () => {
  expect(addressOf("hdfs://lake:8020/warehouse/sales.db/orders", files)).toBe(
    "webhdfs://namenode:9870/warehouse/sales.db/orders?user.name=dw",
  );
  expect(addressOf("hdfs://other/warehouse/orders", files)).toBe("webhdfs://other:9870/hive/orders");
  expect(addressOf("file:/tmp/a%20b/orders", {})).toBe("/tmp/a b/orders");
});

test("a location that nobody has stated is a letter, also where its name begins like one", () => {
  expect(() => addressOf("hdfs://lake:80201/x", files)).toThrow(expect.objectContaining({ code: "DW-USAGE" }));
  expect(() => addressOf("s3a://bucket/x", files)).toThrow(expect.objectContaining({ code: "DW-USAGE" }));
});
