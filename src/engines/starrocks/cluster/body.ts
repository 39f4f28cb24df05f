import type { CatalogObject, Hole } from "../../../core/catalog.js";
import type { SecretReference } from "../../../core/config.js";
import type { Json, JsonObject } from "../../../core/json.js";
import type { Held, SqlText } from "../body.js";

/*
 * What a StarRocks cluster keeps beside databases and tables. A secret is kept as its reference, here and on disk: its value
 * exists only in the statement that is sent.
 */

export type Secret = SecretReference & JsonObject;

/** By StarRocks's own names. */
export type Settings = { readonly [name: string]: Held<string> | Secret };

export type ExternalCatalogBody = { readonly comment: string; readonly properties: Settings };

export type StorageVolumeBody = {
  /** `S3`, `HDFS`, `AZBLOB`, `ADLS2`, `GS`. */
  readonly type: string;
  readonly locations: readonly string[];
  readonly comment: string;
  readonly properties: Settings;
};

export type ResourceGroupBody = {
  /** Each is a list of conditions that hold together; a query that fits any of them belongs to the group. */
  readonly classifiers: readonly { readonly [name: string]: string }[];
  readonly limits: { readonly [name: string]: Held<string> };
};

export type RoutineLoadBody = {
  readonly database: Held<string>;
  readonly table: string;
  readonly columnSeparator?: string;
  readonly rowDelimiter?: string;
  /** Columns of the message and expressions over them, as SQL. */
  readonly columns: readonly string[];
  readonly where?: string;
  readonly partitions: readonly string[];
  readonly properties: Settings;
  readonly source: "KAFKA" | "PULSAR";
  /** `kafka_broker_list`, `kafka_topic`, `property.*`. */
  readonly from: Settings;
};

export type PipeBody = { readonly database: Held<string>; readonly properties: Settings; readonly insert: SqlText };

/** `on` is SQL, names quoted: `` TABLE `shop`.`orders` ``, `` ALL TABLES IN DATABASE `shop` ``, `SYSTEM`. */
export type Grant = { readonly on: string; readonly privileges: readonly string[] };

export type RoleBody = { readonly comment: string; readonly roles: readonly string[]; readonly grants: readonly Grant[] };

export type UserBody = {
  readonly host: string;
  readonly plugin: string;
  readonly password?: Secret;
  readonly roles: readonly string[];
  readonly defaultRoles: readonly string[];
  readonly grants: readonly Grant[];
};

export type ClusterObject =
  | (CatalogObject<ExternalCatalogBody> & { readonly kind: "external-catalog" })
  | (CatalogObject<StorageVolumeBody> & { readonly kind: "storage-volume" })
  | (CatalogObject<ResourceGroupBody> & { readonly kind: "resource-group" })
  | (CatalogObject<RoutineLoadBody> & { readonly kind: "routine-load" })
  | (CatalogObject<PipeBody> & { readonly kind: "pipe" })
  | (CatalogObject<RoleBody> & { readonly kind: "role" })
  | (CatalogObject<UserBody> & { readonly kind: "user" });

export type ClusterKind = ClusterObject["kind"];

const KINDS: Readonly<Record<ClusterKind, true>> = {
  "external-catalog": true,
  "storage-volume": true,
  "resource-group": true,
  "routine-load": true,
  pipe: true,
  role: true,
  user: true,
};

export function isClusterObject(object: CatalogObject): object is ClusterObject {
  return object.slot === "starrocks" && Object.hasOwn(KINDS, object.kind); // bodies of this slot are made by resolve and introspect only
}

export function isSecret(value: Json | Hole | undefined): value is Secret {
  return typeof value === "object" && value !== null && "$secret" in value;
}

/** Database and name as the engine is to see them, holes filled; one part for what lies in no database. */
export function clusterName(object: ClusterObject): readonly string[] {
  const own = object.name.at(-1) ?? "";
  return "database" in object.body ? [String(object.body.database), own] : [own];
}
