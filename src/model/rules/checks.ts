import type { AnyCheck } from "../../core/check-spec.js";
import type { Columns, Model } from "../../core/model.js";
import { columnsOf, has, type Mistake, missingColumn, type ProjectFacts } from "./mistake.js";
import { unknownModel } from "./relations.js";

/** Columns and models that checks name, in the model that they check. A model without columns (a source) says nothing of them. */
export function checkMistakes(model: Model, facts: ProjectFacts): readonly Mistake[] {
  const { checks, columns } = checked(model, facts);
  const all = checks.flatMap((check): AnyCheck[] => (check.check === "anomaly" ? [check, check.of] : [check]));
  return all.flatMap((check) => [...columnMistakes(check, columns), ...referenceMistakes(check, facts), ...suppressionMistakes(check)]);
}

interface Checked {
  readonly checks: readonly AnyCheck[];
  readonly columns: Columns | undefined;
}

function checked(model: Model, { models }: ProjectFacts): Checked {
  const columnsIn = (name: string | undefined): Columns | undefined => {
    const found = name === undefined ? undefined : models.get(name);
    return found && columnsOf(found);
  };
  if (model.model === "check") return { checks: [model.spec], columns: columnsIn(model.on[0]) };
  if (model.model === "backfill") return { checks: model.checks ?? [], columns: columnsIn(model.to) };
  return { checks: "checks" in model ? (model.checks ?? []) : [], columns: columnsOf(model) };
}

/** The keys of a check that hold names of columns. */
const COLUMN_KEYS = ["column", "columns", "per", "except", "between"] as const;

/** Kinds whose `by` is a column; in the others it is a time or a way to measure. */
const ORDERED: ReadonlySet<string> = new Set(["unique", "monotonic"]);

function columnMistakes(check: AnyCheck, columns: Columns | undefined): readonly Mistake[] {
  if (columns === undefined || Object.keys(columns).length === 0) return [];
  const said = check as unknown as Readonly<Record<string, unknown>>; // read by key; every check is an object
  return [...COLUMN_KEYS, ...(ORDERED.has(check.check) ? (["by"] as const) : [])].flatMap((key) =>
    [said[key]]
      .flat()
      .filter((name): name is string => typeof name === "string" && !has(columns, name))
      .map((name) => missingColumn(`checks.${check.check}.${key}`, name, columns)),
  );
}

function referenceMistakes(check: AnyCheck, facts: ProjectFacts): readonly Mistake[] {
  if (check.check !== "reference") return [];
  const target = facts.models.get(check.model);
  const columns = target && columnsOf(target);
  const missing = columns === undefined ? [] : check.to.filter((name) => !has(columns, name));
  return [
    ...unknownModel("checks.reference.model", check.model, facts),
    ...(columns === undefined ? [] : missing.map((name) => missingColumn("checks.reference.to", name, columns, check.model))),
  ];
}

/** A suppression without an end would hide a failure for ever. */
function suppressionMistakes({ check, suppress }: AnyCheck): readonly Mistake[] {
  if (suppress === undefined) return [];
  const isDay = /^\d{4}-\d\d-\d\d$/.test(suppress.until) && !Number.isNaN(Date.parse(suppress.until));
  if (isDay && suppress.reason.trim() !== "") return [];
  return [
    {
      what: `suppresses its ${check} check until ${JSON.stringify(suppress.until)}, because of ${JSON.stringify(suppress.reason)}.`,
      why: "A suppression has a last day and a reason.",
      fix: 'Write suppress: { until: "2026-12-31", reason: "…" }.',
    },
  ];
}
