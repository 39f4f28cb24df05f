import type { DuckDbSession } from "../../core/source.js";
import { withVariants } from "../../formats/variant-column.js";

/* Functions that the SQL of a chunk may call and that DuckDB does not have: of two binary values each. */

type BlobFunction = (a: Uint8Array, b: Uint8Array) => Uint8Array;

type Union = (a: Uint8Array, b: Uint8Array, place: string) => Uint8Array;

function union(merge: Union, name: string): BlobFunction {
  return (a, b) => merge(a, b, `a column that is merged with ${name}`);
}

/** By name, which aggregates.ts gives; loaded when a statement names one. */
const functions: Readonly<Record<string, () => Promise<BlobFunction>>> = {
  dw_union_rbm32: async () => union((await import("../../formats/roaring-union.js")).unionBitmap32, "rbm32"),
  dw_union_rbm64: async () => union((await import("../../formats/roaring-tree.js")).unionBitmap64, "rbm64"),
  dw_union_theta: async () => union((await import("../../formats/sketches/theta.js")).unionTheta, "theta_sketch"),
  dw_union_hll: async () => union((await import("../../formats/sketches/hll.js")).unionHll, "hll_sketch"),
};

/** Makes the functions that `sql` names known to the session. */
export async function withFunctions(sql: string, db: DuckDbSession): Promise<void> {
  withVariants(sql, db);
  for (const [name, load] of Object.entries(functions)) if (sql.includes(`${name}(`)) db.blobFunction(name, await load());
}
