import type { EngineTarget } from "../../../core/finding.js";
import { refuse } from "./refusal.js";
import type { SqlType } from "./sql-type.js";

/*
 * What depends on the version. The rules come from one front end between 3.5 and 4.0; for other versions a thing is refused
 * only where its release notes say when it came, and marked as unproven otherwise.
 */

/** The versions whose answers we have. */
const PROVEN = ["3.5", "4.0"];

export const isProven = (version: string): boolean => PROVEN.includes(version);

/** First version of a feature, as `major.minor`. */
export const SINCE = {
  "decimal of more than 38 digits": "4.0",
  partition_retention_condition: "3.4",
  "expressions in PARTITION BY (several)": "3.4",
  "vector index": "3.4",
  "generic aggregate states": "3.4",
  "temporary tables": "3.3",
  "RENAME COLUMN": "3.3",
  "GIN index": "3.3",
  "NGRAMBF index": "3.3",
  "ORDER BY of AGGREGATE and UNIQUE KEY tables": "3.3",
  bucket_size: "3.2",
  time_drift_constraint: "3.5",
  "labels.location": "3.3",
  "flat_json per table": "4.0",
} as const;

export type Feature = keyof typeof SINCE;

export function isOlder(version: string, other: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [otherMajor = 0, otherMinor = 0] = other.split(".").map(Number);
  return major < otherMajor || (major === otherMajor && minor < otherMinor);
}

/** Throws a Refusal where the target is older than the feature. */
export function requireFeature(feature: Feature, { version }: EngineTarget): void {
  if (isOlder(version, SINCE[feature]))
    refuse(
      "version",
      `${feature}: StarRocks ${version} does not have it; it came with ${SINCE[feature]}.`,
      `Target StarRocks ${SINCE[feature]}, or leave it out.`,
    );
}

export function checkTypeVersion(name: string, type: SqlType, target: EngineTarget): void {
  if (type.name === "decimal" && (type.precision ?? 0) > 38 && isOlder(target.version, SINCE["decimal of more than 38 digits"]))
    refuse(
      "decimal-precision",
      `Column ${name} has ${type.precision} digits; StarRocks ${target.version} has at most 38.`,
      "Lower the precision, or target StarRocks 4.0.",
    );
  if (type.name === "unknown") requireFeature("generic aggregate states", target);
  for (const inner of [type.element, type.key, type.value, ...(type.fields?.map((field) => field.type) ?? [])])
    if (inner) checkTypeVersion(name, inner, target);
}
