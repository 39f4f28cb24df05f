import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { unionBitmap64 } from "../../../src/formats/roaring-tree.js";
import { unionBitmap32 } from "../../../src/formats/roaring-union.js";
import { unionHll } from "../../../src/formats/sketches/hll.js";
import { unionTheta } from "../../../src/formats/sketches/theta.js";
import { chance, damaged } from "../../support/damage.js";

/* test/corpus/sketches/unions.txt: kind, two values and their union as Paimon 1.4.2 answers it, in base64. */

const unions = { rbm32: unionBitmap32, rbm64: unionBitmap64, theta: unionTheta, hll: unionHll };

const cases = readFileSync(new URL("../../corpus/sketches/unions.txt", import.meta.url), "utf8")
  .split("\n")
  .filter(Boolean)
  .map((line) => {
    const [kind = "", ...values] = line.split(" ");
    const [a, b, union] = values.map((value) => Buffer.from(value, "base64")) as [Buffer, Buffer, Buffer]; // three of them in each line
    return { kind: kind as keyof typeof unions, a, b, union }; // the file has these kinds only
  });

describe.each(Object.keys(unions) as (keyof typeof unions)[])("%s", (kind) => {
  const own = cases.filter((one) => one.kind === kind);

  test("a union has the bytes that Paimon writes", () => {
    expect(own.length).toBeGreaterThan(5);
    for (const { a, b, union } of own) expect(Buffer.from(unions[kind](a, b, "x")).equals(union)).toBe(true);
  });

  test("damaged values give a value or a coded error", () => {
    for (let round = 0; round < 2000; round++) {
      const seeded = chance(round);
      const { a, b } = own[seeded.below(own.length)] as (typeof cases)[number];
      try {
        unions[kind](damaged(a, seeded), b, "x");
      } catch (error) {
        expect(error).toMatchObject({ code: expect.stringMatching(/^DW-(FILE-CORRUPT|SOURCE-UNSUPPORTED)$/) });
      }
    }
  });
});
