import { expect, test } from "vitest";
import { untilPassed } from "../../../src/app/check/wait.js";
import type { ErrorClass } from "../../../src/core/codes.js";

/** Time that passes only while somebody waits. */
function clock() {
  let now = 0;
  const said: string[] = [];
  const pause = async (ms: number): Promise<void> => {
    now += ms;
  };
  return { now: () => now, pause, say: (line: string) => void said.push(line), said };
}

const attempts = (...results: readonly (readonly ErrorClass[])[]) => {
  let at = 0;
  return async () => results[Math.min(at++, results.length - 1)] ?? [];
};

test("late data is waited for, and the attempt that passes is the answer", async () => {
  const { said, ...waiting } = clock();
  expect(await untilPassed(attempts(["found"], ["unreachable"], []), (found) => found, { ...waiting, retryFor: 300_000 })).toEqual([]);
  expect(said).toEqual(["not passed yet; trying again in 30 s, for 300 s more", "not passed yet; trying again in 30 s, for 270 s more"]);
});

test("when the time is over the last attempt is the answer", async () => {
  const { said, ...waiting } = clock();
  expect(await untilPassed(attempts(["found"]), (found) => found, { ...waiting, retryFor: 45_000 })).toEqual(["found"]);
  expect(said).toHaveLength(2);
});

test("without a duration there is one attempt", async () => {
  const { said, ...waiting } = clock();
  expect(await untilPassed(attempts(["found"], []), (found) => found, { ...waiting, retryFor: 0 })).toEqual(["found"]);
  expect(said).toEqual([]);
});
