import { afterAll, describe, expect, test } from "vitest";
import { openKafka } from "../../src/connections/kafka.js";
import { type Catalog, catalogOf } from "../../src/core/catalog.js";
import { diff } from "../../src/core/diff.js";
import type { StatementBody } from "../../src/core/plan.js";
import type { Kafka } from "../../src/core/session.js";
import { configRules, valueProblem } from "../../src/engines/kafka/config.js";
import { kafka as engine } from "../../src/engines/kafka/index.js";
import { liveKafka } from "../../src/engines/kafka/live.js";
import { groupLag, topicMetrics } from "../../src/engines/kafka/metrics.js";
import { KAFKA_VERSIONS, startKafka } from "./kafka.js";
import { proveTopicChecks } from "./kafka-checks.js";
import { type TopicPair, topicPairs } from "./kafka-pairs.js";
import { catalogFor, planFor } from "./proof-loop.js";

/*
 * The proof on real brokers of both major versions: what a plan did is what it said, and nothing else changed. Topics A are made
 * and read back equal, hold messages, are changed to B and read back equal; then nothing is left to do; then the way back.
 */

const MESSAGES = 20;
const none = catalogOf("proof", []);

async function apply(kafka: Kafka, statements: readonly StatementBody[]): Promise<void> {
  for (const statement of statements) await liveKafka.execute(kafka, statement, new AbortController().signal);
}

async function isNow(kafka: Kafka, wanted: Catalog): Promise<void> {
  const { catalog } = await liveKafka.introspect(kafka, "proof", wanted);
  const live = catalogOf("proof", catalog.objects.map(engine.normalize));
  expect(diff(wanted, live)).toEqual([]);
  expect(planFor(engine, live, wanted)).toEqual([]);
}

async function overrides(kafka: Kafka, topic: string): Promise<Record<string, string | null>> {
  const settings = (await kafka.settings([topic])).get(topic) ?? [];
  return Object.fromEntries(settings.filter(({ source }) => source === "topic").map(({ name, value }) => [name, value]));
}

async function fill(kafka: Kafka, topic: string, transactionalId = "proof"): Promise<void> {
  const producer = await kafka.producer(transactionalId, 60_000);
  const records = Array.from({ length: MESSAGES }, (_, n) => ({ key: Buffer.from(`k${n}`), value: Buffer.from(`{"value":${n}}`) }));
  await producer.send([{ topic, partition: 0, records }]);
  await producer.commit();
  await expect.poll(async () => (await kafka.offsets(topic, "latest")).get(0)?.offset, { timeout: 20_000 }).toBe(BigInt(MESSAGES + 1));
}

async function held(kafka: Kafka, topic: string): Promise<number> {
  const end = (await kafka.offsets(topic, "latest")).get(0)?.offset ?? 0n;
  let count = 0;
  for await (const piece of kafka.read(topic, 0, 0n, end)) count += piece.length;
  return count;
}

/** What may delete messages at once, and what refuses them before there is a change. */
const losesMessages = (plan: readonly StatementBody[]): boolean =>
  plan.some(({ hazards }) => hazards.some(({ kind }) => kind === "data-loss"));
const takesMessages = (pair: TopicPair): boolean =>
  pair.from.length > 0 && !/min.insync|timestamp.*max|retention|segment/.test(JSON.stringify(pair.from));

async function prove(kafka: Kafka, pair: TopicPair): Promise<void> {
  for (const { name } of (await kafka.topics()).filter(({ internal }) => !internal)) await kafka.deleteTopic(name);
  const [a, b] = [catalogFor(engine, pair.from), catalogFor(engine, pair.to)];
  await apply(kafka, planFor(engine, none, a));
  await isNow(kafka, a);
  const filled = takesMessages(pair);
  if (filled) await fill(kafka, "p");
  if (pair.foreign) await kafka.alterTopic("p", pair.foreign, []);
  const plan = planFor(engine, a, b);
  await apply(kafka, plan);
  await isNow(kafka, b);
  if (pair.foreign) expect(await overrides(kafka, "p")).toMatchObject(pair.foreign);
  if (filled && !losesMessages(plan)) expect(await held(kafka, "p")).toBe(MESSAGES);
  if (pair.back === false) expect(() => planFor(engine, b, a)).toThrow("cannot shrink");
  else {
    await apply(kafka, planFor(engine, b, a));
    await isNow(kafka, a);
    if (pair.foreign) expect(await overrides(kafka, "p")).toMatchObject(pair.foreign);
  }
}

/** Values and whether a validator, by what it prints, takes them: `[0,...,9]`, `[1,...]`, `[a, b]`. */
function samples(validator: string): (readonly [value: string, taken: boolean])[] {
  const [, min, max] = /^\[(-?\d+),\.\.\.(?:,(-?\d+))?\]/.exec(validator) ?? [];
  if (min !== undefined) {
    const except = /or (-?\d+)$/.exec(validator)?.[1];
    const below = String(BigInt(min) - 1n);
    const ends = [[min, true], [below, below === except], ...(except === undefined ? [] : [[except, true] as const])] as const;
    return max === undefined ? [...ends] : [...ends, [max, true], [String(BigInt(max) + 1n), false]];
  }
  const words = /^\[([a-zA-Z, ]+)\]$/.exec(validator)?.[1]?.split(", ") ?? [];
  return words.length === 0 ? [] : [...words.map((word) => [word, true] as const), ["other", false]];
}

describe.each(KAFKA_VERSIONS)("topics on Kafka %s", async (version) => {
  const server = await startKafka(version);
  const kafka = server && (await openKafka(server.plain, undefined));
  afterAll(async () => {
    await kafka?.close();
    await server?.stop();
  });
  const live = kafka as Kafka; // tests run only where there is one

  test.runIf(kafka).each(topicPairs.map((pair) => [pair.name, pair] as const))("%s", (_, pair) => prove(live, pair));

  test.runIf(kafka)("a topic that has another shape than the plan says is not touched, and a topic of others is not ours", async () => {
    await live.createTopic({ name: "theirs", partitions: 1, replicationFactor: 1, config: { "retention.ms": "5" } });
    const { catalog, unmodelled } = await liveKafka.introspect(live, "proof", none);
    expect(catalog.objects.find(({ id }) => id === "kafka:topic:theirs")?.body).toMatchObject({
      partitions: 1,
      config: { "retention.ms": "5" },
    });
    expect(unmodelled).toEqual([]);
    const ours = catalogOf(
      "proof",
      catalog.objects.map((object) => ({ ...object, body: { ...object.body, config: {} } })),
    );
    expect((await liveKafka.introspect(live, "proof", ours)).unmodelled).toContainEqual({
      name: "theirs",
      what: "a setting that no model states: retention.ms = 5",
    });
  });

  test.runIf(kafka)("checks of topics: fresh, filled, read by their group, and messages as the model says, JSON and Avro", async () => {
    const [broker = ""] = server?.plain.brokers ?? [];
    await proveTopicChecks(live, Number(broker.split(":")[1]));
  });

  test.runIf(server)(
    "every setting that the broker knows is judged as the broker judges it, at the ends of its range and beyond",
    async () => {
      const settings = (await server?.settings())?.filter(({ internal }) => !internal) ?? [];
      const judged = Object.keys(configRules).filter((name) => !/Kafka/.test(valueProblem(name, "x", version) ?? ""));
      expect(judged.sort()).toEqual(settings.map(({ name }) => name).sort());
      const wrong = settings.flatMap(({ name, validator }) =>
        samples(validator)
          .filter(([value, taken]) => (valueProblem(name, value, version) === undefined) !== taken)
          .map(([value, taken]) => `${name} = ${value} is ${taken ? "taken" : "refused"}`),
      );
      expect(wrong).toEqual([]);
    },
  );

  test.runIf(kafka)("the broker's own words are in a refusal", async () => {
    const request = { createTopic: "wide", partitions: 1, replicationFactor: 3, config: {} };
    const statement = { text: JSON.stringify(request), hazards: [], transactional: false };
    await expect(liveKafka.execute(live, statement, new AbortController().signal)).rejects.toMatchObject({
      code: "DW-ENGINE-REFUSED",
      why: expect.stringContaining("INVALID_REPLICATION_FACTOR"),
    });
    await expect(
      liveKafka.execute(live, { ...statement, text: '{"createTopic":"x"}' }, new AbortController().signal),
    ).rejects.toMatchObject({
      code: "DW-MIGRATION-EDITED",
      why: "partitions is not a whole number.",
    });
  });

  test.runIf(kafka)("a topic's metrics: how many messages, the newest, and how far a group is behind", async () => {
    await live.createTopic({ name: "measured", partitions: 2, replicationFactor: 1, config: {} });
    const producer = await live.producer("metrics", 60_000);
    const at = Date.UTC(2024, 0, 1);
    const records = [1, 2, 3].map((n) => ({ key: null, value: Buffer.from(String(n)), timestamp: at + n }));
    await producer.send([{ topic: "measured", partition: 1, records }]);
    expect((await topicMetrics(live, "measured")).messages).toBe(0n);
    await producer.commit();
    // A commit's marker is a message too, that nobody reads; it is written after the commit is answered.
    await expect.poll(() => topicMetrics(live, "measured"), { timeout: 20_000 }).toMatchObject({ messages: 4n, newest: at + 3 });
    expect(await groupLag(live, "nobody", "measured")).toMatchObject({ lag: 4n });
  });

  test.runIf(server)(
    "logins: PLAIN and SCRAM, with and without TLS; a wrong password is refused, an unknown certificate not trusted",
    async () => {
      for (const ssl of [true, false]) {
        for (const [mechanism, username] of [
          ["plain", "alice"],
          ["scram-sha-256", "bob"],
        ] as const) {
          const connection = server?.sasl(ssl, { mechanism, username });
          if (!connection) continue;
          const open = await openKafka(connection, `${username}-secret`);
          expect(open.server.brokers).toBe(1);
          await open.close();
          await expect(openKafka(connection, "wrong")).rejects.toMatchObject({ code: "DW-AUTH" });
          if (ssl)
            await expect(openKafka({ ...connection, ssl: true }, `${username}-secret`)).rejects.toMatchObject({ code: "DW-CONNECT" });
        }
      }
    },
  );
});
