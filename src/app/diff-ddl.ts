import { readFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Catalog } from "../core/catalog.js";
import { DwError } from "../core/errors.js";
import { engines } from "../engines/index.js";
import { catalogOfDdl, type DdlFile } from "../engines/starrocks/ddl-catalog.js";
import { starrocks } from "../engines/starrocks/index.js";
import { decideExactly } from "../engines/starrocks/rules.js";
import { type DiffReport, diffCatalogs, type Revision, type Side } from "./diff.js";
import { type Intent, parseIntent, statedRenames } from "./migrate/intent.js";
import type { Engines } from "./resolve.js";

/** Names without a database in files that belong to no warehouse. */
const NO_WAREHOUSE = "db";

type DdlRevision = Extract<Revision, { readonly kind: "ddl" }>;

export interface DdlRequest {
  /** As the user wrote them. */
  readonly from: string;
  readonly to: string;
  readonly engine?: string;
  readonly warehouse?: string;
  readonly cwd: string;
  /** A file with `renames:`, as intent.yaml. */
  readonly intent?: string;
}

/** Compares two files of DDL; needs no project. Throws as ddlSide. */
export async function diffDdl(request: DdlRequest, from: DdlRevision, to: DdlRevision): Promise<DiffReport> {
  const side = (revision: DdlRevision): Promise<Side> =>
    ddlSide(resolve(request.cwd, revision.at), request.engine, request.warehouse ?? NO_WAREHOUSE);
  const intent = request.intent === undefined ? undefined : await intentFile(resolve(request.cwd, request.intent));
  return diffCatalogs(request, await side(from), await side(to), exact, {
    environment: "default",
    renames: (before, after) => (intent ? statedRenames(intent, before, after) : []),
  });
}

/** Who writes a table down wants its columns in that order; models only say which there are. */
const exact: Engines = new Map([...engines, ["starrocks", { ...starrocks, decide: decideExactly }]]);

/** A file of CREATE statements as one side. DW-USAGE without an engine whose SQL dw reads, or without the file. */
export async function ddlSide(path: string, engine: string | undefined, warehouse: string): Promise<Side> {
  const { catalog } = await readDdl(path, engine, warehouse);
  return { catalog, written: "starrocks" };
}

/** The file's text and what it defines. Throws as ddlSide; `onOther` takes the statements that define nothing. */
export async function readDdl(
  path: string,
  engine: string | undefined,
  warehouse: string,
  onOther?: DdlFile["onOther"],
): Promise<{ text: string; catalog: Catalog }> {
  if (engine !== "starrocks") throw engineNeeded(path, engine);
  const text = await read(path, "ddl:FILE is a file with CREATE statements; a relative name starts in the current folder.");
  const file: DdlFile = { text, source: basename(path), warehouse, database: warehouse, ...(onOther && { onOther }) };
  return { text, catalog: catalogOfDdl(file) };
}

async function intentFile(path: string): Promise<Intent> {
  return parseIntent(await read(path, "--intent is a file with `renames:`, as migrations/WAREHOUSE/intent.yaml."), path);
}

async function read(path: string, fix: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new DwError("DW-USAGE", {
      what: `${path} cannot be read.`,
      why: cause instanceof Error ? cause.message : String(cause),
      fix,
      cause,
    });
  }
}

function engineNeeded(path: string, engine: string | undefined): DwError {
  return new DwError("DW-USAGE", {
    what: engine === undefined ? `Whose SQL is ${path}?` : `This version of dw does not read ${engine}'s SQL back into a catalog.`,
    why: "The same words mean different tables in different engines; dw reads StarRocks's.",
    fix: "Add --engine starrocks, or compare with git:REF, env:NAME or dir:PATH.",
  });
}
