import { afterAll, describe, expect, test } from "vitest";
import { openDuckDb } from "../../src/connections/duckdb.js";
import { openKafka } from "../../src/connections/kafka.js";
import type { Column } from "../../src/core/model.js";
import type { Kafka, KafkaRecord } from "../../src/core/session.js";
import type { LogicalType } from "../../src/core/types.js";
import { openKafkaTopic } from "../../src/sources/kafka/index.js";
import { dw } from "../cli/run-dw.js";
import { projectFolder } from "../unit/model/project-folder.js";
import { startKafka } from "./kafka.js";

/* Topics as sources, on a real broker. */

const server = await startKafka("4.4.0");
const kafka = server && (await openKafka(server.plain, undefined));
afterAll(async () => {
  await kafka?.close();
  await server?.stop();
});
const live = kafka as Kafka; // tests run only where there is one

const record = (n: number): KafkaRecord => ({
  key: Buffer.from(`s${n % 3}`),
  value: Buffer.from(
    JSON.stringify({ station: `s${n % 3}`, "the temp": n / 2, seen: "2024-03-01T00:00:00Z", note: n % 2 ? null : "a\u0000é🦆" }),
  ),
  timestamp: Date.UTC(2024, 2, 1) + n,
});

const some = (from: number, count: number): KafkaRecord[] => Array.from({ length: count }, (_, n) => record(from + n));

async function filled(topic: string, config: Record<string, string>): Promise<void> {
  await live.createTopic({ name: topic, partitions: 2, replicationFactor: 1, config: { ...config, "retention.ms": "-1" } }); // the messages are old
  const producer = await live.producer(`fill-${topic}`, 60_000);
  const send = (partition: number, records: KafkaRecord[]): Promise<void> => producer.send([{ topic, partition, records }]);
  await send(0, some(0, 500));
  await send(1, some(500, 300));
  await producer.commit();
  await send(0, some(9000, 50));
  await producer.abort();
  await send(0, some(800, 200));
  await producer.commit();
  const ends = async () => [...(await live.offsets(topic, "latest")).values()].map(({ offset }) => Number(offset));
  // Markers of three transactions, one of them given up, lie between the messages.
  await expect.poll(ends, { timeout: 20_000 }).toEqual([500 + 1 + 50 + 1 + 200 + 1, 300 + 1]);
}

const column = (type: LogicalType): Column => ({ type, nullable: true, comment: "" });
const typed = {
  station: column({ kind: "text" }),
  "the temp": column({ kind: "decimal", precision: 10, scale: 2 }),
  seen: column({ kind: "timestamp", precision: 6, zoned: true }),
  note: column({ kind: "text" }),
};

async function read(topic: string, columns: readonly string[], offsetsAChunk: number, snapshot?: string): Promise<unknown[]> {
  const source = await openKafkaTopic(live, { topic, typed, offsetsAChunk, ...(snapshot !== undefined && { snapshot }) });
  const database = await openDuckDb({ path: ":memory:" });
  const db = await database.session();
  const plan = await source.plan({ columns });
  const rows: unknown[] = [];
  for (const chunk of plan.chunks) {
    const open = await plan.open(chunk, db);
    rows.push(...(await db.rows(open.sql)));
    await open.close();
  }
  await db.close();
  await database.close();
  return rows;
}

describe.runIf(kafka)("a topic as a source", () => {
  test.each(["uncompressed", "gzip", "snappy", "lz4", "zstd"])(
    "committed messages are read once and in order, stored with %s",
    async (codec) => {
      const topic = `readings-${codec}`;
      await filled(topic, { "compression.type": codec });
      const rows = (await read(topic, ["partition", "offset", "key", "station", "the temp", "note"], 77)) as Record<string, unknown>[];
      expect(rows).toHaveLength(1000);
      expect(rows.filter((row) => row.station !== row.key)).toEqual([]);
      expect(rows[2]).toEqual({ partition: 0, offset: "2", key: "s2", station: "s2", "the temp": "1.00", note: "a\u0000é🦆" });
      expect(rows.slice(0, 700).map((row) => row["the temp"])).toEqual(
        [...some(0, 500), ...some(800, 200)].map((_, n) => ((n < 500 ? n : n + 300) / 2).toFixed(2)),
      );
    },
  );

  test("a snapshot reads the same messages later; one that the topic does not have is refused", async () => {
    expect(await read("readings-gzip", ["offset"], 1000, "0:10-20,1:0-5")).toHaveLength(15);
    await expect(read("readings-gzip", ["offset"], 1000, "0:10-99999")).rejects.toMatchObject({ code: "DW-SNAPSHOT-MISSING" });
    await expect(read("nothing", ["offset"], 1000)).rejects.toMatchObject({ code: "DW-TABLE-MISSING" });
  });

  test("dw backfill brings a topic into a table, reconciled", async () => {
    const config = { local: { embedded: ".dw/local", connections: { broker: server?.plain } } };
    const cwd = await projectFolder({
      "dw.config.ts": `import { defineConfig } from "dwright";\nexport default defineConfig({ environments: ${JSON.stringify(config)} });\n`,
      "models/w/readings.ts": `import { defineBackfill, defineTable, hash, t } from "dwright";
export const readings = defineTable("readings", {
  layer: "ods", grain: "one row per message",
  columns: { partition: t.int("partition"), msg_offset: t.bigint("offset"), station: t.text("station").nullable(), seen: t.instant("UTC").nullable() },
  on: { starrocks: { database: "w", table: "duplicate", key: ["partition", "msg_offset"], distributeBy: hash(["partition"], 1) } },
});
export const load = defineBackfill("load", { from: "broker:readings-zstd", to: readings, map: { msg_offset: { column: "offset" } } });
`,
    });
    const run = (...words: string[]) => dw([...words, "--env", "local"], { cwd });
    await dw(["migrate", "new", "first"], { cwd });
    expect((await run("migrate")).code).toBe(0);
    const loaded = await run("backfill", "load", "--json");
    expect({ code: loaded.code, stderr: loaded.stderr.match(/DW-[\s\S]*/)?.[0] ?? "" }).toEqual({ code: 0, stderr: "" });
    expect(JSON.parse(loaded.stdout)).toMatchObject([{ verdict: "equal", rows: { source: "1000", target: "1000" } }]);
    const shown = await run("cat", "broker:readings-zstd", "--columns", "offset,value", "--where", '"offset" = 1', "--limit", "1");
    expect(JSON.parse(shown.stdout)).toMatchObject({ offset: "1" });
  });
});
