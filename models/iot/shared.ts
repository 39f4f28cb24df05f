import { perEnv } from "dwright";

/** The teams that answer for a table. */
export const owners = { devices: "iot-devices", platform: "iot-platform" } as const;

/** One broker locally and in tests, three elsewhere: copies cannot outnumber brokers. */
export const replicas = perEnv({ default: 3, local: 1, dev: 1, test: 1 });

/** Raw readings stay for 90 days; the hourly aggregate keeps the history. Test environments need a month. */
export const rawRetention = perEnv({ default: "90 days", dev: "30 days", test: "30 days" });

/** What a reading passes on its way, in order; the latency columns of pipeline_kpi are named after them. */
export const stages = ["ingest", "queue", "process", "store"] as const;
