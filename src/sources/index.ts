import { DwError } from "../core/errors.js";
import { nearest } from "../core/nearest.js";
import type { OpenSource, SourceTable } from "../core/source.js";
import { isRemote, openStorage, type StorageAccess } from "../storage/open.js";
import { over } from "./closing.js";
import type { PlainFormat, Stated } from "./files/index.js";

/** Opens REST of `NAME:REST`; undefined when it has no connection of that name. */
export type OpenConnectionSource = (name: string, rest: string) => Promise<SourceTable | undefined>;

export interface OpenSourceOptions extends OpenSource {
  /** Relative paths start here. */
  readonly cwd: string;
  /** Names that are no format: connections of dw.config.ts. */
  readonly connection?: OpenConnectionSource;
  /** How paths on other machines (s3://, webhdfs://) are reached; without it only local ones are read. */
  readonly access?: StorageAccess;
}

type OpenFormat = (path: string, options: OpenSourceOptions, stated: readonly string[]) => Promise<SourceTable>;

/** Readers are imported when they are asked for: each brings its own libraries. */
const formats: Readonly<Record<string, OpenFormat>> = {
  iceberg: async (path, options) => {
    const { openIceberg, namedTable } = await import("./iceberg/index.js");
    const { root, ...named } = namedTable(path);
    return over(await openStorage(root, options), (storage) => openIceberg(storage, { at: options.at, ...named }));
  },
  paimon: async (path, options) => {
    const { openPaimon } = await import("./paimon/index.js");
    return over(await openStorage(path, options), (storage) => openPaimon(storage, { at: options.at }));
  },
  parquet: (path, options) => plainFiles("parquet", path, options),
  csv: (path, options, stated) => plainFiles("csv", path, { ...options, stated }),
  jsonl: (path, options) => plainFiles("jsonl", path, options),
  orc: (path, options) => plainFiles("orc", path, options),
  avro: (path, options) => plainFiles("avro", path, options),
};

/**
 * Opens a SOURCE: `NAME:REST`, where NAME is a format (REST is a path, for plain files also a glob) or a
 * connection. Throws DW-SOURCE-UNKNOWN, and whatever the reader throws.
 */
export async function openSource(spec: string, options: OpenSourceOptions): Promise<SourceTable> {
  const [, name = "", said = "", rest = ""] = /^([^:,]*)((?:,[^:]*)?):(.*)$/s.exec(spec) ?? [];
  const format = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (format !== undefined && rest !== "") return format(rest, options, stated(spec, name, said));
  const table = name === "" || rest === "" ? undefined : await options.connection?.(name, rest);
  if (table !== undefined) return table;
  throw unknownSource(spec, name);
}

/** What `csv,header=no,null=NULL:PATH` says between NAME and the colon. */
function stated(spec: string, name: string, said: string): readonly string[] {
  if (said === "") return [];
  if (name === "csv") return said.slice(1).split(",");
  throw new DwError("DW-SOURCE-UNKNOWN", {
    what: `${JSON.stringify(spec)} names no source.`,
    why: `Options behind a comma are those of CSV files; ${name} files say themselves how they are read.`,
    fix: `Write ${name}:PATH.`,
  });
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

async function plainFiles(format: PlainFormat, path: string, options: OpenSourceOptions & Stated): Promise<SourceTable> {
  const { openFiles } = await import("./files/index.js");
  const { root, pattern } = isRemote(path) ? await splitAddress(path, options) : await splitPath(path, options.cwd);
  return over(await openStorage(root, options), (storage) => openFiles(storage, format, pattern, options));
}

/** As splitPath, on another machine. A query (`?user.name=`) goes with the root; what is no file there is a folder. */
async function splitAddress(address: string, options: OpenSourceOptions): Promise<{ root: string; pattern: string }> {
  const [, path = address, query = ""] = /^(.*?)(\?user\.name=[^/?*]*)?$/s.exec(address) ?? [];
  const start = path.indexOf("/", path.indexOf("://") + 3);
  const glob = path.search(/[*?]/);
  const slash = path.lastIndexOf("/", glob === -1 ? path.length : glob);
  if (start === -1 || slash < start || slash === path.length - 1) return { root: path + query, pattern: "" };
  const split = { root: path.slice(0, slash + (slash === start ? 1 : 0)) + query, pattern: path.slice(slash + 1) };
  if (glob !== -1) return split;
  const parent = await openStorage(split.root, options);
  const isFile = await parent.exists(split.pattern);
  await parent.close?.();
  return isFile ? split : { root: path + query, pattern: "" };
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
