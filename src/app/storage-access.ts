import type { S3Access } from "../connections/s3.js";
import { resolveSecret } from "../connections/secrets.js";
import type { Connection, S3Connection } from "../core/config.js";
import { DwError } from "../core/errors.js";
import type { Redactor } from "../core/redactor.js";
import type { StorageAccess } from "../storage/open.js";
import type { S3Place } from "../storage/s3.js";
import { type AwsProfile, awsProfile } from "./aws-profile.js";
import type { Project } from "./project.js";

export interface AccessSurroundings {
  /** Connections of the environment; of none when nothing is configured. Asked for only where a bucket is read. */
  readonly connections: () => Promise<ConfiguredConnections | undefined>;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly redactor: Redactor;
  readonly signal: () => AbortSignal;
}

export interface ConfiguredConnections {
  readonly all: Readonly<Record<string, Connection>>;
  /** Relative file references of secrets start here. */
  readonly root: string;
}

/**
 * How the storages of other machines are reached. A bucket's credentials come from the connection that its address names
 * (`s3://NAME@bucket/…`), else from the only connection of kind s3 that serves the bucket, else from the environment
 * variables and the profile that Amazon's own tools read.
 */
export function storageAccess(from: AccessSurroundings): StorageAccess {
  const { HADOOP_USER_NAME: user, WEBHDFS_DELEGATION_TOKEN: token } = from.variables;
  if (token) from.redactor.add(token);
  return {
    s3: async (place) => {
      const configured = await from.connections();
      const connection = configured && chosen(place, configured.all);
      if (connection === undefined || configured === undefined) return fromVariables(place, from);
      return resolved(connection, configured.root, from);
    },
    ...(user && { hdfsUser: user }),
    ...(token && { hdfsToken: token }),
    get signal() {
      return from.signal(); // whoever takes the signal of the process promises to stop by it
    },
  };
}

/** What an environment's own and the shared connections are together. */
export function environmentConnections({ config, root }: Pick<Project, "config" | "root">, environment: string): ConfiguredConnections {
  return { all: { ...config.connections, ...config.environments[environment]?.connections }, root };
}

function chosen({ bucket, connection: name }: S3Place, all: Readonly<Record<string, Connection>>): S3Connection | undefined {
  const s3 = Object.entries(all).flatMap(([key, connection]) => (connection.kind === "s3" ? [{ key, connection }] : []));
  if (name !== undefined) {
    const named = s3.find(({ key }) => key === name);
    if (named === undefined) throw noConnection(name, bucket);
    return named.connection;
  }
  const stated = s3.filter(({ connection }) => connection.buckets?.includes(bucket));
  const serving = stated.length > 0 ? stated : s3.filter(({ connection }) => connection.buckets === undefined);
  if (serving.length < 2) return serving[0]?.connection;
  throw new DwError("DW-USAGE", {
    what: `Several connections could serve the bucket ${bucket}: ${serving.map(({ key }) => key).join(", ")}.`,
    why: "dw does not try credentials on servers that they were not meant for.",
    fix: `Write s3://NAME@${bucket}/…, or state \`buckets: ["${bucket}"]\` in one of them.`,
  });
}

async function resolved(connection: S3Connection, root: string, { variables, redactor }: AccessSurroundings): Promise<S3Access> {
  const { endpoint, region = "us-east-1", accessKeyId, secretAccessKey, sessionToken, pathStyle } = connection;
  const value = (secret: Parameters<typeof resolveSecret>[0]): Promise<string> => resolveSecret(secret, { root, variables, redactor });
  return {
    endpoint,
    region,
    accessKeyId: await value(accessKeyId),
    secretAccessKey: await value(secretAccessKey),
    ...(sessionToken && { sessionToken: await value(sessionToken) }),
    ...(pathStyle !== undefined && { pathStyle }),
  };
}

/** What Amazon's own tools would take: variables ("Environment variables to configure the AWS CLI"), then the profile. */
async function fromVariables({ bucket, connection }: S3Place, { variables, redactor }: AccessSurroundings): Promise<S3Access> {
  if (connection !== undefined) throw noConnection(connection, bucket);
  const named = keysIn(variables);
  const profile: AwsProfile = await awsProfile(variables).catch((error: unknown) => {
    if (named === undefined) throw error;
    return {}; // its keys are not needed
  });
  const { accessKeyId, secretAccessKey, sessionToken } = named ?? profile;
  if (!accessKeyId || !secretAccessKey) throw noCredentials(bucket);
  for (const secret of [secretAccessKey, sessionToken]) if (secret) redactor.add(secret);
  const region = variables.AWS_REGION || variables.AWS_DEFAULT_REGION || profile.region || "us-east-1";
  return {
    endpoint: endpointIn(variables, profile) ?? `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`,
    region,
    accessKeyId,
    secretAccessKey,
    ...(sessionToken && { sessionToken }),
    ...(profile.pathStyle !== undefined && { pathStyle: profile.pathStyle }),
  };
}

/** The variables' keys go together: a profile's session token does not belong to them. */
function keysIn({ AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN }: AccessSurroundings["variables"]): AwsProfile | undefined {
  if (!AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined;
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  };
}

function endpointIn(variables: AccessSurroundings["variables"], profile: AwsProfile): string | undefined {
  const endpoint = variables.AWS_ENDPOINT_URL_S3 || variables.AWS_ENDPOINT_URL || profile.endpoint || undefined;
  if (endpoint === undefined || /^https?:$/.test(URL.canParse(endpoint) ? new URL(endpoint).protocol : "")) return endpoint;
  throw new DwError("DW-USAGE", {
    what: "AWS_ENDPOINT_URL, or endpoint_url of the AWS profile, is not a URL.",
    why: "It says where the S3 server listens.",
    fix: "Write it like https://minio.example:9000.",
  });
}

function noCredentials(bucket: string): DwError {
  return new DwError("DW-SECRET-MISSING", {
    what: `There are no credentials for the bucket ${bucket}.`,
    why: "No connection of kind s3 serves it, and AWS_ACCESS_KEY_ID or AWS_SECRET_ACCESS_KEY is not set, and ~/.aws has no profile with keys.",
    fix: "Set both (and AWS_ENDPOINT_URL for a server that is not Amazon's), or AWS_PROFILE, or add a connection of kind s3 to dw.config.ts.",
  });
}

function noConnection(name: string, bucket: string): DwError {
  return new DwError("DW-CONNECTION-UNKNOWN", {
    what: `There is no connection ${name} of kind s3.`,
    why: `The address s3://${name}@${bucket} names it.`,
    fix: "Add it under `connections` in dw.config.ts, or leave the name out.",
  });
}
