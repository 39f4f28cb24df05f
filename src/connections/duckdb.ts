import { DwError } from "../core/errors.js";
import type { DuckDb } from "../core/session.js";

export interface OpenDuckDb {
  /** A file, or `:memory:`. */
  readonly path: string;
  /** `2GB`. */
  readonly memoryLimit?: string;
  readonly threads?: number;
  readonly tempDirectory?: string;
}

/** Opens a DuckDB database. DW-LOCKED when another process has the file. */
export async function openDuckDb({ path }: OpenDuckDb): Promise<DuckDb> {
  throw new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `${path} cannot be opened.`,
    why: "This build of dw has no DuckDB.",
    fix: "Use another slot.",
  });
}
