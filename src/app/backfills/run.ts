import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { type Certificate, certificateMarkdown } from "../../backfill/certificate.js";
import type { PreparedBackfill } from "../../backfill/prepare.js";
import { type ReconcileOptions, reconcile } from "../../backfill/reconcile.js";
import { fingerprintChunk, type RunOptions, type RunResult, runBackfill } from "../../backfill/run.js";
import { policiesToPause, touchedRanges } from "../../backfill/upkeep.js";
import type { Conversation } from "../../core/conversation.js";
import type { ResolvedEnvironment } from "../../core/environment.js";
import { DwError } from "../../core/errors.js";
import { instantOf } from "../../core/instant.js";
import type { Chunk } from "../../core/source.js";
import type { LoadedChunk, Staging } from "../../core/target.js";
import type { Project } from "../project.js";
import { lockOwner, openState } from "../state.js";
import { type Audit, auditStaged } from "./audit.js";
import { adHocBackfill, type Definition, namedBackfills } from "./definition.js";
import { type OpenBackfill, openBackfill } from "./open.js";
import { progressOf } from "./progress.js";
import { refreshEmulated } from "./refresh.js";

export interface BackfillCall {
  readonly project: Project;
  readonly environment: ResolvedEnvironment;
  readonly warehouse?: string;
  readonly names: readonly string[];
  readonly source?: string;
  readonly target?: string;
  readonly signal: AbortSignal;
  readonly conversation: Conversation;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export interface RunFlags {
  readonly where?: string;
  readonly since?: string;
  readonly until?: string;
  readonly concurrency?: number;
  /** Where certificates are written, relative to the project; `.dw/certificates` when absent. */
  readonly certificates?: string;
}

export interface BackfillReport {
  readonly backfill: string;
  readonly environment: string;
  readonly source: string;
  readonly target: string;
  readonly verdict: Certificate["verdict"];
  readonly rows: Certificate["rows"];
  /** Rows that were rejected; null where the backfill allows none. */
  readonly quarantined: string | null;
  readonly chunks: number;
  /** Chunks that this run loaded; the others were there before. */
  readonly loadedNow: number;
  /** Relative to the project. */
  readonly certificate: string;
  readonly findings: Certificate["findings"];
  readonly differences: Certificate["differences"];
}

/** Loads and reconciles each, one after the other, under a lock of its own. A mismatch is in the report, not thrown. */
export function backfill(call: BackfillCall, flags: RunFlags): Promise<BackfillReport[]> {
  return each(call, (open) =>
    locked(call, open, async () => {
      const isAudited = open.definition.model?.publish === "audited";
      const staging = isAudited ? stagingOf(open) : undefined;
      if (staging === undefined || !(await staging.isOpen())) return loadInto(call, open, flags);
      return publishAudited(call, open, flags, staging);
    }),
  );
}

async function loadInto(call: BackfillCall, open: OpenBackfill, flags: RunFlags): Promise<BackfillReport> {
  const prepared = await open.prepare(await predicate(open, flags), {});
  sayMapping(prepared, call.conversation);
  const run = await tended(call, open, prepared, () => runBackfill(prepared, runOptions(call, open, flags)));
  if (run.loadedNow > 0) await refreshed(call, open);
  return certify(call, open, prepared, run, flags.certificates);
}

/** What is staged must equal the source and pass the checks; then it is published, and the target itself is compared. */
async function publishAudited(call: BackfillCall, open: OpenBackfill, flags: RunFlags, staging: Staging): Promise<BackfillReport> {
  const { name } = open.definition;
  const where = await predicate(open, flags);
  const table = await staging.table();
  try {
    const staged = await open.prepare(where, {}, table);
    sayMapping(staged, call.conversation);
    const prepared = { ...staged, target: open.target.table };
    const run = await tended(call, open, prepared, async () => {
      const written = await runBackfill(staged, runOptions(call, open, flags));
      const certificate = await reconcile(staged, written, reconcileOptions(call, open));
      if (certificate.verdict !== "equal") throw stagedDifferently(name, certificate);
      const passed = await auditStaged(open.definition, staging.name, auditOf(call, open));
      await staging.publish();
      call.conversation.say(`${name}: ${certificate.rows.target} rows are published (${passed} checks passed on them)`);
      return { ...written, fresh: written.chunks };
    });
    await refreshed(call, open);
    const ledger = await open.target.table.ledger(name);
    return await certify(call, open, prepared, { ...run, baseline: ledger?.baseline ?? run.baseline }, flags.certificates);
  } finally {
    await table.close();
  }
}

const auditOf = ({ project, environment, signal, conversation, now }: BackfillCall, open: OpenBackfill): Audit => ({
  project,
  connections: open.connections,
  environment: environment.name,
  signal,
  conversation,
  now: now(),
});

function stagingOf({ definition: { name }, target }: OpenBackfill): Staging {
  const staging = target.table.staging?.(name);
  if (staging !== undefined) return staging;
  throw new DwError("DW-BACKFILL-MAPPING", {
    what: `Backfill ${name} publishes what was audited, which dw cannot do in ${target.table.title}.`,
    why: `${target.table.engine} has no staging table there that could become visible at once.`,
    fix: 'Leave `publish: "audited"` out; `dw check` looks at the rows after they were loaded.',
  });
}

function stagedDifferently(name: string, { findings }: Certificate): DwError {
  const lines = findings.map(({ what, source, target }) => `  - ${what}: ${source ?? "nothing"} read, ${target ?? "nothing"} staged`);
  return new DwError("DW-RECONCILE-MISMATCH", {
    what: `What backfill ${name} has staged is not what it read:\n${lines.join("\n")}`,
    why: "Nothing of it was published.",
    fix: `Start over with \`dw backfill reset ${name}\`.`,
  });
}

function runOptions(call: BackfillCall, open: OpenBackfill, flags: RunFlags): RunOptions {
  const concurrency = flags.concurrency ?? open.definition.model?.concurrency;
  return {
    connect: open.connect,
    signal: call.signal,
    notice: progressOf(open.definition.name, call.conversation, call.now),
    ...(concurrency !== undefined && { concurrency }),
  };
}

/** Keeps the target's own upkeep out of the way of a run, and makes up for what it could not see of it. */
async function tended(
  call: BackfillCall,
  open: OpenBackfill,
  prepared: PreparedBackfill,
  work: () => Promise<RunResult>,
): Promise<RunResult> {
  const { upkeep } = prepared.target;
  if (upkeep === undefined) return work();
  const { say, warn } = call.conversation;
  await restored(call, open); // what a run that died has left paused
  const policies = await policiesToPause(prepared, open.definition.model?.policies === "pause", open.connect);
  if (policies.length > 0) await upkeep.pause(prepared.name, policies);
  for (const { what } of policies) say(`${prepared.name}: policy ${what} is paused for this run`);
  const owed = await upkeep.owesRefresh(prepared.name);
  await upkeep.oweRefresh(prepared.name);
  try {
    const run = await work();
    const ranges = touchedRanges(prepared, timeColumn(open), owed ? run.chunks : (run.fresh ?? []));
    const names = await upkeep.refresh(prepared.name, ranges);
    for (const name of ranges.length > 0 ? names : []) say(`${prepared.name}: ${name} is refreshed where rows were added`);
    return run;
  } finally {
    await restored(call, open);
    for (const { what } of policies.filter(({ drops }) => drops !== undefined))
      warn(`${prepared.name}: policy ${what} drops the rows that are too old for it when it runs next; widen it to keep them`);
  }
}

async function restored({ conversation }: BackfillCall, { definition, target }: OpenBackfill): Promise<void> {
  const names = (await target.table.upkeep?.restore(definition.name)) ?? [];
  for (const what of names) conversation.say(`${definition.name}: policy ${what} runs again`);
}

async function refreshed({ project, environment, signal, conversation }: BackfillCall, { definition }: OpenBackfill): Promise<void> {
  const names = await refreshEmulated(definition, project.connect(environment), signal);
  for (const name of names) conversation.say(`${definition.name}: ${name} is refreshed, as nothing else does that in the emulation`);
}

/** Reads the source again and compares it with the ledger, chunk by chunk, and with the table. Loads nothing. */
export function verifyBackfill(call: BackfillCall, flags: RunFlags): Promise<BackfillReport[]> {
  return each(call, (open) =>
    locked(call, open, async () => {
      const ledger = await open.target.table.ledger(open.definition.name);
      if (ledger === undefined) throw neverRan(open);
      await restored(call, open);
      const prepared = await open.prepare(await predicate(open, flags), {});
      const chunks: LoadedChunk[] = [];
      for (const chunk of prepared.plan.chunks) {
        const loaded = ledger.chunks.find((candidate) => candidate.chunk === chunk.id);
        if (loaded !== undefined) chunks.push({ ...loaded, fingerprint: await readAgain(open, prepared, chunk) });
      }
      return certify(call, open, prepared, { chunks, baseline: ledger.baseline, loadedNow: 0 }, flags.certificates);
    }),
  );
}

async function readAgain(open: OpenBackfill, prepared: PreparedBackfill, chunk: Chunk): Promise<LoadedChunk["fingerprint"]> {
  const db = await open.connect();
  try {
    const rows = await prepared.plan.open(chunk, db);
    try {
      return await fingerprintChunk(prepared, chunk, db, rows.sql);
    } finally {
      await rows.close();
    }
  } finally {
    await db.close();
  }
}

function neverRan({ definition, target }: OpenBackfill): DwError {
  return new DwError("DW-BACKFILL-UNKNOWN", {
    what: `The ledger of ${target.table.title} knows nothing of backfill ${definition.name}.`,
    why: "It has never run in this environment, or was reset.",
    fix: `Run \`dw backfill ${definition.name}\` first.`,
  });
}

export interface DryRunReport {
  readonly backfill: string;
  readonly environment: string;
  readonly source: string;
  readonly identity: string;
  readonly target: string;
  /** How the rows would travel. */
  readonly route: string;
  readonly chunks: readonly {
    readonly id: string;
    readonly title: string;
    readonly rows: number | null;
    readonly bytes: number;
    readonly files: number;
    readonly loaded: boolean;
  }[];
  readonly columns: readonly { readonly name: string; readonly from: string; readonly note: string | null }[];
  readonly unused: readonly string[];
}

/** What would be read and where it would go; touches nothing. */
export function dryRun(call: BackfillCall, flags: RunFlags): Promise<DryRunReport[]> {
  return each(call, async (open) => {
    const prepared = await open.prepare(await predicate(open, flags), {});
    const { table } = open.target;
    const ledger = await table.ledger(open.definition.name);
    const loaded = new Set(ledger?.identity.digest === prepared.identity.digest ? ledger.chunks.map(({ chunk }) => chunk) : []);
    return {
      backfill: prepared.name,
      environment: open.environment,
      source: prepared.source.title,
      identity: prepared.plan.identity,
      target: table.title,
      route: table.route ?? `DuckDB reads, COPY loads (${flags.concurrency ?? table.lanes} at once)`,
      chunks: prepared.plan.chunks.map(({ id, title, rows, bytes, files }) => ({
        id,
        title,
        rows: rows ?? null,
        bytes,
        files: files.length,
        loaded: loaded.has(id),
      })),
      columns: prepared.mapping.columns.map(({ name, from, note }) => ({ name, from, note: note ?? null })),
      unused: prepared.mapping.unused,
    };
  });
}

export interface StatusReport {
  readonly backfill: string;
  readonly environment: string;
  readonly target: string;
  /** Null: it never ran here. */
  readonly source: string | null;
  readonly startedAt: string | null;
  readonly chunks: number;
  readonly rows: string;
  readonly lastLoadedAt: string | null;
}

/** What the ledgers say; the sources are not opened. */
export function backfillStatus(call: BackfillCall): Promise<StatusReport[]> {
  return each(call, async (open) => {
    const { table } = open.target;
    const ledger = await table.ledger(open.definition.name);
    const chunks = ledger?.chunks ?? [];
    return {
      backfill: open.definition.name,
      environment: open.environment,
      target: table.title,
      source: ledger?.identity.source ?? null,
      startedAt: ledger?.startedAt ?? null,
      chunks: chunks.length,
      rows: chunks.reduce((sum, chunk) => sum + BigInt(chunk.fingerprint.rows), 0n).toString(),
      lastLoadedAt:
        chunks
          .map(({ loadedAt }) => loadedAt)
          .sort()
          .at(-1) ?? null,
    };
  });
}

/** Forgets what was loaded; with `empty` the tables are emptied at the same moment. */
export function resetBackfill(
  call: BackfillCall,
  empty: boolean,
): Promise<{ backfill: string; environment: string; target: string; emptied: boolean }[]> {
  return each(call, (open) =>
    locked(call, open, async () => {
      await restored(call, open);
      await open.target.table.reset(open.definition.name, empty);
      return { backfill: open.definition.name, environment: open.environment, target: open.target.table.title, emptied: empty };
    }),
  );
}

async function each<Result>(call: BackfillCall, work: (open: OpenBackfill) => Promise<Result>): Promise<Result[]> {
  const { project, environment, signal } = call;
  const connections = project.connect(environment);
  const results: Result[] = [];
  for (const definition of await definitions(call)) {
    signal.throwIfAborted();
    const open = await openBackfill(definition, { project, environment, connections, signal });
    try {
      results.push(await work(open));
    } finally {
      await open.close();
    }
  }
  return results;
}

async function definitions({ project, environment, warehouse, names, source, target }: BackfillCall): Promise<Definition[]> {
  if (source !== undefined && target !== undefined && names.length === 0) return [await adHocBackfill(project, warehouse, source, target)];
  if (names.length > 0 && source === undefined && target === undefined) return namedBackfills(project, environment.name, warehouse, names);
  throw new DwError("DW-USAGE", {
    what: "It was not said what to backfill.",
    why: "Either backfills are named, or --source and --target are given.",
    fix: "Write `dw backfill NAME`, or `dw backfill --source S --target T`.",
  });
}

async function locked<Result>(call: BackfillCall, open: OpenBackfill, work: () => Promise<Result>): Promise<Result> {
  const store = await openState(call.project.connect(call.environment));
  const lease = await store.lock(`backfill ${open.definition.warehouse ?? "-"}/${open.definition.name}`, lockOwner(call.project), 0);
  try {
    return await work();
  } finally {
    await lease.release();
  }
}

/** --where as it stands; --since and --until (or the model's) on the target's time column, in the words of the source. */
async function predicate(open: OpenBackfill, flags: RunFlags): Promise<string | undefined> {
  const { where, since = open.definition.model?.since, until = open.definition.model?.until } = flags;
  if (since === undefined && until === undefined) return where;
  const prepared = await open.prepare(undefined, {});
  const time = timeColumn(open);
  const column = prepared.mapping.columns.find(({ name }) => name === time);
  if (column === undefined) throw noTime(open.definition.name);
  const bounds = [
    ...(since === undefined ? [] : [`${column.expression} >= ${instant(since)}`]),
    ...(until === undefined ? [] : [`${column.expression} < ${instant(until)}`]),
  ];
  return [...bounds, ...(where === undefined ? [] : [`(${where})`])].join(" AND ");
}

function timeColumn({ definition: { to } }: OpenBackfill): string | undefined {
  if (to.by === "connection" || to.model === undefined) return undefined;
  const fresh = "fresh" in to.model ? to.model.fresh?.column : undefined;
  const options = to.by === "model" ? to.model.on[to.slot] : undefined;
  const hypertable = typeof options?.timeColumn === "string" ? options.timeColumn : undefined;
  const times = Object.entries(to.model.columns).filter(([, { type }]) => type.kind === "timestamp" || type.kind === "date");
  return hypertable ?? fresh ?? (times.length === 1 ? times[0]?.[0] : undefined);
}

function instant(text: string): string {
  const time = instantOf(text, "UTC");
  if (time !== undefined && Number.isFinite(time)) return `TIMESTAMPTZ '${new Date(time).toISOString()}'`;
  throw new DwError("DW-USAGE", {
    what: `${text} is no time.`,
    why: "--since and --until, and `since` and `until` of a backfill, take a date or an instant in ISO 8601.",
    fix: "Write 2024-01-31 or 2024-01-31T00:00:00Z; without a zone it is UTC.",
  });
}

function noTime(name: string): DwError {
  return new DwError("DW-USAGE", {
    what: `It is not known by which column --since and --until choose rows of ${name}.`,
    why: "The target's model has no time column of its own (timeColumn, fresh), or several.",
    fix: "Say it with --where, over the source's columns.",
  });
}

function sayMapping({ name, mapping }: PreparedBackfill, { say }: Conversation): void {
  for (const column of mapping.columns) if (column.note) say(`${name}: ${column.name}: ${column.note}`);
  if (mapping.unused.length > 0) say(`${name}: not loaded: ${mapping.unused.join(", ")}`);
}

function reconcileOptions(call: BackfillCall, open: OpenBackfill): ReconcileOptions {
  const now = new Date(call.now()).toISOString();
  return { environment: open.environment, connect: open.connect, now, key: open.target.key };
}

async function certify(
  call: BackfillCall,
  open: OpenBackfill,
  prepared: PreparedBackfill,
  run: RunResult,
  folder: string | undefined,
): Promise<BackfillReport> {
  const certificate = await reconcile(prepared, run, reconcileOptions(call, open));
  return {
    backfill: prepared.name,
    environment: open.environment,
    source: certificate.source,
    target: certificate.target,
    verdict: certificate.verdict,
    rows: certificate.rows,
    quarantined: certificate.quarantined ?? null,
    chunks: run.chunks.length,
    loadedNow: run.loadedNow,
    certificate: await writeCertificate(call.project, certificate, folder),
    findings: certificate.findings,
    differences: certificate.differences,
  };
}

async function writeCertificate(project: Project, certificate: Certificate, folder: string | undefined): Promise<string> {
  const target = join(project.root, folder ?? join(".dw", "certificates"));
  await mkdir(target, { recursive: true });
  const stem = join(
    target,
    `${certificate.backfill.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 80)}-${certificate.at.replace(/[:.]/g, "-")}`,
  );
  await writeFile(`${stem}.json`, `${JSON.stringify(certificate, null, 2)}\n`);
  await writeFile(`${stem}.md`, certificateMarkdown(certificate));
  return relative(project.root, `${stem}.json`);
}
