import type { LiveEngine } from "../../core/engine.js";
import type { MysqlSession } from "../../core/session.js";
import { execute } from "./execute.js";
import { introspect } from "./introspect.js";
import { JOB_PATIENCE } from "./jobs.js";

export const liveStarrocks: LiveEngine<MysqlSession> = {
  introspect: (session, warehouse, wanted) => introspect(session, warehouse, wanted),
  execute: (session, statement, signal, say) => execute(session, statement, signal, { ...JOB_PATIENCE, ...(say && { say }) }),
};
