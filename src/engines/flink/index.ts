import type { CatalogObject } from "../../core/catalog.js";
import type { Engine, RenderedFile } from "../../core/engine.js";
import { emitOnly } from "../../core/engine.js";
import { generatedNotice, sqlFile } from "../../core/model-sql.js";
import { flinkObject } from "./body.js";
import { createTable, createView, jobText } from "./create.js";
import { quoting } from "./dialect.js";
import { lint } from "./lint.js";
import { resolve } from "./resolve.js";
import { mapType } from "./types.js";

/** Flink SQL as text: tables over connectors, views, and jobs that a platform such as StreamPark runs. */
export const flink: Engine = { name: "flink", dialect: "flink", quoting, mapType, resolve, lint, render, ...emitOnly };

function render(object: CatalogObject): RenderedFile {
  const typed = flinkObject(object);
  const notice = generatedNotice(object);
  if (typed.kind === "table")
    return { path: sqlFile("table", typed.name), text: `${notice}${createTable(typed.name, typed.body).text};\n` };
  if (typed.body.job) return { path: sqlFile("job", typed.name), text: `${notice}${jobText(typed.body, typed.body.job)}` };
  return { path: sqlFile("view", typed.name), text: `${notice}${createView(typed.name, typed.body).text};\n` };
}
