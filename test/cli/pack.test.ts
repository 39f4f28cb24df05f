import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/*
 * What a user gets: the tarball, installed by npm into a project of its own, with nothing of this repository around it.
 */

const run = promisify(execFile);
const repository = fileURLToPath(new URL("../..", import.meta.url));
const minutes = 60_000;

let folder = "";
let project = "";
let packed: readonly string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-pack-"));
  const { stdout } = await run("npm", ["pack", "--ignore-scripts", "--json", "--pack-destination", folder], { cwd: repository });
  const [tarball] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[]; // npm's own format
  packed = tarball?.files.map((file) => file.path) ?? [];

  project = join(folder, "air");
  await run(process.execPath, [join(repository, "bin/run.js"), "init", project, "--template", "ciapol"]);
  const archive = join(folder, tarball?.filename ?? "");
  await run("npm", ["install", "--no-audit", "--no-fund", "--prefer-offline", "--ignore-scripts", "--omit=dev", archive], { cwd: project });
}, 5 * minutes);

afterAll(() => rm(folder, { recursive: true, force: true }));

const dw = (...words: string[]) => run(join(project, "node_modules/.bin/dw"), words, { cwd: project });

describe("the package", () => {
  test("carries what runs, and none of our tests or their data", () => {
    expect(packed).toEqual(
      expect.arrayContaining(["bin/run.js", "dist/index.js", "dist/index.d.ts", "LICENSE", "README.md", "CONTEXT.md"]),
    );
    expect(packed.filter((path) => /^(test|src|bench|scripts|migrations|generated)\/|\.test\.|fixtures/.test(path))).toEqual([]);
  });

  test("has an executable dw", async () => {
    expect((await dw("--version")).stdout).toMatch(/^dwright\/\d+\.\d+\.\d+ /);
  });

  test("loads a project's TypeScript models without a build step", async () => {
    const diagnoses = JSON.parse((await dw("doctor", "--env", "local", "--json")).stdout) as { about: string; state: string }[];
    expect(diagnoses.filter(({ state }) => state !== "ok")).toEqual([]);
    expect(diagnoses.map(({ about }) => about)).toContain("models of ciapol");
  });

  test("types a project's models: the reference warehouse compiles, a misspelt column does not", async () => {
    const tsc = join(repository, "node_modules/.bin/tsc");
    await run(tsc, ["--noEmit"], { cwd: project });
    await writeFile(
      join(project, "models/ciapol/wrong.ts"),
      `import { defineTable, t } from "dwright";
export default defineTable("wrong", { grain: "g", columns: { a: t.int() }, key: ["b"], on: {} });
`,
    );
    await expect(run(tsc, ["--noEmit"], { cwd: project })).rejects.toMatchObject({
      stdout: expect.stringMatching(/^models\/ciapol\/wrong\.ts\(2,\d+\): error TS2322: Type '"b"' is not assignable to type '"a"'/),
    });
  });

  test("needs nothing that only developers install", async () => {
    expect(await readdir(join(project, "node_modules"))).not.toContain("vitest");
  });
});
