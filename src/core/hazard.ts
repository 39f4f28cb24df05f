/** What a statement can do to people who do not expect it. Approved one by one, by statement id (DESIGN §5, §8). */
export const hazardKinds = ["data-loss", "rewrites-table", "blocks-writes", "not-transactional", "irreversible"] as const;

export type HazardKind = (typeof hazardKinds)[number];

export interface Hazard {
  readonly kind: HazardKind;
  /** What happens here and to what, one sentence. */
  readonly why: string;
}

/**
 * Hazards that stop a run until they are approved. The other two inform: nearly every StarRocks statement is
 * not transactional, and approving the unavoidable teaches people to approve without reading.
 */
export const approvalNeeded: ReadonlySet<HazardKind> = new Set(["data-loss", "rewrites-table", "blocks-writes"]);

/** An approval line: `HAZARD@STATEMENT-ID`. */
export function approvalLine(kind: HazardKind, statementId: string): string {
  return `${kind}@${statementId}`;
}
