import { emptyFingerprint, type Fingerprint } from "../core/fingerprint.js";
import type { PreparedBackfill } from "./prepare.js";

/*
 * Where reading a chunk again costs little, it is loaded first, by count, and hashed later, while the target hashes what it
 * has. The ledger knows which chunks are only counted, so that a run that dies in between leaves no more than hashing to do.
 */

/** Not what is decided row by row, and not what another reading would have to fetch, merge or decode again. */
export function isHashedLater({ plan, target, rejection, latest, increment }: PreparedBackfill): boolean {
  return (
    plan.near === true && plan.immutable && target.settle !== undefined && [rejection, latest, increment].every((one) => one === undefined)
  );
}

export const onlyCounted = ({ columns }: PreparedBackfill): Fingerprint => ({ ...emptyFingerprint(columns), countedOnly: true });
