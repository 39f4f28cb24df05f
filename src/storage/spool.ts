import { rmSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DwError } from "../core/errors.js";

/** Bytes of copies that are kept for another reading; those in use may be more. */
const KEPT = 4 * 1024 ** 3;

export interface Wanted {
  /** What the copy is of; the same key is the same file. */
  readonly key: string;
  readonly size: () => Promise<number>;
  /** Writes the copy, whole, to a path that does not exist yet. */
  readonly fetch: (path: string, size: number) => Promise<void>;
}

export interface Copy {
  readonly path: string;
  readonly size: number;
  readonly release: () => Promise<void>;
}

interface Entry {
  readonly key: string;
  readonly path: Promise<string>;
  size: number;
  ready: boolean;
  pins: number;
  /** When it was last let go, by the spool's own count. */
  used: number;
}

/**
 * Copies of files that lie elsewhere, in one temporary folder. A file that several ask for at once is fetched once; copies
 * in use stay; of the others the least recently used go when `kept` bytes are exceeded. The folder goes with the process,
 * also after a signal. DW-DISK-FULL when a copy does not fit.
 */
export class Spool {
  private readonly entries = new Map<string, Entry>();
  private folder: Promise<string> | undefined;
  private count = 0;
  private clock = 0;

  constructor(private readonly kept = KEPT) {}

  async copy(wanted: Wanted): Promise<Copy> {
    const entry = this.entry(wanted);
    entry.pins++;
    let held = true;
    const release = async (): Promise<void> => {
      if (!held) return;
      held = false;
      entry.pins--;
      entry.used = ++this.clock;
      await this.makeRoom();
    };
    try {
      return { path: await entry.path, size: entry.size, release };
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** A copy that is here already, or on its way: the same bytes are not fetched twice. */
  async present(key: string): Promise<Copy | undefined> {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    await entry.path.catch(() => undefined);
    return this.entries.get(key)?.ready ? this.copy({ key, size: never, fetch: never }) : undefined;
  }

  /** Fetches ahead of use, as far as half of the room goes. What fails here fails again, and is told, when it is used. */
  prefetch(wanted: Wanted): void {
    if (this.entries.has(wanted.key) || this.held() > this.kept / 2) return;
    this.entry(wanted).path.catch(() => undefined);
  }

  /** Deletes the copies of these keys that nobody uses. */
  async drop(isDropped: (key: string) => boolean): Promise<void> {
    const gone = [...this.entries.values()].filter((entry) => isDropped(entry.key) && entry.pins === 0);
    await Promise.all(gone.map((entry) => this.remove(entry)));
  }

  private entry(wanted: Wanted): Entry {
    const known = this.entries.get(wanted.key);
    if (known !== undefined) return known;
    const entry: Entry = { key: wanted.key, size: 0, ready: false, pins: 0, used: ++this.clock, path: this.fetched(wanted, () => entry) };
    this.entries.set(wanted.key, entry);
    return entry;
  }

  private async fetched(wanted: Wanted, entryOf: () => Entry): Promise<string> {
    const path = join(await this.ownFolder(), `${++this.count}${extension(wanted.key)}`); // DuckDB looks at names, too
    const entry = entryOf();
    try {
      entry.size = await wanted.size();
      await this.makeRoom();
      await wanted.fetch(path, entry.size);
      entry.ready = true;
      return path;
    } catch (error) {
      this.entries.delete(wanted.key); // the next one who asks tries again
      await rm(path, { force: true });
      throw isDiskFull(error) ? diskFull(tmpdir(), entry.size, error) : error;
    }
  }

  private held(): number {
    return [...this.entries.values()].reduce((sum, { size }) => sum + size, 0);
  }

  /** Sizes of copies that are being fetched count from the start. */
  private async makeRoom(): Promise<void> {
    const idle = [...this.entries.values()].filter(({ pins, ready }) => pins === 0 && ready).sort((a, b) => a.used - b.used);
    let held = this.held();
    for (const entry of idle) {
      if (held <= this.kept) return;
      if (entry.pins > 0) continue; // somebody took it while another was deleted
      held -= entry.size;
      await this.remove(entry);
    }
  }

  private async remove(entry: Entry): Promise<void> {
    this.entries.delete(entry.key);
    const path = await entry.path.catch(() => undefined);
    if (path !== undefined) await rm(path, { force: true });
  }

  private ownFolder(): Promise<string> {
    this.folder ??= mkdtemp(join(tmpdir(), "dw-spool-")).then((folder) => {
      process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
      return folder;
    });
    return this.folder;
  }
}

function never(): never {
  throw new Error("a copy that is here is not fetched");
}

function extension(key: string): string {
  return /\.[A-Za-z0-9]{1,10}$/.exec(key)?.[0] ?? "";
}

function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code; // errors of node:fs carry one
  return code === "ENOSPC" || code === "EDQUOT";
}

function diskFull(folder: string, size: number, cause: unknown): DwError {
  return new DwError("DW-DISK-FULL", {
    what: `A copy of ${size} bytes does not fit into ${folder}.`,
    why: "Data files that lie on another machine are copied there while they are read.",
    fix: "Make room, or set TMPDIR to a folder on a larger disk.",
    cause,
  });
}

/** One for the process: its bound is one of the machine's disk. */
export const spool = new Spool();
