import { closeSync, ftruncateSync, openSync } from "node:fs";
import pLimit from "p-limit";
import type { Storage } from "../../core/storage.js";
import { localBytes, named, readAt, SpoolFolder, writeAll } from "../spool.js";
import type { ByteSource } from "./byte-source.js";
import { type ByteRange, type OrcFile, openOrc, POSTSCRIPT_BYTES, type Scope, tailStart } from "./file.js";

/**
 * An ORC file of a storage. Of one on another machine only what a reading needs is brought here, into a sparse local file:
 * its tail when it is opened, then the streams of the chosen columns in the stripes that a predicate leaves.
 */
export interface StoredOrc {
  readonly orc: OrcFile;
  /** Before `orc.batches` of the same request. */
  readonly bring: (request: Scope) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** A file of at most `small` bytes is copied whole. DW-FILE-MISSING, DW-FILE-CORRUPT, DW-SOURCE-UNSUPPORTED, DW-DISK-FULL. */
export async function openStoredOrc(storage: Storage, path: string, small = SMALL): Promise<StoredOrc> {
  return storage.remote === true ? openRemote(storage, path, small) : openHere(storage, path);
}

async function openHere(storage: Storage, path: string): Promise<StoredOrc> {
  const copy = await storage.local(path);
  const source = localBytes(copy.path);
  const close = async (): Promise<void> => {
    source.close();
    await copy.release();
  };
  try {
    return { orc: await named(path, () => openOrc(source)), bring: async () => {}, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Most tails are shorter; a longer one takes a second reading. */
const TAIL = 64 * 1024;
/** To ask several times for a small file, or for most of one, takes longer than to copy it whole. */
const SMALL = 4 * 1024 * 1024;
const MOST = 0.75;

async function openRemote(storage: Storage, path: string, small: number): Promise<StoredOrc> {
  const folder = new SpoolFolder("orc");
  const parts = new Parts(await storage.size(path), await folder.file("orc"), (start, length) => storage.read(path, { start, length }));
  const copies: { readonly release: () => Promise<void> }[] = [];
  const close = async (): Promise<void> => {
    parts.close();
    await Promise.all([folder.close(), ...copies.map(({ release }) => release())]);
  };
  const whole = async (): Promise<void> => {
    const copy = await storage.local(path);
    copies.push(copy);
    parts.replace(copy.path);
  };
  try {
    const orc = await named(path, async () => {
      await parts.fetch([lastBytes(parts.size, Math.max(TAIL, POSTSCRIPT_BYTES))]);
      await parts.fetch([lastBytes(parts.size, parts.size - tailStart(parts))]);
      return openOrc(parts);
    });
    const bring = async (request: Scope): Promise<void> => {
      if (parts.size <= small) return whole();
      await parts.fetch(orc.stripeFooters(request));
      const streams = orc.streams(request);
      return bytesOf(streams) > parts.size * MOST ? whole() : parts.fetch(streams);
    };
    return { orc, bring: (request) => named(path, () => bring(request)), close };
  } catch (error) {
    await close();
    throw error;
  }
}

function bytesOf(ranges: readonly ByteRange[]): number {
  return ranges.reduce((sum, { length }) => sum + length, 0);
}

function lastBytes(size: number, length: number): ByteRange {
  return { start: Math.max(0, size - length), length: Math.min(size, length) };
}

/** Ranges that are not farther apart are brought as one. */
const GAP = 256 * 1024;
/** Bytes of one request, and how many are under way: both bound the memory. */
const PART = 8 * 1024 * 1024;
const AT_ONCE = 4;

/** Some bytes of a file elsewhere, where they belong in a sparse local file. */
class Parts implements ByteSource {
  private file: number;
  private readonly here: ByteRange[] = [];

  constructor(
    readonly size: number,
    to: string,
    private readonly get: (start: number, length: number) => Promise<Uint8Array>,
  ) {
    this.file = openSync(to, "wx+", 0o600);
    ftruncateSync(this.file, size);
  }

  async fetch(ranges: readonly ByteRange[]): Promise<void> {
    const limit = pLimit(AT_ONCE);
    const missing = joined(ranges.filter((range) => !this.has(range)));
    await Promise.all(
      missing.flatMap(pieces).map(({ start, length }) => limit(async () => writeAll(this.file, await this.get(start, length), start))),
    );
    this.here.push(...missing);
  }

  /** All of it lies in another local file. */
  replace(path: string): void {
    closeSync(this.file);
    this.file = openSync(path, "r");
    this.here.push({ start: 0, length: this.size });
  }

  read(start: number, length: number): Uint8Array {
    // a hole reads as zeros, which would be rows of zeros
    if (!this.has({ start, length })) throw new Error(`bytes ${start} to ${start + length} were not asked for before they are read`);
    return readAt(this.file, start, length);
  }

  close(): void {
    closeSync(this.file);
  }

  private has({ start, length }: ByteRange): boolean {
    return length === 0 || this.here.some((known) => known.start <= start && start + length <= known.start + known.length);
  }
}

/** In order, with the small gaps between them. */
function joined(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const found: { start: number; length: number }[] = [];
  for (const { start, length } of [...ranges].sort((a, b) => a.start - b.start)) {
    const last = found.at(-1);
    if (last !== undefined && start <= last.start + last.length + GAP) last.length = Math.max(last.length, start + length - last.start);
    else found.push({ start, length });
  }
  return found;
}

function pieces({ start, length }: ByteRange): readonly ByteRange[] {
  return Array.from({ length: Math.ceil(length / PART) }, (_, index) => ({
    start: start + index * PART,
    length: Math.min(PART, length - index * PART),
  }));
}
