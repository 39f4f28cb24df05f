import { expect, test } from "vitest";
import { layerScores } from "../../../src/checks/score.js";

test("a layer's score is the weighted share of what passed; a warning counts half, an open check nothing", () => {
  const outcomes = [
    { layer: "dws", outcome: "pass", weight: 3 },
    { layer: "dws", outcome: "warn", weight: 1 },
    { layer: "dws", outcome: "not-evaluated", weight: 1 },
    { layer: "ods", outcome: "fail", weight: 1 },
    { layer: "ads", outcome: "fail", weight: 0 },
  ] as const;
  expect(layerScores(outcomes)).toEqual([
    { layer: "dws", score: 70, checks: 3 },
    { layer: "ods", score: 0, checks: 1 },
  ]);
});
