import { join } from "node:path";
import { expect, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import { isDwError } from "../../../src/core/errors.js";
import type { DuckDbSession } from "../../../src/core/source.js";
import type { Storage } from "../../../src/core/storage.js";
import { openIceberg } from "../../../src/sources/iceberg/index.js";
import { openLocal } from "../../../src/storage/local.js";

const fixtures = join(import.meta.dirname, "../../fixtures/iceberg");
const ROUNDS = 60;

test.each(["i07_equality_and_position", "i14_v3_deletion_vectors"])(
  "%s with a damaged metadata file gives rows or a coded error, never a crash or a hang",
  async (name) => {
    const storage = await openLocal(join(fixtures, name, "table"));
    const { files } = await storage.list("metadata");
    const paths = files.map(({ path }) => path).filter((path) => !path.endsWith(".text"));
    const random = generator(42);
    const duckdb = await openDuckDb();
    const db = await duckdb.session();
    const outcomes = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      const chosen = paths[random(paths.length)] ?? "";
      outcomes.add(
        await outcome(
          { ...storage, read: (path, range) => (path === chosen ? damaged(storage, path, random) : storage.read(path, range)) },
          db,
        ),
      );
    }
    await duckdb.close();
    for (const seen of outcomes)
      expect(seen).toMatch(/^(rows|DW-FILE-(CORRUPT|MISSING|OUTSIDE|TOO-LARGE)|DW-SOURCE-UNSUPPORTED|DW-SNAPSHOT-MISSING)$/);
    expect(outcomes).toContain("DW-FILE-CORRUPT");
  },
  60_000,
);

test.each([
  ["the path of a deletion vector's data file", "i14_v3_deletion_vectors", /6e54dc34.*-m2\.avro$/, 8725, 195],
  ["the name of a column of the manifest list", "i07_equality_and_position", /snap-.*\.avro$/, "content", "cPntent"],
] as const)("a flipped bit in %s brings no deleted row back", async (_, name, pattern, at, by) => {
  const storage = await openLocal(join(fixtures, name, "table"));
  const duckdb = await openDuckDb();
  const read: Storage["read"] = async (path, range) => {
    const bytes = Buffer.from(await storage.read(path, range));
    if (!pattern.test(path)) return bytes;
    if (typeof by === "number") bytes[at] = by;
    else bytes.write(by, bytes.indexOf(`"name":"${at}"`) + '"name":"'.length, "latin1");
    return bytes;
  };
  expect(await outcome({ ...storage, read }, await duckdb.session())).toBe("DW-FILE-CORRUPT");
  await duckdb.close();
});

async function damaged(storage: Storage, path: string, random: (limit: number) => number): Promise<Uint8Array> {
  const bytes = Uint8Array.from(await storage.read(path));
  if (random(4) === 0) return bytes.subarray(0, random(bytes.length));
  for (let flips = 1 + random(4); flips > 0; flips--) bytes[random(bytes.length)] = random(256);
  return bytes;
}

async function outcome(storage: Storage, db: DuckDbSession): Promise<string> {
  try {
    const table = await openIceberg(storage, { at: {} });
    const plan = await table.plan({});
    for (const chunk of plan.chunks) {
      const open = await plan.open(chunk, db);
      await db.rows(`SELECT count(*) FROM (${open.sql})`).finally(open.close);
    }
    return "rows";
  } catch (error) {
    return isDwError(error) ? error.code : String(error);
  }
}

function generator(start: number): (limit: number) => number {
  let seed = start;
  return (limit) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * limit);
  };
}
