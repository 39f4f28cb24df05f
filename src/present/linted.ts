/** As `dw lint` answers it: one entry a statement or model. */
interface Entry {
  readonly source: string;
  readonly line: number | null;
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

interface Finding {
  readonly rule: string;
  readonly severity: string;
  readonly message: string;
  readonly fix: string;
  readonly place?: string;
}

/** Findings with their places, then a summary. */
export function lintText(entries: readonly Entry[]): string {
  const lines = entries.flatMap((entry) => entry.findings.flatMap((finding) => findingLines(entry, finding)));
  return [...lines, summary(entries)].join("\n");
}

function findingLines({ source, line }: Entry, { rule, severity, message, fix, place }: Finding): string[] {
  return [
    `${clean(place ?? (line === null ? source : `${source}:${line}`))}: ${severity} ${rule}`,
    `  ${clean(message)}`,
    `  ${clean(fix)}`,
  ];
}

function summary(entries: readonly Entry[]): string {
  const refused = entries.filter(({ ok }) => !ok).length;
  const what = entries.some(({ line }) => line !== null) ? "statements and models" : "models";
  return refused === 0 ? `${entries.length} ${what}: none would be refused.` : `${refused} of ${entries.length} ${what} would be refused.`;
}

/** Names in messages come from files: they stay on their line. */
function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return text.replace(/\s*[\r\n]+\s*/g, " ").replace(/[\u0000-\u001f\u007f]/g, "\ufffd");
}
