import type { Style } from "../letter.js";
import { githubReport, junitReport, markdownReport, prometheusReport } from "./reports.js";
import type { ShownOutcome, ShownScore } from "./summary.js";
import { checksTable } from "./table.js";

export const reportFormats = ["table", "json", "junit", "markdown", "prometheus", "github"] as const;

export type ReportFormat = (typeof reportFormats)[number];

interface Report {
  readonly environment: string;
  readonly emulated: readonly string[];
  readonly scores: readonly ShownScore[];
  readonly outcomes: readonly ShownOutcome[];
}

export function checkReport(
  { environment, emulated, scores, outcomes }: Report,
  format: ReportFormat,
  style: Style & { showSql: boolean },
): string {
  const place = emulated.length === 0 ? environment : `${environment}; ${emulated.join(", ")} emulated by DuckDB`;
  switch (format) {
    case "junit":
      return junitReport(outcomes);
    case "markdown":
      return markdownReport(outcomes, place);
    case "github":
      return githubReport(outcomes);
    case "prometheus":
      return prometheusReport(outcomes, scores, environment);
    case "table":
    case "json": // printed from the value itself
      return checksTable(outcomes, scores, place, style);
  }
}
