import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/* A MariaDB server of its own for a test file, from Debian's mariadb-server: a real peer of the MySQL protocol. */

export interface TestMariadb {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly stop: () => Promise<void>;
}

const SERVER = ["/usr/sbin/mariadbd", "/usr/local/sbin/mariadbd"].find(existsSync);
const INSTALL = ["/usr/bin/mariadb-install-db", "/usr/local/bin/mariadb-install-db"].find(existsSync);

/** Undefined when no server can run here; the reason goes to stderr, so that a skipped test says why. */
export async function startMariadb(): Promise<TestMariadb | undefined> {
  if (SERVER === undefined || INSTALL === undefined) {
    process.stderr.write("no MariaDB server: Debian's mariadb-server is not installed\n");
    return undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), "dw-mariadb-"));
  const port = await freePort();
  const own = [`--datadir=${join(folder, "db")}`, ...(process.getuid?.() === 0 ? ["--user=root"] : [])];
  execFileSync(INSTALL, ["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", ...own], { stdio: "ignore" });
  const init = join(folder, "init.sql");
  await writeFile(
    init,
    "CREATE DATABASE w CHARACTER SET utf8mb4;\nCREATE USER dw IDENTIFIED BY 's3cret';\nGRANT ALL ON w.* TO dw;\nCREATE USER poor IDENTIFIED BY 's3cret';\n",
  );
  const child = spawn(
    SERVER,
    [
      "--no-defaults",
      ...own,
      `--port=${port}`,
      "--bind-address=127.0.0.1",
      `--socket=${join(folder, "s")}`,
      `--init-file=${init}`,
      "--skip-name-resolve",
    ],
    { stdio: "ignore" },
  );
  await listening(child, port);
  return {
    ...{ port, user: "dw", password: "s3cret", database: "w" },
    stop: async () => {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address ? address.port : 0;
}

/** The init file runs before the port is opened. */
async function listening(child: ChildProcess, port: number): Promise<void> {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`MariaDB ended with ${child.exitCode}`);
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => resolve(false));
    });
    if (open) return;
    await sleep(100);
  }
}
