import { DwError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";
import type { OpenSource, SourceTable } from "../core/source.js";
import { openStorage } from "../storage/open.js";
import type { PlainFormat } from "./files/index.js";

/** Opens REST of `NAME:REST`; undefined when it has no connection of that name. */
export type OpenConnectionSource = (name: string, rest: string) => Promise<SourceTable | undefined>;

export interface OpenSourceOptions extends OpenSource {
  /** Relative paths start here. */
  readonly cwd: string;
  /** Names that are no format: connections of dw.config.ts. */
  readonly connection?: OpenConnectionSource;
}

type OpenFormat = (path: string, options: OpenSourceOptions) => Promise<SourceTable>;

/** Readers are imported when they are asked for: each brings its own libraries. */
const formats: Readonly<Record<string, OpenFormat>> = {
  iceberg: async (path, options) => {
    const { openIceberg, namedTable } = await import("./iceberg/index.js");
    const { root, ...named } = namedTable(path);
    return openIceberg(await openStorage(root, options.cwd), { at: options.at, ...named });
  },
  paimon: async (path, options) => {
    const { openPaimon } = await import("./paimon/index.js");
    return openPaimon(await openStorage(path, options.cwd), { at: options.at });
  },
  parquet: (path, options) => plainFiles("parquet", path, options),
  csv: (path, options) => plainFiles("csv", path, options),
  jsonl: (path, options) => plainFiles("jsonl", path, options),
  orc: (path, options) => plainFiles("orc", path, options),
  avro: (path, options) => plainFiles("avro", path, options),
};

/**
 * Opens a SOURCE: `NAME:REST`, where NAME is a format (REST is a path, for plain files also a glob) or a
 * connection. Throws DW-SOURCE-UNKNOWN, and whatever the reader throws.
 */
export async function openSource(spec: string, options: OpenSourceOptions): Promise<SourceTable> {
  const [, name = "", rest = ""] = /^([^:]*):(.*)$/s.exec(spec) ?? [];
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format !== undefined && rest !== "") return format(rest, options);
  const table = name === "" || rest === "" ? undefined : await options.connection?.(name, rest);
  if (table !== undefined) return table;
  throw unknownSource(spec, name);
}

function unknownSource(spec: string, name: string): DwError {
  const names = Object.keys(formats);
  const near = nearest(name, names);
  return new DwError("DW-SOURCE-UNKNOWN", {
    what: `${JSON.stringify(spec)} names no source.`,
    why: `A source is NAME:REST, where NAME is one of ${names.join(", ")}, or a connection of dw.config.ts.`,
    fix: near === undefined ? "Write for example iceberg:path/to/table or parquet:folder/*.parquet." : `Did you mean ${near}:…?`,
  });
}

async function plainFiles(format: PlainFormat, path: string, options: OpenSourceOptions): Promise<SourceTable> {
  const { openFiles } = await import("./files/index.js");
  const { root, pattern } = await splitPath(path, options.cwd);
  return openFiles(await openStorage(root, options.cwd), format, pattern, options);
}

/** The folder that files are confined to, and what is selected below it: all, a glob, or one file. */
async function splitPath(path: string, cwd: string): Promise<{ root: string; pattern: string }> {
  const { stat } = await import("node:fs/promises");
  const { resolve } = await import("node:path");
  const found = await stat(resolve(cwd, path)).catch(() => undefined);
  if (found?.isDirectory()) return { root: path, pattern: "" };
  const glob = found === undefined ? path.search(/[*?]/) : path.length;
  const fixed = glob === -1 ? path : path.slice(0, glob);
  const slash = fixed.lastIndexOf("/");
  return { root: slash === -1 ? "." : path.slice(0, slash) || "/", pattern: path.slice(slash + 1) };
}
