import { isJsonObject, type Json } from "../../core/json.js";

interface Remembered {
  readonly at: string;
  readonly model: string;
  readonly slot?: string;
  readonly check: string;
  readonly outcome: string;
  readonly value: Json;
  readonly message: string;
}

const marks: Readonly<Record<string, string>> = { pass: "✓", warn: "!", fail: "✗", "not-evaluated": "·" };
const bars = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

/** Two lines a check, from old to new: its outcomes with the newest one's text, and what it measured as bars. `records` are newest first. */
export function historyTable(records: readonly Remembered[], environment: string): string {
  if (records.length === 0) return `no check has run in ${environment} yet`;
  const checks = new Map<string, Remembered[]>();
  for (const record of records) {
    const key = `${record.model}${record.slot === undefined ? "" : `@${record.slot}`}  ${record.check}`;
    checks.set(key, [...(checks.get(key) ?? []), record]);
  }
  const width = Math.max(...[...checks.keys()].map((key) => key.length));
  const lines = [...checks].flatMap(([key, runs]) => {
    const outcomes = runs.map((run) => marks[run.outcome] ?? "?").reverse();
    const [newest] = runs;
    const line = `${key.padEnd(width)}  ${outcomes.join("")}  ${newest?.at.slice(0, 16).replace("T", " ")}  ${newest?.message}`;
    const measured = sparkline(runs.map((run) => measure(run.value)).reverse());
    return measured === undefined ? [line] : [line, `${" ".repeat(width)}  ${measured}`];
  });
  return [...lines, "", `✓ pass  ! warn  ✗ fail  · not evaluated; bars: what was measured  (environment ${environment})`].join("\n");
}

/** Bars between the smallest and the largest value; undefined where fewer than two are numbers, or nothing changed. */
function sparkline(values: readonly (number | undefined)[]): string | undefined {
  const known = values.filter((value) => value !== undefined);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  if (known.length < 2 || low === high) return undefined;
  const bar = (value: number): string => bars[Math.round(((value - low) / (high - low)) * (bars.length - 1))] ?? " ";
  return `${values.map((value) => (value === undefined ? " " : bar(value))).join("")}  ${shown(low)} to ${shown(high)}`;
}

/** The number in a remembered value: its own, or what its kind counts. */
function measure(value: Json): number | undefined {
  if (isJsonObject(value)) {
    for (const name of ["value", "violating", "distance", "share", "rows"]) {
      const found = value[name];
      if (found !== undefined && found !== null) return measure(found);
    }
    return undefined;
  }
  const number = typeof value === "string" || typeof value === "number" ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : undefined;
}

function shown(value: number): string {
  return String(Number(value.toPrecision(4)));
}
