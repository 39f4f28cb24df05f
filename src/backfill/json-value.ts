import { entryKey, entryValue, quoteName, quoteText } from "../core/transit.js";
import type { LogicalType } from "../core/types.js";

/*
 * Nested values and engines without nested types meet in JSON. The encoding is that of `dw cat` (DESIGN section 7), so that
 * no digit is lost: wide integers and decimals are texts, NaN is "NaN", -0.0 is "-0.0", a map is a list of [key, value] pairs.
 */

const json = (value: string): string => `to_json(${value})`;
const text = (value: string): string => json(`CAST(${value} AS VARCHAR)`);

/** DuckDB expression of type JSON for a value; NULL for NULL. `depth` keeps the names of nested lambdas apart. */
export function jsonValue(type: LogicalType, value: string, depth = 0): string {
  switch (type.kind) {
    case "boolean":
      return json(value);
    case "int":
      return type.bits <= 32 ? json(value) : text(value);
    case "float":
      return floatValue(value);
    case "binary":
      return json(`base64(${value})`);
    case "time":
      return json(sixDigits(`CAST(${value} AS VARCHAR)`));
    case "timestamp":
      return json(timestampText(type, value));
    case "list":
      return orNull(value, json(`list_transform(${value}, lambda e${depth}: ${jsonValue(type.element.type, `e${depth}`, depth + 1)})`));
    case "map":
      // Sorted by the keys' JSON: equal maps have equal texts, however a file stores them.
      return orNull(
        value,
        json(`list_sort(list_transform(map_entries(${value}), lambda e${depth}: ${pair(type, `e${depth}`, depth + 1)}))`),
      );
    case "struct":
      return orNull(value, structValue(type, value, depth));
    default:
      return text(value);
  }
}

const orNull = (value: string, expression: string): string => `CASE WHEN ${value} IS NULL THEN NULL ELSE ${expression} END`;

function pair(type: Extract<LogicalType, { kind: "map" }>, entry: string, depth: number): string {
  return `json_array(${jsonValue(type.key, entryKey(entry), depth)}, ${jsonValue(type.value.type, entryValue(entry), depth)})`;
}

function structValue(type: Extract<LogicalType, { kind: "struct" }>, value: string, depth: number): string {
  const members = type.fields.map(
    (field) => `${quoteText(field.name)}, ${jsonValue(field.type, `${value}.${quoteName(field.name)}`, depth)}`,
  );
  return `json_object(${members.join(", ")})`;
}

function floatValue(value: string): string {
  const special = `CASE WHEN isnan(${value}) THEN 'NaN' WHEN ${value} > 0 THEN 'Infinity' ELSE '-Infinity' END`;
  // jsonb's numbers have no negative zero: it is a text, as NaN is.
  const negativeZero = `CAST(${value} AS VARCHAR) = '-0.0'`;
  const finite = `CASE WHEN ${negativeZero} THEN ${json("'-0.0'")} ELSE ${json(`CAST(${value} AS DOUBLE)`)} END`;
  return `CASE WHEN isfinite(${value}) THEN ${finite} ELSE ${orNull(value, json(special))} END`;
}

/** `12:34:56` and `12:34:56.7` with six digits after the second. */
function sixDigits(time: string): string {
  return `left(${time} || CASE WHEN contains(${time}, '.') THEN '000000' ELSE '.000000' END, 15)`;
}

function timestampText({ zoned, precision }: Extract<LogicalType, { kind: "timestamp" }>, value: string): string {
  const local = zoned && precision <= 6 ? `timezone('UTC', ${value})` : value;
  // DuckDB writes what follows %n over the last three digits.
  return `strftime(${local}, '%Y-%m-%dT%H:%M:%S.${precision > 6 ? "%n" : "%f"}')${zoned ? " || 'Z'" : ""}`;
}
