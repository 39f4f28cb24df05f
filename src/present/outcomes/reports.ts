import type { Outcome } from "../../core/check.js";
import { isJsonObject } from "../../core/json.js";
import { markdownTable } from "../markdown.js";
import { countsText, messageText, type ShownOutcome, type ShownScore, worstFirst } from "./summary.js";

/** JUnit XML: a suite a model; a failure is a failure, what was not evaluated an error, a warning a passed case that says so. */
export function junitReport(outcomes: readonly ShownOutcome[]): string {
  const suites = [...new Set(outcomes.map((shown) => shown.model))].map((model) => {
    const cases = outcomes.filter((shown) => shown.model === model);
    const of = (outcome: Outcome): number => cases.filter((shown) => shown.outcome === outcome && !shown.suppressed).length;
    return [
      `  <testsuite name="${xml(model)}" tests="${cases.length}" failures="${of("fail")}" errors="${of("not-evaluated")}">`,
      ...cases.map(junitCase),
      "  </testsuite>",
    ].join("\n");
  });
  return ['<?xml version="1.0" encoding="UTF-8"?>', "<testsuites>", ...suites, "</testsuites>"].join("\n");
}

function junitCase(shown: ShownOutcome): string {
  const open = `    <testcase classname="${xml(shown.model)}" name="${xml(shown.check)}"`;
  const message = xml(shown.message);
  if (shown.suppressed && shown.outcome !== "pass")
    return `${open}><skipped message="${xml(`suppressed: ${shown.suppressed.reason}; ${shown.message}`)}"/></testcase>`;
  if (shown.outcome === "fail") return `${open}><failure message="${message}"/></testcase>`;
  if (shown.outcome === "not-evaluated") return `${open}><error message="${message}"/></testcase>`;
  if (shown.outcome === "warn") return `${open}><system-out>warning: ${message}</system-out></testcase>`;
  return `${open}/>`;
}

/** Characters that XML 1.0 cannot hold at all become spaces. */
function xml(text: string): string {
  const named: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
  return text.replace(/[^\t\n\r\x20-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, " ").replace(/[&<>"]/g, (c) => named[c] ?? c);
}

export function markdownReport(outcomes: readonly ShownOutcome[], environment: string): string {
  const rows = worstFirst(outcomes).map((shown) => [shown.outcome, shown.model, shown.check, messageText(shown), shown.owner ?? ""]);
  return `**${countsText(outcomes)}** in ${environment}\n\n${markdownTable(["outcome", "model", "check", "result", "owner"], rows)}`;
}

/** GitHub's workflow commands: an annotation for everything that did not pass. */
export function githubReport(outcomes: readonly ShownOutcome[]): string {
  const lines = worstFirst(outcomes)
    .filter((shown) => shown.outcome !== "pass" && !shown.suppressed)
    .map(
      (shown) =>
        `::${shown.outcome === "warn" ? "warning" : "error"} title=${property(`${shown.model}: ${shown.check}`)}::${escaped(shown.message)}`,
    );
  return [...lines, countsText(outcomes)].join("\n");
}

function escaped(text: string): string {
  return text.replace(/%/g, "%25").replace(/\r/g, "%0D").replace(/\n/g, "%0A");
}

function property(text: string): string {
  return escaped(text).replace(/:/g, "%3A").replace(/,/g, "%2C");
}

const states: Readonly<Record<Outcome, number>> = { pass: 0, warn: 1, fail: 2, "not-evaluated": 3 };

interface MeasuredReport {
  readonly environment: string;
  /** ISO-8601. */
  readonly at: string;
  readonly outcomes: readonly ShownOutcome[];
  readonly scores: readonly ShownScore[];
}

/** Prometheus text format: outcomes as 0 pass, 1 warn, 2 fail, 3 not evaluated; violating rows; scores; when the run was. */
export function prometheusReport({ environment, at, outcomes, scores }: MeasuredReport): string {
  const labels = (shown: ShownOutcome): string =>
    labelled({
      environment,
      warehouse: shown.warehouse,
      layer: shown.layer ?? "",
      model: shown.model,
      slot: shown.slot,
      check: shown.check,
      kind: shown.kind,
      owner: shown.owner ?? "",
      suppressed: String(shown.suppressed !== null),
    });
  const violating = outcomes.flatMap((shown) =>
    isJsonObject(shown.value) && typeof shown.value.violating === "string" ? [`${labels(shown)} ${shown.value.violating}`] : [],
  );
  return [
    ...gauge(
      "dw_check_outcome",
      "0 pass, 1 warn, 2 fail, 3 not evaluated.",
      outcomes.map((shown) => `${labels(shown)} ${states[shown.outcome]}`),
    ),
    ...gauge("dw_check_violating_rows", "Rows, groups or intervals that violate a check.", violating),
    ...gauge(
      "dw_check_score",
      "Weighted share of passed checks of a layer, percent.",
      scores.map(({ layer, score }) => `${labelled({ environment, layer: layer ?? "" })} ${score}`),
    ),
    ...gauge("dw_check_run_timestamp_seconds", "When the checks ran.", [
      `${labelled({ environment })} ${Math.floor(Date.parse(at) / 1000)}`,
    ]),
  ].join("\n");
}

function gauge(name: string, help: string, values: readonly string[]): string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, ...values.map((value) => `${name}${value}`)];
}

function labelled(labels: Readonly<Record<string, string>>): string {
  const quoted = (text: string): string => text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${quoted(value)}"`)
    .join(",")}}`;
}
