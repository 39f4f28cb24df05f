import type { CheckTable, MetricValues } from "../core/check.js";
import type { CheckOptions } from "../core/check-spec.js";
import { DwError } from "../core/errors.js";
import type { Column } from "../core/model.js";

/** Counts rows for which `condition` holds, in every dialect: COUNT skips the NULL of a CASE without ELSE. */
export function countWhere(condition: string, options: CheckOptions = {}): string {
  return `count(case when ${within(condition, options)} then 1 end)`;
}

/** Counts the rows that a check is about. */
export function countRows(options: CheckOptions): string {
  return options.where === undefined ? "count(*)" : `count(case when ${options.where} then 1 end)`;
}

function within(condition: string, options: CheckOptions): string {
  return options.where === undefined ? condition : `(${options.where}) and (${condition})`;
}

/** A WHERE clause for samples and queries of their own. */
export function whereClause(condition: string, options: CheckOptions): string {
  return `where ${within(condition, options)}`;
}

/** The named column, quoted. Throws DW-MODEL-INVALID when the model does not have it. */
export function columnOf(table: CheckTable, name: string, check: string): { readonly sql: string; readonly column: Column } {
  const column = Object.hasOwn(table.columns, name) ? table.columns[name] : undefined;
  if (column) return { sql: table.ident(name), column };
  throw new DwError("DW-MODEL-INVALID", {
    what: `The ${check} check of ${table.model} names the column ${name}, which the model does not have.`,
    why: "A check on a column that is not there would pass for ever.",
    fix: `Use one of: ${Object.keys(table.columns).join(", ")}.`,
  });
}

/** A counted metric. The query returns it for every row set, so an absent one is a bug, not a zero. */
export function counted(values: MetricValues, metric: string): bigint {
  const value = values[metric];
  if (value === undefined || value === null) throw new Error(`metric ${metric} has no value`);
  return BigInt(value);
}

/** Columns that identify a row in a sample: the key and those the check is about. */
export function sampleColumns(table: CheckTable, columns: readonly string[]): string {
  return [...new Set([...table.key, ...columns])].map(table.ident).join(", ");
}
