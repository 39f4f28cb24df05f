import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { type EnvironmentPlans, textHash } from "../../core/build-plan.js";
import { type Catalog, catalogText, compareText } from "../../core/catalog.js";
import { DwError } from "../../core/errors.js";
import { hazardKinds } from "../../core/hazard.js";
import { type Json, stableJson } from "../../core/json.js";
import { type History, MIGRATION_ID, type Migration, proveIndependent } from "../../core/migration.js";
import type { Plan, Statement } from "../../core/plan.js";
import type { EngineName } from "../../core/types.js";
import { catalogShape, objectShape } from "../catalog-file.js";
import { readIntent } from "./intent.js";
import {
  type Direction,
  type MarkedText,
  parseStatementFile,
  STATEMENT_FILE,
  statementFileName,
  statementFileText,
  unreadable,
} from "./statement-file.js";
import { type FileHashes, migrationHash, parseSum, sumDifferences, sumText } from "./sum.js";

/** Where a warehouse's migrations lie: the absolute path of `migrations/<warehouse>`. */
export type MigrationFolder = string;

const SUM = "sum";

/**
 * Reads and proves a history. Throws DW-MIGRATION-EDITED when a file differs from its recorded hash, DW-MIGRATION-ORDER when a
 * migration was made after another one than that which stands before it, and intent.yaml does not declare that. No folder: an
 * empty history.
 */
export async function readHistory(folder: MigrationFolder, warehouse: string): Promise<History> {
  const files = await readFiles(folder);
  const found = hashesOf(files);
  const recorded = await readSum(folder, found);
  const differences = sumDifferences(recorded, found);
  if (differences.length > 0) throw edited(folder, differences);
  const ids = [...new Set([...files.keys()].map((path) => path.split("/")[0] ?? ""))].sort(compareText);
  const { outOfOrder } = await readIntent(folder);
  const migrations = ids.map((id): Migration => {
    const migration = readMigration(id, files, found);
    return outOfOrder.includes(id) ? { ...migration, outOfOrder: true } : migration;
  });
  proveDeclared(folder, outOfOrder, ids);
  provePredecessors(folder, migrations);
  const history = { warehouse, migrations };
  proveIndependent(history);
  return history;
}

function proveDeclared(folder: MigrationFolder, declared: readonly string[], ids: readonly string[]): void {
  const stray = declared.find((id) => !ids.includes(id));
  if (stray === undefined) return;
  throw new DwError("DW-INTENT-INVALID", {
    what: `intent.yaml declares ${stray} as out of order, and ${folder} has no such migration.`,
    why: "A declaration that means nothing would pass for one that does.",
    fix: "Name the migration by its whole id, or remove the line.",
  });
}

async function readSum(folder: MigrationFolder, found: FileHashes): Promise<FileHashes> {
  const text = await readFile(join(folder, SUM), "utf8").catch(missing);
  if (text === undefined) return found.size === 0 ? found : new Map();
  const sum = parseSum(text);
  if (typeof sum === "string") throw edited(folder, [`sum: ${sum}`]);
  return sum;
}

function edited(folder: MigrationFolder, differences: readonly string[]): DwError {
  return new DwError("DW-MIGRATION-EDITED", {
    what: `The history in ${folder} is not the recorded one:\n${differences.map((line) => `  ${line}`).join("\n")}`,
    why: "Other environments may have executed what was there before.",
    fix: "Restore the files from git; or, when the edit is meant and reviewed, run `dw migrate rehash`.",
  });
}

function provePredecessors(folder: MigrationFolder, migrations: readonly Migration[]): void {
  const isThere = new Set(migrations.map(({ id }) => id));
  migrations.forEach((migration, index) => {
    const { previous, outOfOrder } = migration;
    if (outOfOrder && (previous === undefined || (isThere.has(previous) && previous < migration.id))) return;
    const before = migrations.slice(0, index).findLast((one) => !one.outOfOrder)?.id;
    if (previous === before) return;
    throw new DwError("DW-MIGRATION-ORDER", {
      what: `${migration.id} was made after ${migration.previous ?? "nothing"}, but in ${folder} it stands after ${before ?? "nothing"}.`,
      why: "Two branches each made a migration: the later plan does not know the other one's changes.",
      fix: `Delete ${migration.id}, run \`dw migrate rehash\`, and make it again with \`dw migrate new\`. ${declaring(before ?? migration.id)}`,
    });
  });
}

/** How somebody decides that a migration's place does not matter. */
export function declaring(id: string): string {
  return `Or, when what it changes has nothing to do with the others, declare that in intent.yaml:\noutOfOrder:\n  - ${id}`;
}

/** Text of every file of every migration, by `<id>/<file>`. */
async function readFiles(folder: MigrationFolder): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const entries = (await readdir(folder, { withFileTypes: true }).catch(missing)) ?? [];
  for (const entry of entries) {
    if (!entry.isDirectory() || !MIGRATION_ID.test(entry.name)) continue;
    for (const name of await readdir(join(folder, entry.name))) {
      if (!isMigrationFile(name)) continue;
      files.set(`${entry.name}/${name}`, await readFile(join(folder, entry.name, name), "utf8"));
    }
  }
  return files;
}

function isMigrationFile(name: string): boolean {
  return name === "state.json" || name === "plan.json" || STATEMENT_FILE.test(name);
}

function hashesOf(files: ReadonlyMap<string, string>): FileHashes {
  return new Map([...files].map(([path, text]) => [path, textHash(text)]));
}

const planFile = z.object({
  format: z.literal(1),
  warehouse: z.string(),
  previous: z.string().optional(),
  knows: z.array(z.string()).optional(),
  environments: z.record(
    z.string(),
    z.object({
      operations: z.array(z.looseObject({ op: z.string(), object: objectShape })),
      statements: z.array(
        z.object({
          id: z.string(),
          slot: z.string(),
          object: z.string(),
          operation: z.number().int(),
          transactional: z.boolean(),
          repeatable: z.literal(true).optional(),
          held: z.literal(true).optional(),
          reach: z.enum(["instant", "job", "rebuild"]).optional(),
          /** How many statements of the down file lead back; none when an earlier one's do. Absent: there is no way back. */
          undo: z.number().int().optional(),
          wait: z.object({ job: z.string(), args: z.json() }).optional(),
          undoWait: z.object({ job: z.string(), args: z.json() }).optional(),
          secrets: z.array(z.object({ $secret: z.enum(["env", "file", "vault"]), name: z.string() })).optional(),
          hazards: z.array(z.object({ kind: z.enum(hazardKinds), why: z.string() })),
        }),
      ),
    }),
  ),
});

type PlanFile = z.infer<typeof planFile>;

function readMigration(id: string, files: ReadonlyMap<string, string>, hashes: FileHashes): Migration {
  const own = [...files].filter(([path]) => path.startsWith(`${id}/`));
  const state = parsed(`${id}/state.json`, files, catalogShape) as unknown as Catalog; // dw wrote it and sum proves it; the shape is checked
  const plan = parsed(`${id}/plan.json`, files, planFile);
  const texts = (direction: Direction): MarkedText[] =>
    own.flatMap(([path, text]) => (path.startsWith(`${id}/${direction}.`) ? parseStatementFile(path, text) : []));
  const plans = joinTexts(id, plan, texts("up"), texts("down"));
  const { previous, knows } = plan;
  return { id, hash: migrationHash(id, hashes), ...(previous !== undefined && { previous }), ...(knows && { knows }), state, plans };
}

function parsed<T>(path: string, files: ReadonlyMap<string, string>, shape: z.ZodType<T>): T {
  const text = files.get(path);
  if (text === undefined) throw unreadable(path, "It does not exist.");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable(path, "It is not JSON.", cause);
  }
  const result = shape.safeParse(value);
  if (!result.success) throw unreadable(path, `It does not have the expected shape: ${z.prettifyError(result.error)}`);
  return result.data;
}

/** plan.json has no SQL and the SQL files have no structure; together they are the plan. */
function joinTexts(id: string, file: PlanFile, up: readonly MarkedText[], down: readonly MarkedText[]): EnvironmentPlans {
  const text = new Map(up.map((marked) => [marked.id, marked.text]));
  const undo = groupById(down);
  const plans = Object.entries(file.environments).map(([environment, { operations, statements }]): [string, Plan] => {
    const joined = statements.map(({ undo: ways, ...statement }) => {
      const own = text.get(statement.id);
      if (own === undefined) throw unreadable(`${id}/up.${statement.slot}`, `Statement ${statement.id} of plan.json is not in it.`);
      const back = (undo.get(statement.id) ?? []).map((marked) => marked.text);
      return { ...statement, text: own, ...(ways !== undefined && { undo: back }) } as unknown as Statement; // shape checked by planFile
    });
    return [environment, { warehouse: file.warehouse, operations, statements: joined } as unknown as Plan]; // as above
  });
  const byName = Object.fromEntries(plans);
  if (byName.default === undefined) throw unreadable(`${id}/plan.json`, "It has no plan for the default environment.");
  return { ...byName, default: byName.default };
}

function groupById(marked: readonly MarkedText[]): Map<string, MarkedText[]> {
  const groups = new Map<string, MarkedText[]>();
  for (const member of marked) groups.set(member.id, [...(groups.get(member.id) ?? []), member]);
  return groups;
}

export interface NewMigration {
  readonly id: string;
  readonly previous: string | undefined;
  /** Those made beside its line: see core/migration.ts. */
  readonly knows?: readonly string[];
  readonly state: Catalog;
  readonly plans: EnvironmentPlans;
}

/** Files of a migration, by name. Pure. */
function migrationFiles(migration: NewMigration): ReadonlyMap<string, string> {
  const statements = new Map<string, Statement>();
  for (const plan of Object.values(migration.plans)) for (const statement of plan.statements) statements.set(statement.id, statement);
  const all = [...statements.values()];
  const files = new Map([
    ["state.json", catalogText(migration.state)],
    ["plan.json", planText(migration)],
  ]);
  for (const slot of [...new Set(all.map((statement) => statement.slot))].sort(compareText)) {
    const own = all.filter((statement) => statement.slot === slot);
    addTexts(files, "up", slot, migration.id, own);
    addTexts(
      files,
      "down",
      slot,
      migration.id,
      [...own].reverse().flatMap((statement) => (statement.undo ?? []).map((text) => ({ id: statement.id, text }))),
    );
  }
  return files;
}

function addTexts(files: Map<string, string>, direction: Direction, slot: EngineName, id: string, texts: readonly MarkedText[]): void {
  if (texts.length > 0) files.set(statementFileName(direction, slot), statementFileText(slot, id, texts));
}

function planText({ previous, knows = [], state, plans }: NewMigration): string {
  const environments = Object.fromEntries(
    Object.entries(plans).map(([environment, { operations, statements }]) => [
      environment,
      {
        operations,
        statements: statements.map(({ text: _text, undo, ...statement }) => ({ ...statement, ...(undo && { undo: undo.length }) })),
      },
    ]),
  );
  const file = {
    format: 1,
    warehouse: state.warehouse,
    ...(previous !== undefined && { previous }),
    ...(knows.length > 0 && { knows }),
    environments,
  };
  return `${stableJson(file as unknown as Json, 2)}\n`; // plans are JSON by construction
}

/** Writes a migration and its sum; the folder appears with its last file, so that a crash leaves none half-written. */
export async function writeMigration(folder: MigrationFolder, migration: NewMigration): Promise<void> {
  const final = join(folder, migration.id);
  const partial = join(folder, `.${migration.id}.partial`);
  await rm(partial, { recursive: true, force: true });
  await mkdir(partial, { recursive: true });
  for (const [name, text] of migrationFiles(migration)) await writeFile(join(partial, name), text);
  await rename(partial, final);
  await writeSum(folder);
}

/** Records the files as they are now. */
export async function writeSum(folder: MigrationFolder): Promise<void> {
  await writeFile(join(folder, SUM), sumText(hashesOf(await readFiles(folder))));
}

function missing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
