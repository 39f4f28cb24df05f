import { DwError } from "./errors.js";
import type { LoadIdentity } from "./target.js";

/* What every target and its ledger says, wherever it lies. */

export function ledgerConflict(identity: LoadIdentity, target: string, recorded: string): DwError {
  const same = recorded === identity.source;
  return new DwError("DW-LEDGER-CONFLICT", {
    what: `The ledger of ${target} records backfill ${identity.backfill} with ${same ? "another mapping, predicate or target layout" : `source ${recorded}`}.`,
    why: same
      ? "Chunks that are loaded already would not equal the ones still to come."
      : `This run reads ${identity.source}: chunks of two sources or snapshots would be mixed.`,
    fix: `Read what was recorded (its snapshot, its mapping), or start over with \`dw backfill reset ${identity.backfill} --empty\`.`,
  });
}

export function resetRefused(backfill: string, target: string): DwError {
  return new DwError("DW-LEDGER-CONFLICT", {
    what: `${target} holds rows, and the ledger knows which of them backfill ${backfill} has loaded.`,
    why: "Once that is forgotten, the next run loads the same rows a second time.",
    fix: "Add --empty: the table is emptied and the ledger forgets it, both at once.",
  });
}

export function rowsMoved(target: string): DwError {
  return new DwError("DW-RECONCILE-MISMATCH", {
    what: `Rows that were to be taken out of ${target} are not there as they were a moment ago.`,
    why: "Somebody else writes to it, or they lie in a compressed chunk, where they have no place of their own. Nothing was changed.",
    fix: "Run again when nobody writes; decompress the chunk of a hypertable first.",
  });
}

export function tableMissing(table: string): DwError {
  return new DwError("DW-TABLE-MISSING", {
    what: `There is no table ${table} in the database.`,
    why: "Tables are made by migrations; nothing else makes one.",
    fix: "Run `dw migrate up` for this environment, or correct the name.",
  });
}
