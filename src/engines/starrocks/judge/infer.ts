import type { Expression } from "../parse/ast.js";
import { type SqlType, sqlType, unknownType } from "./sql-type.js";

/** The type of a column that an expression names; undefined where there is none. */
export type TypeOf = (path: readonly string[]) => SqlType | undefined;

/** What we are sure about; `unknown` for everything else, which no rule then refuses. */
export function inferType(expression: Expression, typeOf: TypeOf): SqlType {
  switch (expression.kind) {
    case "column":
      return typeOf(expression.path) ?? unknownType;
    case "literal":
      return literalType(expression);
    case "cast":
      return sqlType(expression.type);
    case "call":
      return callType(expression, typeOf);
    case "operator":
      return operatorType(expression, typeOf);
    default:
      return unknownType;
  }
}

function literalType({ type, text }: Extract<Expression, { kind: "literal" }>): SqlType {
  if (type === "integer") return { name: integerName(BigInt(text)) };
  if (type === "string") return { name: "varchar", length: text.length };
  if (type === "boolean" || type === "double" || type === "date" || type === "datetime") return { name: type };
  return unknownType;
}

const WIDTHS = [8, 16, 32, 64];
const INTEGERS = ["tinyint", "smallint", "int", "bigint", "largeint"];

function integerName(value: bigint): string {
  const index = WIDTHS.findIndex((bits) => value < 1n << BigInt(bits - 1));
  return INTEGERS[index === -1 ? 4 : index] ?? "largeint";
}

/** `+`, `-` and `*` of whole numbers give the next wider type, up to BIGINT. */
function operatorType({ operator, args }: Extract<Expression, { kind: "operator" }>, typeOf: TypeOf): SqlType {
  if (["+", "-", "*"].includes(operator) && args.length === 2) {
    const ranks = args.map((arg) => INTEGERS.indexOf(inferType(arg, typeOf).name));
    const widest = Math.max(...ranks);
    if (ranks.every((rank) => rank >= 0)) return { name: INTEGERS[widest >= 3 ? widest : widest + 1] ?? "bigint" };
    if (args.some((arg) => inferType(arg, typeOf).name === "double") && args.every((arg) => isNumber(inferType(arg, typeOf))))
      return { name: "double" };
  }
  return ["=", "<", ">", "<=", ">=", "<>", "!=", "AND", "OR", "NOT"].includes(operator) ? { name: "boolean" } : unknownType;
}

const isNumber = ({ name }: SqlType): boolean => INTEGERS.includes(name) || name === "double" || name === "float";

/** Functions with one result type. */
const RESULTS: Readonly<Record<string, string>> = {
  length: "int",
  char_length: "int",
  year: "smallint",
  month: "tinyint",
  day: "tinyint",
  hour: "tinyint",
  rand: "double",
  random: "double",
  count: "bigint",
  now: "datetime",
  current_timestamp: "datetime",
  date: "date",
  to_date: "date",
  json_query: "json",
  parse_json: "json",
  str2date: "date",
  concat: "varchar",
  upper: "varchar",
  lower: "varchar",
  substr: "varchar",
  substring: "varchar",
  from_unixtime: "varchar",
  date_format: "varchar",
  uuid: "varchar",
  to_bitmap: "bitmap",
  bitmap_hash: "bitmap",
  hll_hash: "hll",
};
const SAME_AS_ARGUMENT = ["max", "min", "any_value"];

function callType({ name, args }: Extract<Expression, { kind: "call" }>, typeOf: TypeOf): SqlType {
  if (Object.hasOwn(RESULTS, name)) return { name: RESULTS[name] ?? "unknown" };
  const [first, second] = args;
  if (name === "date_trunc" && second) {
    const type = inferType(second, typeOf);
    return type.name === "date" ? type : type.name === "datetime" ? { name: "datetime" } : unknownType;
  }
  if (!first) return unknownType;
  const type = inferType(first, typeOf);
  if (name === "array_avg" && INTEGERS.includes(type.element?.name ?? "")) return { name: "double" };
  if (SAME_AS_ARGUMENT.includes(name)) return type;
  if (name === "sum") return sumType(type);
  return name === "avg" && isNumber(type) ? { name: "double" } : unknownType;
}

function sumType(type: SqlType): SqlType {
  if (type.name === "float" || type.name === "double") return { name: "double" };
  if (type.name === "largeint") return type;
  return INTEGERS.includes(type.name) ? { name: "bigint" } : unknownType;
}

/** All columns that an expression names, and all calls in it; queries inside are left out. */
export function partsOf(expression: Expression): readonly Expression[] {
  return [expression, ...childrenOf(expression).flatMap(partsOf)];
}

function childrenOf(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "call":
    case "operator":
      return expression.args;
    case "cast":
      return [expression.arg];
    case "interval":
      return [expression.value];
    case "field":
      return [expression.base];
    case "lambda":
      return [];
    case "collection":
      return expression.items;
    case "case":
      return [
        ...(expression.subject ? [expression.subject] : []),
        ...expression.branches.flat(),
        ...(expression.otherwise ? [expression.otherwise] : []),
      ];
    default:
      return [];
  }
}

export function callsIn(expression: Expression): readonly Extract<Expression, { kind: "call" }>[] {
  return partsOf(expression).flatMap((part) => (part.kind === "call" ? [part] : []));
}

export function columnsIn(expression: Expression): readonly string[] {
  return partsOf(expression).flatMap((part) => (part.kind === "column" ? [part.path.at(-1) ?? ""] : []));
}

const AGGREGATES = new Set(
  "sum avg count min max any_value bitmap_union bitmap_agg bitmap_union_count hll_union hll_union_agg hll_raw_agg percentile_union percentile_approx group_concat array_agg array_agg_distinct ndv approx_count_distinct multi_distinct_count multi_distinct_sum stddev variance max_by min_by retention window_funnel intersect_count bool_or boolor_agg corr covar_pop covar_samp dict_merge bitmap_intersect bitmap_and_agg ds_hll_count_distinct ds_theta_count_distinct hll_cardinality_agg map_agg min_n max_n percentile_cont percentile_disc percentile_disc_lc percentile_approx_weighted std stddev_pop stddev_samp var_pop var_samp variance_pop variance_samp mann_whitney_u_test array_unique_agg histogram approx_top_k string_agg sum_map first_value_agg exchange_bytes multi_distinct_count".split(
    " ",
  ),
);

/** `avg_union` and `avg_merge` aggregate the states that `avg_state` makes; `avg_state_union` joins two of them, row by row. */
const COMBINATOR = /(?<!_state)_(?:union|merge)$/;

export function isAggregate(expression: Expression): boolean {
  if (expression.kind !== "call" || expression.window !== undefined) return false;
  return AGGREGATES.has(expression.name) || COMBINATOR.test(expression.name);
}
