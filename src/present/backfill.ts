import { bytesText } from "./amounts.js";
import { textTable } from "./text-table.js";

interface Loaded {
  readonly backfill: string;
  readonly environment: string;
  readonly emulated: string | null;
  readonly target: string;
  readonly verdict: "equal" | "different" | "unproven";
  readonly rows: { readonly source: string; readonly target: string; readonly before: string };
  readonly quarantined?: string | null;
  readonly chunks: number;
  readonly loadedNow: number;
  readonly certificate: string;
  readonly findings: readonly { readonly what: string; readonly source: string | null; readonly target: string | null }[];
  readonly differences: readonly {
    readonly where: string;
    readonly row: string;
    readonly chunk?: string;
    readonly columns?: readonly { readonly name: string; readonly source: string | null; readonly target: string | null }[];
  }[];
}

export function backfillTable(reports: readonly Loaded[]): string {
  const head = ["backfill", "environment", "target", "rows", "chunks", "loaded now", "verdict", "certificate"];
  const rows = reports.map((report) => [
    report.backfill,
    placeText(report),
    report.target,
    rowsText(report),
    String(report.chunks),
    String(report.loadedNow),
    report.verdict,
    report.certificate,
  ]);
  return [textTable(head, rows), ...reports.flatMap(trouble)].join("\n");
}

/** `local; hive emulated by DuckDB`. */
function placeText({ environment, emulated }: Pick<Loaded, "environment" | "emulated">): string {
  return emulated === null ? environment : `${environment}; ${emulated} emulated by DuckDB`;
}

function rowsText({ rows, quarantined = null }: Loaded): string {
  const found = rows.source === rows.target ? rows.source : `${rows.source} read, ${rows.target} found`;
  return quarantined === null || quarantined === "0" ? found : `${found}, ${quarantined} rejected`;
}

function trouble(report: Loaded): string[] {
  if (report.findings.length === 0) return [];
  return [
    "",
    `${report.backfill}: what differs`,
    textTable(
      ["measure", "source", "target"],
      report.findings.map(({ what, source, target }) => [what, source ?? "", target ?? ""]),
    ),
    ...(report.differences.length === 0
      ? []
      : [
          "",
          textTable(
            ["where", "row", "chunk", "columns"],
            report.differences.map(({ where, row, chunk, columns = [] }) => [where, row, chunk ?? "", columns.map(changedText).join("; ")]),
          ),
        ]),
  ];
}

function changedText({
  name,
  source,
  target,
}: {
  readonly name: string;
  readonly source: string | null;
  readonly target: string | null;
}): string {
  return `${name}: ${source ?? "NULL"}, here ${target ?? "NULL"}`;
}

interface Planned {
  readonly backfill: string;
  readonly environment: string;
  readonly emulated: string | null;
  readonly source: string;
  readonly target: string;
  readonly route: string;
  readonly chunks: readonly {
    readonly title: string;
    readonly rows: number | null;
    readonly bytes: number;
    readonly files: number;
    readonly loaded: boolean;
  }[];
  readonly columns: readonly { readonly name: string; readonly from: string; readonly note: string | null }[];
  readonly unused: readonly string[];
}

export function dryRunText(reports: readonly Planned[]): string {
  return reports.map(onePlan).join("\n\n");
}

function onePlan(plan: Planned): string {
  const pending = plan.chunks.filter((chunk) => !chunk.loaded);
  const bytes = pending.reduce((sum, chunk) => sum + chunk.bytes, 0);
  const files = pending.reduce((sum, chunk) => sum + chunk.files, 0);
  return [
    `${plan.backfill} (${placeText(plan)}): ${plan.source} → ${plan.target}`,
    `would load ${pending.length} of ${plan.chunks.length} chunks, ${files} files, ${bytesText(bytes)}: ${plan.route}`,
    "",
    textTable(
      ["column", "from", "note"],
      plan.columns.map(({ name, from, note }) => [name, from, note ?? ""]),
    ),
    ...(plan.unused.length > 0 ? [`not loaded: ${plan.unused.join(", ")}`] : []),
    "",
    textTable(
      ["chunk", "rows", "size", "files", "state"],
      plan.chunks.map(({ title, rows, bytes: size, files: count, loaded }) => [
        title,
        rows === null ? "?" : String(rows),
        bytesText(size),
        String(count),
        loaded ? "loaded" : "to load",
      ]),
    ),
  ].join("\n");
}

interface Known {
  readonly backfill: string;
  readonly environment: string;
  readonly target: string;
  readonly source: string | null;
  readonly startedAt: string | null;
  readonly chunks: number;
  readonly rows: string;
  readonly lastLoadedAt: string | null;
  readonly watermark: string | null;
}

export function statusTable(reports: readonly Known[]): string {
  return textTable(
    ["backfill", "environment", "target", "chunks", "rows", "started", "last chunk", "watermark", "source"],
    reports.map((report) => [
      report.backfill,
      report.environment,
      report.target,
      String(report.chunks),
      report.rows,
      report.startedAt ?? "never",
      report.lastLoadedAt ?? "",
      report.watermark ?? "",
      report.source ?? "",
    ]),
  );
}
