import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/app/config-schema.js";
import { openProject } from "../../../src/app/project.js";
import { resolveEnvironment } from "../../../src/core/environment.js";
import { Redactor } from "../../../src/core/redactor.js";
import { env } from "../../../src/index.js";
import { projectFolder } from "../model/project-folder.js";

const postgres = { kind: "postgres", host: "db", database: "w", user: "dw", password: env("PW") } as const;

describe("dw.config.ts", () => {
  test.each([
    ["a misspelt key", { environments: { local: { embeded: "x" } } }, 'environments.local: Unrecognized key: "embeded"'],
    [
      "a password in the open",
      { connections: { db: { ...postgres, password: "hunter2" } }, environments: {} },
      'connections.db.password: a secret is given by reference: env("NAME"), file("/run/secrets/x") or vault("path#key")',
    ],
    [
      "a slot that is no engine",
      { environments: { dev: { slots: { postgress: "db" } } } },
      expect.stringContaining("environments.dev.slots"),
    ],
    [
      "a wrong port",
      { connections: { db: { ...postgres, port: 70000 } }, environments: {} },
      expect.stringContaining("connections.db.port"),
    ],
    ["no environments", {}, expect.stringContaining("environments")],
    ["nothing exported", undefined, expect.stringContaining("the default export")],
    [
      "a timeout without a unit",
      { environments: { dev: { ddlLockTimeout: "5" } } },
      "environments.dev.ddlLockTimeout: a duration looks like 5s, 26h or 7 days",
    ],
  ])("%s is refused, and the place is named", (_, config, why) => {
    expect(() => parseConfig("dw.config.ts", config)).toThrow(expect.objectContaining({ code: "DW-CONFIG-INVALID", why }));
  });

  test("it is found in the folders above, and its folder is the project's root", async () => {
    const root = await projectFolder({ "models/shop/a.ts": "" });
    const project = await openProject({ cwd: `${root}/models/shop`, redactor: new Redactor(), variables: {} });
    expect(project.root).toBe(root);
    expect(project.layers).toEqual(["ods", "dwd", "dws", "ads"]);
  });

  test("a folder without one is answered with what to do", async () => {
    await expect(openProject({ cwd: "/", redactor: new Redactor(), variables: {} })).rejects.toMatchObject({
      code: "DW-CONFIG-MISSING",
      what: "No dw.config.ts was found in / or above it.",
    });
  });
});

describe("environments", () => {
  const config = parseConfig("dw.config.ts", {
    connections: { shared: postgres },
    environments: {
      local: { embedded: ".dw/local", slots: { postgres: "shared" } },
      prod: { slots: { timescale: "own", postgres: "lost" }, connections: { own: postgres } },
    },
  });

  test("a slot without a connection is embedded where the environment has a folder for that", () => {
    const local = resolveEnvironment(config, "local");
    expect(local.slot("timescale")).toEqual({ by: "embedded", store: "pglite" });
    expect(local.slot("starrocks")).toEqual({ by: "embedded", store: "duckdb", file: "warehouse", emulates: "starrocks" });
    expect(local.slot("postgres")).toEqual({ by: "connection", name: "shared", connection: postgres });
    expect(local.state()).toEqual({ by: "embedded", store: "pglite" });
  });

  test.each([
    ["an unknown environment", () => resolveEnvironment(config, "pord"), "DW-ENV-UNKNOWN", "dw.config.ts defines local, prod."],
    [
      "a slot without anything",
      () => resolveEnvironment(config, "prod").slot("starrocks"),
      "DW-SLOT-UNBOUND",
      "No connection is bound to the slot.",
    ],
    [
      "an engine that cannot be embedded",
      () => resolveEnvironment(config, "local").slot("kafka"),
      "DW-SLOT-UNBOUND",
      "No connection is bound to the slot, and kafka has no embedded stand-in.",
    ],
    [
      "a connection that is not there",
      () => resolveEnvironment(config, "prod").slot("postgres"),
      "DW-CONNECTION-UNKNOWN",
      "dw.config.ts defines shared, own there.",
    ],
    ["no state store", () => resolveEnvironment(config, "prod").state(), "DW-STATE-MISSING", expect.any(String)],
  ])("%s is refused with what there is", (_, ask, code, why) => {
    expect(ask).toThrow(expect.objectContaining({ code, why }));
  });
});
