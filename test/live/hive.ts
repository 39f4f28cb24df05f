import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HiveConnection } from "../../src/core/config.js";
import { jars } from "./maven.js";
import { freePorts, startServer } from "./server.js";

/* A HiveServer2 of its own for a test file, with its metastore in an embedded Derby; the classes come from Maven Central. */

export interface HiveTestServer {
  readonly connection: HiveConnection;
  /** Where tables without a location of their own lie. */
  readonly folder: string;
  readonly stop: () => Promise<void>;
}

const VERSION = "4.0.1";
const HADOOP = "3.3.6";
const HEAVY = [
  ...["org.pac4j:*", "org.pentaho:*", "org.apache.hbase:*", "org.apache.solr:*"],
  ...["org.apache.hive:hive-llap-server", "org.apache.hadoop:hadoop-client-api"],
  "com.google.protobuf:protobuf-java", // hive-exec carries a newer one, which ORC needs
];
const WITHOUT = HEAVY.map((one) => `!${one}`).join(" ");

const CLASSES = {
  name: `hive-${VERSION}`,
  coordinates: [
    `org.apache.hive:hive-service:${VERSION} ${WITHOUT}`,
    "org.datanucleus:datanucleus-api-jdo:5.2.8",
    "org.datanucleus:datanucleus-rdbms:5.2.10",
    "org.datanucleus:javax.jdo:3.2.0-release",
    `org.apache.hadoop:hadoop-hdfs:${HADOOP} !com.google.protobuf:protobuf-java`,
    `org.apache.hadoop:hadoop-mapreduce-client-jobclient:${HADOOP} !com.google.protobuf:protobuf-java`,
    `org.apache.hadoop:hadoop-mapreduce-client-common:${HADOOP} !com.google.protobuf:protobuf-java`,
  ],
};

const OPENED = [
  ...["java.lang", "java.lang.reflect", "java.lang.invoke", "java.util", "java.util.concurrent", "java.util.concurrent.atomic"],
  ...["java.net", "java.nio", "java.io", "java.time", "java.text", "java.math", "java.util.regex"],
];

/** Undefined when no Hive can run here; the reason goes to stderr, so that a skipped test says why. */
export async function startHive(): Promise<HiveTestServer | undefined> {
  const lib = await jars(CLASSES);
  if (lib === undefined) return undefined;
  const folder = await mkdtemp(join(tmpdir(), "dw-hive-"));
  const port = await freePorts(1);
  for (const name of ["warehouse", "conf", "tmp", "bin", "scratch"]) await mkdir(join(folder, name), { mode: 0o777 });
  for (const site of ["hive-site.xml", "core-site.xml"]) await writeFile(join(folder, "conf", site), siteXml(folder, port));
  await writeFile(join(folder, "conf", "log4j2.properties"), LOGGING);
  const opens = OPENED.map((name) => `--add-opens=java.base/${name}=ALL-UNNAMED`);
  const server = await startServer({
    command: "java",
    args: [
      ...["-Xmx640m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", ...opens, "--add-opens=java.sql/java.sql=ALL-UNNAMED"],
      ...[`-Dhadoop.home.dir=${folder}`, `-Dderby.system.home=${folder}`, `-Djava.io.tmpdir=${join(folder, "tmp")}`],
      ...[`-Dlog4j.configurationFile=${join(folder, "conf", "log4j2.properties")}`],
      ...["-cp", `${join(folder, "conf")}:${lib}/*`, "org.apache.hive.service.server.HiveServer2"],
    ],
    env: { HADOOP_HOME: folder, HADOOP_CONF_DIR: join(folder, "conf"), HIVE_CONF_DIR: join(folder, "conf") },
    cwd: folder,
    log: join(folder, "server.log"),
    isReady: () => answers(port),
    patienceMs: 180_000,
  });
  return {
    connection: { kind: "hive", host: "127.0.0.1", port, sasl: false },
    folder,
    stop: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const { openHive } = await import("../../src/connections/hive.js");
  const hive = await openHive({ kind: "hive", host: "127.0.0.1", port, sasl: false }, undefined).catch(() => undefined);
  await hive?.close();
  return hive !== undefined;
}

const LOGGING = `status=error
appender.c.type=Console
appender.c.name=c
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=%d %p %c{1} %m%n%throwable{8}
rootLogger.level=error
rootLogger.appenderRef.c.ref=c
`;

function siteXml(folder: string, port: number): string {
  const properties = Object.entries(settings(folder, port)).map(
    ([name, value]) => `<property><name>${name}</name><value>${value}</value></property>`,
  );
  return `<configuration>\n${properties.join("\n")}\n</configuration>\n`;
}

function settings(folder: string, port: number): Record<string, string | number | boolean> {
  return {
    "javax.jdo.option.ConnectionURL": `jdbc:derby:;databaseName=${folder}/metastore_db;create=true`,
    "javax.jdo.option.ConnectionDriverName": "org.apache.derby.jdbc.EmbeddedDriver",
    "datanucleus.schema.autoCreateAll": true,
    "hive.metastore.schema.verification": false,
    "hive.metastore.event.db.notification.api.auth": false,
    "hive.metastore.warehouse.dir": `file://${folder}/warehouse`,
    "hive.metastore.warehouse.external.dir": `file://${folder}/warehouse-ext`,
    "hive.server2.thrift.bind.host": "127.0.0.1",
    "hive.server2.thrift.port": port,
    "hive.server2.authentication": "NOSASL",
    "hive.server2.enable.doAs": false,
    "hive.server2.webui.port": -1,
    "hive.server2.active.passive.ha.enable": false,
    "hive.server2.materializedviews.registry.impl": "DUMMY",
    "hive.server2.metrics.enabled": false,
    "hive.execution.engine": "mr",
    "hive.exec.scratchdir": `file://${folder}/scratch`,
    "hive.exec.local.scratchdir": `${folder}/scratch/local`,
    "hive.downloaded.resources.dir": `${folder}/scratch/res`,
    "hive.querylog.location": `${folder}/tmp`,
    "hive.server2.logging.operation.log.location": `${folder}/tmp/oplog`,
    "hive.exec.mode.local.auto": true,
    "hive.fetch.task.conversion": "more",
    "hive.stats.autogather": false,
    "hive.stats.column.autogather": false,
    "hive.support.concurrency": false,
    "hive.txn.manager": "org.apache.hadoop.hive.ql.lockmgr.DummyTxnManager",
    "hive.notification.event.poll.interval": "0s",
    "hive.scheduled.queries.executor.enabled": false,
    "hive.compactor.initiator.on": false,
    "hive.async.log.enabled": false,
    "tez.local.mode": true,
    "mapreduce.framework.name": "local",
    "fs.defaultFS": "file:///",
    "hadoop.tmp.dir": `${folder}/tmp`,
    "metastore.metrics.enabled": false,
    "hive.security.authorization.enabled": false,
    "hive.strict.managed.tables": false,
    "metastore.create.as.acid": false,
  };
}
