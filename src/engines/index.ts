import type { Engine } from "../core/engine.js";
import type { EngineName } from "../core/types.js";
import { duckdb } from "./duckdb/index.js";
import { flink } from "./flink/index.js";
import { hive } from "./hive/index.js";
import { iceberg } from "./iceberg/index.js";
import { kafka } from "./kafka/index.js";
import { paimon } from "./paimon/index.js";
import { postgres } from "./postgres/index.js";
import { starrocks } from "./starrocks/index.js";
import { timescale } from "./timescale/index.js";

/** Every engine, by name. One line each. */
export const engines: ReadonlyMap<EngineName, Engine> = new Map(
  [duckdb, flink, hive, iceberg, kafka, paimon, postgres, starrocks, timescale].map((engine) => [engine.name, engine]),
);
