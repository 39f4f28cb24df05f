import type { DuckDbSession } from "../../core/source.js";
import { SpoolFolder } from "../../formats/spool.js";
import { ident } from "./schema.js";

let count = 0;

/** Temporary tables and spooled files of one open chunk; `close` lets all of them go, also after a failure. */
export class Scratch {
  private readonly cleanups: (() => Promise<void>)[] = [];
  private readonly folder = new SpoolFolder("iceberg");

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
  file(extension: string): Promise<string> {
    return this.folder.file(extension);
  }

  async close(): Promise<void> {
    const cleanups = [...this.cleanups.splice(0), () => this.folder.close()];
    const results = await Promise.allSettled(cleanups.map((cleanup) => cleanup()));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}
