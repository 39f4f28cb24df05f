import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { type OddAnswer, oddServer, says } from "../support/odd-server.js";

const bin = fileURLToPath(new URL("../../bin/run.js", import.meta.url));
const content = "id\n1\n2\n";

/** Two files, of which the second comes once, for its header, and then never again. */
const bucket: OddAnswer = (question, answer) => {
  const url = new URL(question.url ?? "", "http://bucket");
  const object = (name: string): string => `<Contents><Key>t/${name}</Key><ETag>e</ETag><Size>${content.length}</Size></Contents>`;
  const listing = `<ListBucketResult><IsTruncated>false</IsTruncated>${object("a.csv")}${object("b.csv")}</ListBucketResult>`;
  if (url.searchParams.has("list-type")) return says(200, listing)(question, answer);
  if (question.method === "HEAD") return says(404)(question, answer); // of the glob, which is no file
  if (url.pathname.endsWith("b.csv") && headerWasRead) return undefined;
  headerWasRead ||= url.pathname.endsWith("b.csv");
  const range = { "Content-Range": `bytes 0-${content.length - 1}/${content.length}`, ETag: "e" };
  return says(206, content, range)(question, answer);
};
let headerWasRead = false;

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
] as const)("%s while a file is fetched: the run ends, and no copy stays", async (signal, code) => {
  headerWasRead = false;
  const server = await oddServer(bucket);
  const folder = await mkdtemp(join(tmpdir(), "dw-cut-"));
  const credentials = { AWS_ACCESS_KEY_ID: "key", AWS_SECRET_ACCESS_KEY: "secret", AWS_ENDPOINT_URL: `http://${server.host}` };
  const child = spawn(process.execPath, [bin, "cat", "csv:s3://b/t/*.csv"], {
    env: { PATH: process.env.PATH, TMPDIR: folder, ...credentials },
    stdio: "ignore",
  });
  try {
    const reads = (): number => server.asked.filter((line) => line === "GET /b/t/b.csv").length;
    while (reads() < 2 && child.exitCode === null) await sleep(20);
    const ended = once(child, "exit");
    child.kill(signal);
    expect((await ended)[0]).toBe(code);
    expect(await readdir(folder)).toEqual([]);
  } finally {
    child.kill("SIGKILL");
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
});
