import type { CheckTable, Metric, TopicQuestion } from "../core/check.js";
import type { AnyCheck } from "../core/check-spec.js";
import { parseDuration } from "../core/duration.js";
import { DwError } from "../core/errors.js";
import { asText, sampledFrom } from "./dialect.js";
import { kindOf } from "./index.js";
import { atOrAfter, before } from "./moment.js";

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

/** A metric that is not a query of this table. */
export interface AskedElsewhere {
  readonly key: MetricKey;
  readonly place: string;
  readonly sql: (there: CheckTable) => string;
}

export interface AskedTopic {
  readonly key: MetricKey;
  readonly ask: TopicQuestion;
}

export interface CompiledChecks {
  readonly checks: readonly AnyCheck[];
  /** The table's one scan (and one for each declared share of a sample), then a query for each metric that needs its own. */
  readonly queries: readonly MetricQuery[];
  readonly elsewhere: readonly AskedElsewhere[];
  readonly schema: readonly MetricKey[];
  readonly topic: readonly AskedTopic[];
  /** Checks that cannot be compiled, with the reason: they are not evaluated, and the others go on. */
  readonly refused: ReadonlyMap<number, DwError>;
}

/** Expressions of one scan, by their SQL; `recent` is the predicate of each check that reads only recent rows. */
interface Scan {
  readonly expressions: Map<string, MetricKey[]>;
  readonly recent: Set<string | undefined>;
}

/**
 * All metrics of one table's checks as one aggregate query, plus a query for each metric that is not an aggregate of the
 * table. Equal expressions are computed once.
 */
export function compileChecks(checks: readonly AnyCheck[], table: CheckTable): CompiledChecks {
  const scans = new Map<string, Scan>();
  const own: MetricQuery[] = [];
  const elsewhere: AskedElsewhere[] = [];
  const schema: MetricKey[] = [];
  const topic: AskedTopic[] = [];
  const refused = new Map<number, DwError>();
  const place = (metric: Metric, key: MetricKey, spec: AnyCheck, recent: string | undefined): void => {
    if (metric.scan === "own") own.push({ sql: metric.sql, columns: [[key]] });
    else if (metric.scan === "elsewhere") elsewhere.push({ key, place: metric.place, sql: metric.sql });
    else if (metric.scan === "schema") schema.push(key);
    else if (metric.scan === "topic") topic.push({ key, ask: metric.ask });
    else {
      const scan = scans.get(spec.sample ?? "") ?? { expressions: new Map(), recent: new Set() };
      scans.set(spec.sample ?? "", scan);
      scan.expressions.set(metric.sql, [...(scan.expressions.get(metric.sql) ?? []), key]);
      scan.recent.add(recent);
    }
  };
  checks.forEach((spec, check) => {
    try {
      refuseSample(spec, table);
      const metrics = Object.entries(kindOf(spec).metrics(narrowed(spec, table), table));
      for (const [metric, asked] of metrics) place(asked, { check, metric }, spec, recentRows(spec, table));
    } catch (error) {
      if (!(error instanceof DwError)) throw error;
      refused.set(check, error);
    }
  });
  const scanned = [...scans].map(([sample, scan]) => scanQuery(scan, sample, table));
  return { checks, queries: [...scanned, ...own], elsewhere, schema, topic, refused };
}

/** A check with what `recent` and `late` say as part of its predicate. */
export function narrowed(spec: AnyCheck, table: CheckTable): AnyCheck {
  const parts = [spec.where, recentRows(spec, table), settledRows(spec, table)].filter((part) => part !== undefined);
  return parts.length === 0
    ? spec
    : { ...spec, where: parts.length === 1 ? (parts[0] ?? "") : parts.map((part) => `(${part})`).join(" and ") };
}

function recentRows({ recent, check }: AnyCheck, table: CheckTable): string | undefined {
  return recent && atOrAfter(table, recent.column, table.now - parseDuration(recent.last), check);
}

function settledRows({ late, check }: AnyCheck, table: CheckTable): string | undefined {
  return late && before(table, late.column, table.now - parseDuration(late.by), check);
}

function refuseSample(spec: AnyCheck, table: CheckTable): void {
  if (spec.sample === undefined) return;
  const percent = Number.parseFloat(spec.sample);
  if (kindOf(spec).sampled && percent > 0 && percent <= 100) return;
  throw new DwError("DW-MODEL-INVALID", {
    what: `The ${spec.check} check of ${table.model} asks for a sample of ${spec.sample}.`,
    why: "Only checks that look at each row alone can be judged by some of them, and a share lies between 0% and 100%.",
    fix: "Remove `sample`.",
  });
}

function scanQuery({ expressions, recent }: Scan, sample: string, table: CheckTable): MetricQuery {
  const selected = [...expressions.keys()].map((sql, index) => `  ${asText(sql, table)} as m${index}`);
  const chosen = sample === "" ? { from: table.from } : sampledFrom(table, Number.parseFloat(sample));
  // When every check looks at recent rows only, the engine need not open the other partitions.
  const only = [...recent].some((predicate) => predicate === undefined) ? [] : [...recent].map((predicate) => `(${predicate})`);
  const conditions = [...(chosen.where === undefined ? [] : [chosen.where]), ...(only.length === 0 ? [] : [`(${only.join(" or ")})`])];
  const where = conditions.length === 0 ? "" : `\nwhere ${conditions.join(" and ")}`;
  return { sql: `select\n${selected.join(",\n")}\nfrom ${chosen.from}${where}`, columns: [...expressions.values()] };
}

/** All that is asked at one other place, as one query. */
export function elsewhereQuery(asked: readonly AskedElsewhere[], there: CheckTable): MetricQuery {
  const selected = asked.map(({ sql }, index) => `  ${asText(sql(there), there)} as m${index}`);
  return { sql: `select\n${selected.join(",\n")}\nfrom ${there.from}`, columns: asked.map(({ key }) => [key]) };
}
