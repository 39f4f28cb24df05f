import type { CheckTable } from "../core/check.js";
import type { AnyCheck } from "../core/check-spec.js";
import { DwError } from "../core/errors.js";
import { kindOf } from "./index.js";

export interface MetricKey {
  /** Index into the compiled checks. */
  readonly check: number;
  readonly metric: string;
}

/** One query that gives one row; `columns[i]` are the metrics that its i-th value answers. */
export interface MetricQuery {
  readonly sql: string;
  readonly columns: readonly (readonly MetricKey[])[];
}

export interface CompiledChecks {
  readonly checks: readonly AnyCheck[];
  /** The table's one scan, then a query for each metric that needs its own. */
  readonly queries: readonly MetricQuery[];
  /** Checks that cannot be compiled, with the reason: they are not evaluated, and the others go on. */
  readonly refused: ReadonlyMap<number, DwError>;
}

/**
 * All metrics of one table's checks as one aggregate query, plus a query for each metric that is not an aggregate of the
 * table. Equal expressions are computed once.
 */
export function compileChecks(checks: readonly AnyCheck[], table: CheckTable): CompiledChecks {
  const scan = new Map<string, MetricKey[]>();
  const own: MetricQuery[] = [];
  const refused = new Map<number, DwError>();
  checks.forEach((spec, check) => {
    try {
      for (const [metric, { scan: where, sql }] of Object.entries(kindOf(spec).metrics(spec, table))) {
        if (where === "own") own.push({ sql, columns: [[{ check, metric }]] });
        else scan.set(sql, [...(scan.get(sql) ?? []), { check, metric }]);
      }
    } catch (error) {
      if (!(error instanceof DwError)) throw error;
      refused.set(check, error);
    }
  });
  return { checks, queries: [...scanQuery(scan, table), ...own], refused };
}

function scanQuery(scan: ReadonlyMap<string, readonly MetricKey[]>, table: CheckTable): MetricQuery[] {
  if (scan.size === 0) return [];
  const expressions = [...scan.keys()].map((sql, index) => `  ${asText(sql, table)} as m${index}`);
  return [{ sql: `select\n${expressions.join(",\n")}\nfrom ${table.from}`, columns: [...scan.values()] }];
}

/** As text, so that no driver rounds a count or a decimal and timestamps keep their digits. */
function asText(expression: string, table: CheckTable): string {
  return `cast(${expression} as ${table.dialect === "hive" ? "string" : "varchar"})`;
}
