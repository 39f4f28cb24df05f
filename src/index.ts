/** The authoring library: what model files and dw.config.ts import. */
export * from "./model/columns.js";
export { defineConfig, env, file, vault } from "./model/config.js";
export * from "./model/define.js";
export * from "./model/layout.js";
export { sql } from "./model/sql-body.js";
