import type { Hole } from "../core/catalog.js";
import type { SecretReference } from "../core/config.js";
import type { EngineOptions, ObjectModel, SqlBody, TopicModel } from "../core/model.js";

/*
 * What authors declare of a StarRocks cluster beside tables. Secrets are references (`env("S3_SECRET")`): their values are
 * in no model, plan or log.
 */

type PerEnvironment<T> = T | Hole;
/** By StarRocks's own names: `aws.s3.secret_key`. */
export type StarrocksSettings = Readonly<Record<string, PerEnvironment<string> | SecretReference>>;

interface Described {
  readonly layer?: string;
  readonly owner?: string;
  readonly comment?: string;
  readonly tags?: readonly string[];
}

type TableLike = { readonly name: string };

export interface ExternalCatalogDefinition extends Described {
  readonly type: "hive" | "iceberg" | "hudi" | "deltalake" | "jdbc" | "elasticsearch" | "paimon" | "odps" | "kudu" | "unified";
  readonly properties?: StarrocksSettings;
}

export function defineExternalCatalog(name: string, { type, properties = {}, ...described }: ExternalCatalogDefinition): ObjectModel {
  return object(name, described, { object: "external-catalog", properties: { ...properties, type } });
}

export interface StorageVolumeDefinition extends Described {
  readonly type: "S3" | "HDFS" | "AZBLOB" | "ADLS2" | "GS";
  readonly locations: readonly string[];
  readonly properties?: StarrocksSettings;
}

export function defineStorageVolume(
  name: string,
  { type, locations, properties = {}, ...described }: StorageVolumeDefinition,
): ObjectModel {
  return object(name, described, { object: "storage-volume", type, locations, properties });
}

/** Conditions that hold together; a query belongs to the group when any classifier fits it. */
export interface ResourceClassifier {
  readonly user?: string;
  readonly role?: string;
  /** `SELECT`, `INSERT`; several with a comma. */
  readonly query_type?: string;
  readonly source_ip?: string;
  readonly db?: string;
  readonly plan_cpu_cost_range?: string;
  readonly plan_mem_cost_range?: string;
}

export interface ResourceGroupDefinition extends Described {
  readonly classifiers?: readonly ResourceClassifier[];
  /** `cpu_weight` or `exclusive_cpu_cores`, `mem_limit`, `concurrency_limit`, `big_query_…`, `spill_mem_limit_threshold`. */
  readonly limits: Readonly<Record<string, PerEnvironment<string | number>>>;
}

export function defineResourceGroup(name: string, { classifiers = [], limits, ...described }: ResourceGroupDefinition): ObjectModel {
  return object(name, described, { object: "resource-group", classifiers, limits });
}

export interface RoutineLoadDefinition extends Described {
  /** The table that is filled. */
  readonly into: TableLike;
  readonly database?: PerEnvironment<string>;
  readonly columnSeparator?: string;
  readonly rowDelimiter?: string;
  /** Columns of the message, and expressions over them: `"at = from_unixtime(ts)"`. */
  readonly columns?: readonly string[];
  readonly where?: string;
  readonly partitions?: readonly string[];
  /** `format`, `desired_concurrent_number`, `max_error_number`, `jsonpaths` … */
  readonly properties?: StarrocksSettings;
  readonly kafka: {
    readonly brokers: PerEnvironment<string>;
    /** A topic model, or a topic's name. */
    readonly topic: TopicModel | string;
    /** `property.group.id`, `property.sasl.password`, `kafka_partitions`, `kafka_offsets` … */
    readonly properties?: StarrocksSettings;
  };
}

/** A job that keeps loading a Kafka topic into a table. */
export function defineRoutineLoad(name: string, definition: RoutineLoadDefinition): ObjectModel {
  const { into, kafka, layer, owner, comment, tags, ...options } = definition;
  const topic = typeof kafka.topic === "string" ? { topicName: kafka.topic } : { topic: kafka.topic.name };
  const { brokers, properties: from = {} } = kafka;
  return object(name, { layer, owner, comment, tags }, { object: "routine-load", ...options, into: into.name, brokers, ...topic, from });
}

export interface PipeDefinition extends Described {
  readonly database?: PerEnvironment<string>;
  readonly properties?: StarrocksSettings;
  /** `sql.starrocks``INSERT INTO ${orders} SELECT * FROM FILES(…)``. */
  readonly insert: SqlBody;
}

export function definePipe(name: string, { insert, properties = {}, database, ...described }: PipeDefinition): ObjectModel {
  return object(name, described, { object: "pipe", ...(database !== undefined && { database }), properties, insert });
}

/** `{ on: orders, … }` is a table or view; the other forms are StarRocks's own. */
export interface StarrocksGrant {
  readonly privileges: readonly string[];
  readonly on:
    | TableLike
    | "system"
    | { readonly database: string }
    | { readonly catalog: string }
    | { readonly storageVolume: string }
    | { readonly resourceGroup: string }
    | { readonly allTablesIn: string }
    | { readonly allViewsIn: string }
    | { readonly allMaterializedViewsIn: string };
}

export interface RoleDefinition extends Described {
  /** Roles that it includes. */
  readonly roles?: readonly TableLike[];
  readonly grants?: readonly StarrocksGrant[];
}

export function defineRole(name: string, { roles = [], grants = [], ...described }: RoleDefinition): ObjectModel {
  return object(name, described, { object: "role", roles: roles.map((role) => role.name), grants: grants.map(plainGrant) });
}

export interface UserDefinition extends Described {
  /** From where: `%` (the default), `10.0.%`. */
  readonly host?: string;
  /** `mysql_native_password` unless said otherwise. */
  readonly plugin?: "mysql_native_password" | "authentication_ldap_simple" | "authentication_jwt" | "authentication_oauth2";
  readonly password?: SecretReference;
  readonly roles?: readonly TableLike[];
  /** Roles that are active at login; all of `roles` when absent. */
  readonly defaultRoles?: readonly TableLike[];
  readonly grants?: readonly StarrocksGrant[];
}

export function defineUser(name: string, definition: UserDefinition): ObjectModel {
  const {
    host = "%",
    plugin = "mysql_native_password",
    password,
    roles = [],
    defaultRoles = roles,
    grants = [],
    ...described
  } = definition;
  return object(name, described, {
    object: "user",
    host,
    plugin,
    ...(password && { password }),
    roles: roles.map((role) => role.name),
    defaultRoles: defaultRoles.map((role) => role.name),
    grants: grants.map(plainGrant),
  });
}

function plainGrant({ privileges, on }: StarrocksGrant): object {
  const target = typeof on === "object" && "name" in on ? { model: on.name } : on;
  return { privileges: [...privileges], on: target };
}

function object(
  name: string,
  described: { readonly [Key in keyof Described]: Described[Key] | undefined },
  starrocks: object,
): ObjectModel {
  const said = Object.fromEntries(Object.entries(described).filter(([, value]) => value !== undefined));
  return { model: "object", name, ...said, on: { starrocks } as EngineOptions }; // plain data, checked by StarRocks's resolve
}
