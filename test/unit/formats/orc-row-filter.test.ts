import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import { conditions } from "../../../src/core/predicate.js";
import { type ByteSource, openOrc, rowFilter } from "../../../src/formats/orc/index.js";
import { openSource } from "../../../src/sources/index.js";

const corpus = new URL("../../corpus/orc/", import.meta.url).pathname;
const file = readFileSync(`${corpus}row_groups.orc`);
const source: ByteSource = { size: file.length, read: (start, length) => file.subarray(start, start + length) };

/** 6000 rows in several stripes of row groups of 500; `rows` are those of the groups that are read. */
const cases: readonly (readonly [where: string, rows: number])[] = [
  ["id = 4321", 500],
  ["id BETWEEN 990 AND 1010", 1000],
  ["id < 0 OR id > 5990", 6000],
  ["id > 99999", 0],
  ["id IN (7, 5999)", 1000],
  ["id IS NULL", 6000],
  ["id >= 5500 AND day < DATE '2024-01-03'", 0],
  ["day = '2024-01-01'", 500],
  ["day >= DATE '2024-02-25'", 500],
  ["city >= 'city 05400'", 1000],
  ["city = 'city 00017 é'", 500],
  ["city IS NOT NULL", 5000],
  ["city IS NULL", 1000],
  ["paid < -99.5", 500],
  ["paid = 319.93", 500],
  ["\"at\" < '1969-12-21 12:00:00'", 500],
  ["\"at\" >= TIMESTAMP '1970-08-20 00:00:00.5'", 500],
  ["score > 700", 6000],
  ["score = 'NaN'", 6000],
  ["long_text > 'j'", 1000],
  ["tags = []", 6000],
  ["noise < '0'", 0],
];

describe("ORC statistics leave out stripes and row groups", () => {
  test.each(cases)("%s reads %i rows, and loses none", async (where, rows) => {
    const orc = await openOrc(source);
    const wanted = rowFilter(orc.schema, conditions(where));
    const fields = orc.schema.children.map((_, index) => index);
    const read = [...orc.batches({ fields, batchRows: 1000, timestampUnit: "micros", ...(wanted && { wanted }) })];
    expect(read.reduce((sum, batch) => sum + batch.rows, 0)).toBe(rows);

    const table = await openSource(`orc:${corpus}row_groups.orc`, { cwd: "/", at: {} });
    const database = await openDuckDb();
    try {
      const db = await database.session();
      const plan = await table.plan({ where });
      const [chunk] = plan.chunks;
      if (chunk === undefined) throw new Error("no chunk");
      const open = await plan.open(chunk, db);
      await db.run(`CREATE TEMP TABLE expected AS FROM read_parquet('${corpus}row_groups.parquet')`); // DuckDB prunes Parquet by bounds that know no NaN
      const all = `SELECT * FROM expected WHERE (${where})`;
      const differences = `SELECT count(*)::INTEGER AS n FROM ((${open.sql} EXCEPT ALL ${all}) UNION ALL (${all} EXCEPT ALL ${open.sql}))`;
      expect(await db.rows(differences)).toEqual([{ n: 0 }]);
      await open.close();
    } finally {
      await table.close();
      await database.close();
    }
  });
});
