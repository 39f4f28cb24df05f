import type { Engine } from "../../core/engine.js";
import { qualifiedName } from "./body.js";
import { quoting } from "./dialect.js";
import { generate, render } from "./generate.js";
import { toModel } from "./import.js";
import { lint } from "./lint.js";
import { normalize } from "./normalize.js";
import { resolve } from "./resolve.js";
import { decide } from "./rules.js";
import { mapType } from "./types.js";

export const hive: Engine = {
  name: "hive",
  dialect: "hive",
  quoting,
  qualifiedName,
  mapType,
  resolve,
  lint,
  normalize,
  decide,
  toModel,
  generate,
  render,
};
