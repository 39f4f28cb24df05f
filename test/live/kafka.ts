import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { KafkaConnection } from "../../src/core/config.js";
import { jars } from "./maven.js";
import { freePorts, startServer } from "./server.js";

/*
 * A Kafka of its own for a test file: one process that is broker and controller, with its classes from Maven Central, listening
 * without a login, with one, and with one over TLS.
 */

export interface KafkaServer {
  readonly plain: KafkaConnection;
  /** `alice` logs in with PLAIN, `bob` with SCRAM-SHA-256; the password is the name and `-secret`. */
  readonly sasl: (ssl: boolean, login: { readonly mechanism: "plain" | "scram-sha-256"; readonly username: string }) => KafkaConnection;
  /** Topic settings as the broker's own LogConfig defines them. */
  readonly settings: () => Promise<
    readonly { readonly name: string; readonly type: string; readonly validator: string; readonly internal: boolean }[]
  >;
  readonly stop: () => Promise<void>;
}

const run = promisify(execFile);

export const KAFKA_VERSIONS = ["4.4.0", "3.9.2"] as const;

/** Undefined when no Kafka can run here; the reason goes to stderr, so that a skipped test says why. */
export async function startKafka(version: (typeof KAFKA_VERSIONS)[number]): Promise<KafkaServer | undefined> {
  const coordinates = [`org.apache.kafka:kafka_2.13:${version} !org.apache.kafka:kafka-tools-api`];
  const lib = await jars({ name: `kafka-${version}`, coordinates });
  if (lib === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "dw-kafka-"));
  const port = await freePorts(4);
  const settings = join(folder, "server.properties");
  const ca = await certificate(folder);
  await writeFile(settings, properties(folder, port));
  const classes = ["-cp", `${lib}/*`];
  const { stdout: cluster } = await run("java", [...classes, "kafka.tools.StorageTool", "random-uuid"]);
  const scram = "SCRAM-SHA-256=[name=bob,password=bob-secret]";
  await run("java", [...classes, "kafka.tools.StorageTool", "format", "-t", cluster.trim(), "-c", settings, "--add-scram", scram]);
  const server = await startServer({
    command: "java",
    args: ["-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", ...classes, "kafka.Kafka", settings],
    cwd: folder,
    log: join(folder, "server.log"),
    isReady: () => answers(port),
    patienceMs: 240_000, // on a busy machine a broker needs minutes
  });
  const secret = (name: string) => ({ $secret: "env", name: `KAFKA_${name.toUpperCase()}` }) as const;
  return {
    plain: { kind: "kafka", brokers: [`127.0.0.1:${port}`] },
    sasl: (ssl, login) => ({
      kind: "kafka",
      brokers: [`localhost:${port + (ssl ? 3 : 2)}`],
      ...(ssl && { ssl: { ca } }),
      sasl: { ...login, password: secret(login.username) },
    }),
    settings: async () => {
      const { stdout } = await run("java", [...classes, new URL("./kafka/ConfigTable.java", import.meta.url).pathname]);
      return stdout
        .trim()
        .split("\n")
        .map((line) => {
          const [name = "", type = "", validator = "", internal] = line.split("\t");
          return { name, type, validator, internal: internal === "true" };
        });
    },
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const { openKafka } = await import("../../src/connections/kafka.js");
  const kafka = await openKafka({ kind: "kafka", brokers: [`127.0.0.1:${port}`] }, undefined).catch(() => undefined);
  await kafka?.close();
  return kafka !== undefined;
}

async function certificate(folder: string): Promise<string> {
  const store = ["-keystore", join(folder, "broker.p12"), "-storepass", "changeit", "-alias", "broker"];
  const names = ["-dname", "CN=localhost", "-ext", "SAN=dns:localhost,ip:127.0.0.1", "-validity", "3650"];
  await run("keytool", ["-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-storetype", "PKCS12", ...names, ...store]);
  await run("keytool", ["-exportcert", "-rfc", "-file", join(folder, "ca.pem"), ...store]);
  return readFile(join(folder, "ca.pem"), "utf8");
}

function properties(folder: string, port: number): string {
  const modules = "org.apache.kafka.common.security";
  const alice = `${modules}.plain.PlainLoginModule required user_alice="alice-secret";`;
  const scram = `${modules}.scram.ScramLoginModule required;`;
  const [plain, controller, sasl, tls] = [port, port + 1, port + 2, port + 3];
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controller}
listeners=PLAINTEXT://127.0.0.1:${plain},CONTROLLER://127.0.0.1:${controller},SASL://localhost:${sasl},TLS://localhost:${tls}
advertised.listeners=PLAINTEXT://127.0.0.1:${plain},SASL://localhost:${sasl},TLS://localhost:${tls}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL:SASL_PLAINTEXT,TLS:SASL_SSL
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256
listener.name.sasl.plain.sasl.jaas.config=${alice}
listener.name.tls.plain.sasl.jaas.config=${alice}
listener.name.sasl.scram-sha-256.sasl.jaas.config=${scram}
listener.name.tls.scram-sha-256.sasl.jaas.config=${scram}
ssl.keystore.location=${join(folder, "broker.p12")}
ssl.keystore.type=PKCS12
ssl.keystore.password=changeit
log.dirs=${join(folder, "log")}
auto.create.topics.enable=false
log.retention.check.interval.ms=3600000
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
group.initial.rebalance.delay.ms=0
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=true
super.users=User:ANONYMOUS
`;
}
