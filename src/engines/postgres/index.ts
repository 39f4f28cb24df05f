import type { Engine } from "../../core/engine.js";
import { quoting } from "./dialect.js";
import { generate } from "./generate.js";
import { toModelOf } from "./import.js";
import { lint } from "./lint.js";
import { normalize } from "./normalize.js";
import { renderObject } from "./render.js";
import { resolveModels } from "./resolve.js";
import { decide } from "./rules.js";
import { mapType } from "./types.js";
import { weave } from "./weave.js";

export const postgres: Engine = {
  name: "postgres",
  dialect: "postgres",
  quoting,
  mapType,
  resolve: (models, context) => resolveModels(models, context, { slot: "postgres", dialects: ["postgres"] }),
  lint,
  normalize,
  decide: (change) => decide(change),
  weave,
  toModel: toModelOf("postgres"),
  generate: (operation) => generate(operation),
  render: (object) => renderObject(object, generate),
};
