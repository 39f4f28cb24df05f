import type { Engine, LiveEngine } from "../../core/engine.js";
import type { DuckDbSession } from "../../core/source.js";
import { quoting } from "./dialect.js";
import { execute } from "./execute.js";
import { toModel } from "./import.js";
import { introspect } from "./introspect.js";
import { lint } from "./lint.js";
import { resolve } from "./resolve.js";
import { decide, generate, render } from "./rules.js";
import { mapType } from "./types.js";

export const duckdb: Engine & LiveEngine<DuckDbSession> = {
  name: "duckdb",
  dialect: "duckdb",
  quoting,
  mapType,
  resolve,
  lint,
  normalize: (object) => object,
  decide,
  toModel,
  generate,
  render,
  introspect,
  execute,
};
