import type { Engine } from "../../core/engine.js";
import { qualifiedName, starrocksObject } from "./body.js";
import { clusterName, isClusterObject } from "./cluster/body.js";
import { quoting } from "./dialect.js";
import { generate, render } from "./generate.js";
import { toModel } from "./import.js";
import { lint } from "./lint.js";
import { normalize } from "./normalize.js";
import { resolve } from "./resolve.js";
import { decide } from "./rules.js";
import { mapType } from "./types.js";
import { restore, weave } from "./weave.js";

export const starrocks: Engine = {
  name: "starrocks",
  dialect: "starrocks",
  quoting,
  qualifiedName: (object) => (isClusterObject(object) ? clusterName(object) : qualifiedName(starrocksObject(object))),
  mapType,
  resolve,
  lint,
  normalize,
  decide,
  toModel,
  weave,
  restore,
  generate,
  render,
};
