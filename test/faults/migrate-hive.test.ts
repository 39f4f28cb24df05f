import { afterAll, expect, test } from "vitest";
import { openHive } from "../../src/connections/hive.js";
import { openPg } from "../../src/connections/pg.js";
import { dw } from "../cli/run-dw.js";
import { startHive } from "../live/hive.js";
import { startPostgres } from "../live/postgres.js";
import { history, killed, up } from "./migrations.js";

const state = await startPostgres();
const server = state && (await startHive());
const hive = server && (await openHive(server.connection, undefined));
afterAll(async () => {
  await hive?.close();
  await server?.stop();
  await state?.stop();
});

/** The n-th state: one table more, and one whose columns, properties and comment change; no rows are copied. */
function tables(n: number): Record<string, string> {
  const table = (name: string, columns: string, properties: object): string => `import { defineTable, t } from "dwright";
export default defineTable("${name}", {
  layer: "dws", grain: "one row", comment: "${name} ${n}", columns: { id: t.bigint("id"), ${columns} },
  on: { hive: { database: "default", table: "managed", storedAs: "parquet", properties: ${JSON.stringify(properties)} } },
});
`;
  const columns = Array.from({ length: n }, (_, index) => `c${index}: t.text("column ${index}").nullable()`).join(", ");
  const changing = n % 2 === 0 ? { owner_team: String(n) } : { "parquet.compression": "SNAPPY" };
  return { [`models/shop/dws/growing_${n}.ts`]: table("growing", columns, changing), [`models/shop/dws/t${n}.ts`]: table(`t${n}`, "", {}) };
}

const environment = { slots: { hive: "lake" }, state: "pg", connections: { lake: server?.connection, pg: state?.connection } };

async function emptied(): Promise<void> {
  if (state === undefined || hive === undefined) return;
  for (const row of await hive.query("SHOW TABLES")) await hive.query(`DROP TABLE \`${Object.values(row)[0]}\``);
  const pg = await openPg(state.connection, undefined);
  await pg.query("DROP SCHEMA IF EXISTS dw_state CASCADE");
  await pg.close();
}

test.runIf(server)("killed at random instants, tables in Hive end where one run would have", async () => {
  const cwd = await history(environment, tables);
  await emptied();
  await killed(cwd, emptied, Number(process.env.FAULT_KILLS ?? 2));
});

test.runIf(server)(
  "a table that somebody else changed stops a migration before it changes anything; a property of others does not",
  async () => {
    const cwd = await history(environment, tables);
    await emptied();
    await hive?.query("CREATE TABLE t1 (other int)");
    expect(await dw(up, { cwd })).toMatchObject({ code: 5, stderr: expect.stringContaining("DW-TARGET-MOVED") });
    await hive?.query("DROP TABLE t1");
    expect(await dw(up, { cwd })).toMatchObject({ code: 0 });
    await hive?.query("ALTER TABLE growing SET TBLPROPERTIES ('spark.sql.statistics' = '1')");
    expect(await dw(["migrate", "verify", "--env", "test"], { cwd })).toMatchObject({ code: 0 });
    expect((await dw(["doctor", "--env", "test"], { cwd })).stdout).toContain("Hive 4.0.1");
  },
);
