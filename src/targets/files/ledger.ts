import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { DwError, isDwError } from "../../core/errors.js";
import type { Fingerprint } from "../../core/fingerprint.js";
import { ledgerConflict } from "../../core/ledger-letters.js";
import type { Storage, StorageWriter } from "../../core/storage.js";
import type { LedgerEntry, LoadedChunk, LoadIdentity } from "../../core/target.js";
import { fingerprintShape, identityShape } from "../ledger-shapes.js";

/*
 * The ledger of a folder lies in the folder, below `_dw`, which readers of tables do not look into. Before a chunk's files get
 * their names the ledger says which these will be, and how long; afterwards it says that they are there. So a run that died
 * in between is told by what lies there: all of them, and the chunk has arrived; or some, and they are taken away again.
 */

const FOLDER = "_dw";

/** A file of a chunk: its path below the target's folder, and its bytes. */
export interface ChunkFile {
  readonly path: string;
  readonly size: number;
}

export interface ChunkRecord extends LoadedChunk {
  readonly state: "publishing" | "loaded";
  readonly files: readonly ChunkFile[];
  /** Rows that were set aside; they lie in the file `rejected`. */
  readonly rejectedRows?: string;
  readonly rejected?: string;
}

interface Head {
  readonly identity: LoadIdentity;
  readonly startedAt: string;
  readonly baseline: Fingerprint;
}

const headShape = z.object({
  identity: identityShape,
  startedAt: z.string(),
  baseline: fingerprintShape,
});
const recordShape = z.object({
  chunk: z.string(),
  title: z.string(),
  fingerprint: fingerprintShape,
  loadedAt: z.string(),
  state: z.enum(["publishing", "loaded"]),
  files: z.array(z.object({ path: z.string(), size: z.number() })),
  rejectedRows: z.string().exactOptional(),
  rejected: z.string().exactOptional(),
});

export class FolderLedger {
  /** Names files of this backfill apart from those of others in the same folder. */
  readonly key: string;
  private readonly folder: string;

  constructor(
    private readonly writer: StorageWriter,
    backfill: string,
  ) {
    this.key = createHash("sha256").update(backfill, "utf8").digest("hex").slice(0, 8);
    this.folder = `${FOLDER}/${backfill.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 60)}-${this.key}`;
  }

  /** Where the rejected rows of a chunk lie. */
  rejectedPath(chunk: string): string {
    return `${this.folder}/rejected-${chunk}.jsonl`;
  }

  async entry(): Promise<LedgerEntry | undefined> {
    const storage = await this.writer.look();
    const head = storage && (await this.head(storage));
    return head && { ...head, chunks: (await this.records()).filter(({ state }) => state === "loaded") };
  }

  /** Takes the ledger for this identity. DW-LEDGER-CONFLICT. */
  async claim(identity: LoadIdentity, baseline: () => Promise<Fingerprint>): Promise<Fingerprint> {
    const storage = await this.writer.look();
    const head = storage && (await this.head(storage));
    if (head?.identity.digest === identity.digest) return head.baseline;
    if (head !== undefined && (await this.records()).length > 0) throw ledgerConflict(identity, this.writer.root, head.identity.source);
    const taken = await baseline();
    await this.write("backfill.json", { identity, startedAt: new Date().toISOString(), baseline: taken } satisfies Head);
    return taken;
  }

  async records(): Promise<readonly ChunkRecord[]> {
    const storage = await this.writer.look();
    if (storage === undefined) return [];
    const { files } = await storage.list(this.folder);
    const records: ChunkRecord[] = [];
    for (const { path } of files) {
      if (/\/chunk-[^/]+\.json$/.test(path)) records.push(await parsed(storage, path, recordShape));
    }
    return records;
  }

  async record(chunk: string): Promise<ChunkRecord | undefined> {
    const storage = await this.writer.look();
    const path = this.recordPath(chunk);
    return storage !== undefined && (await storage.exists(path)) ? parsed(storage, path, recordShape) : undefined;
  }

  async keep(record: ChunkRecord): Promise<void> {
    await this.write(`chunk-${record.chunk}.json`, record);
  }

  async forgetChunk(chunk: string): Promise<void> {
    await this.writer.remove([this.recordPath(chunk)]);
  }

  async forget(): Promise<void> {
    const storage = await this.writer.look();
    // The head goes last: until then the rest is found again.
    const paths = (await storage?.list(this.folder))?.files.map(({ path }) => path) ?? [];
    const head = `${this.folder}/backfill.json`;
    await this.writer.remove(paths.filter((path) => path !== head));
    await this.writer.remove([head]);
  }

  private recordPath(chunk: string): string {
    return `${this.folder}/chunk-${chunk}.json`;
  }

  private async head(storage: Storage): Promise<Head | undefined> {
    const path = `${this.folder}/backfill.json`;
    return (await storage.exists(path)) ? parsed(storage, path, headShape) : undefined;
  }

  private async write(name: string, value: unknown): Promise<void> {
    const stage = await this.writer.stage();
    try {
      const local = join(stage.folder, name);
      await writeFile(local, `${JSON.stringify(value, null, 2)}\n`);
      await this.writer.put(local, `${this.folder}/${name}`);
    } finally {
      await stage.release();
    }
  }
}

async function parsed<Value>(storage: Storage, path: string, shape: z.ZodType<Value>): Promise<Value> {
  const text = Buffer.from(await storage.read(path)).toString("utf8");
  try {
    return shape.parse(JSON.parse(text));
  } catch (error) {
    if (isDwError(error)) throw error;
    throw new DwError("DW-FILE-CORRUPT", {
      what: `${path} below ${storage.root} is no record of a backfill.`,
      why: "It says which chunks have arrived; without it rows could be loaded twice.",
      fix: "Restore the file, or start over with `dw backfill reset --empty`.",
      cause: error,
    });
  }
}
