import { appendFile, mkdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parseDocument } from "yaml";
import { z } from "zod";
import { type Catalog, type CatalogObject, displayName, objectId } from "../../core/catalog.js";
import type { Rename } from "../../core/change.js";
import { DwError } from "../../core/errors.js";
import { hazardKinds } from "../../core/hazard.js";
import { isJsonObject } from "../../core/json.js";
import type { Unapproved } from "../../core/migration.js";
import type { MigrationFolder } from "./folder.js";

/*
 * `migrations/<warehouse>/intent.yaml`: what only a person can know, reviewed in git.
 *
 *   renames:
 *     - object: public.sensor_data              # as it is called before; `timescale:table:public.sensor_data` for one engine only
 *       to: public.sensor_readings
 *     - column: public.sensor_readings.temp     # the object as it is called afterwards
 *       to: temperature
 *   approvals:
 *     - data-loss@drop-column.public.orders.paid~3fa9c1
 *     - approve: rewrites-table@retype-column.public.orders.id~91b0aa
 *       because: agreed in the weekly
 *       until: 2026-12-31
 *   outOfOrder:                                 # made on another branch, and may be applied after younger ones
 *     - 20260102120000_shops
 */

const INTENT = "intent.yaml";

const APPROVAL = new RegExp(`^(${hazardKinds.join("|")})@\\S+~[0-9a-f]{6}(\\.\\d+)?$`);
const approvalText = z.string().regex(APPROVAL, `an approval is HAZARD@STATEMENT-ID, where HAZARD is one of ${hazardKinds.join(", ")}`);

const intentFile = z
  .strictObject({
    renames: z
      .array(z.union([z.strictObject({ object: z.string(), to: z.string() }), z.strictObject({ column: z.string(), to: z.string() })]))
      .nullish(),
    approvals: z
      .array(
        z.union([approvalText, z.strictObject({ approve: approvalText, because: z.string().optional(), until: z.iso.date().optional() })]),
      )
      .nullish(),
    outOfOrder: z.array(z.union([z.string(), z.strictObject({ migration: z.string(), because: z.string().optional() })])).nullish(),
  })
  .nullish();

type StatedRename = { readonly object: string; readonly to: string } | { readonly column: string; readonly to: string };

export interface Intent {
  readonly renames: readonly StatedRename[];
  /** Ids of migrations that were made beside others. */
  readonly outOfOrder: readonly string[];
  readonly approvals: readonly { readonly line: string /** Last day on which it holds, `YYYY-MM-DD` in UTC. */; readonly until?: string }[];
}

/** Throws DW-INTENT-INVALID. No file: no intent. */
export async function readIntent(folder: MigrationFolder): Promise<Intent> {
  const path = join(folder, INTENT);
  const text = await readFile(path, "utf8").catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return "";
    throw error;
  });
  return parseIntent(text, path);
}

export function parseIntent(text: string, path: string): Intent {
  const document = parseDocument(text);
  const [broken] = document.errors;
  if (broken) throw invalid(path, `It is not YAML: ${broken.message.split("\n")[0]}`);
  const result = intentFile.safeParse(document.toJS());
  if (!result.success) throw invalid(path, z.prettifyError(result.error));
  const approvals = (result.data?.approvals ?? []).map((approval) => {
    if (typeof approval === "string") return { line: approval };
    return { line: approval.approve, ...(approval.until !== undefined && { until: approval.until }) };
  });
  const outOfOrder = (result.data?.outOfOrder ?? []).map((one) => (typeof one === "string" ? one : one.migration));
  return { renames: result.data?.renames ?? [], approvals, outOfOrder };
}

function invalid(path: string, why: string): DwError {
  return new DwError("DW-INTENT-INVALID", {
    what: `${path} does not say what dw understands.`,
    why,
    fix: "It has `renames:` (object or column, to), `approvals:` (HAZARD@STATEMENT-ID, as `dw migrate` prints them) and `outOfOrder:` (ids of migrations).",
  });
}

/**
 * Approvals that hold at `now`, those of the command line included. Throws DW-INTENT-INVALID for one that names no statement
 * in `known` (so that a typing error is not found at three in the morning), or that has expired before its statement, one of
 * `pending`, was executed. What has been executed needs no approval any more.
 */
export function approvalsAt(
  intent: Intent,
  flags: readonly string[],
  known: ReadonlySet<string>,
  pending: ReadonlySet<string>,
  now: number,
): ReadonlySet<string> {
  const today = new Date(now).toISOString().slice(0, 10);
  for (const line of flags) if (!APPROVAL.test(line)) throw strayApproval(line, "It does not have the form HAZARD@STATEMENT-ID.");
  const stated = [...intent.approvals, ...flags.map((line) => ({ line, until: undefined }))];
  for (const { line, until } of stated) {
    const statement = line.slice(line.indexOf("@") + 1);
    if (!known.has(statement)) throw strayApproval(line, "No migration has a statement of that id; a changed statement has another one.");
    if (until !== undefined && until < today && pending.has(statement)) throw strayApproval(line, `It held until ${until}.`);
  }
  return new Set(stated.map(({ line }) => line));
}

function strayApproval(line: string, why: string): DwError {
  return new DwError("DW-INTENT-INVALID", {
    what: `The approval ${line} does not hold.`,
    why,
    fix: "Remove it, or put the line there that `dw migrate plan` prints.",
  });
}

/**
 * The renames that lead from `from` to `to`. One that history already contains is passed over, so that the file may keep it;
 * one that fits neither is DW-INTENT-INVALID.
 */
export function statedRenames(intent: Intent, from: Catalog, to: Catalog): Rename[] {
  const matched = matchRenames(intent, from, to);
  const stray = matched.find(({ stated, renames }) => renames.length === 0 && !hasHappened(stated, from));
  if (stray) throw strayRename(stray.stated);
  return matched.flatMap(({ renames }) => renames);
}

/** As statedRenames, for comparisons of any two states: one that does not fit there is none. */
export function fittingRenames(intent: Intent, from: Catalog, to: Catalog): Rename[] {
  return matchRenames(intent, from, to).flatMap(({ renames }) => renames);
}

interface Matched {
  readonly stated: StatedRename;
  readonly renames: readonly Rename[];
}

function matchRenames(intent: Intent, from: Catalog, to: Catalog): Matched[] {
  const objects = intent.renames.flatMap((stated): Matched[] =>
    "object" in stated ? [{ stated, renames: objectRenames(stated, from, to) }] : [],
  );
  const all = objects.flatMap(({ renames }) => renames);
  const moved = new Map(all.flatMap((rename) => (rename.rename === "object" ? [[rename.to, rename.id] as const] : [])));
  const columns = intent.renames.flatMap((stated): Matched[] =>
    "column" in stated ? [{ stated, renames: columnRenames(stated, from, to, moved) }] : [],
  );
  return [...objects, ...columns];
}

function hasHappened(stated: StatedRename, from: Catalog): boolean {
  if ("object" in stated) return from.objects.some(isCalled(stated.to));
  return from.objects.some((object) => isCalled(columnName(stated.column).owner)(object) && hasColumn(object, stated.to));
}

function objectRenames(stated: { object: string; to: string }, from: Catalog, to: Catalog): Rename[] {
  return from.objects.filter(isCalled(stated.object)).flatMap((object): Rename[] => {
    const target = to.objects.find(
      (candidate) => candidate.slot === object.slot && candidate.kind === object.kind && isCalled(stated.to)(candidate),
    );
    const gone = !to.objects.some((candidate) => candidate.id === object.id);
    const fresh = target !== undefined && !from.objects.some((candidate) => candidate.id === target.id);
    return gone && fresh ? [{ rename: "object", id: object.id, to: target.id }] : [];
  });
}

function columnRenames(stated: { column: string; to: string }, from: Catalog, to: Catalog, moved: ReadonlyMap<string, string>): Rename[] {
  const { owner, name } = columnName(stated.column);
  return to.objects.filter(isCalled(owner)).flatMap((target): Rename[] => {
    const before = from.objects.find((object) => object.id === (moved.get(target.id) ?? target.id));
    const happens =
      before && hasColumn(before, name) && !hasColumn(before, stated.to) && hasColumn(target, stated.to) && !hasColumn(target, name);
    return happens ? [{ rename: "column", id: target.id, from: name, to: stated.to }] : [];
  });
}

function columnName(text: string): { owner: string; name: string } {
  const cut = text.lastIndexOf(".");
  return { owner: text.slice(0, cut), name: text.slice(cut + 1) };
}

/** By full id, or by display name in whichever engine. */
function isCalled(name: string): (object: CatalogObject) => boolean {
  return (object) => name === object.id || name === displayName(object.name) || name === objectId(object.slot, object.kind, object.name);
}

function hasColumn(object: CatalogObject, name: string): boolean {
  const { columns } = object.body;
  return Array.isArray(columns) && columns.some((column) => isJsonObject(column) && column.name === name);
}

function strayRename(stated: StatedRename): DwError {
  const what =
    "object" in stated ? `object ${stated.object}` : `column ${columnName(stated.column).name} of ${columnName(stated.column).owner}`;
  return new DwError("DW-INTENT-INVALID", {
    what: `A rename in intent.yaml does not fit: no ${what} becomes ${stated.to} in the models.`,
    why: "A rename that is passed over silently would become a drop and an empty new column or table.",
    fix: "Correct the names (an object as it is called before, a column's object as it is called afterwards), or remove the rename.",
  });
}

/** Writes the lines that would approve a new migration's hazards, as comments: a person decides by uncommenting. */
export async function proposeApprovals(folder: MigrationFolder, migration: string, hazards: readonly Unapproved[]): Promise<void> {
  const lines = [...new Set(hazards.map(({ line, why }) => `#  - ${line} # ${why.replace(/\s+/g, " ")}`))];
  if (lines.length === 0) return;
  const path = join(folder, INTENT);
  const text = await readFile(path, "utf8").catch(() => "");
  const head = /^approvals:/m.test(text) ? "" : "approvals:\n";
  await mkdir(dirname(path), { recursive: true });
  await appendFile(
    path,
    `${text === "" || text.endsWith("\n") ? "" : "\n"}${head}# ${migration}: uncomment what is meant\n${lines.join("\n")}\n`,
  );
}
