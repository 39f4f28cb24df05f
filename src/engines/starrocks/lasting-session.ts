import { isDwError } from "../../core/errors.js";
import type { MysqlSession } from "../../core/session.js";

/**
 * A session that outlives its connection: what was lost is said once, and the next statement opens another. For statements
 * that may be repeated, and none that leaves anything in the session but what `connect` does.
 */
export function lastingSession(connect: () => Promise<MysqlSession>): MysqlSession {
  let open: Promise<MysqlSession> | undefined;
  const use = async <Result>(work: (session: MysqlSession) => Promise<Result>): Promise<Result> => {
    open ??= connect();
    const mine = open;
    try {
      return await work(await mine);
    } catch (error) {
      if (isDwError(error) && error.errorClass === "unreachable" && open === mine) open = undefined;
      throw error;
    }
  };
  return {
    query: (sql) => use((session) => session.query(sql)),
    ask: (sql) => use((session) => session.ask(sql)),
    close: async () => {
      const last = open;
      open = undefined;
      await (await last?.catch(() => undefined))?.close();
    },
  };
}
