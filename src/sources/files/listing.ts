import { DwError } from "../../core/errors.js";
import type { Storage, StoredFile } from "../../core/storage.js";

/** A file of a table, with the values that the folders above it give (`dt=2024-01-01`). */
export interface TableFile extends StoredFile {
  readonly partition: readonly PartitionValue[];
}

export interface PartitionValue {
  readonly name: string;
  readonly value: string | null;
}

export type Compression = "none" | "gzip" | "zstd" | "bzip2" | "deflate" | "snappy" | "lz4";

const compressions: Readonly<Record<string, Compression>> = {
  ...{ gz: "gzip", gzip: "gzip" },
  ...{ zst: "zstd", zstd: "zstd" },
  ...{ bz2: "bzip2", bzip2: "bzip2" },
  ...{ deflate: "deflate", snappy: "snappy", lz4: "lz4" }, // as Hadoop's codecs write them
};

export function compressionOf(path: string): Compression {
  return compressions[/\.([A-Za-z0-9]+)$/.exec(path)?.[1]?.toLowerCase() ?? ""] ?? "none";
}

const LISTING_LIMIT = 1_000_000;

/**
 * The files of a table, in order of their paths: one file, all files below a folder, or what a glob selects (`*` and `?`
 * inside a folder's name, `**` over folders). Markers and files that are being written (`_SUCCESS`, `.part.crc`) are left
 * out, as Spark and Hive do. Any other file in a folder that is not named like the format is refused: leaving it out
 * could read half of a table.
 */
export async function tableFiles(storage: Storage, pattern: string, extensions: readonly string[]): Promise<readonly TableFile[]> {
  if (pattern !== "" && (await storage.exists(pattern))) return [await oneFile(storage, pattern)];
  const isGlob = /[*?]/.test(pattern);
  const folder = isGlob ? "" : pattern;
  const found = await allFiles(storage, folder);
  const chosen = isGlob ? found.filter((file) => globPattern(pattern).test(file.path)) : found.filter((file) => !hidden(file.path, folder));
  if (!isGlob) refuseStrangers(chosen, extensions, storage.root);
  if (chosen.length === 0) throw noFiles(storage.root, pattern);
  const files = chosen.map((file) => ({ ...file, partition: partitionValues(file.path, folder) }));
  refuseMixedPartitions(files, storage.root);
  refuseTwice(files);
  return files;
}

async function oneFile(storage: Storage, path: string): Promise<TableFile> {
  return { path, size: await storage.size(path), partition: [] };
}

async function allFiles(storage: Storage, folder: string): Promise<StoredFile[]> {
  const files: StoredFile[] = [];
  const folders = [folder];
  for (let next = folders.pop(); next !== undefined; next = folders.pop()) {
    const at = next;
    const found = await storage.list(at);
    files.push(...found.files);
    folders.push(...found.folders.filter((name) => !hiddenName(name)).map((name) => (at === "" ? name : `${at}/${name}`)));
    if (files.length > LISTING_LIMIT) throw tooMany(storage.root);
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A partition folder may begin with an underscore: `_day=1` is none of Spark's markers. */
function hiddenName(name: string): boolean {
  return name.startsWith(".") || (name.startsWith("_") && !name.includes("="));
}

function hidden(path: string, folder: string): boolean {
  return path
    .slice(folder.length)
    .split("/")
    .some((part) => part !== "" && hiddenName(part));
}

/** A glob as a pattern over whole paths. */
function globPattern(glob: string): RegExp {
  const text = glob.replaceAll(/\*\*\/|\*\*|\*|\?|[\\^$.|+()[\]{}]/g, (part) => globParts[part] ?? `\\${part}`);
  return new RegExp(`^${text}$`, "u");
}

const globParts: Readonly<Record<string, string>> = { "**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]" };

function refuseStrangers(files: readonly StoredFile[], extensions: readonly string[], root: string): void {
  const stranger = files.find(({ path }) => !fits(path.slice(path.lastIndexOf("/") + 1), extensions));
  if (stranger === undefined) return;
  if (PACKED_OTHERWISE.test(stranger.path)) throw packedOtherwise(stranger.path);
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `${stranger.path} in ${root} is not named like the other files.`,
    why: `Files of this format end in ${extensions.map((extension) => `.${extension}`).join(", ")} or have no extension; to skip one could read half of a table.`,
    fix: "Select the files with a glob such as folder/**/*.parquet, or move the file away.",
  });
}

const PACKED_OTHERWISE = /\.(?:xz|lzma|lzo|br|zip|7z|z|rar|tar|tgz)$/i;

function packedOtherwise(path: string): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `${path} is packed in a way that dw does not unpack.`,
    why: `dw unpacks ${Object.keys(compressions)
      .map((ending) => `.${ending}`)
      .join(", ")}.`,
    fix: "Unpack it first, or pack it with one of these.",
  });
}

/** Hive writes `000000_0`, without an extension. */
function fits(name: string, extensions: readonly string[]): boolean {
  const parts = name.split(".");
  const plain = compressionOf(name) === "none" ? parts : parts.slice(0, -1);
  return plain.length < 2 || extensions.includes(plain.at(-1)?.toLowerCase() ?? "");
}

const NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__";

/** Folders named `name=value`, percent-escaped as Hive and Spark do. */
function partitionValues(path: string, folder: string): readonly PartitionValue[] {
  const folders = path.slice(folder === "" ? 0 : folder.length + 1).split("/");
  return folders.slice(0, -1).flatMap((part) => {
    const at = part.indexOf("=");
    if (at < 1) return [];
    const value = part.slice(at + 1);
    return [{ name: unescaped(part.slice(0, at)), value: value === NULL_PARTITION ? null : unescaped(value) }];
  });
}

/** `%2F` is a slash; a percent sign without two hexadecimal digits stands for itself. Escapes are bytes of UTF-8. */
function unescaped(text: string): string {
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => Buffer.from(escapes.replaceAll("%", ""), "hex").toString("utf8"));
}

function refuseMixedPartitions(files: readonly TableFile[], root: string): void {
  const names = (file: TableFile): string => file.partition.map(({ name }) => name).join("/");
  const [first] = files;
  const other = first && files.find((file) => names(file) !== names(first));
  if (first === undefined || other === undefined) return;
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `${root} mixes partition folders: ${first.path} and ${other.path}.`,
    why: "The files of one table have the same partition columns; here it is not clear which table this is.",
    fix: "Point SOURCE at one table, or select its files with a glob.",
  });
}

function refuseTwice([first]: readonly TableFile[]): void {
  const names = (first?.partition ?? []).map(({ name }) => name.toLowerCase());
  const twice = names.find((name, index) => names.indexOf(name) < index);
  if (first === undefined || twice === undefined) return;
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `Two folders above ${first.path} give the column ${twice}.`,
    why: "A row has one value of it, and it is not clear which.",
    fix: "Point SOURCE at a folder further down, or rename one of the folders.",
  });
}

function noFiles(root: string, pattern: string): DwError {
  return new DwError("DW-TABLE-MISSING", {
    what: `${root} holds no file${pattern === "" ? "" : ` that ${pattern} selects`}.`,
    why: "There is nothing to read; markers such as _SUCCESS and files that begin with a dot do not count.",
    fix: "Check the path and the glob.",
  });
}

function tooMany(root: string): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `${root} holds more than ${LISTING_LIMIT} files.`,
    why: "A listing is bounded, so that it cannot fill the memory.",
    fix: "Read it in parts: give a folder further down, or a glob.",
  });
}
