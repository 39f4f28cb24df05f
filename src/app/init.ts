import { access, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { compareText } from "../core/catalog.js";
import { DwError } from "../core/errors.js";
import { type ProjectFile, projectFiles, type Template } from "../present/project-files.js";

export interface InitRequest {
  /** Absolute. */
  readonly folder: string;
  readonly template: Template;
}

export interface InitResult {
  readonly folder: string;
  readonly template: Template;
  /** Relative to the folder, sorted. */
  readonly files: readonly string[];
}

/** The package itself: two folders above this file, in src as in dist. */
const packageRoot = fileURLToPath(new URL("../..", import.meta.url));

/** Writes a working project, or nothing: DW-FILE-EXISTS names every file that stands in the way. */
export async function init({ folder, template }: InitRequest): Promise<InitResult> {
  const root = resolve(folder);
  const { version } = JSON.parse(await readFile(join(packageRoot, "package.json"), "utf8")) as { version: string }; // our own file
  const plain = projectFiles({ name: packageName(root), version, template });
  const files = [...plain, ...(template === "blank" ? [] : await templateModels(template))];
  await refuseToOverwrite(root, files);
  for (const file of files) {
    await mkdir(dirname(join(root, file.path)), { recursive: true });
    await writeFile(join(root, file.path), file.text, { flag: "wx" }); // a file that appeared meanwhile is not overwritten either
  }
  return { folder: root, template, files: files.map((file) => file.path).sort(compareText) };
}

/** The reference warehouse of that name, as it lies in the package. */
async function templateModels(template: Template): Promise<readonly ProjectFile[]> {
  const from = join(packageRoot, "models", template);
  const entries = await readdir(from, { withFileTypes: true, recursive: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return Promise.all(
    paths.map(async (path) => ({
      path: ["models", template, ...relative(from, path).split(sep)].join("/"),
      text: await readFile(path, "utf8"),
    })),
  );
}

async function refuseToOverwrite(root: string, files: readonly ProjectFile[]): Promise<void> {
  const there: string[] = [];
  for (const { path } of files) if (await exists(join(root, path))) there.push(path);
  if (there.length === 0) return;
  throw new DwError("DW-FILE-EXISTS", {
    what: `${root} already has ${there.join(", ")}.`,
    why: "dw init makes new projects and never overwrites a file. Nothing was written.",
    fix: "Name an empty or new folder: `dw init DIR`.",
  });
}

/** npm's rules: lower case, no leading dot or underscore, only characters that are safe in a URL. */
function packageName(root: string): string {
  const name = basename(root)
    .toLowerCase()
    .replace(/[^a-z0-9._-]+/g, "-")
    .replace(/^[._-]+|-+$/g, "");
  return name === "" || name === "dwright" ? "warehouse" : name;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
