import type { EngineTarget } from "../../../core/finding.js";
import type { AggregateDef, ColumnDef } from "../parse/ast.js";
import type { Column } from "./catalog.js";
import { checkDefault } from "./defaults.js";
import { checkColumnName } from "./names.js";
import { refuse } from "./refusal.js";
import { canBeKey, isFloat, isSketch, type SqlType, sqlType, typeText, unknownType } from "./sql-type.js";
import { checkTypeVersion, requireFeature } from "./versions.js";

/** Aggregations with the types that they take. */
const NUMBERS = ["int", "bigint", "largeint", "float", "double", "decimal", "decimalv2"];
const ORDERED = [...NUMBERS, "tinyint", "smallint", "date", "datetime", "char", "varchar"];
const AGGREGATES: Readonly<Record<string, (type: SqlType) => boolean>> = {
  SUM: ({ name }) => NUMBERS.includes(name),
  MIN: (type) => ORDERED.includes(type.name) && !isWide(type),
  MAX: (type) => ORDERED.includes(type.name) && !isWide(type),
  REPLACE: () => true,
  REPLACE_IF_NOT_NULL: ({ name }) => name !== "hll" && name !== "percentile",
  HLL_UNION: ({ name }) => name === "hll",
  BITMAP_UNION: ({ name }) => name === "bitmap",
  PERCENTILE_UNION: ({ name }) => name === "percentile",
};

/** Decimals of more than 38 digits are stored, and have no MIN and MAX. */
function isWide({ name, precision = 0 }: SqlType): boolean {
  return name === "decimal" && precision > 38;
}

export const isReplace = (aggregate: string | undefined): boolean => aggregate === "REPLACE" || aggregate === "REPLACE_IF_NOT_NULL";

/** `SUM`; `avg` for an aggregate state. */
export function aggregateName(definition: ColumnDef): string | undefined {
  return definition.aggregate?.function;
}

/** Aggregate functions whose state no column holds. */
const STATELESS = ["group_concat"];

/** What the parser of the engine refuses of a column, wherever the column stands. */
export function checkColumnForm({ name, type, aggregate, nullable, autoIncrement, generated, key }: ColumnDef): void {
  const isState = aggregate?.argumentTypes !== undefined;
  if (isState && STATELESS.includes(aggregate?.function ?? ""))
    refuse(
      "aggregate-state-function",
      `${aggregate?.function} has no state that column ${name} could hold.`,
      "Choose another aggregate function.",
    );
  if (!type && !isState) refuse("column-type-missing", `Column ${name} has no type.`, "Write its type.");
  if (isState && nullable === false)
    refuse("aggregate-state-null", `Column ${name} is an aggregate state, which has to be nullable.`, "Leave NOT NULL out.");
  if (autoIncrement && nullable === true)
    refuse("auto-increment-null", `Column ${name} is AUTO_INCREMENT and may be NULL.`, "Write NOT NULL AUTO_INCREMENT.");
  if (generated && nullable === false)
    refuse("generated-null", `Column ${name} is generated, and generated columns are always nullable.`, "Leave NOT NULL out.");
  if (generated && key) refuse("generated-key", `Column ${name} is generated and cannot be a key.`, "Leave KEY out.");
}

export function columnType(definition: ColumnDef): SqlType {
  if (definition.type) return sqlType(definition.type);
  return unknownType;
}

/** `key` and `aggregate` as they follow from the table; `isOlap` false for tables of other systems. */
export interface ColumnRole {
  readonly key: boolean;
  readonly aggregate: string | undefined;
  readonly nullable: boolean;
}

/** The engine's analysis of one column definition. Throws a Refusal. */
export function analyzeColumn(definition: ColumnDef, role: ColumnRole, target: EngineTarget): Column {
  const { name, autoIncrement, generated, comment = "" } = definition;
  const type = columnType(definition);
  checkColumnName(name, target);
  if (type.name === "time") refuse("column-type", `Column ${name} is TIME, which no table can store.`, "Use VARCHAR or DATETIME.");
  checkTypeVersion(name, type, target);
  if (role.key) checkKeyType(name, type);
  checkAggregate(definition, type, role);
  if (definition.default) {
    checkNoStateDefault(definition, type);
    if (definition.default.kind === "null" && !role.nullable && role.aggregate !== "REPLACE_IF_NOT_NULL")
      refuse("default-null", `Column ${name} is NOT NULL and has DEFAULT NULL.`, "Leave one of them out.");
    if (definition.default.kind === "now" && definition.default.precision !== undefined)
      requireFeature("CURRENT_TIMESTAMP with a precision", target);
    checkDefault(name, type, definition.default);
  }
  return {
    name,
    id: name,
    type: role.aggregate === "SUM" && type.name === "decimal" && (type.precision ?? 0) <= 38 ? { ...type, precision: 38 } : type,
    key: role.key,
    ...(role.aggregate !== undefined && !role.key && { aggregate: role.aggregate }),
    nullable: role.aggregate === "REPLACE_IF_NOT_NULL" || role.nullable,
    ...(definition.default && definition.default.kind !== "null" && { default: definition.default }),
    autoIncrement,
    ...(generated && { generated }),
    comment,
  };
}

/** CREATE TABLE looks inside of nested types; ALTER TABLE does not. */
export function checkNoTimeInside(name: string, type: SqlType): void {
  if (containsTime(type)) refuse("column-type", `Column ${name} holds TIME, which no table can store.`, "Use VARCHAR or DATETIME.");
}

function containsTime(type: SqlType): boolean {
  const inner = [type.element, type.key, type.value, ...(type.fields ?? []).map((field) => field.type)];
  return type.name === "time" || inner.some((one) => one !== undefined && containsTime(one));
}

export function checkKeyType(name: string, type: SqlType): void {
  if (canBeKey(type)) return;
  refuse(
    "key-type",
    `${typeText(type)} cannot be a key column; ${name} is one.`,
    isFloat(type) ? "Use DECIMAL, or take it out of the key." : "Take it out of the key.",
  );
}

function checkAggregate({ name, aggregate }: ColumnDef, type: SqlType, role: ColumnRole): void {
  const function_ = role.aggregate;
  if (function_ === undefined || function_ === "NONE") {
    if (isSketch(type))
      refuse(
        "sketch-aggregate",
        `Column ${name} is ${typeText(type)}, which needs an aggregation.`,
        "Use an AGGREGATE KEY table and add HLL_UNION, BITMAP_UNION or PERCENTILE_UNION.",
      );
    return;
  }
  if (role.key) refuse("key-aggregate", `Key column ${name} has the aggregation ${function_}.`, "Leave KEY or the aggregation out.");
  if (aggregate?.argumentTypes) checkStateType(name, type, aggregate);
  const takes = aggregate?.argumentTypes ? () => true : Object.hasOwn(AGGREGATES, function_) ? AGGREGATES[function_] : undefined;
  if (takes && type.name !== "unknown" && !takes(type))
    refuse("aggregate-type", `${function_} does not take ${typeText(type)}, the type of ${name}.`, "Choose another aggregation or type.");
}

/** What a state column says beside its function is the type of the result, where we are sure of that. */
function checkStateType(name: string, type: SqlType, { function: called, argumentTypes = [] }: AggregateDef): void {
  const [argument] = argumentTypes.map((one) => sqlType(one.type));
  const result = argument && RESULTS[called]?.(argument);
  if (!result || type.name === "unknown" || typeText(result) === typeText(type)) return;
  refuse("aggregate-state-type", `${called} gives ${typeText(result)}; column ${name} is ${typeText(type)}.`, "Leave the type out.");
}

const INTEGERS = ["tinyint", "smallint", "int", "bigint"];
const RESULTS: Readonly<Record<string, (argument: SqlType) => SqlType | undefined>> = {
  sum: ({ name }) => (INTEGERS.includes(name) ? { name: "bigint" } : undefined),
  array_agg: (element) => ({ name: "array", element }),
};

function checkNoStateDefault({ name, aggregate }: ColumnDef, type: SqlType): void {
  if (aggregate?.argumentTypes || type.name === "hll" || type.name === "bitmap")
    refuse("default-state", `Column ${name} holds a state, which takes no default.`, "Leave the default out.");
}
