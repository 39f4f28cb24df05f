import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isDwError } from "../../../src/core/errors.js";
import { openIceberg } from "../../../src/sources/iceberg/index.js";
import { openLocal } from "../../../src/storage/local.js";
import { rowsOf } from "./harness.js";

const fixtures = join(import.meta.dirname, "../../fixtures/iceberg");

function table(name: string): string {
  return join(fixtures, name, "table");
}

function expected(name: string, file = "expected.jsonl"): readonly Record<string, unknown>[] {
  return readFileSync(join(fixtures, name, file), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));
}

/** The values of one column, sorted, so that rows are compared as a multiset. */
function values(rows: readonly Record<string, unknown>[], column: string): readonly string[] {
  return rows.map((row) => String(row[column])).sort();
}

describe("an Iceberg table", () => {
  test.each([
    ["i02_v2_days", "measurement_id"],
    ["i03_v2_bucket_identity", "order_id"],
    ["i05_position_deletes", "order_id"],
    ["i06_equality_deletes", "order_id"],
    ["i07_equality_and_position", "order_id"],
    ["i09_partition_evolution", "order_id"],
    ["i12_avro_files", "id"],
    ["i13_orc_files", "id"],
    ["i14_v3_deletion_vectors", "order_id"],
    ["i15_many_small_files", "samples"],
    ["i17_copy_on_write_compaction", "order_id"],
    ["i21_large_narrow", "samples"],
  ])("%s has the rows that its reference reader gives", async (name, key) => {
    expect(values(await rowsOf(table(name)), key)).toEqual(values(expected(name), key));
  });

  test("columns are found by field id: renamed, widened, dropped and made again", async () => {
    const rows = await rowsOf(table("i08_schema_evolution"), {}, { columns: ["id", "price", "obsolete"] });
    const wanted = new Map(expected("i08_schema_evolution").map((row) => [row.id, row]));
    for (const row of rows)
      expect(row).toMatchObject({ price: wanted.get(String(row.id))?.price, obsolete: wanted.get(String(row.id))?.obsolete });
  });

  test("partition values that exist only in the manifest fill the columns of imported files", async () => {
    const rows = await rowsOf(table("i11_add_files_name_mapping"));
    expect(values(rows, "dt")).toEqual(values(expected("i11_add_files_name_mapping"), "dt"));
    expect(values(rows, "hr")).toEqual(values(expected("i11_add_files_name_mapping"), "hr"));
  });

  test("a snapshot, a tag, a branch and an instant are read as they were", async () => {
    const count = async (at: Parameters<typeof rowsOf>[1]): Promise<number> => (await rowsOf(table("i10_time_travel"), at)).length;
    expect(await count({ snapshot: "8564267894066399440" })).toBe(150);
    expect(await count({ ref: "eod-2025-06-20" })).toBe(250);
    expect(await count({ ref: "audit" })).toBe(179);
    expect(await count({ asOf: Date.parse("2100-01-01") })).toBe(164);
  });

  test("an older snapshot has the columns of its own schema", async () => {
    const now = await openIceberg(await openLocal(table("i20_pyiceberg_sql_catalog")), { at: {} });
    const then = await openIceberg(await openLocal(table("i20_pyiceberg_sql_catalog")), { at: { snapshot: "6624761761398855773" } });
    expect(now.columns.map(({ name }) => name)).toContain("extra");
    expect(then.columns.map(({ name }) => name)).not.toContain("extra");
  });

  test("a table without a snapshot has columns and no chunks", async () => {
    const { plan, columns } = await openIceberg(await openLocal(table("i16_empty_no_snapshot")), { at: {} });
    expect(columns).toHaveLength(15);
    expect((await plan({})).chunks).toEqual([]);
  });

  test("a predicate is applied exactly, also over columns that are not asked for", async () => {
    const rows = await rowsOf(table("i02_v2_days"), {}, { columns: ["station_id"], where: "measurement_id <= 3" });
    expect(values(rows, "station_id")).toEqual(
      values(
        expected("i02_v2_days").filter((row) => Number(row.measurement_id) <= 3),
        "station_id",
      ),
    );
  });

  test.each([
    ["a snapshot that it does not have", { at: { snapshot: "1" } }, "DW-SNAPSHOT-MISSING"],
    ["a tag that it does not have", { at: { ref: "nope" } }, "DW-SNAPSHOT-MISSING"],
    ["a time before its history", { at: { asOf: 0 } }, "DW-SNAPSHOT-MISSING"],
  ])("asked for %s, it says so", async (_, options, code) => {
    expect(await codeOf(openIceberg(await openLocal(table("i10_time_travel")), options))).toBe(code);
  });

  test("a folder without metadata is no table", async () => {
    expect(await codeOf(openIceberg(await openLocal(join(fixtures, "i10_time_travel")), { at: {} }))).toBe("DW-TABLE-MISSING");
  });
});

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => "read",
    (error: unknown) => (isDwError(error) ? error.code : String(error)),
  );
}
