import { perEnv } from "dwright";

/** The teams that answer for a table. */
export const owners = { ingestion: "flow360-ingestion", warehouse: "flow360-warehouse" } as const;

/** The lake's database in Hive; its files lie below this folder. */
export const lake = "flow360_lake";
export const lakeRoot = (table: string) => perEnv({ default: `hdfs:///lake/flow360/${table}`, local: `file:///tmp/flow360/${table}` });

/** The star schema and the marts in PostgreSQL. */
export const star = "star";
export const marts = "marts";

/** One broker locally and in tests, three elsewhere: copies cannot outnumber brokers. */
export const replicas = perEnv({ default: 3, local: 1, dev: 1, test: 1 });
export const inSync = perEnv({ default: 2, local: 1, dev: 1, test: 1 });

/** What an order passes on its way. */
export const orderStates = ["placed", "paid", "shipped", "delivered", "cancelled", "returned"] as const;

/** Where a customer came from. */
export const channels = ["web", "app", "store", "partner"] as const;
