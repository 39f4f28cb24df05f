interface Remembered {
  readonly at: string;
  readonly model: string;
  readonly check: string;
  readonly outcome: string;
  readonly message: string;
}

const bars: Readonly<Record<string, string>> = { pass: "▁", warn: "▄", fail: "█", "not-evaluated": "·" };

/** One line a check: its outcomes from old to new as bars, then the newest one's text. `records` are newest first. */
export function historyTable(records: readonly Remembered[], environment: string): string {
  if (records.length === 0) return `no check has run in ${environment} yet`;
  const checks = new Map<string, Remembered[]>();
  for (const record of records) {
    const key = `${record.model}  ${record.check}`;
    checks.set(key, [...(checks.get(key) ?? []), record]);
  }
  const width = Math.max(...[...checks.keys()].map((key) => key.length));
  const lines = [...checks].map(([key, runs]) => {
    const line = runs.map((run) => bars[run.outcome] ?? "?").reverse();
    const [newest] = runs;
    return `${key.padEnd(width)}  ${line.join("")}  ${newest?.at.slice(0, 16).replace("T", " ")}  ${newest?.message}`;
  });
  return [...lines, "", `▁ pass  ▄ warn  █ fail  · not evaluated  (environment ${environment})`].join("\n");
}
