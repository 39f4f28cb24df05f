import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { DwError } from "../core/errors.js";
import type { Storage } from "../core/storage.js";
import { openLocal } from "./local.js";

/** A scheme that names a place; one letter before a colon is a drive of Windows. */
const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):\/\//;

/**
 * The storage at a path as a person writes it: local, relative to `cwd`, or `file://`. Throws DW-TABLE-MISSING when there
 * is nothing, DW-SOURCE-UNSUPPORTED for a scheme that dw does not read.
 */
export async function openStorage(path: string, cwd: string): Promise<Storage> {
  const name = scheme.exec(path)?.[1]?.toLowerCase();
  if (name === undefined) return openLocal(resolve(cwd, path));
  if (name === "file") return openLocal(fileURLToPath(path));
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `dw does not read ${name}:// yet.`,
    why: "Exports are read from local folders.",
    fix: "Copy or mount the export locally, and give that path.",
  });
}
