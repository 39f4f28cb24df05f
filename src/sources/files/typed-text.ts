import type { Column } from "../../core/model.js";
import { carried, quoteText } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { atZone, isRepeated, isSkipped, isUtc } from "../../core/wall-clock.js";

/**
 * A text as a value of the type that a model states, in SQL. DuckDB's own casts round decimals, cut fractions of seconds
 * and read `1.7` as the integer 2; here a text either is exactly a value of the type, or the read stops with
 * DW-VALUE-REFUSED and names the column and the text, unless it is personal.
 */
export function typedText(text: string, name: string, column: Column): string {
  const type = carried(name, column.type);
  const accepted = acceptedTexts(column);
  const cast = castOf(text, name, column, type);
  if (accepted === undefined) return cast;
  const shown = column.pii ? quoteText("a personal value") : `to_json(left(${text}, 80))`;
  const refusal = `error('DW-VALUE-REFUSED: Column ' || ${quoteText(name)} || ' holds ' || ${shown} || ', which is not ' || ${quoteText(accepted.is)} || '.')`;
  const matches = (value: string): string => `regexp_full_match(${value}, ${quoteText(accepted.pattern)})`;
  // To trim costs more than to match, and hardly a text has spaces around it: only those that do not match as they are.
  const trimmed = `trim(${text})`;
  const spaced = `WHEN ${matches(trimmed)} THEN ${castOf(trimmed, name, column, type)}`;
  return `CASE WHEN ${text} IS NULL THEN NULL WHEN ${matches(text)} THEN ${cast} ${spaced} ELSE ${refusal} END`;
}

interface Accepted {
  readonly pattern: string;
  /** Ends the sentence "which is not …". */
  readonly is: string;
}

/** A fraction may have more digits than the precision when they are zeros. */
const clock = (precision: number): string => String.raw`\d{2}:\d{2}(:\d{2}(\.\d{0,${precision}}0*)?)?`;
const day = String.raw`[+-]?\d{4,6}-\d{2}-\d{2}( \(BC\))?`;
const zone = String.raw`( ?(Z|UTC|[+-]\d{2}(:?\d{2})?))`;

function acceptedTexts({ type, zone: stated }: Column): Accepted | undefined {
  switch (type.kind) {
    case "boolean":
      return { pattern: "(?i)true|false|t|f|1|0|yes|no|y|n", is: "true or false" };
    case "int":
      return { pattern: String.raw`[+-]?\d+`, is: "an integer" };
    case "decimal":
      return decimalTexts(type.scale);
    case "float":
      return { pattern: String.raw`(?i)[+-]?((\d+\.?\d*|\.\d+)(e[+-]?\d+)?|nan|inf|infinity)`, is: "a number" };
    case "date":
      return { pattern: day, is: "a date such as 2024-12-31" };
    case "time":
      return { pattern: clock(type.precision), is: `a time of day with at most ${type.precision} digits after the second` };
    case "timestamp":
      return timestampTexts(type, stated);
    case "uuid":
      return { pattern: "(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", is: "a UUID" };
    default:
      return undefined;
  }
}

function decimalTexts(scale: number): Accepted {
  // Zeros beyond the scale change nothing.
  const digits = scale === 0 ? String.raw`(\.0*)?` : String.raw`(\.\d{0,${scale}}0*)?`;
  return { pattern: String.raw`[+-]?(\d+${digits}|\.\d{1,${Math.max(1, scale)}}0*)`, is: `a decimal of ${scale} digits after the point` };
}

/** An instant needs its zone: in the text, or stated for the column. */
function timestampTexts({ precision, zoned }: Extract<LogicalType, { kind: "timestamp" }>, stated: string | undefined): Accepted {
  const wall = `${day}([ T]${clock(precision)})?`;
  const digits = `with at most ${precision} digits after the second`;
  if (!zoned) return { pattern: wall, is: `a time without a zone such as 2024-12-31 23:59:59, ${digits}` };
  if (stated !== undefined) return { pattern: `${wall}${zone}?`, is: `an instant such as 2024-12-31T23:59:59, ${digits}` };
  return {
    pattern: `${wall}${zone}`,
    is: `an instant with its zone such as 2024-12-31T23:59:59Z, ${digits} (where the texts have none, state the zone: sourceZone of the backfill, .zone() of the column)`,
  };
}

function castOf(text: string, name: string, column: Column, type: string): string {
  switch (column.type.kind) {
    case "binary":
      return `from_base64(${text})`;
    case "list":
    case "map":
    case "struct":
      return `CAST(CAST(${text} AS JSON) AS ${type})`;
    case "timestamp":
      return column.type.zoned ? instant(text, name, column, type) : `CAST(${text} AS ${type})`;
    case "json":
      return `CAST(CAST(${text} AS JSON) AS VARCHAR)`;
    default:
      return `CAST(${text} AS ${type})`;
  }
}

/** Without a zone in the text, the column's own counts; a time that its clocks show twice, or never, is no instant. */
function instant(text: string, name: string, column: Column, type: string): string {
  const cast = `CAST(CAST(${text} AS TIMESTAMPTZ) AS ${type})`;
  if (column.zone === undefined) return cast;
  const local = `CAST(${text} AS TIMESTAMP)`;
  const read = `CAST(${atZone(column.zone, local)} AS ${type})`;
  const unclear = isUtc(column.zone) ? [] : [isRepeated(column.zone, local), isSkipped(column.zone, local)];
  const shown = column.pii ? quoteText("a personal value") : text;
  const refusal = `error('DW-VALUE-REFUSED: Column ' || ${quoteText(name)} || ' holds ' || ${shown} || ', which is not ' || ${quoteText(`one instant: clocks in ${column.zone} show it twice or never`)} || '.')`;
  const refused = unclear.map((predicate) => ` WHEN ${predicate} THEN ${refusal}`).join("");
  return `CASE WHEN regexp_matches(${text}, ${quoteText(`${zone}$`)}) THEN ${cast}${refused} ELSE ${read} END`;
}
