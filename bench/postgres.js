import { execFileSync, spawn } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/* A PostgreSQL server for benchmarks, from Debian's binaries: no parallel workers, so that one scan is counted once. */

export async function startPostgres(port) {
  const versions = existsSync("/usr/lib/postgresql") ? readdirSync("/usr/lib/postgresql").sort((a, b) => b - a) : [];
  const [version] = versions;
  if (version === undefined) throw new Error("no PostgreSQL in /usr/lib/postgresql; give --url of a server instead");
  const bin = join("/usr/lib/postgresql", version, "bin");
  const folder = mkdtempSync(join(tmpdir(), "dw-bench-pg-"));
  const root = process.getuid?.() === 0;
  if (root) execFileSync("chown", ["postgres", folder]);
  chmodSync(folder, 0o700);
  const as = root ? ["runuser", "-u", "postgres", "--"] : [];
  const run = (program, ...args) => [...as, join(bin, program), ...args];
  const cluster = join(folder, "db");
  const [initdb, ...initArgs] = run("initdb", "-D", cluster, "-U", "postgres", "--no-sync", "--auth=trust", "-E", "UTF8", "--locale=C");
  execFileSync(initdb, initArgs, { cwd: folder, stdio: "ignore" });
  const settings = { fsync: "off", shared_buffers: "1GB", work_mem: "64MB", max_parallel_workers_per_gather: "0", jit: "off" };
  const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const [server, ...serverArgs] = run("postgres", "-D", cluster, "-p", String(port), "-k", folder, "-h", "127.0.0.1", ...flags);
  const child = spawn(server, serverArgs, { cwd: folder, stdio: "ignore" });
  const pidFile = join(cluster, "postmaster.pid");
  for (let attempt = 0; ; attempt++) {
    if (existsSync(pidFile) && readFileSync(pidFile, "utf8").includes("ready")) break;
    if (attempt > 600) throw new Error("PostgreSQL did not start");
    await sleep(100);
  }
  const pid = Number(readFileSync(pidFile, "utf8").split("\n")[0]);
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      process.kill(pid, "SIGINT");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
