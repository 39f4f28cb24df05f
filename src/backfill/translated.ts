import type { JsonColumn, ScaledColumn, TranslatedColumn } from "../core/model.js";
import type { SourceColumn } from "../core/source.js";
import type { TargetColumn } from "../core/target.js";
import { quoteName, quoteText, transitType } from "../core/transit.js";
import { type LogicalType, typeText } from "../core/types.js";
import type { ValueRule } from "./mapping.js";

/*
 * Columns whose values become others by a stated rule: a table of values, a factor and an offset, a place in JSON. What the rule
 * does not know breaks it; a text answer says why the rule cannot be kept at all.
 */

export interface Translation {
  readonly expression: string;
  /** Undefined: a literal, which the target's type judges by itself. */
  readonly type: LogicalType | undefined;
  readonly rules: readonly ValueRule[];
  readonly note: string;
}

export function translated(source: SourceColumn, { values }: TranslatedColumn, target: TargetColumn): Translation | string {
  const pairs = Object.entries(values);
  const kinds = new Set(pairs.map(([, value]) => typeof value));
  if (pairs.length === 0) return "`values` names no value.";
  if (kinds.size > 1) return "`values` gives texts, numbers and booleans at once.";
  const wrong = pairs.map(([, value]) => value).filter((value) => !isOf(value, target.type));
  if (wrong.length > 0)
    return `\`values\` gives ${wrong.map((value) => JSON.stringify(value)).join(", ")}, and the target is ${typeText(target.type)}.`;
  const text = `CAST(${quoteName(source.name)} AS VARCHAR)`;
  const cases = pairs.map(([from, to]) => `WHEN ${quoteText(from)} THEN ${typeof to === "string" ? quoteText(to) : String(to)}`);
  const names = pairs.map(([from]) => from);
  return {
    expression: `CASE ${text} ${cases.join(" ")} END`,
    type: undefined,
    note: `values are translated: ${pairs.map(([from, to]) => `${from} → ${to}`).join(", ")}`,
    rules: [
      {
        column: target.name,
        broken: `${text} NOT IN (${names.map(quoteText).join(", ")})`,
        what: `comes from a value of ${source.name} that is none of ${names.join(", ")}`,
        fix: "Add the value to `values` in the map, leave such rows out with `where`, or set them aside with `quarantine`.",
      },
    ],
  };
}

function isOf(value: string | number | boolean, type: LogicalType): boolean {
  switch (type.kind) {
    case "int":
      return typeof value === "number" && Number.isSafeInteger(value);
    case "decimal":
    case "float":
      return typeof value === "number" && Number.isFinite(value);
    case "boolean":
      return typeof value === "boolean";
    case "enum":
      return typeof value === "string" && type.values.includes(value);
    case "text":
      return typeof value === "string" && [...value].length <= (type.max ?? Number.POSITIVE_INFINITY);
    default:
      return false;
  }
}

interface Exact {
  readonly text: string;
  readonly precision: number;
  readonly scale: number;
}

function exact(value: string | number): Exact | undefined {
  const text = String(value);
  const [, whole, fraction = ""] = /^-?(\d+)(?:\.(\d+))?$/.exec(text) ?? [];
  if (whole === undefined) return undefined;
  return { text, precision: whole.replace(/^0+(?=\d)/, "").length + fraction.length, scale: fraction.length };
}

/** Exact where the source is: a decimal times a decimal has the digits of both. A double stays one. */
export function scaled(source: SourceColumn, { factor, offset = 0 }: ScaledColumn, target: TargetColumn): Translation | string {
  const [by, plus] = [exact(factor), exact(offset)];
  if (by === undefined || plus === undefined) return '`factor` and `offset` are decimal numbers, such as "0.001".';
  const name = quoteName(source.name);
  const note = `${source.name} × ${by.text}${plus.text === "0" ? "" : ` + ${plus.text}`}`;
  const { type } = source;
  if (type.kind === "float")
    return { expression: `(CAST(${name} AS DOUBLE) * ${by.text} + (${plus.text}))`, type: { kind: "float", bits: 64 }, rules: [], note };
  const digits = digitsOf(type);
  if (digits === undefined) return `${source.name} is ${typeText(type)}, and no number that could be scaled.`;
  const scale = Math.max(digits.scale + by.scale, plus.scale);
  const whole = Math.max(digits.precision - digits.scale + by.precision - by.scale, plus.precision - plus.scale) + 1;
  if (whole + scale > 38) return `${note} has up to ${whole + scale} digits, and 38 are carried: write it as { sql } with a narrower type.`;
  const product = `CAST(CAST(${name} AS DECIMAL(${digits.precision},${digits.scale})) * CAST('${by.text}' AS DECIMAL(${by.precision},${by.scale})) AS DECIMAL(${whole + scale},${scale}))`;
  const sum =
    plus.text === "0"
      ? product
      : `CAST(${product} + CAST('${plus.text}' AS DECIMAL(${whole + scale},${scale})) AS DECIMAL(${whole + scale},${scale}))`;
  const kept = target.type.kind === "decimal" ? Math.min(scale, target.type.scale) : target.type.kind === "int" ? 0 : scale;
  return {
    expression: sum,
    type: { kind: "decimal", precision: whole + kept, scale: kept },
    rules: exactly(target, sum, scale, note),
    note,
  };
}

/** Digits that the target has no place for are refused where they are not 0: 1.500 fits two digits, 1.505 does not. */
function exactly(target: TargetColumn, value: string, scale: number, what: string): readonly ValueRule[] {
  if (target.type.kind !== "decimal" && target.type.kind !== "int") return [];
  const kept = target.type.kind === "int" ? 0 : target.type.scale;
  if (kept >= scale) return [];
  return [
    {
      column: target.name,
      broken: `round(${value}, ${kept}) <> ${value}`,
      what: `(${what}) has digits after the ${kept}th that are not 0`,
      fix: "Widen the column, or round with { sql } in the map.",
    },
  ];
}

const INT_DIGITS = { 8: 3, 16: 5, 32: 10, 64: 19, 128: 38 } as const;

function digitsOf(type: LogicalType): { readonly precision: number; readonly scale: number } | undefined {
  if (type.kind === "decimal" && type.precision <= 38) return type;
  return type.kind === "int" && type.bits < 128
    ? { precision: INT_DIGITS[type.bits] + (type.unsigned && type.bits === 64 ? 1 : 0), scale: 0 }
    : undefined;
}

/** One value of a JSON document, with the target's type: what is there and is not of that type breaks the rule. */
export function fromJson(source: SourceColumn, { path }: JsonColumn, target: TargetColumn): Translation | string {
  if (source.type.kind !== "json" && source.type.kind !== "text") return `${source.name} is ${typeText(source.type)}, and no JSON.`;
  if (!/^\$(\.("[^"\\]+"|[A-Za-z_][A-Za-z0-9_]*)|\[\d+\])+$/.test(path)) return `${path} is no path such as $.station.id or $.values[0].`;
  const note = `${path} of ${source.name}`;
  const document = `CAST(${quoteName(source.name)} AS JSON)`;
  const found =
    target.type.kind === "json" ? `json_extract(${document}, ${quoteText(path)})` : `json_extract_string(${document}, ${quoteText(path)})`;
  const text = `CAST(${found} AS VARCHAR)`;
  const { type } = target;
  if (type.kind === "text" || type.kind === "json" || type.kind === "enum")
    return { expression: text, type: { kind: type.kind === "json" ? "json" : "text" }, rules: [], note };
  const native = transitType(type);
  if (native === undefined || !READ.has(type.kind))
    return `the target is ${typeText(type)}, which dw does not read from JSON; write it as { sql }.`;
  const broken = `${text} IS NOT NULL AND (TRY_CAST(${text} AS ${native}) IS NULL${isInexact(type, text, `json_type(${document}, ${quoteText(path)})`)})`;
  return {
    expression: `CASE WHEN ${broken} THEN NULL ELSE TRY_CAST(${text} AS ${native}) END`,
    type,
    note: type.kind === "decimal" ? `${note}; its numbers with a fraction have at most 15 digits, texts any` : note,
    rules: [
      {
        column: target.name,
        broken,
        what: `(${note}) is no ${typeText(type)}`,
        fix: "Give the column the type that the document has, set such rows aside with `quarantine`, or leave them out.",
      },
    ],
  };
}

const READ: ReadonlySet<LogicalType["kind"]> = new Set(["int", "decimal", "float", "boolean", "date", "uuid"]);

/**
 * DuckDB rounds a text with more digits than the type has, and reads JSON numbers with a fraction as doubles: 15 digits of those
 * are what was written.
 */
function isInexact(type: LogicalType, text: string, jsonType: string): string {
  if (type.kind === "int") return ` OR NOT regexp_full_match(${text}, '[+-]?[0-9]+')`;
  if (type.kind !== "decimal") return "";
  const digits = `length(ltrim(regexp_replace(${text}, '[^0-9]', '', 'g'), '0'))`;
  return ` OR NOT regexp_full_match(${text}, '[+-]?[0-9]*\\.?[0-9]{0,${type.scale}}0*') OR (${jsonType} = 'DOUBLE' AND ${digits} > 15)`;
}
