import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { projectFolder } from "../unit/model/project-folder.js";
import { dw } from "./run-dw.js";

const fixtures = join(import.meta.dirname, "../fixtures");

const config = `import { defineConfig } from "dwright";
export default defineConfig({
  environments: {
    local: { embedded: ".dw/local" },
    legacy: { connections: { db: { kind: "pglite", path: ".dw/local/pglite" } } },
  },
});
`;

const declared = `import { defineEnum, definePostgresRole } from "dwright";
export const runMode = defineEnum("run_mode", { values: ["auto", "manual"], on: { timescale: {} } });
export const reader = definePostgresRole("shop_reader", { on: ["timescale"], grants: [{ privileges: ["SELECT"], on: { name: "readings" } }] });
`;

const model = `import { defineTable, t } from "dwright";
import { runMode } from "./declared.js";
export default defineTable("readings", {
  grain: "one row per sensor and time",
  comment: "What the sensors said",
  columns: {
    at: t.instant("when"),
    sensor: t.varchar(20, "it's \`who\`"),
    state: t.enum(["on", "off"], "switch").default("on"),
    mode: t.enum(runMode, "how it runs").default("auto"),
    celsius: t.double("mean").unit("°C").nullable(),
    tags: t.list(t.text().nullable()).nullable(),
  },
  key: ["sensor", "at"],
  on: { timescale: { timeColumn: "at", chunkInterval: "1 day", columnstore: { segmentBy: ["sensor"], after: "7 days" }, retention: "90 days" } },
});
`;

test("a live TimescaleDB becomes models that make it again, and nobody's file is overwritten", async () => {
  const cwd = await projectFolder({ "dw.config.ts": config, "models/shop/readings.ts": model, "models/shop/declared.ts": declared });
  const local = ["--env", "local", "--warehouse", "shop"];
  expect((await dw(["migrate", "new", "first", ...local], { cwd })).code).toBe(0);
  expect((await dw(["migrate", "up", ...local], { cwd })).code).toBe(0);

  const imported = await dw(["import", "db:", "--env", "legacy", "--warehouse", "found"], { cwd });
  expect(imported.stdout).toContain("no difference to what is there");
  expect(imported.code).toBe(0);
  const text = await readFile(join(cwd, "models/found/readings.ts"), "utf8");
  expect(text).toContain('t.double("mean").unit("°C").nullable()');
  expect(text).toContain('columnstore: { segmentBy: ["sensor"], after: "7 days" }');
  expect(text).toContain('mode: t.enum(runMode, "how it runs").default("auto")');
  expect(await readFile(join(cwd, "models/found/shop_reader.ts"), "utf8")).toContain(
    'grants: [{ privileges: ["SELECT"], on: { name: "readings" } }]',
  );

  const again = await dw(["import", "db:", "--env", "legacy", "--warehouse", "found"], { cwd });
  expect(again.code).toBe(2);
  expect(again.stderr).toContain("DW-FILE-EXISTS");
});

test("what a model cannot say is listed, noted in the file, and exits 1", async () => {
  const cwd = await projectFolder({});
  await writeFile(
    join(cwd, "schema.sql"),
    "CREATE TABLE shop.a (id INT NOT NULL) PRIMARY KEY(id) DISTRIBUTED BY HASH(id);\nGRANT SELECT ON shop.a TO USER bo;\n",
  );
  const { code, stdout } = await dw(["import", "ddl:schema.sql", "--engine", "starrocks", "--warehouse", "shop"], { cwd });
  expect(code).toBe(1);
  expect(stdout).toContain("schema.sql:2: no model says what this does: GRANT SELECT");
  expect(await readFile(join(cwd, "models/shop/a.ts"), "utf8")).toContain('key: ["id"]');
});

test("a lake table becomes a source with its columns", async () => {
  const cwd = await projectFolder({});
  const table = join(fixtures, "iceberg/i01_v1_all_types/table");
  const { code, stdout } = await dw(["import", `iceberg:${table}`, "--warehouse", "old", "--name", "history", "--dry-run"], { cwd });
  expect(code).toBe(0);
  expect(stdout).toContain('defineSource("history", {');
  expect(stdout).toContain("dec_38_18: t.decimal(38, 18).nullable(),");
});
