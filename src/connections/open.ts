import { resolve } from "node:path";
import type {
  Connection,
  ConnectionKind,
  HiveConnection,
  KafkaConnection,
  MongodbConnection,
  MysqlConnection,
  SecretReference,
  StarrocksConnection,
} from "../core/config.js";
import type { ResolvedEnvironment, SlotBinding } from "../core/environment.js";
import { DwError } from "../core/errors.js";
import type { DuckDb, Hive, Kafka, Mongo, MysqlServer, Pg } from "../core/session.js";
import type { EngineName } from "../core/types.js";
import { type Embedded, openEmbedded } from "./embedded.js";
import { resolveSecret, type SecretSources } from "./secrets.js";
import type { StreamLoadServer } from "./stream-load.js";

/** An open database, by how one talks to it. `emulates`: DuckDB executes what that engine would. */
export type OpenConnection =
  | { readonly kind: "pg"; readonly pg: Pg; readonly embedded: boolean }
  | { readonly kind: "duckdb"; readonly duckdb: DuckDb; readonly embedded: boolean; readonly emulates?: EngineName }
  /** `http`: where StarRocks takes Stream Loads. */
  | { readonly kind: "mysql"; readonly mysql: MysqlServer; readonly server: "starrocks" | "mysql"; readonly http?: StreamLoadServer }
  | { readonly kind: "kafka"; readonly kafka: Kafka }
  /** `files`: beginnings of tables' locations, and the address at which such files are written. */
  | { readonly kind: "hive"; readonly hive: Hive; readonly files?: Readonly<Record<string, string>> }
  | { readonly kind: "mongodb"; readonly mongo: Mongo };

/** The databases of one environment. Each is opened when it is first asked for, once, and closed with the rest. */
export interface Connections {
  readonly environment: ResolvedEnvironment;
  /** What serves an engine slot. DW-SLOT-UNBOUND, DW-SECRET-MISSING, DW-CONNECT, DW-AUTH, DW-LOCKED, DW-CONNECTION-UNSUPPORTED. */
  readonly slot: (engine: EngineName) => Promise<OpenConnection>;
  /** A connection by its name in dw.config.ts: `pgsource:public.orders`. */
  readonly named: (name: string) => Promise<OpenConnection>;
  /** Where locks, journal, ledger and history live. DW-STATE-MISSING. */
  readonly state: () => Promise<OpenConnection>;
  /** The value behind a reference, for a statement that is about to be sent. DW-SECRET-MISSING. */
  readonly secret: (reference: SecretReference) => Promise<string>;
  readonly close: () => Promise<void>;
}

/** `sources.root` is the project's folder; embedded folders and database files are relative to it. */
export function openConnections(environment: ResolvedEnvironment, sources: SecretSources): Connections {
  const opened = new Map<string, Promise<OpenConnection>>();
  const closers: (() => Promise<void>)[] = [];
  const once = (key: string, open: () => Promise<OpenConnection>): Promise<OpenConnection> => {
    const connection = opened.get(key) ?? open();
    opened.set(key, connection);
    return connection;
  };

  let folder: Embedded | undefined;
  const embedded = (): Embedded => {
    folder ??= openEmbedded(resolve(sources.root, environment.embedded ?? ""));
    return folder;
  };
  const byName = (name: string, connection: Connection): Promise<OpenConnection> =>
    once(`connection ${name}`, async () => {
      const open = await openConnection(name, connection, sources);
      closers.push(() => closable(open).close());
      return open;
    });
  const byBinding = async (binding: SlotBinding): Promise<OpenConnection> => {
    if (binding.by === "connection") return byName(binding.name, binding.connection);
    if (binding.store === "pglite") return { kind: "pg", pg: await embedded().pglite(), embedded: true };
    const duckdb = await embedded().duckdb(binding.file);
    return { kind: "duckdb", duckdb, embedded: true, ...(binding.emulates && { emulates: binding.emulates }) };
  };
  return {
    environment,
    slot: async (engine) => byBinding(environment.slot(engine)),
    named: async (name) => byName(name, environment.connection(name)),
    state: async () => byBinding(environment.state()),
    secret: async (reference) => {
      const value = await resolveSecret(reference, sources);
      sources.redactor.add(value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')); // as a statement has it, should it fail
      return value;
    },
    close: async () => {
      for (const close of closers.splice(0).reverse()) await close();
      await folder?.close();
      opened.clear();
      folder = undefined;
    },
  };
}

function closable(open: OpenConnection): { readonly close: () => Promise<void> } {
  switch (open.kind) {
    case "pg":
      return open.pg;
    case "duckdb":
      return open.duckdb;
    case "mysql":
      return open.mysql;
    case "kafka":
      return open.kafka;
    case "hive":
      return open.hive;
    case "mongodb":
      return open.mongo;
  }
}

/** Connections whose rows dw reads and writes with SQL. */
export type RowServer = Extract<OpenConnection, { readonly kind: "pg" | "duckdb" }>;

/** The connection, where it is one whose rows dw reads and writes. Throws DW-CONNECTION-UNSUPPORTED; `work` completes "does not …". */
export function rowServer(open: OpenConnection, work: string): RowServer {
  if (open.kind === "pg" || open.kind === "duckdb") return open;
  throw new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `This version of dw does not ${work} over a ${open.kind === "mysql" ? open.server : open.kind} connection.`,
    why: "It opens the connection for migrations and comparisons only.",
    fix: "Use a connection of kind postgres, pglite or duckdb for this.",
  });
}

const HTTP_PORT = 8030;
const DEFAULT_PORTS = { starrocks: 9030, mysql: 3306 } as const;

async function openConnection(name: string, connection: Connection, sources: SecretSources): Promise<OpenConnection> {
  switch (connection.kind) {
    case "postgres": {
      const { openPg } = await import("./pg.js");
      const password = connection.password && (await resolveSecret(connection.password, sources));
      return { kind: "pg", pg: await openPg(connection, password), embedded: false };
    }
    case "pglite": {
      const { openPglite } = await import("./pglite.js");
      return { kind: "pg", pg: await openPglite(resolve(sources.root, connection.path)), embedded: true };
    }
    case "duckdb": {
      const { openDuckDb } = await import("./duckdb.js");
      const { kind: _, path, ...limits } = connection;
      return { kind: "duckdb", duckdb: await openDuckDb({ path: resolve(sources.root, path), ...limits }), embedded: true };
    }
    case "starrocks":
    case "mysql":
      return mysqlServer(connection, sources);
    case "kafka":
      return kafkaCluster(connection, sources);
    case "hive":
      return hiveServer(connection, sources);
    case "mongodb":
      return mongoServer(connection, sources);
    default:
      throw unsupported(name, connection.kind);
  }
}

async function mysqlServer(connection: StarrocksConnection | MysqlConnection, sources: SecretSources): Promise<OpenConnection> {
  const { openMysqlServer } = await import("./mysql.js");
  const password = connection.password && (await resolveSecret(connection.password, sources));
  const { host, port = DEFAULT_PORTS[connection.kind], user, ssl } = connection;
  const place = { host, port, user, ...(password !== undefined && { password }), ...(ssl !== undefined && { ssl }) };
  const database = connection.kind === "mysql" ? { database: connection.database } : {};
  const mysql = await openMysqlServer(connection.kind, { ...place, ...database });
  if (connection.kind === "mysql") return { kind: "mysql", mysql, server: "mysql" };
  const http = { host, port: connection.httpPort ?? HTTP_PORT, user, ...(password !== undefined && { password }) };
  return { kind: "mysql", mysql, server: "starrocks", http };
}

async function hiveServer(connection: HiveConnection, sources: SecretSources): Promise<OpenConnection> {
  const { openHive } = await import("./hive.js");
  const password = connection.password && (await resolveSecret(connection.password, sources));
  const { files } = connection;
  return { kind: "hive", hive: await openHive(connection, password), ...(files && { files }) };
}

async function mongoServer(connection: MongodbConnection, sources: SecretSources): Promise<OpenConnection> {
  const { openMongo } = await import("./mongodb.js");
  const password = connection.password && (await resolveSecret(connection.password, sources));
  return { kind: "mongodb", mongo: await openMongo(connection, password) };
}

async function kafkaCluster(connection: KafkaConnection, sources: SecretSources): Promise<OpenConnection> {
  const { openKafka } = await import("./kafka.js");
  const password = connection.sasl && (await resolveSecret(connection.sasl.password, sources));
  return { kind: "kafka", kafka: await openKafka(connection, password) };
}

function unsupported(name: string, kind: ConnectionKind): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `The connection ${name} is of kind ${kind}, which this version of dw cannot open.`,
    why: "It generates and judges for that engine without a server, and connects to postgres, pglite, duckdb, starrocks, mysql, kafka, hive and mongodb.",
    fix: "Use what `dw generate` writes for it, or an environment that embeds the engine.",
  });
}
