import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { MongodbConnection } from "../../src/core/config.js";
import { jars } from "./maven.js";
import { freePorts, startServer } from "./server.js";

/* A server that speaks MongoDB's protocol (de.bwaldvogel:mongo-java-server, from Maven Central), with its documents in memory. */

export interface MongoTestServer {
  readonly connection: MongodbConnection;
  readonly url: string;
  readonly stop: () => Promise<void>;
}

const MAIN = `public class Main {
  public static void main(String[] args) {
    var server = new de.bwaldvogel.mongo.MongoServer(new de.bwaldvogel.mongo.backend.memory.MemoryBackend());
    server.bind("127.0.0.1", Integer.parseInt(args[0]));
    System.out.println("READY");
  }
}
`;

/** Undefined when it cannot run here; the reason goes to stderr, so that a skipped test says why. */
export async function startMongo(): Promise<MongoTestServer | undefined> {
  const coordinates = ["de.bwaldvogel:mongo-java-server:1.47.0", "org.slf4j:slf4j-nop:2.0.16"];
  const lib = await jars({ name: "mongo-java-server-1.47.0", coordinates });
  if (lib === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "dw-mongo-"));
  const port = await freePorts(1);
  await writeFile(join(folder, "Main.java"), MAIN);
  await promisify(execFile)("javac", ["-cp", `${lib}/*`, "-d", folder, join(folder, "Main.java")]);
  const server = await startServer({
    command: "java",
    args: ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", `${folder}:${lib}/*`, "Main", String(port)],
    cwd: folder,
    log: join(folder, "server.log"),
    isReady: (log) => log.includes("READY"),
  });
  return {
    connection: { kind: "mongodb", host: "127.0.0.1", port, database: "app" },
    url: `mongodb://127.0.0.1:${port}/?directConnection=true`,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
