export { acceptedValues, freshness, noRows, notNull, number, range, references, rowCount, unique } from "./checks/define.js";
export * from "./model/columns.js";
export { defineConfig, env, file, vault } from "./model/config.js";
export * from "./model/define.js";
export * from "./model/layout.js";
export { sql } from "./model/sql-body.js";
