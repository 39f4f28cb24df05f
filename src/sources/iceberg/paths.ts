import { DwError } from "../../core/errors.js";
import type { Storage } from "../../core/storage.js";

/*
 * Locations in metadata are those of the warehouse that wrote them (s3a://…, hdfs://…, file:/…). Here they are mapped to
 * where the export lies: below the table's own location as they stand; below another known prefix (`write.data.path`, a
 * location that the table has left, the folder of imported files) where the file is found in the export. Everything else
 * is outside.
 */

export interface PathMap {
  /** Path below the export's root. DW-FILE-OUTSIDE where there is none. */
  readonly below: (location: string) => Promise<string>;
}

/** Folders that writers put below a table; where a file's old prefix is unknown, what follows the last of them is tried. */
const knownFolders = ["data", "metadata"];

const prefixProperties = ["write.data.path", "write.object-storage.path", "write.folder-storage.path", "write.metadata.path"];

export function pathMap(storage: Storage, location: string, properties: ReadonlyMap<string, string>): PathMap {
  const home = normalise(location);
  const prefixes = prefixProperties.flatMap((name) => {
    const prefix = properties.get(name);
    return prefix === undefined ? [] : [normalise(prefix)];
  });
  /** Foreign prefixes and what they turned out to be in the export, so that only the first file of each is looked for. */
  const moved = new Map<string, string>();

  const below = async (text: string): Promise<string> => {
    const path = normalise(text);
    if (path.split("/").includes("..")) throw outside(text, storage);
    const own = tail(path, home) ?? (hasScheme(text) || text.startsWith("/") ? undefined : path);
    if (own !== undefined) return own;
    for (const [prefix, folder] of moved) {
      const rest = tail(path, prefix);
      if (rest !== undefined) return folder + rest;
    }
    for (const guess of guesses(path, prefixes)) {
      if (await storage.exists(guess.folder + guess.rest)) {
        moved.set(guess.prefix, guess.folder);
        return guess.folder + guess.rest;
      }
    }
    throw outside(text, storage);
  };
  return { below };
}

interface Guess {
  readonly prefix: string;
  readonly folder: string;
  readonly rest: string;
}

function guesses(path: string, prefixes: readonly string[]): readonly Guess[] {
  const found: Guess[] = [];
  for (const prefix of prefixes) {
    const rest = tail(path, prefix);
    if (rest === undefined) continue;
    const last = prefix.slice(prefix.lastIndexOf("/") + 1);
    for (const folder of ["", "data/", `${last}/`]) found.push({ prefix, folder, rest });
  }
  const segments = path.split("/");
  for (const name of knownFolders) {
    const index = segments.lastIndexOf(name);
    if (index > 0)
      found.push({ prefix: segments.slice(0, index + 1).join("/"), folder: `${name}/`, rest: segments.slice(index + 1).join("/") });
  }
  return [...found, ...shorter(segments)];
}

/** Imported files (add_files) lie anywhere: what is left of a path when its first folders are taken off, down to one folder and the name. */
function shorter(segments: readonly string[]): readonly Guess[] {
  return segments.slice(1, -1).flatMap((segment, at) => {
    if (segment === "") return [];
    const [prefix, rest] = [segments.slice(0, at + 1).join("/"), segments.slice(at + 1).join("/")];
    return ["", "data/"].map((folder) => ({ prefix, folder, rest }));
  });
}

function tail(path: string, prefix: string): string | undefined {
  return path.startsWith(`${prefix}/`) ? path.slice(prefix.length + 1).replace(/^\/+/, "") : undefined;
}

function hasScheme(text: string): boolean {
  return /^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(text);
}

/** One spelling a place: `s3a` and `s3n` are `s3`; `file:/x`, `file:///x` and `/x` are one; no slash at the end. */
function normalise(text: string): string {
  const match = /^([a-zA-Z][a-zA-Z0-9+.-]*):(.*)$/s.exec(text);
  const scheme = match?.[1]?.toLowerCase() ?? "file";
  const rest = match === null ? text : (match[2] ?? "");
  const trimmed = withoutSlashes(rest);
  if (scheme === "file") return trimmed.replace(/^\/\/+/, "/");
  return `${/^s3[an]$/.test(scheme) ? "s3" : scheme}:${trimmed.replace(/^\/*/, "//")}`;
}

/** A loop, because the expression for it takes quadratic time on a path of slashes. */
function withoutSlashes(text: string): string {
  let end = text.length;
  while (end > 0 && text[end - 1] === "/") end--;
  return text.slice(0, end);
}

function outside(location: string, storage: Storage): DwError {
  return new DwError("DW-FILE-OUTSIDE", {
    what: `The table's metadata names ${location.slice(0, 300)}, which is not below ${storage.root}.`,
    why: "A path in metadata must not lead out of the export: it may come from anyone.",
    fix: "Copy the file into the export, at the same place relative to the table's location.",
  });
}
