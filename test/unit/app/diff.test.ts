import { execFileSync, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { committedCatalog, folderCatalog } from "../../../src/app/committed.js";
import { diffCatalogs, parseRevision } from "../../../src/app/diff.js";
import { type CatalogObject, catalogOf, catalogText } from "../../../src/core/catalog.js";
import type { Model } from "../../../src/core/model.js";
import { changeTable, diffMarkdown, planSummary, statementsText } from "../../../src/present/plan.js";
import { toyEngine, toyTable } from "../../support/toy-engine.js";

const engines = new Map([[toyEngine.name, toyEngine]]);
const side = (...objects: CatalogObject[]) => ({ catalog: catalogOf("shop", objects) });
const names = { from: "git:main", to: "models" };
const none = { environment: "default", renames: () => [] };

const dropped = diffCatalogs(
  names,
  side(toyTable("orders", { id: "bigint", paid: "integer" })),
  side(toyTable("orders", { id: "bigint" }), toyTable("shops", { id: "bigint" })),
  engines,
  none,
);

test("a pull-request comment starts with the hazards, then what changes, then the SQL folded away", () => {
  const text = diffMarkdown(dropped).replace(/~[0-9a-f]{6}/g, "~######");
  expect(text).toBe(`### shop: git:main → models

**1 hazard**

| hazard | what happens | approved by |
| --- | --- | --- |
| data-loss | The values of paid are lost. | data-loss@drop-column.public.orders.paid~###### |

| change | object | what |
| --- | --- | --- |
| altered | postgres:table:public.orders | columns.paid removed: {"name":"paid","type":"integer"} |
| added | postgres:table:public.shops |  |

<details><summary>SQL: 2 statements on postgres; 1 hazard to approve</summary>

\`\`\`sql
-- postgres: drop-column.public.orders.paid~######
-- ! data-loss: The values of paid are lost.
ALTER TABLE "public"."orders" DROP COLUMN "paid";

-- postgres: create-object.public.shops~######
CREATE TABLE "public"."shops" ("id" bigint);
\`\`\`

</details>
`);
});

test("a pull-request comment says what reads or fills what changes, and how much is written again", () => {
  const view: CatalogObject = { ...toyTable("paid_orders", { id: "bigint" }), dependsOn: ["postgres:table:public.orders"], kind: "view" };
  const top: CatalogObject = { ...toyTable("top_orders", { id: "bigint" }), dependsOn: [view.id], kind: "view" };
  const models = [
    { model: "backfill", name: "order_history", from: "csv:x", to: "orders" },
    { model: "check", name: "orders_add_up", on: ["orders"], spec: {} },
  ] as unknown as Model[]; // all that is read of them
  const report = diffCatalogs(
    names,
    side(toyTable("orders", { id: "bigint", paid: "integer" }), view, top),
    side(toyTable("orders", { id: "bigint" }), view, top),
    engines,
    { ...none, models },
  );
  expect(report.radius.map(({ kind, name }) => `${kind} ${name}`)).toEqual([
    "backfill order_history",
    "check orders_add_up",
    "view postgres:table:public.paid_orders",
    "view postgres:table:public.top_orders",
  ]);
  expect(diffMarkdown(report)).toContain("| backfill | order_history | postgres:table:public.orders |");
  const rewrites = report.statements.map((one) => ({ ...one, hazards: [{ kind: "rewrites-table" as const, why: "All of it." }] }));
  const sized = diffMarkdown({ ...report, statements: rewrites, bytes: { "postgres:table:public.orders": 3 * 1024 ** 3 } });
  expect(sized).toContain("| rewrites-table | All of it. (3.0 GiB now) |");
});

test("a comment in a model cannot break out of the table or the code block", () => {
  const hostile = diffCatalogs(names, side(), side(toyTable("a|b</summary>\n```\n# x", { id: "bigint" })), engines, none);
  const text = diffMarkdown(hostile);
  expect(text).toContain("| added | postgres:table:public.a\\|b\\</summary\\> \\`\\`\\` # x |  |");
  expect(text).toContain("\n````sql\n");
});

test("the same as a table and as SQL", () => {
  expect(
    changeTable(dropped.changes)
      .split("\n")
      .map((line) => line.trimEnd()),
  ).toEqual([
    "change   object                        what",
    'altered  postgres:table:public.orders  columns.paid removed: {"name":"paid","type":"integer"}',
    "added    postgres:table:public.shops",
  ]);
  expect(statementsText(dropped.statements, { color: true })).toContain("\u001b[31m-- ! data-loss");
  expect(planSummary([])).toBe("nothing to execute");
});

test("no difference is said in words", () => {
  const same = diffCatalogs(names, side(toyTable("t", {})), side(toyTable("t", {})), engines, none);
  expect(diffMarkdown(same)).toBe("### shop: git:main → models\n\nNo difference.\n");
});

test("revisions are words or have a prefix; a DDL file is refused with the reason", () => {
  expect(parseRevision("models")).toEqual({ kind: "models" });
  expect(parseRevision("git:origin/main")).toEqual({ kind: "git", at: "origin/main" });
  expect(() => parseRevision("main")).toThrow(/not something to compare/);
  expect(parseRevision("ddl:before.sql")).toEqual({ kind: "ddl", at: "before.sql" });
});

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "dw-diff-"));
});
afterEach(() => rm(root, { recursive: true }));

const hasGit = spawnSync("git", ["--version"]).error === undefined;
if (!hasGit) process.stderr.write("no git on this machine: what git:REF reads is not tested\n");

async function commit(text: string): Promise<void> {
  const git = (...args: string[]) => execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.org", ...args], { cwd: root });
  git("init", "-q");
  await mkdir(join(root, "project/generated/shop"), { recursive: true });
  await writeFile(join(root, "project/generated/shop/catalog.json"), text);
  git("add", "-A");
  git("commit", "-q", "-m", "generated");
}

test.runIf(hasGit)("git:REF reads what was committed, also when the project is not the repository's root", async () => {
  const catalog = catalogOf("shop", [toyTable("orders", { id: "bigint" })]);
  await commit(catalogText(catalog));
  await writeFile(join(root, "project/generated/shop/catalog.json"), "edited since");
  expect(await committedCatalog(join(root, "project"), "HEAD", "shop")).toEqual(catalog);
  expect(await committedCatalog(join(root, "project"), "HEAD", "newer")).toEqual({ warehouse: "newer", objects: [] });
});

test.runIf(hasGit)("an unknown reference, or one that looks like an option, is refused and runs nothing", async () => {
  await commit("{}");
  for (const ref of ["nowhere", "--output=/tmp/x", "HEAD:generated"]) {
    await expect(committedCatalog(join(root, "project"), ref, "shop")).rejects.toMatchObject({ code: "DW-USAGE" });
  }
  await expect(committedCatalog(join(root, "project"), "HEAD", "shop")).rejects.toMatchObject({
    code: "DW-USAGE",
    what: "HEAD:generated/shop/catalog.json is not a catalog.",
  });
});

test("without git, git:REF says that it is missing", async () => {
  vi.stubEnv("PATH", root); // nothing is there
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  await expect(committedCatalog(root, "HEAD", "shop")).rejects.toMatchObject({
    code: "DW-USAGE",
    what: "git is not installed on this machine, or not on the PATH.",
  });
});

test("dir:PATH is a generated folder; any other is refused", async () => {
  const catalog = catalogOf("shop", [toyTable("orders", { id: "bigint" })]);
  await mkdir(join(root, "shop"));
  await writeFile(join(root, "shop/catalog.json"), catalogText(catalog));
  expect(await folderCatalog(root, "shop")).toEqual(catalog);
  expect(await folderCatalog(join(root, "shop"), "shop")).toEqual(catalog);
  await expect(folderCatalog(join(root, "empty"), "shop")).rejects.toMatchObject({ code: "DW-USAGE" });
});
