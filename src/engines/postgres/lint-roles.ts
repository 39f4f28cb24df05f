import type { CatalogObject } from "../../core/catalog.js";
import type { Finding } from "../../core/finding.js";
import { type PostgresObject, postgresObject } from "./body.js";
import { placeOf } from "./lint-place.js";

type RoleObject = Extract<PostgresObject, { kind: "role" }>;

const PUBLIC = "public";

export function roleFindings(objects: readonly CatalogObject[]): Finding[] {
  const roles = objects.map(postgresObject).filter((object): object is RoleObject => object.kind === "role");
  const byName = new Map(roles.map((role) => [role.name[0] ?? "", role]));
  return roles.flatMap((role) => [...nameFindings(role), ...passwordFindings(role), ...usageFindings(role, byName, objects)]);
}

/** Names that CREATE ROLE refuses (PostgreSQL manual, 22.1 and 22.5). */
function nameFindings(role: RoleObject): Finding[] {
  const [name = ""] = role.name;
  if (!/^pg_/.test(name) && name !== PUBLIC && name !== "none") return [];
  const message = `${placeOf(role)} cannot be a role's name: PostgreSQL keeps public, none and names that begin with pg_ for itself.`;
  return [{ rule: "postgres/role-name", severity: "error", message, fix: "Choose another name.", place: placeOf(role) }];
}

function passwordFindings(role: RoleObject): Finding[] {
  if (role.body.password === undefined || role.body.attributes.login) return [];
  const message = `${placeOf(role)} has a password and may not log in: nobody can ever use it.`;
  return [
    {
      rule: "postgres/password-without-login",
      severity: "warning",
      message,
      fix: "Say login: true, or leave the password out.",
      place: placeOf(role),
    },
  ];
}

/** PostgreSQL takes the grant, and answers every query with "permission denied for schema". */
function usageFindings(role: RoleObject, roles: ReadonlyMap<string, RoleObject>, objects: readonly CatalogObject[]): Finding[] {
  const usable = schemasOf(role, roles);
  const named = new Set(
    role.body.grants.flatMap(({ object }) => objects.find(({ id, kind }) => id === object && kind !== "schema")?.name[0] ?? []),
  );
  const closed = [...named].filter((schema) => schema !== PUBLIC && !usable.has(schema));
  return closed.map((schema) => ({
    rule: "postgres/grant-needs-usage",
    severity: "warning",
    message: `${placeOf(role)} has rights in the schema ${schema}, and none to use it: PostgreSQL refuses its queries all the same.`,
    fix: `Grant USAGE: { privileges: ["USAGE"], on: { schema: ${JSON.stringify(schema)} } }.`,
    place: placeOf(role),
  }));
}

function schemasOf(role: RoleObject, roles: ReadonlyMap<string, RoleObject>, met: ReadonlySet<RoleObject> = new Set()): Set<string> {
  if (met.has(role)) return new Set();
  const own = role.body.grants.filter(({ on, privileges }) => on.startsWith("SCHEMA ") && privileges.includes("USAGE"));
  const inherited = role.body.memberOf.flatMap((name) => {
    const parent = roles.get(name);
    return parent === undefined ? [] : [...schemasOf(parent, roles, new Set([...met, role]))];
  });
  return new Set([...own.map(({ object }) => object.slice(object.lastIndexOf(":") + 1)), ...inherited]);
}
