import type { Fingerprint } from "../../core/fingerprint.js";
import type { MergeRule } from "../../core/target.js";

interface Doubtful {
  readonly fingerprint: Fingerprint;
}

/** More chunks in doubt than this are not tried in all combinations. */
const MOST = 12;

/**
 * Which of the chunks in doubt are in the table, by what it holds beyond the fingerprints that are known to be there: what adds
 * up in a table of this kind has to add up. Undefined when no combination explains the table, or more than one.
 */
export function whatArrived<Chunk extends Doubtful>(
  merge: MergeRule,
  known: readonly Fingerprint[],
  doubts: readonly Chunk[],
  table: Fingerprint,
): readonly Chunk[] | undefined {
  const empty = doubts.filter(({ fingerprint }) => fingerprint.rows === "0"); // there or not, it is the same
  const others = doubts.filter(({ fingerprint }) => fingerprint.rows !== "0");
  if (others.length > MOST) return undefined;
  const wanted = totalOf(merge, [table]);
  if (wanted.length === 0) return undefined;
  const before = totalOf(merge, known);
  const explanations: Chunk[][] = [];
  for (let mask = 0; mask < 2 ** others.length; mask++) {
    const chosen = others.filter((_, index) => Math.floor(mask / 2 ** index) % 2 === 1);
    const added = totalOf(
      merge,
      chosen.map(({ fingerprint }) => fingerprint),
    ); // empty for none
    if (wanted.every((value, index) => value === (before[index] ?? 0n) + (added[index] ?? 0n))) explanations.push(chosen);
  }
  return explanations.length === 1 ? [...empty, ...(explanations[0] ?? [])] : undefined;
}

/** Rows and both hash sums; where rows of one key merge, the exact sums of what is summed up. */
function totalOf(merge: MergeRule, fingerprints: readonly Fingerprint[]): bigint[] {
  if (fingerprints.length === 0) return [];
  const sum = (value: (one: Fingerprint) => bigint): bigint => fingerprints.reduce((total, one) => total + value(one), 0n);
  if (merge.merge !== "aggregate")
    return [sum(({ rows }) => BigInt(rows)), sum(({ hash }) => BigInt(hash[0])), sum(({ hash }) => BigInt(hash[1]))];
  const summed = (fingerprints[0]?.columns ?? []).flatMap(({ name, sum: exact }, index) =>
    exact !== null && merge.functions[name]?.toUpperCase() === "SUM" ? [index] : [],
  );
  return summed.map((index) => sum(({ columns }) => scaled(columns[index]?.sum ?? "0")));
}

const DIGITS = 40;

/** A decimal as an integer; every scale that a column has fits. */
function scaled(text: string): bigint {
  const [whole = "0", fraction = ""] = text.split(".");
  return BigInt(whole + fraction.padEnd(DIGITS, "0"));
}

/** Functions whose result does not change when the same rows come a second time. */
const REPEATABLE = new Set(["MIN", "MAX", "REPLACE", "REPLACE_IF_NOT_NULL", "HLL_UNION", "BITMAP_UNION"]);

/** Whether rows of a chunk may come twice without a trace. */
export function isRepeatable(merge: MergeRule): boolean {
  if (merge.merge === "append") return false;
  return merge.merge === "upsert" || Object.values(merge.functions).every((name) => REPEATABLE.has(name.toUpperCase()));
}
