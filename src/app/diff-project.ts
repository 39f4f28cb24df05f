import { resolve } from "node:path";
import { type Catalog, catalogFor, catalogOf } from "../core/catalog.js";
import { lastState } from "../core/migration.js";
import { engines } from "../engines/index.js";
import { committedCatalog, folderCatalog } from "./committed.js";
import { type DiffReport, diffCatalogs, parseRevision, type Revision, type Side } from "./diff.js";
import { ddlSide } from "./diff-ddl.js";
import { readHistory } from "./migrate/folder.js";
import { fittingRenames, readIntent } from "./migrate/intent.js";
import { openLiveSlots } from "./migrate/live-slots.js";
import { migrationFolder } from "./migrate/open.js";
import type { Project } from "./project.js";
import { resolveWarehouse } from "./resolve.js";

export interface DiffRequest {
  readonly from: string;
  readonly to: string;
  readonly warehouse?: string;
  /** Whose values fill the holes where neither side is an environment; `default` when absent. */
  readonly environment?: string;
  /** Whose SQL files of `ddl:` are. */
  readonly engine?: string;
  /** Where relative folders of `dir:` and files of `ddl:` start. */
  readonly cwd: string;
}

/** Compares two revisions of a project, a warehouse at a time. Throws DW-USAGE and what reading a side throws. */
export async function diffProject(project: Project, request: DiffRequest): Promise<DiffReport[]> {
  const [from, to] = [parseRevision(request.from), parseRevision(request.to)];
  const environment = [from, to].find((revision) => revision.kind === "env");
  const name = environment?.kind === "env" ? environment.at : (request.environment ?? "default");
  const reports: DiffReport[] = [];
  for (const warehouse of await project.someWarehouses(request.warehouse)) {
    const read = (revision: Revision): Promise<Catalog> => offlineSide(project, revision, warehouse, request.cwd);
    const ours = [await read(from), await read(to), await read({ kind: "migrations" })];
    const side = async (revision: Revision, offline: Catalog | undefined): Promise<Side> => {
      if (revision.kind === "ddl") return ddlSide(resolve(request.cwd, revision.at), request.engine, warehouse);
      return revision.kind === "env" ? liveSide(project, revision.at, warehouse, ours) : { catalog: offline ?? (await read(revision)) };
    };
    const intent = await readIntent(migrationFolder(project, warehouse));
    const renames = (a: Catalog, b: Catalog) => fittingRenames(intent, a, b);
    // A revision of git runs no code; where the models are a side, they are loaded already.
    const models = [from, to].some(({ kind }) => kind === "models") ? await project.models(warehouse) : [];
    const [before, after] = [await side(from, ours[0]), await side(to, ours[1])];
    const report = diffCatalogs(request, before, after, engines, { environment: name, renames, models });
    reports.push({ ...report, bytes: await rewrittenBytes(report, before, after) });
  }
  return reports;
}

/** A side that needs no connection; for an environment, what the models want of it. */
async function offlineSide(project: Project, revision: Revision, warehouse: string, cwd: string): Promise<Catalog> {
  switch (revision.kind) {
    case "git":
      return committedCatalog(project.root, revision.at, warehouse);
    case "dir":
      return folderCatalog(resolve(cwd, revision.at), warehouse);
    case "migrations":
      return lastState(await readHistory(migrationFolder(project, warehouse), warehouse));
    default:
      return resolveWarehouse(warehouse, await project.models(warehouse), engines).catalog;
  }
}

/** What an environment has of the objects that the other side or our migrations name; what others made there is none of it. */
async function liveSide(project: Project, name: string, warehouse: string, ours: readonly Catalog[]): Promise<Side> {
  const connections = project.connect(project.environment(name));
  const objects = new Map(ours.flatMap((catalog) => catalogFor(catalog, name).objects.map((object) => [object.id, object] as const)));
  const wanted = [...objects.values()];
  const live = await openLiveSlots(
    connections,
    wanted.map((object) => object.slot),
    engines,
  );
  const found = [];
  for (const slot of live.values()) {
    const own = catalogOf(
      warehouse,
      wanted.filter((object) => object.slot === slot.slot),
    );
    const { catalog } = await slot.introspect(warehouse, own);
    found.push(...catalog.objects.filter((object) => objects.has(object.id)));
  }
  return { catalog: catalogOf(warehouse, found), live };
}

/** Bytes of what would be written again, as far as a live side's engines tell. */
async function rewrittenBytes(
  { statements }: DiffReport,
  { live = new Map(), catalog }: Side,
  { live: other }: Side,
): Promise<Record<string, number>> {
  const rewritten = new Set(
    statements.filter(({ hazards }) => hazards.some(({ kind }) => kind === "rewrites-table")).map(({ object }) => object),
  );
  const sizes: Record<string, number> = {};
  for (const slot of new Map([...live, ...(other ?? [])]).values()) {
    const own = catalog.objects.filter((object) => object.slot === slot.slot && rewritten.has(object.id));
    for (const object of own) {
      const bytes = await slot.bytes?.(object);
      if (bytes !== undefined) sizes[object.id] = bytes;
    }
  }
  return sizes;
}
