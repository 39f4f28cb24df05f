import { quoteText } from "../../core/transit.js";

/** Local paths as a SQL list. DuckDB expands globs in them, so that the signs of a glob are put into brackets. */
export function pathList(paths: readonly string[]): string {
  return `[${paths.map((path) => quoteText(path.replaceAll(/[*?[]/g, "[$&]"))).join(", ")}]`;
}
