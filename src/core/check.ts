import type { Json } from "./json.js";
import type { CheckSpec, Column, Severity } from "./model.js";
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
  readonly severity: Severity;
}

/** A kind of check: one file in checks/. Metric values arrive as text (null for SQL NULL), exact for integers and decimals. */
export interface CheckKind<Spec extends CheckSpec = CheckSpec> {
  readonly kind: Spec["check"];
  /** Throws DW-MODEL-INVALID for an unknown column or a wrong parameter. */
  readonly metrics: (spec: Spec, table: CheckTable) => Readonly<Record<string, Metric>>;
  readonly judge: (spec: Spec, values: Readonly<Record<string, string | null>>, context: JudgeContext) => Verdict;
  /** A query for at most ten rows that show the failure; run only after a failure. */
  readonly sample?: (spec: Spec, table: CheckTable) => string;
  /** What the check says when nobody named it: "paid is never null". */
  readonly title: (spec: Spec) => string;
}
