import type { ObjectId } from "../core/catalog.js";
import type { Fact } from "../core/change.js";
import type { Unapproved } from "../core/migration.js";
import type { Plan, Statement } from "../core/plan.js";
import { differenceLines } from "./difference.js";
import type { Style } from "./letter.js";
import { planSummary, plural, statementsText } from "./plan.js";
import { textTable } from "./text-table.js";

type Colour = Pick<Style, "color">;

/** `ciapol in local (starrocks is emulated)`: every answer names its environment. */
function placeText(warehouse: string, environment: string, emulated: readonly string[] = []): string {
  const notReal = emulated.length === 0 ? "" : ` (${emulated.join(", ")} ${emulated.length === 1 ? "is" : "are"} emulated by DuckDB)`;
  return `${warehouse} in ${environment}${notReal}`;
}

interface UpShown {
  readonly environment: string;
  readonly warehouse: string;
  readonly dryRun: boolean;
  readonly emulated: readonly string[];
  readonly deviations: Readonly<Record<string, readonly string[]>>;
  readonly alreadyApplied: number;
  readonly steps: readonly {
    readonly id: string;
    readonly statements: readonly Statement[];
    readonly executed: number;
    readonly notServed: readonly string[];
  }[];
  readonly letGo: readonly HeldShown[];
  readonly held: readonly HeldShown[];
  readonly unapproved: readonly Unapproved[];
}

interface HeldShown {
  readonly id: string;
  readonly statements: readonly Statement[];
  readonly until: string;
}

/** What `dw migrate up` did, or with --dry-run would do. */
export function upText(report: UpShown, style: Colour): string {
  const place = placeText(report.warehouse, report.environment, report.emulated);
  const held = heldLines(report);
  if (report.steps.length === 0) return [...held, `${place}: ${nothingText(report.alreadyApplied)}`].join("\n");
  const steps = report.steps.flatMap((step) => [
    report.dryRun ? `${step.id}: ${planSummary(step.statements)}` : `${step.id}: ${executedText(step)}`,
    ...step.notServed.map((slot) => `  nothing serves ${slot} in ${report.environment}: its statements are not executed`),
    ...(report.dryRun && step.statements.length > 0 ? ["", statementsText(step.statements, style), ""] : []),
  ]);
  const verb = report.dryRun ? "would be applied" : "applied";
  return [
    ...steps,
    ...held,
    ...unapprovedLines(report.unapproved),
    ...deviationLines(report),
    `${place}: ${plural(report.steps.length, "migration")} ${verb}`,
  ].join("\n");
}

/** Said when an environment meets its first migration: later runs are not read for it. */
function deviationLines({ alreadyApplied, deviations }: Pick<UpShown, "alreadyApplied" | "deviations">): string[] {
  if (alreadyApplied > 0) return [];
  return Object.entries(deviations).flatMap(([slot, lines]) => [
    `${slot} is emulated by DuckDB, which differs:`,
    ...lines.map((line) => `  - ${line}`),
  ]);
}

function nothingText(alreadyApplied: number): string {
  return alreadyApplied === 0
    ? "no migration is written yet; `dw migrate new NAME` writes the first"
    : `nothing to apply; ${plural(alreadyApplied, "migration")} applied already`;
}

function heldLines({ letGo, held, dryRun }: Pick<UpShown, "letGo" | "held" | "dryRun">): string[] {
  return [
    ...letGo.map(({ id }) => `${id}: its hold has ended, the old objects ${dryRun ? "would be" : "are"} dropped`),
    ...held.map(({ id, until }) => `${id}: the old objects are held until ${until}; \`dw migrate down\` brings them back`),
  ];
}

function executedText({ statements, executed }: { readonly statements: readonly Statement[]; readonly executed: number }): string {
  const before = statements.filter(({ held }) => !held).length - executed;
  return before === 0
    ? `${plural(executed, "statement")} executed`
    : `${plural(executed, "statement")} executed, ${before} done by an earlier run`;
}

function unapprovedLines(hazards: readonly Unapproved[]): string[] {
  if (hazards.length === 0) return [];
  const lines = [...new Map(hazards.map(({ line, why }) => [line, why]))].map(([line, why]) => `  - ${line} # ${why.replace(/\s+/g, " ")}`);
  return ["not approved yet; when it is meant, add to intent.yaml:", "approvals:", ...lines];
}

interface DownShown {
  readonly environment: string;
  readonly warehouse: string;
  readonly dryRun: boolean;
  readonly steps: readonly { readonly id: string; readonly statements: readonly Statement[] }[];
  readonly unapproved: readonly Unapproved[];
}

export function downText(report: DownShown, style: Colour): string {
  const place = placeText(report.warehouse, report.environment);
  if (report.steps.length === 0) return `${place}: nothing to take back`;
  const steps = report.steps.map(
    (step) => `${step.id}: ${planSummary(step.statements)}${report.dryRun ? `\n\n${statementsText(step.statements, style)}\n` : ""}`,
  );
  const verb = report.dryRun ? "would be taken back" : "taken back";
  return [...steps, ...unapprovedLines(report.unapproved), `${place}: ${plural(report.steps.length, "migration")} ${verb}`].join("\n");
}

interface StatusShown {
  readonly id: string;
  readonly status: string;
  readonly appliedAt?: string;
  readonly outOfOrder?: true;
  readonly statements: Readonly<Record<string, number>>;
  readonly total: number;
}

export function statusText(warehouse: string, environment: string, statuses: readonly StatusShown[]): string {
  const place = placeText(warehouse, environment);
  if (statuses.length === 0) return `${place}: no migrations yet; \`dw migrate new NAME\` makes one`;
  const rows = statuses.map((one) => [
    one.id,
    one.status,
    one.appliedAt ?? "",
    `${one.statements.done ?? 0} of ${one.total}`,
    journalText(one),
  ]);
  const pending = statuses.filter(({ status }) => status !== "applied").length;
  return `${textTable(["migration", "status", "applied at", "statements", "note"], rows)}\n\n${place}: ${statuses.length - pending} applied, ${pending} pending`;
}

function journalText({ status, statements, outOfOrder }: StatusShown): string {
  if (outOfOrder) return "out of order";
  if (status !== "interrupted") return "";
  const parts = [statements.failed && `${statements.failed} failed`, statements.started && `${statements.started} undecided`];
  return parts.filter((part) => typeof part === "string").join(", ");
}

interface VerifyShown {
  readonly environment: string;
  readonly warehouse: string;
  readonly emulated: readonly string[];
  readonly at: string | undefined;
  readonly objects: number;
  readonly differences: readonly {
    readonly id: ObjectId;
    readonly is: "missing" | "unexpected" | "different";
    readonly facts: readonly Fact[];
  }[];
  readonly foreign: readonly { readonly id: ObjectId }[];
  readonly unmodelled: readonly { readonly name: string; readonly what: string }[];
}

export function verifyText(report: VerifyShown): string {
  const place = placeText(report.warehouse, report.environment, report.emulated);
  const drift = differenceLines(report.differences).map((line) => `  ${line}`);
  const foreign = report.foreign.map(({ id }) => `  ${id}`);
  const unmodelled = report.unmodelled.map(({ name, what }) => `  ${name}: ${what}`);
  const state = report.at === undefined ? "nothing is applied" : `${plural(report.objects, "object")} at ${report.at}`;
  return [
    ...section("drift of ours:", drift),
    ...section("foreign, left alone:", foreign),
    ...section("not understood, left alone:", unmodelled),
    `${place}: ${state}, ${drift.length === 0 ? "no drift" : plural(drift.length, "difference")}`,
  ].join("\n");
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : [title, ...lines];
}

interface ChangeShown {
  readonly plans: { readonly default: Plan } & { readonly [environment: string]: Plan };
  readonly hazards: readonly Unapproved[];
}

/** What `new` wrote, or `plan` would have it write: the plan of every environment that has its own. */
export function changeText(change: ChangeShown, style: Colour): string {
  const parts = Object.entries(change.plans).map(([environment, plan]) => {
    const title = environment === "default" ? planSummary(plan.statements) : `in ${environment}: ${planSummary(plan.statements)}`;
    return `${title}\n\n${statementsText(plan.statements, style)}\n`;
  });
  return [...parts, ...unapprovedLines(change.hazards)].join("\n");
}

interface RepairShown {
  readonly environment: string;
  readonly warehouse: string;
  readonly how: string;
  readonly id: string | undefined;
  readonly statements: readonly { readonly id: string; readonly state: string }[];
  readonly marked: boolean;
}

export function repairText(report: RepairShown): string {
  const place = placeText(report.warehouse, report.environment);
  if (report.id === undefined) return `${place}: no run was interrupted`;
  const lines = report.statements.map(({ id, state }) => `  ${state}  ${id}`);
  const open = report.statements.filter(({ state }) => state === "open").length;
  const left =
    report.how === "undo" ? "taken back; it is pending again" : `${open} open; --finish goes on with them, --undo takes the others back`;
  const end = report.marked ? "all done; marked as applied" : left;
  return [`${report.id}:`, ...lines, `${place}: ${end}`].join("\n");
}
