import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";

/** Another process that holds an embedded folder's lock until it is killed. */
export async function holder(folder: string): Promise<number> {
  const driver = createRequire(import.meta.url).resolve("@duckdb/node-api");
  const program = `const { DuckDBInstance } = require(${JSON.stringify(driver)});
    require("node:fs").mkdirSync(${JSON.stringify(folder)}, { recursive: true });
    DuckDBInstance.create(${JSON.stringify(join(folder, "dw.lock"))}).then((held) => { globalThis.held = held; console.log("held"); setInterval(() => {}, 1000); });`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(createInterface({ input: child.stdout }), "line");
  return child.pid ?? 0;
}
