import type { OpenSource, SourceTable } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { branchesOf, planBranches } from "./fallback.js";
import { inspect } from "./inspect.js";
import { sourceColumn } from "./plan.js";
import { loadTable } from "./table.js";

/**
 * Opens a Paimon table (format of releases 0.8 to 1.4) that lies at the storage's root, at the state that `at` names: a
 * snapshot's number, a tag or branch, or the last snapshot at an instant. Only metadata is read here.
 *
 * Errors: DW-TABLE-MISSING, DW-SNAPSHOT-MISSING, DW-FILE-MISSING, DW-FILE-CORRUPT, DW-FILE-OUTSIDE; from `plan` also
 * DW-SOURCE-UNSUPPORTED, for a table that would only be half-read.
 */
export async function openPaimon(storage: Storage, options: OpenSource): Promise<SourceTable> {
  const table = await loadTable(storage, options.at);
  const branches = await branchesOf(table, options.at);
  return {
    title: `Paimon table ${storage.root}`,
    columns: table.schema.fields.map(sourceColumn),
    plan: (request) => planBranches(table, branches, request),
    inspect: () => inspect(table, branches),
    close: async () => undefined,
  };
}
