import { compareText, displayName } from "../../../core/catalog.js";
import type { SecretReference } from "../../../core/config.js";
import { DwError } from "../../../core/errors.js";
import type { Hazard } from "../../../core/hazard.js";
import type { Operation } from "../../../core/operation.js";
import type { StatementBody } from "../../../core/plan.js";
import type { Sql } from "../../../core/sql.js";
import { filled, sqlText } from "../body.js";
import { quotedText, starrocks } from "../dialect.js";
import { type ClusterObject, clusterName, type Grant, isClusterObject, isSecret, type Settings } from "./body.js";

/*
 * Statements for what is no table. Creation may take several (a role and its grants); what ALTER cannot say is dropped and
 * made again where that loses nothing, and refused where it would.
 */

const { sql, id, join, lit, raw } = starrocks;

/** Statements of one operation on an object of the cluster. */
export function generateCluster(operation: Operation): readonly StatementBody[] {
  const object = clusterObject(operation.object);
  if (operation.op === "create-object")
    return create(object).map((text, index) => body(text, object, index === 0 ? { undo: drop(object) } : {}));
  if (operation.op === "drop-object") return [body(drop(object), object, { hazards: dropHazards(object) })];
  if (operation.op === "replace-object") return replace(clusterObject(operation.from), object);
  throw new Error(`${operation.op} of ${object.id}: decide plans other operations`);
}

function clusterObject(object: Operation["object"]): ClusterObject {
  if (!isClusterObject(object)) throw new Error(`${object.id} is no object of a StarRocks cluster`);
  return object;
}

interface Extras {
  readonly hazards?: readonly Hazard[];
  readonly undo?: Sql;
}

function body(text: Sql, object: ClusterObject, { hazards = [], undo }: Extras = {}): StatementBody {
  const secrets = secretsOf(object).filter((secret) => text.text.includes(placeholder(secret)));
  return {
    text: text.text,
    hazards,
    transactional: false,
    ...(undo && { undo: [undo.text] }),
    ...(secrets.length > 0 && { secrets }),
  };
}

function secretsOf({ body: own }: ClusterObject): SecretReference[] {
  const settings = [("properties" in own ? own.properties : {}) as Settings, ("from" in own ? own.from : {}) as Settings]; // both hold settings
  const all = [...settings.flatMap((one) => Object.values(one)), "password" in own ? own.password : undefined];
  return all.filter((value) => isSecret(value));
}

/** Where a secret's value will stand when the statement is sent; the whole text between two quotes. */
function placeholder({ $secret, name }: SecretReference): string {
  return `<secret ${$secret}:${name}>`;
}

/** The text with its secrets, quoted as StarRocks reads them. */
export function withSecrets(text: string, values: readonly { readonly reference: SecretReference; readonly value: string }[]): string {
  return values.reduce((sent, { reference, value }) => sent.replaceAll(quotedText(placeholder(reference)), () => quotedText(value)), text);
}

// ------------------------------------------------------------------------------------------------ create

export function create(object: ClusterObject): Sql[] {
  const name = id(...clusterName(object));
  switch (object.kind) {
    case "external-catalog":
      return [sql`CREATE EXTERNAL CATALOG ${name}${comment(object.body.comment)} PROPERTIES (${settings(object.body.properties)})`];
    case "storage-volume": {
      const { type, locations, properties } = object.body;
      const list = join(locations.map(quoted));
      return [
        sql`CREATE STORAGE VOLUME ${name} TYPE = ${raw(word(type))} LOCATIONS = (${list})${comment(object.body.comment)} PROPERTIES (${settings(properties)})`,
      ];
    }
    case "resource-group":
      return [sql`CREATE RESOURCE GROUP ${name}${classifiers(object.body.classifiers)} WITH (${settings(object.body.limits)})`];
    case "routine-load":
      return [routineLoad(object)];
    case "pipe": {
      const { properties, insert } = object.body;
      const list = Object.keys(properties).length === 0 ? raw("") : sql` PROPERTIES (${settings(properties)})`;
      return [sql`CREATE PIPE ${name}${list} AS ${raw(sqlText(insert))}`];
    }
    case "role":
      return [sql`CREATE ROLE ${name}${comment(object.body.comment)}`, ...rights(object.body, sql`ROLE ${name}`, "GRANT")];
    case "user":
      return [
        sql`CREATE USER ${account(object)} ${authentication(object)}`,
        ...rights(object.body, account(object), "GRANT"),
        ...defaults(object),
      ];
  }
}

function routineLoad(object: Extract<ClusterObject, { kind: "routine-load" }>): Sql {
  const { table, columnSeparator, rowDelimiter, columns, where, partitions, properties, source, from } = object.body;
  const parts = [
    columnSeparator === undefined ? undefined : sql`COLUMNS TERMINATED BY ${quoted(columnSeparator)}`,
    rowDelimiter === undefined ? undefined : sql`ROWS TERMINATED BY ${quoted(rowDelimiter)}`,
    columns.length === 0 ? undefined : sql`COLUMNS (${join(columns.map((column) => raw(column)))})`,
    partitions.length === 0 ? undefined : sql`PARTITION (${join(partitions.map((partition) => id(partition)))})`,
    where === undefined ? undefined : sql`WHERE ${raw(where)}`,
  ].filter((part) => part !== undefined);
  const load = parts.length === 0 ? raw("") : sql` ${join(parts)}`;
  const job = Object.keys(properties).length === 0 ? raw("") : sql` PROPERTIES (${settings(properties)})`;
  return sql`CREATE ROUTINE LOAD ${id(...clusterName(object))} ON ${id(table)}${load}${job} FROM ${raw(source)} (${settings(from)})`;
}

function comment(text: string): Sql {
  return text === "" ? raw("") : sql` COMMENT ${quoted(text)}`;
}

function settings(properties: Settings): Sql {
  const entries = Object.entries(properties).sort(([a], [b]) => compareText(a, b));
  return join(
    entries.map(([name, value]) => sql`${quoted(name)} = ${quoted(isSecret(value) ? placeholder(value) : filled(value as string))}`), // holes are filled by now
  );
}

function classifiers(all: readonly { readonly [name: string]: string }[]): Sql {
  if (all.length === 0) return raw("");
  const one = (conditions: { readonly [name: string]: string }): Sql =>
    sql`(${join(Object.entries(conditions).map(([name, value]) => condition(name, value)))})`;
  return sql` TO ${join(all.map(one))}`;
}

/** `query_type` takes a list of words; everything else is one text. */
function condition(name: string, value: string): Sql {
  const values = value.split(",").map((part) => lit(part.trim()));
  return name === "query_type" ? sql`${raw(word(name))} IN (${join(values)})` : sql`${raw(word(name))} = ${lit(value)}`;
}

/** A word that stands in SQL without quotes; the model's types allow no other, its data might. */
function word(text: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(text)) return text;
  throw new DwError("DW-MODEL-INVALID", {
    what: `${JSON.stringify(text)} is no word that StarRocks knows here.`,
    why: "It stands in the statement without quotes.",
    fix: "Use letters, digits and _.",
  });
}

// ------------------------------------------------------------------------------------------------ rights

type Rights = { readonly roles: readonly string[]; readonly grants: readonly Grant[] };

function rights({ roles, grants }: Rights, who: Sql, verb: "GRANT" | "REVOKE"): Sql[] {
  const side = raw(verb === "GRANT" ? "TO" : "FROM");
  return [
    ...roles.map((role) => sql`${raw(verb)} ${id(role)} ${side} ${who}`),
    ...grants.map(({ privileges, on }) => sql`${raw(verb)} ${raw(privileges.join(", "))} ON ${raw(on)} ${side} ${who}`),
  ];
}

function account(object: Extract<ClusterObject, { kind: "user" }>): Sql {
  return sql`${lit(object.name.at(-1) ?? "")}@${lit(object.body.host)}`;
}

function authentication({ body: { plugin, password } }: Extract<ClusterObject, { kind: "user" }>): Sql {
  return password === undefined
    ? sql`IDENTIFIED WITH ${raw(word(plugin))}`
    : sql`IDENTIFIED WITH ${raw(word(plugin))} BY ${quoted(placeholder(password))}`;
}

function defaults(object: Extract<ClusterObject, { kind: "user" }>): Sql[] {
  const { defaultRoles } = object.body;
  return defaultRoles.length === 0 ? [] : [sql`ALTER USER ${account(object)} DEFAULT ROLE ${join(defaultRoles.map((role) => id(role)))}`];
}

// ------------------------------------------------------------------------------------------------ drop, replace

const DROP_WORDS: Readonly<Record<Exclude<ClusterObject["kind"], "user">, string>> = {
  "external-catalog": "DROP CATALOG",
  "storage-volume": "DROP STORAGE VOLUME",
  "resource-group": "DROP RESOURCE GROUP",
  "routine-load": "STOP ROUTINE LOAD FOR",
  pipe: "DROP PIPE",
  role: "DROP ROLE",
};

function drop(object: ClusterObject): Sql {
  if (object.kind === "user") return sql`DROP USER ${account(object)}`;
  return sql`${raw(DROP_WORDS[object.kind])} ${id(...clusterName(object))}`;
}

const RESTARTS: Readonly<Partial<Record<ClusterObject["kind"], string>>> = {
  "routine-load": "the new job begins where its properties say and not where the old one ended: messages are skipped or loaded twice",
  pipe: "the new pipe does not know which files the old one loaded: they are loaded again",
};

function dropHazards({ kind, name }: ClusterObject): Hazard[] {
  const why = `${kind} ${displayName(name)} goes; what it was told is in the migration, where it stood is not`;
  return kind in RESTARTS ? [{ kind: "irreversible", why }] : [];
}

function replace(from: ClusterObject, to: ClusterObject): StatementBody[] {
  if (from.kind === "role" && to.kind === "role") return rolesChanged(from, to);
  if (from.kind === "user" && to.kind === "user") return userChanged(from, to);
  if (from.kind === "storage-volume" && to.kind === "storage-volume") return [volumeChanged(from, to)];
  const why = RESTARTS[to.kind];
  return [
    body(drop(from), from, { hazards: why === undefined ? [] : [{ kind: "data-loss", why }] }),
    ...create(to).map((text) => body(text, to)),
  ];
}

function rolesChanged(from: Extract<ClusterObject, { kind: "role" }>, to: Extract<ClusterObject, { kind: "role" }>): StatementBody[] {
  const name = id(...clusterName(to));
  const texts = [
    ...(from.body.comment === to.body.comment ? [] : [sql`ALTER ROLE ${name} SET COMMENT = ${quoted(to.body.comment)}`]),
    ...changedRights(from.body, to.body, sql`ROLE ${name}`),
  ];
  return texts.map((text) => body(text, to));
}

function userChanged(from: Extract<ClusterObject, { kind: "user" }>, to: Extract<ClusterObject, { kind: "user" }>): StatementBody[] {
  const same = JSON.stringify([from.body.plugin, from.body.password]) === JSON.stringify([to.body.plugin, to.body.password]);
  const sameDefaults = from.body.defaultRoles.join("\0") === to.body.defaultRoles.join("\0");
  const texts = [
    ...(same ? [] : [sql`ALTER USER ${account(to)} ${authentication(to)}`]),
    ...changedRights(from.body, to.body, account(to)),
    ...(sameDefaults ? [] : defaults(to)),
  ];
  return texts.map((text) => body(text, to));
}

/** What is no longer said is taken away first. */
function changedRights(from: Rights, to: Rights, who: Sql): Sql[] {
  return [...rights(less(from, to), who, "REVOKE"), ...rights(less(to, from), who, "GRANT")];
}

function less(all: Rights, others: Rights): Rights {
  const grants = all.grants.flatMap(({ on, privileges }) => {
    const kept = new Set(others.grants.filter((grant) => grant.on === on).flatMap((grant) => grant.privileges));
    const rest = privileges.filter((privilege) => !kept.has(privilege));
    return rest.length === 0 ? [] : [{ on, privileges: rest }];
  });
  return { roles: all.roles.filter((role) => !others.roles.includes(role)), grants };
}

function volumeChanged(
  from: Extract<ClusterObject, { kind: "storage-volume" }>,
  to: Extract<ClusterObject, { kind: "storage-volume" }>,
): StatementBody {
  if (from.body.type !== to.body.type || from.body.locations.join("\0") !== to.body.locations.join("\0"))
    throw new DwError("DW-ENGINE-REFUSED", {
      what: `The storage volume ${displayName(to.name)} would move to another place.`,
      why: "StarRocks changes neither type nor locations of a volume: tables lie in it.",
      fix: "Define a new volume, and let new tables name it.",
    });
  return body(
    sql`ALTER STORAGE VOLUME ${id(...clusterName(to))} COMMENT = ${quoted(to.body.comment)}, SET (${settings(to.body.properties)})`,
    to,
  );
}

function quoted(text: string): Sql {
  return raw(quotedText(text));
}
