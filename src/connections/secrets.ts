import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { Secret, SecretReference } from "../core/config.js";
import { DwError } from "../core/errors.js";
import type { Redactor } from "../core/redactor.js";

export interface SecretSources {
  /** Relative file references start here: the project. */
  readonly root: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Learns every secret before anybody can print it. */
  readonly redactor: Redactor;
}

/** Milliseconds that Vault gets to answer. */
const patience = 10_000;

/** The value behind a reference; a plain text is itself. DW-SECRET-MISSING, and for Vault DW-CONNECT, DW-TIMEOUT, DW-PERMISSION. */
export async function resolveSecret(secret: Secret, sources: SecretSources): Promise<string> {
  if (typeof secret === "string") return secret;
  const value = await resolvers[secret.$secret](secret, sources);
  sources.redactor.add(value);
  return value;
}

type Resolver = (secret: SecretReference, sources: SecretSources) => Promise<string>;

const resolvers: Readonly<Record<SecretReference["$secret"], Resolver>> = {
  env: async ({ name }, { variables }) => {
    const value = variables[name];
    if (value !== undefined && value !== "") return value;
    throw missing(`The environment variable ${name} is ${value === undefined ? "not set" : "empty"}.`, `Set ${name} for this process.`);
  },
  file: async ({ name }, { root }) => {
    const path = resolve(root, name);
    const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
      throw missing(`The secret's file ${path} could not be read (${error.code}).`, "Mount it, or correct the path in dw.config.ts.");
    });
    const value = text.replace(/\r?\n$/, "");
    if (value !== "") return value;
    throw missing(`The secret's file ${path} is empty.`, "Write the secret into it.");
  },
  vault: async ({ name }, { variables, redactor }) => {
    const { path, key } = vaultPlace(name);
    const token = variables.VAULT_TOKEN ?? "";
    const address = variables.VAULT_ADDR ?? "";
    if (address === "" || token === "") {
      throw missing(`The secret ${name} lies in Vault, and VAULT_ADDR or VAULT_TOKEN is not set.`, "Set both for this process.");
    }
    redactor.add(token);
    const fields = await readVault(address, path, token, variables.VAULT_NAMESPACE);
    const value = fields[key];
    if (typeof value === "string" && value !== "") return value;
    throw missing(
      `Vault has no ${key} at ${path}.`,
      Object.keys(fields).length > 0 ? `It has ${Object.keys(fields).join(", ")}.` : "Write it there.",
    );
  },
};

function vaultPlace(name: string): { readonly path: string; readonly key: string } {
  const at = name.lastIndexOf("#");
  if (at > 0 && at < name.length - 1) return { path: name.slice(0, at), key: name.slice(at + 1) };
  throw missing(`${name} does not name a key of a Vault secret.`, 'Write vault("kv/data/warehouse#password"): path, #, key.');
}

/** The fields of a secret: below `data.data` in version 2 of the key-value engine, below `data` in version 1. */
async function readVault(address: string, path: string, token: string, namespace: string | undefined): Promise<Record<string, unknown>> {
  const url = new URL(`/v1/${path.split("/").map(encodeURIComponent).join("/")}`, vaultAddress(address));
  const headers = { "X-Vault-Token": token, ...(namespace && { "X-Vault-Namespace": namespace }) };
  const response = await fetch(url, { headers, redirect: "error", signal: AbortSignal.timeout(patience) }).catch((error: unknown) => {
    throw unreachable(url, error);
  });
  if (!response.ok) throw refused(response.status, path, url);
  const body = (await response.json().catch(() => undefined)) as { data?: Record<string, unknown> } | undefined;
  const outer = body?.data ?? {};
  return isFields(outer.data) ? outer.data : outer;
}

function vaultAddress(address: string): URL {
  if (URL.canParse(address)) return new URL(address);
  throw missing("VAULT_ADDR is not a URL.", "Write it like https://vault.example:8200.");
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function refused(status: number, path: string, url: URL): DwError {
  if (status === 404)
    return missing(`Vault has nothing at ${path}.`, "Correct the path; version 2 of the key-value engine has /data/ in it.");
  if (status >= 500) return unreachable(url, new Error(`HTTP ${status}`));
  return new DwError("DW-PERMISSION", {
    what: `Vault refused to show ${path} (HTTP ${status}).`,
    why: "The token is expired, or its policy does not allow to read that path.",
    fix: "Renew VAULT_TOKEN, or ask for a policy that reads the path.",
  });
}

function unreachable(url: URL, error: unknown): DwError {
  const timeout = error instanceof Error && error.name === "TimeoutError";
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause.message : error instanceof Error ? error.message : "";
  return new DwError(timeout ? "DW-TIMEOUT" : "DW-CONNECT", {
    what: `Vault at ${url.host} ${timeout ? `did not answer within ${patience / 1000} s` : "cannot be reached"}.`,
    why: cause === "" ? "A connection's secret lies there." : `${cause}.`,
    fix: "Check VAULT_ADDR and the network, then run again.",
    cause: error,
  });
}

function missing(what: string, fix: string): DwError {
  return new DwError("DW-SECRET-MISSING", { what, why: "A connection in dw.config.ts refers to it.", fix });
}
