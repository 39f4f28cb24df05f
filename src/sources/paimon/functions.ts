import type { DuckDbSession } from "../../core/source.js";

/* Functions that the SQL of a chunk may call and that DuckDB does not have: of two binary values each. */

type BlobFunction = (a: Uint8Array, b: Uint8Array) => Uint8Array;

type Union = (a: Uint8Array, b: Uint8Array, place: string) => Uint8Array;

function union(merge: Union, name: string): BlobFunction {
  return (a, b) => merge(a, b, `a column that is merged with ${name}`);
}

/** By name; loaded when a statement names one. Those of aggregates are named in aggregates.ts, the other in relation.ts. */
const functions: Readonly<Record<string, () => Promise<BlobFunction>>> = {
  dw_union_rbm32: async () => union((await import("../../formats/roaring-union.js")).unionBitmap32, "rbm32"),
  dw_union_rbm64: async () => union((await import("../../formats/roaring-tree.js")).unionBitmap64, "rbm64"),
  dw_union_theta: async () => union((await import("../../formats/sketches/theta.js")).unionTheta, "theta_sketch"),
  dw_union_hll: async () => union((await import("../../formats/sketches/hll.js")).unionHll, "hll_sketch"),
  dw_variant_json: async () => {
    const { variantJson } = await import("../../formats/variant.js");
    return (metadata, value) => Buffer.from(variantJson(metadata, value, "a column of type VARIANT"), "utf8");
  },
};

/** Makes the functions that `sql` names known to the session. */
export async function withFunctions(sql: string, db: DuckDbSession): Promise<void> {
  for (const [name, load] of Object.entries(functions)) if (sql.includes(`${name}(`)) db.blobFunction(name, await load());
}
