import type { LogicalType } from "../../core/types.js";
import {
  type BsonValue,
  binaryOf,
  boolOf,
  bsonTypeName,
  dbPointerOf,
  decimalOf,
  decimalText,
  doubleOf,
  intOf,
  longOf,
  members,
  objectIdOf,
  regexOf,
  scopedOf,
  stringOf,
  timestampOf,
} from "./bson.js";

/* BSON values as texts: plain ones for columns, JSON in the encoding of DESIGN §7 for nested ones, Extended JSON for questions. */

/** The text of a value for a column of that type; NULL is null. What is not of the type is a text that the type refuses. */
export function columnText(value: BsonValue, type: LogicalType): string | null {
  const name = bsonTypeName(value.type);
  if (name === "null" || name === "undefined") return null;
  if (type.kind === "json" || name === "object" || name === "array") return jsonText(value);
  if (name === "double" && isWhole(type)) return wholeText(doubleOf(value));
  if (type.kind === "uuid" && name === "binary" && binaryOf(value).subtype === UUID) return uuidText(binaryOf(value).content);
  if (type.kind === "timestamp" && name === "date") return dateText(longOf(value), true);
  return plainText(value);
}

const isWhole = ({ kind }: LogicalType): boolean => kind === "int" || kind === "decimal";

/** 5.0 is the integer 5; JavaScript writes large ones with an exponent, which an integer refuses. */
function wholeText(value: number): string {
  return Number.isInteger(value) ? BigInt(value).toString() : doubleText(value);
}

/** Without quotes. */
function plainText(value: BsonValue): string {
  switch (bsonTypeName(value.type)) {
    case "string":
    case "javascript":
    case "symbol":
      return stringOf(value);
    case "int":
      return String(intOf(value));
    case "long":
      return longOf(value).toString();
    case "double":
      return doubleText(doubleOf(value));
    case "decimal":
      return decimalText(decimalOf(value));
    case "bool":
      return String(boolOf(value));
    case "objectId":
      return objectIdOf(value);
    case "binary":
      return binaryOf(value).content.toString("base64");
    case "date":
      return dateText(longOf(value), false);
    default:
      return jsonText(value);
  }
}

function doubleText(value: number): string {
  return Object.is(value, -0) ? "-0.0" : String(value);
}

const UUID = 4;

function uuidText(content: Buffer): string {
  const hex = content.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

const MS_A_DAY = 86_400_000n;
/** Days that JavaScript's dates reach on either side of 1970. */
const MOST_DAYS = 100_000_000n;

/** ISO 8601, six digits after the second. DuckDB's readers know years before 1 by `(BC)`, ISO by a minus sign. */
function dateText(ms: bigint, forDuckDb: boolean): string {
  const day = ms >= 0n ? ms / MS_A_DAY : -((-ms + MS_A_DAY - 1n) / MS_A_DAY);
  if (day > MOST_DAYS || day < -MOST_DAYS) return `${ms} ms`; // beyond all calendars: a text that no type takes
  const date = new Date(Number(day) * 86_400_000);
  const time = new Date(Number(ms - day * MS_A_DAY)).toISOString().slice(11, 23);
  const year = date.getUTCFullYear();
  const monthAndDay = date.toISOString().slice(-20, -14);
  const clock = `${time}000Z`;
  if (year >= 0 && year <= 9999 && (year > 0 || !forDuckDb)) return `${String(year).padStart(4, "0")}${monthAndDay}T${clock}`;
  if (!forDuckDb) return `${year < 0 ? "-" : "+"}${String(Math.abs(year)).padStart(6, "0")}${monthAndDay}T${clock}`;
  return year > 0 ? `${year}${monthAndDay} ${clock}` : `${String(1 - year).padStart(4, "0")}${monthAndDay} (BC) ${clock}`;
}

/** As `dw cat` writes values; types that only BSON has are objects of Extended JSON. */
export function jsonText(value: BsonValue): string {
  const name = bsonTypeName(value.type);
  switch (name) {
    case "null":
    case "undefined":
      return "null";
    case "object":
      return `{${[...members(value.bytes, value.at)].map(([key, member]) => `${JSON.stringify(key)}:${jsonText(member)}`).join(",")}}`;
    case "array":
      return `[${[...members(value.bytes, value.at)].map(([, member]) => jsonText(member)).join(",")}]`;
    case "bool":
    case "int":
      return plainText(value);
    case "double": {
      const number = doubleOf(value);
      return Number.isFinite(number) ? doubleText(number) : JSON.stringify(String(number));
    }
    case "string":
    case "long":
    case "decimal":
    case "objectId":
    case "binary":
    case "date":
      if (name === "binary" && binaryOf(value).subtype === UUID && binaryOf(value).content.length === 16)
        return JSON.stringify(uuidText(binaryOf(value).content));
      return JSON.stringify(plainText(value));
    default:
      return extendedJson(value);
  }
}

/** Canonical Extended JSON (MongoDB's specification "extended-json", version 2), which keeps every type. */
export function extendedJson(value: BsonValue): string {
  const text = (part: string): string => JSON.stringify(part);
  switch (bsonTypeName(value.type)) {
    case "null":
      return "null";
    case "undefined":
      return '{"$undefined":true}';
    case "object":
      return extendedDocument(value.bytes, value.at);
    case "array":
      return `[${[...members(value.bytes, value.at)].map(([, member]) => extendedJson(member)).join(",")}]`;
    case "bool":
      return String(boolOf(value));
    case "string":
      return text(stringOf(value));
    case "int":
      return `{"$numberInt":"${intOf(value)}"}`;
    case "long":
      return `{"$numberLong":"${longOf(value)}"}`;
    case "double":
      return `{"$numberDouble":${text(doubleText(doubleOf(value)))}}`;
    case "decimal":
      return `{"$numberDecimal":${text(decimalText(decimalOf(value)))}}`;
    case "objectId":
      return `{"$oid":"${objectIdOf(value)}"}`;
    case "date":
      return `{"$date":{"$numberLong":"${longOf(value)}"}}`;
    case "binary": {
      const { subtype, content } = binaryOf(value);
      return `{"$binary":{"base64":"${content.toString("base64")}","subType":"${subtype.toString(16).padStart(2, "0")}"}}`;
    }
    case "regex": {
      const [pattern, options] = regexOf(value);
      return `{"$regularExpression":{"pattern":${text(pattern)},"options":${text(options)}}}`;
    }
    case "timestamp": {
      const [seconds, ordinal] = timestampOf(value);
      return `{"$timestamp":{"t":${seconds},"i":${ordinal}}}`;
    }
    case "javascript":
      return `{"$code":${text(stringOf(value))}}`;
    case "scopedJavascript": {
      const [code, scope] = scopedOf(value);
      return `{"$code":${text(code)},"$scope":${extendedDocument(value.bytes, scope)}}`;
    }
    case "symbol":
      return `{"$symbol":${text(stringOf(value))}}`;
    case "dbPointer": {
      const [namespace, id] = dbPointerOf(value);
      return `{"$dbPointer":{"$ref":${text(namespace)},"$id":{"$oid":"${id}"}}}`;
    }
    case "minKey":
      return '{"$minKey":1}';
    case "maxKey":
      return '{"$maxKey":1}';
  }
}

function extendedDocument(bytes: Buffer, at: number): string {
  return `{${[...members(bytes, at)].map(([key, member]) => `${JSON.stringify(key)}:${extendedJson(member)}`).join(",")}}`;
}
