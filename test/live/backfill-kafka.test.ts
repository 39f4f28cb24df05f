import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openKafka } from "../../src/connections/kafka.js";
import type { Columns } from "../../src/core/model.js";
import type { Kafka, KafkaMessage, KafkaProducer } from "../../src/core/session.js";
import { topicTarget } from "../../src/targets/kafka/index.js";
import { partitionOf } from "../../src/targets/kafka/partition.js";
import { openDatabase, type TestDatabase } from "../backfill/duckdb.js";
import { backfill } from "../backfill/load.js";
import { columnsOf, sourceOf, t } from "../backfill/source.js";
import { dw } from "../cli/run-dw.js";
import { projectFolder } from "../unit/model/project-folder.js";
import { startKafka } from "./kafka.js";

/* Topics as targets, on a real broker. */

const server = await startKafka("4.4.0");
const kafka = server && (await openKafka(server.plain, undefined));
let database: TestDatabase;
beforeAll(async () => {
  database = await openDatabase();
});
afterAll(async () => {
  await kafka?.close();
  await server?.stop();
  await database.close();
});
const live = kafka as Kafka; // tests run only where there is one

const shape = { station: t.text(), at: t.instant(), paid: t.decimal(12, 2).nullable(), doc: t.json().nullable() };
const columns: Columns = Object.fromEntries(Object.entries(shape).map(([name, { column }]) => [name, column]));
const rows = (from: number, count: number): string =>
  `SELECT 's' || i % 7 AS station, TIMESTAMPTZ '2024-01-01 00:00:00+00' + INTERVAL (i) SECOND AS "at",
   CASE WHEN i % 5 = 0 THEN NULL ELSE i::DECIMAL(12,2) / 4 END AS paid, CASE WHEN i % 3 = 0 THEN '{"n": ' || i || ', "s": "\\n"}' END AS doc
   FROM range(${from}, ${from + count}) AS r(i)`;
const chunks = [rows(0, 3000), rows(3000, 500), rows(3500, 1)];
const ALL = 3501;

async function topic(name: string, config: Record<string, string> = {}, partitions = 3): Promise<string> {
  await live.createTopic({ name, partitions, replicationFactor: 1, config });
  return name;
}

const load = async (name: string, using: Kafka = live, parts: readonly string[] = chunks) => {
  const target = await topicTarget({ kafka: using, topic: name, columns, key: ["station"] });
  const request = { name: "stations", source: sourceOf("stations", columnsOf(shape), parts), target, targetModel: { columns } };
  return backfill(request, database.connect, { key: ["station", "at"], concurrency: 2 });
};

async function messages(name: string): Promise<(KafkaMessage & { readonly partition: number })[]> {
  const found: (KafkaMessage & { readonly partition: number })[] = [];
  for (const [partition, { offset }] of await live.offsets(name, "latest"))
    for await (const piece of live.read(name, partition, 0n, offset)) found.push(...piece.map((message) => ({ ...message, partition })));
  return found;
}

const equal = { verdict: "equal", rows: { source: String(ALL), target: String(ALL), before: "0" } };

describe.runIf(server)("backfill into a topic", () => {
  test("rows become JSON messages under the model's key, once, whatever others send", async () => {
    const name = await topic("plain");
    expect(await load(name)).toMatchObject(equal);
    const other = await live.producer("somebody-else", 60_000);
    await other.send([{ topic: name, partition: 0, records: [{ key: null, value: Buffer.from('{"station": "x"}') }] }]);
    await other.commit();
    expect(await load(name)).toMatchObject(equal);
    const found = (await messages(name)).filter(({ headers }) => headers.some(([header]) => header === "dw-backfill"));
    expect(found).toHaveLength(ALL);
    expect(found.every(({ key, partition }) => key !== null && partitionOf(key, 3) === partition)).toBe(true);
    const first = found.map(({ value }) => JSON.parse(Buffer.from(value ?? []).toString()) as Record<string, unknown>);
    expect(first).toContainEqual({ station: "s3", at: "2024-01-01T00:00:03.000000Z", paid: "0.75", doc: { n: 3, s: "\n" } });
    expect(first).toContainEqual({ station: "s5", at: "2024-01-01T00:00:05.000000Z", paid: null });
  }, 120_000);

  test("whatever call dies, before or after it took effect, the run after it ends with each message once", async () => {
    for (const when of ["before", "after"] as const) {
      for (let at = 0, died = true; died; at++) {
        const name = await topic(`dying-${when}-${at}`, {}, 1);
        const parts = [rows(0, 40), rows(40, 3)];
        died = await load(name, dying(live, at, when), parts).then(
          () => false,
          () => true,
        );
        const after = await load(name, live, parts);
        expect(after, `${when} call ${at}`).toMatchObject({ verdict: "equal", rows: { source: "43", target: "43" } });
        expect(await messages(name)).toHaveLength(43);
      }
    }
  }, 240_000);

  test("a value that the topic's model does not take gives up its chunk", async () => {
    const name = await topic("refused");
    const bad = `SELECT 's' AS station, TIMESTAMPTZ '20000-01-01 00:00:00+00' AS "at", NULL AS paid, NULL AS doc UNION ALL ${rows(0, 10)}`;
    await expect(load(name, live, [bad])).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
    expect(await load(name, live, [rows(0, 10)])).toMatchObject({ verdict: "equal", rows: { target: "10" } });
    expect(await messages(name)).toHaveLength(10);
  }, 60_000);

  test("a compacted topic keeps the newest of a key, and the certificate says that keys were there twice", async () => {
    const name = await topic("compacted", { "cleanup.policy": "compact" });
    expect(await load(name, live, [rows(0, 7)])).toMatchObject({ verdict: "equal", rows: { target: "7" } });
    const twice = await topic("compacted-twice", { "cleanup.policy": "compact" });
    expect(await load(twice, live, [rows(0, 9)])).toMatchObject({ verdict: "different", rows: { source: "9", target: "7" } });
  }, 60_000);

  test("a backfill of a topic's model, as a user runs it, twice", async () => {
    const cwd = await projectFolder({
      "dw.config.ts": `import { defineConfig } from "dwright";
export default defineConfig({ environments: { local: {
  embedded: ".dw/local",
  connections: { broker: ${JSON.stringify(server?.plain)} },
  slots: { kafka: "broker" },
} } });
`,
      "rows.jsonl": '{"station": "s1", "paid": "1.50"}\n{"station": "s2", "paid": null}\n',
      "models/w/readings.ts": `import { defineBackfill, defineTopic, t } from "dwright";
export const readings = defineTopic("readings", {
  columns: { station: t.text("station"), paid: t.decimal(10, 2, "EUR").nullable() }, key: ["station"],
  on: { kafka: { topic: "as-a-user", partitions: 1, replicationFactor: 1 } },
});
export const send = defineBackfill("send", { from: "jsonl:rows.jsonl", to: readings });
`,
    });
    await topic("as-a-user", {}, 1);
    for (const _ of [1, 2]) {
      const run = await dw(["backfill", "send", "--env", "local", "--json"], { cwd });
      expect({ code: run.code, stderr: run.stderr.match(/DW-[\s\S]*/)?.[0] ?? "" }).toEqual({ code: 0, stderr: "" });
      expect(JSON.parse(run.stdout)).toMatchObject([{ verdict: "equal", target: "as-a-user", rows: { target: "2" } }]);
    }
    const found = await messages("as-a-user");
    expect(found.map(({ key, value }) => `${Buffer.from(key ?? [])} ${Buffer.from(value ?? [])}`)).toEqual([
      's1 {"station":"s1","paid":"1.50"}',
      's2 {"station":"s2","paid":null}',
    ]);
  }, 120_000);

  test("a ledger that may have forgotten stops the run", async () => {
    const name = await topic("forgetful");
    await load(name, live, [rows(0, 3)]);
    const [ledger = ""] = (await live.topics())
      .map((found) => found.name)
      .filter((found) => found.startsWith("dw-state-backfill-"))
      .sort();
    for (const each of await live.topics())
      if (each.name.startsWith("dw-state-backfill-")) await live.alterTopic(each.name, { "cleanup.policy": "delete" }, []);
    expect(ledger).not.toBe("");
    await expect(load(name, live, [rows(0, 3)])).rejects.toMatchObject({ code: "DW-LOAD-UNKNOWN" });
  }, 60_000);
});

/** A cluster that is gone at the producers' call number `at`, with or without having done it; nothing is tidied up. */
function dying(real: Kafka, at: number, when: "before" | "after"): Kafka {
  let count = 0;
  const mortal = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const dies = count++ >= at;
    if (dies && when === "before") throw new Error("killed");
    const result = await work();
    if (dies) throw new Error("killed");
    return result;
  };
  const producer = (open: KafkaProducer): KafkaProducer => ({
    send: (batches) => mortal(() => open.send(batches)),
    commit: () => mortal(() => open.commit()),
    abort: () => Promise.reject(new Error("killed")),
  });
  return { ...real, producer: async (id, timeoutMs) => producer(await real.producer(id, timeoutMs)) };
}
