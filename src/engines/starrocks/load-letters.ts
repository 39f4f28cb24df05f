import { DwError } from "../../core/errors.js";

/* What a load into StarRocks says when it stops. */

/** Reasons that pass by themselves: compaction catches up, other loads end, a node comes back. Nothing of the load was kept. */
export function isPassing(message: string): boolean {
  return /too many versions|version_count|running txns|memory.*(limit|exceed)|queue.*full|too many (tasks|requests)|timed? ?out|no (alive|available)|not alive|tablet writer.*(closed|failed)|rpc/i.test(
    message,
  );
}

export function loadRefused(title: string, status: string, message: string): DwError {
  const isValue = /filtered|quality|parse|null value|too long|out of range/i.test(message);
  return new DwError(isValue ? "DW-VALUE-REFUSED" : "DW-ENGINE-REFUSED", {
    what: `StarRocks did not take a chunk for ${title}: ${status}.`,
    why: message === "" ? "It gives no reason." : message,
    fix: isValue
      ? 'A value does not fit its column, or no partition takes it: correct the mapping, widen the column, or add partitions (policies: "pause" does where they follow the clock). Nothing of the chunk was kept.'
      : "Nothing of the chunk was kept. Correct what the reason names and run again.",
  });
}

export function tooBusy(title: string, message: string): DwError {
  return new DwError("DW-TIMEOUT", {
    what: `StarRocks does not take a chunk for ${title}, though it was asked for ten minutes.`,
    why: message,
    fix: "Nothing of the chunk was kept. Wait until compaction and other loads have caught up, run again, with --concurrency 1 if need be.",
  });
}

export function undecided(title: string, label: string, state: string): DwError {
  return new DwError("DW-TIMEOUT", {
    what: `The load ${label} into ${title} does not end: it is ${state}.`,
    why:
      state === "COMMITTED"
        ? "Its rows are safe and not visible yet: a node has not published them."
        : "Its rows may still appear, so that the chunk is not sent a second time.",
    fix: "Look at SHOW TRANSACTION, SHOW LOAD and at the backends, and run the backfill again: it goes on with this chunk.",
  });
}

export function unknownLoad(backfill: string, title: string, chunks: readonly string[], why: string): DwError {
  return new DwError("DW-LOAD-UNKNOWN", {
    what: `Whether these chunks of ${backfill} are in ${title} cannot be told:\n${chunks.map((chunk) => `  ${chunk}`).join("\n")}`,
    why: `They were sent, the answer was lost, the engine has forgotten their labels, and ${why}.`,
    fix: "Stop other writers and compare the chunk's rows by hand, or start over with `dw backfill reset --empty`.",
  });
}
