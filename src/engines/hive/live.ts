import type { LiveEngine } from "../../core/engine.js";
import type { HiveSession } from "../../core/session.js";
import { execute } from "./execute.js";
import { introspect } from "./introspect.js";

export const liveHive: LiveEngine<HiveSession> = { introspect, execute };
