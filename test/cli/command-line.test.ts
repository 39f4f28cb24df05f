import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { holder } from "../unit/connections/holder.js";
import { projectFolder, tableFile } from "../unit/model/project-folder.js";
import { dw } from "./run-dw.js";

const bin = fileURLToPath(new URL("../../bin/run.js", import.meta.url));

async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "dw-cli-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe("stdout is the answer, stderr the conversation", () => {
  test("an answer comes alone on stdout", async () => {
    expect(await dw(["explain", "dw-locked"])).toEqual({
      code: 0,
      signal: null,
      stderr: "",
      stdout: "DW-LOCKED (exit 4, locked)\n\nAnother run holds the lock; the message says who and since when.\n",
    });
  });

  test("--json is one JSON value", async () => {
    const { stdout } = await dw(["explain", "DW-CONNECT", "--json"]);
    expect(JSON.parse(stdout)).toEqual({
      code: "DW-CONNECT",
      exitCode: 3,
      class: "unreachable",
      explain: "A server could not be reached or closed the connection.",
    });
  });

  test("an error is a letter on stderr, and nothing on stdout", async () => {
    const { code, stdout, stderr } = await dw(["explain", "DW-NOTHING"]);
    expect({ code, stdout, stderr }).toEqual({
      code: 2,
      stdout: "",
      stderr: `DW-USAGE DW-NOTHING is not a code of dw.
  Why  Codes look like DW-AREA-REASON and are printed with every error.
  Fix  Copy the code from the error message.
  More dw explain DW-USAGE
`,
    });
  });

  test("with --json an error is one JSON value on stdout, and nothing on stderr", async () => {
    const { code, stdout, stderr } = await dw(["explain", "DW-NOTHING", "--json"]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: "" });
    expect(JSON.parse(stdout)).toEqual({
      error: {
        code: "DW-USAGE",
        what: "DW-NOTHING is not a code of dw.",
        why: "Codes look like DW-AREA-REASON and are printed with every error.",
        fix: "Copy the code from the error message.",
      },
    });
  });

  test.each([[["--help"]], [["-h"]], [["help"]], [[]]])("`dw %s` is the first page, which names every command", async (words) => {
    const { code, stdout, stderr } = await dw(words);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const listed = stdout.split("\n").flatMap((line) => /^ {2}([a-z]+) +[A-Z][a-z]/.exec(line)?.[1] ?? []);
    expect(listed).toEqual("init import generate lint diff migrate backfill check cat inspect doctor explain".split(" "));
    expect(stdout).not.toContain("OTHER");
  });

  test("the first page loads nothing of the command-line framework; the page of a command does", async () => {
    const loaded = async (...words: string[]) => {
      const env = { ...process.env, NODE_DEBUG: "esm" }; // names each module on stderr
      const { stderr } = await promisify(execFile)(process.execPath, [bin, ...words], { env, maxBuffer: 2 ** 26 });
      return stderr;
    };
    expect(await loaded("--help")).not.toContain("@oclif");
    expect(await loaded("explain", "--help")).toContain("@oclif");
  });

  test("a reader that goes away is no error", async () => {
    const { stdout, stderr } = await promisify(execFile)("sh", ["-c", `"$0" "$1" --help | true; echo done`, process.execPath, bin]);
    expect({ stdout, stderr }).toEqual({ stdout: "done\n", stderr: "" });
  });
});

describe("wrong usage exits 2", () => {
  test.each([
    ["an unknown flag", ["explain", "DW-USAGE", "--nope"], "Nonexistent flag: --nope."],
    ["a missing argument", ["explain"], "Missing 1 required arg."],
    ["an unknown command", ["explian"], "There is no command `dw explian`."],
    [
      "a value that is not one of the list",
      ["init", "--template", "shop"],
      "Expected --template=shop to be one of: ciapol, iot, streampark, flow360, weather, blank.",
    ],
  ])("%s", async (_, words, what) => {
    const { code, stdout, stderr } = await dw(words);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(`DW-USAGE ${what}`);
  });

  test("a mistyped command is answered with the nearest one", async () => {
    expect((await dw(["explian"])).stderr).toContain("The nearest one is `dw explain`.");
  });

  test("no environment outside a terminal is an error, whatever the project says; --env and DW_ENV name one", async () => {
    const cwd = await projectFolder({ "models/shop/orders.ts": tableFile("orders") });
    const about = async (words: readonly string[], env: Record<string, string> = {}) => {
      const { stdout } = await dw(["doctor", "--json", ...words], { cwd, env });
      return (JSON.parse(stdout) as { about: string }[]).find((diagnosis) => diagnosis.about === "environment");
    };
    expect(await about([])).toMatchObject({ state: "fail", code: "DW-ENV-MISSING" });
    expect(await about(["--env", "pord"])).toMatchObject({ state: "fail", code: "DW-ENV-UNKNOWN" });
    expect(await about([], { DW_ENV: "local" })).toMatchObject({ state: "ok", finding: "local" });
  });
});

describe("dw init", () => {
  test("makes a project in which dw finds nothing to complain about", async () => {
    const folder = await emptyFolder();
    const made = await dw(["init", "air", "--json"], { cwd: folder });
    expect(JSON.parse(made.stdout)).toEqual({
      folder: join(folder, "air"),
      template: "blank",
      files: [
        ".github/workflows/dw.yml",
        ".gitignore",
        "README.md",
        "dw.config.ts",
        "models/main/dws/dws_order_daily.ts",
        "package.json",
        "tsconfig.json",
      ],
    });
    const { code, stdout } = await dw(["doctor", "--env", "local"], { cwd: join(folder, "air", "models") });
    expect(code).toBe(0);
    expect(stdout).toMatch(/ok {3}models of main {4}1 model\n/);
    expect(stdout).toMatch(/ok {3}slot postgres {5}PostgreSQL .*, embedded\n/);
  });

  test.each(["ciapol", "iot", "streampark", "flow360", "weather"])(
    "--template %s brings the reference warehouse, whose models are right",
    async (template) => {
      const folder = await emptyFolder();
      await dw(["init", "--template", template], { cwd: folder });
      const { code, stdout } = await dw(["doctor", "--env", "local", "--json"], { cwd: folder });
      const about = (name: string) =>
        (JSON.parse(stdout) as { about: string; state: string }[]).find((diagnosis) => diagnosis.about === name);
      expect(about(`models of ${template}`)).toMatchObject({ state: "ok" });
      expect(code).toBe(0);
    },
  );

  test("never overwrites: the files that stand in the way are named, and none is written", async () => {
    const folder = await emptyFolder();
    await writeFile(join(folder, "README.md"), "mine\n");
    const { code, stderr } = await dw(["init"], { cwd: folder });
    expect(code).toBe(2);
    expect(stderr).toContain(`DW-FILE-EXISTS ${folder} already has README.md.`);
    expect(await readFile(join(folder, "README.md"), "utf8")).toBe("mine\n");
    expect((await dw(["doctor", "--json"], { cwd: folder })).stdout).toContain("DW-CONFIG-MISSING");
  });
});

describe("a run that ends otherwise", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s exits %i", async (signal, code) => {
    const server = createServer().listen(0, "127.0.0.1"); // accepts, and never says a word
    onTestFinished(() => void server.close());
    await once(server, "listening");
    const cwd = await projectFolder({
      "dw.config.ts": `export default { environments: { dev: {
  slots: { postgres: "db" }, state: "db",
  connections: { db: { kind: "postgres", host: "127.0.0.1", port: ${(server.address() as AddressInfo).port}, database: "w", user: "dw" } },
} } };`,
      "models/shop/orders.ts": tableFile("orders"),
    });
    const child = spawn(process.execPath, [bin, "doctor", "--env", "dev"], { cwd, stdio: "ignore" });
    await once(server, "connection");
    child.kill(signal);
    expect(await once(child, "exit")).toEqual([code, null]);
  });

  test("an embedded environment that another process works on exits 4, and says which process", async () => {
    const cwd = await projectFolder({ "models/shop/orders.ts": tableFile("orders") });
    const pid = await holder(join(cwd, ".dw/local"));
    const { code, stdout } = await dw(["doctor", "--env", "local"], { cwd });
    expect(code).toBe(4);
    expect(stdout).toContain(`DW-LOCKED Another process works on ${join(cwd, ".dw/local")} (process ${pid}).`);
  });

  test("a mistake in dw exits 70, with the stack, the versions and where to report it", async () => {
    const cwd = await projectFolder({
      "dw.config.ts": `setTimeout(() => { throw new TypeError("nobody caught this"); });
export default { environments: { local: { embedded: ".dw/local" } } };`,
    });
    const { code, stderr } = await dw(["doctor", "--env", "local"], { cwd });
    expect(code).toBe(70);
    expect(stderr).toMatch(/^DW-BUG This is a mistake in dw, not in your project\.\nTypeError: nobody caught this\n {4}at /);
    expect(stderr).toMatch(/\ndw \d+\.\d+\.\d+, Node v[\d.]+, .*\nPlease report it at https:.*\n$/);
  });

  test("something that never ends does not keep a scheduler waiting", async () => {
    const cwd = await projectFolder({
      "dw.config.ts": `setInterval(() => {}, 1000);
export default { environments: { local: { embedded: ".dw/local" } } };`,
    });
    expect((await dw(["doctor"], { cwd })).code).toBe(2); // no environment; what counts is that it ends
  });

  test("a configuration that does not load is named with its line", async () => {
    const cwd = await projectFolder({ "dw.config.ts": 'throw new Error("no");' });
    const { code, stdout } = await dw(["doctor"], { cwd });
    expect(code).toBe(2);
    expect(stdout).toContain("DW-CONFIG-INVALID dw.config.ts:1 could not be loaded. Error: no.");
  });
});

describe("secrets", () => {
  test("a password is masked in whatever a server or a file makes dw say", async () => {
    const cwd = await projectFolder({
      "dw.config.ts": `import { defineConfig, env } from "dwright";
export default defineConfig({ environments: { dev: {
  slots: { postgres: "db" }, state: "db",
  connections: { db: { kind: "postgres", host: "hunter2secret.invalid", database: "w", user: "dw", password: env("PW") } },
} } });`,
      "models/shop/orders.ts": tableFile("orders"),
    });
    const { code, stdout, stderr } = await dw(["doctor", "--env", "dev"], { cwd, env: { PW: "hunter2secret" } });
    expect(code).toBe(3);
    expect(stdout + stderr).not.toContain("hunter2secret");
  });
});
