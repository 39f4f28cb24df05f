import type { CatalogObject } from "../../core/catalog.js";
import type { LiveEngine } from "../../core/engine.js";
import type { PgSession } from "../../core/session.js";
import { id, lit } from "./dialect.js";
import { execute } from "./execute.js";
import { introspect } from "./introspect.js";

/** `size` is an SQL function of a relation; NULL where it is none. */
export async function bytesOf(session: PgSession, { name }: CatalogObject, size: string): Promise<number | undefined> {
  const relation = `to_regclass(${lit(id(...name).text).text})`;
  const [row] = await session.query<{ bytes: string | null }>(`SELECT ${size}(${relation})::text AS bytes`);
  return row?.bytes == null ? undefined : Number(row.bytes);
}

export const livePostgres = {
  introspect: (session, warehouse, wanted) => introspect(session, warehouse, wanted),
  execute: (session, statement, signal) => execute(session, statement, signal),
  bytes: (session: PgSession, object: CatalogObject) => bytesOf(session, object, "pg_total_relation_size"),
} satisfies LiveEngine<PgSession> & { readonly bytes: unknown };
