import type { CheckKind } from "../core/check.js";
import type { AnyCheck } from "../core/check-spec.js";
import { acceptedValues } from "./accepted-values.js";
import { anomalyOf } from "./anomaly.js";
import { attainment } from "./attainment.js";
import { completeSeries } from "./complete-series.js";
import { drift } from "./drift.js";
import { expected } from "./expected.js";
import { freshness } from "./freshness.js";
import { lag } from "./lag.js";
import { latency } from "./latency.js";
import { length } from "./length.js";
import { messages } from "./messages.js";
import { monotonic } from "./monotonic.js";
import { noDuplicates } from "./no-duplicates.js";
import { notNull } from "./not-null.js";
import { pattern } from "./pattern.js";
import { range } from "./range.js";
import { reconcile } from "./reconcile.js";
import { reference } from "./reference.js";
import { rowChange } from "./row-change.js";
import { rowCount } from "./row-count.js";
import { schema } from "./schema.js";
import { sqlCheck } from "./sql.js";
import { statistic } from "./statistic.js";
import { unique } from "./unique.js";

type Kinds = { readonly [Kind in AnyCheck["check"]]: CheckKind<Extract<AnyCheck, { check: Kind }>> };

/** Every kind of check. A kind that is added to AnyCheck does not compile until it is answered here. */
const kinds: Kinds = {
  "not-null": notNull,
  unique,
  "accepted-values": acceptedValues,
  range,
  pattern,
  length,
  statistic,
  "complete-series": completeSeries,
  "row-count": rowCount,
  reference,
  freshness,
  "no-duplicates": noDuplicates,
  monotonic,
  "row-change": rowChange,
  reconcile,
  drift,
  schema,
  expected,
  latency,
  anomaly: anomalyOf(kindOf),
  attainment,
  lag,
  messages,
  sql: sqlCheck,
};

export function kindOf(spec: AnyCheck): CheckKind {
  return kinds[spec.check] as unknown as CheckKind; // the table pairs each kind with its own spec, which the union cannot express
}
