import type { FingerprintColumn } from "../core/fingerprint.js";
import type { ReadPlan, RelayedColumn } from "../core/source.js";
import type { TargetTable } from "../core/target.js";
import type { Mapping } from "./mapping.js";
import type { Rejection } from "./quarantine.js";

/**
 * How rows travel. `relay`: from server to server as the source writes them. `duckdb`: DuckDB reads, maps and hashes them, for
 * the reason in `because`.
 */
export type Route =
  | { readonly by: "relay"; readonly columns: readonly RelayedColumn[] }
  | { readonly by: "duckdb"; readonly because: string };

interface Decided {
  readonly plan: ReadPlan;
  readonly target: TargetTable;
  readonly mapping: Mapping;
  readonly columns: readonly FingerprintColumn[];
  readonly rejection?: Rejection;
  readonly deletedWhen?: string;
}

/** A relay looks at no value: nothing may be converted, checked, chosen or set aside on the way. */
export async function routeOf({ plan, target, mapping, columns, rejection, deletedWhen }: Decided): Promise<Route> {
  if (plan.relay === undefined) return duckdb("the source hands no rows over as they are");
  if (target.relayedTypes === undefined || target.merge.merge !== "append") return duckdb("the target takes no rows as they are");
  if (rejection !== undefined) return duckdb("rows may be rejected");
  if (deletedWhen !== undefined) return duckdb("rows may be deletions");
  const there = await target.relayedTypes();
  const relayed: RelayedColumn[] = [];
  for (const [index, { name, copies }] of mapping.columns.entries()) {
    const column = columns[index];
    if (column === undefined || copies === undefined) return duckdb(`column ${name} is converted or checked`);
    const [from, to] = [plan.relay.types.get(copies), there.get(name)];
    if (from === undefined || from !== to)
      return duckdb(`column ${name} is ${from ?? "of a type of its own"} in the source and ${to ?? "of a type of its own"} in the target`);
    relayed.push({ ...column, from: copies });
  }
  return { by: "relay", columns: relayed };
}

const duckdb = (because: string): Route => ({ by: "duckdb", because });

/** For people, with the reason. */
export function routeText(route: Route, lanes: number): string {
  if (route.by === "duckdb") return `DuckDB reads, COPY loads (${lanes} at once), because ${route.because}`;
  return `what COPY reads from the source, COPY loads, in binary form (${lanes} at once), because every column is the same on both sides`;
}
