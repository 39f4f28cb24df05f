import { z } from "zod";
import { DwError, isDwError } from "../core/errors.js";
import { ask, type HttpAnswer, isBusy, type Patience, persistently, unreachable } from "./http.js";

/** How to reach an HDFS over its REST interface (Hadoop, "WebHDFS REST API"), or over an HttpFS gateway. */
export interface HdfsAccess {
  /** `namenode:9870`; several where NameNodes stand by for each other. */
  readonly hosts: readonly string[];
  readonly secure: boolean;
  /** Simple authentication: `user.name`. */
  readonly user?: string;
  /** Goes with each request instead of the user, as the manual has it ("Delegation Token Authentication"). */
  readonly delegationToken?: string;
}

export interface HdfsStatus {
  /** Empty for the path itself. */
  readonly name: string;
  readonly folder: boolean;
  readonly size: number;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

/** Errors: DW-CONNECT, DW-TIMEOUT, DW-AUTH, DW-PERMISSION, DW-ENGINE-REFUSED. Paths are absolute. */
export interface Hdfs {
  /** Undefined when nothing lies there. */
  readonly status: (path: string) => Promise<HdfsStatus | undefined>;
  /** Exactly so many bytes; undefined when there is no such file. */
  readonly get: (path: string, start: number, length: number) => Promise<Buffer | undefined>;
  /** Children of a folder; of a file the file itself, with an empty name; nothing of what does not exist. */
  readonly list: (path: string) => Promise<readonly HdfsStatus[]>;
  /** Writes a file of this machine; folders above it are made. What is there is replaced, not at once: a name that nobody reads. */
  readonly create: (path: string, local: string, size: number) => Promise<void>;
  /** In the place of what is there, at once where the server knows `renameoptions` (no HttpFS does). False: nothing was renamed. */
  readonly rename: (from: string, to: string) => Promise<boolean>;
  readonly folder: (path: string) => Promise<void>;
  /** A file; what does not exist is removed already. */
  readonly remove: (path: string) => Promise<void>;
}

const TEXT_LIMIT = 256 * 1024 * 1024;

export function openHdfs(access: HdfsAccess, patience: Patience = {}): Hdfs {
  const nameNodes = new NameNodes(access, patience);
  const again = <T>(attempt: () => Promise<T>): Promise<T> => persistently(attempt, patience);
  const reader = new Reader(nameNodes, access, patience);
  const lister = new Lister(nameNodes);
  return {
    status: (path) =>
      again(async () => {
        const answer = await nameNodes.ask(path, { op: "GETFILESTATUS" });
        return answer === undefined ? undefined : statusOf(parsed(answer, oneStatus).FileStatus);
      }),
    get: (path, start, length) => again(() => reader.read(path, start, length)),
    list: (path) => lister.list(path, again),
    create: (path, local, size) =>
      again(async () => {
        const answer = await nameNodes.ask(path, { op: "CREATE", overwrite: "true" }, "PUT");
        const url = dataNode(answer?.headers.location, path, access);
        const done = await ask({ ...patience, method: "PUT", url, file: { path: local, size }, limit: TEXT_LIMIT });
        if (done.status !== 201 && done.status !== 200 && refusal(done, url.host, path) === undefined) throw gone(path);
      }),
    rename: (from, to) =>
      again(async () => {
        const answer = await nameNodes.ask(from, { op: "RENAME", destination: to, renameoptions: "OVERWRITE" }, "PUT");
        return answer !== undefined && (answer.body.length === 0 || parsed(answer, yesOrNo).boolean);
      }),
    folder: (path) => again(async () => void (await nameNodes.ask(path, { op: "MKDIRS" }, "PUT"))),
    remove: (path) => again(async () => void (await nameNodes.ask(path, { op: "DELETE", recursive: "false" }, "DELETE"))),
  };
}

type Query = Readonly<Record<string, string>>;
type Method = "GET" | "PUT" | "DELETE";

/** The NameNodes in turn: the one that answered last is asked first. */
class NameNodes {
  private active = 0;

  constructor(
    private readonly access: HdfsAccess,
    private readonly patience: Patience,
  ) {}

  /** An answer of 200, or of 307 with a Location; undefined when the file does not exist. */
  async ask(path: string, query: Query, method: Method = "GET"): Promise<HttpAnswer | undefined> {
    const { hosts } = this.access;
    let failure: unknown;
    for (let turn = 0; turn < hosts.length; turn++) {
      const index = (this.active + turn) % hosts.length;
      try {
        const answer = await this.askOne(hosts[index] ?? "", path, query, method);
        this.active = index;
        return answer;
      } catch (error) {
        if (!isDwError(error) || error.errorClass !== "unreachable") throw error;
        failure = error;
      }
    }
    throw failure;
  }

  private async askOne(host: string, path: string, query: Query, method: Method): Promise<HttpAnswer | undefined> {
    const { user, secure, delegationToken } = this.access;
    const who: Query = delegationToken !== undefined ? { delegation: delegationToken } : user !== undefined ? { "user.name": user } : {};
    const search = new URLSearchParams({ ...query, ...who });
    const url = new URL(`${secure ? "https" : "http"}://${host}/webhdfs/v1${escapedPath(path)}?${search}`);
    const answer = await ask({ ...this.patience, method, url, limit: TEXT_LIMIT });
    if (answer.status === 200 || answer.status === 307) return answer;
    return refusal(answer, host, path);
  }
}

/** Reads files. A NameNode answers with the address of a DataNode, which may be dead: the next attempt asks for another. */
class Reader {
  private readonly dead = new Set<string>();

  constructor(
    private readonly nameNodes: NameNodes,
    private readonly access: HdfsAccess,
    private readonly patience: Patience,
  ) {}

  async read(path: string, start: number, length: number): Promise<Buffer | undefined> {
    const part = { op: "OPEN", offset: String(start), length: String(length) };
    const excluded = [...this.dead];
    this.dead.clear(); // all of them excluded would leave none that could have recovered
    const answer = await this.nameNodes.ask(path, excluded.length === 0 ? part : { ...part, excludedatanodes: excluded.join(",") });
    if (answer === undefined) return undefined;
    const bytes = answer.status === 200 ? answer.body : await this.follow(answer, path, length);
    if (bytes === undefined || bytes.length === length) return bytes;
    throw unreachable(`The answer for ${path} is not the part that was asked for.`, `It has ${bytes.length} bytes instead of ${length}.`);
  }

  private async follow({ headers }: HttpAnswer, path: string, length: number): Promise<Buffer | undefined> {
    const url = dataNode(headers.location, path, this.access);
    try {
      const answer = await ask({ ...this.patience, method: "GET", url, limit: Math.max(length, 1024 * 1024) });
      return answer.status === 200 ? answer.body : refusal(answer, url.host, path);
    } catch (error) {
      if (!isDwError(error) || error.errorClass !== "unreachable") throw error;
      this.dead.add(url.hostname);
      throw new DwError(error.code, {
        what: `The DataNode ${url.host} did not deliver ${path}.`,
        why: error.why,
        fix: "The NameNode names its DataNodes by their own addresses: this machine must be able to reach those.",
        cause: error,
      });
    }
  }
}

/** The path is put in anew: NameNodes of some releases escape a percent sign twice there, and DataNodes unescape once. */
function dataNode(location: string | undefined, path: string, { secure }: HdfsAccess): URL {
  const url = location !== undefined && URL.canParse(location) ? new URL(location) : undefined;
  if (url === undefined || !(url.protocol === "https:" || (url.protocol === "http:" && !secure))) {
    throw new DwError("DW-ENGINE-REFUSED", {
      what: `The NameNode names no DataNode for ${path}.`,
      why: url === undefined ? "It answered with a redirect to nowhere." : `It redirects to ${url.protocol}//${url.host}.`,
      fix: "Check that the address is that of WebHDFS.",
    });
  }
  url.pathname = `/webhdfs/v1${escapedPath(path)}`;
  return url;
}

/** Lists folders batch by batch (LISTSTATUS_BATCH, since 2.9 and 3.0), or at once where a server does not know that. */
class Lister {
  private batches = true;

  constructor(private readonly nameNodes: NameNodes) {}

  async list(path: string, again: <T>(attempt: () => Promise<T>) => Promise<T>): Promise<readonly HdfsStatus[]> {
    const found: HdfsStatus[] = [];
    for (let after: string | undefined = ""; after !== undefined; ) {
      const from: string = after;
      const batch = await again(() => this.batch(path, from));
      found.push(...batch.statuses);
      after = batch.more ? found.at(-1)?.name : undefined;
    }
    return found;
  }

  private async batch(path: string, after: string): Promise<{ statuses: readonly HdfsStatus[]; more: boolean }> {
    if (!this.batches) return this.whole(path);
    try {
      const query = { op: "LISTSTATUS_BATCH", ...(after !== "" && { startAfter: after }) };
      const answer = await this.nameNodes.ask(path, query);
      if (answer === undefined) return { statuses: [], more: false };
      const { partialListing, remainingEntries } = parsed(answer, someStatuses).DirectoryListing;
      const statuses = partialListing.FileStatuses.FileStatus.map(statusOf);
      return { statuses, more: remainingEntries > 0 && statuses.length > 0 };
    } catch (error) {
      if (after !== "" || !isDwError(error) || !error.why.includes("LISTSTATUS_BATCH")) throw error;
      this.batches = false;
      return this.whole(path);
    }
  }

  private async whole(path: string): Promise<{ statuses: readonly HdfsStatus[]; more: boolean }> {
    const answer = await this.nameNodes.ask(path, { op: "LISTSTATUS" });
    return { statuses: answer === undefined ? [] : parsed(answer, allStatuses).FileStatuses.FileStatus.map(statusOf), more: false };
  }
}

const fileStatus = z.object({
  pathSuffix: z.string(),
  type: z.enum(["FILE", "DIRECTORY", "SYMLINK"]),
  length: z.number().int().nonnegative(),
  modificationTime: z.number(),
});
const yesOrNo = z.object({ boolean: z.boolean() });
const oneStatus = z.object({ FileStatus: fileStatus });
const allStatuses = z.object({ FileStatuses: z.object({ FileStatus: z.array(fileStatus) }) });
const someStatuses = z.object({ DirectoryListing: z.object({ partialListing: allStatuses, remainingEntries: z.number() }) });
const remoteException = z.object({ RemoteException: z.object({ exception: z.string(), message: z.string().nullish() }) });

function statusOf({ pathSuffix, type, length, modificationTime }: z.infer<typeof fileStatus>): HdfsStatus {
  return { name: pathSuffix, folder: type === "DIRECTORY", size: length, modified: modificationTime };
}

function parsed<T>({ body }: HttpAnswer, schema: z.ZodType<T>): T {
  const result = schema.safeParse(json(body));
  if (result.success) return result.data;
  throw new DwError("DW-ENGINE-REFUSED", {
    what: "The server does not answer like WebHDFS.",
    why: `It said ${JSON.stringify(body.toString("utf8", 0, 100))}.`,
    fix: "Give the NameNode's HTTP address, 9870 by default, or that of an HttpFS gateway.",
  });
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

type Say = (what: { readonly host: string; readonly path: string; readonly said: string }) => DwError | undefined;

/** By RemoteException ("Error Responses" of the manual). Undefined is the answer that nothing lies there. */
const exceptions: Readonly<Record<string, Say>> = {
  FileNotFoundException: () => undefined,
  AccessControlException: ({ path, said }) => denied(path, said),
  SecurityException: ({ path, said }) => unknownUser(path, said),
  StandbyException: ({ host, said }) => unreachable(`The NameNode ${host} is on standby.`, said),
  RetriableException: ({ host, said }) => unreachable(`${host} is busy.`, said),
  SafeModeException: ({ host, said }) => unreachable(`${host} is in safe mode.`, said),
  BlockMissingException: ({ path, said }) => unreachable(`No DataNode has all blocks of ${path}.`, said),
};

/** Throws the letter of a refusal; undefined when it says that nothing lies there. */
function refusal(answer: HttpAnswer, host: string, path: string): undefined {
  const parsed = remoteException.safeParse(json(answer.body));
  const { exception, message } = parsed.data?.RemoteException ?? { exception: undefined, message: undefined };
  const said = `HTTP ${answer.status}${exception === undefined ? "" : `, ${exception}`}${message ? `: ${message.split("\n")[0]?.slice(0, 300)}` : ""}.`;
  const say = exception !== undefined && Object.hasOwn(exceptions, exception) ? exceptions[exception] : undefined;
  const error = say === undefined ? byStatus(answer, host, path, said) : say({ host, path, said });
  if (error !== undefined) throw error;
  return undefined;
}

function byStatus({ status }: HttpAnswer, host: string, path: string, said: string): DwError {
  if (status === 401) return unknownUser(path, said);
  if (status === 403 && !said.includes("Exception")) return denied(path, said);
  if (isBusy(status)) return unreachable(`${host} did not answer for ${path}.`, said);
  return new DwError("DW-ENGINE-REFUSED", {
    what: `${host} refused to answer for ${path}.`,
    why: said,
    fix: "Check that the address is that of WebHDFS, and that dfs.webhdfs.enabled is true.",
  });
}

function gone(path: string): DwError {
  return unreachable(`${path} was taken away while it was written.`, "The server says that it does not exist.");
}

function denied(path: string, said: string): DwError {
  return new DwError("DW-PERMISSION", {
    what: `${path} may not be read or written.`,
    why: said,
    fix: "Go there as another user with ?user.name=, or give this one the right to the folder.",
  });
}

function unknownUser(path: string, said: string): DwError {
  return new DwError("DW-AUTH", {
    what: `The server does not know who asks for ${path}.`,
    why: said,
    fix: "Give ?user.name=; with Kerberos, set WEBHDFS_DELEGATION_TOKEN (`hdfs fetchdt --webservice`, or GETDELEGATIONTOKEN with curl --negotiate), or read through an HttpFS gateway that accepts simple authentication, or from a copy.",
  });
}

/** Every character but slashes escaped; `;` would cut the path in some releases (HDFS-13176) if it stood there plainly. */
function escapedPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}
