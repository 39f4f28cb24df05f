import type { LiveEngine } from "../../core/engine.js";
import type { PgSession } from "../../core/session.js";
import { execute } from "../postgres/execute.js";
import { introspect } from "./introspect.js";

export const liveTimescale: LiveEngine<PgSession> = {
  introspect,
  execute: (session, statement, signal) => execute(session, statement, signal),
};
