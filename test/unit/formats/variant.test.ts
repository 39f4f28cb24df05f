import { describe, expect, test } from "vitest";
import { isDwError } from "../../../src/core/errors.js";
import type { StoredValue } from "../../../src/core/source.js";
import { variantJson } from "../../../src/formats/variant.js";
import { columnJson } from "../../../src/formats/variant-column.js";
import { chance, damaged } from "../../support/damage.js";

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(" ", ""), "hex");
const none = bytes("01 00 00");
const json = (value: string, metadata = none): string => variantJson(metadata, bytes(value), "a value");

describe("variants as JSON", () => {
  test.each([
    ["00", "null"],
    ["04", "true"],
    ["0c 9c", "-100"],
    ["18 ffffffffffffff7f", "9223372036854775807"],
    ["1c 000000000000f87f", '"NaN"'],
    ["1c 0000000000000080", "-0.0"],
    ["20 02 2f270000", "100.31"],
    ["20 02 64000000", "1"],
    ["2c ffffffff", '"1969-12-31"'],
    ["30 ffffffffffffffff", '"1969-12-31 23:59:59.999999+00:00"'],
    ["34 0000000000000000", '"1970-01-01 00:00:00"'],
    ["38 0000c03f", "1.5"],
    ["3c 02000000 0aff", '"Cv8="'],
    ["0d 6122 1f", String.raw`"a\"\u001F"`],
    ["44 ff5fd71d14000000", '"23:59:59.999999"'],
    ["48 ffffffffffffffff", '"1969-12-31 23:59:59.999999999+00:00"'],
    ["4c 00ca9a3b00000000", '"1970-01-01 00:00:01"'],
    ["50 000102030405060708090a0b0c0d0e0f", '"00010203-0405-0607-0809-0a0b0c0d0e0f"'],
    ["03 02 00 02 03 0c01 00", "[1,null]"],
  ])("%s is %s", (value, text) => {
    expect(json(value)).toBe(text);
  });

  test("an object takes its names from the metadata", () => {
    expect(json("02 02 01 00 00 01 03 04 0c07", bytes("01 02 00 01 03 61 6263"))).toBe('{"bc":true,"a":7}');
  });

  test("offsets that lead to the same value again and again are damage, not an endless text", () => {
    expect(() => json("03 02 00 00 00 03 02 00 00 00")).toThrow(expect.objectContaining({ code: "DW-FILE-CORRUPT" }));
    expect(() => json("03 ff")).toThrow(expect.objectContaining({ code: "DW-FILE-CORRUPT" }));
  });

  test("damaged values give a text or a coded error", () => {
    const value = bytes("02 02 01 00 00 01 03 04 0c07");
    for (let round = 0; round < 5000; round++) {
      const seeded = chance(round);
      try {
        expect(typeof variantJson(damaged(bytes("01 02 00 01 03 61 6263"), seeded), damaged(value, seeded), "a value")).toBe("string");
      } catch (error) {
        expect(isDwError(error) && error.code).toBe("DW-FILE-CORRUPT");
      }
    }
  });
});

describe("shredded variants", () => {
  const blob = (hex: string): StoredValue => ({ is: "scalar", type: "BLOB", value: bytes(hex), scale: 0 });
  const int = (value: bigint): StoredValue => ({ is: "scalar", type: "INTEGER", value, scale: 0 });
  const struct = (members: Readonly<Record<string, StoredValue>>): StoredValue => ({
    is: "struct",
    members: new Map(Object.entries(members)),
  });
  const nothing: StoredValue = { is: "null" };
  const a = blob("01 01 00 01 61");
  const column = (typed: StoredValue, value: StoredValue = nothing): string =>
    columnJson(struct({ metadata: a, value, typed_value: typed }));

  test("are put together from the value that is there, and null where there is none", () => {
    expect(column(int(7n))).toBe("7");
    expect(column(nothing, blob("0c 07"))).toBe("7");
    expect(column(nothing)).toBe("null");
    expect(column({ is: "list", items: [struct({ value: nothing, typed_value: int(1n) }), struct({ value: nothing })] })).toBe("[1,null]");
  });

  test("an object has the members that have columns and those that have none, sorted; one without a value is not there", () => {
    const members = { z: struct({ value: nothing, typed_value: int(1n) }), b: struct({ value: nothing, typed_value: nothing }) };
    expect(column(struct(members), blob("02 01 00 00 02 0c 05"))).toBe('{"a":5,"z":1}');
  });

  test("what is there twice is damage", () => {
    expect(() => column(int(7n), blob("00"))).toThrow(expect.objectContaining({ code: "DW-FILE-CORRUPT" }));
    expect(() => column(struct({}), blob("00"))).toThrow(expect.objectContaining({ code: "DW-FILE-CORRUPT" }));
  });

  test("a name that DuckDB may have changed is refused, and one that it has not is kept", () => {
    const one = struct({ value: nothing, typed_value: int(1n) });
    expect(() => column(struct({ a: one, A_1: one }))).toThrow(expect.objectContaining({ code: "DW-SOURCE-UNSUPPORTED" }));
    expect(column(struct({ a: one, a_1: one }))).toBe('{"a":1,"a_1":1}');
  });
});
