import avsc from "avsc";
import { expect, test } from "vitest";
import { avroFaults } from "../../../src/app/check/avro-message.js";
import { runChecks } from "../../../src/app/check/run.js";
import { checkSlot } from "../../../src/app/check/slot.js";
import { askTopic } from "../../../src/app/check/topic.js";
import { messageFault } from "../../../src/checks/message-shape.js";
import type { Kafka, KafkaMessage } from "../../../src/core/session.js";
import { avroSchema } from "../../../src/engines/kafka/schema/avro.js";
import { defineTopic, freshness, lag, messages, notNull, rowCount, t } from "../../../src/index.js";

const topic = defineTopic("readings", {
  columns: {
    sensor: t.text(),
    time: t.instant(),
    value: t.double().nullable(),
    paid: t.decimal(18, 2).nullable(),
    count: t.bigint().nullable(),
    state: t.enum(["on", "off"]).nullable(),
    tags: t.list(t.text()).nullable(),
  },
  on: { kafka: { partitions: 1, replicationFactor: 1 } },
});

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const good = { sensor: "a", time: "2024-06-01T11:59:00Z", value: 1.5 };

test("a message is as the model says, or one says what is wrong with it", () => {
  const fault = (value: unknown): string | undefined => messageFault(bytes(value), topic.columns);
  expect(fault(good)).toBeUndefined();
  expect(fault({ ...good, value: "NaN", paid: "10.50", count: "9223372036854775807", state: "on", tags: ["x"] })).toBeUndefined();
  expect(fault({ ...good, time: 1_717_243_140_000, value: null })).toBeUndefined();
  expect(messageFault(null, topic.columns)).toBeUndefined();
  expect(fault("{")).toBe("it is no JSON");
  expect(messageFault(new Uint8Array([0, 0, 0, 1, 255]), topic.columns)).toBe("it is no JSON");
  expect(fault([good])).toBe("it is no JSON object");
  expect(fault({ ...good, sensor: null })).toBe("sensor is missing");
  expect(fault({ ...good, value: "high" })).toBe("value is string");
  expect(fault({ ...good, count: 1.5 })).toBe("count is number");
  expect(fault({ ...good, state: "lost" })).toBe("state is string");
  expect(fault({ ...good, time: "yesterday" })).toBe("time is string");
  expect(fault({ ...good, tags: [1] })).toBe("tags is an array");
  expect(fault({ ...good, colour: "red" })).toBe("colour is not in the model");
});

test("an Avro message is judged by the schema that dw writes of the model, behind the registry's frame", () => {
  const faults = avroFaults(topic.columns);
  const type = avsc.Type.forSchema(avroSchema("readings", undefined, topic.columns) as unknown as avsc.Schema, { wrapUnions: true });
  const framed = (body: Uint8Array, magic = 0): Uint8Array => Buffer.concat([Buffer.from([magic, 0, 0, 0, 42]), body]);
  const value = {
    sensor: "a",
    time: 1_717_243_140_000_000,
    value: null,
    paid: null,
    count: { long: 7 },
    state: { readings_state: "on" },
    tags: null,
  };
  const body = type.toBuffer(value);
  expect(faults(framed(body))).toBeUndefined();
  expect(faults(null)).toBeUndefined();
  expect(faults(body)).toBe("it is not framed by a schema registry's client");
  expect(faults(framed(body, 1))).toBe("it is not framed by a schema registry's client");
  expect(faults(new Uint8Array([0, 0]))).toBe("it is not framed by a schema registry's client");
  expect(faults(framed(body.subarray(0, body.length - 1)))).toMatch(/end/);
  expect(faults(framed(Buffer.concat([body, Buffer.from([2])])))).toBe("1 bytes more than the model says");
  expect(faults(bytes(good))).toBeDefined();
  // a writer that knows another state than the model
  const { state: _, ...others } = topic.columns;
  const newer = { ...others, state: t.enum(["on", "off", "lost"]).nullable().column, tags: t.list(t.text()).nullable().column };
  const order = Object.fromEntries(Object.keys(topic.columns).map((name) => [name, newer[name as keyof typeof newer]]));
  const wider = avsc.Type.forSchema(avroSchema("readings", undefined, order) as unknown as avsc.Schema, { wrapUnions: true });
  expect(faults(framed(wider.toBuffer({ ...value, state: { readings_state: "lost" } })))).toBeDefined();
});

/** One partition, as a broker would show it. */
function broker(values: readonly unknown[], committed?: bigint): Kafka {
  const now = Date.UTC(2024, 5, 1, 11, 59);
  const stored = values.map(
    (value, index): KafkaMessage => ({ key: null, value: bytes(value), timestamp: now, headers: [], offset: BigInt(index) }),
  );
  const kafka = {
    offsets: async (_: string, moment: unknown) => {
      if (moment === "earliest") return new Map([[0, { offset: 0n }]]);
      if (moment === "latest") return new Map([[0, { offset: BigInt(stored.length) }]]);
      return stored.length === 0 ? new Map() : new Map([[0, { offset: BigInt(stored.length - 1), timestamp: now }]]);
    },
    committed: async () => new Map(committed === undefined ? [] : [["readings", new Map([[0, committed]])]]),
    read: async function* (_topic: string, _partition: number, from: bigint, to: bigint) {
      yield stored.filter(({ offset }) => offset >= from && offset < to);
    },
  };
  return kafka as unknown as Kafka; // checks ask nothing else of it
}

async function said(kafka: Kafka) {
  const checks = [freshness("time", "5 min"), rowCount({ min: 1 }), lag("loader", 1), messages({ last: 2 }), notNull("sensor")];
  const open = { kind: "kafka", kafka } as const;
  const slot = checkSlot("kafka", open);
  const text = (name: string): string => name;
  const now = Date.UTC(2024, 5, 1, 12);
  const table = { dialect: slot.dialect, topic: true, model: "readings", from: "readings", columns: topic.columns, key: [], now } as const;
  const around = {
    topic: (questions: Parameters<typeof askTopic>[2]) =>
      askTopic(open, { name: "readings", columns: topic.columns, format: "json" }, questions),
  };
  const quoted = { ...table, table: text, ident: text, literal: String };
  const task = { warehouse: "w", model: topic, slot, table: quoted, checks, around };
  return (await runChecks([task], { now, signal: new AbortController().signal })).map(({ outcome, message }) => [outcome, message]);
}

test("a topic is fresh, has messages as the model says, and its readers keep up", async () => {
  expect(await said(broker([{ bad: 1 }, good, good], 2n))).toEqual([
    ["pass", expect.stringContaining("1 min old")],
    ["pass", "3 rows; at least 1 wanted"],
    ["pass", "1 messages behind; 1 allowed"],
    ["pass", "none of 2 messages are not as the model says"],
    ["not-evaluated", expect.stringContaining("A topic has no rows")],
  ]);
});

test("an empty topic is not fresh, and what cannot be known is not a pass", async () => {
  expect((await said(broker([]))).map(([outcome]) => outcome)).toEqual(["fail", "fail", "not-evaluated", "not-evaluated", "not-evaluated"]);
  expect((await said(broker([good, { bad: 1 }], 0n)))[3]).toEqual(["fail", "1 of 2 messages are not as the model says"]);
});
