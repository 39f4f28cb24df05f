import type { Patience } from "../connections/http.js";
import { openBucket, type S3Access, type S3Bucket, type S3Object } from "../connections/s3.js";
import { DwError } from "../core/errors.js";
import type { Storage, StoredFile } from "../core/storage.js";
import { noRoot } from "./letters.js";
import { type RemoteFile, remoteStorage } from "./remote.js";
import type { Spool } from "./spool.js";

/** `s3://bucket/prefix`, or `s3://NAME@bucket/prefix` with a connection of dw.config.ts. */
export interface S3Place {
  readonly bucket: string;
  /** Without slashes around it; empty for the whole bucket. */
  readonly prefix: string;
  readonly connection?: string;
}

/** DW-USAGE where the address has no bucket, or a secret in it. */
export function s3Place(address: string): S3Place {
  const [, user, bucket = "", path = ""] = /^[a-z0-9]+:\/\/(?:([^/]*)@)?([^/]*)(.*)$/is.exec(address) ?? [];
  if (user?.includes(":"))
    throw wrong("An S3 address holds a colon before the @.", "Keys and secrets do not belong into an address: it is logged.");
  if (bucket === "") throw wrong("An S3 address names no bucket.", "It is s3://BUCKET/PREFIX.");
  return { bucket, prefix: path.replace(/^\/+/, "").replace(/\/$/, ""), ...(user && { connection: user }) };
}

/** An export below a prefix of an S3 bucket. DW-TABLE-MISSING when nothing lies there, and what openBucket says. */
export async function openS3(place: S3Place, access: S3Access, patience: Patience = {}, spool?: Spool): Promise<Storage> {
  const bucket = await openBucket(access, place.bucket, patience);
  const root = `s3://${place.bucket}${place.prefix === "" ? "" : `/${place.prefix}`}`;
  const home = place.prefix === "" ? "" : `${place.prefix}/`;
  const { objects, prefixes } = await bucket.list(home, undefined, 1);
  if (objects.length === 0 && prefixes.length === 0 && home !== "") throw noRoot(root);
  return remoteStorage(
    {
      root,
      stat: async (path) => {
        const found = await bucket.head(home + path);
        return found && fileOf(found);
      },
      get: (path, start, length) => bucket.get(home + path, start, length),
      list: (folder) => listFolder(bucket, home, folder),
    },
    spool,
  );
}

function fileOf({ size, etag }: S3Object): RemoteFile {
  return { size, version: etag };
}

interface Folder {
  readonly files: readonly (StoredFile & RemoteFile)[];
  readonly folders: readonly string[];
}

async function listFolder(bucket: S3Bucket, home: string, folder: string): Promise<Folder> {
  const prefix = folder === "" ? home : `${home}${folder}/`;
  const files: (StoredFile & RemoteFile)[] = [];
  const folders: string[] = [];
  for (let from: string | undefined, more = true; more; more = from !== undefined) {
    const page = await bucket.list(prefix, from);
    // Consoles and Hadoop mark folders by empty objects whose keys end in a slash.
    const real = page.objects.filter(({ key }) => key !== prefix && !key.endsWith("/"));
    files.push(...real.map((object) => ({ path: object.key.slice(home.length), ...fileOf(object) })));
    folders.push(...page.prefixes.map((one) => one.slice(prefix.length, -1)).filter((name) => name !== ""));
    from = page.next;
  }
  return { files, folders };
}

function wrong(what: string, why: string): DwError {
  return new DwError("DW-USAGE", {
    what,
    why,
    fix: "Write s3://BUCKET/PREFIX, or s3://NAME@BUCKET/PREFIX with NAME a connection of kind s3 in dw.config.ts.",
  });
}
