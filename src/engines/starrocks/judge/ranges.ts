import type { Bound, Partition } from "./catalog.js";
import { refuse } from "./refusal.js";
import { compareBounds } from "./values.js";

interface Range {
  readonly lower: Bound;
  readonly upper: Bound;
}

/** The partition with its range; `lower` undefined for LESS THAN. Ranges that cannot be compared are not checked. */
export function addRange(partition: Partition, lower: Bound | undefined, upper: Bound, others: readonly Partition[]): Partition {
  const ranges = others.flatMap((other) => (other.range ? [{ name: other.name, ...other.range }] : []));
  const range: Range = { lower: lower ?? lowerFor(upper, ranges), upper };
  if (isAtLeast(range.lower, range.upper))
    refuse(
      "partition-range-empty",
      `Partition ${partition.name} ends where it begins, or before.`,
      "Let the upper bound be above the lower one.",
    );
  const crossed = ranges.find((other) => crosses(range, other));
  if (crossed)
    refuse(
      "partition-overlap",
      `The range of partition ${partition.name} crosses that of ${crossed.name}.`,
      "Choose bounds that no other partition covers.",
    );
  return { ...partition, range };
}

/** LESS THAN begins where the last partition below it ends. */
function lowerFor(upper: Bound, ranges: readonly Range[]): Bound {
  let lower: Bound = ["MIN"];
  for (const range of ranges) {
    const below = compareBounds(range.upper, upper);
    if (below !== undefined && below < 0 && (compareBounds(range.upper, lower) ?? 0) > 0) lower = range.upper;
  }
  return lower;
}

function isAtLeast(a: Bound, b: Bound): boolean {
  const order = compareBounds(a, b);
  return order !== undefined && order >= 0;
}

function crosses(a: Range, b: Range): boolean {
  return isBelow(a.lower, b.upper) && isBelow(b.lower, a.upper);
}

function isBelow(a: Bound, b: Bound): boolean {
  return (compareBounds(a, b) ?? 0) < 0;
}
