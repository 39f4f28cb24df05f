import type { LiveEngine } from "../../core/engine.js";
import type { MysqlSession } from "../../core/session.js";
import { execute } from "./execute.js";
import { introspect } from "./introspect.js";

export const liveStarrocks: LiveEngine<MysqlSession> = {
  introspect: (session, warehouse, wanted) => introspect(session, warehouse, wanted),
  execute: (session, statement, signal) => execute(session, statement, signal),
};
