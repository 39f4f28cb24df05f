import { perEnv } from "dwright";

/** The teams that answer for a table. */
export const owners = { streams: "streampark-streams", warehouse: "streampark-warehouse" } as const;

/** A variable of StreamPark: filled when a job is submitted, so that no text holds a secret. */
const variable = (name: string): string => `\${${name}}`;

/** The Paimon catalog, one folder an environment. */
export const lake = {
  catalog: "paimon",
  warehouse: perEnv({
    default: "s3://streampark-prod/paimon",
    local: "file:///tmp/streampark/paimon",
    dev: "s3://streampark-dev/paimon",
    test: "s3://streampark-test/paimon",
  }),
} as const;

export const brokers = perEnv({ default: "kafka.internal:9092", dev: "kafka.dev.internal:9092", test: "kafka.test.internal:9092" });

/** One broker locally and in tests, three elsewhere: copies cannot outnumber brokers. */
export const replicas = perEnv({ default: 3, local: 1, dev: 1, test: 1 });

/** All of streampark lies in one StarRocks database. */
export const database = "streampark";
export const replication = perEnv({ default: 3, local: 1, dev: 1, test: 1 });

/** How Flink reaches the table of a model in StarRocks. */
export const starrocksSink = (table: string) => ({
  connector: "starrocks",
  properties: {
    "jdbc-url": perEnv({ default: "jdbc:mysql://starrocks.internal:9030", dev: "jdbc:mysql://starrocks.dev.internal:9030" }),
    "load-url": perEnv({ default: "starrocks.internal:8030", dev: "starrocks.dev.internal:8030" }),
    "database-name": database,
    "table-name": table,
    username: "flink",
    password: variable("STARROCKS_PASSWORD"),
    // Two-phase commit with the job's checkpoints; the label prefix must not be shared by two jobs.
    "sink.semantic": "exactly-once",
    "sink.label-prefix": `streampark_${table}`,
  },
});

/** How Flink follows a table of the shop's MySQL. */
export const mysqlSource = (table: string) => ({
  connector: "mysql-cdc",
  properties: {
    hostname: perEnv({ default: "mysql.internal", dev: "mysql.dev.internal", test: "mysql.test.internal" }),
    username: "flink_cdc",
    password: variable("MYSQL_PASSWORD"),
    "database-name": "shop",
    "table-name": table,
    "server-time-zone": "UTC",
  },
});

/** Every job keeps its last three checkpoints; StreamPark keeps as many savepoints. */
export const jobSettings = { "state.checkpoints.num-retained": "3", "execution.checkpointing.mode": "EXACTLY_ONCE" } as const;

/** What an order passes on its way. */
export const orderStates = ["created", "paid", "shipped", "completed", "cancelled"] as const;
