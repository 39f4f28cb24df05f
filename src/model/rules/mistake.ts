import type { Columns, Model } from "../../core/model.js";
import { nearest } from "../../core/nearest.js";

/** One thing that is wrong with a model. `what` continues the sentence that file and model begin. */
export interface Mistake {
  readonly what: string;
  readonly why: string;
  readonly fix: string;
}

export interface ProjectFacts {
  readonly layers: readonly string[];
  /** Models of the same warehouse by name. */
  readonly models: ReadonlyMap<string, Model>;
}

/** `models/shop/dws/orders.ts: orders`. */
export function where(model: Model): string {
  const name = typeof model.name === "string" ? model.name : "a model";
  return model.origin === undefined ? name : `${model.origin.file}: ${name}`;
}

/** `key` names a column that is not there. */
export function missingColumn(place: string, column: string, columns: Columns, owner?: string): Mistake {
  const names = Object.keys(columns);
  return {
    what: `names the column ${column} in \`${place}\`, which ${owner ?? "it"} does not have.`,
    why: `${owner === undefined ? "Its" : `${owner}'s`} columns are ${names.join(", ")}.`,
    fix: suggestion(column, names) ?? "Name one of those, or add the column.",
  };
}

export function missingColumns(place: string, wanted: readonly unknown[], columns: Columns): readonly Mistake[] {
  return wanted.filter((name) => !has(columns, name)).map((name) => missingColumn(place, String(name), columns));
}

export function has(record: object, key: unknown): boolean {
  return typeof key === "string" && Object.hasOwn(record, key);
}

export function suggestion(typed: string, candidates: readonly string[]): string | undefined {
  const near = nearest(typed, candidates);
  return near === undefined ? undefined : `Did you mean ${near}?`;
}

export function columnsOf(model: Model): Columns | undefined {
  return "columns" in model ? model.columns : undefined;
}
