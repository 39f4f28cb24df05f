import { Binary, Decimal128, Double, Int32, Long, MongoClient, ObjectId, UUID } from "mongodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDuckDb } from "../../src/connections/duckdb.js";
import { openMongo } from "../../src/connections/mongodb.js";
import type { Column } from "../../src/core/model.js";
import type { Mongo } from "../../src/core/session.js";
import type { LogicalType } from "../../src/core/types.js";
import { openMongoCollection } from "../../src/sources/mongodb/index.js";
import { dw } from "../cli/run-dw.js";
import { jsonLines } from "../support/rows.js";
import { projectFolder } from "../unit/model/project-folder.js";
import { startMongo } from "./mongo.js";

/* Collections as sources, over MongoDB's own protocol. */

const server = await startMongo();
const mongo = server && (await openMongo(server.connection, undefined));
const client = server && new MongoClient(server.url);
afterAll(async () => {
  await client?.close();
  await mongo?.close();
  await server?.stop();
});
const live = mongo as Mongo; // tests run only where there is one
const app = () => (client as MongoClient).db("app"); // as above

const lines = async (collection: string, typed?: Readonly<Record<string, Column>>): Promise<unknown[]> => {
  const source = await openMongoCollection(live, { collection, ...(typed && { typed }) });
  return (await jsonLines(source)).map((line) => JSON.parse(line) as unknown);
};
const column = (type: LogicalType): Column => ({ type, nullable: true, comment: "" });

describe.skipIf(server === undefined)("MongoDB", () => {
  beforeAll(async () => {
    await app()
      .collection("events")
      .insertMany([
        {
          _id: new ObjectId("0123456789abcdef01234567"),
          name: 'é"\n',
          qty: new Int32(5),
          total: Long.fromString("9007199254740993"),
          price: Decimal128.fromString("12.50"),
          ratio: new Double(-0),
          at: new Date("2024-02-29T12:34:56.789Z"),
          ok: true,
          raw: new Binary(Buffer.from([0, 255]), 0),
          ref: new UUID("00112233-4455-6677-8899-aabbccddeeff"),
          tags: ["a", null, { b: Long.fromNumber(1) }],
          mixed: "text",
        },
        {
          _id: new ObjectId("0123456789abcdef01234568"),
          name: null,
          qty: Long.fromString("-9223372036854775808"),
          price: Decimal128.fromString("-99999999999999999999.001"),
          ratio: new Int32(3),
          tags: { x: 1.5 },
          mixed: new Int32(3),
        },
      ]);
    const many = Array.from({ length: 5000 }, (_, n) => ({ _id: n * 3, station: `s${n % 7}`, value: n / 4 }));
    for (let at = 0; at < many.length; at += 1000)
      await app()
        .collection<{ _id: number }>("readings")
        .insertMany(many.slice(at, at + 1000));
  });

  test("every value comes typed by the sample, without loss, and what is of several types is JSON", async () => {
    expect(await lines("events")).toEqual([
      {
        _id: "0123456789abcdef01234567",
        name: 'é"\n',
        qty: "5",
        total: "9007199254740993",
        price: "12.500",
        ratio: -0,
        at: "2024-02-29T12:34:56.789000Z",
        ok: true,
        raw: "AP8=",
        ref: "00112233-4455-6677-8899-aabbccddeeff",
        tags: '["a",null,{"b":"1"}]',
        mixed: '"text"',
      },
      {
        _id: "0123456789abcdef01234568",
        name: null,
        qty: "-9223372036854775808",
        total: null,
        price: "-99999999999999999999.001",
        ratio: 3,
        at: null,
        ok: null,
        raw: null,
        ref: null,
        tags: '{"x":1.5}',
        mixed: "3",
      },
    ]);
    const inspection = await (await openMongoCollection(live, { collection: "events" })).inspect();
    expect(inspection.sections[0]?.rows).toContainEqual(["mixed", "json", "int 1, string 1"]);
  });

  test("a model types the fields: what does not fit is refused, what it does not name is left out", async () => {
    const typed = { _id: column({ kind: "text" }), qty: column({ kind: "decimal", precision: 20, scale: 1 }) };
    expect(await lines("events", typed)).toEqual([
      { _id: "0123456789abcdef01234567", qty: "5.0" },
      { _id: "0123456789abcdef01234568", qty: "-9223372036854775808.0" },
    ]);
    await expect(lines("events", { mixed: column({ kind: "int", bits: 32 }) })).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
  });

  test("ranges of _id hold every document once, also where values are few or of several kinds", async () => {
    for (const [collection, expected] of [
      ["readings", 5000],
      ["kinds", 40],
    ] as const) {
      if (collection === "kinds") {
        const kinds = Array.from({ length: 40 }, (_, n) => ({ _id: n % 2 === 0 ? n : `k${n}` }));
        await app().collection<{ _id: number | string }>(collection).insertMany(kinds);
      }
      const source = await openMongoCollection(live, { collection, documentsAChunk: 300, typed: { _id: column({ kind: "json" }) } });
      const database = await openDuckDb();
      const db = await database.session();
      const plan = await source.plan({});
      expect(plan.chunks.length).toBe(collection === "readings" ? Math.ceil(5000 / 300) : 1);
      const ids: string[] = [];
      for (const chunk of plan.chunks) {
        const open = await plan.open(chunk, db);
        ids.push(...(await db.rows<{ _id: string }>(open.sql)).map((row) => row._id));
        await open.close();
      }
      expect(ids).toHaveLength(expected);
      expect(new Set(ids).size).toBe(expected);
      await database.close();
    }
  }, 60_000);

  test("a field that the sample has not seen stops the read instead of being lost", async () => {
    const documents = Array.from({ length: 3000 }, (_, n) => ({ _id: n, v: n, ...(n === 1500 && { surprise: true }) }));
    await app().collection<{ _id: number }>("wide").insertMany(documents);
    await expect(lines("wide")).rejects.toMatchObject({
      code: "DW-SOURCE-UNSUPPORTED",
      message: expect.stringContaining("_id 1500 of wide has the field surprise"),
    });
  });

  test("dw imports, reads, checks and backfills a collection", async () => {
    const cwd = await projectFolder({
      "dw.config.ts": `import { defineConfig } from "dwright";
export default defineConfig({ environments: { local: { embedded: ".dw/local", connections: { app: ${JSON.stringify(server?.connection)} } } } });
`,
      "models/w/readings.ts": `import { defineSource, range, t, unique } from "dwright";
export const readings = defineSource("readings", {
  at: "app:readings",
  columns: { _id: t.int("number"), station: t.text("station"), value: t.double("what was read") },
  checks: [unique("_id"), range("value", { max: 1000 })],
});
`,
    });
    const run = (...words: string[]) => dw([...words, "--env", "local"], { cwd });
    const imported = await run("import", "app:events", "--dry-run", "--json");
    expect(imported.code).toBe(1); // something was found that a person should decide
    expect(JSON.parse(imported.stdout)).toMatchObject({
      unsaid: [
        { name: "events.tags" },
        { name: "events.mixed", what: "of several types in 2 sampled documents: int 1, string 1; it is read as JSON" },
      ],
    });
    const cat = await run("cat", "app:readings", "--where", "_id < 6", "--columns", "_id,value");
    expect(cat.stdout.trim().split("\n").sort()).toEqual(['{"_id":0,"value":0.0}', '{"_id":3,"value":0.25}']);
    const checked = await run("check", "--json");
    expect(checked.code).toBe(1);
    const outcomes = JSON.parse(checked.stdout) as { outcomes?: readonly { outcome: string }[] };
    expect(JSON.stringify(outcomes)).toContain('"fail"');
    const loaded = await run("backfill", "--source", "app:readings", "--target", "parquet:out", "--json");
    expect(JSON.parse(loaded.stdout)).toMatchObject([{ verdict: "equal", rows: { source: "5000", target: "5000" } }]);
  }, 240_000);
});
