import type { ColumnDefault } from "../parse/ast.js";
import type { Column } from "./catalog.js";
import { refuse } from "./refusal.js";
import { isNested, isText, type SqlType, sameType, typeText } from "./sql-type.js";

/** Types into which MODIFY COLUMN may turn a type, beside itself. Decimals have rules of their own. */
const INTO: Readonly<Record<string, readonly string[]>> = {
  tinyint: ["smallint", "int", "bigint", "largeint", "double", "varchar"],
  smallint: ["int", "bigint", "largeint", "double", "varchar"],
  int: ["bigint", "largeint", "double", "date", "varchar"],
  bigint: ["largeint", "double", "varchar"],
  largeint: ["varchar"],
  float: ["double", "varchar"],
  double: ["varchar"],
  char: ["varchar"],
  json: ["varchar"],
  varchar: ["json", "tinyint", "smallint", "int", "bigint", "largeint", "float", "double", "date"],
  decimalv2: ["varchar"],
  datetime: ["date"],
  date: ["datetime"],
};
const JSON_BYTES = 128;

/** MODIFY COLUMN from one definition to another. Throws a Refusal. */
export function checkColumnChange(from: Column, to: Column): void {
  if (to.generated) return;
  if (!canBecome(from.type, to.type))
    refuse(
      "modify-type",
      `${from.name} cannot change from ${typeText(from.type)} to ${typeText(to.type)}.`,
      "Add a new column, fill it, and drop the old one.",
    );
  if (from.aggregate !== to.aggregate && !(from.key && to.key))
    refuse(
      "modify-aggregate",
      `The aggregation of ${from.name} cannot change from ${from.aggregate ?? "none"} to ${to.aggregate ?? "none"}.`,
      "Repeat the aggregation that the column has.",
    );
  if (from.nullable && !to.nullable)
    refuse("modify-not-null", `${from.name} is nullable and cannot become NOT NULL.`, "Leave NOT NULL out.");
  if (!sameDefault(from.default, to.default))
    refuse(
      "modify-default",
      `The default of ${from.name} cannot change.`,
      "Repeat the default that the column has; without one, write none.",
    );
  if (isText(from.type) && isText(to.type) && (from.type.length ?? 1) > (to.type.length ?? 1))
    refuse(
      "modify-length",
      `${from.name} holds ${from.type.length} bytes and cannot shrink to ${to.type.length}.`,
      "Keep the length, or raise it.",
    );
}

function canBecome(from: SqlType, to: SqlType): boolean {
  if (from.name === "unknown" || to.name === "unknown" || sameType(from, to)) return true;
  if (isNested(from) || isNested(to)) return false;
  if (from.name === "decimal" || to.name === "decimal") return decimalCanBecome(from, to);
  if (from.name === to.name) return true;
  if (from.name === "json" && to.name === "varchar") return (to.length ?? 1) > JSON_BYTES;
  return INTO[from.name]?.includes(to.name) ?? false;
}

function decimalCanBecome(from: SqlType, to: SqlType): boolean {
  if (from.name === "varchar") return true;
  if (from.name === "decimalv2") return to.precision === 27 && to.scale === 9;
  if (from.name !== "decimal") return false;
  const { precision = 0, scale = 0 } = from;
  // Digits, a sign, and a point with its leading zero.
  if (to.name === "varchar") return (to.length ?? 1) >= precision + 1 + (scale > 0 ? 1 : 0) + (precision === scale ? 1 : 0);
  return to.name === "decimal" && scale <= (to.scale ?? 0) && precision - scale <= (to.precision ?? 0) - (to.scale ?? 0);
}

function sameDefault(a: ColumnDefault | undefined, b: ColumnDefault | undefined): boolean {
  const text = (value: ColumnDefault | undefined): string => {
    if (value === undefined || value.kind === "null") return "";
    if (value.kind === "literal") return `literal ${value.text}`;
    return value.kind === "now" ? "now" : value.name.replace("current_timestamp", "now");
  };
  return text(a) === text(b);
}

/** Two definitions that the engine takes for the same. */
export function sameColumn(a: Column, b: Column): boolean {
  return (
    sameType(a.type, b.type) &&
    a.key === b.key &&
    (a.key || a.aggregate === b.aggregate) &&
    a.nullable === b.nullable &&
    sameDefault(a.default, b.default) &&
    a.comment === b.comment
  );
}
