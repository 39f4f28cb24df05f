import type { CheckKind, CheckTable, Verdict } from "../core/check.js";
import type { SqlSpec } from "../core/check-spec.js";
import { DwError } from "../core/errors.js";
import { counted } from "./expression.js";
import { violation } from "./threshold.js";

export const sqlCheck: CheckKind<SqlSpec> = {
  kind: "sql",
  title: (spec) => (spec.expect === "number" ? "the query's number is as expected" : "the query finds no rows"),
  metrics: (spec, table) => {
    const sql = queryFor(spec, table);
    return spec.expect === "number"
      ? { number: { scan: "own", sql } }
      : { rows: { scan: "own", sql: `select count(*) from (${sql}) as found` } };
  },
  judge: (spec, values) => (spec.expect === "number" ? judgeNumber(spec, values.number ?? null) : judgeRows(spec, counted(values, "rows"))),
  sample: (spec, table, limit) => `select * from (${queryFor(spec, table)}) as found limit ${limit}`,
};

/** The query in the engine's dialect; TimescaleDB reads PostgreSQL's. */
function queryFor(spec: SqlSpec, table: CheckTable): string {
  const bodies: Readonly<Record<string, string>> = typeof spec.sql === "string" ? { [table.dialect]: spec.sql } : spec.sql;
  const body = bodies[table.dialect] ?? (table.dialect === "timescale" ? bodies.postgres : undefined);
  if (body !== undefined) return body.trim().replace(/;$/, "");
  throw new DwError("DW-MODEL-INVALID", {
    what: `The SQL check ${spec.name ?? ""} of ${table.model} has no query for ${table.dialect}.`,
    why: `It has one for ${Object.keys(bodies).join(", ")}; dw does not translate SQL between engines.`,
    fix: `Add a query under "${table.dialect}".`,
  });
}

function judgeRows(spec: SqlSpec, rows: bigint): Verdict {
  const outcome = rows === 0n ? "pass" : violation(spec);
  return { outcome, value: rows.toString(), message: rows === 0n ? "the query finds no rows" : `the query finds ${rows} rows` };
}

function judgeNumber(spec: SqlSpec, text: string | null): Verdict {
  const value = text === null ? Number.NaN : Number(text);
  // some engines answer infinity where others refuse to divide by zero
  if (!Number.isFinite(value)) {
    return {
      outcome: "not-evaluated",
      value: text,
      message: text === null ? "the query's number is NULL" : `the query's answer ${text} is not a number`,
    };
  }
  const inside = value >= (spec.min ?? Number.NEGATIVE_INFINITY) && value <= (spec.max ?? Number.POSITIVE_INFINITY);
  const wanted = `${spec.min ?? "-∞"} to ${spec.max ?? "∞"}`;
  return { outcome: inside ? "pass" : violation(spec), value: text, message: `${text}; ${wanted} wanted` };
}
