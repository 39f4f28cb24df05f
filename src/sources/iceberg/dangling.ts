import pLimit from "p-limit";
import { corrupt } from "../../formats/damage.js";
import type { DeleteFile, LiveFiles } from "./manifests.js";
import type { Opened } from "./opened.js";
import { puffinBlobs } from "./puffin.js";

const CONCURRENT_READS = 8;
const REFERENCED = "referenced-data-file";

/**
 * A deletion vector about a file that is not in the snapshot is either left over from a rewrite, or its manifest has the
 * path wrong and rows would come back to life. The Puffin file names the data file too, and decides. DW-FILE-CORRUPT.
 */
export async function checkVectors(opened: Opened, live: LiveFiles): Promise<void> {
  const known = new Set(live.data.map(({ location }) => location));
  const limit = pLimit(CONCURRENT_READS);
  await Promise.all(
    live.deletes
      .filter(({ blob, referenced }) => blob !== undefined && referenced !== undefined && !known.has(referenced))
      .map((vector) => limit(() => checkVector(opened, vector, known))),
  );
}

async function checkVector({ storage, paths }: Opened, { location, referenced, blob }: DeleteFile, known: ReadonlySet<unknown>) {
  const path = await paths.below(location);
  if (!(await storage.exists(path))) return; // a rewrite leaves the vector's entry, and expiry may take its file
  const blobs = await puffinBlobs(storage, path);
  const described = blobs?.find(({ offset, length }) => offset === blob?.offset && length === blob.length);
  const named = described?.properties[REFERENCED];
  if (!known.has(named)) return;
  throw corrupt(path, `Its deletion vector is about ${named}; the manifest says ${referenced}, which is not in the snapshot.`);
}
