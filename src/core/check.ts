import type { AnyCheck } from "./check-spec.js";
import type { Json } from "./json.js";
import type { Column } from "./model.js";
import type { Dialect } from "./types.js";

/** SQL dialects that checks are compiled to; models cannot be written for MySQL's, but sources lie there. */
export type CheckDialect = Dialect | "mysql";

/** A value that is computed for a check. Metrics of one table are gathered into one scan. */
export type Metric =
  /** One aggregate expression over the table: `count(*) filter (where …)`. */
  | { readonly scan: "table"; readonly sql: string }
  /** A query of its own that gives one row with one value: duplicates (GROUP BY), references (anti-join), custom SQL. */
  | { readonly scan: "own"; readonly sql: string }
  /** One aggregate expression over another table, perhaps in another engine: `MODEL`, `MODEL@ENGINE` or a SOURCE. */
  | { readonly scan: "elsewhere"; readonly place: string; readonly sql: (there: CheckTable) => string }
  /** How the table that is there differs from the model, as JSON: a list of `ColumnDifference`. */
  | { readonly scan: "schema" }
  /** What a topic's broker knows. */
  | { readonly scan: "topic"; readonly ask: TopicQuestion };

export type TopicQuestion =
  /** Time of the newest message as ISO-8601; NULL without messages. */
  | { readonly ask: "newest" }
  /** How many messages there are, at most: compaction leaves fewer. */
  | { readonly ask: "messages" }
  /** Messages that the group has not read yet; NULL where it never read. */
  | { readonly ask: "lag"; readonly group: string }
  /** The newest `last` messages of each partition: how many there are, and how many are not as the model says. */
  | { readonly ask: "read" | "wrong"; readonly last: number };

/** `there` undefined: missing; `wanted` undefined: not in the model. */
export interface ColumnDifference {
  readonly column: string;
  readonly wanted?: string;
  readonly there?: string;
}

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
  readonly dialect: CheckDialect;
  readonly model: string;
  /** The table as SQL, quoted and qualified. */
  readonly from: string;
  /** It is no view: the engine can choose pages of it, so that a sample reads only those. */
  readonly stored?: true;
  /** It is a topic: there is no SQL, only TopicQuestions. */
  readonly topic?: true;
  readonly columns: Readonly<Record<string, Column>>;
  readonly key: readonly string[];
  /** Zone of zone-less times; UTC when absent. A column's own comes first. */
  readonly zone?: string;
  /** Milliseconds since the epoch: what "now" is in the whole run. */
  readonly now: number;
  /** Other models that references and custom SQL may name, as quoted SQL. */
  readonly table: (model: string) => string;
  readonly ident: (name: string) => string;
  readonly literal: (value: string | number | boolean | null) => string;
}

/** An earlier outcome, as the state store remembers it. */
export interface Past {
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly outcome: string;
  readonly value: Json;
}

export interface JudgeContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Zone of zone-less times of a column, "UTC" when nobody said. */
  readonly zone: (column: string) => string;
  /** What `remembers` asked for, oldest first. */
  readonly past: readonly Past[];
  /** The model's columns. */
  readonly columns: Readonly<Record<string, Column>>;
}

/** Values of a check's metrics as the engine's text, exact for integers and decimals; null for SQL NULL. */
export type MetricValues = Readonly<Record<string, string | null>>;

/** A kind of check: one file in checks/. */
export interface CheckKind<Spec extends AnyCheck = AnyCheck> {
  readonly kind: Spec["check"];
  /** Throws DW-MODEL-INVALID for an unknown column or a parameter that cannot be. */
  readonly metrics: (spec: Spec, table: CheckTable) => Readonly<Record<string, Metric>>;
  readonly judge: (spec: Spec, values: MetricValues, context: JudgeContext) => Verdict;
  /** A query for `limit` rows that show the failure; run only after one. */
  readonly sample?: (spec: Spec, table: CheckTable, limit: number) => string;
  /** What the check says when nobody named it: "paid is never null". */
  readonly title: (spec: Spec) => string;
  /** Rows are counted one by one, so that a random share of them says something about all. */
  readonly sampled?: true;
  /** The number behind the verdict, for anomalies; read from the verdict's value when absent. */
  readonly measure?: (spec: Spec, values: MetricValues, context: JudgeContext) => number | undefined;
  /** Earlier outcomes that judging needs: its own, or those of the model's check `of`, so many milliseconds back. */
  readonly remembers?: (spec: Spec) => { readonly of?: string; readonly forMs: number };
}
