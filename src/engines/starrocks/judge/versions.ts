import type { EngineTarget, Finding } from "../../../core/finding.js";
import { refuse } from "./refusal.js";
import type { SqlType } from "./sql-type.js";

/*
 * What depends on the version. The rules come from the answers and the source of a front end between 3.5 and 4.0. What older
 * ones lack was read in the grammar (StarRocks.g4), the property names (PropertyAnalyzer) and the analyzers of the branches
 * 3.2 to 3.5 as they were in June 2025. Of other versions we know nothing, and say so.
 */

/** The versions whose answers or source we have. */
const PROVEN = ["3.2", "3.3", "3.4", "3.5", "4.0"];

export const isProven = (version: string): boolean => PROVEN.includes(version);

/** Said once a file or project: whatever follows is judged by the rules of the nearest version that we know. */
export function versionFindings({ version }: EngineTarget): Finding[] {
  if (isProven(version)) return [];
  const nearest = isOlder(version, "3.2") ? "3.2" : "4.0";
  return [
    {
      rule: "starrocks/version",
      severity: "unproven",
      message: `dw has no evidence for StarRocks ${version}: it is judged by the rules of ${nearest}.`,
      fix: `Lint for one of ${PROVEN.join(", ")}, or try the statement on a server.`,
    },
  ];
}

/** First version of a feature, as `major.minor`. */
const SINCE = {
  "decimal of more than 38 digits": "4.0",
  partition_retention_condition: "3.4",
  "expressions in PARTITION BY (several)": "3.4",
  "vector index": "3.4",
  "DROP PARTITIONS of several, by range or by WHERE": "3.4",
  "SECURITY of a view": "3.4",
  "CURRENT_TIMESTAMP with a precision": "3.5",
  "MODIFY COLUMN … COMMENT alone": "3.5",
  "PARTITION BY … BETWEEN": "3.5",
  "SELECT * EXCEPT": "4.0",
  "generic aggregate states": "3.4",
  "temporary tables": "3.3",
  "RENAME COLUMN": "3.3",
  "GIN index": "3.3",
  "NGRAMBF index": "3.3",
  "ORDER BY of AGGREGATE and UNIQUE KEY tables": "3.3",
  bucket_size: "3.2",
  time_drift_constraint: "3.5",
  "labels.location": "3.3",
  enable_load_profile: "3.3",
  mutable_bucket_num: "3.3",
  excluded_refresh_tables: "3.3",
  partition_refresh_strategy: "4.0",
  file_bundling: "4.0",
  "flat_json.enable": "4.0",
  "flat_json.null.factor": "4.0",
  "flat_json.sparsity.factor": "4.0",
  "flat_json.column.max": "4.0",
} as const;

/** Properties that came later than others; true of features of other kinds, which no property is called like, does no harm. */
export function requireProperty(name: string, target: EngineTarget): void {
  if (Object.hasOwn(SINCE, name)) requireFeature(name as Feature, target); // a key of SINCE, as was just asked
}

export type Feature = keyof typeof SINCE;

function isOlder(version: string, other: string): boolean {
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
