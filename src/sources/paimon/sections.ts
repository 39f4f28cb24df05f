import type { LogicalType } from "../../core/types.js";
import { BinaryRow, compareRows, type RowValue } from "./binary-row.js";
import type { DataFile } from "./manifests.js";

/*
 * A bucket of a primary-key table as sections: files of different sections share no key, so that each section is merged
 * by itself, and a section of one file needs no merging (IntervalPartition of the reference reader).
 */

export type KeyTypes = (file: DataFile) => readonly LogicalType[];

export function sections(files: readonly DataFile[], keyTypes: KeyTypes): readonly (readonly DataFile[])[] {
  const ranges = files
    .filter((file) => file.rows > 0)
    .map((file) => ({ file, min: key(file, file.minKey, keyTypes), max: key(file, file.maxKey, keyTypes) }))
    .sort((a, b) => compareRows(a.min, b.min) || compareRows(a.max, b.max));
  const result: DataFile[][] = [];
  let bound: readonly RowValue[] | undefined;
  for (const { file, min, max } of ranges) {
    const section = result.at(-1);
    if (section === undefined || bound === undefined || compareRows(min, bound) > 0) {
      result.push([file]);
      bound = max;
    } else {
      section.push(file);
      if (compareRows(max, bound) > 0) bound = max;
    }
  }
  return result;
}

function key(file: DataFile, bytes: Uint8Array, keyTypes: KeyTypes): readonly RowValue[] {
  return new BinaryRow(bytes, file.manifest).values(keyTypes(file));
}
