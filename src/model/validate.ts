import { DwError } from "../core/errors.js";
import type { Model } from "../core/model.js";
import { checkMistakes } from "./rules/checks.js";
import { columnMistakes } from "./rules/columns.js";
import { type Mistake, type ProjectFacts, where } from "./rules/mistake.js";
import { optionMistakes } from "./rules/options.js";
import { relationMistakes } from "./rules/relations.js";
import { shapeMistakes } from "./rules/shape.js";

/*
 * What the compiler cannot know or was told to ignore (`as any`, JavaScript): every mistake of every model at once, each
 * with file, model and column.
 */

/** Throws DW-MODEL-INVALID; an AggregateError of them when there are several. */
export function validateModels(models: readonly Model[], project: { readonly layers: readonly string[] }): void {
  const facts: ProjectFacts = { layers: project.layers, models: new Map(models.map((model) => [model.name, model])) };
  throwAll(models.flatMap((model) => mistakesOf(model, facts).map((mistake) => letter(model, mistake))));
}

/** A model of the wrong shape is not looked at further: the other rules would stumble over it. */
function mistakesOf(model: Model, facts: ProjectFacts): readonly Mistake[] {
  const shape = shapeMistakes(model);
  if (shape.length > 0) return shape;
  return [...columnMistakes(model), ...relationMistakes(model, facts), ...checkMistakes(model, facts), ...optionMistakes(model)];
}

function letter(model: Model, mistake: Mistake): DwError {
  return new DwError("DW-MODEL-INVALID", { what: `${where(model)} ${mistake.what}`, why: mistake.why, fix: mistake.fix });
}

function throwAll(errors: readonly DwError[]): void {
  if (errors.length === 1) throw errors[0];
  if (errors.length > 1) throw new AggregateError(errors, `${errors.length} models are wrong`);
}
