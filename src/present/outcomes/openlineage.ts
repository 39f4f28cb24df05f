import { isJsonObject } from "../../core/json.js";
import type { ShownOutcome } from "./summary.js";

/*
 * One OpenLineage RunEvent (spec 2-0-2): each table that was looked at is an input with the facets dataQualityAssertions
 * (1-0-1) and, where counts are known, dataQualityMetrics (1-0-2).
 */

const PRODUCER = "https://www.npmjs.com/package/dwright";
const FACETS = "https://openlineage.io/spec/facets";

interface Run {
  readonly run: string;
  readonly at: string;
  readonly environment: string;
  readonly outcomes: readonly ShownOutcome[];
}

export function openLineageReport({ run, at, environment, outcomes }: Run): string {
  const tables = [...new Set(outcomes.map(tableOf))];
  const event = {
    eventType: outcomes.some(({ outcome, suppressed }) => outcome === "fail" && !suppressed) ? "FAIL" : "COMPLETE",
    eventTime: at,
    producer: PRODUCER,
    schemaURL: "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    run: { runId: run },
    job: { namespace: `dw/${environment}`, name: "dw check" },
    inputs: tables.map((table) =>
      input(
        outcomes.filter((shown) => tableOf(shown) === table),
        environment,
      ),
    ),
    outputs: [],
  };
  return JSON.stringify(event, null, 2);
}

function tableOf({ warehouse, slot, model }: ShownOutcome): string {
  return `${slot}/${warehouse}.${model}`;
}

function input(checks: readonly ShownOutcome[], environment: string): object {
  const [first] = checks;
  const metrics = metricsOf(checks);
  return {
    namespace: `dw/${environment}/${first?.slot}`,
    name: `${first?.warehouse}.${first?.model}`,
    inputFacets: {
      dataQualityAssertions: {
        ...facet("1-0-1/DataQualityAssertionsDatasetFacet.json#/$defs/DataQualityAssertionsDatasetFacet"),
        assertions: checks.map(assertion),
      },
      ...(metrics && {
        dataQualityMetrics: {
          ...facet("1-0-2/DataQualityMetricsInputDatasetFacet.json#/$defs/DataQualityMetricsInputDatasetFacet"),
          ...metrics,
        },
      }),
    },
  };
}

function facet(path: string): object {
  return { _producer: PRODUCER, _schemaURL: `${FACETS}/${path}` };
}

/** What was not evaluated did not succeed. */
function assertion({ check, kind, outcome, column }: ShownOutcome): object {
  return { assertion: `${kind}: ${check}`, success: outcome === "pass" || outcome === "warn", ...(column !== null && { column }) };
}

/** Rows and NULLs by column, as checks of the whole table counted them. */
function metricsOf(checks: readonly ShownOutcome[]): object | undefined {
  const whole = checks.filter(({ where, outcome }) => where === null && outcome !== "not-evaluated");
  const counted = whole.find(({ kind }) => kind === "row-count")?.value ?? whole.map(({ value }) => member(value, "rows")).find(Boolean);
  const nulls = whole.flatMap(({ kind, column, value }) => {
    const count = member(value, "violating");
    return kind === "not-null" && column !== null && count !== undefined ? [[column, { nullCount: Number(count) }] as const] : [];
  });
  if (typeof counted !== "string" && nulls.length === 0) return undefined;
  return { ...(typeof counted === "string" && { rowCount: Number(counted) }), columnMetrics: Object.fromEntries(nulls) };
}

function member(value: ShownOutcome["value"], name: string): string | undefined {
  const found = isJsonObject(value) ? value[name] : undefined;
  return typeof found === "string" ? found : undefined;
}
