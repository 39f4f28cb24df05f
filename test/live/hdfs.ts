import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { freePorts, startServer } from "./server.js";

/*
 * An HDFS of its own for a test file: a NameNode and a DataNode in one Java process, their classes from Maven Central, kept
 * in the temporary folder.
 */

export interface HdfsServer {
  /** `127.0.0.1:port` of WebHDFS. */
  readonly host: string;
  /** Who owns the file system; others are subject to permissions. */
  readonly user: string;
  readonly put: (path: string, body: Uint8Array) => Promise<void>;
  /** Any other operation with PUT: `SETPERMISSION`, … */
  readonly change: (path: string, query: Readonly<Record<string, string>>) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const sources = new URL("./hdfs/", import.meta.url).pathname;

/** Undefined when no HDFS can run here; the reason goes to stderr, so that a skipped test says why. */
export async function startHdfs(): Promise<HdfsServer | undefined> {
  const classes = await installed();
  if (classes === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "dw-hdfs-"));
  const first = await freePorts(5);
  for (const web of ["hdfs", "datanode", "static"]) await mkdir(join(folder, "web", "webapps", web), { recursive: true });
  const classPath = [join(classes, "classes"), join(folder, "web"), join(classes, "lib", "*")].join(":");
  const user = "dw-owner";
  const server = await startServer({
    command: "java",
    args: [
      "-Xmx256m",
      "-XX:+UseSerialGC",
      "--add-opens=java.base/java.lang=ALL-UNNAMED",
      "-cp",
      classPath,
      "Cluster",
      folder,
      String(first),
    ],
    env: { HADOOP_USER_NAME: user },
    cwd: folder,
    log: join(folder, "server.log"),
    isReady: (log) => log.includes("READY"),
  });
  const host = `127.0.0.1:${first + 1}`;
  const address = (path: string, query: Readonly<Record<string, string>>): URL =>
    new URL(
      `http://${host}/webhdfs/v1${path.split("/").map(encodeURIComponent).join("/")}?${new URLSearchParams({ ...query, "user.name": user })}`,
    );
  return {
    host,
    user,
    put: async (path, body) => {
      const asked = await put(address(path, { op: "CREATE", overwrite: "true" }));
      await put(new URL(String(asked.headers.location)), body);
    },
    change: async (path, query) => void (await put(address(path, query))),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function put(url: URL, body?: Uint8Array): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "PUT" }, (answer) => {
      answer.resume();
      answer.once("end", () => {
        if ((answer.statusCode ?? 500) < 400) resolve(answer);
        else reject(new Error(`PUT ${url}: HTTP ${answer.statusCode}`));
      });
    });
    sent.once("error", reject);
    sent.end(body);
  });
}

async function installed(): Promise<string | undefined> {
  const files = ["pom.xml", "Cluster.java"];
  const version = createHash("sha256")
    .update(files.map((file) => readFileSync(join(sources, file))).join(""))
    .digest("hex")
    .slice(0, 12);
  const home = join(tmpdir(), "dw-servers", `hdfs-${version}`);
  const building = `${home}-${process.pid}`;
  const run = (command: string, ...args: string[]) => promisify(execFile)(command, args, { cwd: building });
  try {
    await promisify(execFile)("java", ["-version"]);
    if (existsSync(home)) return home;
    await mkdir(join(building, "classes"), { recursive: true });
    for (const file of files) await copyFile(join(sources, file), join(building, file));
    const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
    await run("mvn", "-B", "-q", copy, "-DoutputDirectory=lib", "-DincludeScope=runtime");
    await run("javac", "-cp", "lib/*", "-d", "classes", "Cluster.java");
    await rename(building, home);
    return home;
  } catch (error) {
    process.stderr.write(`no HDFS: it cannot be fetched and compiled (${error instanceof Error ? error.message.slice(0, 300) : error})\n`);
    return undefined;
  }
}
