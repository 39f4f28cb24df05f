import { mkdir, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { type Certificate, certificateMarkdown } from "../../backfill/certificate.js";
import { mend } from "../../backfill/mend.js";
import type { PreparedBackfill } from "../../backfill/prepare.js";
import { type ReconcileOptions, reconcile } from "../../backfill/reconcile.js";
import type { RunResult } from "../../backfill/run.js";
import type { Project } from "../project.js";
import type { BackfillCall, BackfillReport, RunFlags } from "./call.js";
import type { OpenBackfill } from "./open.js";

export function reconcileOptions(call: BackfillCall, open: OpenBackfill): ReconcileOptions {
  const now = new Date(call.now()).toISOString();
  return { environment: open.environment, connect: open.connect, signal: call.signal, now, key: open.target.key };
}

export async function certify(
  call: BackfillCall,
  open: OpenBackfill,
  prepared: PreparedBackfill,
  run: RunResult,
  folder: string | undefined,
): Promise<BackfillReport> {
  return reportOf(call, await reconcile(prepared, run, reconcileOptions(call, open)), run, folder);
}

/**
 * Compares, and with --recopy makes up for what differs and compares again. `read` fingerprints the source's chunks as they
 * are now.
 */
export async function certifyMended(
  call: BackfillCall,
  open: OpenBackfill,
  prepared: PreparedBackfill,
  read: () => Promise<RunResult>,
  flags: RunFlags,
): Promise<BackfillReport> {
  const run = await read();
  const report = await certify(call, open, prepared, run, flags.certificates);
  if (flags.recopy !== true || report.verdict === "equal") return report;
  const mended = await mend(prepared, run, { ...reconcileOptions(call, open), signal: call.signal });
  const { removed, copied, chunks } = mended;
  call.conversation.say(`${prepared.name}: ${removed} rows taken out, ${copied} copied again from ${chunks.length} chunks`);
  return { ...(await certify(call, open, prepared, await read(), flags.certificates)), mended };
}

/** Writes the certificate, and says what a person and a scheduler want to know of it. */
export async function reportOf(
  call: BackfillCall,
  certificate: Certificate,
  run: RunResult,
  folder: string | undefined,
): Promise<BackfillReport> {
  return {
    backfill: certificate.backfill,
    environment: certificate.environment,
    emulated: certificate.emulatedBy === undefined ? null : certificate.engine,
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
