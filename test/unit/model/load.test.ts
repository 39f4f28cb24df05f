import { describe, expect, test } from "vitest";
import { openProject, type Project } from "../../../src/app/project.js";
import { DwError } from "../../../src/core/errors.js";
import { Redactor } from "../../../src/core/redactor.js";
import { projectFolder, tableFile } from "./project-folder.js";

async function open(files: Readonly<Record<string, string>>): Promise<Project> {
  return openProject({ cwd: await projectFolder(files), redactor: new Redactor(), variables: {} });
}

async function refusal(work: Promise<unknown>): Promise<DwError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof DwError) return error;
  throw new Error("nothing was refused", { cause: error });
}

describe("loading models", () => {
  test("TypeScript and JavaScript files, default and named exports, become models with their origin, sorted by name", async () => {
    const project = await open({
      "models/shop/dws/orders.ts": tableFile("orders"),
      "models/shop/dws/pair.ts": `${tableFile("b").replace("export default", "export const b =")}
export const a = { ...b, name: "a" };
export const unit = "EUR";`,
      "models/shop/plain.mjs": `import { defineTable, t } from "dwright";
export default defineTable("plain", { grain: "g", layer: "ods", columns: { a: t.int() }, on: {} });`,
      "models/shop/orders.test.ts": "throw new Error('tests are not models')",
      "models/shop/_draft/x.ts": "throw new Error('drafts are not models')",
    });
    expect((await project.models("shop")).map((model) => [model.name, model.origin?.file])).toEqual([
      ["a", "models/shop/dws/pair.ts"],
      ["b", "models/shop/dws/pair.ts"],
      ["orders", "models/shop/dws/orders.ts"],
      ["plain", "models/shop/plain.mjs"],
    ]);
    expect(await project.warehouses()).toEqual(["shop"]);
  });

  test("a file that re-exports models adds none, and a model's origin is its own file", async () => {
    const project = await open({
      "models/shop/a/index.ts": 'export { default as orders } from "./orders.js";',
      "models/shop/a/orders.ts": tableFile("orders"),
    });
    expect((await project.models("shop")).map((model) => model.origin?.file)).toEqual(["models/shop/a/orders.ts"]);
  });

  test("two models of one name are refused, and both files are named", async () => {
    const project = await open({ "models/shop/a.ts": tableFile("orders"), "models/shop/b.ts": tableFile("orders") });
    expect(await refusal(project.models("shop"))).toMatchObject({
      code: "DW-MODEL-DUPLICATE",
      why: "One is in models/shop/a.ts, the other in models/shop/b.ts; a name means one thing in a warehouse.",
    });
  });

  test("a syntax error says file, line and column", async () => {
    const project = await open({ "models/shop/a.ts": 'import { t } from "dwright";\n\nconst a: = 1;\n' });
    expect(await refusal(project.models("shop"))).toMatchObject({
      code: "DW-MODEL-LOAD",
      what: "models/shop/a.ts:3:9 could not be loaded.",
      why: "SyntaxError: Unexpected token.",
    });
  });

  test("an exception in a shared file names that file, its line, and the model that imports it", async () => {
    const project = await open({
      "models/shop/a.ts": 'import { x } from "../shared.js";\nexport const y = x;\n',
      "models/shared.ts": "const settings: { deep?: { x: number } } = {};\n\nexport const x = settings.deep.x;\n",
    });
    expect(await refusal(project.models("shop"))).toMatchObject({
      what: expect.stringMatching(/^models\/shared\.ts:3 could not be loaded \(imported by models\/shop\/a\.ts\)\.$/),
      why: "TypeError: Cannot read properties of undefined (reading 'x').",
    });
  });

  test("a missing import says what is missing", async () => {
    const project = await open({ "models/shop/a.ts": 'import { x } from "./nowhere.js";\nexport const y = x;\n' });
    expect(await refusal(project.models("shop"))).toMatchObject({
      code: "DW-MODEL-LOAD",
      what: expect.stringContaining("models/shop/a.ts"),
      why: expect.stringContaining("./nowhere.js"),
      fix: "Correct the path of the import, or install the package that it names.",
    });
  });

  test("several broken files are reported together", async () => {
    const project = await open({ "models/shop/a.ts": "throw new Error('one')", "models/shop/b.ts": "throw new Error('two')" });
    await expect(project.models("shop")).rejects.toMatchObject({
      errors: [{ what: expect.stringContaining("a.ts:1") }, { what: expect.stringContaining("b.ts:1") }],
    });
  });

  test("a warehouse that does not exist is answered with those that do", async () => {
    const project = await open({ "models/shop/a.ts": tableFile("a"), "models/lake/a.ts": tableFile("a") });
    expect(await refusal(project.models("shpo"))).toMatchObject({
      code: "DW-WAREHOUSE-UNKNOWN",
      why: expect.stringMatching(/models has lake, shop\.$/),
    });
    expect(await refusal(project.onlyWarehouse(undefined))).toMatchObject({ fix: "Name one with --warehouse." });
    expect(await project.someWarehouses(undefined)).toEqual(["lake", "shop"]);
  });
});
