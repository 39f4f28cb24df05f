import { execFile } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Catalog } from "../core/catalog.js";
import { DwError } from "../core/errors.js";
import { lastState } from "../core/migration.js";
import { parseCatalog } from "./catalog-file.js";
import { readHistory } from "./migrate/folder.js";

const run = promisify(execFile);
/** A catalog of 1,000 tables is some 5 MB. */
const CATALOG_BYTES = 256 * 1024 * 1024;

/**
 * `git:REF`: the committed generated/<warehouse>/catalog.json of a revision. Runs none of that revision's code. A warehouse that
 * the revision does not have yet is empty. Throws DW-USAGE for a reference that git does not know, and where there is no git.
 */
export async function committedCatalog(root: string, ref: string, warehouse: string): Promise<Catalog> {
  const commit = await git(root, ["rev-parse", "--verify", "--quiet", "--end-of-options", `${ref}^{commit}`]).catch((cause: unknown) => {
    if (cause instanceof DwError) throw cause;
    throw new DwError("DW-USAGE", {
      what: `git knows no revision ${JSON.stringify(ref)} in ${root}.`,
      why: "git:REF is a branch, a tag or a commit of the project's repository.",
      fix: "Fetch it first (CI checkouts are often shallow: fetch-depth 0), or correct the name.",
      cause,
    });
  });
  const path = `./generated/${warehouse}/catalog.json`;
  const listed = await git(root, ["ls-tree", "--name-only", commit.trim(), path]);
  if (listed.trim() === "") return { warehouse, objects: [] };
  return parseCatalog(await git(root, ["show", `${commit.trim()}:${path}`]), `${ref}:generated/${warehouse}/catalog.json`);
}

async function git(cwd: string, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run("git", [...args], { cwd, maxBuffer: CATALOG_BYTES });
    return stdout;
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ENOENT" ? noGit(error) : error; // execFile's: the program is not there
  }
}

function noGit(cause: unknown): DwError {
  return new DwError("DW-USAGE", {
    what: "git is not installed on this machine, or not on the PATH.",
    why: "git:REF asks git for the catalog of a revision.",
    fix: "Install git, or compare with a folder: dir:PATH.",
    cause,
  });
}

/** `dir:PATH`: a folder with catalog.json (generated/, or a warehouse's folder in it) or with migrations. DW-USAGE when it has neither. */
export async function folderCatalog(folder: string, warehouse: string): Promise<Catalog> {
  for (const path of [join(folder, "catalog.json"), join(folder, warehouse, "catalog.json")]) {
    if (await exists(path)) return parseCatalog(await readFile(path, "utf8"), path);
  }
  for (const path of [folder, join(folder, warehouse)]) {
    if (await exists(join(path, "sum"))) return lastState(await readHistory(path, warehouse));
  }
  throw new DwError("DW-USAGE", {
    what: `${folder} has neither a catalog.json nor migrations of ${warehouse}.`,
    why: "dir:PATH is a folder that `dw generate` or `dw migrate new` wrote.",
    fix: "Name such a folder, for example `dir:../other/generated`.",
  });
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
