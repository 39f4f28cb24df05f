import { defineConfig, env } from "dwright";

/** The reference warehouses of this repository, on this machine. */
export default defineConfig({
  environments: {
    local: { embedded: ".dw/local" },
    prod: {
      slots: { starrocks: "starrocks", timescale: "timescale", kafka: "kafka" },
      state: "timescale",
      connections: {
        starrocks: { kind: "starrocks", host: "starrocks.internal", user: "dw", password: env("SR_PASSWORD") },
        timescale: { kind: "postgres", host: "timescale.internal", database: "warehouse", user: "dw", password: env("TS_PASSWORD") },
        kafka: { kind: "kafka", brokers: ["kafka.internal:9092"] },
      },
    },
  },
});
