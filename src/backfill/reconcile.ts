import { addFingerprints, emptyFingerprint, type Fingerprint, isHashed, sameValue, subtractFingerprint } from "../core/fingerprint.js";
import { typeText } from "../core/types.js";
import type { Certificate, CertificateChunk, CertificateColumn, Finding } from "./certificate.js";
import { type DrillDown, shownDifferences } from "./drill-down.js";
import { isHashedLater } from "./hashing.js";
import type { PreparedBackfill } from "./prepare.js";
import type { RunResult } from "./run.js";
import { type SettleOptions, settledRun } from "./settle.js";

/*
 * What arrived is compared with what was read: the sum of the chunks' fingerprints, taken by DuckDB over the mapped source,
 * against the target's own aggregate over the table, less what the table held before the first chunk.
 */

export interface ReconcileOptions extends DrillDown, SettleOptions {
  readonly environment: string;
  /** ISO-8601; the caller's clock. */
  readonly now: string;
}

export async function reconcile(prepared: PreparedBackfill, loaded: RunResult, options: ReconcileOptions): Promise<Certificate> {
  const { columns, target } = prepared;
  const [run, table] = await both(settledRun(prepared, loaded, options), target.fingerprint(columns));
  const source = run.chunks.reduce((sum, chunk) => addFingerprints(sum, chunk.fingerprint, columns), emptyFingerprint(columns));
  const found = subtractFingerprint(table, run.baseline, columns);
  const findings = compare(prepared, source, found);
  const complete = run.chunks.length === prepared.plan.chunks.length;
  const comparable = target.merge.merge === "append" || (target.merge.merge === "upsert" && run.baseline.rows === "0");
  const equal = findings.length === 0 && complete;
  const rejected = prepared.rejection === undefined ? undefined : await target.quarantined?.(prepared.name);
  const differences = equal || !comparable ? [] : await shownDifferences(prepared, options);
  return {
    ...certificateHead(prepared, options),
    verdict: equal ? "equal" : comparable || target.merge.merge === "aggregate" ? "different" : "unproven",
    rows: { source: source.rows, target: found.rows, before: run.baseline.rows },
    hash: { source: source.hash, target: found.hash },
    columns: certificateColumns(prepared, source, found),
    chunks: certificateChunks(prepared, run),
    findings: complete ? findings : [...findings, missingChunks(prepared, run)],
    differences,
    ...(rejected !== undefined && { quarantined: rejected }),
    coverage: [...coverage(prepared, run), ...quarantineLines(rejected, target.quarantine)],
  };
}

/** What a certificate says of both sides before it says what they hold. */
export function certificateHead({ name, source, plan, target, where }: PreparedBackfill, options: ReconcileOptions) {
  return {
    certificate: "dw-reconciliation/1",
    backfill: name,
    environment: options.environment,
    source: source.title,
    identity: plan.identity,
    target: target.title,
    engine: target.engine,
    ...(target.emulatedBy && { emulatedBy: target.emulatedBy }),
    at: options.now,
    ...(where !== undefined && { where }),
  } as const;
}

/** Side by side; when one fails, the other is waited for all the same: it still uses the connections. */
async function both<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return [await a, await b];
}

function quarantineLines(rejected: string | undefined, place = "dw_state.quarantine"): string[] {
  if (rejected === undefined) return [];
  return [`${rejected} rows were rejected: they lie in ${place} with their reasons and are on neither side of the comparison.`];
}

function missingChunks(prepared: PreparedBackfill, run: RunResult): Finding {
  return { what: "chunks", source: String(prepared.plan.chunks.length), target: String(run.chunks.length) };
}

/** Every measure on which the two sides do not agree. */
function compare(prepared: PreparedBackfill, source: Fingerprint, target: Fingerprint): Finding[] {
  if (prepared.target.merge.merge === "aggregate") return compareAggregated(prepared, source, target);
  const findings: Finding[] = [];
  const note = (what: string, a: string | null, b: string | null): void => {
    findings.push({ what, source: a, target: b });
  };
  if (source.rows !== target.rows) note("rows", source.rows, target.rows);
  if (source.hash.join() !== target.hash.join()) note("row hash", source.hash.join(" "), target.hash.join(" "));
  for (const [index, { name, type, pii }] of prepared.columns.entries()) {
    const [a, b] = [source.columns[index], target.columns[index]];
    if (a === undefined || b === undefined) continue;
    if (a.nulls !== b.nulls) note(`nulls of ${name}`, a.nulls, b.nulls);
    if (!sameValue({ kind: "decimal", precision: 38, scale: 0 }, a.sum, b.sum))
      note(`sum of ${name}`, shown(a.sum, pii), shown(b.sum, pii));
    // No bounds on one side: they were not taken, or the table held rows before.
    if (a.min !== null && b.min !== null && !sameValue(type, a.min, b.min)) note(`min of ${name}`, a.min, b.min);
    if (a.max !== null && b.max !== null && !sameValue(type, a.max, b.max)) note(`max of ${name}`, a.max, b.max);
  }
  return findings;
}

/** Rows merge: of all measures only the sums of SUM columns survive. */
function compareAggregated(prepared: PreparedBackfill, source: Fingerprint, target: Fingerprint): Finding[] {
  const { merge } = prepared.target;
  if (merge.merge !== "aggregate") return [];
  return prepared.columns.flatMap(({ name, pii }, index) => {
    const [a, b] = [source.columns[index]?.sum ?? null, target.columns[index]?.sum ?? null];
    const summed = merge.functions[name]?.toUpperCase() === "SUM";
    return !summed || sameValue({ kind: "decimal", precision: 38, scale: 0 }, a, b)
      ? []
      : [{ what: `sum of ${name}`, source: shown(a, pii), target: shown(b, pii) }];
  });
}

const shown = (value: string | null, pii: boolean | undefined): string | null => (pii && value !== null ? "***" : value);

export function certificateColumns(prepared: PreparedBackfill, source: Fingerprint, target: Fingerprint): CertificateColumn[] {
  return prepared.mapping.columns.map((column, index) => {
    const fingerprint = prepared.columns[index];
    const [a, b] = [source.columns[index], target.columns[index]];
    return {
      name: column.name,
      type: typeText(column.type),
      from: column.from,
      compared: fingerprint !== undefined && isHashed(fingerprint) ? "every value" : "null counts only",
      ...(column.note && { note: column.note }),
      nulls: { source: a?.nulls ?? "0", target: b?.nulls ?? "0" },
      // The sum of one row is its value: personal columns have none here, though both sides are compared by it.
      ...(a?.sum != null && !column.pii && { sum: { source: a.sum, target: b?.sum ?? null } }),
      ...(column.pii ? { pii: true as const } : { min: a?.min ?? null, max: a?.max ?? null }),
    };
  });
}

export function certificateChunks(prepared: PreparedBackfill, run: RunResult): CertificateChunk[] {
  const loaded = new Map(run.chunks.map((chunk) => [chunk.chunk, chunk]));
  return prepared.plan.chunks.map(({ id, title }) => {
    const chunk = loaded.get(id);
    return {
      id,
      title,
      rows: chunk?.fingerprint.rows ?? null,
      hash: chunk?.fingerprint.hash[0] ?? null,
      loadedAt: chunk?.loadedAt ?? null,
    };
  });
}

function coverage(prepared: PreparedBackfill, run: RunResult): string[] {
  const { target, plan, mapping, columns, route } = prepared;
  const lines = [
    route.by === "relay"
      ? `Source side: every row of ${run.chunks.length} chunks, counted and hashed by the source's own SQL in the snapshot from which they were copied.`
      : `Source side: every row of ${run.chunks.length} chunks, as mapped, counted and hashed by DuckDB ${isHashedLater(prepared) ? "in a reading of its own" : "when its chunk was loaded"}.`,
    `Target side: every row of ${target.title}, counted and hashed by the engine's own SQL after the last chunk.`,
  ];
  if (run.baseline.rows !== "0")
    lines.push(
      `The table held ${run.baseline.rows} rows before the first chunk: what was added since is compared (differences of counts, sums and hashes; bounds are not compared). Rows that others wrote, changed or removed in between show as a difference.`,
    );
  const apart = columns.filter((column) => !isHashed(column)).map(({ name }) => name);
  if (apart.length > 0)
    lines.push(`Not hashed, because the engine keeps another text of the same value: ${apart.join(", ")}. Their NULLs are counted.`);
  if (mapping.unused.length > 0) lines.push(`Source columns that are not loaded: ${mapping.unused.join(", ")}.`);
  if (target.merge.merge === "upsert")
    lines.push(
      `${target.title} keeps one row a key (${target.merge.key.join(", ")}): repeated keys of the source replace each other and show as a difference.`,
    );
  if (target.merge.merge === "aggregate")
    lines.push("Rows of one key merge while they are loaded: only the sums of SUM columns are compared.");
  if (!plan.immutable) lines.push("The source is not immutable: the certificate holds for the rows as they were when each chunk was read.");
  return lines;
}
