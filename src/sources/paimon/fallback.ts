import type { At, ReadPlan, ReadRequest } from "../../core/source.js";
import { chainOf } from "./chain.js";
import { unsupported } from "./letters.js";
import type { DataFile } from "./manifests.js";
import { isPlainName } from "./metadata.js";
import { plan } from "./plan.js";
import { findBeside } from "./snapshots.js";
import { type PaimonTable, tableAt, visibleFiles } from "./table.js";

/*
 * A table may take the partitions that it lacks from another branch (scan.fallback-branch), or give only those that the
 * other branch lacks (scan.primary-branch); FallbackReadFileStoreTable of the reference reader. A branch that is not there
 * is passed over, as the reference does.
 */

/** The table and its other branch, the one whose partitions count first in front; the table alone without one. */
export async function branchesOf(table: PaimonTable, at: At): Promise<readonly PaimonTable[]> {
  const chain = await chainOf(table, at);
  if (chain !== undefined) return chain;
  const fallback = table.options.text("scan.fallback-branch")?.trim() ?? "";
  const primary = table.options.text("scan.primary-branch")?.trim() ?? "";
  const name = fallback === "" ? primary : fallback;
  if (name === "" || name === table.found.branch || !isPlainName(name)) return [table];
  const found = await findBeside(table.storage, name, table.found, at);
  const { files } = await table.storage.list(`${found.folder}schema`);
  if (files.length === 0) return [table];
  const other = await tableAt(table.storage, found);
  return fallback === "" ? [other, table] : [table, other];
}

export async function planBranches(table: PaimonTable, branches: readonly PaimonTable[], request: ReadRequest): Promise<ReadPlan> {
  const [first = table, second] = branches;
  if (second === undefined) return plan(first, request);
  const names = branches.map(({ schema }) => JSON.stringify(schema.fields.map(({ name }) => name)));
  if (names[0] !== names[1]) {
    throw unsupported(
      `The branches ${first.found.branch} and ${second.found.branch} have other columns.`,
      "A table that takes partitions from another branch has rows of one form.",
      "Read each branch by itself with --ref.",
    );
  }
  const among = await lacking(first);
  return together([await plan(first, request), await plan(second, request, among)]);
}

/** Which of another branch's files are read: those of partitions that the first one lacks. */
async function lacking(first: PaimonTable): Promise<(file: DataFile) => boolean> {
  const present = new Set((await first.files()).map(({ partition }) => key(partition)));
  return ({ partition }) => !present.has(key(partition));
}

export interface BranchFiles {
  readonly table: PaimonTable;
  /** All that its snapshot has of the partitions that are read from it. */
  readonly all: readonly DataFile[];
  /** The files of them that a batch read looks at. */
  readonly files: readonly DataFile[];
}

/** The files of a table's branches, those whose partitions count first in front. */
export async function filesOf(branches: readonly PaimonTable[]): Promise<readonly BranchFiles[]> {
  const [first, ...others] = branches;
  if (first === undefined) return [];
  const among = await lacking(first);
  return Promise.all(
    [first, ...others].map(async (table, index) => {
      const all = (await table.files()).filter((file) => index === 0 || among(file));
      return { table, all, files: visibleFiles(table, all) };
    }),
  );
}

function key(partition: Uint8Array): string {
  return Buffer.from(partition).toString("base64");
}

function together(plans: readonly ReadPlan[]): ReadPlan {
  const owner = (id: string): ReadPlan => {
    const found = plans.find(({ chunks }) => chunks.some((chunk) => chunk.id === id));
    if (found === undefined) throw new RangeError(`the chunk ${id} is not of this plan`);
    return found;
  };
  return {
    columns: plans[0]?.columns ?? [],
    identity: plans.map(({ identity }) => identity).join("+"),
    immutable: true,
    chunks: plans.flatMap(({ chunks }) => chunks),
    contents: plans.flatMap(({ contents }) => contents ?? []),
    open: (chunk, db) => owner(chunk.id).open(chunk, db),
    prefetch: (chunk) => owner(chunk.id).prefetch?.(chunk),
  };
}
