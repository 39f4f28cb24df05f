import type { FileField } from "./file-schema.js";
import { type Projection, projectColumn } from "./projection.js";
import type { IcebergField } from "./schema.js";

/* Row lineage of v3 (spec, "Row Lineage"): columns that every row has, stored or inherited from its file. */

const ROW_ID: IcebergField = { id: 2147483540, name: "_row_id", type: { kind: "long" }, required: false };
const LAST_UPDATED: IcebergField = {
  id: 2147483539,
  name: "_last_updated_sequence_number",
  type: { kind: "long" },
  required: false,
};

export const lineageFields: readonly IcebergField[] = [ROW_ID, LAST_UPDATED];

export function isRowLineage(id: number): boolean {
  return id === ROW_ID.id || id === LAST_UPDATED.id;
}

/** `f` is the table of facts about files. A file without a first row id is from before v3: its rows have no ids. */
export function lineageSql(field: IcebergField, fields: readonly FileField[], rowNumber: string, projection: Projection): string {
  const stored = projectColumn(field, fields, "s", projection);
  if (field.id === ROW_ID.id)
    return `CASE WHEN f.first_row_id IS NOT NULL THEN coalesce(${stored}, f.first_row_id + CAST(${rowNumber} AS BIGINT)) END`;
  return `coalesce(${stored}, f.sequence)`;
}
