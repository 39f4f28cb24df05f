import type { EngineName } from "../core/types.js";

/** Proof, or refutation, that a target holds what its source held. Plain JSON; counts, sums and hashes are texts of any length. */
export interface Certificate {
  readonly certificate: "dw-reconciliation/1";
  readonly backfill: string;
  readonly environment: string;
  readonly source: string;
  readonly identity: string;
  readonly target: string;
  readonly engine: EngineName;
  /** Who stood in for the engine: it is that one's rows that were compared. */
  readonly emulatedBy?: EngineName;
  /** ISO-8601. */
  readonly at: string;
  /** `unproven`: the target's kind of table does not allow the comparison, for the reason in `coverage`. */
  readonly verdict: "equal" | "different" | "unproven";
  readonly where?: string;
  /** Of an incremental run: the greatest value that was loaded before it and after it. */
  readonly watermark?: { readonly before: string | null; readonly after: string | null };
  /** `before`: rows that the table held before the first chunk; `target` is without them. */
  readonly rows: { readonly source: string; readonly target: string; readonly before: string };
  /** Rows that were rejected and lie in the quarantine; absent where none may be. */
  readonly quarantined?: string;
  readonly hash: { readonly source: readonly [string, string]; readonly target: readonly [string, string] };
  readonly columns: readonly CertificateColumn[];
  readonly chunks: readonly CertificateChunk[];
  readonly findings: readonly Finding[];
  /** Rows that only one side has, at most twenty; personal data masked. */
  readonly differences: readonly Difference[];
  /** What was compared and what was not, in sentences. */
  readonly coverage: readonly string[];
}

export interface CertificateColumn {
  readonly name: string;
  readonly type: string;
  /** Source column, expression or constant. */
  readonly from: string;
  readonly compared: "every value" | "null counts only";
  readonly note?: string;
  readonly nulls: { readonly source: string; readonly target: string };
  readonly sum?: { readonly source: string; readonly target: string | null };
  readonly min?: string | null;
  readonly max?: string | null;
  readonly pii?: true;
}

export interface CertificateChunk {
  readonly id: string;
  readonly title: string;
  readonly rows: string | null;
  readonly hash: string | null;
  readonly loadedAt: string | null;
}

export interface Finding {
  readonly what: string;
  readonly source: string | null;
  readonly target: string | null;
}

export interface Difference {
  readonly where: "only in source" | "only in target" | "differs";
  /** The identifying columns: `station_id=7, at=…`. */
  readonly row: string;
  /** Title of the chunk that has the row. */
  readonly chunk?: string;
  /** Of a row that differs: in what, as canonical texts; personal data masked. */
  readonly columns?: readonly { readonly name: string; readonly source: string | null; readonly target: string | null }[];
}

const cell = (text: string | null): string => (text ?? "").replaceAll("|", "\\|").replaceAll("\n", " ");

function table(head: readonly string[], rows: readonly (readonly (string | null)[])[]): string[] {
  return [`| ${head.join(" | ")} |`, `|${head.map(() => "---").join("|")}|`, ...rows.map((row) => `| ${row.map(cell).join(" | ")} |`)];
}

function engineText({ engine, emulatedBy }: Pick<Certificate, "engine" | "emulatedBy">): string {
  return emulatedBy === undefined ? engine : `${engine}, emulated by ${emulatedBy}`;
}

/** The same certificate for people: verdict first. */
export function certificateMarkdown(certificate: Certificate): string {
  const { rows, columns, chunks, findings, differences } = certificate;
  return [
    `# ${certificate.backfill}: ${VERDICTS[certificate.verdict]}`,
    "",
    `- source: ${certificate.source} (\`${certificate.identity}\`)`,
    `- target: ${certificate.target} (${engineText(certificate)}, environment ${certificate.environment})`,
    ...(certificate.where === undefined ? [] : [`- rows where: \`${certificate.where}\``]),
    ...(certificate.watermark === undefined
      ? []
      : [`- watermark: ${certificate.watermark.before ?? "none"} before, ${certificate.watermark.after ?? "none"} after`]),
    `- rows: ${rows.source} read, ${rows.target} found${rows.before === "0" ? "" : `, ${rows.before} there before`}`,
    ...(certificate.quarantined === undefined ? [] : [`- rejected: ${certificate.quarantined}`]),
    `- at: ${certificate.at}`,
    "",
    "## What is compared",
    "",
    ...certificate.coverage.map((line) => `- ${line}`),
    ...section("What differs", findings.length, () =>
      table(
        ["measure", "source", "target"],
        findings.map(({ what, source, target }) => [what, source, target]),
      ),
    ),
    ...section("Rows that differ", differences.length, () =>
      table(
        ["where", "row", "chunk", "columns"],
        differences.map(({ where, row, chunk, columns: changed }) => [where, row, chunk ?? null, changedText(changed)]),
      ),
    ),
    ...section("Columns", columns.length, () =>
      table(
        ["column", "type", "from", "compared", "nulls", "sum", "min", "max", "note"],
        columns.map((column) => [
          column.name,
          column.type,
          column.from,
          column.compared,
          column.nulls.source,
          column.sum?.source ?? null,
          column.pii ? "***" : (column.min ?? null),
          column.pii ? "***" : (column.max ?? null),
          column.note ?? null,
        ]),
      ),
    ),
    ...section("Chunks", chunks.length, () =>
      table(
        ["chunk", "rows", "hash", "loaded"],
        chunks.map(({ title, rows: count, hash, loadedAt }) => [title, count, hash, loadedAt]),
      ),
    ),
    "",
  ].join("\n");
}

/** `paid: 1.50 in the source, 1.00 in the target`. */
function changedText(changed: Difference["columns"] = []): string {
  return changed
    .map(({ name, source, target }) => `${name}: ${source ?? "NULL"} in the source, ${target ?? "NULL"} in the target`)
    .join("; ");
}

const VERDICTS = {
  equal: "source and target are equal",
  different: "source and target differ",
  unproven: "equality is not proved",
} as const;

function section(title: string, members: number, lines: () => readonly string[]): string[] {
  return members === 0 ? [] : ["", `## ${title}`, "", ...lines()];
}
