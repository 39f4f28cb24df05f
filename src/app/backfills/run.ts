import { routeText } from "../../backfill/route.js";
import { DwError } from "../../core/errors.js";
import type { EngineName } from "../../core/types.js";
import { lockOwner, openState } from "../state.js";
import { predicate } from "./bounds.js";
import type { BackfillCall, BackfillReport, RunFlags } from "./call.js";
import { adHocBackfill, type Definition, namedBackfills } from "./definition.js";
import { loadIncrement, plannedIncrement, verifyIncrement } from "./increment.js";
import { loadInto } from "./load.js";
import { type OpenBackfill, openBackfill } from "./open.js";
import { publishAudited, stagingOf } from "./publish.js";
import { restored } from "./tend.js";
import { neverRan, verify } from "./verify.js";

export type { BackfillCall, BackfillReport, RunFlags } from "./call.js";

/** Loads and reconciles each, one after the other, under a lock of its own. A mismatch is in the report, not thrown. */
export function backfill(call: BackfillCall, flags: RunFlags): Promise<BackfillReport[]> {
  return each(call, (open) =>
    locked(call, open, async () => {
      if (open.definition.model?.incremental !== undefined) return loadIncrement(call, open, flags);
      const isAudited = open.definition.model?.publish === "audited";
      const staging = isAudited ? stagingOf(open) : undefined;
      if (staging === undefined || !(await staging.isOpen())) return loadInto(call, open, flags);
      return publishAudited(call, open, flags, staging);
    }),
  );
}

/** Reads the source again and compares it with the ledger, chunk by chunk, and with the table. Loads nothing. */
export function verifyBackfill(call: BackfillCall, flags: RunFlags): Promise<BackfillReport[]> {
  return each(call, (open) =>
    locked(call, open, async () => {
      const ledger = await open.target.table.ledger(open.definition.name);
      if (ledger === undefined) throw neverRan(open);
      await restored(call, open);
      return open.definition.model?.incremental === undefined ? verify(call, open, flags, ledger) : verifyIncrement(call, open, flags);
    }),
  );
}

export interface DryRunReport {
  readonly backfill: string;
  readonly environment: string;
  readonly emulated: EngineName | null;
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
    const isIncremental = open.definition.model?.incremental !== undefined;
    const prepared = isIncremental ? await plannedIncrement(call, open, flags) : await open.prepare(await predicate(open, flags), {});
    const { table } = open.target;
    const ledger = await table.ledger(open.definition.name);
    const loaded = new Set(ledger?.identity.digest === prepared.identity.digest ? ledger.chunks.map(({ chunk }) => chunk) : []);
    return {
      backfill: prepared.name,
      environment: open.environment,
      emulated: table.emulatedBy === undefined ? null : table.engine,
      source: prepared.source.title,
      identity: prepared.plan.identity,
      target: table.title,
      route: table.route ?? routeText(prepared.route, flags.concurrency ?? table.lanes),
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
  /** Of an incremental backfill: the greatest value of its column that was loaded. */
  readonly watermark: string | null;
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
      watermark: chunks.flatMap(({ fingerprint }) => fingerprint.range?.upTo ?? []).reduce<string | null>(greater, null),
    };
  });
}

/** Of two values of one column, as DuckDB writes them: integers by their size, times as texts of one form. */
function greater(a: string | null, b: string): string {
  if (a === null) return b;
  const isInteger = [a, b].every((text) => /^-?\d+$/.test(text));
  return (isInteger ? BigInt(a) > BigInt(b) : a > b) ? a : b;
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
