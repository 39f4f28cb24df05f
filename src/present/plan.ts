import type { Change, Fact } from "../core/change.js";
import { approvalLine, approvalNeeded } from "../core/hazard.js";
import type { Json } from "../core/json.js";
import type { Statement } from "../core/plan.js";
import { type Paint, painter, type Style } from "./letter.js";
import { markdownCell, markdownCode, markdownTable } from "./markdown.js";
import { textTable } from "./text-table.js";

type Shown = Pick<Statement, "id" | "slot" | "object" | "text" | "hazards" | "reach">;

/** Statements as a person reads them: what is dangerous stands above the SQL that does it. */
export function statementsText(statements: readonly Shown[], style: Pick<Style, "color">): string {
  const paint = painter(style);
  return statements.map((statement) => statementText(statement, paint)).join("\n\n");
}

const REACHES: Readonly<Record<NonNullable<Shown["reach"]>, string>> = {
  instant: "instant",
  job: "job: goes on in the background; dw waits for its end",
  rebuild: "rebuild: a step of building the object anew, because no ALTER leads there",
};

function statementText({ id, slot, text, hazards, reach }: Shown, paint: Paint): string {
  const warnings = hazards.map(({ kind, why }) => paint(approvalNeeded.has(kind) ? "red" : "yellow", `-- ! ${kind}: ${oneLine(why)}`));
  const how = reach === undefined ? [] : [paint("dim", `-- ${REACHES[reach]}`)];
  return [paint("dim", `-- ${slot}: ${id}`), ...how, ...warnings, `${text};`].join("\n");
}

/** "3 statements on timescale, 1 on starrocks; 1 hazard to approve". */
export function planSummary(statements: readonly Shown[]): string {
  if (statements.length === 0) return "nothing to execute";
  const slots = [...new Set(statements.map(({ slot }) => slot))];
  const counts = slots.map((slot, index) => {
    const count = statements.filter((statement) => statement.slot === slot).length;
    return index === 0 ? `${plural(count, "statement")} on ${slot}` : `${count} on ${slot}`;
  });
  const hazards = statements.flatMap((statement) => statement.hazards).filter(({ kind }) => approvalNeeded.has(kind)).length;
  return hazards === 0 ? counts.join(", ") : `${counts.join(", ")}; ${plural(hazards, "hazard")} to approve`;
}

export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** Changes as a table: one line a fact. */
export function changeTable(changes: readonly Change[]): string {
  return textTable(["change", "object", "what"], changeRows(changes));
}

function changeRows(changes: readonly Change[]): string[][] {
  return changes.flatMap((change): string[][] => {
    if (change.change !== "altered") return [[change.change, change.id, ""]];
    return [...renameRows(change), ...change.facts.map((fact) => ["altered", change.id, factText(fact)])];
  });
}

function renameRows(change: Change & { change: "altered" }): string[][] {
  const moved = change.renamed?.object ? [["renamed", change.id, `from ${change.from.id}`]] : [];
  return [...moved, ...Object.entries(change.renamed?.columns ?? {}).map(([from, to]) => ["renamed", change.id, `column ${from} → ${to}`])];
}

function factText({ path, from, to }: Fact): string {
  const place = path.join(".");
  if (from === undefined) return `${place} added: ${short(to)}`;
  if (to === undefined) return `${place} removed: ${short(from)}`;
  return `${place}: ${short(from)} → ${short(to)}`;
}

function short(value: Json | undefined): string {
  const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

export interface ShownDiff {
  readonly warehouse: string;
  readonly from: string;
  readonly to: string;
  readonly changes: readonly Change[];
  readonly statements: readonly Shown[];
  readonly radius: readonly { readonly kind: string; readonly name: string; readonly through: string }[];
  readonly bytes: Readonly<Record<string, number>>;
}

/** For a pull-request comment: hazards first, then what changes, how far that reaches, and the SQL, folded. */
export function diffMarkdown({ warehouse, from, to, changes, statements, radius, bytes }: ShownDiff): string {
  const title = `### ${markdownCell(warehouse)}: ${markdownCell(from)} → ${markdownCell(to)}`;
  if (changes.length === 0) return `${title}\n\nNo difference.\n`;
  const hazards = statements.flatMap(({ id, object, hazards: own }) =>
    own.map((hazard) => [hazard.kind, `${hazard.why}${sizeText(hazard.kind, bytes[object])}`, approvalLine(hazard.kind, id)]),
  );
  const warning =
    hazards.length === 0
      ? []
      : [`**${plural(hazards.length, "hazard")}**`, markdownTable(["hazard", "what happens", "approved by"], hazards)];
  return `${[
    title,
    ...warning,
    markdownTable(["change", "object", "what"], changeRows(changes)),
    ...radiusLines(radius),
    `<details><summary>SQL: ${markdownCell(planSummary(statements))}</summary>`,
    markdownCode(statementsText(statements, { color: false }), "sql"),
    "</details>",
  ].join("\n\n")}\n`;
}

function radiusLines(radius: ShownDiff["radius"]): string[] {
  if (radius.length === 0) return [];
  const rows = radius.map(({ kind, name, through }) => [kind, name, through]);
  return [`**Reaches ${plural(radius.length, "other")}**`, markdownTable(["kind", "name", "through"], rows)];
}

const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

function sizeText(kind: string, bytes: number | undefined): string {
  if (kind !== "rewrites-table" || bytes === undefined) return "";
  const step = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(bytes, 1)) / 10));
  return ` (${(bytes / 1024 ** step).toFixed(step === 0 ? 0 : 1)} ${UNITS[step]} now)`;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ");
}

const diffFormats = {
  markdown: diffMarkdown,
  sql: ({ statements }: ShownDiff, style: Pick<Style, "color">) =>
    statements.length === 0 ? "" : `${statementsText(statements, style)}\n`,
  table: diffTable,
} as const;

/** A difference in one of the formats of `dw diff`. */
export function diffText(diff: ShownDiff, format: keyof typeof diffFormats, style: Pick<Style, "color">): string {
  return diffFormats[format](diff, style);
}

function diffTable({ warehouse, from, to, changes, statements }: ShownDiff): string {
  const title = `${warehouse}: ${from} → ${to}`;
  if (changes.length === 0) return `${title}: no difference\n`;
  return `${title}\n\n${changeTable(changes)}\n\n${planSummary(statements)}\n`;
}
