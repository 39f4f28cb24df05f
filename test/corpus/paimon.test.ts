import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { jsonValue } from "../../src/backfill/json-value.js";
import { openDuckDb } from "../../src/connections/duckdb.js";
import type { DuckDb } from "../../src/core/session.js";
import type { At, ReadRequest } from "../../src/core/source.js";
import { openPaimon } from "../../src/sources/paimon/index.js";
import { openLocal } from "../../src/storage/local.js";

const own = new URL("./paimon/", import.meta.url).pathname;
const shared = new URL("../fixtures/paimon/", import.meta.url).pathname;

let db: DuckDb;
beforeAll(async () => {
  db = await openDuckDb({ memoryLimit: 512 * 1024 * 1024 });
});
afterAll(() => db.close());

async function rowsOf(folder: string, at: At, request: ReadRequest = {}): Promise<string[]> {
  const session = await db.session();
  const table = await openPaimon(await openLocal(folder), { at });
  const plan = await table.plan(request);
  const lines: string[] = [];
  for (const chunk of plan.chunks) {
    const open = await plan.open(chunk, session);
    const members = plan.columns.map(({ name, type }) => `'${name}', ${jsonValue(type, `"${name}"`)}`).join(", ");
    for await (const batch of session.strings(`SELECT CAST(json_object(${members}) AS VARCHAR) FROM (${open.sql})`)) {
      lines.push(...batch.flatMap((line) => line ?? []));
    }
    await open.close();
  }
  await session.close();
  return lines;
}

/** Lists of pairs and of rows come out of Java hash maps: their order is nobody's. */
function comparable(value: unknown): unknown {
  if (Object.is(value, -0)) return "-0.0";
  if (Array.isArray(value)) {
    const items = value.map(comparable);
    return items.some((item) => typeof item === "object" && item !== null) ? items.map((item) => JSON.stringify(item)).sort() : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, comparable(member)]));
}

const sorted = (lines: readonly string[]): string[] => lines.map((line) => JSON.stringify(comparable(JSON.parse(line)))).sort();
const linesOf = (file: string): string[] => readFileSync(file, "utf8").split("\n").filter(Boolean);

describe("tables of the Java API come out as its own reader gives them", () => {
  for (const name of readdirSync(own).filter((entry) => existsSync(`${own}${entry}/table`))) {
    for (const file of readdirSync(`${own}${name}`).filter((entry) => entry.endsWith(".jsonl"))) {
      const ref = /@(.+)\.jsonl$/.exec(file)?.[1];
      test(`${name}${ref === undefined ? "" : ` at ${ref}`}`, async () => {
        const rows = await rowsOf(`${own}${name}/table`, ref === undefined ? {} : { ref });
        expect(sorted(rows)).toEqual(sorted(linesOf(`${own}${name}/${file}`)));
      });
    }
  }
});

interface Expected {
  readonly reads: readonly { readonly file: string; readonly snapshot_id?: number; readonly tag?: string; readonly branch?: string }[];
}

describe("every shared table, and every other state of it that has expected rows", () => {
  for (const name of readdirSync(shared).filter((entry) => existsSync(`${shared}${entry}/expected.json`))) {
    const { reads }: Expected = JSON.parse(readFileSync(`${shared}${name}/expected.json`, "utf8"));
    for (const { file, ...state } of [{ file: "expected.jsonl" }, ...reads] as Expected["reads"]) {
      const ref = state.tag ?? state.branch;
      const at: At = state.snapshot_id === undefined ? (ref === undefined ? {} : { ref }) : { snapshot: String(state.snapshot_id) };
      test(`${name} ${file}`, async () => {
        expect(sorted(await rowsOf(`${shared}${name}/table`, at))).toEqual(sorted(linesOf(`${shared}${name}/${file}`)));
      });
    }
  }
});

test("inspecting a table tells how its rows are merged", async () => {
  const table = await openPaimon(await openLocal(`${own}partial_update_groups/table`), { at: {} });
  const { facts, refused } = await table.inspect();
  const told = Object.fromEntries(facts.map(({ name, value }) => [name, value]));
  expect(refused).toEqual([]);
  expect(told).toMatchObject({
    "merge engine": "partial-update",
    "sequence groups": expect.stringMatching(/^g1 orders b, c, .*; g2, g3 order d, /),
    "aggregate functions": expect.stringContaining("s1: sum"),
    "a backfill reads": expect.stringMatching(/^\d+ files \(\d+ bytes\) merged by key, in 1 chunk$/),
  });
});

test("inspecting a chain table tells what its partitions are made of", async () => {
  const table = await openPaimon(await openLocal(`${own}chain/table`), { at: {} });
  const { facts, sections, refused } = await table.inspect();
  expect(refused).toEqual([]);
  expect(Object.fromEntries(facts.map(({ name, value }) => [name, value]))).toMatchObject({
    chain: "the branch snapshot has whole partitions, the branch delta what changed since",
    "a backfill reads": expect.stringMatching(/^4 files as they are, 28 files \(\d+ bytes\) merged by key, in 2 chunks$/),
  });
  const partitions = sections.find(({ title }) => title === "Partitions")?.rows.map(([name]) => name);
  expect(partitions).toContain("dt=20250302/hh=11");
  expect(sections.find(({ title }) => title === "Schemas")?.rows[0]?.[3]).toBe(
    "options scan.fallback-delta-branch, scan.fallback-snapshot-branch",
  );
});

test("a column whose type was changed beyond what the files say is named with the reason, and the others are read", async () => {
  const folder = mkdtempSync(join(tmpdir(), "dw-paimon-retyped-"));
  cpSync(`${shared}p13_all_types_parquet/table`, folder, { recursive: true });
  const schema = JSON.parse(readFileSync(join(folder, "schema/schema-0"), "utf8"));
  const retyped: Record<string, string> = { DOUBLE: "STRING", "TIMESTAMP(6)": "TIMESTAMP(6) WITH LOCAL TIME ZONE" };
  const fields = schema.fields.map((field: { type: unknown }) => ({ ...field, type: retyped[String(field.type)] ?? field.type }));
  writeFileSync(join(folder, "schema/schema-1"), JSON.stringify({ ...schema, id: 1, fields }));
  const table = await openPaimon(await openLocal(folder), { at: {} });
  const { refused } = await table.inspect();
  expect(refused).toEqual([
    expect.stringMatching(/^column \w+: it is float64 in files of schema 0 and text now\. .*Java 19.* leave the column out\.$/),
    expect.stringMatching(
      /^column \w+: it is timestamp\(6\) in files of schema 0 and timestamp\(6\) with zone now\. .*time zone of the machine/,
    ),
  ]);
  await expect(table.plan({})).rejects.toMatchObject({ code: "DW-SOURCE-UNSUPPORTED", what: expect.stringContaining("Java 19") });
  expect(await rowsOf(folder, {}, { columns: ["id"] })).toHaveLength(linesOf(`${shared}p13_all_types_parquet/expected.jsonl`).length);
  rmSync(folder, { recursive: true });
});

test.each([
  ["a warehouse", ["ods.db/orders/schema/schema-0", "dwd.db/x"], "It is a warehouse with the databases dwd.db, ods.db: give"],
  [
    "a database",
    ["orders/schema/schema-0", "users/schema/schema-0", "notes/readme"],
    "It is a database with the tables orders, users: give",
  ],
  ["a format table", ["dt=2025-01-01/part-0.csv"], "Its files look like those of a format table"],
  ["nothing of Paimon", ["readme.txt"], "Give the table's own folder"],
])("the folder of %s is told from that of a table", async (_, files, fix) => {
  const folder = mkdtempSync(join(tmpdir(), "dw-paimon-none-"));
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), "");
  }
  const opened = openPaimon(await openLocal(folder), { at: {} });
  await expect(opened).rejects.toMatchObject({ code: "DW-TABLE-MISSING", fix: expect.stringContaining(fix) });
  rmSync(folder, { recursive: true });
});

describe("reading less", () => {
  const table = `${own}partial_update_groups/table`;

  test("some columns give the same values as all of them", async () => {
    const all = (await rowsOf(table, {})).map((line) => JSON.parse(line));
    const some = await rowsOf(table, {}, { columns: ["la", "id"] });
    expect(sorted(some)).toEqual(sorted(all.map(({ la, id }) => JSON.stringify({ la, id }))));
  });

  test("columns beside a BLOB are read without its files", async () => {
    const folder = mkdtempSync(join(tmpdir(), "dw-paimon-blobs-"));
    cpSync(`${own}blobs/table`, folder, { recursive: true });
    for (const file of readdirSync(join(folder, "bucket-0"))) if (file.endsWith(".blob")) rmSync(join(folder, "bucket-0", file));
    const all = linesOf(`${own}blobs/expected.jsonl`).map((line) => JSON.parse(line));
    expect(sorted(await rowsOf(folder, {}, { columns: ["id"], where: "id < 30" }))).toEqual(
      sorted(all.flatMap(({ id }) => (id < 30 ? [JSON.stringify({ id })] : []))),
    );
    await expect(rowsOf(folder, {}, { columns: ["pic"] })).rejects.toMatchObject({ code: "DW-FILE-MISSING" });
    rmSync(folder, { recursive: true });
  });

  test("a predicate is applied to merged rows, not to their versions", async () => {
    const all = (await rowsOf(table, {})).map((line) => JSON.parse(line));
    const some = await rowsOf(table, {}, { columns: ["id"], where: "b > 25" });
    expect(sorted(some)).toEqual(sorted(all.flatMap(({ id, b }) => (b !== null && b > 25 ? [JSON.stringify({ id })] : []))));
  });

  test.each([
    ["p01_ods_append_dt_hr", "dt = '2025-06-20' AND hr <> '01'"],
    ["p04_pk_levels", "order_id < 50 AND dt >= '2025-06'"],
    ["p13_all_types_parquet", "id between 100 and 120"],
    ["p17_partition_names", "city is null"],
    ["p17_partition_names", "day = '2024-02-29' AND city IN ('Paris', '广州')"],
    ["p19_large_pk", "id >= 8000"],
    ["p31_paimon08_pk", "order_id in (1, 2, 3)"],
  ])("files left out of %s by %s hold no row of it", async (name, where) => {
    const folder = `${shared}${name}/table`;
    // A predicate that no pruning understands, with the same meaning.
    const opaque = `CASE WHEN (${where}) THEN true END`;
    expect(sorted(await rowsOf(folder, {}, { where }))).toEqual(sorted(await rowsOf(folder, {}, { where: opaque })));
  });

  test("a partition that is not asked for is not opened", async () => {
    const table = await openPaimon(await openLocal(`${shared}p17_partition_names/table`), { at: {} });
    const some = await table.plan({ where: "city = 'Paris'" });
    const files = some.chunks.flatMap((chunk) => chunk.files);
    expect(files.length).toBeGreaterThan(0);
    expect(files.every((file) => file.includes("/city=Paris/"))).toBe(true);
  });
});

describe("what a table's options change", () => {
  const scratch = mkdtempSync(join(tmpdir(), "dw-paimon-options-"));
  afterAll(() => rmSync(scratch, { recursive: true }));

  interface SchemaJson {
    options: Record<string, string>;
    fields: { name: string; type: string }[];
  }

  /** A copy of a shared table whose newest schema is changed. */
  function changed(name: string, change: (schema: SchemaJson) => void): string {
    const folder = mkdtempSync(join(scratch, `${name}-`));
    cpSync(`${shared}${name}/table`, folder, { recursive: true });
    const newest = Math.max(
      ...readdirSync(join(folder, "schema"))
        .flatMap((file) => /^schema-(\d+)$/.exec(file)?.[1] ?? [])
        .map(Number),
    );
    const file = join(folder, "schema", `schema-${newest}`);
    const schema: SchemaJson = JSON.parse(readFileSync(file, "utf8"));
    change(schema);
    writeFileSync(file, JSON.stringify(schema));
    return folder;
  }

  const withOption = (name: string, key: string, value: string): string =>
    changed(name, ({ options }) => {
      options[key] = value;
    });

  test("scan.mode=compacted-full gives the snapshot that was compacted last", async () => {
    const folder = withOption("p04_pk_levels", "scan.mode", "compacted-full");
    const snapshots = readdirSync(join(folder, "snapshot")).filter((file) => file.startsWith("snapshot-"));
    const read = (file: string): { id: number; commitKind: string } => JSON.parse(readFileSync(join(folder, "snapshot", file), "utf8"));
    const compacted = snapshots.map(read).filter(({ commitKind }) => commitKind === "COMPACT");
    const last = Math.max(...compacted.map(({ id }) => id));
    expect(last).toBeLessThan(snapshots.length);
    expect(sorted(await rowsOf(folder, {}))).toEqual(sorted(await rowsOf(`${shared}p04_pk_levels/table`, { snapshot: String(last) })));
  });

  test("an older state that the options choose is not taken for the newest; asked for, it is read", async () => {
    const folder = withOption("p04_pk_levels", "scan.snapshot-id", "2");
    await expect(rowsOf(folder, {})).rejects.toMatchObject({
      code: "DW-SOURCE-UNSUPPORTED",
      what: expect.stringContaining("scan.snapshot-id=2"),
    });
    expect(await rowsOf(folder, { snapshot: "2" })).not.toEqual([]);
  });

  test("default values that old releases put in the place of nulls are refused, those of new ones are in the files", async () => {
    await expect(rowsOf(withOption("p31_paimon08_pk", "fields.status.default-value", "new"), {})).rejects.toMatchObject({
      code: "DW-SOURCE-UNSUPPORTED",
    });
    expect(await rowsOf(withOption("p03_pk_uncompacted", "fields.status.default-value", "new"), {})).not.toEqual([]);
  });

  test("a column of a type that is not read is refused where it is asked for, not the columns beside it", async () => {
    const folder = changed("p03_pk_uncompacted", ({ fields }) => {
      const last = fields.at(-1);
      if (last !== undefined) last.type = "GEOMETRY";
    });
    await expect(rowsOf(folder, {})).rejects.toMatchObject({ what: expect.stringContaining("GEOMETRY") });
    const { columns } = await openPaimon(await openLocal(folder), { at: {} });
    const some = columns.slice(0, -1).map(({ name }) => name);
    expect(await rowsOf(folder, {}, { columns: some })).toHaveLength((await rowsOf(`${shared}p03_pk_uncompacted/table`, {})).length);
  });
});
