import type { Model } from "./model.js";

/** Model and file, for messages. */
export function modelPlace(model: Pick<Model, "name" | "origin">): string {
  return model.origin === undefined ? `Model ${model.name}` : `Model ${model.name} (${model.origin.file})`;
}
