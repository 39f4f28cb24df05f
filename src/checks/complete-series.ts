import type { CheckKind, CheckTable } from "../core/check.js";
import type { CompleteSeriesSpec } from "../core/check-spec.js";
import { parseDuration } from "../core/duration.js";
import { DwError } from "../core/errors.js";
import { columnOf, counted, SAMPLE_ROWS } from "./expression.js";
import { judgeViolations } from "./threshold.js";

/** A query of its own: each group's intervals are counted before they are added up. */
export const completeSeries: CheckKind<CompleteSeriesSpec> = {
  kind: "complete-series",
  title: (spec) => `${spec.column} has no gap of ${spec.every}${spec.per ? ` for any ${spec.per.join(", ")}` : ""}`,
  metrics: (spec, table) => {
    const groups = groupQuery(spec, table);
    return {
      missing: { scan: "own", sql: `select coalesce(sum(wanted - held), 0) from (${groups}) as series` },
      wanted: { scan: "own", sql: `select coalesce(sum(wanted), 0) from (${groups}) as series` },
    };
  },
  judge: (spec, values) =>
    judgeViolations(spec, {
      violating: counted(values, "missing"),
      rows: counted(values, "wanted"),
      unit: `intervals of ${spec.every}`,
      what: "are missing",
    }),
  sample: (spec, table) => {
    const per = (spec.per ?? []).map((column) => `${table.ident(column)}, `).join("");
    return `select ${per}wanted - held as missing, wanted from (${groupQuery(spec, table)}) as series where held < wanted order by missing desc limit ${SAMPLE_ROWS}`;
  },
};

function groupQuery(spec: CompleteSeriesSpec, table: CheckTable): string {
  const slot = intervalNumber(spec, table);
  const per = (spec.per ?? []).map((column) => columnOf(table, column, "complete-series").sql);
  const { sql } = columnOf(table, spec.column, "complete-series");
  const where = spec.where === undefined ? `${sql} is not null` : `(${spec.where}) and ${sql} is not null`;
  const group = per.length === 0 ? "" : ` group by ${per.join(", ")}`;
  const head = per.map((column) => `${column}, `).join("");
  return `select ${head}max(${slot}) - min(${slot}) + 1 as wanted, count(distinct ${slot}) as held from ${table.from} where ${where}${group}`;
}

/** The interval's number since the epoch, as a whole number. A zone-less time is counted as it stands. */
function intervalNumber(spec: CompleteSeriesSpec, table: CheckTable): string {
  const seconds = Math.floor(parseDuration(spec.every) / 1000);
  if (seconds < 1) {
    throw new DwError("DW-MODEL-INVALID", {
      what: `The complete-series check of ${table.model}.${spec.column} has intervals of ${spec.every}.`,
      why: "Intervals shorter than a second are not counted.",
      fix: "Write for example every: 1h.",
    });
  }
  const { sql } = columnOf(table, spec.column, "complete-series");
  if (table.dialect === "starrocks") return `cast(floor(timestampdiff(second, '1970-01-01 00:00:00', ${sql}) / ${seconds}) as bigint)`;
  if (table.dialect === "hive") return `cast(floor(unix_timestamp(${sql}) / ${seconds}) as bigint)`;
  const epoch = table.dialect === "duckdb" ? `epoch(${sql})` : `extract(epoch from ${sql})`;
  return `cast(floor(${epoch} / ${seconds}) as bigint)`;
}
