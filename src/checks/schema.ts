import type { CheckKind, ColumnDifference } from "../core/check.js";
import type { SchemaSpec } from "../core/check-spec.js";
import { violation } from "./threshold.js";

export const schema: CheckKind<SchemaSpec> = {
  kind: "schema",
  title: () => "the columns are those of the model",
  metrics: () => ({ differences: { scan: "schema" } }),
  judge: (spec, values) => {
    const all = JSON.parse(values.differences ?? "[]") as readonly ColumnDifference[]; // what the metric is by contract
    const counting = all.filter(({ wanted }) => spec.others !== "allowed" || wanted !== undefined);
    const value = counting.map((difference) => ({ ...difference }));
    if (counting.length === 0) return { outcome: "pass", value, message: "columns and types are the model's" };
    return { outcome: violation(spec), value, message: counting.map(differenceText).join("; ") };
  },
};

function differenceText({ column, wanted, there }: ColumnDifference): string {
  if (there === undefined) return `${column} is missing`;
  return wanted === undefined ? `${column} is not in the model` : `${column} is ${there}, not ${wanted}`;
}
