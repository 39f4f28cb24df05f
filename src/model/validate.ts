import { DwError } from "../core/errors.js";
import type { Model } from "../core/model.js";
import { throwAll } from "./load.js";

export function validateModels(models: readonly Model[], project: { readonly layers: readonly string[] }): void {
  throwAll(models.flatMap((model) => layerErrors(model, project.layers)));
}

function layerErrors(model: Model, layers: readonly string[]): readonly DwError[] {
  if (model.layer === undefined || layers.includes(model.layer)) return [];
  return [
    new DwError("DW-MODEL-INVALID", {
      what: `${model.origin?.file}: ${model.name} is in layer ${model.layer}, which the project does not have.`,
      why: `The layers are ${layers.join(", ")}.`,
      fix: "Correct `layer`, or add it to `layers` in dw.config.ts.",
    }),
  ];
}
