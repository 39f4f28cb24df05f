export {
  acceptedValues,
  anomaly,
  attained,
  completeSeries,
  drift,
  expected,
  freshness,
  lag,
  latency,
  messages,
  monotonic,
  noDuplicates,
  noRows,
  notNull,
  number,
  pattern,
  range,
  references,
  rowCount,
  rowsLike,
  sameAs,
  schema,
  statistic,
  textLength,
  unique,
} from "./checks/define.js";
export * from "./model/columns.js";
export { defineConfig, env, file, vault } from "./model/config.js";
export * from "./model/define.js";
export * from "./model/layout.js";
export * from "./model/postgres-objects.js";
export { sql } from "./model/sql-body.js";
export * from "./model/starrocks-objects.js";
