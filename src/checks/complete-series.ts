import type { CheckKind, CheckTable } from "../core/check.js";
import type { CompleteSeriesSpec } from "../core/check-spec.js";
import { parseDuration } from "../core/duration.js";
import { DwError } from "../core/errors.js";
import { skippedHours } from "../core/instant.js";
import { epochSeconds, familyOf } from "./dialect.js";
import { columnOf, counted } from "./expression.js";
import { zoneOf } from "./moment.js";
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
  sample: (spec, table, limit) => {
    const per = (spec.per ?? []).map((column) => `${table.ident(column)}, `).join("");
    return `select ${per}wanted - held as missing, wanted from (${groupQuery(spec, table)}) as series where held < wanted order by missing desc limit ${limit}`;
  },
};

function groupQuery(spec: CompleteSeriesSpec, table: CheckTable): string {
  const slot = intervalNumber(spec, table);
  const per = (spec.per ?? []).map((column) => columnOf(table, column, "complete-series").sql);
  const { sql } = columnOf(table, spec.column, "complete-series");
  const where = spec.where === undefined ? `${sql} is not null` : `(${spec.where}) and ${sql} is not null`;
  const group = per.length === 0 ? "" : ` group by ${per.join(", ")}`;
  const head = per.map((column) => `${column}, `).join("");
  return `select ${head}max(${slot}) - min(${slot}) + 1${skipped(spec, table, slot)} as wanted, count(distinct ${slot}) as held from ${table.from} where ${where}${group}`;
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
  return `cast(floor(${epochSeconds(sql, table)} / ${seconds}) as ${familyOf(table) === "mysql" ? "signed" : "bigint"})`;
}

/**
 * Intervals that clocks of the zone never showed do not miss: summer time skips an hour each spring. (The hour that comes
 * twice in autumn is one interval of a zone-less time.)
 */
function skipped(spec: CompleteSeriesSpec, table: CheckTable, slot: string): string {
  const { column } = columnOf(table, spec.column, "complete-series");
  const zone = zoneOf(table, spec.column);
  if (column.type.kind !== "timestamp" || column.type.zoned || zone === "UTC") return "";
  const every = parseDuration(spec.every);
  const thisYear = new Date(table.now).getUTCFullYear();
  const years = Array.from({ length: REMEMBERED_YEARS }, (_, back) => thisYear + 1 - back);
  return years
    .flatMap((year) => skippedHours(year, zone))
    .map(({ from, to }) => ({ first: Math.ceil(from / every), after: Math.floor(to / every) }))
    .filter(({ first, after }) => after > first)
    .map(({ first, after }) => ` - case when min(${slot}) < ${first} and max(${slot}) >= ${after} then ${after - first} else 0 end`)
    .join("");
}

/** How far back summer times are known to a query. */
const REMEMBERED_YEARS = 25;
