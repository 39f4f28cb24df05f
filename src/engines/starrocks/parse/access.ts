import type { AccessStatement, GrantTarget, Side } from "./ast.js";
import type { Cursor, Property } from "./cursor.js";

/* Roles, users, rights, external catalogs, storage volumes and resource groups, by the grammar of branch 4.0. */

type Reader = (cursor: Cursor) => AccessStatement;

export const accessStatements: readonly (readonly [readonly string[], Reader])[] = [
  [["CREATE", "ROLE"], createRole],
  [["DROP", "ROLE"], (cursor) => ({ access: "drop-role", ifExists: optional(cursor), names: roles(cursor) })],
  [["CREATE", "USER"], createUser],
  [["GRANT"], (cursor) => grant(cursor, "grant")],
  [["REVOKE"], (cursor) => grant(cursor, "revoke")],
  [["CREATE", "EXTERNAL", "CATALOG"], createCatalog],
  [["DROP", "CATALOG"], (cursor) => ({ access: "drop-catalog", ifExists: optional(cursor), name: cursor.nameOrString() })],
  [["CREATE", "STORAGE", "VOLUME"], createVolume],
  [["CREATE", "RESOURCE", "GROUP"], createGroup],
];

/** IF EXISTS, or IF NOT EXISTS. */
function optional(cursor: Cursor, ...not: readonly "NOT"[]): boolean {
  return cursor.takes("IF", ...not, "EXISTS");
}

function roles(cursor: Cursor): string[] {
  return cursor.commas(() => cursor.nameOrString());
}

function createRole(cursor: Cursor): AccessStatement {
  const ifNotExists = optional(cursor, "NOT");
  const names = roles(cursor);
  cursor.comment();
  return { access: "create-role", ifNotExists, names };
}

function user(cursor: Cursor): string {
  const name = cursor.nameOrString();
  if (!cursor.takes("@")) return name;
  if (cursor.takes("[")) {
    cursor.nameOrString();
    cursor.expect("]");
  } else cursor.nameOrString();
  return name;
}

function createUser(cursor: Cursor): AccessStatement {
  const ifNotExists = optional(cursor, "NOT");
  const name = user(cursor);
  const plugin = authentication(cursor);
  const defaultRoles = cursor.takes("DEFAULT", "ROLE") ? roles(cursor) : [];
  if (cursor.takes("PROPERTIES")) cursor.properties();
  return { access: "create-user", ifNotExists, name, ...(plugin !== undefined && { plugin }), defaultRoles };
}

function authentication(cursor: Cursor): string | undefined {
  if (!cursor.takes("IDENTIFIED")) return undefined;
  if (cursor.expectAny("BY", "WITH") === "BY") {
    cursor.takes("PASSWORD");
    cursor.string();
    return undefined;
  }
  const plugin = cursor.nameOrString();
  if (cursor.takesAny("BY", "AS") !== undefined) cursor.string();
  return plugin;
}

// ------------------------------------------------------------------------------------------------ rights

const PLAIN =
  "ALTER APPLY BLACKLIST DELETE DROP EXPORT FILE IMPERSONATE INSERT GRANT NODE OPERATE PLUGIN REPOSITORY REFRESH SECURITY SELECT UPDATE USAGE".split(
    " ",
  );
const MADE = [
  ["DATABASE"],
  ["TABLE"],
  ["VIEW"],
  ["FUNCTION"],
  ["GLOBAL", "FUNCTION"],
  ["MATERIALIZED", "VIEW"],
  ["RESOURCE", "GROUP"],
  ["RESOURCE"],
  ["EXTERNAL", "CATALOG"],
  ["STORAGE", "VOLUME"],
  ["WAREHOUSE"],
  ["CNGROUP"],
  ["PIPE"],
] as const;
const TYPES = [
  ["CATALOG"],
  ["DATABASE"],
  ["MATERIALIZED", "VIEW"],
  ["RESOURCE", "GROUP"],
  ["RESOURCE"],
  ["STORAGE", "VOLUME"],
  ["TABLE"],
  ["VIEW"],
  ["WAREHOUSE"],
  ["PIPE"],
] as const;

function grant(cursor: Cursor, access: "grant" | "revoke"): AccessStatement {
  const { position } = cursor;
  const privileges = privilegeList(cursor);
  if (privileges === undefined || !cursor.takes("ON")) {
    cursor.rewind(position);
    const granted = roles(cursor);
    return { access: `${access}-role`, roles: granted, to: side(cursor, access) };
  }
  const target = targetOf(cursor);
  const to = side(cursor, access);
  if (access === "grant" && cursor.takes("WITH")) cursor.expect("GRANT", "OPTION");
  return { access, privileges, target, to };
}

function privilegeList(cursor: Cursor): string[] | undefined {
  const found: string[] = [];
  do {
    const one = privilege(cursor);
    if (one === undefined) return undefined;
    found.push(one);
  } while (cursor.takes(","));
  return found;
}

function privilege(cursor: Cursor): string | undefined {
  if (cursor.takes("ALL")) {
    cursor.takes("PRIVILEGES");
    return "ALL";
  }
  if (!cursor.takes("CREATE")) return cursor.takesAny(...PLAIN);
  const words = MADE.find((one) => cursor.takes(...one));
  if (words === undefined) throw cursor.fault("what may be created");
  return `CREATE ${words.join(" ")}`;
}

function targetOf(cursor: Cursor): GrantTarget {
  if (cursor.takes("SYSTEM")) return { type: "SYSTEM", names: [] };
  if (cursor.takes("USER")) return { type: "USER", names: cursor.commas(() => [user(cursor)]) };
  if (cursor.takes("ALL")) return allOf(cursor);
  if (cursor.sees("GLOBAL", "FUNCTION") || cursor.sees("FUNCTION")) return functions(cursor);
  const type = TYPES.find((words) => cursor.sees(...words) && !["TO", "FROM", ",", "."].includes(cursor.peek(words.length).key));
  if (type) cursor.takes(...type);
  const name = (): string => (cursor.takes("*") ? "*" : cursor.nameOrString());
  const names = cursor.commas(() => {
    const parts = [name()];
    while (cursor.takes(".")) parts.push(name());
    return parts;
  });
  return { type: type?.join(" ") ?? "TABLE", names };
}

function functions(cursor: Cursor): GrantTarget {
  const type = cursor.takes("GLOBAL") ? "GLOBAL FUNCTION" : "FUNCTION";
  cursor.expect("FUNCTION");
  const names = cursor.commas(() => {
    const name = cursor.qualifiedName();
    skipBrackets(cursor);
    return name;
  });
  return { type, names };
}

/** Types of arguments, which only an engine that has the function can judge. */
function skipBrackets(cursor: Cursor): void {
  cursor.expect("(");
  for (let depth = 1; depth > 0; ) {
    if (cursor.done) throw cursor.fault(")");
    const { key } = cursor.next();
    depth += key === "(" ? 1 : key === ")" ? -1 : 0;
  }
}

const PLURALS: readonly (readonly [readonly string[], string])[] = [
  [["CATALOGS"], "CATALOG"],
  [["DATABASES"], "DATABASE"],
  [["FUNCTIONS"], "FUNCTION"],
  [["GLOBAL", "FUNCTIONS"], "GLOBAL FUNCTION"],
  [["MATERIALIZED", "VIEWS"], "MATERIALIZED VIEW"],
  [["RESOURCES"], "RESOURCE"],
  [["RESOURCE", "GROUPS"], "RESOURCE GROUP"],
  [["STORAGE", "VOLUMES"], "STORAGE VOLUME"],
  [["TABLES"], "TABLE"],
  [["USERS"], "USER"],
  [["VIEWS"], "VIEW"],
  [["WAREHOUSES"], "WAREHOUSE"],
  [["PIPES"], "PIPE"],
];

function allOf(cursor: Cursor): GrantTarget {
  const type = PLURALS.find(([words]) => cursor.takes(...words))?.[1];
  if (type === undefined) throw cursor.fault("TABLES, VIEWS, DATABASES or another plural");
  if (!cursor.takes("IN")) return { type, names: [], all: "everywhere" };
  if (cursor.takes("ALL", "DATABASES")) return { type, names: [], all: "in-databases" };
  cursor.expect("DATABASE");
  return { type, names: [[cursor.nameOrString()]], all: "in-databases" };
}

/** TO or FROM somebody. */
function side(cursor: Cursor, access: "grant" | "revoke"): Side {
  cursor.expect(access === "grant" ? "TO" : "FROM");
  if (cursor.takes("ROLE")) return { role: cursor.nameOrString() };
  if (cursor.takes("EXTERNAL", "GROUP")) return { group: cursor.nameOrString() };
  cursor.takes("USER");
  return { user: user(cursor) };
}

// ------------------------------------------------------------------------------------------------ catalogs, volumes, groups

function createCatalog(cursor: Cursor): AccessStatement {
  const ifNotExists = optional(cursor, "NOT");
  const name = cursor.nameOrString();
  cursor.comment();
  cursor.expect("PROPERTIES");
  return { access: "create-catalog", ifNotExists, name, properties: cursor.properties() };
}

function createVolume(cursor: Cursor): AccessStatement {
  optional(cursor, "NOT");
  const name = cursor.nameOrString();
  cursor.expect("TYPE", "=");
  const type = cursor.name();
  cursor.expect("LOCATIONS", "=");
  const locations = cursor.list(() => cursor.string());
  cursor.comment();
  const properties: Property[] = cursor.takes("PROPERTIES") ? cursor.properties() : [];
  return { access: "create-volume", name, type, locations, properties };
}

function createGroup(cursor: Cursor): AccessStatement {
  optional(cursor, "NOT");
  cursor.takes("OR", "REPLACE");
  const name = cursor.name();
  const classifiers = cursor.takes("TO") ? cursor.commas(() => classifier(cursor)) : [];
  cursor.expect("WITH");
  return { access: "create-group", name, classifiers, limits: cursor.properties() };
}

/** `(user = 'bo', query_type IN ('select'))`. */
function classifier(cursor: Cursor): Readonly<Record<string, string>> {
  const conditions = cursor.list((): [string, string] => {
    const name = cursor.nameOrString().toLowerCase();
    if (cursor.takes("IN")) return [name, cursor.list(() => cursor.string()).join(",")];
    cursor.expect("=");
    return [name, cursor.token.kind === "string" ? cursor.string() : cursor.next().text];
  });
  return Object.fromEntries(conditions);
}
