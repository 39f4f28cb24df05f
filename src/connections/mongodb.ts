import {
  BSON,
  type Db,
  MongoClient,
  type MongoClientOptions,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
} from "mongodb";
import type { MongodbConnection } from "../core/config.js";
import { DwError, isDwError } from "../core/errors.js";
import type { Mongo, MongoQuestion } from "../core/session.js";

/* MongoDB by its own driver. Documents stay BSON: sources/mongodb reads the bytes, so that no value passes through JavaScript's types. */

const PORT = 27017;
const PATIENCE_MS = 10_000;
/** Milliseconds without a byte. */
const SILENCE_MS = 300_000;

/** Throws DW-CONNECT, DW-AUTH. */
export async function openMongo(connection: MongodbConnection, password: string | undefined): Promise<Mongo> {
  const { host, port = PORT, database, srv = false, others = [] } = connection;
  const servers = srv ? host : [`${host}:${port}`, ...others].join(",");
  const place = `${srv ? host : `${host}:${port}`}/${database}`;
  const client = new MongoClient(`mongodb${srv ? "+srv" : ""}://${servers}/`, options(connection, password));
  const asked = <Result>(work: () => Promise<Result>): Promise<Result> =>
    work().catch((error: unknown) => {
      throw letter(error, place);
    });
  try {
    const db = client.db(database);
    await asked(() => db.command({ ping: 1 }));
    const { version } = await asked(() => db.command({ buildInfo: 1 }));
    return {
      version: String(version),
      place,
      collections: () => asked(() => collections(db)),
      size: (collection) => asked(() => sizeOf(db, collection)),
      find: (collection, question, signal) => find(db, collection, question, place, signal),
      close: () => client.close(),
    };
  } catch (error) {
    await client.close();
    throw error;
  }
}

function options({ user, authSource, replicaSet, ssl, srv }: MongodbConnection, password: string | undefined): MongoClientOptions {
  const tls = ssl === undefined ? {} : { tls: ssl !== false };
  const { ca, rejectUnauthorized = true } = typeof ssl === "object" ? ssl : {};
  return {
    ...tls,
    ...(ca !== undefined && { ca }),
    ...(!rejectUnauthorized && { rejectUnauthorized }),
    ...(user !== undefined && { auth: { username: user, ...(password !== undefined && { password }) }, authSource: authSource ?? "admin" }),
    ...(replicaSet !== undefined ? { replicaSet } : srv ? {} : { directConnection: true }),
    serverSelectionTimeoutMS: PATIENCE_MS,
    connectTimeoutMS: PATIENCE_MS,
    socketTimeoutMS: SILENCE_MS,
    appName: "dw",
  };
}

async function collections(db: Db): Promise<readonly string[]> {
  const found = await db.listCollections({}, { nameOnly: true }).toArray();
  return found
    .map(({ name }) => name)
    .filter((name) => !name.startsWith("system."))
    .sort();
}

async function sizeOf(db: Db, collection: string): Promise<{ documents: number; bytes: number }> {
  const { count = 0, size = 0 } = await db.command({ collStats: collection });
  return { documents: Number(count), bytes: Number(size) };
}

async function* find(
  db: Db,
  collection: string,
  question: MongoQuestion,
  place: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly Uint8Array[]> {
  const { filter, fields, byId, skip, limit } = question;
  // EJSON keeps every type of a value that was a document's: what is parsed is what the server sent.
  const wanted = filter === undefined ? {} : BSON.EJSON.parse(filter, { relaxed: false });
  const projection = fields && { _id: fields.includes("_id") ? 1 : 0, ...Object.fromEntries(fields.map((field) => [field, 1])) };
  const cursor = db.collection(collection).find(wanted, {
    raw: true,
    ...(projection && { projection }),
    ...(byId !== undefined && { sort: { _id: byId } }),
    ...(skip !== undefined && { skip }),
    ...(limit !== undefined && { limit }),
  });
  try {
    for (;;) {
      signal?.throwIfAborted();
      const first = (await cursor.next()) as unknown as Uint8Array | null; // with `raw`, documents are their bytes
      if (first === null) return;
      yield [first, ...(cursor.readBufferedDocuments() as unknown as Uint8Array[])]; // as above
    }
  } catch (error) {
    throw letter(error, place);
  } finally {
    await cursor.close().catch(() => {});
  }
}

const CODES: Readonly<Record<number, "DW-AUTH" | "DW-PERMISSION">> = { 13: "DW-PERMISSION", 18: "DW-AUTH", 8000: "DW-AUTH" };

function letter(error: unknown, place: string): unknown {
  if (isDwError(error)) return error;
  const why = error instanceof Error ? `${error.message}.` : String(error);
  if (error instanceof MongoServerSelectionError || error instanceof MongoNetworkError)
    return new DwError("DW-CONNECT", {
      what: `MongoDB at ${place} cannot be reached, or closed the connection.`,
      why,
      fix: "Check host, port, TLS, firewall and that the server runs, then run again.",
      cause: error,
    });
  if (!(error instanceof MongoServerError)) return error;
  const code = CODES[Number(error.code)] ?? "DW-ENGINE-REFUSED";
  return new DwError(code, {
    what: code === "DW-AUTH" ? `MongoDB at ${place} refused the user or password.` : `MongoDB at ${place} refused a request.`,
    why,
    fix:
      code === "DW-ENGINE-REFUSED"
        ? "Read what the server says; its code is that of its manual."
        : "Check user, password, authSource and roles (read).",
    cause: error,
  });
}
