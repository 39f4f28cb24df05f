import type { Outcome } from "../../core/check.js";
import { type ShownOutcome, worstFirst } from "./summary.js";

/*
 * SARIF 2.1.0 (OASIS): what code-scanning pages load. A rule a kind of check, a result for everything that did not pass, at
 * the model's file.
 */

const levels: Readonly<Record<Outcome, string>> = { fail: "error", "not-evaluated": "error", warn: "warning", pass: "none" };

export function sarifReport(outcomes: readonly ShownOutcome[], environment: string): string {
  const shown = worstFirst(outcomes).filter(({ outcome }) => outcome !== "pass");
  const rules = [...new Set(shown.map(({ kind }) => kind))].sort().map((id) => ({ id, shortDescription: { text: `The check ${id}` } }));
  const driver = { name: "dw", informationUri: "https://www.npmjs.com/package/dwright", rules };
  const run = { tool: { driver }, automationDetails: { id: `dw check/${environment}` }, results: shown.map(result) };
  const schema = "https://json.schemastore.org/sarif-2.1.0.json";
  return JSON.stringify({ $schema: schema, version: "2.1.0", runs: [run] }, null, 2);
}

function result(shown: ShownOutcome): object {
  const name = `${shown.warehouse}.${shown.model}`;
  const logicalLocations = [{ fullyQualifiedName: shown.column === null ? name : `${name}.${shown.column}`, kind: "resource" }];
  const physicalLocation =
    shown.file === null ? {} : { physicalLocation: { artifactLocation: { uri: shown.file }, region: { startLine: 1 } } };
  return {
    ruleId: shown.kind,
    level: levels[shown.outcome],
    message: { text: `${shown.check}: ${shown.message}` },
    locations: [{ ...physicalLocation, logicalLocations }],
    partialFingerprints: { check: `${name}@${shown.slot}/${shown.check}` },
    ...(shown.suppressed && { suppressions: [{ kind: "external", justification: shown.suppressed.reason }] }),
  };
}
