import { Binary, BSON, Code, Decimal128, Double, Int32, Long, MaxKey, MinKey, ObjectId, Timestamp, UUID } from "mongodb";
import { describe, expect, test } from "vitest";
import type { LogicalType } from "../../../../src/core/types.js";
import { type BsonValue, decimalOf, decimalText, members } from "../../../../src/sources/mongodb/bson.js";
import { columnText, extendedJson, jsonText } from "../../../../src/sources/mongodb/text.js";

const only = (value: unknown): BsonValue => {
  const [first] = members(Buffer.from(BSON.serialize({ v: value })));
  if (first === undefined) throw new Error("no member");
  return first[1];
};
const id = new ObjectId("0123456789abcdef01234567");

const every: readonly (readonly [title: string, value: unknown, json: string])[] = [
  ["double", new Double(1), "1"],
  ["double -0", new Double(-0), "-0.0"],
  ["double NaN", new Double(Number.NaN), '"NaN"'],
  ["double 1e308", new Double(1e308), "1e+308"],
  ["string", 'é"\u0000𝒳', '"é\\"\\u0000𝒳"'],
  ["document", { a: { b: [1, null, "x"] } }, '{"a":{"b":[1,null,"x"]}}'],
  ["binary", new Binary(Buffer.from([0, 255]), 0), '"AP8="'],
  ["binary of a user's subtype", new Binary(Buffer.from([1]), 128), '"AQ=="'],
  ["uuid", new UUID("00112233-4455-6677-8899-aabbccddeeff"), '"00112233-4455-6677-8899-aabbccddeeff"'],
  ["ObjectId", id, '"0123456789abcdef01234567"'],
  ["boolean", true, "true"],
  ["date", new Date("2024-02-29T12:34:56.789Z"), '"2024-02-29T12:34:56.789000Z"'],
  ["date before 1970", new Date("1969-12-31T23:59:59.999Z"), '"1969-12-31T23:59:59.999000Z"'],
  ["date in the year -43", new Date("-000043-03-15T00:00:00Z"), '"-000043-03-15T00:00:00.000000Z"'],
  ["null", null, "null"],
  ["regular expression", /a"b/i, '{"$regularExpression":{"pattern":"a\\"b","options":"i"}}'],
  ["code", new Code("f()"), '{"$code":"f()"}'],
  ["code with scope", new Code("f()", { x: 1 }), '{"$code":"f()","$scope":{"x":{"$numberInt":"1"}}}'],
  ["int", new Int32(-5), "-5"],
  ["timestamp", new Timestamp({ t: 4_000_000_000, i: 7 }), '{"$timestamp":{"t":4000000000,"i":7}}'],
  ["long", Long.fromString("-9223372036854775808"), '"-9223372036854775808"'],
  ["decimal", Decimal128.fromString("1234567890123456789012345678901.234"), '"1234567890123456789012345678901.234"'],
  ["smallest key", new MinKey(), '{"$minKey":1}'],
  ["largest key", new MaxKey(), '{"$maxKey":1}'],
];

test.each(every)("%s as JSON", (_, value, json) => {
  expect(jsonText(only(value))).toBe(json);
});

test.each(every)("%s as a question to the server comes back as what it was", (_, value) => {
  const parsed = BSON.EJSON.parse(`{"v":${extendedJson(only(value))}}`, { relaxed: false }) as Record<string, unknown>;
  expect(Buffer.from(BSON.serialize(parsed)).toString("hex")).toBe(Buffer.from(BSON.serialize({ v: value })).toString("hex"));
});

describe("decimals", () => {
  const texts = ["0", "-0", "1.50", "0.001", "-12.3", "9999999999999999999999999999999999", "1E-30", "100", "NaN", "Infinity", "-Infinity"];
  test.each(texts)("%s keeps its digits", (text) => {
    const mine = decimalText(decimalOf(only(Decimal128.fromString(text))));
    expect(Decimal128.fromString(mine).toString()).toBe(Decimal128.fromString(text).toString());
  });

  test("the ends of the range are exponents, not thousands of zeros", () => {
    expect(decimalText(decimalOf(only(Decimal128.fromString("1E+6111"))))).toBe("1E+6111");
    expect(decimalText(decimalOf(only(Decimal128.fromString("1E-6176"))))).toBe("1E-6176");
  });
});

const as: readonly (readonly [title: string, value: unknown, type: LogicalType, text: string | null])[] = [
  ["a whole double as an integer", new Double(5e15), { kind: "int", bits: 64 }, "5000000000000000"],
  ["a large double as an integer", new Double(2 ** 70), { kind: "decimal", precision: 38, scale: 0 }, "1180591620717411303424"],
  ["a fraction as an integer, which refuses it", new Double(5.5), { kind: "int", bits: 64 }, "5.5"],
  ["a document as text", { a: 1 }, { kind: "text" }, '{"a":1}'],
  ["an integer as text", new Int32(1), { kind: "text" }, "1"],
  ["a text as JSON", "x", { kind: "json" }, '"x"'],
  ["NULL as JSON", null, { kind: "json" }, null],
  [
    "a year before 1",
    new Date("-000043-03-15T00:00:00Z"),
    { kind: "timestamp", precision: 3, zoned: true },
    "0044-03-15 (BC) 00:00:00.000000Z",
  ],
  [
    "a year of five digits",
    new Date("+012024-03-15T00:00:00Z"),
    { kind: "timestamp", precision: 3, zoned: true },
    "12024-03-15 00:00:00.000000Z",
  ],
];

test.each(as)("%s", (_, value, type, text) => {
  expect(columnText(only(value), type)).toBe(text);
});
