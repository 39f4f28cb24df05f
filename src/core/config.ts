import type { EngineName } from "./types.js";

/** A secret by reference: resolved at the moment a connection opens, never stored, printed or logged. */
export type SecretReference = { readonly $secret: "env" | "file" | "vault"; readonly name: string };

export type Secret = SecretReference | string;

export interface PostgresConnection {
  readonly kind: "postgres";
  readonly host: string;
  readonly port?: number;
  readonly database: string;
  readonly user: string;
  readonly password?: SecretReference;
  readonly ssl?: boolean | { readonly ca?: string; readonly rejectUnauthorized?: boolean };
  /** True behind pgbouncer or another transaction pooler; then `direct` is needed for locks and COPY. */
  readonly pooled?: boolean;
  readonly direct?: { readonly host: string; readonly port?: number };
}

/** PostgreSQL with TimescaleDB inside the process; `path` is a folder, relative to the project. */
export interface PgliteConnection {
  readonly kind: "pglite";
  readonly path: string;
}

export interface DuckdbConnection {
  readonly kind: "duckdb";
  /** A file, relative to the project. */
  readonly path: string;
  /** `2GB`; half of the machine's memory, at most 2 GB, when absent. */
  readonly memoryLimit?: string;
  readonly threads?: number;
}

export interface StarrocksConnection {
  readonly kind: "starrocks";
  readonly host: string;
  /** MySQL protocol. */
  readonly port?: number;
  /** Stream Load. */
  readonly httpPort?: number;
  readonly user: string;
  readonly password?: SecretReference;
  readonly ssl?: boolean | { readonly ca?: string; readonly rejectUnauthorized?: boolean };
}

export interface MysqlConnection {
  readonly kind: "mysql";
  readonly host: string;
  readonly port?: number;
  readonly database: string;
  readonly user: string;
  readonly password?: SecretReference;
  readonly ssl?: boolean | { readonly ca?: string; readonly rejectUnauthorized?: boolean };
}

export interface KafkaConnection {
  readonly kind: "kafka";
  /** `host:port` of some of them; the others are found. */
  readonly brokers: readonly string[];
  readonly ssl?: boolean | { readonly ca?: string; readonly rejectUnauthorized?: boolean };
  readonly sasl?: {
    readonly mechanism: "plain" | "scram-sha-256" | "scram-sha-512";
    readonly username: string;
    readonly password: SecretReference;
  };
}

export interface HiveConnection {
  readonly kind: "hive";
  readonly host: string;
  /** HiveServer2 in its binary mode; 10000 when absent. */
  readonly port?: number;
  readonly user?: string;
  readonly password?: SecretReference;
  readonly database?: string;
  /**
   * How files of tables are written, by the beginning of their location: `{ "hdfs://lake:8020": "webhdfs://namenode:9870" }`.
   * Locations `file:` need nothing.
   */
  readonly files?: Readonly<Record<string, string>>;
  /** False for servers with the authentication NOSASL. */
  readonly sasl?: boolean;
  readonly ssl?: boolean | { readonly ca?: string; readonly rejectUnauthorized?: boolean };
}

export interface MongodbConnection {
  readonly kind: "mongodb";
  /** With `srv`, the name under which DNS lists the servers. */
  readonly host: string;
  readonly port?: number;
  readonly srv?: boolean;
  /** Other members of a replica set, `host:port`. */
  readonly others?: readonly string[];
  readonly replicaSet?: string;
  readonly database: string;
  readonly user?: string;
  readonly password?: SecretReference;
  /** Where the user is known; `admin` when absent. */
  readonly authSource?: string;
  readonly ssl?: boolean | { readonly ca?: string; readonly rejectUnauthorized?: boolean };
}

export interface S3Connection {
  readonly kind: "s3";
  readonly endpoint: string;
  /** `us-east-1` when absent. */
  readonly region?: string;
  readonly accessKeyId: Secret;
  readonly secretAccessKey: SecretReference;
  readonly sessionToken?: SecretReference;
  /** Buckets that it serves; all when absent. Tells several connections of an environment apart. */
  readonly buckets?: readonly string[];
  /** False where buckets are host names (Alibaba OSS); absent, only Amazon's are. */
  readonly pathStyle?: boolean;
}

export type Connection =
  | PostgresConnection
  | PgliteConnection
  | DuckdbConnection
  | StarrocksConnection
  | MysqlConnection
  | KafkaConnection
  | HiveConnection
  | MongodbConnection
  | S3Connection;

export type ConnectionKind = Connection["kind"];

export interface Environment {
  /**
   * A folder in which every slot without a connection is embedded: `timescale` and `postgres` on PGlite, `starrocks`,
   * `hive` and `duckdb` on DuckDB, state in the same PGlite. Meant for `local`.
   */
  readonly embedded?: string;
  /** Which connection serves which engine slot. */
  readonly slots?: Readonly<Partial<Record<EngineName, string>>>;
  /** Connection that holds locks, journal, ledger and history: PostgreSQL or StarRocks. */
  readonly state?: string;
  readonly connections?: Readonly<Record<string, Connection>>;
  /** `5s`; how long a PostgreSQL DDL statement waits for its lock before it is retried. */
  readonly ddlLockTimeout?: string;
  /** `7 days`, the default; how long the old table of a rebuild stays before a run of `dw migrate` drops it. Until then `down` works. */
  readonly hold?: string;
}

/**
 * Where alerts go. A URL of a chat's robot is a secret: give it by reference. `secret` signs messages to robots that ask for it.
 */
export type AlertChannel =
  | { readonly kind: "webhook" | "slack"; readonly url: Secret }
  | { readonly kind: "dingtalk" | "feishu"; readonly url: Secret; readonly secret?: SecretReference }
  | {
      readonly kind: "email";
      readonly from: string;
      readonly to: readonly string[];
      readonly smtp: {
        readonly host: string;
        /** 587 when absent. */
        readonly port?: number;
        /** TLS from the first byte; without it the server's STARTTLS is used where it offers it. */
        readonly secure?: boolean;
        readonly user?: string;
        readonly password?: SecretReference;
      };
    };

/** The first route that fits a check says who is told. Without conditions it fits every check. */
export interface AlertRoute {
  /** Glob over owners. */
  readonly owner?: string;
  readonly tag?: string;
  readonly layer?: string;
  /** True: warnings, too. */
  readonly warnings?: boolean;
  readonly to: readonly string[];
}

export interface Alerts {
  readonly channels: Readonly<Record<string, AlertChannel>>;
  readonly routes: readonly AlertRoute[];
  /** A check that still does not pass is told again after this; 24h when absent. */
  readonly repeat?: string;
}

/** How checks are asked. */
export interface CheckSettings {
  /** Queries that one run asks of an engine at once; 2 when absent. What runs inside the process takes one. */
  readonly concurrency?: Readonly<Partial<Record<EngineName, number>>>;
  /** A duration after which an engine stops a query of a check. */
  readonly statementTimeout?: string;
}

export interface Config {
  /** Layers from raw to served; ods, dwd, dws, ads when absent. */
  readonly layers?: readonly string[];
  /** Connections that every environment has; an environment's own come first. */
  readonly connections?: Readonly<Record<string, Connection>>;
  readonly environments: Readonly<Record<string, Environment>>;
  /** Versions that lint judges for when none is named: `{ starrocks: "starrocks@3.5/shared-data" }`. */
  readonly targets?: Readonly<Partial<Record<EngineName, string>>>;
  readonly checks?: CheckSettings;
  readonly alerts?: Alerts;
}
