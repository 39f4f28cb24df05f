import { join } from "node:path";
import { createJiti } from "jiti";

/** Imports a TypeScript or JavaScript file by absolute path and gives its exports. Files that import each other share one instance. */
export type ImportFile = (file: string) => Promise<Readonly<Record<string, unknown>>>;

/**
 * An importer for a project's own files. `dwright` in them is the running package, wherever that is installed, so that a
 * model and the program that reads it never come from two versions. Compiled text is kept in `.dw/cache`: inside the
 * project, because a cache in a shared temporary folder could be written by others and would then be executed.
 */
export async function importer(root: string): Promise<ImportFile> {
  const jiti = createJiti(join(root, "dw.config.ts"), {
    fsCache: join(root, ".dw", "cache", "models"),
    virtualModules: { dwright: await import("../index.js") },
    interopDefault: false,
  });
  return async (file) => (await jiti.import(file)) as Readonly<Record<string, unknown>>; // a module namespace
}
