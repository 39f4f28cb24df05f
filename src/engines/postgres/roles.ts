import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { SecretReference } from "../../core/config.js";
import { type Json, sameJson } from "../../core/json.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import type { GrantBody, RoleAttributes, RoleBody } from "./body.js";
import { id, join, lit, raw, sql } from "./dialect.js";
import { hazard, statement } from "./statements.js";

/* Roles and their rights. What dw did not grant is never revoked, and a role that still has rights elsewhere is not dropped. */

/** What CREATE ROLE makes of a name alone. */
export const PLAIN_ROLE: RoleAttributes = {
  login: false,
  inherit: true,
  createDatabase: false,
  createRole: false,
  replication: false,
  bypassRowSecurity: false,
  superuser: false,
  connectionLimit: -1,
};

export function createRole(object: CatalogObject): StatementBody[] {
  const body = roleBody(object);
  const name = id(...object.name);
  return [
    withSecret(
      statement(sql`CREATE ROLE ${name}${attributesSql(body.attributes, PLAIN_ROLE)}${passwordSql(body)}`, { undo: dropTexts(object) }),
      body,
    ),
    ...[...memberships(body.memberOf, name, "GRANT"), ...rights(body.grants, name, "GRANT")].map((text) => statement(text, { undo: [] })),
  ];
}

export function dropRole(object: CatalogObject): StatementBody[] {
  const [first, ...rest] = dropTexts(object);
  const undo = createRole(object).map(({ text }) => text);
  const { password } = roleBody(object);
  // The password is in no plan, so that a way back could only make a role without it.
  const lost =
    password === undefined ? { undo } : { hazards: [hazard("irreversible", `The password of ${displayName(object.name)} goes with it.`)] };
  return [statement(first ?? "", lost), ...rest.map((text) => statement(text, password === undefined ? { undo: [] } : {}))];
}

function dropTexts(object: CatalogObject): Sql[] {
  const body = roleBody(object);
  const name = id(...object.name);
  return [...rights(body.grants, name, "REVOKE"), sql`DROP ROLE ${name}`];
}

function roleBody({ body }: CatalogObject): RoleBody {
  return body as RoleBody; // the kind is role
}

/** What is no longer said is taken away first. */
export function alterRole(from: CatalogObject, to: CatalogObject): StatementBody[] {
  const [before, after] = [roleBody(from), roleBody(to)];
  const name = id(...to.name);
  const forth = changed(before, after, name);
  const back = changed(after, before, name);
  const statements = forth.map((text, index) => statement(text, { undo: index === 0 ? back : [] }));
  if (sameJson((before.password ?? null) as Json, (after.password ?? null) as Json)) return statements;
  const password = after.password === undefined ? sql` PASSWORD NULL` : passwordSql(after);
  const why = `Sessions of ${displayName(to.name)} that log in with the old password are refused.`;
  return [...statements, withSecret(statement(sql`ALTER ROLE ${name}${password}`, { hazards: [hazard("irreversible", why)] }), after)];
}

function changed(from: RoleBody, to: RoleBody, name: Sql): Sql[] {
  const attributes = attributesSql(to.attributes, from.attributes);
  return [
    ...(attributes.text === "" ? [] : [sql`ALTER ROLE ${name}${attributes}`]),
    ...memberships(less(from.memberOf, to.memberOf), name, "REVOKE"),
    ...rights(lessGrants(from.grants, to.grants), name, "REVOKE"),
    ...memberships(less(to.memberOf, from.memberOf), name, "GRANT"),
    ...rights(lessGrants(to.grants, from.grants), name, "GRANT"),
  ];
}

const less = (all: readonly string[], others: readonly string[]): string[] => all.filter((one) => !others.includes(one));

function lessGrants(all: readonly GrantBody[], others: readonly GrantBody[]): GrantBody[] {
  return all.flatMap((grant) => {
    const privileges = less(grant.privileges, others.find(({ name }) => name === grant.name)?.privileges ?? []);
    return privileges.length === 0 ? [] : [{ ...grant, privileges }];
  });
}

const WORDS: { readonly [Name in keyof RoleAttributes]?: string } = {
  login: "LOGIN",
  inherit: "INHERIT",
  createDatabase: "CREATEDB",
  createRole: "CREATEROLE",
  replication: "REPLICATION",
  bypassRowSecurity: "BYPASSRLS",
  superuser: "SUPERUSER",
};

/** Attributes that are not what they were. */
function attributesSql(to: RoleAttributes, from: RoleAttributes): Sql {
  const words = Object.entries(WORDS).flatMap(([name, word]) => {
    const [now, was] = [to[name as keyof RoleAttributes], from[name as keyof RoleAttributes]]; // keys of WORDS
    return now === was ? [] : [raw(`${now ? "" : "NO"}${word}`)];
  });
  const limit = to.connectionLimit === from.connectionLimit ? [] : [sql`CONNECTION LIMIT ${lit(to.connectionLimit)}`];
  const until = to.validUntil === from.validUntil ? [] : [sql`VALID UNTIL ${lit(to.validUntil ?? "infinity")}`];
  const all = [...words, ...limit, ...until];
  return all.length === 0 ? raw("") : sql` ${join(all, " ")}`;
}

function passwordSql({ password }: RoleBody): Sql {
  return password === undefined ? raw("") : sql` PASSWORD ${lit(placeholder(password as unknown as SecretReference))}`; // a reference
}

function memberships(roles: readonly string[], name: Sql, verb: "GRANT" | "REVOKE"): Sql[] {
  return roles.map((role) => sql`${raw(verb)} ${id(role)} ${raw(verb === "GRANT" ? "TO" : "FROM")} ${name}`);
}

function rights(grants: readonly GrantBody[], name: Sql, verb: "GRANT" | "REVOKE"): Sql[] {
  return grants.map(({ privileges, on, grantable }) =>
    verb === "GRANT"
      ? sql`GRANT ${raw(privileges.join(", "))} ON ${raw(on)} TO ${name}${raw(grantable ? " WITH GRANT OPTION" : "")}`
      : sql`REVOKE ${raw(privileges.join(", "))} ON ${raw(on)} FROM ${name}`,
  );
}

// ------------------------------------------------------------------------------------------------ passwords

/** Where a secret's value will stand when the statement is sent. */
function placeholder({ $secret, name }: SecretReference): string {
  return `<secret ${$secret}:${name}>`;
}

function withSecret(body: StatementBody, { password }: RoleBody): StatementBody {
  return password === undefined ? body : { ...body, secrets: [password as unknown as SecretReference] }; // a reference
}

/** The text as it is sent: with the password's SCRAM verifier, so that no log of the server's ever holds the password. */
export function withVerifiers(text: string, values: readonly { readonly reference: SecretReference; readonly value: string }[]): string {
  return values.reduce(
    (sent, { reference, value }) => sent.replaceAll(lit(placeholder(reference)).text, () => lit(scramVerifier(value)).text),
    text,
  );
}

const ITERATIONS = 4096;

/** RFC 5802 and 7677, in the form of pg_authid.rolpassword (PostgreSQL manual, 53.8). */
function scramVerifier(password: string): string {
  const salt = randomBytes(16);
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, ITERATIONS, 32, "sha256");
  const hmac = (text: string): Buffer => createHmac("sha256", salted).update(text).digest();
  const stored = createHash("sha256").update(hmac("Client Key")).digest("base64");
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString("base64")}$${stored}:${hmac("Server Key").toString("base64")}`;
}
