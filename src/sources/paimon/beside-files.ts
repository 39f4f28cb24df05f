import { damaged } from "./letters.js";
import type { DataFile } from "./manifests.js";

/*
 * In data-evolution tables the values of BLOB columns, and with vector.file.format those of VECTOR columns, lie in files of
 * their own beside a data file: one or several for its rows (DataEvolutionSplitRead of the reference, "field bunch").
 */

export function isBlobFile(name: string): boolean {
  return name.endsWith(".blob");
}

function isVectorFile(name: string): boolean {
  return name.includes(".vector.");
}

export function liesBeside({ name }: DataFile): boolean {
  return isBlobFile(name) || isVectorFile(name);
}

/**
 * The files of one column that hold the rows of a data file: in the order of their rows, and of several with the same rows
 * the newest.
 */
export function filesBeside(files: readonly DataFile[], owner: DataFile): readonly DataFile[] {
  const chosen: DataFile[] = [];
  let next = owner.firstRowId ?? 0;
  for (const file of [...files].sort((a, b) => firstRow(a) - firstRow(b) || Number(b.maxSequence - a.maxSequence))) {
    if (firstRow(file) < next) {
      const last = chosen.at(-1);
      if (last === undefined || file.maxSequence >= last.maxSequence)
        throw damaged(file.manifest, `${file.name} has rows that a newer file has, too.`);
      continue;
    }
    if (firstRow(file) > next) throw damaged(file.manifest, `Rows before those of ${file.name} are missing.`);
    chosen.push(file);
    next += file.rows;
  }
  if (next !== (owner.firstRowId ?? 0) + owner.rows) throw damaged(owner.manifest, `The files beside ${owner.name} have other rows.`);
  return chosen;
}

function firstRow(file: DataFile): number {
  return file.firstRowId ?? -1;
}
