import { randomUUID } from "node:crypto";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Patience } from "../connections/http.js";
import { openHdfs } from "../connections/webhdfs.js";
import { DwError, isDwError } from "../core/errors.js";
import type { StorageWriter } from "../core/storage.js";
import { confined } from "./confined.js";
import { type HdfsPlace, hdfsRoot, openWebHdfs } from "./webhdfs.js";

/**
 * Writing into a folder of HDFS. A file is written under a name that begins with a dot, which no reader of tables looks at, and
 * renamed when the cluster has all of it.
 */
export function webHdfsWriter(place: HdfsPlace, patience: Patience = {}): StorageWriter {
  const hdfs = openHdfs(place, patience);
  const root = hdfsRoot(place);
  const at = (path: string): string => `${place.path}/${confined(root, path)}`;
  return {
    root,
    look: () =>
      openWebHdfs(place, patience).catch((error: unknown) => {
        if (isDwError(error) && error.code === "DW-TABLE-MISSING") return undefined;
        throw error;
      }),
    stage: async () => {
      const folder = await mkdtemp(join(tmpdir(), "dw-stage-"));
      return { folder, release: () => rm(folder, { recursive: true, force: true }) };
    },
    put: async (local, path) => {
      const [from, to] = [`${place.path}/.dw-staging/${randomUUID()}`, at(path)];
      const { size } = await stat(local);
      await hdfs.create(from, local, size);
      await hdfs.folder(to.slice(0, to.lastIndexOf("/")));
      if (!(await hdfs.rename(from, to))) await settleRename(from, to, size);
    },
    remove: async (paths) => {
      for (const path of paths) await hdfs.remove(at(path));
    },
  };

  /** False is no error to HDFS: the rename was done by an attempt whose answer was lost, or there is a file of that name. */
  async function settleRename(from: string, to: string, size: number): Promise<void> {
    const [left, there] = [await hdfs.status(from), await hdfs.status(to)];
    if (left === undefined && there?.size === size) return;
    if (left !== undefined && there !== undefined) {
      await hdfs.remove(to); // an HttpFS gateway renames onto nothing only
      if (await hdfs.rename(from, to)) return;
    }
    throw new DwError("DW-ENGINE-REFUSED", {
      what: `${to} was written under another name, and HDFS does not rename it.`,
      why: "It answers false and gives no reason.",
      fix: "Check the rights of the folder and its quota, then run again.",
    });
  }
}
