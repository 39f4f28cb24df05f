import { distinctlyNamed } from "../../checks/name.js";
import { compareText, fillHoles } from "../../core/catalog.js";
import type { AnyCheck } from "../../core/check-spec.js";
import { DwError } from "../../core/errors.js";
import type { Json } from "../../core/json.js";
import type { BackfillModel, CheckModel, Model, RelationModel, SourceModel, TopicModel } from "../../core/model.js";
import { nearest } from "../../core/nearest.js";
import { globMatcher } from "../glob.js";

/** What the command line selects; everything when a part is absent. */
export interface CheckSelection {
  readonly layer?: string;
  /** Glob over model names. */
  readonly model?: string;
  readonly tag?: string;
}

/** Models whose rows or messages can be looked at. */
export type CheckableModel = RelationModel | SourceModel | TopicModel;

/** A model with the checks that are to run on it. */
export interface CheckedModel {
  readonly model: CheckableModel;
  readonly checks: readonly AnyCheck[];
}

/**
 * Models with their checks, sorted by layer and name. Throws DW-CHECK-UNKNOWN when a layer, model or tag is selected that
 * nothing has: a gate that looks at nothing would be open for ever.
 */
export function selectChecks(
  models: readonly Model[],
  layers: readonly string[],
  selection: CheckSelection,
  environment: string,
): CheckedModel[] {
  refuseUnknownLayer(layers, selection.layer);
  const apart = models.filter((model): model is CheckModel | BackfillModel => model.model === "check" || model.model === "backfill");
  const matches = selection.model === undefined ? () => true : globMatcher(selection.model);
  const selected = models
    .filter(isCheckable)
    .filter((model) => matches(model.name) && (selection.layer === undefined || model.layer === selection.layer))
    .map((model) => ({ model, checks: checksOf(model, apart, environment).filter(hasTag(selection.tag)) }))
    .filter(({ checks }) => checks.length > 0);
  if (selected.length === 0) throw nothingSelected(selection);
  const rank = (model: CheckableModel): number => layers.indexOf(model.layer ?? "");
  return selected.sort((a, b) => rank(a.model) - rank(b.model) || compareText(a.model.name, b.model.name));
}

export function isCheckable(model: Model): model is CheckableModel {
  return ["table", "view", "materialized-view", "source", "topic"].includes(model.model);
}

/** A model's freshness and checks, those that name it first in `on`, and those of backfills that fill it. */
function checksOf(model: CheckableModel, apart: readonly (CheckModel | BackfillModel)[], environment: string): AnyCheck[] {
  const fresh: AnyCheck[] = "fresh" in model && model.fresh ? [{ check: "freshness", ...model.fresh }] : [];
  const joined = apart.flatMap((other) => {
    if (other.model === "backfill") return other.to === model.name ? (other.checks ?? []) : [];
    return other.on[0] === model.name ? [withModelsTerms(other)] : [];
  });
  return distinctlyNamed([...fresh, ...(model.checks ?? []), ...joined].map((check) => inherit(filled(check, environment), model)));
}

function withModelsTerms({ name, owner, tags, spec }: CheckModel): AnyCheck {
  return { name, ...(owner !== undefined && { owner }), ...(tags && { tags }), ...spec };
}

/** Owners and tags go down from a model to its checks. */
function inherit(check: AnyCheck, model: CheckableModel): AnyCheck {
  const owner = check.owner ?? model.owner;
  const tags = [...new Set([...(check.tags ?? []), ...(model.tags ?? [])])];
  return { ...check, ...(owner !== undefined && { owner }), ...(tags.length > 0 && { tags }) };
}

function filled(check: AnyCheck, environment: string): AnyCheck {
  return fillHoles(check as unknown as Json, environment) as unknown as AnyCheck; // a check is JSON by construction
}

function hasTag(tag: string | undefined): (check: AnyCheck) => boolean {
  return (check) => tag === undefined || (check.tags ?? []).includes(tag);
}

function refuseUnknownLayer(layers: readonly string[], layer: string | undefined): void {
  if (layer === undefined || layers.includes(layer)) return;
  const guess = nearest(layer, layers);
  throw new DwError("DW-CHECK-UNKNOWN", {
    what: `There is no layer ${layer}.`,
    why: `The project has ${layers.join(", ")}.`,
    fix: guess === undefined ? "Use one of those with --layer." : `Did you mean --layer ${guess}?`,
  });
}

function nothingSelected({ layer, model, tag }: CheckSelection): DwError {
  const words = Object.entries({ layer, model, tag }).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag} ${value}`]));
  return new DwError("DW-CHECK-UNKNOWN", {
    what: words.length === 0 ? "No model has a check." : `Nothing with a check is selected by ${words.join(" ")}.`,
    why: "A gate that looks at nothing would always be open.",
    fix: "Correct the selection, or add checks to the models.",
  });
}
