// One line from vitest's JSON report. A file that could not even be loaded counts as one failure; so does a missing report.
import { existsSync, readFileSync } from "node:fs";

const path = process.argv[2] ?? "";
const report = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
const broken = (report?.testResults ?? []).filter(
  ({ status, assertionResults }) => status === "failed" && !assertionResults.some((result) => result.status === "failed"),
);
const passed = report?.numPassedTests ?? 0;
const failed = report === undefined ? 1 : report.numFailedTests + broken.length;
const skipped = (report?.numPendingTests ?? 0) + (report?.numTodoTests ?? 0);
process.stdout.write(`${passed} passed, ${failed} failed, ${skipped} skipped\n`);
