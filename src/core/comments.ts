/*
 * What engines keep of a model's words stands in one comment: `mean temperature [°C]`, `Orders (one row per order)`. An import
 * takes it apart again.
 */

/** Meaning and unit of a column's comment. */
export function withoutUnit(comment: string): { readonly comment: string; readonly unit?: string } {
  const [, meaning = "", unit] = /^(?:(.*) )?\[([^[\]]+)\]$/s.exec(comment) ?? [];
  return unit === undefined ? { comment } : { comment: meaning, unit };
}
