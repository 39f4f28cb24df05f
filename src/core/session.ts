import type { DuckDbSession } from "./source.js";

/*
 * What engines, targets and the state store see of a database connection. connections/ implements these; nobody else
 * imports a driver.
 */

export type PgValue = string | number | boolean | null | Uint8Array;

/**
 * Rows as the server's text: int8 and numeric as strings, timestamps as ISO text (`2024-01-01 00:00:00+00`, sessions are in
 * UTC), json and arrays as text, bytea as Uint8Array; boolean, int2, int4, oid and floats are decoded.
 */
export type PgRow = Readonly<Record<string, unknown>>;

/** One PostgreSQL connection (server or PGlite): temporary tables, settings and transactions live here. */
export interface PgSession {
  readonly query: <Row extends PgRow = PgRow>(sql: string, values?: readonly PgValue[]) => Promise<readonly Row[]>;
  /** BEGIN, work, COMMIT; ROLLBACK when work throws. Not nested. */
  readonly transaction: <Result>(work: () => Promise<Result>) => Promise<Result>;
  /**
   * Streams bytes into `COPY table (columns) FROM STDIN (options)`; `copy` is that text with `FROM STDIN`. PGlite takes it
   * through /dev/blob and holds the bytes in memory: callers keep pieces below 32 MiB there. Answers the number of rows.
   */
  readonly copyIn: (copy: string, bytes: AsyncIterable<Uint8Array>) => Promise<number>;
  /** Streams the bytes of `COPY (…) TO STDOUT (options)`. */
  readonly copyOut: (copy: string) => AsyncIterable<Uint8Array>;
  /** Asks the server to stop this session's running statement, which then fails with DW-TIMEOUT. Absent on PGlite, which cannot. */
  readonly cancel?: () => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface PgServer {
  readonly embedded: boolean;
  /** `15.18`. */
  readonly version: string;
  /** Version of the TimescaleDB extension in the connected database, when it is installed. */
  readonly timescale?: string;
}

/** A PostgreSQL database. Errors are DwError: DW-CONNECT, DW-AUTH, DW-PERMISSION, DW-TIMEOUT, DW-ENGINE-REFUSED (with SQLSTATE and text). */
export interface Pg {
  readonly server: PgServer;
  /** A session of its own. PGlite has one connection: its sessions take turns, so close them soon. */
  readonly session: () => Promise<PgSession>;
  /** One query on any idle connection. */
  readonly query: <Row extends PgRow = PgRow>(sql: string, values?: readonly PgValue[]) => Promise<readonly Row[]>;
  readonly close: () => Promise<void>;
}

/** A DuckDB database in this process. One instance a file: DuckDB's own file lock keeps other processes out (DW-LOCKED). */
export interface DuckDb {
  /** `1.5.6`. */
  readonly version: string;
  /**
   * A connection of its own: temporary tables and settings live there. Close it when done. When `signal` aborts, what runs on
   * it is interrupted and throws the signal's reason.
   */
  readonly session: (signal?: AbortSignal) => Promise<DuckDbConnection>;
  readonly close: () => Promise<void>;
}

export type DuckDbConnection = DuckDbSession & { readonly close: () => Promise<void> };

/** A row of the MySQL protocol's text results: every value as text, NULL as null. */
export type MysqlRow = Readonly<Record<string, string | null>>;

/** What a server answered. A refusal is an answer: StarRocks's locks are built on losing well. */
export type MysqlAnswer =
  | { readonly ok: true; readonly rows: readonly MysqlRow[] }
  | { readonly ok: false; readonly code: number; readonly sqlState: string; readonly message: string };

/** One connection with the MySQL protocol: StarRocks or MySQL. */
export interface MysqlSession {
  /** Throws DW-CONNECT or DW-TIMEOUT when the server did not answer: the statement may have run or not. */
  readonly ask: (sql: string) => Promise<MysqlAnswer>;
  /** As `ask`, but a refusal throws: DW-AUTH, DW-PERMISSION, DW-ENGINE-REFUSED. */
  readonly query: (sql: string) => Promise<readonly MysqlRow[]>;
  readonly close: () => Promise<void>;
}

/** A session whose results may be of any size. */
export interface MysqlReader extends MysqlSession {
  /**
   * The first column of the result, a value a row, as the server's bytes; the server waits for the reader. NULL is undefined.
   * Nothing else runs on the session meanwhile. Throws as `query`.
   */
  readonly values: (sql: string) => AsyncIterable<Uint8Array | undefined>;
}

/** A server with the MySQL protocol. Errors are DwError: DW-CONNECT, DW-TIMEOUT, DW-AUTH, DW-PERMISSION, DW-ENGINE-REFUSED. */
export interface Mysql {
  /** StarRocks's own version (`3.5.0`), not the MySQL version that it claims to be; MySQL's otherwise. */
  readonly version: string;
  /** A connection of its own: session variables live there. Close it when done. */
  readonly session: () => Promise<MysqlSession>;
  /** One query on any idle connection. */
  readonly query: (sql: string) => Promise<readonly MysqlRow[]>;
  readonly close: () => Promise<void>;
}

/** A server that was connected to, from which tables are read. */
export interface MysqlServer extends Mysql {
  readonly reader: () => Promise<MysqlReader>;
}
export interface KafkaPartition {
  readonly partition: number;
  /** Broker that leads it; -1 while none does. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

export interface KafkaTopic {
  readonly name: string;
  /** The broker's own, such as __consumer_offsets. */
  readonly internal: boolean;
  /** In the order of their numbers. */
  readonly partitions: readonly KafkaPartition[];
}

export interface KafkaSetting {
  readonly name: string;
  /** Null where the broker hides it. */
  readonly value: string | null;
  /** Where the value comes from: only what the topic itself says is an override. */
  readonly source: "topic" | "broker" | "default";
}

export interface KafkaOffset {
  readonly offset: bigint;
  /** Milliseconds since the epoch, of the message there; undefined where the question was not about time. */
  readonly timestamp?: number;
}

/** `latest` is the end as readers of committed messages see it; `newest` the message with the greatest timestamp. */
export type KafkaMoment = "earliest" | "latest" | "newest" | { readonly since: number };

export interface KafkaNewTopic {
  readonly name: string;
  readonly partitions: number;
  readonly replicationFactor: number;
  readonly config: Readonly<Record<string, string>>;
}

/** A rule about one topic, by Kafka's own words: `User:etl`, `*`, `Read`. */
export interface KafkaAcl {
  readonly principal: string;
  readonly host: string;
  readonly operation: string;
  readonly permission: "allow" | "deny";
}

export interface KafkaRecord {
  readonly key: Uint8Array | null;
  /** Null is a tombstone: compaction forgets the key. */
  readonly value: Uint8Array | null;
  /** Milliseconds since the epoch; now when absent. */
  readonly timestamp?: number;
  readonly headers?: readonly (readonly [name: string, value: Uint8Array | null])[];
}

/** A record as it lies in a partition. */
export type KafkaMessage = Required<KafkaRecord> & { readonly offset: bigint };

export interface KafkaPartitionRecords {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly KafkaRecord[];
}

/** Messages become visible to readers of committed messages with `commit`, all of them, in whatever topics they are. */
export interface KafkaProducer {
  /** Joins the transaction, which the first call opens. A batch larger than the topic's max.message.bytes is refused. */
  readonly send: (batches: readonly KafkaPartitionRecords[]) => Promise<void>;
  readonly commit: () => Promise<void>;
  readonly abort: () => Promise<void>;
}

export interface KafkaServer {
  readonly brokers: number;
  /** Release of the cluster's metadata, `3.9` or `4.0`; undefined where the brokers say none or a later one than dw knows. */
  readonly version?: string;
}

/**
 * A Kafka cluster. Errors are DwError: DW-CONNECT, DW-TIMEOUT, DW-AUTH, DW-PERMISSION, DW-FENCED, DW-ENGINE-REFUSED (with the
 * broker's name for it). What changes a topic resolves once every broker shows the change.
 */
export interface Kafka {
  readonly server: KafkaServer;
  /** All topics, or those of `names` that exist; sorted by name. */
  readonly topics: (names?: readonly string[]) => Promise<readonly KafkaTopic[]>;
  /** Settings by topic; topics that do not exist are left out. */
  readonly settings: (topics: readonly string[]) => Promise<ReadonlyMap<string, readonly KafkaSetting[]>>;
  readonly createTopic: (topic: KafkaNewTopic) => Promise<void>;
  readonly deleteTopic: (name: string) => Promise<void>;
  readonly addPartitions: (topic: string, count: number) => Promise<void>;
  /** Incremental: what is not named stays as it is. */
  readonly alterTopic: (topic: string, set: Readonly<Record<string, string>>, reset: readonly string[]) => Promise<void>;
  /** Rules about single topics, by topic; none where the brokers have no authorizer. */
  readonly acls: () => Promise<ReadonlyMap<string, readonly KafkaAcl[]>>;
  readonly changeAcls: (topic: string, add: readonly KafkaAcl[], remove: readonly KafkaAcl[]) => Promise<void>;
  /** By partition; partitions without an answer to the question (nothing that new) are left out. DW-ENGINE-REFUSED: no such topic. */
  readonly offsets: (topic: string, moment: KafkaMoment) => Promise<ReadonlyMap<number, KafkaOffset>>;
  readonly groups: () => Promise<readonly string[]>;
  /** Offsets that a consumer group committed, by topic and partition. */
  readonly committed: (group: string) => Promise<ReadonlyMap<string, ReadonlyMap<number, bigint>>>;
  /**
   * Committed messages of one partition with offsets in [from, to), in order, in pieces of some MiB. Ends early where compaction
   * or retention has left nothing more below `to`. DW-ENGINE-REFUSED: `from` is before what is left (OFFSET_OUT_OF_RANGE).
   */
  readonly read: (
    topic: string,
    partition: number,
    from: bigint,
    to: bigint,
    signal?: AbortSignal,
  ) => AsyncIterable<readonly KafkaMessage[]>;
  /** Fences whoever holds the id, gives up its open transaction. `timeoutMs`: how long one of ours may stay open. */
  readonly producer: (transactionalId: string, timeoutMs: number) => Promise<KafkaProducer>;
  readonly close: () => Promise<void>;
}

/** A row of a query in Hive, by the names that Hive gives its columns: every value as text (binary in base64), NULL as null. */
export type HiveRow = Readonly<Record<string, string | null>>;

/** One session of HiveServer2: `SET` and `USE` live here. */
export interface HiveSession {
  /** Runs a statement to its end. Throws DW-ENGINE-REFUSED, DW-PERMISSION, DW-CONNECT; an abort cancels it and throws its reason. */
  readonly query: (sql: string, signal?: AbortSignal) => Promise<readonly HiveRow[]>;
  /** The same result in pieces, column by column: memory is bounded by a piece. */
  readonly columns: (sql: string, signal?: AbortSignal) => AsyncIterable<readonly (readonly (string | null)[])[]>;
  readonly close: () => Promise<void>;
}

/** A HiveServer2. Errors are DwError: DW-CONNECT, DW-TIMEOUT, DW-AUTH, DW-PERMISSION, DW-ENGINE-REFUSED. */
export interface Hive {
  /** `4.0.1`. */
  readonly version: string;
  /** A session of its own. Close it when done. */
  readonly session: () => Promise<HiveSession>;
  readonly query: HiveSession["query"];
  readonly close: () => Promise<void>;
}

export interface MongoQuestion {
  /** As canonical Extended JSON; everything when absent. */
  readonly filter?: string;
  /** Top-level fields; whole documents when absent. */
  readonly fields?: readonly string[];
  /** By `_id`, up or down; in no order when absent. */
  readonly byId?: 1 | -1;
  readonly skip?: number;
  readonly limit?: number;
}

/** A MongoDB database. Errors are DwError: DW-CONNECT, DW-TIMEOUT, DW-AUTH, DW-PERMISSION, DW-ENGINE-REFUSED. */
export interface Mongo {
  /** `7.0.14`. */
  readonly version: string;
  /** `host:port/database`, without credentials. */
  readonly place: string;
  /** Names of collections and views, sorted; the server's own are left out. */
  readonly collections: () => Promise<readonly string[]>;
  /** Documents and bytes as the server counts them, without reading. */
  readonly size: (collection: string) => Promise<{ readonly documents: number; readonly bytes: number }>;
  /** Documents as the server sends them: BSON, some at a time. */
  readonly find: (collection: string, question: MongoQuestion, signal?: AbortSignal) => AsyncIterable<readonly Uint8Array[]>;
  readonly close: () => Promise<void>;
}
