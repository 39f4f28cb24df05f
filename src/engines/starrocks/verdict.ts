import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { EngineTarget } from "../../core/finding.js";
import type { Operation } from "../../core/operation.js";
import { qualifiedName, starrocksObject } from "./body.js";
import { createTable } from "./create.js";
import { generate } from "./generate.js";
import { judgeText } from "./judge/judge.js";

/** The newest front end whose answers are recorded. */
const TARGET: EngineTarget = { engine: "starrocks", version: "4.0", mode: "shared-nothing", backends: 3 };

/** Rules about other objects than the table: only the server knows those. */
const ELSEWHERE: ReadonlySet<string> = new Set(["starrocks/foreign-key-table", "starrocks/foreign-key-unique", "starrocks/table-missing"]);

/**
 * Why the front end would refuse one of the operations on a table that is `from` before them; undefined when it takes them all,
 * or when its rules would refuse the live table itself, so that nothing can be said.
 */
export function refusal(from: CatalogObject, operations: readonly Operation[]): string | undefined {
  const table = starrocksObject(from);
  if (operations.length === 0 || table.kind !== "table") return undefined;
  const statements = operations.flatMap((operation) => generate(operation)).map(({ text }) => text);
  const [made, ...verdicts] = judgeText([createTable(qualifiedName(table), table.body).text, ...statements].join(";\n"), TARGET);
  const errors = (findings: typeof made): readonly string[] =>
    (findings?.findings ?? []).flatMap(({ severity, rule, message }) => (severity === "error" && !ELSEWHERE.has(rule) ? [message] : []));
  if (errors(made).length > 0) return undefined;
  const [first] = verdicts.flatMap(errors);
  return first === undefined ? undefined : `${displayName(table.name)} cannot be altered so: ${first}`;
}
