import type { Json } from "../../core/json.js";
import type { Column, DefaultValue } from "../../core/model.js";
import type { LogicalType, Nested } from "../../core/types.js";
import { array, call, layOut, literal, member, object, type Piece, quoted } from "./literal.js";

/**
 * A column as the call that makes it: `t.decimal(18, 4, "paid amount").nullable()`. See model/columns.ts. `models`: the constants
 * that declared types are called in the file.
 */
export function columnPiece(column: Column, models: ReadonlyMap<string, string> = new Map()): Piece {
  const { nullable, default: value, unit, pii, zone, as, accept, generated } = column;
  const refined = [
    ...engineCalls("as", as),
    ...engineCalls("accept", accept),
    ...(unit === undefined ? [] : [`.unit(${quoted(unit)})`]),
    ...(pii ? [".pii()"] : []),
    ...(zone === undefined ? [] : [`.zone(${quoted(zone)})`]),
    ...(generated ? [`.generated(${inline(generated)})`] : []),
    ...(value === undefined ? [] : [defaultCall(value)]),
    ...(nullable ? [".nullable()"] : []),
  ];
  return { start: "t", calls: [typePiece(column.type, column.comment, models), ...refined] };
}

function engineCalls(name: string, byEngine: Column["as"]): string[] {
  return Object.entries(byEngine ?? {}).map(([engine, text]) => `.${name}(${quoted(engine)}, ${quoted(text)})`);
}

function inline(value: Json): string {
  return layOut(literal(value, new Set()), -Number.MAX_SAFE_INTEGER);
}

function defaultCall(value: DefaultValue): string {
  if ("now" in value) return ".defaultNow()";
  return "literal" in value ? `.default(${inline(value.literal)})` : `.defaultSql(${inline(value.sql)})`;
}

const INTEGERS = { 8: "tinyint", 16: "smallint", 32: "int", 64: "bigint", 128: "largeint" } as const;

/** `.…(…, comment)`, behind `t`. */
function typePiece(type: LogicalType, comment: string, models: ReadonlyMap<string, string>): Piece {
  const meaning = comment === "" ? [] : [quoted(comment)];
  const made = (name: string, ...args: readonly Piece[]): Piece => call(`.${name}`, [...args, ...meaning]);
  switch (type.kind) {
    case "int":
      return type.unsigned ? made("unsigned", String(type.bits)) : made(INTEGERS[type.bits]);
    case "float":
      return made(type.bits === 32 ? "float" : "double");
    case "decimal":
      return made("decimal", String(type.precision), String(type.scale));
    case "text":
      if (type.max === undefined) return made("text");
      return made(type.padded ? "char" : "varchar", String(type.max));
    case "binary":
      return type.max !== undefined && type.fixed ? made("fixed", String(type.max)) : made("binary");
    case "time":
      return timed("time", comment, type.precision);
    case "timestamp":
      return timed(type.zoned ? "instant" : "datetime", comment, type.precision);
    case "enum":
      return made("enum", models.get(type.type ?? "") ?? array(type.values.map(quoted)));
    case "list":
      return made("list", nestedPiece(type.element));
    case "map":
      return made("map", nestedPiece({ type: type.key, nullable: false }), nestedPiece(type.value));
    case "struct":
      return made("struct", object(type.fields.map((field) => member(field.name, nestedPiece(field, field.comment)))));
    case "native":
      return made("native", quoted(type.engine), quoted(type.type));
    case "boolean":
    case "date":
    case "interval":
    case "uuid":
    case "json":
      return made(type.kind);
  }
}

/** Precision comes after the comment, because it is hardly ever said. */
function timed(name: string, comment: string, precision: number): Piece {
  if (precision !== 6) return call(`.${name}`, [quoted(comment), String(precision)]);
  return call(`.${name}`, comment === "" ? [] : [quoted(comment)]);
}

function nestedPiece({ type, nullable }: Nested, comment = ""): Piece {
  return columnPiece({ type, nullable, comment });
}
