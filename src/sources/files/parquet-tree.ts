import { DwError } from "../../core/errors.js";

/* What the schema tree of a Parquet file says beyond the types that DuckDB gives to its columns. */

/** DuckDB gives a column another name where two are equal to it: `A` beside `a` would be read as `A_1`. */
export function refuseTwins(described: readonly { readonly column_name: string }[], leaves: readonly Leaf[], path: string): void {
  const names = new Set(leaves.map(({ name }) => name));
  const renamed = described.find((column) => !names.has(column.column_name))?.column_name;
  if (renamed === undefined) return;
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `${path} has two columns of the name ${renamed.replace(/_\d+$/, "")}, or names that differ in case alone.`,
    why: "DuckDB, in which rows travel, compares names without case.",
    fix: "Rename one of them where the file comes from.",
  });
}

/** A row of DuckDB's `parquet_schema`. */
export interface Leaf extends Record<string, unknown> {
  readonly name: string;
  readonly type: string | null;
  readonly precision: string | null;
  readonly logical_type: string | null;
  readonly converted_type: string | null;
  readonly num_children: string | null;
}

/** DuckDB reads decimals of more than 38 digits as doubles, which would round them. */
export function refuseWideDecimals(leaves: readonly Leaf[], path: string): void {
  const wide = leaves.find((leaf) => Number(leaf.precision ?? 0) > 38);
  if (wide === undefined) return;
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `Column ${wide.name} of ${path} is a decimal of ${wide.precision} digits.`,
    why: "DuckDB, which reads the file, holds 38 digits exactly.",
    fix: "Export the column as text.",
  });
}

/** A leaf is known by its name alone, which a top-level column may have, too: then one of them is nested. */
export function refuseNestedNanos(zoned: readonly string[], columns: ReadonlySet<string>, path: string): void {
  const nested = zoned.find((name, index) => !columns.has(name) || zoned.indexOf(name) < index);
  if (nested === undefined) return;
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `${path} has ${nested}, which is nanoseconds with a time zone inside of a nested column.`,
    why: "DuckDB, which reads the file, would cut them to microseconds.",
    fix: "Export the column with microseconds, or without a time zone.",
  });
}

/** The elements of a schema tree, which come in depth-first order below their root, column by column. */
export function topLevel(elements: readonly Leaf[]): readonly (readonly Leaf[])[] {
  const columns: Leaf[][] = [];
  let inside = 0;
  for (const element of elements.slice(1)) {
    if (inside === 0) columns.push([]);
    columns.at(-1)?.push(element);
    inside += Number(element.num_children ?? 0) - (inside === 0 ? 0 : 1);
  }
  return columns;
}

/** How a file keeps times without a zone, by column: old writers knew INT96 alone, in which their instants are. */
export function timesOf(elements: readonly Leaf[], path: string): ReadonlyMap<string, TimeStorage> {
  const found = new Map<string, TimeStorage>();
  for (const [column, ...rest] of topLevel(elements)) {
    if (column === undefined) continue;
    const kinds = new Set([column, ...rest].flatMap((leaf) => timeStorage(leaf) ?? []));
    if (kinds.size > 1) throw mixedTimes(column.name, path);
    for (const kind of kinds) found.set(column.name, kind);
  }
  return found;
}

/** Old footers do not say that their instants are of UTC: DuckDB shows them without a zone. */
export type TimeStorage = "INT96" | "zone-less" | "instant";

function timeStorage({ type, converted_type: converted, logical_type: logical }: Leaf): TimeStorage | undefined {
  if (type === "INT96") return "INT96";
  if (logical?.startsWith("TimestampType(isAdjustedToUTC=0")) return "zone-less";
  return converted?.startsWith("TIMESTAMP_") && logical === null ? "instant" : undefined;
}

function mixedTimes(column: string, path: string): DwError {
  return new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `Column ${column} of ${path} holds times in INT96 beside others without a zone.`,
    why: "The two have other rules, and inside of one column they are not told apart.",
    fix: "Leave the column out with --columns, or export its times as columns of their own.",
  });
}

/** A column that held only NULLs when pandas or Arrow wrote it has no type (LogicalType.UNKNOWN). */
export function isNothing(leaf: Leaf): boolean {
  return leaf.logical_type?.startsWith("NullType") === true;
}

export function isZonedNanos(leaf: Leaf): boolean {
  return /isAdjustedToUTC=1.*NANOS=NanoSeconds/.test(leaf.logical_type ?? "");
}
