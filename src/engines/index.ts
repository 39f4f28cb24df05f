import type { Engine } from "../core/engine.js";
import type { EngineName } from "../core/types.js";
import { duckdb } from "./duckdb/index.js";
import { hive } from "./hive/index.js";
import { kafka } from "./kafka/index.js";
import { postgres } from "./postgres/index.js";
import { starrocks } from "./starrocks/index.js";
import { timescale } from "./timescale/index.js";

/** Every engine, by name. One line each. */
export const engines: ReadonlyMap<EngineName, Engine> = new Map(
  [duckdb, hive, kafka, postgres, starrocks, timescale].map((engine) => [engine.name, engine]),
);
