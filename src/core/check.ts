import type { AnyCheck } from "./check-spec.js";
import type { Json } from "./json.js";
import type { Column } from "./model.js";
import type { Dialect } from "./types.js";

/** A value that a query computes for a check. Metrics of one table are gathered into one scan. */
export type Metric =
  /** One aggregate expression over the table: `count(*) filter (where …)`. */
  | { readonly scan: "table"; readonly sql: string }
  /** A query of its own that gives one row with one value: duplicates (GROUP BY), references (anti-join), custom SQL. */
  | { readonly scan: "own"; readonly sql: string };

/** pass, warn, fail, or not-evaluated: a missing table, an engine that cannot answer or a division by zero is not a pass. */
export type Outcome = "pass" | "warn" | "fail" | "not-evaluated";

export interface Verdict {
  readonly outcome: Outcome;
  /** What was measured: "3 of 1200 rows". */
  readonly value: Json;
  /** One sentence for a person. */
  readonly message: string;
}

/** What compiling needs to know of the engine and the table; `ident` and `literal` quote for the dialect. */
export interface CheckTable {
  readonly dialect: Dialect;
  readonly model: string;
  /** The table as SQL, quoted and qualified. */
  readonly from: string;
  readonly columns: Readonly<Record<string, Column>>;
  readonly key: readonly string[];
  /** Other models that references and custom SQL may name, as quoted SQL. */
  readonly table: (model: string) => string;
  readonly ident: (name: string) => string;
  readonly literal: (value: string | number | boolean | null) => string;
}

export interface JudgeContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Zone of zone-less times of a column, "UTC" when nobody said. */
  readonly zone: (column: string) => string;
}

/** Values of a check's metrics as the engine's text, exact for integers and decimals; null for SQL NULL. */
export type MetricValues = Readonly<Record<string, string | null>>;

/** A kind of check: one file in checks/. */
export interface CheckKind<Spec extends AnyCheck = AnyCheck> {
  readonly kind: Spec["check"];
  /** Throws DW-MODEL-INVALID for an unknown column or a parameter that cannot be. */
  readonly metrics: (spec: Spec, table: CheckTable) => Readonly<Record<string, Metric>>;
  readonly judge: (spec: Spec, values: MetricValues, context: JudgeContext) => Verdict;
  /** A query for a few rows that show the failure; run only after one. */
  readonly sample?: (spec: Spec, table: CheckTable) => string;
  /** What the check says when nobody named it: "paid is never null". */
  readonly title: (spec: Spec) => string;
}
