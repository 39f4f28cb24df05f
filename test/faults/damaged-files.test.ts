import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openDuckDb } from "../../src/connections/duckdb.js";
import { isDwError } from "../../src/core/errors.js";
import { openAvro, readAvro } from "../../src/formats/avro/index.js";
import { avroVector } from "../../src/formats/avro/vectors.js";
import { jsonLine } from "../../src/formats/jsonl.js";
import { openOrc } from "../../src/formats/orc/index.js";
import { openSource } from "../../src/sources/index.js";
import { type Chance, chance, damaged } from "../support/damage.js";

/*
 * Damaged files give rows or a coded error: no other exception, no hang, no full memory; and where the format has a checksum,
 * never other rows. DW_FUZZ_ROUNDS sets how many times each reader is tried (20000 for a thorough run), DW_FUZZ_SEED which, and
 * DW_FUZZ_FROM the first of them, to see one again. Each prints how often it gave what.
 */

const asked = process.env.DW_FUZZ_ROUNDS;
const rounds = (few: number): number => (asked === undefined ? few : Number(asked));
const from = Number(process.env.DW_FUZZ_FROM ?? 0);
const seed = Number(process.env.DW_FUZZ_SEED ?? 1);

const fixtures = new URL("../fixtures/", import.meta.url).pathname;
const corpus = new URL("../corpus/", import.meta.url).pathname;
const root = mkdtempSync(join(tmpdir(), "dw-damaged-"));
let database: Awaited<ReturnType<typeof openDuckDb>>;

beforeAll(async () => {
  database = await openDuckDb({ memoryLimit: 512 * 1024 ** 2, threads: 2 });
});
afterAll(async () => {
  await database.close();
  rmSync(root, { recursive: true });
});

/** What a person may be told of a damaged file. DuckDB's own words (DW-ENGINE-REFUSED) help nobody. */
const told =
  /^DW-(FILE-(CORRUPT|MISSING|OUTSIDE|TOO-LARGE)|SOURCE-UNSUPPORTED|TABLE-MISSING|SNAPSHOT-MISSING|VALUE-REFUSED|TYPE-UNSUPPORTED|MEMORY-LIMIT|USAGE)$/;
/** Of the processor, not of the clock: other runs may have the machine. What waits for ever ends with the test's own limit. */
const SLOW_MS = 20_000;
const MAX_GROWTH_BYTES = 1024 ** 3;

/** Runs `attempt` again and again; what it answers is a list of rows or a number of them. */
async function survives(count: number, attempt: (chance: Chance) => Promise<unknown>): Promise<Readonly<Record<string, number>>> {
  const before = process.memoryUsage().rss;
  const outcomes: Record<string, number> = {};
  const failures: string[] = [];
  for (let round = from; round < from + count; round++) {
    const start = processorMs();
    const outcome = await outcomeOf(() => attempt(chance(seed * 1_000_003 + round)));
    if (!outcome.startsWith("rows") && !told.test(outcome)) failures.push(`round ${round}: ${outcome}`);
    if (processorMs() - start > SLOW_MS) failures.push(`round ${round}: took ${Math.round(processorMs() - start)} ms`);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
    if (failures.length > 20) break;
    if (round % 100 === 0) await setImmediate(); // decoders never wait, and the test runner wants to be heard
  }
  const counts = Object.entries(outcomes).map(([outcome, times]) => `${times} ${outcome.slice(0, 60)}`);
  process.stdout.write(`${expect.getState().currentTestName}: ${counts.join(", ")}\n`);
  expect(failures).toEqual([]);
  expect(process.memoryUsage().rss - before).toBeLessThan(MAX_GROWTH_BYTES);
  return outcomes;
}

function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

async function outcomeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
    return "rows";
  } catch (error) {
    if (isDwError(error) && told.test(error.code)) return error.code;
    return error instanceof Error
      ? `${"code" in error ? error.code : ""} ${error.stack} ${"why" in error ? error.why : ""}`
      : String(error);
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((path) => statSync(path).isFile() && !path.endsWith(".crc"))
    .sort();
}

function pick<Item>(items: readonly Item[], { below }: Chance): Item {
  const item = items[below(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}

const named = (folder: string, pattern: RegExp): readonly { readonly name: string; readonly bytes: Uint8Array }[] =>
  filesBelow(folder)
    .filter((path) => pattern.test(path))
    .map((path) => ({ name: path.slice(folder.length), bytes: readFileSync(path) }));

describe("decoders", () => {
  test("Avro manifests of Iceberg and Paimon", async () => {
    const files = [
      ...named(join(fixtures, "iceberg/i02_v2_days/table/metadata"), /\.avro$/).slice(0, 6),
      ...named(join(fixtures, "paimon/p31_paimon08_pk/table/manifest"), /manifest/).slice(0, 6),
      ...named(join(fixtures, "paimon/p01_ods_append_dt_hr/table/manifest"), /manifest/).slice(0, 6),
    ];
    await survives(rounds(2000), async (seeded) => {
      const { name, bytes } = pick(files, seeded);
      await readAvro(damaged(bytes, seeded), name);
    });
  });

  test("Avro data files", async () => {
    const files = [
      ...named(join(fixtures, "iceberg/i12_avro_files/table/data"), /\.avro$/).slice(0, 4),
      ...named(join(fixtures, "paimon/p12_avro_pk_types/table"), /data-.*\.avro$/).slice(0, 4),
    ];
    await survives(rounds(400), async (seeded) => {
      const { name, bytes } = pick(files, seeded);
      const file = damaged(bytes, seeded);
      const avro = await openAvro({ name, size: file.length, read: async (start, length) => file.slice(start, start + length) });
      const fields = avro.row.fields;
      for await (const batch of avro.batches(fields.map((field) => field.name))) {
        for (const [index, { type }] of fields.entries()) avroVector(type, Array.from(batch.columns[index] ?? []) as never); // of its type
      }
    });
  });

  test("ORC", async () => {
    const files = named(join(corpus, "orc"), /\.orc$/);
    await survives(rounds(400), async (seeded) => {
      const { bytes } = pick(files, seeded);
      const file = damaged(bytes, seeded);
      const orc = await openOrc({ size: file.length, read: (start, length) => file.slice(start, start + length) });
      const fields = orc.schema.children.map((_, index) => index);
      for (const _batch of orc.batches({ fields, batchRows: 1000, timestampUnit: "micros", wanted: () => seeded.below(4) > 0 }));
    });
  });
});

interface Lake {
  readonly name: string;
  /** Of the copy. */
  readonly table: string;
  readonly source: string;
  readonly files: readonly string[];
}

function copied(format: string, name: string): Lake {
  const table = join(root, format, name);
  const own = join(corpus, format, name, "table");
  cpSync(existsSync(own) ? own : join(fixtures, format, name, "table"), table, { recursive: true });
  return { name, table, source: `${format}:${table}`, files: filesBelow(table) };
}

async function lines(source: string): Promise<string[]> {
  const db = await database.session();
  try {
    const table = await openSource(source, { at: {}, cwd: root });
    try {
      const plan = await table.plan({});
      const found: string[] = [];
      for (const chunk of plan.chunks) {
        const open = await plan.open(chunk, db);
        try {
          for await (const batch of db.strings(`SELECT ${jsonLine(plan.columns)} FROM (${open.sql})`)) found.push(...batch.map(String));
        } finally {
          await open.close();
        }
      }
      return found.sort();
    } finally {
      await table.close();
    }
  } finally {
    await db.close();
  }
}

/** One file of a table is damaged, read, and put back. */
async function withDamage(lake: Lake, seeded: Chance, among: readonly string[] = lake.files): Promise<string[]> {
  const path = pick(among, seeded);
  const bytes = readFileSync(path);
  writeFileSync(path, damaged(bytes, seeded));
  try {
    return await lines(lake.source);
  } finally {
    writeFileSync(path, bytes);
  }
}

/** Small tables; together they have each kind of file and each file format. */
const lakes: Readonly<Record<string, readonly string[]>> = {
  iceberg: [
    "small_parquet", // data files, position and equality deletes of each format: few bytes, many rounds
    "small_orc",
    "small_avro",
    "i08_schema_evolution",
    "i14_v3_deletion_vectors",
    "i19_time_uuid_fixed",
  ],
  paimon: [
    "p05_pk_deletion_vectors",
    "p06_partial_update",
    "p09_sequence_field",
    "p12_avro_pk_types",
    "p14_all_types_orc",
    "p26_spark_types",
    "p31_paimon08_pk",
    "manifests_orc",
    "manifests_parquet",
    "variants",
    "parquet_lz4",
    "blobs",
  ],
};

describe.each(Object.entries(lakes))("%s tables", (format, names) => {
  test.each([
    ["metadata", /\/(metadata|manifest|schema|snapshot|index)\//, 120],
    ["data files", /\.(parquet|orc|avro|blob)$/, 60],
  ] as const)("with damaged %s", async (_, pattern, few) => {
    const copies = names.map((name) => copied(format, name));
    await survives(rounds(few), async (seeded) => {
      const lake = pick(copies, seeded);
      const among = lake.files.filter((path) => pattern.test(path.slice(lake.table.length)));
      await withDamage(lake, seeded, among);
    });
  });
});

describe("plain files", () => {
  const text = (format: string): string =>
    Array.from({ length: 300 }, (_, id) => (format === "csv" ? `${id},"name ${id}\n"` : JSON.stringify({ id, name: `name ${id}` }))).join(
      "\n",
    );
  const whole: Readonly<Record<string, () => Uint8Array>> = {
    "csv:a.csv": () => Buffer.from(`id,name\n${text("csv")}\n`),
    "jsonl:a.jsonl": () => Buffer.from(text("jsonl")),
    "csv:a.csv.gz": () => gzipSync(`id,name\n${text("csv")}\n`),
    "jsonl:a.jsonl.gz": () => gzipSync(text("jsonl")),
    "parquet:a.parquet": () => readFileSync(join(corpus, "orc/zlib.parquet")),
    "orc:a.orc": () => readFileSync(join(corpus, "orc/row_groups.orc")),
  };

  test.each(Object.entries(whole))("%s", async (source, content) => {
    const path = join(root, source.slice(source.indexOf(":") + 1));
    const bytes = content();
    writeFileSync(path, bytes);
    const before = source.endsWith(".gz") ? await lines(source) : undefined;
    await survives(rounds(60), async (seeded) => {
      writeFileSync(path, damaged(bytes, seeded));
      const rows = await lines(source);
      if (before !== undefined) expect(rows).toEqual(before); // gzip has a checksum
    });
  });
});

describe("checksums: the same rows, or none", () => {
  test.each([
    ["Iceberg's deletion vectors", "iceberg", "i14_v3_deletion_vectors", /\.puffin$/],
    ["Paimon's deletion vectors", "paimon", "p05_pk_deletion_vectors", /\/index\/index-/],
  ] as const)("%s", async (_, format, name, pattern) => {
    const lake = copied(format, name);
    const before = await lines(lake.source);
    const among = lake.files.filter((path) => pattern.test(path.slice(lake.table.length)));
    await survives(rounds(40), async (seeded) => expect(await withDamage(lake, seeded, among)).toEqual(before));
  });

  test("Avro's Snappy blocks", async () => {
    const [file] = named(join(fixtures, "paimon/p31_paimon08_pk/table/manifest"), /manifest-list-/);
    if (file === undefined) throw new Error("no manifest list");
    const { rows } = await readAvro(file.bytes, file.name);
    const header = blockStart(file.bytes);
    await survives(rounds(500), async (seeded) => {
      const copy = Uint8Array.from(file.bytes);
      const at = header + seeded.below(copy.length - header);
      copy[at] = (copy[at] ?? 0) ^ (1 << seeded.below(8));
      expect((await readAvro(copy, file.name)).rows).toEqual(rows);
    });
  });
});

/** Where the first block starts: behind the first of the sync markers, of which the last ends the file. */
function blockStart(bytes: Uint8Array): number {
  return Buffer.from(bytes).indexOf(bytes.subarray(-16)) + 16;
}
