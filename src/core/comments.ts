import type { Column, TableModel } from "./model.js";

/*
 * What engines keep of a model's words stands in one comment: `mean temperature [°C]`, `Orders. Grain: one row per order.` An
 * import takes it apart again.
 */

/** A column's meaning and unit. */
export function withUnit({ comment, unit }: Pick<Column, "comment" | "unit">): string {
  return [comment, unit && `[${unit}]`].filter(Boolean).join(" ");
}

/** Meaning and unit of a column's comment. */
export function withoutUnit(comment: string): { readonly comment: string; readonly unit?: string } {
  const [, meaning = "", unit] = /^(?:(.*) )?\[([^[\]]+)\]$/s.exec(comment) ?? [];
  return unit === undefined ? { comment } : { comment: meaning, unit };
}

/** What a table holds and its grain; an imported one has no grain yet. */
export function withGrain(comment: string | undefined, grain: string): string {
  if (grain === "") return comment ?? "";
  return [comment?.replace(/([^.!?…])$/, "$1."), `Grain: ${grain}.`].filter(Boolean).join(" ");
}

export function withoutGrain(text: string): Pick<TableModel, "comment" | "grain"> {
  const [, comment, grain] = /^(?:(.*) )?Grain: ([^.]+(?:\.[^. ]+)*)\.$/s.exec(text) ?? [];
  if (grain === undefined) return text === "" ? { grain: "" } : { comment: text, grain: "" };
  return comment === undefined ? { grain } : { comment: comment.replace(/\.$/, ""), grain };
}
