import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDbSession } from "../../core/source.js";
import { ident } from "./schema.js";

let count = 0;

/** Temporary tables and spooled files of one open chunk; `close` lets all of them go, also after a failure. */
export class Scratch {
  private readonly cleanups: (() => Promise<void>)[] = [];
  private folder: Promise<string> | undefined;

  constructor(private readonly db: DuckDbSession) {}

  later(cleanup: () => Promise<void>): void {
    this.cleanups.push(cleanup);
  }

  /** A new name, dropped at the end; the caller creates a temporary table of it. */
  table(purpose: string): string {
    const name = `dw_iceberg_${purpose}_${++count}`;
    this.later(() => this.db.run(`DROP TABLE IF EXISTS ${ident(name)}`));
    return name;
  }

  async createAs(purpose: string, select: string): Promise<string> {
    const name = this.table(purpose);
    await this.db.run(`CREATE TEMP TABLE ${ident(name)} AS ${select}`);
    return name;
  }

  /** A local file name for spooled rows. */
  async file(extension: string): Promise<string> {
    this.folder ??= this.makeFolder();
    return join(await this.folder, `${++count}.${extension}`);
  }

  private async makeFolder(): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "dw-iceberg-"));
    this.later(() => rm(folder, { recursive: true, force: true }));
    return folder;
  }

  async close(): Promise<void> {
    const results = await Promise.allSettled(this.cleanups.splice(0).map((cleanup) => cleanup()));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}
