import type { SqlBody, SqlReference } from "../core/model.js";
import type { Dialect } from "../core/types.js";

/** Anything with a name and referable columns: what `define…` returns for tables, views and materialized views. */
export interface Referable {
  readonly name: string;
}

export type SqlHole = Referable | SqlReference | SqlBody;

function body(dialect: Dialect): (strings: TemplateStringsArray, ...holes: readonly SqlHole[]) => SqlBody {
  return (strings, ...holes) => ({
    dialect,
    parts: strings.flatMap((text, index) => (index === 0 ? [text] : [...holeParts(holes[index - 1], strings[index - 1] ?? ""), text])),
  });
}

/** A column that was renamed or misspelt is undefined here, and text would go missing from the SQL. */
function holeParts(hole: SqlHole | undefined, before: string): readonly (string | SqlReference)[] {
  if (typeof hole !== "object" || hole === null) throw notAReference(hole, before);
  if ("parts" in hole) return hole.parts;
  if ("ref" in hole) return [hole];
  return [{ ref: "model", model: hole.name }];
}

/** A TypeError: loading the file makes it a letter with the line. */
function notAReference(hole: unknown, before: string): TypeError {
  const place = before.trimEnd().split("\n").at(-1)?.trimStart() ?? "";
  const why = hole === undefined ? "a column that its model does not have" : `a ${typeof hole} instead of a model or a column`;
  return new TypeError(`After \`${place}\` the SQL body refers to ${why}.`);
}

/**
 * SQL bodies, one tag a dialect. Holes are models (`${orders}`), columns (`${orders.col.paid}`) or other bodies; a raw
 * string does not compile, so that lineage needs no guessing.
 */
export const sql = {
  starrocks: body("starrocks"),
  timescale: body("timescale"),
  postgres: body("postgres"),
  duckdb: body("duckdb"),
  hive: body("hive"),
  flink: body("flink"),
} as const;
