import type { ExternalCatalogBody, ResourceGroupBody, StorageVolumeBody } from "../cluster/body.js";
import { type ClusterProblem, catalogProblems, groupProblems, volumeProblems } from "../cluster/lint.js";
import type { AccessStatement, GrantTarget } from "../parse/ast.js";
import type { Property } from "../parse/cursor.js";
import { refuse } from "./refusal.js";
import type { Situation } from "./situation.js";

/*
 * Roles, users, rights and what else a cluster keeps beside databases (AuthorizationAnalyzer, CatalogAnalyzer and
 * DefaultAuthorizationProvider of branch 4.0). What a cluster has already is not known: only what the file makes and drops.
 */

type Of<Access extends AccessStatement["access"]> = Extract<AccessStatement, { access: Access }>;

export function judgeAccess(statement: AccessStatement, situation: Situation): void {
  switch (statement.access) {
    case "create-role":
      for (const name of statement.names) createRole(name, statement.ifNotExists, situation);
      return;
    case "drop-role":
      for (const name of statement.names) dropRole(name, statement.ifExists, situation);
      return;
    case "create-user":
      createUser(statement, situation);
      return;
    case "grant":
    case "revoke":
      grant(statement, situation);
      return;
    case "grant-role":
    case "revoke-role":
      for (const role of statement.roles) checkRole(role, situation);
      checkSide(statement.to, situation);
      return;
    case "create-catalog":
      createCatalog(statement, situation);
      return;
    case "drop-catalog":
      if (statement.name === INTERNAL)
        refuse("catalog-internal", "The catalog of the cluster itself cannot be dropped.", "Leave the statement out.");
      situation.catalog.forget(`catalog ${statement.name}`);
      return;
    case "create-volume":
      volume(statement);
      return;
    case "create-group":
      group(statement);
      return;
  }
}

function volume({ type, locations, properties }: Of<"create-volume">): void {
  first(volumeProblems({ type, locations, comment: "", properties: settings(properties) }));
}

function group({ classifiers, limits }: Of<"create-group">): void {
  first(groupProblems({ classifiers, limits: lowerSettings(limits) }));
}

function first([problem]: readonly ClusterProblem[]): void {
  if (problem !== undefined) refuse(problem.rule, sentence(problem.message), problem.fix);
}

/** Problems of models follow the name of their model. */
const sentence = (text: string): string => text.replace(/^(an?|the|there) /, (word) => word.charAt(0).toUpperCase() + word.slice(1));

function settings(properties: readonly Property[]): StorageVolumeBody["properties"] {
  return Object.fromEntries(properties.map(({ key, value }) => [key, value]));
}

function lowerSettings(properties: readonly Property[]): ResourceGroupBody["limits"] {
  return Object.fromEntries(properties.map(({ key, value }) => [key.toLowerCase(), value]));
}

// ------------------------------------------------------------------------------------------------ roles and users

const COMMON_NAME = /^(?:[a-zA-Z]\w{0,63}|_[a-zA-Z0-9]\w{0,62})$/;
const BUILT_IN: ReadonlySet<string> = new Set(["root", "db_admin", "cluster_admin", "user_admin", "security_admin", "public"]);

function createRole(name: string, ifNotExists: boolean, { catalog }: Situation): void {
  if (!COMMON_NAME.test(name))
    refuse("role-name", `${JSON.stringify(name)} cannot name a role.`, "Use ASCII letters, digits and _, a letter first, at most 64.");
  if (ifNotExists) return;
  if (BUILT_IN.has(name)) refuse("role-builtin", `The role ${name} belongs to the engine.`, "Choose another name.");
  if (catalog.remembers(`role ${name}`) === "there") refuse("exists", `The role ${name} exists.`, "Write IF NOT EXISTS, or another name.");
  catalog.remember(`role ${name}`);
}

function dropRole(name: string, ifExists: boolean, situation: Situation): void {
  if (!ifExists) checkRole(name, situation);
  if (BUILT_IN.has(name)) refuse("role-builtin", `The role ${name} belongs to the engine.`, "Leave it.");
  situation.catalog.forget(`role ${name}`);
}

function checkRole(name: string, { catalog }: Situation): void {
  if (catalog.remembers(`role ${name}`) === "gone") refuse("role-missing", `The role ${name} was dropped.`, "Create it again before.");
}

function checkSide({ role }: { readonly role?: string }, situation: Situation): void {
  if (role !== undefined) checkRole(role, situation);
}

const PLUGINS: ReadonlySet<string> = new Set([
  "MYSQL_NATIVE_PASSWORD",
  "AUTHENTICATION_LDAP_SIMPLE",
  "AUTHENTICATION_KERBEROS",
  "AUTHENTICATION_JWT",
  "AUTHENTICATION_OAUTH2",
]);

function createUser({ name, ifNotExists, plugin, defaultRoles }: Of<"create-user">, situation: Situation): void {
  const { catalog } = situation;
  if (!/^\w{1,64}\/?[.\w-]{0,63}$/.test(name))
    refuse("user-name", `${JSON.stringify(name)} cannot name a user.`, "Use ASCII letters, digits and _, at most 64.");
  if (plugin !== undefined && !PLUGINS.has(plugin.toUpperCase()))
    refuse("user-plugin", `There is no way to authenticate called ${plugin}.`, `Use one of ${[...PLUGINS].join(", ").toLowerCase()}.`);
  for (const role of defaultRoles) checkRole(role, situation);
  if (ifNotExists) return;
  catalog.remember(`user ${name}`);
}

// ------------------------------------------------------------------------------------------------ rights

/** typeToActionList of DefaultAuthorizationProvider. */
const PRIVILEGES: Readonly<Record<string, readonly string[]>> = {
  TABLE: ["DELETE", "DROP", "INSERT", "SELECT", "ALTER", "EXPORT", "UPDATE", "REFRESH"],
  DATABASE: ["CREATE TABLE", "DROP", "ALTER", "CREATE VIEW", "CREATE FUNCTION", "CREATE MATERIALIZED VIEW", "CREATE PIPE"],
  SYSTEM: [
    "GRANT",
    "NODE",
    "CREATE RESOURCE",
    "PLUGIN",
    "FILE",
    "BLACKLIST",
    "OPERATE",
    "CREATE EXTERNAL CATALOG",
    "REPOSITORY",
    "CREATE RESOURCE GROUP",
    "CREATE GLOBAL FUNCTION",
    "CREATE STORAGE VOLUME",
    "CREATE WAREHOUSE",
    "CREATE CNGROUP",
    "SECURITY",
  ],
  USER: ["IMPERSONATE"],
  RESOURCE: ["USAGE", "ALTER", "DROP"],
  VIEW: ["SELECT", "ALTER", "DROP"],
  CATALOG: ["USAGE", "CREATE DATABASE", "DROP", "ALTER"],
  "MATERIALIZED VIEW": ["ALTER", "REFRESH", "DROP", "SELECT"],
  FUNCTION: ["USAGE", "DROP"],
  "RESOURCE GROUP": ["ALTER", "DROP"],
  PIPE: ["ALTER", "DROP", "USAGE"],
  "GLOBAL FUNCTION": ["USAGE", "DROP"],
  "STORAGE VOLUME": ["DROP", "ALTER", "USAGE"],
  WAREHOUSE: ["USAGE", "ALTER", "DROP"],
};

/** Only the roles root and cluster_admin have these. */
const NEVER_GRANTED: ReadonlySet<string> = new Set(["GRANT", "NODE"]);

const IN_DATABASES: ReadonlySet<string> = new Set(["TABLE", "VIEW", "MATERIALIZED VIEW", "PIPE", "FUNCTION"]);

function grant({ privileges, target, to }: Of<"grant" | "revoke">, situation: Situation): void {
  const allowed = PRIVILEGES[target.type] ?? [];
  const wrong = privileges.find((privilege) => privilege !== "ALL" && !allowed.includes(privilege));
  if (wrong !== undefined)
    refuse("grant-privilege", `${wrong} is no right on a ${target.type.toLowerCase()}.`, `There, ${allowed.join(", ")} can be granted.`);
  const never = target.type === "SYSTEM" ? privileges.find((privilege) => NEVER_GRANTED.has(privilege) || privilege === "ALL") : undefined;
  if (never !== undefined)
    refuse(
      "grant-privilege",
      `${never} on SYSTEM holds rights that no role but the built-in ones has.`,
      "Grant the role root, cluster_admin or user_admin, or single rights.",
    );
  checkTarget(target, situation);
  checkSide(to, situation);
}

function checkTarget({ type, names, all }: GrantTarget, { catalog }: Situation): void {
  if (all === "everywhere" && IN_DATABASES.has(type))
    refuse("grant-target", `ALL ${type}S needs its databases.`, "Write IN ALL DATABASES, or IN DATABASE and its name.");
  if (all === "in-databases" && !IN_DATABASES.has(type))
    refuse("grant-target", `A ${type.toLowerCase()} is in no database.`, "Leave IN … out.");
  if (all !== undefined || type !== "TABLE") return;
  for (const name of names) {
    const place = name.includes("*") ? undefined : catalog.resolve(name);
    if (place && catalog.isMissing(place))
      refuse("table-missing", `There is no table ${name.join(".")}.`, "Create it before, or correct its name.");
  }
}

// ------------------------------------------------------------------------------------------------ catalogs

const INTERNAL = "default_catalog";
const TYPES: ReadonlySet<string> = new Set(["es", "hive", "iceberg", "jdbc", "hudi", "deltalake", "paimon", "odps", "kudu", "unified"]);

function createCatalog({ name, ifNotExists, properties }: Of<"create-catalog">, { catalog }: Situation): void {
  if (!COMMON_NAME.test(name))
    refuse(
      "catalog-name",
      `${JSON.stringify(name)} cannot name a catalog.`,
      "Use ASCII letters, digits and _, a letter first, at most 64.",
    );
  if (name === INTERNAL) refuse("catalog-internal", `${INTERNAL} is the catalog of the cluster itself.`, "Choose another name.");
  const body: ExternalCatalogBody["properties"] = settings(properties);
  const type = String(body.type ?? "");
  if (type === "") refuse("catalog-type", "The catalog says no type.", `Add "type": one of ${[...TYPES].join(", ")}.`);
  if (!TYPES.has(type.toLowerCase()))
    refuse("catalog-type", `There is no catalog of type ${type}.`, `Use one of ${[...TYPES].join(", ")}.`, { property: "type" });
  first(catalogProblems({ ...body, type: type.toLowerCase() }));
  if (!ifNotExists && catalog.remembers(`catalog ${name}`) === "there")
    refuse("exists", `The catalog ${name} exists.`, "Write IF NOT EXISTS, or another name.");
  catalog.remember(`catalog ${name}`);
}
