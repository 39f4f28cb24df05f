import { z } from "zod";
import type { Config } from "../core/config.js";
import { parseDuration } from "../core/duration.js";
import { DwError } from "../core/errors.js";

/*
 * dw.config.ts is parsed once, here. Unknown keys are errors: a misspelt `embeded` would otherwise quietly mean a server.
 */

const secret = z.strictObject({ $secret: z.enum(["env", "file", "vault"]), name: z.string().min(1) });
const secretOnly = secret.or(
  z.never({ error: () => 'a secret is given by reference: env("NAME"), file("/run/secrets/x") or vault("path#key")' }),
);
const name = z.string().min(1);
const port = z.int().min(1).max(65535).optional();
const duration = z.string().refine(isDuration, { error: "a duration looks like 5s, 26h or 7 days" });

const size = z.string().regex(/^\d+(\.\d+)? ?[KMGT]i?B$/i, { error: "a size looks like 512MB or 2GiB" });

/** `ca` is the certificate's text. */
const tls = z.union([z.boolean(), z.strictObject({ ca: z.string().optional(), rejectUnauthorized: z.boolean().optional() })]).optional();

const connection = z.discriminatedUnion("kind", [
  z.strictObject({
    kind: z.literal("postgres"),
    host: name,
    port,
    database: name,
    user: name,
    password: secretOnly.optional(),
    ssl: tls,
    pooled: z.boolean().optional(),
    direct: z.strictObject({ host: name, port }).optional(),
  }),
  z.strictObject({ kind: z.literal("pglite"), path: name }),
  z.strictObject({ kind: z.literal("duckdb"), path: name, memoryLimit: size.optional(), threads: z.int().min(1).optional() }),
  z.strictObject({
    kind: z.literal("starrocks"),
    host: name,
    port,
    httpPort: port,
    user: name,
    password: secretOnly.optional(),
    ssl: tls,
  }),
  z.strictObject({
    kind: z.literal("mysql"),
    host: name,
    port,
    database: name,
    user: name,
    password: secretOnly.optional(),
    ssl: tls,
  }),
  z.strictObject({
    kind: z.literal("mongodb"),
    host: name,
    port,
    srv: z.boolean().optional(),
    others: z.array(name).optional(),
    replicaSet: name.optional(),
    database: name,
    user: name.optional(),
    password: secretOnly.optional(),
    authSource: name.optional(),
    ssl: tls,
  }),
  z.strictObject({
    kind: z.literal("kafka"),
    brokers: z.array(name).min(1),
    ssl: tls,
    sasl: z
      .strictObject({ mechanism: z.enum(["plain", "scram-sha-256", "scram-sha-512"]), username: z.string(), password: secretOnly })
      .optional(),
  }),
  z.strictObject({
    kind: z.literal("hive"),
    host: name,
    port,
    user: z.string().optional(),
    password: secretOnly.optional(),
    database: z.string().optional(),
    files: z.record(z.string(), name).optional(),
    sasl: z.boolean().optional(),
    ssl: tls,
  }),
  z.strictObject({
    kind: z.literal("s3"),
    endpoint: z.url({ error: "an endpoint is a URL, such as https://s3.eu-west-3.amazonaws.com" }),
    region: z.string().optional(),
    accessKeyId: z.union([z.string(), secret]),
    secretAccessKey: secretOnly,
    sessionToken: secretOnly.optional(),
    buckets: z.array(z.string()).min(1).optional(),
    pathStyle: z.boolean().optional(),
  }),
]);

const connections = z.record(name, connection).optional();
const engine = z.enum(["starrocks", "timescale", "postgres", "duckdb", "kafka", "hive", "paimon", "iceberg", "flink"]);

const channel = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.enum(["webhook", "slack"]), url: z.union([z.url(), secret]) }),
  z.strictObject({ kind: z.enum(["dingtalk", "feishu"]), url: z.union([z.url(), secret]), secret: secretOnly.optional() }),
  z.strictObject({
    kind: z.literal("email"),
    from: name,
    to: z.array(name).min(1),
    smtp: z.strictObject({
      host: name,
      port,
      secure: z.boolean().optional(),
      user: z.string().optional(),
      password: secretOnly.optional(),
    }),
  }),
]);

const alerts = z
  .strictObject({
    channels: z.record(name, channel),
    routes: z
      .array(
        z.strictObject({
          owner: name.optional(),
          tag: name.optional(),
          layer: name.optional(),
          warnings: z.boolean().optional(),
          to: z.array(name).min(1),
        }),
      )
      .min(1),
    repeat: duration.optional(),
  })
  .superRefine(({ channels, routes }, context) => {
    for (const [index, route] of routes.entries()) {
      for (const to of route.to) {
        if (!Object.hasOwn(channels, to))
          context.addIssue({ code: "custom", path: ["routes", index, "to"], message: `there is no channel ${to}` });
      }
    }
  });

const config = z.strictObject({
  layers: z.array(name).min(1).optional(),
  connections,
  environments: z.record(
    name,
    z.strictObject({
      embedded: name.optional(),
      slots: z.partialRecord(engine, name).optional(),
      state: name.optional(),
      connections,
      ddlLockTimeout: duration.optional(),
      hold: duration.optional(),
    }),
  ),
  targets: z.partialRecord(engine, name).optional(),
  checks: z
    .strictObject({ concurrency: z.partialRecord(engine, z.int().min(1).max(64)).optional(), statementTimeout: duration.optional() })
    .optional(),
  alerts: alerts.optional(),
});

/** The configuration as typed values; DW-CONFIG-INVALID names every place that is wrong. */
export function parseConfig(file: string, value: unknown): Config {
  const parsed = config.safeParse(value);
  if (parsed.success) return parsed.data as Config; // the same shape; zod writes `x?: T | undefined` where Config has `x?: T`
  const places = parsed.error.issues.flatMap(deepest).map((issue) => `${issue.path.join(".") || "the default export"}: ${issue.message}`);
  throw new DwError("DW-CONFIG-INVALID", {
    what: `${file} is not a valid configuration.`,
    why: [...new Set(places)].join("\n"),
    fix: "Correct these places; `defineConfig` in the file shows the same mistakes in an editor.",
  });
}

function isDuration(text: string): boolean {
  try {
    return parseDuration(text) >= 0;
  } catch {
    return false;
  }
}

type Issue = z.core.$ZodIssue;

/** Of a union's alternatives, the one that got furthest says the most. */
function deepest(issue: Issue): readonly Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const alternatives = issue.errors.filter((errors) => errors.length > 0);
  const last = alternatives.at(-1);
  return last === undefined ? [issue] : last.map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }));
}
