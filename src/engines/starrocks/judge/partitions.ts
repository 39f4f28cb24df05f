import type { Expression, ListItem, PartitionDef, RangeItem } from "../parse/ast.js";
import { batchPartitions } from "./batch.js";
import { type Bound, type Column, columnOf, type Partition, type Partitioning, sameName, twiceIn } from "./catalog.js";
import { columnsIn, inferType } from "./infer.js";
import type { Keys } from "./keys.js";
import { checkPartitionName } from "./names.js";
import { checkPartitionProperties } from "./partition-properties.js";
import { addRange } from "./ranges.js";
import { about, refuse } from "./refusal.js";
import type { Situation } from "./situation.js";
import { isDateLike, isDecimal, isFloat, isInteger as isIntegerType, isNested, type SqlType, typeText } from "./sql-type.js";
import { comparable, isDateText, isInteger } from "./values.js";
import { requireFeature } from "./versions.js";

export interface Partitioned {
  readonly partitioning: Partitioning;
  readonly partitions: readonly Partition[];
}

export interface PartitionedTable {
  readonly keys: Keys;
  readonly columns: readonly Column[];
  readonly properties: Readonly<Record<string, string>>;
}

const unpartitioned: Partitioned = {
  partitioning: { kind: "none", columns: [], automatic: false, expressions: [] },
  partitions: [],
};

/** PARTITION BY of a new table. Throws a Refusal. */
export function partitionTable(definition: PartitionDef | undefined, table: PartitionedTable, situation: Situation): Partitioned {
  if (!definition) return unpartitioned;
  if (definition.kind === "range") return byRange(definition, table, situation);
  if (definition.kind === "list") return byList(definition.columns, definition.items, definition.explicit, table, situation);
  return byExpressions(definition.expressions, definition.items, table, situation);
}

// ------------------------------------------------------------------------------------------------ range

function byRange(definition: Extract<PartitionDef, { kind: "range" }>, table: PartitionedTable, situation: Situation): Partitioned {
  const { expression } = definition;
  const names = expression ? rangeExpressionColumns(expression) : definition.columns;
  const columns = names.map((name) => partitionColumn(name, table, false));
  checkTwice(names);
  const type = expression ? boundType(expression, columns) : undefined;
  if (!expression) for (const column of columns) about({ column: column.name }, () => checkRangeType(column));
  const partitioning: Partitioning = {
    kind: "range",
    columns: names,
    automatic: false,
    ...((type ?? columns[0]) && { type: type ?? columns[0]?.type }),
    expressions: expression ? [expression] : [],
  } as Partitioning; // a range has at least one column, or an expression over one
  return {
    partitioning,
    partitions: rangePartitions(
      definition.items,
      partitioning,
      columns.map((column) => type ?? column.type),
      table.properties,
      situation,
    ),
  };
}

const RANGE_FUNCTIONS = ["substr", "substring", "str2date", "from_unixtime", "from_unixtime_ms"];

function rangeExpressionColumns(expression: Expression): readonly string[] {
  const inner = expression.kind === "cast" ? expression.arg : expression;
  const supported = inner.kind === "call" && RANGE_FUNCTIONS.includes(inner.name) && inner.args[0]?.kind === "column";
  const isTime = inner.kind === "call" && inner.name.startsWith("from_unixtime");
  if (!supported || (isTime && (expression.kind === "cast" || inner.args.length > 1)))
    refuse(
      "partition-expression",
      "PARTITION BY RANGE does not take this expression.",
      "Name columns, str2date(column, format) or from_unixtime(column); or drop RANGE: PARTITION BY date_trunc('day', column).",
    );
  return columnsIn(inner).slice(0, 1);
}

function boundType(expression: Expression, columns: readonly Column[]): SqlType {
  if (expression.kind === "cast") return inferType(expression, () => undefined);
  const name = expression.kind === "call" ? expression.name : "";
  if (name === "str2date") return { name: "date" };
  if (name.startsWith("from_unixtime")) {
    checkUnixTime(name, columns);
    return { name: "datetime" };
  }
  if (name.startsWith("substr"))
    refuse("partition-range-type", `${name} gives a text, which has no ranges.`, `Write CAST(${name}(…) AS INT).`);
  return columns[0]?.type ?? { name: "unknown" };
}

function checkUnixTime(name: string, [column]: readonly Column[]): void {
  const takes = name === "from_unixtime_ms" ? ["bigint"] : ["int", "bigint"];
  if (column && column.type.name !== "unknown" && !takes.includes(column.type.name))
    refuse(
      "partition-function-type",
      `${name} does not take ${typeText(column.type)}, the type of ${column.name}.`,
      `Use ${takes.join(" or ").toUpperCase()}.`,
      { column: column.name },
    );
}

function partitionColumn(name: string, table: PartitionedTable, list: boolean): Column {
  return about({ column: name }, () => checkedPartitionColumn(name, table, list));
}

function checkedPartitionColumn(name: string, { columns, keys }: PartitionedTable, list: boolean): Column {
  const column = columnOf(columns, name);
  if (!column)
    return refuse(
      "partition-column-missing",
      `The table is partitioned by ${name}, which is no column of it.`,
      "Partition by columns of the table.",
    );
  const { type } = column;
  if (isFloat(type) || isNested(type) || (list && isDecimal(type)))
    refuse(
      "partition-type",
      `${typeText(type)} cannot partition a table; ${name} does.`,
      "Partition by a date, an integer or a text column.",
    );
  if (!column.key && keys.type !== "DUPLICATE" && !(list && column.generated))
    refuse(
      "partition-key",
      `A ${keys.type} KEY table is partitioned by key columns; ${name} is none.`,
      `Add ${name} to the key, or partition by a key column.`,
    );
  return column;
}

function checkTwice(names: readonly string[]): void {
  const twice = twiceIn(names);
  if (twice !== undefined) refuse("partition-column-twice", `PARTITION BY names ${twice} twice.`, "Name it once.");
}

function checkRangeType({ name, type }: Column): void {
  if (!isIntegerType(type) && !isDateLike(type) && type.name !== "unknown")
    refuse(
      "partition-range-type",
      `${typeText(type)} has no ranges; ${name} partitions the table.`,
      "Partition by a date or an integer column, or use LIST.",
    );
}

/** The partitions of PARTITION BY RANGE, in the order of the statement. */
function rangePartitions(
  items: readonly RangeItem[],
  partitioning: Partitioning,
  types: readonly SqlType[],
  properties: Readonly<Record<string, string>>,
  situation: Situation,
): Partition[] {
  const batches = items.some((item) => item.kind === "batch");
  if (batches && types.length > 1)
    refuse("batch-columns", "START … END … EVERY takes one partition column.", "Write the partitions one by one.");
  const kinds = new Set(items.map((item) => (item.kind === "less-than" ? "less-than" : "fixed")));
  if (kinds.size > 1)
    refuse(
      "partition-methods",
      "LESS THAN and fixed ranges are mixed in one PARTITION BY.",
      'Write all of them as VALUES [("lower"), ("upper")).',
    );
  let partitions: Partition[] = [];
  for (const item of items) {
    if (item.kind === "batch") {
      const type = types[0] ?? { name: "unknown" };
      for (const partition of batchPartitions(item, { type, automatic: partitioning.automatic, properties }))
        partitions = [...partitions, named(partition, partitions)];
      continue;
    }
    partitions = [...partitions, about({ at: item.at }, () => rangePartition(item, types, partitions, situation))];
  }
  return partitions;
}

function named(partition: Partition, others: readonly Partition[]): Partition {
  if (others.some(({ name }) => sameName(name, partition.name)))
    refuse("partition-name-twice", `Two partitions are called ${partition.name}.`, "Rename one of them.");
  return partition;
}

/** One partition beside others. Throws a Refusal where it overlaps. */
export function rangePartition(
  item: Exclude<RangeItem, { kind: "batch" }>,
  types: readonly SqlType[],
  others: readonly Partition[],
  situation: Situation,
): Partition {
  checkPartitionName(item.name);
  checkPartitionProperties(item.properties, situation);
  const upper = item.kind === "fixed" ? item.upper : item.values === "MAXVALUE" ? "MAXVALUE" : item.values;
  const upperBound = upper === "MAXVALUE" ? types.map((): "MAX" => "MAX") : bound(upper, types);
  const lowerBound = item.kind === "fixed" ? bound(item.lower, types) : undefined;
  const [type] = types;
  if (types.length === 1 && type && isLowest(upperBound[0], type))
    refuse(
      "partition-range-empty",
      `Partition ${item.name} ends at the lowest value of ${typeText(type)}: nothing is below it.`,
      "Choose a higher bound.",
    );
  return addRange(named({ name: item.name }, others), lowerBound, upperBound, others);
}

function bound(values: readonly ({ max: true } | { max: false; value: string })[], types: readonly SqlType[]): Bound {
  if (values.length > types.length)
    refuse(
      "partition-values",
      `A bound has ${values.length} values for ${types.length} partition columns.`,
      "Give one value a partition column.",
    );
  if (types.length > 1 && values.some((value) => value.max))
    refuse("partition-maxvalue", "MAXVALUE is not possible with several partition columns.", "Write a value that no row reaches.");
  return values.map((value, index) => (value.max ? "MAX" : boundValue(value.value, types[index])));
}

function boundValue(text: string, type: SqlType | undefined): bigint | string | undefined {
  checkPartitionValue(text, type);
  return comparable(text, type);
}

function isLowest(value: Bound[number], { name }: SqlType): boolean {
  const bits = BITS[name];
  return bits !== undefined && typeof value === "bigint" && value === -(1n << BigInt(bits - 1));
}

const BITS: Readonly<Record<string, number>> = { tinyint: 8, smallint: 16, int: 32, bigint: 64, largeint: 128 };

function checkPartitionValue(text: string, type: SqlType | undefined): void {
  const bits = type && BITS[type.name];
  const fits = bits !== undefined ? isInteger(text, bits) : type && isDateLike(type) ? isDateText(text) : true;
  if (!fits && type)
    refuse("partition-value", `${JSON.stringify(text)} is no value of ${typeText(type)}.`, "Write a value of the partition column's type.");
}

// ------------------------------------------------------------------------------------------------ list

function byList(
  names: readonly string[],
  items: readonly ListItem[],
  explicit: boolean,
  table: PartitionedTable,
  situation: Situation,
): Partitioned {
  const columns = names.map((name) => partitionColumn(name, table, true));
  checkTwice(names);
  if (!explicit && items.length > 0)
    refuse(
      "partition-in-advance",
      "Without LIST the engine makes the partitions; none can be given.",
      "Write PARTITION BY LIST (…), or leave the partitions out.",
    );
  const partitioning: Partitioning = {
    kind: "list",
    columns: names,
    automatic: !explicit,
    expressions: [],
    ...(columns[0] && { type: columns[0].type }),
  };
  let partitions: Partition[] = [];
  for (const item of items) partitions = [...partitions, about({ at: item.at }, () => listPartition(item, columns, partitions, situation))];
  return { partitioning, partitions };
}

export function listPartition(item: ListItem, columns: readonly Column[], others: readonly Partition[], situation: Situation): Partition {
  checkPartitionName(item.name);
  checkPartitionProperties(item.properties, situation);
  if (!item.multi && columns.length > 1)
    refuse(
      "partition-values",
      `A value stands for one of ${columns.length} partition columns.`,
      'Write tuples: VALUES IN (("a", "b"), …).',
    );
  const taken = new Set(others.flatMap((other) => other.values ?? []));
  const values = item.values.map((tuple) => listValue(tuple, columns));
  for (const value of values) {
    if (taken.has(value)) refuse("partition-value-twice", `The value ${value} is in two partitions.`, "Leave it in one.");
    taken.add(value);
  }
  return { ...named({ name: item.name }, others), values };
}

function listValue(tuple: readonly (string | null)[], columns: readonly Column[]): string {
  if (tuple.length !== columns.length)
    refuse(
      "partition-values",
      `A tuple has ${tuple.length} values for ${columns.length} partition columns.`,
      "Give one value a partition column.",
    );
  const values = tuple.map((text, index) => {
    const column = columns[index];
    if (text === null) {
      if (column && !column.nullable)
        refuse(
          "partition-value-null",
          `Partition column ${column.name} is NOT NULL and has NULL among its values.`,
          "Leave NULL out, or let the column be nullable.",
        );
      return "NULL";
    }
    checkPartitionValue(text, column?.type);
    return String(comparable(text, column?.type) ?? JSON.stringify(text));
  });
  return values.join(", ");
}

// ------------------------------------------------------------------------------------------------ expressions

const UNITS: Readonly<Record<string, readonly string[]>> = {
  date_trunc: ["minute", "hour", "day", "month", "year"],
  time_slice: ["minute", "hour", "day", "month", "year"],
};
const TRUNC_UNITS = ["microsecond", "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"];

const DATE_UNITS = ["day", "week", "month", "quarter", "year"];

function byExpressions(
  expressions: readonly Expression[],
  items: readonly RangeItem[],
  table: PartitionedTable,
  situation: Situation,
): Partitioned {
  const [only] = expressions;
  if (expressions.length === 1 && only) checkText2Date(only);
  const range = expressions.length === 1 && only ? automaticRange(only, table) : undefined;
  if (range) return expressionRange(range, items, table, situation);
  if (items.length > 0)
    refuse(
      "partition-in-advance",
      "Partitions of general expressions cannot be given in advance.",
      "Leave them out: the engine makes them when rows arrive.",
    );
  const names = expressions.map((expression, index) => generatedColumn(expression, index, table));
  checkTwice(names);
  requireFeature("expressions in PARTITION BY (several)", situation.target);
  return {
    partitioning: { kind: "list", columns: names.filter((name) => columnOf(table.columns, name)), automatic: true, expressions },
    partitions: [],
  };
}

/** As the only expression str2date is taken for one that makes ranges, which it does behind RANGE only. */
function checkText2Date(expression: Expression): void {
  if (expression.kind !== "call" || expression.name !== "str2date") return;
  const [text, format] = expression.args;
  if (text?.kind === "column" && format?.kind === "literal")
    refuse(
      "partition-expression",
      "str2date alone cannot partition a table that makes its own partitions.",
      "Write PARTITION BY RANGE (str2date(…)) (…), or add a DATE column and use date_trunc.",
    );
}

interface AutomaticRange {
  readonly call: Extract<Expression, { kind: "call" }>;
  readonly column: Column;
  readonly unit: string;
}

/** `date_trunc('day', column)` and `time_slice(column, INTERVAL 1 DAY)` make ranges; other expressions make lists. */
function automaticRange(expression: Expression, table: PartitionedTable): AutomaticRange | undefined {
  if (expression.kind !== "call" || !Object.hasOwn(UNITS, expression.name)) return undefined;
  const { name, args } = expression;
  const columnArg = name === "date_trunc" ? args[1] : args[0];
  const unit =
    name === "date_trunc" ? literalText(args[0]) : args[1]?.kind === "interval" ? args[1].unit.toLowerCase() : literalText(args[2]);
  if (columnArg?.kind !== "column" || unit === undefined || args.slice(2).some(isCeil)) return undefined;
  if (name === "date_trunc" && !TRUNC_UNITS.includes(unit))
    refuse("partition-unit", `date_trunc does not take '${unit}'.`, "Use 'hour', 'day', 'month' or 'year'.");
  const column = partitionColumn(columnArg.path.at(-1) ?? "", table, false);
  if (name === "date_trunc" && column.type.name === "date" && !DATE_UNITS.includes(unit))
    refuse(
      "partition-unit",
      `A DATE has no ${unit}s to partition by; ${column.name} is one.`,
      "Use 'day', 'week', 'month', 'quarter' or 'year'.",
      {
        column: column.name,
      },
    );
  if (!UNITS[name]?.includes(unit) || (column.type.name === "date" && ["hour", "minute"].includes(unit))) return undefined;
  if (!isDateLike(column.type))
    refuse(
      "partition-range-type",
      `${name} partitions by dates; ${column.name} is ${typeText(column.type)}.`,
      "Partition by a DATE or DATETIME column.",
      { column: column.name },
    );
  return { call: expression, column, unit };
}

/** time_slice that rounds up makes a generated column, not ranges. */
function isCeil(arg: Expression): boolean {
  return (arg.kind === "column" ? arg.path.at(-1) : literalText(arg))?.toLowerCase() === "ceil";
}

function literalText(expression: Expression | undefined): string | undefined {
  return expression?.kind === "literal" && expression.type === "string" ? expression.text.toLowerCase() : undefined;
}

function expressionRange(
  { call, column, unit }: AutomaticRange,
  items: readonly RangeItem[],
  table: PartitionedTable,
  situation: Situation,
): Partitioned {
  for (const item of items) {
    if (item.kind !== "batch")
      refuse(
        "partition-in-advance",
        "A table that makes its own ranges takes partitions in advance as START … END … EVERY only.",
        'Write START ("…") END ("…") EVERY (INTERVAL 1 DAY).',
      );
    if (call.name === "time_slice") refuse("partition-in-advance", "time_slice takes no partitions in advance.", "Leave them out.");
    if (item.every.unit?.toLowerCase() !== unit)
      refuse(
        "partition-unit",
        `Partitions are made by ${unit}, and those in advance by ${item.every.unit ?? "number"}.`,
        `Write EVERY (INTERVAL 1 ${unit.toUpperCase()}).`,
      );
  }
  const partitioning: Partitioning = {
    kind: "expression-range",
    columns: [column.name],
    automatic: true,
    type: column.type,
    unit,
    expressions: [call],
  };
  return { partitioning, partitions: rangePartitions(items, partitioning, [column.type], table.properties, situation) };
}

/** The name of the column that the engine makes for an expression; a plain column is itself. */
function generatedColumn(expression: Expression, index: number, table: PartitionedTable): string {
  if (expression.kind === "column") return partitionColumn(expression.path.at(-1) ?? "", table, true).name;
  const type = inferType(expression, (path) => columnOf(table.columns, path.at(-1) ?? "")?.type);
  if (isFloat(type) || isNested(type) || isDecimal(type))
    refuse(
      "partition-type",
      `An expression of PARTITION BY gives ${typeText(type)}, which cannot partition a table.`,
      "Use an expression that gives a date, an integer or a text.",
    );
  const rounded = expression.kind === "call" && expression.name === "time_slice";
  // `floor` and `ceil` behind the interval are words, not columns.
  for (const name of rounded ? expression.args.slice(0, 1).flatMap(columnsIn) : columnsIn(expression))
    about({ column: name }, () => partitionExpressionColumn(name, table));
  const dates = expression.kind === "call" && Object.hasOwn(UNITS, expression.name) ? expression.args : [];
  for (const arg of dates) {
    const argument = arg.kind === "column" ? columnOf(table.columns, arg.path.at(-1) ?? "") : undefined;
    if (argument && isNested(argument.type))
      refuse("partition-type", `${argument.name} is ${typeText(argument.type)}.`, "Partition by a date column.");
  }
  if (table.keys.type === "AGGREGATE" || table.keys.type === "UNIQUE")
    refuse(
      "partition-expression-keys",
      `${table.keys.type} KEY tables cannot be partitioned by general expressions.`,
      "Partition by a column, or by date_trunc of one.",
    );
  return `\0${index}`;
}

function partitionExpressionColumn(name: string, { columns, keys }: PartitionedTable): void {
  const column = columnOf(columns, name);
  if (!column)
    refuse(
      "partition-column-missing",
      `PARTITION BY reads ${name}, which is no column of the table.`,
      "Partition by columns of the table.",
    );
  if (!column.key && keys.type !== "DUPLICATE")
    refuse("partition-key", `A ${keys.type} KEY table is partitioned by key columns; ${name} is none.`, `Add ${name} to the key.`);
}
