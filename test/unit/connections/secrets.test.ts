import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { resolveSecret } from "../../../src/connections/secrets.js";
import { Redactor } from "../../../src/core/redactor.js";
import { env, file, vault } from "../../../src/index.js";
import { projectFolder } from "../model/project-folder.js";

function sources(variables: Record<string, string> = {}, root = "/") {
  return { root, variables, redactor: new Redactor() };
}

/** A Vault that knows one token and one secret in each version of its key-value engine. */
async function vaultServer(): Promise<string> {
  const secrets: Record<string, object> = {
    "/v1/kv/data/warehouse": { data: { data: { password: "s3cr3t-two" }, metadata: {} } },
    "/v1/secret/warehouse": { data: { password: "s3cr3t-one" } },
  };
  const server = createServer((request, response) => {
    const secret = secrets[request.url ?? ""];
    const allowed = request.headers["x-vault-token"] === "root";
    response.statusCode = !allowed ? 403 : secret === undefined ? 404 : 200;
    response.end(JSON.stringify(allowed ? (secret ?? {}) : { errors: ["permission denied"] }));
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe("a secret reference", () => {
  test("is resolved from the environment, and masked from then on", async () => {
    const from = sources({ PW: "hunter two&more" });
    expect(await resolveSecret(env("PW"), from)).toBe("hunter two&more");
    expect(from.redactor.redact("login with hunter two&more at pg://u:hunter%20two%26more@h failed")).toBe(
      "login with [secret] at pg://u:[secret]@h failed",
    );
  });

  test("is resolved from a file, without its last newline", async () => {
    const root = await projectFolder({ "secrets/pw": "hunter2 \n" });
    expect(await resolveSecret(file("secrets/pw"), sources({}, root))).toBe("hunter2 ");
    expect(await resolveSecret(file(join(root, "secrets/pw")), sources())).toBe("hunter2 ");
  });

  test("is resolved from both versions of Vault's key-value engine", async () => {
    const from = sources({ VAULT_ADDR: await vaultServer(), VAULT_TOKEN: "root" });
    expect(await resolveSecret(vault("kv/data/warehouse#password"), from)).toBe("s3cr3t-two");
    expect(await resolveSecret(vault("secret/warehouse#password"), from)).toBe("s3cr3t-one");
  });

  test.each([
    ["a variable that is not set", env("NOPE"), {}, "The environment variable NOPE is not set."],
    ["an empty variable", env("PW"), { PW: "" }, "The environment variable PW is empty."],
    ["a file that is not there", file("/nowhere/pw"), {}, "The secret's file /nowhere/pw could not be read (ENOENT)."],
    ["Vault without an address", vault("kv/a#b"), {}, "The secret kv/a#b lies in Vault, and VAULT_ADDR or VAULT_TOKEN is not set."],
    ["Vault without a key", vault("kv/a"), {}, "kv/a does not name a key of a Vault secret."],
  ])("%s is DW-SECRET-MISSING", async (_, secret, variables, what) => {
    await expect(resolveSecret(secret, sources(variables))).rejects.toMatchObject({ code: "DW-SECRET-MISSING", what });
  });

  test("Vault's refusals differ: no such path, no such key, a wrong token, no server", async () => {
    const address = await vaultServer();
    const ask = (path: string, token = "root", at = address) => resolveSecret(vault(path), sources({ VAULT_ADDR: at, VAULT_TOKEN: token }));
    await expect(ask("kv/data/nothing#password")).rejects.toMatchObject({ code: "DW-SECRET-MISSING" });
    await expect(ask("kv/data/warehouse#user")).rejects.toMatchObject({ code: "DW-SECRET-MISSING", fix: "It has password." });
    await expect(ask("kv/data/warehouse#password", "old")).rejects.toMatchObject({ code: "DW-PERMISSION" });
    await expect(ask("kv/data/warehouse#password", "root", "http://127.0.0.1:16399")).rejects.toMatchObject({ code: "DW-CONNECT" });
  });
});

describe("masking", () => {
  test("a secret that contains another leaves no rest, and a short one only goes where it stands alone", () => {
    const redactor = new Redactor();
    redactor.add("pass");
    redactor.add("password1");
    redactor.add("ab");
    expect(redactor.redact("password1, pass, ab, table")).toBe("[secret], [secret], [secret], table");
  });
});
