import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { openProject, type Project } from "../../../src/app/project.js";
import { Redactor } from "../../../src/core/redactor.js";
import { projectFolder } from "../model/project-folder.js";
import { holder } from "./holder.js";

async function project(config: string): Promise<Project> {
  const cwd = await projectFolder({ "dw.config.ts": `export default ${config};\n` });
  const opened = await openProject({ cwd, redactor: new Redactor(), variables: { PW: "hunter22" } });
  onTestFinished(() => opened.close());
  return opened;
}

const embedded = `{ environments: { local: { embedded: ".dw/local" } } }`;

describe("the databases of an environment", () => {
  test("timescale, postgres and the state of an embedded environment are one database, opened once and there again next time", async () => {
    const first = await project(embedded);
    const connections = first.connect(first.environment("local"));
    const timescale = await connections.slot("timescale");
    const state = await connections.state();
    if (timescale.kind !== "pg" || state.kind !== "pg") throw new Error("an embedded timescale is PostgreSQL");
    expect(timescale.pg).toBe(state.pg);
    await timescale.pg.query("CREATE TABLE kept AS SELECT 1 AS n");
    await connections.close();

    const again = first.connect(first.environment("local"));
    const reopened = await again.slot("postgres");
    expect(reopened.kind === "pg" && (await reopened.pg.query("SELECT n FROM kept"))).toEqual([{ n: 1 }]);
  }, 120_000);

  test("StarRocks is emulated by DuckDB, in a file that is there again next time", async () => {
    const opened = await project(embedded);
    for (const sql of ["CREATE TABLE kept AS SELECT 1 AS n", "INSERT INTO kept VALUES (2)"]) {
      const connections = opened.connect(opened.environment("local"));
      const slot = await connections.slot("starrocks");
      if (slot.kind !== "duckdb") throw new Error("an embedded starrocks is DuckDB");
      expect(slot.emulates).toBe("starrocks");
      const session = await slot.duckdb.session();
      await session.run(sql);
      if (sql.startsWith("INSERT")) expect(await session.rows("SELECT n FROM kept ORDER BY n")).toEqual([{ n: 1 }, { n: 2 }]);
      await connections.close();
    }
  });

  test("a second process on an embedded folder is locked out, and told by whom", async () => {
    const opened = await project(embedded);
    const pid = await holder(join(opened.root, ".dw", "local"));
    await expect(opened.connect(opened.environment("local")).slot("timescale")).rejects.toMatchObject({
      code: "DW-LOCKED",
      what: expect.stringContaining(`(process ${pid})`),
    });
  });

  test("a server that is not there is unreachable, and its password stays unsaid", async () => {
    const opened = await project(`{
      environments: { dev: {
        slots: { postgres: "db" },
        connections: { db: { kind: "postgres", host: "127.0.0.1", port: 16398, database: "w", user: "dw", password: { $secret: "env", name: "PW" } } },
      } },
    }`);
    const error = await opened
      .connect(opened.environment("dev"))
      .slot("postgres")
      .catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: "DW-CONNECT" });
    expect(JSON.stringify(error)).not.toContain("hunter22");
  });

  test("an engine that this version cannot talk to is refused by name", async () => {
    const opened = await project(`{
      environments: { dev: { slots: { hive: "lake" }, connections: { lake: { kind: "s3", endpoint: "http://h", accessKeyId: "k", secretAccessKey: { $secret: "env", name: "S" } } } } },
    }`);
    await expect(opened.connect(opened.environment("dev")).slot("hive")).rejects.toMatchObject({
      code: "DW-CONNECTION-UNSUPPORTED",
      what: "The connection lake is of kind s3, which this version of dw cannot open.",
    });
  });
});
