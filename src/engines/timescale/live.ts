import type { CatalogObject } from "../../core/catalog.js";
import type { LiveEngine } from "../../core/engine.js";
import type { PgSession } from "../../core/session.js";
import { execute } from "../postgres/execute.js";
import { bytesOf } from "../postgres/live.js";
import { introspect } from "./introspect.js";

export const liveTimescale = {
  introspect,
  execute: (session, statement, signal) => execute(session, statement, signal),
  bytes: (session: PgSession, object: CatalogObject) =>
    bytesOf(session, object, object.body.hypertable === undefined ? "pg_total_relation_size" : "hypertable_size"),
} satisfies LiveEngine<PgSession> & { readonly bytes: unknown };
