import { describe, expect, test } from "vitest";
import { environmentName } from "../../../src/cli/environment-name.js";
import { classOf, exitCode } from "../../../src/cli/exit-code.js";
import { DwError } from "../../../src/core/errors.js";
import { nearest } from "../../../src/core/nearest.js";

const letter = { what: "w", why: "y", fix: "f" };

describe("exit codes", () => {
  test.each([
    [[], 0],
    [["found"], 1],
    [["found", "unreachable"], 3],
    [["unreachable", "refused"], 5],
    [["refused", "locked"], 4],
    [["locked", "usage"], 2],
    [["usage", "terminated"], 143],
    [["terminated", "interrupted"], 130],
    [["interrupted", "bug"], 70],
  ] as const)("%j exits %i", (classes, code) => {
    expect(exitCode(classes)).toBe(code);
  });

  test("an error's code gives its class; whatever else is thrown is a bug, never a finding", () => {
    expect(classOf(new DwError("DW-LOCKED", letter))).toBe("locked");
    expect(classOf(new Error("x"))).toBe("bug");
    expect(classOf("x")).toBe("bug");
  });
});

describe("the environment's name", () => {
  test("the flag wins over DW_ENV, and DW_ENV over the terminal's default", () => {
    expect(environmentName("a", "b", true)).toBe("a");
    expect(environmentName(undefined, "b", true)).toBe("b");
    expect(environmentName(undefined, undefined, true)).toBe("local");
    expect(environmentName(undefined, "", true)).toBe("local");
  });

  test("without a terminal nothing is assumed", () => {
    expect(() => environmentName(undefined, "", false)).toThrow(expect.objectContaining({ code: "DW-ENV-MISSING" }));
  });
});

test.each([
  ["explian", "explain"],
  ["migarte", "migrate"],
  ["cats", "cat"],
  ["frobnicate", undefined],
])("%s is near %s", (typed, near) => {
  expect(nearest(typed, ["cat", "check", "explain", "migrate"])).toBe(near);
});
