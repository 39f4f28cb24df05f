import { parseDuration } from "../../core/duration.js";
import type { ResolvedEnvironment } from "../../core/environment.js";
import { DwError } from "../../core/errors.js";
import { engines } from "../../engines/index.js";
import type { Project } from "../project.js";
import { resolveWarehouse } from "../resolve.js";
import { type DownReport, migrateDown } from "./down.js";
import { readHistory, writeSum } from "./folder.js";
import { readIntent } from "./intent.js";
import { type MadeMigration, makeMigration, type PendingChange, pendingChange } from "./make.js";
import { migrationFolder, openMeeting } from "./open.js";
import { type Repair, type RepairReport, repairMigration } from "./repair.js";
import { baseline, type MigrationStatus, migrateUp, migrationStatus, type UpReport, type Verification, verifyMigrations } from "./up.js";

/** What the migrate commands have in common: a project, the warehouse that `--warehouse` names, and the moment. */
export interface MigrateRequest {
  readonly project: Project;
  readonly warehouse: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** As MigrateRequest, for the commands that meet an environment. */
export interface LiveRequest extends MigrateRequest {
  readonly environment: ResolvedEnvironment;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

export interface Locking {
  /** `30s`; not at all when absent. */
  readonly lockTimeout: string | undefined;
}

export interface Acting extends Locking {
  readonly to: string | undefined;
  readonly dryRun: boolean;
  readonly approve: readonly string[];
}

async function meet({ project, warehouse, environment, ...rest }: LiveRequest) {
  return openMeeting(project, environment, { ...rest, warehouse: await project.onlyWarehouse(warehouse) });
}

function waitMs(lockTimeout: string | undefined): number {
  if (lockTimeout === undefined || lockTimeout === "0") return 0;
  try {
    return parseDuration(lockTimeout);
  } catch (cause) {
    throw new DwError("DW-USAGE", {
      what: `--lock-timeout ${lockTimeout} is not a duration.`,
      why: "It is a number and a unit.",
      fix: "For example 30s or 5min.",
      cause,
    });
  }
}

function acting({ to, dryRun, approve, lockTimeout }: Acting) {
  return { dryRun, approve, lockTimeoutMs: waitMs(lockTimeout), ...(to !== undefined && { to }) };
}

export async function up(request: LiveRequest, options: Acting): Promise<UpReport> {
  return migrateUp(await meet(request), acting(options));
}

export async function down(request: LiveRequest, options: Acting): Promise<DownReport> {
  return migrateDown(await meet(request), acting(options));
}

export async function status(
  request: LiveRequest,
): Promise<{ readonly warehouse: string; readonly migrations: readonly MigrationStatus[] }> {
  const meeting = await meet(request);
  return { warehouse: meeting.history.warehouse, migrations: await migrationStatus(meeting) };
}

export async function verify(request: LiveRequest): Promise<Verification> {
  return verifyMigrations(await meet(request));
}

export async function adopt(
  request: LiveRequest,
  { to, lockTimeout }: Locking & { readonly to: string | undefined },
): Promise<readonly string[]> {
  return baseline(await meet(request), { lockTimeoutMs: waitMs(lockTimeout), ...(to !== undefined && { to }) });
}

export async function repair(
  request: LiveRequest,
  { lockTimeout, how, approve }: Locking & { readonly how: Repair; readonly approve: readonly string[] },
): Promise<RepairReport> {
  return repairMigration(await meet(request), { lockTimeoutMs: waitMs(lockTimeout), how, approve });
}

/** `dw migrate new`. Undefined: models and migrations agree. */
export async function make(request: MigrateRequest, name: string): Promise<MadeMigration | undefined> {
  const { project, now } = request;
  const warehouse = await project.onlyWarehouse(request.warehouse);
  const { catalog } = resolveWarehouse(warehouse, await project.models(warehouse), engines);
  return makeMigration(migrationFolder(project, warehouse), catalog, engines, { name, now });
}

/** `dw migrate plan`: what `new` would write. Offline. */
export async function plan(request: MigrateRequest): Promise<PendingChange | undefined> {
  const { project } = request;
  const warehouse = await project.onlyWarehouse(request.warehouse);
  const { catalog } = resolveWarehouse(warehouse, await project.models(warehouse), engines);
  const folder = migrationFolder(project, warehouse);
  return pendingChange(await readHistory(folder, warehouse), catalog, engines, await readIntent(folder));
}

/** `dw migrate rehash`: records the files as they are, and proves that they can be read. Answers the migrations' ids. */
export async function rehash(request: MigrateRequest): Promise<readonly string[]> {
  const warehouse = await request.project.onlyWarehouse(request.warehouse);
  const folder = migrationFolder(request.project, warehouse);
  await writeSum(folder);
  return (await readHistory(folder, warehouse)).migrations.map(({ id }) => id);
}
