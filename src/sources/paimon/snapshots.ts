import { DwError } from "../../core/errors.js";
import type { At } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { damaged, noSnapshot, outside } from "./letters.js";
import { isPlainName, readJson, readText } from "./metadata.js";
import { numbered } from "./schema.js";
import { isObject } from "./types.js";

/** One `snapshot-N` or tag (Paimon, "Specification / Snapshot"). Names are plain file names below `manifest/`. */
export interface Snapshot {
  readonly id: number;
  readonly schemaId: number;
  readonly baseManifestList: string;
  readonly deltaManifestList: string;
  readonly indexManifest?: string;
  readonly kind: string;
  /** The writer's own number of the commit. */
  readonly commitIdentifier?: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly totalRows?: number;
}

/** What is read: a branch's folder (empty for main, else ending in a slash) and its snapshot; none in a table without one. */
export interface Found {
  readonly folder: string;
  readonly branch: string;
  readonly snapshot: Snapshot | undefined;
  /** An older state was asked for: its schema is the snapshot's own, not the newest. */
  readonly travelled: boolean;
}

/** Answers DW-SNAPSHOT-MISSING when the state that was asked for is not there. */
export async function find(storage: Storage, at: At): Promise<Found> {
  if (at.ref !== undefined) return findRef(storage, at.ref);
  const main = { folder: "", branch: "main" };
  if (at.snapshot !== undefined) return { ...main, snapshot: await numberedSnapshot(storage, at.snapshot), travelled: true };
  if (at.asOf !== undefined) return { ...main, snapshot: await snapshotAsOf(storage, at.asOf), travelled: true };
  return { ...main, snapshot: await latest(storage, ""), travelled: false };
}

/** A tag, or else a branch. */
async function findRef(storage: Storage, ref: string): Promise<Found> {
  if (!isPlainName(ref)) throw noSnapshot(`There is no tag or branch ${JSON.stringify(ref)}.`, "Run `dw inspect` to see which there are.");
  const tag = `tag/tag-${ref}`;
  if (await storage.exists(tag)) {
    return { folder: "", branch: "main", snapshot: await readSnapshot(storage, tag), travelled: true };
  }
  if (ref === "main") return { folder: "", branch: ref, snapshot: await latest(storage, ""), travelled: false };
  const folder = `branch/branch-${ref}/`;
  const { folders, files } = await storage.list(folder.slice(0, -1));
  if (folders.length + files.length > 0) return { folder, branch: ref, snapshot: await latest(storage, folder), travelled: false };
  throw noSnapshot(`There is no tag or branch ${ref}.`, "Run `dw inspect` to see which there are.");
}

async function numberedSnapshot(storage: Storage, text: string): Promise<Snapshot> {
  const id = /^\d{1,15}$/.test(text) ? Number(text) : undefined;
  if (id !== undefined) {
    const file = `snapshot/snapshot-${id}`;
    if (await storage.exists(file)) return readSnapshot(storage, file);
    // An expired snapshot lives on in a tag.
    const tagged = (await tags(storage)).find((tag) => tag.snapshot.id === id);
    if (tagged !== undefined) return tagged.snapshot;
  }
  throw noSnapshot(
    `There is no snapshot ${text}.`,
    "Run `dw inspect` to see which snapshots and tags are left; expired ones cannot be read.",
  );
}

async function snapshotAsOf(storage: Storage, time: number): Promise<Snapshot> {
  const found = await lastUntil(storage, "", time);
  if (found !== undefined) return found;
  throw noSnapshot(
    `There is no snapshot at ${new Date(time).toISOString()} or before.`,
    "Ask for a later time; `dw inspect` lists the snapshots that are left.",
  );
}

async function lastUntil(storage: Storage, folder: string, time: number): Promise<Snapshot | undefined> {
  const ids = await snapshotIds(storage, folder);
  // Commit times never decrease with the id, so that a bisection reads few files.
  let found: Snapshot | undefined;
  for (let low = 0, high = ids.length - 1; low <= high; ) {
    const middle = (low + high) >> 1;
    const snapshot = await readSnapshot(storage, `${folder}snapshot/snapshot-${ids[middle]}`);
    if (snapshot.time <= time) {
      found = snapshot;
      low = middle + 1;
    } else high = middle - 1;
  }
  return found;
}

/**
 * The state of a branch that goes with another branch's: its tag of the same name, or what it was when that one was as
 * asked. A branch that is younger is read at its first snapshot, as the reference does.
 */
export async function findBeside(storage: Storage, branch: string, other: Found, at: At): Promise<Found> {
  const folder = branch === "main" ? "" : `branch/branch-${branch}/`;
  if (!other.travelled) return { folder, branch, snapshot: await latest(storage, folder), travelled: false };
  const tag = `${folder}tag/tag-${at.ref}`;
  if (at.ref !== undefined && !(await storage.exists(tag))) {
    throw noSnapshot(
      `The branch ${branch}, which holds partitions that the table lacks, has no tag ${at.ref}.`,
      "Run `dw inspect` to see which there are.",
    );
  }
  if (at.ref !== undefined) return { folder, branch, snapshot: await readSnapshot(storage, tag), travelled: true };
  const time = at.asOf ?? other.snapshot?.time ?? 0;
  const [first] = await snapshotIds(storage, folder);
  const early = first === undefined ? undefined : await readSnapshot(storage, `${folder}snapshot/snapshot-${first}`);
  return { folder, branch, snapshot: (await lastUntil(storage, folder, time)) ?? early, travelled: true };
}

/**
 * The hint file LATEST may be stale or missing: it is believed only when its snapshot exists and the next one does not.
 */
async function latest(storage: Storage, folder: string): Promise<Snapshot | undefined> {
  const id = (await hinted(storage, folder)) ?? (await snapshotIds(storage, folder)).at(-1);
  return id === undefined ? undefined : readSnapshot(storage, `${folder}snapshot/snapshot-${id}`);
}

async function hinted(storage: Storage, folder: string): Promise<number | undefined> {
  const hint = `${folder}snapshot/LATEST`;
  if (!(await storage.exists(hint))) return undefined;
  const text = (await readText(storage, hint)).trim();
  if (!/^\d{1,15}$/.test(text)) return undefined;
  const id = Number(text);
  const file = (number: number): string => `${folder}snapshot/snapshot-${number}`;
  return (await storage.exists(file(id))) && !(await storage.exists(file(id + 1))) ? id : undefined;
}

/** The newest snapshot that a compaction committed, or the newest of all; with `every`, a full one (which comes every so many commits). */
export async function lastCompacted(storage: Storage, folder: string, newest: Snapshot, every: number | undefined): Promise<Snapshot> {
  const ids = await snapshotIds(storage, folder);
  for (const id of ids.filter((number) => number <= newest.id).reverse()) {
    const snapshot = await readSnapshot(storage, `${folder}snapshot/snapshot-${id}`);
    const { kind, commitIdentifier = 0 } = snapshot;
    if (kind === "COMPACT" && (every === undefined || commitIdentifier % every === 0 || commitIdentifier >= LAST_IDENTIFIER))
      return snapshot;
  }
  return newest;
}

/** Java's greatest long, with which batch jobs commit. */
const LAST_IDENTIFIER = 2 ** 63;

export async function snapshotIds(storage: Storage, folder: string): Promise<readonly number[]> {
  const { files } = await storage.list(`${folder}snapshot`);
  return files.flatMap(({ path }) => numbered(path, "snapshot-") ?? []).sort((a, b) => a - b);
}

export async function tags(storage: Storage): Promise<readonly { readonly name: string; readonly snapshot: Snapshot }[]> {
  const { files } = await storage.list("tag");
  const names = files.flatMap(({ path }) => prefixed(path, "tag-") ?? []).sort();
  return Promise.all(names.map(async (name) => ({ name, snapshot: await readSnapshot(storage, `tag/tag-${name}`) })));
}

export async function branches(storage: Storage): Promise<readonly string[]> {
  const { folders } = await storage.list("branch");
  return folders.flatMap((path) => prefixed(path, "branch-") ?? []).sort();
}

function prefixed(path: string, prefix: string): string | undefined {
  const name = path.replace(/\/$/, "").split("/").at(-1) ?? "";
  return name.startsWith(prefix) && name.length > prefix.length ? name.slice(prefix.length) : undefined;
}

export async function readSnapshot(storage: Storage, file: string): Promise<Snapshot> {
  const json = await readJson(storage, file);
  if (!isObject(json)) throw damaged(file, "It is not a JSON object.");
  const whole = (member: string): number => {
    const value = json[member];
    if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw damaged(file, `Its ${member} is not a number.`);
    return value;
  };
  const version = typeof json.version === "number" ? json.version : 1;
  if (version > NEWEST_VERSION) {
    throw new DwError("DW-SOURCE-UNSUPPORTED", {
      what: `${file} has the snapshot format ${version}.`,
      why: `dw knows the formats up to ${NEWEST_VERSION}; a newer one may mean its members differently.`,
      fix: "Update dw, or export the table with an older release of Paimon.",
    });
  }
  const name = (member: string): string => {
    const value = json[member];
    if (typeof value !== "string") throw damaged(file, `It names no ${member}.`);
    if (!isPlainName(value)) throw outside(value, "Copy the table again from where it was exported.");
    return value;
  };
  return {
    id: whole("id"),
    schemaId: whole("schemaId"),
    baseManifestList: name("baseManifestList"),
    deltaManifestList: name("deltaManifestList"),
    ...(typeof json.indexManifest === "string" ? { indexManifest: name("indexManifest") } : {}),
    kind: typeof json.commitKind === "string" ? json.commitKind : "?",
    ...(typeof json.commitIdentifier === "number" ? { commitIdentifier: json.commitIdentifier } : {}),
    time: whole("timeMillis"),
    ...(typeof json.totalRecordCount === "number" ? { totalRows: json.totalRecordCount } : {}),
  };
}

const NEWEST_VERSION = 3;
