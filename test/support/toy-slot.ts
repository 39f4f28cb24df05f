import type { LiveSlot, LiveSlots } from "../../src/app/migrate/live.js";
import type { Statement } from "../../src/core/plan.js";
import type { Pg, PgSession } from "../../src/core/session.js";
import { toyEngine, toyLive } from "./toy-engine.js";

/** The `postgres` slot of an environment, served by the toy engine. `before` runs before each statement: the place to break something. */
export function toySlots(pg: Pg, before: (statement: Statement) => void | Promise<void> = () => undefined): LiveSlots {
  const inSession = async <Result>(work: (session: PgSession) => Promise<Result>): Promise<Result> => {
    const session = await pg.session();
    try {
      return await work(session);
    } finally {
      await session.close();
    }
  };
  const slot: LiveSlot = {
    slot: "postgres",
    normalize: toyEngine.normalize,
    introspect: (warehouse, wanted) => inSession((session) => toyLive.introspect(session, warehouse, wanted)),
    run: (statements, signal) =>
      inSession((session) =>
        session.transaction(async () => {
          for (const statement of statements) {
            await before(statement);
            await toyLive.execute(session, statement, signal);
          }
        }),
      ),
  };
  return new Map([["postgres", slot]]);
}
