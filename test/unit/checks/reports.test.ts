import { expect, test } from "vitest";
import { checkReport, type ReportFormat } from "../../../src/present/outcomes/format.js";
import { historyTable } from "../../../src/present/outcomes/history.js";
import type { ShownOutcome } from "../../../src/present/outcomes/summary.js";

const base: Omit<ShownOutcome, "outcome" | "kind" | "check" | "column" | "value" | "message"> = {
  ...{ warehouse: "shop", layer: "dws", model: "orders", file: "models/shop/orders.ts", slot: "postgres", owner: "shop-team" },
  ...{ where: null, fix: null, suppressed: null, sample: null, sql: [] },
};
const report: Parameters<typeof checkReport>[0] = {
  run: "0f5d8c1e-6d5f-4b8e-9b1b-2f0f6c1d7a11",
  at: "2024-06-01T12:00:00.000Z",
  environment: "prod",
  emulated: [],
  scores: [{ layer: "dws", score: 50 }],
  outcomes: [
    { ...base, outcome: "pass", kind: "row-count", check: "rows", column: null, value: "10", message: "10 rows; at least 1 wanted" },
    {
      ...base,
      outcome: "fail",
      kind: "not-null",
      check: 'a "state"',
      column: "state",
      value: { violating: "3", rows: "10" },
      message: "3 of 10 rows are NULL",
    },
    {
      ...{ ...base, outcome: "fail", kind: "range", check: "paid", column: "paid", value: { violating: "1", rows: "10" } },
      ...{ message: "1 of 10 rows", suppressed: { until: "2024-12-31", reason: "refunds come later" } },
    },
  ],
};

const printed = (format: ReportFormat): string => checkReport(report, format, { color: false, width: 100, showSql: false });

test("SARIF names the rule, the level, the model's file and column, and why a violation is suppressed", () => {
  const sarif = JSON.parse(printed("sarif"));
  expect(sarif.version).toBe("2.1.0");
  expect(sarif.runs[0].tool.driver.rules.map(({ id }: { id: string }) => id)).toEqual(["not-null", "range"]);
  expect(sarif.runs[0].results[0]).toEqual({
    ruleId: "not-null",
    level: "error",
    message: { text: 'a "state": 3 of 10 rows are NULL' },
    locations: [
      {
        physicalLocation: { artifactLocation: { uri: "models/shop/orders.ts" }, region: { startLine: 1 } },
        logicalLocations: [{ fullyQualifiedName: "shop.orders.state", kind: "resource" }],
      },
    ],
    partialFingerprints: { check: 'shop.orders@postgres/a "state"' },
  });
  expect(sarif.runs[0].results[1].suppressions).toEqual([{ kind: "external", justification: "refunds come later" }]);
});

test("OpenLineage gets one event with assertions and counts of each table", () => {
  const event = JSON.parse(printed("openlineage"));
  expect(event).toMatchObject({
    eventType: "FAIL",
    eventTime: report.at,
    run: { runId: report.run },
    job: { namespace: "dw/prod", name: "dw check" },
  });
  expect(event.inputs).toHaveLength(1);
  expect(event.inputs[0]).toMatchObject({
    name: "shop.orders",
    inputFacets: {
      dataQualityAssertions: {
        assertions: [{ assertion: "row-count: rows", success: true }, { success: false, column: "state" }, { column: "paid" }],
      },
      dataQualityMetrics: { rowCount: 10, columnMetrics: { state: { nullCount: 3 } } },
    },
  });
});

test("Prometheus gets outcomes, violating rows, scores and the time of the run", () => {
  const text = printed("prometheus");
  expect(text).toContain('check="a \\"state\\"",kind="not-null",owner="shop-team",suppressed="false"} 2');
  expect(text).toContain("dw_check_violating_rows{");
  expect(text).toContain('dw_check_score{environment="prod",layer="dws"} 50');
  expect(text).toContain('dw_check_run_timestamp_seconds{environment="prod"} 1717243200');
});

test("what is suppressed is shown and not counted", () => {
  expect(printed("table")).toContain("supp  dws orders  paid");
  expect(printed("table")).toContain("(suppressed until 2024-12-31: refunds come later)");
  expect(printed("table")).toContain("1 passed, 1 failed, 0 warned, 0 not evaluated, 1 suppressed");
  expect(printed("junit")).toContain('failures="1" errors="0"');
  expect(printed("github")).not.toContain("paid");
});

test("history shows outcomes from old to new, and what was measured as bars", () => {
  const at = (hour: number, outcome: string, rows: string) => ({
    at: `2024-06-01T0${hour}:00:00.000000Z`,
    ...{ model: "orders", slot: "postgres", check: "rows", outcome, value: rows, message: `${rows} rows` },
  });
  const lines = historyTable([at(3, "fail", "1"), at(2, "pass", "9"), at(1, "pass", "5")], "prod").split("\n");
  expect(lines[0]).toBe("orders@postgres  rows  ✓✓✗  2024-06-01 03:00  1 rows");
  expect(lines[1]?.trim()).toBe("▅█▁  1 to 9");
});
