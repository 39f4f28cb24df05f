import { describe, expect, test } from "vitest";
import { catalogOf } from "../../../../src/core/catalog.js";
import { diff } from "../../../../src/core/diff.js";
import type { Finding } from "../../../../src/core/finding.js";
import { kafka } from "../../../../src/engines/kafka/index.js";
import { defineTopic, t } from "../../../../src/index.js";

function topic(options: object = {}, key: readonly string[] = ["device"]) {
  const model = defineTopic("readings", {
    columns: { device: t.text("who"), value: t.double("what") },
    key,
    on: { kafka: { partitions: 6, replicationFactor: 3, ...options } },
  } as Parameters<typeof defineTopic>[1]);
  return catalogOf("iot", kafka.resolve([model], { warehouse: "iot", models: new Map() }).objects);
}

function findings(options: object, version = "4.0", key?: readonly string[]): Pick<Finding, "rule" | "severity">[] {
  const target = { engine: "kafka", version, mode: "shared-nothing", backends: 3 } as const;
  return kafka.lint(topic(options, key).objects, target).map(({ rule, severity }) => ({ rule, severity }));
}

function requests(before: object, after: object, key?: readonly string[]): { request: unknown; hazards: string[] }[] {
  const operations = diff(topic(before, key), topic(after, key)).flatMap(kafka.decide);
  return operations
    .flatMap(kafka.generate)
    .map(({ text, hazards }) => ({ request: JSON.parse(text), hazards: hazards.map(({ kind }) => kind) }));
}

describe("topics", () => {
  test("a topic is a request that can be reviewed", () => {
    const [object] = topic({ config: { "retention.ms": 86_400_000, "cleanup.policy": "delete" } }).objects;
    expect(object && kafka.render(object)).toEqual({
      path: "topic/readings.json",
      text: `{
  "config": {
    "cleanup.policy": "delete",
    "retention.ms": "86400000"
  },
  "format": "json",
  "key": [
    "device"
  ],
  "partitions": 6,
  "replicationFactor": 3,
  "topic": "readings"
}
`,
    });
  });

  test("more partitions are announced as a break in the order of keys", () => {
    expect(requests({}, { partitions: 12 })).toEqual([
      { request: { addPartitions: "readings", from: 6, to: 12 }, hazards: ["data-loss", "irreversible"] },
    ]);
    expect(requests({}, { partitions: 12 }, [])).toEqual([
      { request: { addPartitions: "readings", from: 6, to: 12 }, hazards: ["irreversible"] },
    ]);
  });

  test("configuration changes name by name; a shorter retention is data loss", () => {
    expect(requests({ config: { "retention.ms": 9, "max.message.bytes": 5 } }, { config: { "retention.ms": 8 } })).toEqual([
      { request: { alterTopic: "readings", set: { "retention.ms": "8" }, reset: ["max.message.bytes"] }, hazards: ["data-loss"] },
    ]);
  });

  test("fewer partitions, another replication factor and a rename are refused", () => {
    expect(() => requests({}, { partitions: 3 })).toThrow("it has 6 partitions and cannot shrink to 3");
    expect(() => requests({}, { replicationFactor: 2 })).toThrow("its replication factor cannot be altered");
  });

  test("a name that Kafka would refuse is refused", () => {
    expect(() => topic({ topic: "a b" })).toThrow('"a b" cannot name a topic');
  });
});

test("who may use a topic is stated rule by rule, and only what changed is sent", () => {
  const etl = { principal: "User:etl", operations: ["Read", "Describe"] };
  const rule = (operation: string) => ({ principal: "User:etl", host: "*", operation, permission: "allow" });
  expect(requests({ access: [etl] }, { access: [{ ...etl, operations: ["Read", "Write"] }] })).toEqual([
    { request: { changeAccess: "readings", add: [rule("Write")], remove: [rule("Describe")] }, hazards: [] },
  ]);
  expect(() => topic({ access: [{ ...etl, principal: "etl" }] })).toThrow(/"etl" is no principal/);
});

describe("lint of topics", () => {
  test("a sound topic has no findings", () => {
    expect(findings({ config: { "min.insync.replicas": 2, "cleanup.policy": "compact,delete", "retention.ms": 604_800_000 } })).toEqual([]);
  });

  test.each([
    ["an unknown name", { "retention.msec": 1 }, "kafka/config"],
    ["a value out of range", { "retention.ms": -2 }, "kafka/config"],
    ["a number above 64 bits", { "retention.ms": "9223372036854775808" }, "kafka/config"],
    ["a word that is none", { "cleanup.policy": "shrink" }, "kafka/config"],
    ["a segment below 1 MiB", { "segment.bytes": 1000 }, "kafka/config"],
    ["lags that contradict each other", { "min.compaction.lag.ms": 10, "max.compaction.lag.ms": 5 }, "kafka/compaction-lag"],
    ["remote storage of a compacted topic", { "remote.storage.enable": true, "cleanup.policy": "compact" }, "kafka/tiered-storage"],
    ["more kept locally than at all", { "local.retention.ms": 10, "retention.ms": 5, "segment.ms": 1 }, "kafka/local-retention"],
    ["more copies wanted than there are", { "min.insync.replicas": 4 }, "kafka/min-insync-replicas"],
  ])("%s is an error", (_, config, rule) => {
    expect(findings({ config })).toEqual([{ rule, severity: "error" }]);
  });

  test("compaction without a key is an error, no spare replica a warning", () => {
    expect(findings({ config: { "cleanup.policy": "compact" } }, "4.0", [])).toEqual([{ rule: "kafka/compaction-key", severity: "error" }]);
    expect(findings({ config: { "min.insync.replicas": 3 } })).toEqual([{ rule: "kafka/min-insync-replicas", severity: "warning" }]);
  });

  test("what changed with 4.0 is judged by version", () => {
    expect(findings({ config: { "cleanup.policy": "" } }, "4.0")).toEqual([]);
    expect(findings({ config: { "cleanup.policy": "" } }, "3.9")).toEqual([{ rule: "kafka/config", severity: "error" }]);
    expect(findings({ config: { "segment.bytes": 1000 } }, "3.9")).toEqual([]);
  });
});
