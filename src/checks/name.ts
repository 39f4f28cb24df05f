import type { AnyCheck } from "../core/check-spec.js";
import { kindOf } from "./index.js";

/** What history, alerts and people call a check. */
export function checkName(spec: AnyCheck): string {
  return spec.name ?? `${kindOf(spec).title(spec)}${spec.where === undefined ? "" : ` where ${spec.where}`}`;
}

/**
 * A model's checks, each with a name of its own: history, alerts and metrics know a check by it. What is said twice, by a model and
 * its backfill, is one check; another check of a name that is taken gets a number.
 */
export function distinctlyNamed(checks: readonly AnyCheck[]): AnyCheck[] {
  const taken = new Map<string, string>();
  return checks.flatMap((spec) => {
    const name = checkName(spec);
    const text = JSON.stringify(spec);
    if (taken.get(name) === text) return [];
    const free = freeName(name, taken);
    taken.set(free, text);
    return [free === name ? spec : { ...spec, name: free }];
  });
}

function freeName(name: string, taken: ReadonlyMap<string, string>): string {
  for (let number = 1; ; number++) {
    const tried = number === 1 ? name : `${name} (${number})`;
    if (!taken.has(tried)) return tried;
  }
}
