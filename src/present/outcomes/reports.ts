import type { Outcome } from "../../core/check.js";
import { markdownTable } from "../markdown.js";
import { countsText, type ShownOutcome, type ShownScore, worstFirst } from "./summary.js";

/** JUnit XML: a suite a model; a failure is a failure, what was not evaluated an error, a warning a passed case that says so. */
export function junitReport(outcomes: readonly ShownOutcome[]): string {
  const suites = [...new Set(outcomes.map((shown) => shown.model))].map((model) => {
    const cases = outcomes.filter((shown) => shown.model === model);
    const of = (outcome: Outcome): number => cases.filter((shown) => shown.outcome === outcome).length;
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
  const rows = worstFirst(outcomes).map((shown) => [shown.outcome, shown.model, shown.check, shown.message, shown.owner ?? ""]);
  return `**${countsText(outcomes)}** in ${environment}\n\n${markdownTable(["outcome", "model", "check", "result", "owner"], rows)}`;
}

/** GitHub's workflow commands: an annotation for everything that did not pass. */
export function githubReport(outcomes: readonly ShownOutcome[]): string {
  const lines = worstFirst(outcomes)
    .filter((shown) => shown.outcome !== "pass")
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

/** Prometheus text format: 0 pass, 1 warn, 2 fail, 3 not evaluated. */
export function prometheusReport(outcomes: readonly ShownOutcome[], scores: readonly ShownScore[], environment: string): string {
  const label = (text: string): string => text.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
  const lines = outcomes.map((shown) => {
    const labels = { environment, layer: shown.layer ?? "", model: shown.model, slot: shown.slot, check: shown.check, kind: shown.kind };
    const text = Object.entries(labels).map(([name, value]) => `${name}="${label(value)}"`);
    return `dw_check_outcome{${text.join(",")}} ${states[shown.outcome]}`;
  });
  const scored = scores.map(
    ({ layer, score }) => `dw_check_score{environment="${label(environment)}",layer="${label(layer ?? "")}"} ${score}`,
  );
  const scoreHelp = ["# HELP dw_check_score Weighted share of passed checks of a layer, percent.", "# TYPE dw_check_score gauge"];
  const help = "# HELP dw_check_outcome 0 pass, 1 warn, 2 fail, 3 not evaluated.";
  return [help, "# TYPE dw_check_outcome gauge", ...lines, ...scoreHelp, ...scored].join("\n");
}
