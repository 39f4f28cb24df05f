import { gunzipSync } from "node:zlib";
import pLimit from "p-limit";
import { DwError } from "../../core/errors.js";
import type { Storage } from "../../core/storage.js";
import { corrupt, tooLarge } from "../../formats/damage.js";
import { parseMetadata, type TableMetadata } from "./metadata.js";

/*
 * Which metadata file is the current one is known to a catalog, and the export is only a folder. Hadoop tables leave a
 * hint, which may be behind; for others the file that was written last is the one that a catalog points to.
 */

/** `v3.metadata.json`, `00002-<uuid>.metadata.json`, gzip before or after `.metadata.json`. */
const fileName = /^(?:v(\d+)|(\d+)-.+)(?:\.gz)?\.metadata\.json(?:\.gz)?$/;

const otherName = /\.metadata\.json(?:\.gz)?$/;

const MAX_METADATA_BYTES = 256 * 1024 * 1024;
const HEAD_BYTES = 4096;

interface Candidate {
  readonly path: string;
  readonly version: number;
  /** Named by a Hadoop table (`v3`), not by a metastore. */
  readonly numbered: boolean;
}

/** The table's current metadata. DW-TABLE-MISSING where the folder holds no table. */
export async function discover(storage: Storage, chosen?: string): Promise<TableMetadata> {
  const path = chosen ?? (await currentFile(storage));
  return parseMetadata(await metadataText(storage, path), path);
}

async function currentFile(storage: Storage): Promise<string> {
  const { files } = await storage.list("metadata");
  const named = files.flatMap((file) => candidate(file.path));
  // catalogs name them as they like; what they hold tells the last one
  const others = files.filter(({ path }) => otherName.test(path)).map(({ path }) => ({ path, version: 0, numbered: false }));
  const candidates = named.length > 0 ? named : others;
  if (candidates.length === 0) throw missing(storage);
  const hinted = files.some((file) => baseName(file.path) === "version-hint.text") ? await fromHint(storage, candidates) : undefined;
  return hinted ?? (await writtenLast(storage, candidates));
}

function candidate(path: string): readonly Candidate[] {
  const match = fileName.exec(baseName(path));
  if (match === null) return [];
  return [{ path, version: Number(match[1] ?? match[2]), numbered: match[1] !== undefined }];
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** The hint is written after the file, so it may be behind: go on from it while there is a next version. */
async function fromHint(storage: Storage, candidates: readonly Candidate[]): Promise<string | undefined> {
  const hint = Buffer.from(await storage.read("metadata/version-hint.text"))
    .toString("utf8")
    .trim();
  const named = candidates.find(({ path }) => hint !== "" && baseName(path).startsWith(`${hint}.`));
  const versions = new Map(candidates.filter(({ numbered }) => numbered).map((file) => [file.version, file.path]));
  let version = /^\d+$/.test(hint) ? Number(hint) : (named?.version ?? Number.NaN);
  if (named !== undefined && !named.numbered) return named.path;
  while (versions.has(version + 1)) version++;
  return versions.get(version);
}

/** By `last-updated-ms`; a table that was dropped and made again in the same folder has lower version numbers. */
async function writtenLast(storage: Storage, candidates: readonly Candidate[]): Promise<string> {
  if (candidates.length === 1 && candidates[0] !== undefined) return candidates[0].path;
  const limit = pLimit(16);
  const dated = await Promise.all(
    candidates.map((file) => limit(async () => ({ ...file, updated: await lastUpdated(storage, file.path) }))),
  );
  const [last] = dated.sort((a, b) => b.updated - a.updated || b.version - a.version || (a.path < b.path ? 1 : -1));
  if (last === undefined) throw missing(storage);
  return last.path;
}

/** Writers put `last-updated-ms` near the start; the whole file is read only where it is not there. */
async function lastUpdated(storage: Storage, path: string): Promise<number> {
  if (!path.includes(".gz")) {
    const length = Math.min(HEAD_BYTES, await storage.size(path));
    const head = Buffer.from(await storage.read(path, { start: 0, length })).toString("utf8");
    const found = /"last-updated-ms"\s*:\s*(\d{1,15})\s*[,}]/.exec(head);
    if (found !== null) return Number(found[1]);
  }
  const found = /"last-updated-ms"\s*:\s*(\d{1,15})\s*[,}]/.exec(await metadataText(storage, path));
  return found === null ? 0 : Number(found[1]);
}

async function metadataText(storage: Storage, path: string): Promise<string> {
  const bytes = await storage.read(path);
  // by content, not by name: catalogs have written gzip under the plain name
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzip(bytes, path) : bytes;
  return Buffer.from(plain.buffer, plain.byteOffset, plain.byteLength).toString("utf8");
}

function gunzip(bytes: Uint8Array, path: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: MAX_METADATA_BYTES });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ERR_BUFFER_TOO_LARGE") {
      throw tooLarge(path, "The metadata", MAX_METADATA_BYTES);
    }
    throw corrupt(path, "It does not decompress with gzip.", error);
  }
}

function missing(storage: Storage): DwError {
  return new DwError("DW-TABLE-MISSING", {
    what: `${storage.root} holds no Iceberg table.`,
    why: "Its folder metadata/ has no file named v<number>.metadata.json or <number>-<uuid>.metadata.json.",
    fix: "Name the table's folder (the one with metadata/ in it), or a metadata file.",
  });
}
