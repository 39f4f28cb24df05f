import type { Engine } from "../../core/engine.js";
import { quoting } from "../postgres/dialect.js";
import { normalize } from "../postgres/normalize.js";
import { renderObject } from "../postgres/render.js";
import { mapType } from "../postgres/types.js";
import { weave } from "../postgres/weave.js";
import { generate } from "./generate.js";
import { toModel } from "./import.js";
import { lint } from "./lint.js";
import { resolve } from "./resolve.js";
import { decide } from "./rules.js";

export const timescale: Engine = {
  name: "timescale",
  dialect: "timescale",
  quoting,
  mapType,
  resolve,
  lint,
  normalize,
  decide,
  weave,
  toModel,
  generate,
  render: (object) => renderObject(object, generate),
};
