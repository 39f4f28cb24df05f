import type { Style } from "../letter.js";
import { openLineageReport } from "./openlineage.js";
import { githubReport, junitReport, markdownReport, prometheusReport } from "./reports.js";
import { sarifReport } from "./sarif.js";
import type { ShownOutcome, ShownScore } from "./summary.js";
import { checksTable } from "./table.js";

export const reportFormats = ["table", "json", "junit", "markdown", "prometheus", "github", "sarif", "openlineage"] as const;

export type ReportFormat = (typeof reportFormats)[number];

interface Report {
  readonly run: string;
  readonly at: string;
  readonly environment: string;
  readonly emulated: readonly string[];
  readonly scores: readonly ShownScore[];
  readonly outcomes: readonly ShownOutcome[];
}

export function checkReport(report: Report, format: ReportFormat, style: Style & { showSql: boolean }): string {
  const { environment, emulated, scores, outcomes } = report;
  const place = emulated.length === 0 ? environment : `${environment}; ${emulated.join(", ")} emulated by DuckDB`;
  switch (format) {
    case "junit":
      return junitReport(outcomes);
    case "markdown":
      return markdownReport(outcomes, place);
    case "github":
      return githubReport(outcomes);
    case "sarif":
      return sarifReport(outcomes, environment);
    case "openlineage":
      return openLineageReport(report);
    case "prometheus":
      return prometheusReport(report);
    case "table":
    case "json": // printed from the value itself
      return checksTable(outcomes, scores, place, style);
  }
}
