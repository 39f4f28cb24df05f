import type { AnyCheck, CheckOptions, StatisticSpec } from "../../../core/check-spec.js";
import { Finding, type FoundChecks } from "./found.js";

/*
 * SodaCL (Soda 3's manual, "SodaCL reference"): `checks for TABLE:` and a list of sentences such as `missing_count(id) = 0`.
 * A sentence is read whole or not at all; what is not understood is listed.
 */

export function sodaChecks(file: Readonly<Record<string, unknown>>): FoundChecks {
  const found = Object.entries(file).map(([title, list]) => {
    const table = /^checks for (?:each dataset )?([\w."-]+)$/.exec(title)?.[1]?.split(".").at(-1)?.replaceAll('"', "");
    const finding = new Finding(table ?? title);
    if (table === undefined || !Array.isArray(list)) finding.add(undefined, title, "only `checks for TABLE` is read");
    else for (const item of list) addCheck(item, finding);
    return finding;
  });
  return { checks: found.flatMap(({ checks }) => checks), unsaid: found.flatMap(({ unsaid }) => unsaid) };
}

type Terms = Readonly<Record<string, unknown>>;

function addCheck(item: unknown, finding: Finding): void {
  const [[sentence, terms] = ["", {}]] =
    typeof item === "object" && item !== null ? Object.entries(item as Terms) : [[String(item), {}] as const];
  const said = typeof terms === "object" && terms !== null ? (terms as Terms) : {};
  const spec = fromSentence(sentence, said);
  finding.add(spec && { ...spec, ...optionsOf(said) }, sentence, "dw has no check that says the same");
}

function fromSentence(sentence: string, terms: Terms): AnyCheck | undefined {
  const limit = limitOf(sentence, terms);
  const metric = /^(\w+)(?:\(([^)]*)\))?/.exec(sentence.trim());
  if (limit === undefined || !metric) return undefined;
  const [, name = "", args = ""] = metric;
  const columns = args
    .split(",")
    .map((column) => column.trim().replaceAll('"', ""))
    .filter((column) => column !== "");
  return metrics[name]?.(columns, limit, terms);
}

/** Between `min` and `max`; a level's own threshold when the sentence has none. */
interface Limit {
  readonly min?: number;
  readonly max?: number;
  readonly unit: "" | "%" | string;
  readonly severity?: "warn";
}

function limitOf(sentence: string, { fail, warn }: Terms): Limit | undefined {
  const own = boundary(sentence.replace(/^\s*\w+(\([^)]*\))?\s*/, ""), /^\s*\w+_count\b/.test(sentence));
  if (own) return own;
  // `fail: when > 5` names what is wrong, the sentence what is right.
  const [text, severity] = typeof fail === "string" ? [fail, undefined] : [typeof warn === "string" ? warn : "", "warn" as const];
  const wrong = /^when\s+>\s*([\d.]+)\s*(%?)$/.exec(text.trim());
  const low = /^when\s+<\s*([\d.]+)\s*(%?)$/.exec(text.trim());
  if (typeof fail === "string" && typeof warn === "string") return undefined;
  const level = severity && { severity };
  if (wrong) return { max: Number(wrong[1]), unit: wrong[2] ?? "", ...level };
  return low ? { min: Number(low[1]), unit: low[2] ?? "", ...level } : undefined;
}

function boundary(text: string, isWhole: boolean): Limit | undefined {
  const between = /^between\s+(-?[\d.]+)\s*(%?)\s+and\s+(-?[\d.]+)\s*%?$/.exec(text);
  if (between) return { min: Number(between[1]), max: Number(between[3]), unit: between[2] ?? "" };
  const compared = /^(=|<=|>=|<|>)\s*(-?[\d.]+)\s*(%|[a-z]*)$/.exec(text);
  if (!compared) return undefined;
  const [, sign, digits, unit = ""] = compared;
  const value = Number(digits);
  // Counts are whole: less than 5 is at most 4. Of shares, means and times the boundary itself is nearly nothing.
  const next = isWhole && unit === "" && Number.isInteger(value) ? 1 : 0;
  if (sign === "=") return { min: value, max: value, unit };
  if (sign === "<=" || sign === "<") return { max: sign === "<" ? value - next : value, unit };
  return { min: sign === ">" ? value + next : value, unit };
}

type Metric = (columns: readonly string[], limit: Limit, terms: Terms) => AnyCheck | undefined;

/** A count of violations: at most some, or none. */
function tolerated({ min, max, unit, severity }: Limit): CheckOptions | undefined {
  if (max === undefined || (min !== undefined && min !== 0)) return undefined;
  const threshold = unit === "%" ? (`${max}%` as const) : max;
  if (max === 0) return severity ? { severity } : {};
  return severity ? { warn: threshold } : { fail: threshold };
}

const violations =
  (make: (column: string, terms: Terms) => AnyCheck | undefined): Metric =>
  ([column, ...others], limit, terms) => {
    const allowed = tolerated(limit);
    const spec = column !== undefined && others.length === 0 && allowed ? make(column, terms) : undefined;
    return spec && { ...spec, ...allowed };
  };

/** Soda's percents are numbers without a sign. */
const percent =
  (metric: Metric): Metric =>
  (columns, limit, terms) =>
    metric(columns, { ...limit, unit: "%" }, terms);

/** The first sort of validity that a check can say. */
function invalid(column: string, terms: Terms): AnyCheck | undefined {
  const { "valid values": values, "valid regex": regex, "valid min": min, "valid max": max } = terms;
  const { "valid min length": short, "valid max length": long, "valid length": exact } = terms;
  const stated = Object.keys(terms).filter((key) => key.startsWith("valid ") || key.startsWith("invalid "));
  if (Array.isArray(values) && stated.length === 1) return { check: "accepted-values", column, values };
  if (typeof regex === "string" && stated.length === 1) return { check: "pattern", column, matches: regex };
  if (typeof exact === "number" && stated.length === 1) return { check: "length", column, min: exact, max: exact };
  if (stated.every((key) => key === "valid min" || key === "valid max")) return ranged("range", column, min, max);
  return stated.every((key) => key.endsWith(" length")) ? ranged("length", column, short, long) : undefined;
}

function missing(column: string, terms: Terms): AnyCheck | undefined {
  return terms["missing values"] === undefined && terms["missing regex"] === undefined ? { check: "not-null", column } : undefined;
}

function ranged(check: "range" | "length", column: string, min: unknown, max: unknown): AnyCheck | undefined {
  const bounds = { ...(typeof min === "number" && { min }), ...(typeof max === "number" && { max }) };
  return Object.keys(bounds).length === 0 ? undefined : { check, column, ...bounds };
}

const statistic =
  (of: StatisticSpec["of"]): Metric =>
  ([column], { min, max, severity }) =>
    column === undefined
      ? undefined
      : {
          check: "statistic",
          column,
          of,
          ...(min !== undefined && { min }),
          ...(max !== undefined && { max }),
          ...(severity && { severity }),
        };

const duplicates: Metric = (columns, limit) => {
  const allowed = tolerated(limit);
  return columns.length > 0 && allowed ? { check: "unique", columns, ...allowed } : undefined;
};

const units: Readonly<Record<string, string>> = { s: "s", m: "min", h: "h", d: "d" };

/** By Soda's names. `duplicate_count` counts values that repeat, dw the rows beyond the first: equal for 0, and near otherwise. */
const metrics: Readonly<Record<string, Metric>> = {
  row_count: (_, { min, max, severity }) => ({
    check: "row-count",
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(severity && { severity }),
  }),
  missing_count: violations(missing),
  missing_percent: percent(violations(missing)),
  invalid_count: violations(invalid),
  invalid_percent: percent(violations(invalid)),
  duplicate_count: duplicates,
  duplicate_percent: percent(duplicates),
  avg: statistic("mean"),
  min: statistic("min"),
  max: statistic("max"),
  sum: statistic("sum"),
  stddev: statistic("stddev"),
  stddev_samp: statistic("stddev"),
  freshness: ([column], { max, unit, severity }) =>
    column !== undefined && max !== undefined && units[unit] !== undefined
      ? { check: "freshness", column, within: `${max}${units[unit]}`, ...(severity && { severity }) }
      : undefined,
};

function optionsOf({ name, filter, attributes }: Terms): CheckOptions {
  const owner = typeof attributes === "object" && attributes !== null ? (attributes as Terms).owner : undefined;
  return {
    ...(typeof name === "string" && { name }),
    ...(typeof filter === "string" && { where: filter }),
    ...(typeof owner === "string" && { owner }),
  };
}
