import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { AwsClient } from "aws4fetch";
import type { S3Access } from "../../src/connections/s3.js";
import { freePorts, startServer } from "./server.js";

/*
 * An S3 server of its own for a test file: MinIO, built once by the Go tool chain (some minutes) and kept in the temporary
 * folder, or the binary that MINIO_BIN names.
 */

export interface MinioServer {
  readonly access: S3Access;
  readonly createBucket: (bucket: string) => Promise<void>;
  readonly put: (bucket: string, key: string, body: Uint8Array) => Promise<void>;
  readonly stop: () => Promise<void>;
}

const home = join(tmpdir(), "dw-servers", "minio");

/** Undefined when no server can run here; the reason goes to stderr, so that a skipped test says why. */
export async function startMinio(): Promise<MinioServer | undefined> {
  const binary = await installed();
  if (binary === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "dw-minio-"));
  const port = await freePorts(1);
  const endpoint = `http://127.0.0.1:${port}`;
  const user = { accessKeyId: "dw-test", secretAccessKey: "dw-test-secret" };
  const server = await startServer({
    command: binary,
    args: ["server", "--quiet", "--address", `127.0.0.1:${port}`, join(folder, "objects")],
    env: {
      MINIO_ROOT_USER: user.accessKeyId,
      MINIO_ROOT_PASSWORD: user.secretAccessKey,
      MINIO_BROWSER: "off",
      MINIO_UPDATE: "off",
      HOME: folder,
    },
    cwd: folder,
    log: join(folder, "server.log"),
    isReady: () =>
      fetch(`${endpoint}/minio/health/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
  });
  const client = new AwsClient({ ...user, service: "s3", region: "us-east-1" });
  const send = async (path: string, body?: Uint8Array): Promise<void> => {
    // A copy over an ArrayBuffer, which fetch wants by its type.
    const answer = await client.fetch(`${endpoint}/${path}`, { method: "PUT", ...(body && { body: new Uint8Array(body) }) });
    if (!answer.ok) throw new Error(`PUT ${path}: HTTP ${answer.status} ${await answer.text()}`);
  };
  return {
    access: { endpoint, region: "us-east-1", ...user },
    createBucket: (bucket) => send(bucket),
    put: (bucket, key, body) => send(`${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`, body),
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function installed(): Promise<string | undefined> {
  const named = process.env.MINIO_BIN;
  if (named) return named;
  const binary = join(home, "minio");
  if (existsSync(binary)) return binary;
  try {
    await mkdir(home, { recursive: true });
    process.stderr.write("building MinIO, once; this takes some minutes\n");
    // Not the synchronous one: it would keep Vitest from hearing of this worker for minutes.
    await promisify(execFile)("go", ["install", "github.com/minio/minio@latest"], { env: { ...process.env, GOBIN: home } });
    return binary;
  } catch (error) {
    process.stderr.write(`no S3 server: MinIO cannot be built by go (${error instanceof Error ? error.message.slice(0, 300) : error})\n`);
    return undefined;
  }
}
