import type { AnyCheck } from "../core/check-spec.js";

/** What a person does first about a check that does not hold, by kind. */
const advice: Readonly<Record<AnyCheck["check"], string>> = {
  "not-null": "Look where the rows below come from; allow some with `fail`, or all of them with `where`.",
  unique: "Look for a load that ran twice, or a key that is not one; the backfill's `--recopy` mends copies.",
  "accepted-values": "Add the value to the check if it is meant; translate it where the rows are loaded if it is not.",
  range: "Look at unit and sign of the rows below; quarantine what the source cannot mend.",
  pattern: "Look at the texts below: the pattern is for the whole text.",
  length: "Look for texts that were cut, or padded, on the way.",
  statistic: "Compare with an earlier day: `dw check history --check NAME`.",
  "complete-series": "Load the missing intervals again: `dw backfill --since … --until …`.",
  "row-count": "Look whether the load ran, and how much its source had.",
  reference: "Load the referenced table first, or again.",
  freshness: "Look whether the load runs; if it does, whether its source still gets rows.",
  "no-duplicates": "Look for a load that ran twice; `dw backfill verify` names the rows.",
  monotonic: "Look for a counter that was set back, or rows that came late.",
  "row-change": "Compare the two days in the source; a half-done load is the usual reason.",
  reconcile: "`dw backfill verify --recopy` takes out and copies again the rows that differ.",
  drift: "Look which bin grew (--json); give a new baseline if the change is meant.",
  schema: "`dw diff --from models --to env:NAME` shows the difference, `dw migrate` mends it.",
  expected: "Load the missing days; a day without rows that is none belongs into the calendar.",
  latency: "Look at the slowest stage first; negative times are two clocks that disagree.",
  anomaly: "If it is real, do nothing; if it will stay, exclude the time before from learning.",
  attainment: "`dw check history --check NAME` of the check that it is about shows when it did not hold.",
  lag: "Look whether the group's readers run, and whether there are enough of them.",
  messages: "Look at the newest messages with `dw cat`; somebody writes another schema.",
  sql: "Look at the rows below, or run the query: --show-sql prints it.",
};

export function adviceFor({ check }: AnyCheck): string {
  return advice[check];
}
