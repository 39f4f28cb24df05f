import type { Outcome } from "../../core/check.js";
import type { Json } from "../../core/json.js";
import { type Paint, painter, type Style } from "../letter.js";
import { countsText, messageText, type ShownOutcome, type ShownScore, worstFirst } from "./summary.js";

const words: Readonly<Record<Outcome, { readonly text: string; readonly color: Parameters<Paint>[0] }>> = {
  fail: { text: "FAIL", color: "red" },
  "not-evaluated": { text: "OPEN", color: "yellow" },
  warn: { text: "warn", color: "yellow" },
  pass: { text: "pass", color: "green" },
};

/** Outcomes for people: worst first, rows that show a failure below it, the counts last. */
export function checksTable(
  outcomes: readonly ShownOutcome[],
  scores: readonly ShownScore[],
  environment: string,
  style: Style & { readonly showSql: boolean },
): string {
  const paint = painter(style);
  const place = (shown: ShownOutcome): string => [shown.layer, shown.model].filter(Boolean).join(" ");
  const width = Math.max(0, ...outcomes.map((shown) => place(shown).length));
  const titles = Math.max(0, ...outcomes.map((shown) => shown.check.length));
  const lines = worstFirst(outcomes).flatMap((shown) => {
    const { text, color } = shown.suppressed && shown.outcome !== "pass" ? { text: "supp", color: "dim" as const } : words[shown.outcome];
    const owner = shown.owner !== null && shown.outcome !== "pass" ? `  → ${shown.owner}` : "";
    const line = `${paint(color, text)}  ${place(shown).padEnd(width)}  ${shown.check.padEnd(titles)}  ${shortText(messageText(shown))}${owner}`;
    const todo = isOpen(shown) ? [paint("dim", `      do: ${shown.fix}`)] : [];
    return [line, ...sampleLines(shown, paint), ...todo, ...(style.showSql ? shown.sql.map((sql) => indented(sql)) : [])];
  });
  const open = outcomes.some((shown) => shown.outcome === "not-evaluated")
    ? ["OPEN: not evaluated, which is not a pass; the reason stands beside it, whole with --json."]
    : [];
  const score = scores.map(({ layer, score: value }) => `${layer ?? "no layer"} ${value} %`).join(", ");
  return [...lines, "", ...open, `score: ${score}`, `${countsText(outcomes)}  (environment ${environment})`].join("\n");
}

/** Told what to do: what somebody has to do something about. */
function isOpen({ outcome, suppressed, fix }: ShownOutcome): boolean {
  return outcome !== "pass" && suppressed === null && fix !== null;
}

/** A server's reason without its statement, which --show-sql and --json have. */
function shortText(message: string): string {
  const [line = ""] = message.split("\n");
  return line.replace(/ Statement: .*$/, "").replace(/\p{Cc}/gu, " "); // a value may hold what a terminal obeys
}

function sampleLines({ sample }: ShownOutcome, paint: Paint): string[] {
  if (!sample || sample.rows.length === 0) return [];
  const cells = [sample.columns, ...sample.rows.map((row) => row.map(cellText))];
  const widths = sample.columns.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  return cells.map((row, index) => {
    const line = `      ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ")}`.trimEnd();
    return index === 0 ? paint("dim", line) : line;
  });
}

/** One line of at most 60 characters, whatever a server put into the value. */
function cellText(value: Json): string {
  const text = value === null ? "NULL" : typeof value === "string" ? value : JSON.stringify(value);
  const line = text.replace(/\p{Cc}/gu, " ");
  return line.length > 60 ? `${line.slice(0, 57)}...` : line;
}

function indented(sql: string): string {
  return sql
    .split("\n")
    .map((line) => `      ${line}`)
    .join("\n");
}
