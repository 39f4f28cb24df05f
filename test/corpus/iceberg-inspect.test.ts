import { expect, test } from "vitest";
import { openSource } from "../../src/sources/index.js";

const here = new URL("./iceberg/", import.meta.url).pathname;

async function inspected(name: string) {
  const table = await openSource(`iceberg:${here}${name}/table`, { at: {}, cwd: "/" });
  const { facts, sections, refused } = await table.inspect();
  const section = (title: string) => sections.find((one) => one.title === title)?.rows;
  return { reads: facts.find(({ name: fact }) => fact === "a backfill reads")?.value, section, refused };
}

test("an inspection says what a backfill reads and how, and what equality deletes compare by", async () => {
  const { reads, section, refused } = await inspected("small_orc");
  expect(reads).toMatch(/^1 file \(1 with deletes\), \d+ bytes, 1 chunk$/);
  expect(section("files")).toEqual([
    ["data orc", 1, 11, 1033, "decoded here and spooled as Parquet"],
    ["position deletes orc", 1, 1, 756, "decoded here and spooled as Parquet"],
    ["equality deletes orc", 1, 1, 298, "decoded here and spooled as Parquet"],
  ]);
  expect(section("equality deletes")).toEqual([["s", "their partition", 1, 1]]);
  expect(refused).toEqual([]);
});

test("an inspection says what each schema changed of the one before it", async () => {
  const { section } = await inspected("odd_names_and_times");
  expect(section("schemas")?.map((row) => row[2])).toEqual(["", "dropped st.x (11)"]);
});
