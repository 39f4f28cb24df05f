import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { importModels } from "../../src/app/import/index.js";
import { isDwError } from "../../src/core/errors.js";
import { definitions } from "../support/starrocks-cases.js";

/* Every recorded definition, as the front end shows it, becomes a model that makes the same object again. */

const onlyFiles = {
  isConnection: async () => false,
  connections: () => Promise.reject(new Error("a file needs no connection")),
  openSource: () => Promise.reject(new Error("a file is no source of rows")),
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-import-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the model does not say, or why there is none. Types of a view's columns come from tables that are not in its file. */
async function missing(shown: string): Promise<string[]> {
  const file = join(folder, "shown.sql");
  await writeFile(file, shown);
  const request = { source: `ddl:${file}`, engine: "starrocks", warehouse: "db", out: "models", cwd: folder, dryRun: true };
  try {
    const { unsaid } = await importModels(request, onlyFiles);
    return unsaid.flatMap(({ what }) => (what.includes("t.text() stands for them") ? [] : [what]));
  } catch (error) {
    if (isDwError(error)) return [error.what];
    throw error;
  }
}

/** What SHOW CREATE prints and StarRocks itself would not read, and tables whose rows are in another system. */
const NOT_READABLE = new Set([
  "tbl-external-mysql ext_my",
  "tbl-external-mysql ext_es",
  "tbl-external-mysql ext_file",
  "tbl-hostile-partition hp_reserved",
  "tbl-hostile-partition hp_sort",
  "tbl-list-single hive_site",
  "tbl-types-struct-comments type_struct",
]);

test("a model says everything that a recorded definition has", async () => {
  const found: Record<string, string[]> = {};
  let same = 0;
  for (const { case: id, name, shown } of definitions()) {
    const unsaid = await missing(shown);
    if (unsaid.length === 0) same++;
    else found[`${id} ${name}`] = unsaid;
  }
  expect(Object.keys(found).filter((name) => !NOT_READABLE.has(name))).toEqual([]);
  expect(same).toBeGreaterThan(270);
});
