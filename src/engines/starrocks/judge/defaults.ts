import type { ColumnDefault } from "../parse/ast.js";
import { refuse } from "./refusal.js";
import { isNested, type SqlType, typeText } from "./sql-type.js";
import { isDateText, isInteger, isNumberText } from "./values.js";

/** Which function may be a default of which type. CURRENT_TIMESTAMP is none of them: the engine takes it for every type. */
const FUNCTIONS: Readonly<Record<string, readonly string[]>> = {
  now: ["datetime"],
  uuid: ["varchar"],
  uuid_numeric: ["largeint"],
};
const UUID_CHARACTERS = 36;

/** Throws a Refusal where `DEFAULT …` does not fit the column's type. */
export function checkDefault(column: string, type: SqlType, value: ColumnDefault): void {
  if (value.kind === "function") checkFunction(column, type, value.name);
  if (value.kind === "literal") checkLiteral(column, type, value.text);
}

function checkFunction(column: string, type: SqlType, name: string): void {
  const types = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (!types)
    refuse("default-function", `${name}() cannot be the default of ${column}.`, "Use now(), uuid() or uuid_numeric(), or a literal.");
  if (!types.includes(type.name))
    refuse(
      "default-function-type",
      `${name}() gives ${types.join(", ").toUpperCase()}; ${column} is ${typeText(type)}.`,
      "Change the type or the default.",
    );
  if (name === "uuid" && (type.length ?? 0) < UUID_CHARACTERS)
    refuse(
      "default-uuid-length",
      `uuid() has ${UUID_CHARACTERS} characters; ${column} holds ${type.length}.`,
      "Use VARCHAR(36) or longer.",
    );
}

const fits: Readonly<Record<string, (text: string, type: SqlType) => boolean>> = {
  tinyint: (text) => isInteger(text, 8),
  smallint: (text) => isInteger(text, 16),
  int: (text) => isInteger(text, 32),
  bigint: (text) => isInteger(text, 64),
  largeint: (text) => isInteger(text, 128),
  float: isNumberText,
  double: isNumberText,
  decimal: fitsDecimal,
  decimalv2: fitsDecimal,
  date: isDateText,
  datetime: isDateText,
  char: (text, { length = 1 }) => text.length <= length,
  varchar: (text, { length = 1 }) => text.length <= length,
  boolean: (text) => /^(?:true|false|0|1)$/i.test(text),
  unknown: () => true,
};

function checkLiteral(column: string, type: SqlType, text: string): void {
  const check = fits[type.name];
  if (isNested(type) || !check)
    refuse("default-type", `A ${typeText(type)} column takes no default; ${column} has one.`, "Leave the default out.");
  if (!check(text, type))
    refuse(
      "default-value",
      `${JSON.stringify(text.slice(0, 60))} is no value of ${typeText(type)}, the type of ${column}.`,
      "Write a default that the type can hold.",
    );
}

function fitsDecimal(text: string, { precision = 0, scale = 0 }: SqlType): boolean {
  const match = /^[+-]?(\d*)\.?(\d*)$/.exec(text);
  if (!match) return isNumberText(text); // with an exponent: the engine decides
  const whole = (match[1] ?? "").replace(/^0+/, "");
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  return /\d/.test(text) && fraction.length <= scale && whole.length + fraction.length <= precision;
}
