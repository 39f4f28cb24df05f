import { describe, expect, onTestFinished, test } from "vitest";
import { lint } from "../../../src/app/lint.js";
import { openProject } from "../../../src/app/project.js";
import { Redactor } from "../../../src/core/redactor.js";
import { projectFolder } from "../model/project-folder.js";

/** Rules that the models of a project break, each once. */
async function rulesOf(paimon: string): Promise<string[]> {
  const cwd = await projectFolder({
    "models/shop/orders.ts": `import { defineTable, perEnv, t } from "dwright";
export default defineTable("orders", {
  grain: "one row per order",
  columns: { id: t.bigint("order"), dt: t.text("day") },
  on: { paimon: { database: "ods", table: "append", partitionedBy: ["dt"], ${paimon} } },
});
`,
  });
  const project = await openProject({ cwd, redactor: new Redactor(), variables: {} });
  onTestFinished(() => project.close());
  const linted = await lint({ words: [], cwd, now: new Date("2026-01-01T00:00:00Z") }, () => Promise.resolve(project));
  return linted.flatMap(({ findings }) => findings.map(({ rule }) => rule));
}

describe("options that differ by environment are judged with the values of each", () => {
  test("what is legal everywhere is not refused", async () => {
    expect(await rulesOf(`bucketKey: ["id"], bucket: perEnv({ default: 4, dev: 1 })`)).toEqual([]);
  });

  test("what one environment would refuse is found", async () => {
    expect(await rulesOf(`bucketKey: ["id"], bucket: perEnv({ default: 4, dev: -1 })`)).toEqual(["paimon/bucket-count"]);
  });

  test("what all of them would refuse is said once", async () => {
    expect(
      await rulesOf(
        `bucketKey: ["id"], bucket: perEnv({ default: -1, dev: -1 }), options: { "snapshot.time-retained": perEnv({ default: "1 d", dev: "1 h" }) }`,
      ),
    ).toEqual(["paimon/bucket-count"]);
  });
});
