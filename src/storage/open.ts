import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { Patience } from "../connections/http.js";
import type { S3Access } from "../connections/s3.js";
import { DwError } from "../core/errors.js";
import type { Storage, StorageWriter } from "../core/storage.js";
import { openLocal } from "./local.js";
import { localWriter } from "./local-writer.js";
import type { S3Place } from "./s3.js";

/** What storages on other machines need to know; asked for only where an address leads to one. */
export interface StorageAccess extends Patience {
  /** Endpoint and credentials for a bucket. DW-SECRET-MISSING, DW-CONNECTION-UNKNOWN, DW-USAGE. */
  readonly s3: (place: S3Place) => Promise<S3Access>;
  /** HDFS is read as this user unless the address names another. */
  readonly hdfsUser?: string;
  /** A delegation token, which a cluster with Kerberos accepts instead of a user. */
  readonly hdfsToken?: string;
}

export interface OpenStorage {
  /** Relative paths start here. */
  readonly cwd: string;
  /** Without it, only what lies on this machine is read. */
  readonly access?: StorageAccess;
}

type Open = (address: string, access: StorageAccess) => Promise<Storage>;

const s3: Open = async (address, access) => {
  const { openS3, s3Place } = await import("./s3.js");
  const place = s3Place(address);
  return openS3(place, await access.s3(place), access);
};

const webhdfs: Open = async (address, access) => {
  const { openWebHdfs, hdfsPlace } = await import("./webhdfs.js");
  const { hdfsUser, hdfsToken } = access;
  return openWebHdfs({ ...hdfsPlace(address, hdfsUser), ...(hdfsToken && { delegationToken: hdfsToken }) }, access);
};

/** Hadoop's names for S3 are accepted; so is OSS, which speaks S3 where its connection says `pathStyle: false`. */
const schemes: Readonly<Record<string, Open>> = {
  ...{ s3, s3a: s3, s3n: s3, oss: s3 },
  ...{ webhdfs, swebhdfs: webhdfs },
};

/** One letter before a colon is a drive of Windows. */
function schemeOf(path: string): string | undefined {
  return /^([A-Za-z][A-Za-z0-9+.-]+):\/\//.exec(path)?.[1]?.toLowerCase();
}

/** True where a path leads to another machine. */
export function isRemote(path: string): boolean {
  return ![undefined, "file"].includes(schemeOf(path));
}

/**
 * The storage at a path as a person writes it: local, relative to `cwd`, or with a scheme. Throws DW-TABLE-MISSING when
 * there is nothing, DW-SOURCE-UNSUPPORTED for a scheme that dw does not read.
 */
export async function openStorage(path: string, { cwd, access }: OpenStorage): Promise<Storage> {
  const scheme = schemeOf(path);
  if (scheme === undefined) return openLocal(resolve(cwd, path));
  if (scheme === "file") return openLocal(fileURLToPath(path));
  const open = Object.hasOwn(schemes, scheme) ? schemes[scheme] : undefined;
  if (open !== undefined && access !== undefined) return open(path, access);
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `dw does not read ${scheme}://.`,
    why: "Exports are read from local folders, s3://BUCKET/PREFIX and webhdfs://HOST:PORT/PATH.",
    fix:
      scheme === "hdfs"
        ? "Write webhdfs:// with the NameNode's HTTP port, 9870 by default."
        : "Copy or mount the export locally, and give that path.",
  });
}

/** A place to write to, with an address as `openStorage` takes it. DW-SOURCE-UNSUPPORTED for a scheme that dw does not write. */
export async function openWriter(path: string, { cwd, access }: OpenStorage): Promise<StorageWriter> {
  const scheme = schemeOf(path);
  if ((scheme === "webhdfs" || scheme === "swebhdfs") && access !== undefined) {
    const [{ webHdfsWriter }, { hdfsPlace }] = await Promise.all([import("./webhdfs-writer.js"), import("./webhdfs.js")]);
    const { hdfsUser, hdfsToken } = access;
    return webHdfsWriter({ ...hdfsPlace(path, hdfsUser), ...(hdfsToken && { delegationToken: hdfsToken }) }, access);
  }
  if (scheme === undefined) return localWriter(resolve(cwd, path));
  if (scheme === "file") return localWriter(fileURLToPath(path));
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `dw does not write to ${scheme}://.`,
    why: "Files are written into local folders and to webhdfs://HOST:PORT/PATH.",
    fix: "Write to one of these, or mount the other place.",
  });
}
