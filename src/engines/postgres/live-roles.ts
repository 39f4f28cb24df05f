import { compareText, objectId } from "../../core/catalog.js";
import type { PgSession } from "../../core/session.js";
import type { EngineName } from "../../core/types.js";
import type { GrantBody, RoleBody } from "./body.js";
import { id, join, lit } from "./dialect.js";
import { FOREIGN_SCHEMAS, liveRows } from "./live-catalog.js";
import { mergedGrants } from "./objects.js";
import { PLAIN_ROLE } from "./roles.js";

/*
 * Roles as far as models declare them: a server has everybody's. Of their rights, those that are declared are compared;
 * what somebody else granted is reported.
 */

interface LiveRole {
  readonly name: string;
  readonly comment: string | null;
  readonly login: boolean;
  readonly inherit: boolean;
  readonly createdatabase: boolean;
  readonly createrole: boolean;
  readonly replication: boolean;
  readonly bypass: boolean;
  readonly superuser: boolean;
  readonly limit: number;
  readonly until: string | null;
  readonly memberof: readonly string[];
}

interface LiveGrant {
  readonly role: string;
  readonly word: "TABLE" | "SCHEMA" | "FUNCTION" | "TYPE";
  readonly kind: string;
  readonly schema: string;
  readonly name: string | null;
  readonly arguments: readonly string[] | null;
  readonly privilege: string;
  readonly column: string | null;
  readonly grantable: boolean;
}

const roleList = (names: readonly string[]): string => join(names.map((name) => lit(name))).text;

const ROLES = (names: readonly string[]): string => `
SELECT r.rolname AS name, shobj_description(r.oid, 'pg_authid') AS comment, r.rolcanlogin AS login, r.rolinherit AS inherit,
  r.rolcreatedb AS createdatabase, r.rolcreaterole AS createrole, r.rolreplication AS replication, r.rolbypassrls AS bypass,
  r.rolsuper AS superuser, r.rolconnlimit AS "limit", nullif(r.rolvaliduntil, 'infinity') AS until,
  (SELECT coalesce(jsonb_agg(DISTINCT p.rolname), '[]') FROM pg_auth_members m JOIN pg_roles p ON p.oid = m.roleid WHERE m.member = r.oid) AS memberof
FROM pg_roles r WHERE r.rolname IN (${roleList(names)}) ORDER BY 1`;

const GRANTS = (names: readonly string[]): string => `
SELECT r.rolname AS role, o.word, o.kind, n.nspname AS schema, o.name, o.arguments, a.privilege_type AS privilege, o.column, a.is_grantable AS grantable
FROM (
  SELECT 'TABLE' AS word, c.relkind::text AS kind, c.relnamespace AS namespace, c.relname AS name, NULL::jsonb AS arguments, NULL::name AS column, c.relacl AS acl, c.relowner AS owner
    FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
  UNION ALL SELECT 'TABLE', c.relkind::text, c.relnamespace, c.relname, NULL, t.attname, t.attacl, c.relowner
    FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid WHERE t.attacl IS NOT NULL AND NOT c.relispartition
  UNION ALL SELECT 'SCHEMA', '', s.oid, NULL, NULL, NULL, s.nspacl, s.nspowner FROM pg_namespace s
  UNION ALL SELECT 'FUNCTION', '', p.pronamespace, p.proname,
      (SELECT coalesce(jsonb_agg(format_type(t.type, NULL) ORDER BY t.place), '[]') FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY t(type, place)),
      NULL, p.proacl, p.proowner FROM pg_proc p
  UNION ALL SELECT 'TYPE', '', t.typnamespace, t.typname, NULL, NULL, t.typacl, t.typowner FROM pg_type t WHERE t.typtype = 'e'
) o JOIN pg_namespace n ON n.oid = o.namespace CROSS JOIN LATERAL aclexplode(o.acl) a JOIN pg_roles r ON r.oid = a.grantee
WHERE r.rolname IN (${roleList(names)}) AND a.grantee <> o.owner AND ${FOREIGN_SCHEMAS}`;

export interface FoundRole {
  readonly name: string;
  readonly body: RoleBody;
  /** Rights that it has and the model does not say. */
  readonly others: readonly string[];
}

/** `wanted`: bodies by the role's name; without one, everything that is there is meant (an import). */
export async function liveRoles(
  session: PgSession,
  slot: EngineName,
  wanted: ReadonlyMap<string, RoleBody | undefined>,
): Promise<FoundRole[]> {
  if (wanted.size === 0) return [];
  const names = [...wanted.keys()].sort(compareText);
  const roles = await liveRows<LiveRole>(session, ROLES(names));
  const grants = await liveRows<LiveGrant>(session, GRANTS(names));
  return roles.map((role) => {
    const all = mergedGrants(grants.filter((grant) => grant.role === role.name).map((grant) => grantBody(slot, grant)));
    return found(role, all, wanted.get(role.name));
  });
}

function found(role: LiveRole, grants: readonly GrantBody[], wanted: RoleBody | undefined): FoundRole {
  const declared = (one: GrantBody): GrantBody | undefined => wanted?.grants.find(({ name }) => name === one.name);
  const ours = (one: GrantBody, isOurs: boolean): GrantBody[] => {
    const known = declared(one)?.privileges ?? [];
    const privileges = one.privileges.filter((privilege) => known.includes(privilege) === isOurs);
    return privileges.length === 0 ? [] : [{ ...one, ...(isOurs && { object: declared(one)?.object ?? one.object }), privileges }];
  };
  const memberOf = [...role.memberof].sort(compareText);
  const others = wanted === undefined ? [] : grants.flatMap((one) => ours(one, false));
  const body: RoleBody = {
    comment: role.comment ?? "",
    attributes: {
      ...PLAIN_ROLE,
      login: role.login,
      inherit: role.inherit,
      createDatabase: role.createdatabase,
      createRole: role.createrole,
      replication: role.replication,
      bypassRowSecurity: role.bypass,
      superuser: role.superuser,
      connectionLimit: role.limit,
      ...(role.until !== null && { validUntil: new Date(role.until).toISOString() }),
    },
    ...(wanted?.password && { password: wanted.password }), // nobody can read one
    memberOf: wanted === undefined ? memberOf : memberOf.filter((one) => wanted.memberOf.includes(one)),
    grants: wanted === undefined ? grants : grants.flatMap((one) => ours(one, true)),
  };
  return {
    name: role.name,
    body,
    others: [
      ...others.map(({ privileges, name }) => `${privileges.join(", ")} on ${name}`),
      ...(wanted === undefined ? [] : memberOf.filter((one) => !wanted.memberOf.includes(one)).map((one) => `membership in ${one}`)),
    ],
  };
}

const KINDS: Readonly<Record<string, "table" | "view" | "materialized-view">> = {
  r: "table",
  p: "table",
  f: "table",
  v: "view",
  m: "materialized-view",
};

function grantBody(slot: EngineName, grant: LiveGrant): GrantBody {
  const { word, schema, name, privilege, column, grantable } = grant;
  const full = name === null ? [schema] : [schema, name];
  const args = grant.arguments === null ? "" : `(${grant.arguments.join(", ")})`;
  const on = `${word} ${id(...full).text}${args}`;
  const kind = word === "SCHEMA" ? "schema" : word === "FUNCTION" ? "function" : word === "TYPE" ? "enum" : (KINDS[grant.kind] ?? "table");
  return {
    name: grantable ? `${on} WITH GRANT OPTION` : on,
    object: objectId(slot, kind, full),
    on,
    privileges: [column === null ? privilege : `${privilege} (${id(column).text})`],
    ...(grantable && { grantable: true as const }),
  };
}

/** Roles of the server that have rights in this database and are neither its own nor whoever asks. */
export async function rolesWithRights(session: PgSession): Promise<readonly string[]> {
  const rows = await liveRows<{ name: string }>(
    session,
    `SELECT DISTINCT r.rolname AS name FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
     WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'a' AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
     AND r.rolname !~ '^pg_' AND NOT r.rolsuper ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
