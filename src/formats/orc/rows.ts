import { BATCH_ROWS } from "../spool.js";
import type { Vector } from "../vector.js";
import type { ByteSource } from "./byte-source.js";
import { unsupported } from "./failure.js";
import { openOrc } from "./file.js";
import type { OrcType } from "./metadata.js";

/** null, boolean, number (integers up to 32 bits, floats), bigint, text, bytes; a list is an array, a struct an object. */
export type OrcValue = null | boolean | number | bigint | string | Uint8Array | readonly OrcValue[] | OrcRow;

export interface OrcRow {
  readonly [field: string]: OrcValue;
}

/**
 * All rows of a small file whose values are handled one by one (a manifest). Timestamps and decimals are the numbers that
 * their vectors hold; maps and decimals of more than 18 digits are refused. DW-FILE-CORRUPT, DW-SOURCE-UNSUPPORTED.
 */
export async function orcRows(source: ByteSource, wants: (field: string) => boolean = () => true): Promise<readonly OrcRow[]> {
  const orc = await openOrc(source);
  const fields = orc.schema.fieldNames.flatMap((name, index) => (wants(name) ? [{ name, index, type: child(orc.schema, index) }] : []));
  const rows: OrcRow[] = [];
  for (const batch of orc.batches({ fields: fields.map(({ index }) => index), batchRows: BATCH_ROWS, timestampUnit: "micros" })) {
    const columns = fields.map(({ type }, index) => values(vectorAt(batch.columns, index), type));
    for (let row = 0; row < batch.rows; row++) {
      rows.push(Object.fromEntries(fields.map(({ name }, index) => [name, columns[index]?.[row] ?? null])));
    }
  }
  return rows;
}

/** One value a row. */
function values(vector: Vector, type: OrcType): readonly OrcValue[] {
  const dense = denseValues(vector, type);
  const { present } = vector;
  if (present === undefined) return dense;
  let next = 0;
  return Array.from({ length: vector.length }, (_, row) => (present[row] === 1 ? (dense[next++] ?? null) : null));
}

/** Those that are not NULL. */
function denseValues(vector: Vector, type: OrcType): readonly OrcValue[] {
  switch (vector.kind) {
    case "boolean":
      return Array.from(vector.values, (value) => value === 1);
    case "bytes": {
      const at = (index: number): Uint8Array => vector.bytes.subarray(vector.offsets[index], vector.offsets[index + 1]);
      const read = type.kind === "binary" ? at : (index: number): string => Buffer.from(at(index)).toString("utf8");
      return Array.from({ length: vector.count }, (_, index) => read(index));
    }
    case "list": {
      const items = values(vector.child, child(type, 0));
      let end = 0;
      return Array.from(vector.lengths, (length) => {
        end += length;
        return items.slice(end - length, end);
      });
    }
    case "struct": {
      const columns = vector.fields.map((field, index) => values(field, child(type, index)));
      return Array.from({ length: vector.count }, (_, row) =>
        Object.fromEntries(type.fieldNames.map((name, index) => [name, columns[index]?.[row] ?? null])),
      );
    }
    case "fixed":
    case "map":
      throw unsupported(`a value of type ${type.kind} in a file of metadata`);
    default:
      return Array.from<bigint | number>(vector.values);
  }
}

function child(type: OrcType, index: number): OrcType {
  const found = type.children[index];
  if (found === undefined) throw new RangeError(`the type has no child ${index}`);
  return found;
}

function vectorAt(vectors: readonly Vector[], index: number): Vector {
  const found = vectors[index];
  if (found === undefined) throw new RangeError(`no column ${index}`);
  return found;
}
