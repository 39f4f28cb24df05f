import type { Patience } from "../connections/http.js";
import { type HdfsAccess, type HdfsStatus, openHdfs } from "../connections/webhdfs.js";
import { DwError } from "../core/errors.js";
import type { Storage } from "../core/storage.js";
import { noRoot } from "./letters.js";
import { type RemoteFile, remoteStorage } from "./remote.js";
import type { Spool } from "./spool.js";

export interface HdfsPlace extends HdfsAccess {
  /** Absolute, without a slash at the end; empty for the whole file system. */
  readonly path: string;
}

/** `webhdfs://host:port[,host:port]/path[?user.name=]`; `swebhdfs://` is the same over TLS. DW-USAGE. */
export function hdfsPlace(address: string, defaultUser: string | undefined): HdfsPlace {
  const [, secure, hosts = "", path = "", query = ""] = /^(s?)webhdfs:\/\/([^/?]*)([^?]*)(?:\?(.*))?$/is.exec(address) ?? [];
  const list = hosts.split(",").map((host) => (/:\d+$/.test(host) ? host : `${host}:${secure ? 9871 : 9870}`));
  const port = secure ? "https" : "http";
  if (hosts.includes("@") || list.some((host) => host.startsWith(":") || !URL.canParse(`${port}://${host}`))) throw wrong("names no host");
  const asked = new URLSearchParams(query);
  const stranger = [...asked.keys()].find((name) => name !== "user.name");
  if (stranger !== undefined) throw wrong(`has the parameter ${stranger}`);
  const user = asked.get("user.name") ?? defaultUser;
  return { hosts: list, secure: secure !== "", path: path.replace(/\/+$/, ""), ...(user && { user }) };
}

/** An export in a folder of HDFS. DW-TABLE-MISSING when it does not exist, and what openHdfs says. */
export async function openWebHdfs(place: HdfsPlace, patience: Patience = {}, spool?: Spool): Promise<Storage> {
  const root = hdfsRoot(place);
  if (place.path.split("/").some((step) => step === ".." || step === ".")) throw wrong("has . or .. in its path");
  const hdfs = openHdfs(place, patience);
  const full = (path: string): string => `${place.path}${path === "" ? "" : `/${path}`}` || "/";
  const home = await hdfs.status(full(""));
  if (home === undefined || !home.folder) throw noRoot(root);
  return remoteStorage(
    {
      root,
      stat: async (path) => {
        const found = await hdfs.status(full(path));
        return found === undefined || found.folder ? undefined : fileOf(found);
      },
      get: (path, start, length) => hdfs.get(full(path), start, length),
      list: async (folder) => {
        const children = (await hdfs.list(full(folder))).filter(({ name }) => name !== "");
        const files = children.filter((child) => !child.folder);
        return {
          files: files.map((child) => ({ path: folder === "" ? child.name : `${folder}/${child.name}`, ...fileOf(child) })),
          folders: children.filter((child) => child.folder).map(({ name }) => name),
        };
      },
    },
    spool,
  );
}

/** The address without the user. */
export function hdfsRoot({ secure, hosts, path }: HdfsPlace): string {
  return `${secure ? "s" : ""}webhdfs://${hosts.join(",")}${path}`;
}

function fileOf({ size, modified }: HdfsStatus): RemoteFile {
  return { size, version: String(modified) };
}

function wrong(why: string): DwError {
  return new DwError("DW-USAGE", {
    what: `The WebHDFS address ${why}.`,
    why: "It is webhdfs://HOST:PORT/PATH, with ?user.name=USER where the cluster wants to know who reads.",
    fix: "Give the HTTP address of the NameNode (9870 by default), or of several: webhdfs://nn1:9870,nn2:9870/PATH.",
  });
}
