import type { Fingerprint } from "../../core/fingerprint.js";

interface Doubtful {
  readonly fingerprint: Fingerprint;
}

/** More chunks in doubt than this are not tried in all combinations. */
const MOST = 12;

/**
 * Which of the chunks in doubt are in the table, by what it holds beyond the fingerprints that are known to be there: rows and
 * both hash sums have to add up. Undefined when no combination explains the table.
 */
export function whatArrived<Chunk extends Doubtful>(
  known: readonly Fingerprint[],
  doubts: readonly Chunk[],
  table: Fingerprint,
): readonly Chunk[] | undefined {
  if (doubts.length > MOST) return undefined;
  for (let mask = 0; mask < 2 ** doubts.length; mask++) {
    const chosen = doubts.filter((_, index) => Math.floor(mask / 2 ** index) % 2 === 1);
    if (sameRows(totalOf([...known, ...chosen.map(({ fingerprint }) => fingerprint)]), totalOf([table]))) return chosen;
  }
  return undefined;
}

type Totals = readonly [rows: bigint, first: bigint, second: bigint];

function totalOf(fingerprints: readonly Fingerprint[]): Totals {
  const sum = (value: (one: Fingerprint) => string): bigint => fingerprints.reduce((total, one) => total + BigInt(value(one)), 0n);
  return [sum(({ rows }) => rows), sum(({ hash }) => hash[0]), sum(({ hash }) => hash[1])];
}

function sameRows(a: Totals, b: Totals): boolean {
  return a.every((value, index) => value === b[index]);
}
