import { z } from "zod";
import type { AnyCheck, CheckOptions, Threshold } from "../../../core/check-spec.js";
import { Finding, type FoundChecks } from "./found.js";

/*
 * Tests of a dbt project's schema.yml (models, sources, seeds, snapshots), from dbt's manual, "Data tests": the four that dbt
 * has, and those of dbt_utils and dbt_expectations that say the same as a check. Others are listed.
 */

const test = z.union([z.string(), z.record(z.string(), z.unknown())]);
const column = z.looseObject({ name: z.string(), tests: z.array(test).optional(), data_tests: z.array(test).optional() });
const table = column.extend({
  columns: z.array(column).optional(),
  freshness: z.unknown().optional(),
  loaded_at_field: z.string().optional(),
});
const source = z.looseObject({
  name: z.string(),
  tables: z.array(table).optional(),
  freshness: z.unknown().optional(),
  loaded_at_field: z.string().optional(),
});
export const dbtFile = z.looseObject({
  models: z.array(table).optional(),
  seeds: z.array(table).optional(),
  snapshots: z.array(table).optional(),
  sources: z.array(source).optional(),
});

type Table = z.infer<typeof table>;

export function dbtChecks(file: z.infer<typeof dbtFile>): FoundChecks {
  const { models = [], seeds = [], snapshots = [], sources = [] } = file;
  const ofSources = sources.flatMap(({ tables = [], freshness, loaded_at_field }) =>
    tables.map((one) => ({ ...one, freshness: one.freshness ?? freshness, loaded_at_field: one.loaded_at_field ?? loaded_at_field })),
  );
  const found = [...models, ...seeds, ...snapshots, ...ofSources].map(tableChecks);
  return { checks: found.flatMap(({ checks }) => checks), unsaid: found.flatMap(({ unsaid }) => unsaid) };
}

function tableChecks(one: Table): Finding {
  const finding = new Finding(one.name);
  for (const each of testsOf(one)) addTest(each, undefined, finding);
  for (const each of one.columns ?? []) for (const named of testsOf(each)) addTest(named, each.name, finding);
  if (one.freshness)
    for (const spec of sourceFreshness(one)) finding.add(spec, "freshness", "it names no `loaded_at_field`, or no period that dw reads");
  return finding;
}

type Args = Readonly<Record<string, unknown>>;
type NamedTest = readonly [name: string, args: Args];

function testsOf({ tests = [], data_tests = [] }: Pick<Table, "tests" | "data_tests">): NamedTest[] {
  return [...tests, ...data_tests].map((each) => {
    if (typeof each === "string") return [each, {}];
    const { name: given, test_name, ...rest } = each;
    const [[name, args] = ["", {}]] = typeof test_name === "string" ? [[test_name, rest] as const] : Object.entries(rest);
    const said = isRecord(args) ? args : {};
    // Since 1.10 arguments may stand one level deeper.
    return [name, { ...said, ...(isRecord(said.arguments) && said.arguments), ...(typeof given === "string" && { name: given }) }];
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function addTest([name, args]: NamedTest, column: string | undefined, finding: Finding): void {
  const subject = typeof args.column_name === "string" ? args.column_name : column;
  const options = optionsOf(args);
  const made = options && tests[name.replace(/^dbt_(utils|expectations)\./, "")]?.(args, subject);
  const why = options === undefined ? "its error_if or warn_if is no “more than N”" : "dw has no check that says the same";
  finding.add(made && { ...made, ...options }, `${name}${subject === undefined ? "" : ` of ${subject}`}`, why);
}

type Test = (args: Args, column: string | undefined) => AnyCheck | undefined;

const onColumn =
  (make: (column: string, args: Args) => AnyCheck | undefined): Test =>
  (args, column) =>
    column === undefined ? undefined : make(column, args);

const bounds = (args: Args, min: string, max: string): { readonly min?: number; readonly max?: number } | undefined => {
  const [low, high] = [args[min], args[max]];
  if (args.strictly === true || args.inclusive === false || ![low, high].every((each) => each === undefined || typeof each === "number"))
    return undefined;
  if (low === undefined && high === undefined) return undefined;
  return { ...(typeof low === "number" && { min: low }), ...(typeof high === "number" && { max: high }) };
};

const texts = (value: unknown): string[] | undefined =>
  Array.isArray(value) && value.every((each) => typeof each === "string") ? value : undefined;

const scalars = (value: unknown): (string | number | boolean)[] | undefined =>
  Array.isArray(value) && value.every((each) => ["string", "number", "boolean"].includes(typeof each)) ? value : undefined;

const unique = (columns: unknown): AnyCheck | undefined => {
  const named = texts(columns);
  return named && { check: "unique", columns: named };
};

const accepted = onColumn((column, args) => {
  const values = scalars(args.values ?? args.value_set);
  return values && args.quote !== false ? { check: "accepted-values", column, values } : undefined;
});

const inRange = onColumn((column, args) => {
  const between = bounds(args, "min_value", "max_value");
  return between && { check: "range", column, ...between };
});

const statistic = (of: "mean" | "stddev" | "sum" | "min" | "max" | "distinct"): Test =>
  onColumn((column, args) => {
    const between = bounds(args, "min_value", "max_value");
    return between && { check: "statistic", column, of, ...between };
  });

/** By dbt's names without their package. What is not here is not made up. */
const tests: Readonly<Record<string, Test>> = {
  not_null: onColumn((column) => ({ check: "not-null", column })),
  unique: onColumn((column) => ({ check: "unique", columns: [column] })),
  accepted_values: accepted,
  relationships: onColumn((column, args) => {
    const model = /^\s*(?:ref|source)\(.*?['"]([^'"]+)['"]\s*\)\s*$/.exec(String(args.to ?? ""))?.[1];
    return model !== undefined && typeof args.field === "string"
      ? { check: "reference", columns: [column], model, to: [args.field] }
      : undefined;
  }),
  unique_combination_of_columns: (args) => unique(args.combination_of_columns),
  accepted_range: inRange,
  not_constant: onColumn((column) => ({ check: "statistic", column, of: "distinct", min: 2 })),
  not_null_proportion: onColumn((column, { at_least }) =>
    typeof at_least === "number" ? { check: "statistic", column, of: "null-share", max: 1 - at_least } : undefined,
  ),
  at_least_one: onColumn((column) => ({ check: "row-count", min: 1, where: `${column} is not null` })),
  expect_column_values_to_not_be_null: onColumn((column) => ({ check: "not-null", column })),
  expect_column_values_to_be_unique: onColumn((column) => ({ check: "unique", columns: [column] })),
  expect_compound_columns_to_be_unique: (args) => unique(args.column_list),
  expect_column_values_to_be_in_set: accepted,
  expect_column_values_to_be_between: inRange,
  expect_column_value_lengths_to_be_between: onColumn((column, args) => {
    const between = bounds(args, "min_value", "max_value");
    return between && { check: "length", column, ...between };
  }),
  expect_column_mean_to_be_between: statistic("mean"),
  expect_column_stdev_to_be_between: statistic("stddev"),
  expect_column_sum_to_be_between: statistic("sum"),
  expect_column_min_to_be_between: statistic("min"),
  expect_column_max_to_be_between: statistic("max"),
  expect_column_unique_value_count_to_be_between: statistic("distinct"),
  expect_table_row_count_to_be_between: (args) => {
    const between = bounds(args, "min_value", "max_value");
    return between && { check: "row-count", ...between };
  },
  expect_row_values_to_have_recent_data: onColumn((column, { datepart, interval }) => {
    const within = period(interval, datepart);
    return within === undefined ? undefined : { check: "freshness", column, within };
  }),
  recency: ({ field, datepart, interval }) => {
    const within = period(interval, datepart);
    return typeof field === "string" && within !== undefined ? { check: "freshness", column: field, within } : undefined;
  },
};

/** Severity, `where` and thresholds; undefined where a threshold cannot be said. */
function optionsOf(args: Args): CheckOptions | undefined {
  const config: Args = { ...args, ...(isRecord(args.config) && args.config) };
  const fail = threshold(config.error_if);
  const warn = threshold(config.warn_if);
  if (fail === null || warn === null) return undefined;
  return {
    ...(typeof config.name === "string" && { name: config.name }),
    ...(config.severity === "warn" && { severity: "warn" as const }),
    ...(typeof config.where === "string" && { where: config.where }),
    ...(fail !== undefined && { fail }),
    ...(warn !== undefined && { warn }),
    ...(texts(config.tags) && { tags: texts(config.tags) ?? [] }),
  };
}

/** `>10` and `> 10`; undefined when nothing is said, null for anything else. */
function threshold(text: unknown): Threshold | undefined | null {
  if (text === undefined || text === "!= 0" || text === "!=0") return undefined;
  const above = /^\s*>\s*(\d+)\s*$/.exec(String(text));
  return above ? Number(above[1]) : null;
}

function sourceFreshness({ freshness, loaded_at_field: column }: Table): (AnyCheck | undefined)[] {
  if (!isRecord(freshness)) return [];
  return (["warn_after", "error_after"] as const).flatMap((level) => {
    const after = freshness[level];
    if (!isRecord(after)) return [];
    const within = period(after.count, after.period);
    if (column === undefined || within === undefined) return [undefined];
    const where = typeof freshness.filter === "string" ? { where: freshness.filter } : {};
    return [{ check: "freshness" as const, column, within, ...where, ...(level === "warn_after" && { severity: "warn" as const }) }];
  });
}

function period(count: unknown, unit: unknown): string | undefined {
  return typeof count === "number" && ["minute", "hour", "day", "week"].includes(String(unit))
    ? `${count} ${unit}${count === 1 ? "" : "s"}`
    : undefined;
}
