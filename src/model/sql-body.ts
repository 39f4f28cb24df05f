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
    parts: strings.flatMap((text, index) => {
      const hole = index === 0 ? undefined : holes[index - 1];
      return hole === undefined ? [text] : [...holeParts(hole), text];
    }),
  });
}

function holeParts(hole: SqlHole): readonly (string | SqlReference)[] {
  if ("parts" in hole) return hole.parts;
  if ("ref" in hole) return [hole];
  return [{ ref: "model", model: hole.name }];
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
