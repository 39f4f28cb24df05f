import { expect, test } from "vitest";
import { projectFolder } from "../unit/model/project-folder.js";
import { dw, type Run } from "./run-dw.js";

const model = `import { acceptedValues, defineTable, notNull, rowCount, t } from "dwright";

export default defineTable("orders", {
  layer: "dws",
  owner: "shop-team",
  grain: "one row per order",
  columns: { id: t.bigint("the order"), state: t.text("open or paid").nullable() },
  key: ["id"],
  checks: [
    notNull("state", { name: "every order has a state", tags: ["gate"] }),
    acceptedValues("state", ["open", "paid"], { severity: "warn" }),
    rowCount({ max: 100 }),
  ],
  on: { postgres: {} },
});
`;

/** Rows come from a CSV file, as a user would bring them. */
async function warehouse(csv: string, settings = ""): Promise<(...words: string[]) => Promise<Run>> {
  const config = `import { defineConfig } from "dwright";
export default defineConfig({ environments: { local: { embedded: ".dw/local" } }${settings} });
`;
  const cwd = await projectFolder({ "models/shop/orders.ts": model, "orders.csv": csv, "dw.config.ts": config });
  const run = (...words: string[]): Promise<Run> => dw(words, { cwd, env: { DW_ENV: "local" } });
  expect((await run("migrate", "new", "first")).code).toBe(0);
  expect((await run("migrate")).code).toBe(0);
  expect(await run("backfill", "--source", "csv:orders.csv", "--target", "model:orders")).toMatchObject({ code: 0 });
  return run;
}

test("a failed check is exit 1, names its owner and shows the row; the others are told too", async () => {
  const run = await warehouse("id,state\n1,open\n2,\\N\n3,lost\n");
  const failed = await run("check", "--layer", "dws");
  expect(failed.code).toBe(1);
  const [first = "", head = "", row = ""] = failed.stdout.split("\n");
  expect(first).toMatch(/^FAIL {2}dws orders {2}every order has a state .* 1 of 3 rows are NULL {2}→ shop-team$/);
  expect([head.trim(), row.trim()]).toEqual(["id  state", "2   NULL"]);
  expect(failed.stdout).toContain("1 passed, 1 failed, 1 warned, 0 not evaluated  (environment local)");
  expect((await run("check", "--tag", "gate", "--json")).code).toBe(1);
  const history = await run("check", "history", "--json");
  expect(JSON.parse(history.stdout).records).toHaveLength(4); // three of the first run, one of the second
});

test("warnings pass, unless they are told not to", async () => {
  const run = await warehouse("id,state\n1,open\n2,lost\n");
  expect((await run("check")).code).toBe(0);
  expect((await run("check", "--fail-on", "warn")).code).toBe(1);
  const { stdout } = await run("check", "--json");
  expect(JSON.parse(stdout)).toMatchObject({
    environment: "local",
    outcomes: [{ outcome: "pass" }, { outcome: "warn", value: { violating: "1", rows: "2" } }, { outcome: "pass" }],
  });
  const junit = await run("check", "--format", "junit");
  expect(junit.stdout).toContain('<testsuite name="orders" tests="3" failures="0" errors="0">');
});

test("a gate that selects nothing, or a layer that nobody declared, is exit 2", async () => {
  const cwd = await projectFolder({ "models/shop/orders.ts": model });
  const run = (...words: string[]): Promise<Run> => dw(words, { cwd, env: { DW_ENV: "local" } });
  expect(await run("check", "--layer", "dwss")).toMatchObject({ code: 2, stderr: expect.stringContaining("Did you mean --layer dws?") });
  expect(await run("check", "--tag", "none")).toMatchObject({ code: 2, stderr: expect.stringContaining("DW-CHECK-UNKNOWN") });
});

test("a table that was never made is not evaluated, which is not a pass", async () => {
  const cwd = await projectFolder({ "models/shop/orders.ts": model });
  const missing = await dw(["check"], { cwd, env: { DW_ENV: "local" } });
  expect(missing.code).toBe(1);
  expect(missing.stdout).toContain("0 passed, 0 failed, 0 warned, 3 not evaluated");
});

test("rows that show failures are kept on request; a dead gateway and a dead channel are said and change no exit code", async () => {
  const run = await warehouse(
    "id,state\n1,open\n2,\\N\n3,lost\n",
    `,
  alerts: { channels: { night: { kind: "webhook", url: "http://127.0.0.1:9/hook" } }, routes: [{ to: ["night"] }] }`,
  );
  const failed = await run("check", "--failed-rows", "rows", "--push", "http://127.0.0.1:9", "--alert", "--json");
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain("The metrics gateway did not take this run");
  expect(failed.stderr).toContain("The alert channel night did not take a message");
  const { failedRows, alerts } = JSON.parse(failed.stdout);
  expect(failedRows).toEqual([
    expect.stringMatching(/_orders_postgres_not-null\.jsonl$/),
    expect.stringMatching(/_accepted-values\.jsonl$/),
  ]);
  expect(alerts).toMatchObject([{ channel: "night", sent: false, error: { code: "DW-ALERT-UNSENT" } }]);
});

test("past the deadline nothing is asked, which a scheduler may retry", async () => {
  const run = await warehouse("id,state\n1,open\n");
  const late = await run("check", "--deadline", "2024-01-31T06:00:00Z");
  expect(late).toMatchObject({ code: 3, stdout: expect.stringContaining("0 passed, 0 failed, 0 warned, 3 not evaluated") });
  expect((await run("check", "--deadline", "5 min")).code).toBe(0);
  expect((await run("check", "--deadline", "soon")).code).toBe(2);
});
