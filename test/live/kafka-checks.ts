import avsc from "avsc";
import { expect } from "vitest";
import { runChecks } from "../../src/app/check/run.js";
import { checkSlot } from "../../src/app/check/slot.js";
import { askTopic } from "../../src/app/check/topic.js";
import type { CheckTable } from "../../src/core/check.js";
import type { Kafka } from "../../src/core/session.js";
import { avroSchema } from "../../src/engines/kafka/schema/avro.js";
import { defineTopic, freshness, lag, messages, rowCount, t } from "../../src/index.js";
import { commitOffset } from "./kafka-commit.js";

/* Checks of topics on a broker: fresh and stale, as the model says and not, read and not read, in JSON and in Avro. */

const columns = { sensor: t.text(), time: t.instant(), value: t.double().nullable() };
const checks = [freshness("time", "5 min"), rowCount({ min: 1 }), lag("loader", 2), messages({ last: 3 })];

async function said(kafka: Kafka, name: string, format: string, now: number): Promise<string[][]> {
  const model = defineTopic("readings", { columns, on: { kafka: { topic: name, partitions: 1, replicationFactor: 1 } } });
  const open = { kind: "kafka", kafka } as const;
  const slot = checkSlot("kafka", open);
  const text = (word: string): string => word;
  const table: CheckTable = {
    dialect: slot.dialect,
    topic: true,
    model: name,
    from: name,
    columns: model.columns,
    key: [],
    now,
    table: text,
    ident: text,
    literal: String,
  };
  const around = {
    topic: (questions: Parameters<typeof askTopic>[2]) => askTopic(open, { name, columns: model.columns, format }, questions),
  };
  const outcomes = await runChecks([{ warehouse: "w", model, slot, table, checks, around }], { now, signal: new AbortController().signal });
  return outcomes.map(({ outcome, message }) => [outcome, message]);
}

async function send(kafka: Kafka, topic: string, values: readonly Uint8Array[], timestamp: number): Promise<void> {
  const producer = await kafka.producer(`check-${topic}`, 60_000);
  const before = (await kafka.offsets(topic, "latest")).get(0)?.offset ?? 0n;
  await producer.send([{ topic, partition: 0, records: values.map((value) => ({ key: null, value: Buffer.from(value), timestamp })) }]);
  await producer.commit();
  const end = before + BigInt(values.length) + 1n; // the marker
  await expect.poll(async () => (await kafka.offsets(topic, "latest")).get(0)?.offset, { timeout: 20_000 }).toBe(end);
}

export async function proveTopicChecks(kafka: Kafka, port: number): Promise<void> {
  const now = Date.now();
  const config = { "retention.ms": "-1" };
  const avro = avsc.Type.forSchema(avroSchema("readings", undefined, columnsOf()) as unknown as avsc.Schema, { wrapUnions: true }); // what dw writes is a schema
  const encoders: Readonly<Record<string, (value: number | null) => Uint8Array>> = {
    json: (value) => Buffer.from(JSON.stringify({ sensor: "a", time: new Date(now).toISOString(), value })),
    avro: (value) =>
      Buffer.concat([
        Buffer.from([0, 0, 0, 0, 7]),
        avro.toBuffer({ sensor: "a", time: now * 1000, value: value === null ? null : { double: value } }),
      ]),
  };
  for (const [format, encoded] of Object.entries(encoders)) {
    const topic = `checked-${format}`;
    await kafka.createTopic({ name: topic, partitions: 1, replicationFactor: 1, config });
    expect((await said(kafka, topic, format, now)).map(([outcome]) => outcome)).toEqual(["fail", "fail", "not-evaluated", "not-evaluated"]);
    await send(kafka, topic, [encoded(1), encoded(null), encoded(2.5)], now - 60_000);
    await commitOffset(port, "loader", topic, 2n);
    expect(await said(kafka, topic, format, now)).toEqual([
      ["pass", expect.stringContaining("1 min old")],
      ["pass", expect.stringContaining("4 rows")], // the marker counts
      ["pass", "2 messages behind; 2 allowed"],
      ["pass", "none of 2 messages are not as the model says"], // of the last three entries, one is the marker
    ]);
    expect((await said(kafka, topic, format, now + 300_000))[0]?.[0]).toBe("fail");
    await send(kafka, topic, [Buffer.from("{}"), Buffer.from([0, 0, 0, 0, 7, 2])], now);
    const broken = await said(kafka, topic, format, now);
    expect(broken[2]).toEqual(["fail", "5 messages behind; 2 allowed"]);
    expect(broken[3]).toEqual(["fail", "2 of 2 messages are not as the model says"]);
  }
  const gone = await said(kafka, "no-such-topic", "json", now);
  expect(new Set(gone.map(([outcome]) => outcome))).toEqual(new Set(["not-evaluated"]));
}

function columnsOf() {
  return defineTopic("readings", { columns, on: { kafka: { partitions: 1, replicationFactor: 1 } } }).columns;
}
