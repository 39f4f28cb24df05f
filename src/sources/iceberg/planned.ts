import { conditions } from "../../core/predicate.js";
import type { TitledFile } from "./chunks.js";
import { checkVectors } from "./dangling.js";
import { indexDeletes } from "./deletes.js";
import type { LiveFiles } from "./manifests.js";
import { liveFiles, type Opened } from "./opened.js";
import { partitionText } from "./partition-text.js";
import { pruner } from "./prune.js";

/** The data files of a read, each with its deletes: those that may hold a row which the predicate accepts. */
export async function plannedFiles(opened: Opened, where: string | undefined): Promise<readonly TitledFile[]> {
  const known = where === undefined ? [] : conditions(where);
  const live = await liveFiles(opened, known.length > 0);
  const mayHold = pruner(known, opened.view.schema);
  return withDeletes(opened, { ...live, data: live.data.filter(mayHold) });
}

/** DW-FILE-OUTSIDE where the metadata names a file that is not in the export. */
export async function withDeletes(opened: Opened, live: LiveFiles): Promise<readonly TitledFile[]> {
  await checkVectors(opened, live);
  const deletes = indexDeletes(live.deletes);
  // writers may leave out a file of no rows, and the reference reader never opens one
  const files = live.data.filter(({ rows }) => rows > 0);
  return Promise.all(
    files.map(async (data) => ({
      data,
      path: await opened.paths.below(data.location),
      deletes: deletes.of(data),
      partition: partitionText(data, opened.schemas),
    })),
  );
}
