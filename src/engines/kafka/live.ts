import type { LiveEngine } from "../../core/engine.js";
import type { Kafka } from "../../core/session.js";
import { execute } from "./execute.js";
import { introspect } from "./introspect.js";

export const liveKafka: LiveEngine<Kafka> = { introspect, execute };
