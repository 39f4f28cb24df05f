import type { CatalogObject } from "../../../core/catalog.js";
import type { JsonObject } from "../../../core/json.js";
import type { MysqlRow, MysqlSession } from "../../../core/session.js";
import { starrocks } from "../dialect.js";
import { Cursor } from "../parse/cursor.js";
import { tokenize } from "../parse/lexer.js";
import { type ClusterObject, clusterName, type Grant, isSecret, type Settings } from "./body.js";

/*
 * What lies in a cluster beside tables, as far as the models declare it: nobody else's catalogs, users and loads are looked
 * at. What the engine masks is not compared, and neither is what it cannot show.
 */

const { id, lit } = starrocks;

/** The live form of each wanted object that is there. */
export async function introspectCluster(session: MysqlSession, wanted: readonly ClusterObject[]): Promise<CatalogObject[]> {
  const found: CatalogObject[] = [];
  for (const object of wanted) {
    const body = await lookAt(session, object);
    if (body) found.push({ ...object, body });
  }
  return found;
}

async function lookAt(session: MysqlSession, object: ClusterObject): Promise<JsonObject | undefined> {
  const [own = ""] = [...clusterName(object)].reverse();
  switch (object.kind) {
    case "external-catalog": {
      const text = await shown(session, `SHOW CREATE CATALOG ${id(own).text}`);
      return text === undefined ? undefined : { ...object.body, ...withMasked(catalogOf(text), object.body.properties) };
    }
    case "storage-volume": {
      const [row] = await rows(session, `DESC STORAGE VOLUME ${id(own).text}`);
      return row && volumeOf(row, object.body);
    }
    case "resource-group": {
      const all = await rows(session, `SHOW VERBOSE RESOURCE GROUP ${id(own).text}`);
      return all.length === 0 ? undefined : groupOf(all, object.body);
    }
    case "routine-load": {
      const [database = ""] = clusterName(object);
      const [row] = await rows(session, `SHOW ROUTINE LOAD FOR ${id(database, own).text}`);
      if (!row || /^(STOPPED|CANCELLED)$/.test(row.State ?? "")) return undefined;
      return loadOf((await shown(session, `SHOW CREATE ROUTINE LOAD ${id(database, own).text}`)) ?? "", object.body);
    }
    case "pipe": {
      const [database = ""] = clusterName(object);
      const all = await rows(session, `SHOW PIPES FROM ${id(database).text}`);
      return all.some((row) => Object.values(row).includes(own)) ? object.body : undefined;
    }
    case "role": {
      const all = await rows(session, "SHOW ROLES");
      const row = all.find(({ Name }) => Name === own);
      if (!row) return undefined;
      const rights = await rightsOf(session, `SHOW GRANTS FOR ROLE ${id(own).text}`, object.body);
      return { ...object.body, ...rights, comment: row.Comment ?? "" };
    }
    case "user": {
      const all = await rows(session, "SHOW USERS");
      const account = `${lit(own).text}@${lit(object.body.host).text}`;
      if (!all.some(({ User }) => User === account)) return undefined;
      return { ...object.body, ...(await rightsOf(session, `SHOW GRANTS FOR ${account}`, object.body)) };
    }
  }
}

/** No rows where the engine refuses: what is asked for is not there. */
async function rows(session: MysqlSession, text: string): Promise<readonly MysqlRow[]> {
  const answer = await session.ask(text);
  return answer.ok ? answer.rows : [];
}

async function shown(session: MysqlSession, text: string): Promise<string | undefined> {
  const [row] = await rows(session, text);
  return Object.entries(row ?? {}).find(([column]) => column.startsWith("Create "))?.[1] ?? undefined;
}

/** `CREATE EXTERNAL CATALOG `c` COMMENT "…" PROPERTIES ("a"  =  "b", …)`. */
function catalogOf(text: string): { comment: string; properties: Record<string, string> } {
  const cursor = new Cursor(tokenize(text.replace(/;\s*$/, "")));
  cursor.expect("CREATE", "EXTERNAL", "CATALOG");
  cursor.name();
  const comment = cursor.comment() ?? "";
  cursor.expect("PROPERTIES");
  return { comment, properties: Object.fromEntries(cursor.properties().map(({ key, value }) => [key, value])) };
}

const MASK = /^\*+$|\*{3,}/;

/** A masked value is the wanted one, whatever it is; what the engine adds by itself is left out. */
function withMasked(live: { readonly comment: string; readonly properties: Readonly<Record<string, string>> }, wanted: Settings) {
  const entries = Object.entries(wanted).flatMap(([name, value]): [string, Settings[string]][] => {
    const found = live.properties[name];
    if (found === undefined) return [];
    return [[name, isSecret(value) || MASK.test(found) ? value : found]];
  });
  return { comment: live.comment, properties: Object.fromEntries(entries) };
}

function volumeOf(row: MysqlRow, wanted: Extract<ClusterObject, { kind: "storage-volume" }>["body"]): JsonObject {
  const live = parsedObject(row.Params ?? "");
  return {
    type: row.Type ?? wanted.type,
    locations: (row.Location ?? "")
      .split(",")
      .map((location) => location.trim())
      .filter((location) => location !== ""),
    ...withMasked({ comment: row.Comment ?? "", properties: { ...live, enabled: row.Enabled ?? "" } }, wanted.properties),
  };
}

type Rights = { readonly roles: readonly string[]; readonly grants: readonly Grant[] };

/** `GRANT INSERT, SELECT ON TABLE shop.orders TO ROLE 'r'`: names stand without quotes, and are given those of the models. */
async function rightsOf(session: MysqlSession, question: string, wanted: Rights): Promise<Rights> {
  const texts = (await rows(session, question)).map((row) => row.Grants ?? "");
  const known = new Map(wanted.grants.map(({ on }) => [plain(on), on]));
  const grants = texts.flatMap((text): Grant[] => {
    const [, privileges = "", on = ""] = /^GRANT (.+?) ON (.+) TO (?:ROLE )?'/.exec(text) ?? [];
    return on === "" ? [] : [{ on: known.get(on) ?? on, privileges: privileges.split(", ").sort() }];
  });
  const roles = texts.flatMap((text) => (/^GRANT ('.+') TO /.exec(text)?.[1] ?? "").split(", ").flatMap((role) => role.slice(1, -1) || []));
  return { roles: roles.sort(), grants: grants.sort((a, b) => (a.on < b.on ? -1 : 1)) };
}

function plain(on: string): string {
  return on.replace(/`((?:[^`]|``)*)`/g, (_, name: string) => name.replaceAll("``", "`"));
}

/** The values that the models give; the engine shows many more, with its defaults. */
function loadOf(text: string, wanted: Extract<ClusterObject, { kind: "routine-load" }>["body"]): JsonObject {
  const pairs = [...text.matchAll(/"([^"]+)"\s*=\s*"((?:[^"\\]|\\.)*)"/g)].map(([, name = "", value = ""]) => [name, value] as const);
  const live = { comment: "", properties: Object.fromEntries(pairs) };
  return { ...wanted, properties: withMasked(live, wanted.properties).properties, from: withMasked(live, wanted.from).properties };
}

function parsedObject(text: string): Record<string, string> {
  try {
    const value: unknown = JSON.parse(text);
    return Object.fromEntries(Object.entries(value as object).map(([name, member]) => [name, String(member)])); // an object of texts, or nothing
  } catch {
    return {};
  }
}

/** Limits are columns of the answer under other names; only those that the models say are compared. */
function groupOf(all: readonly MysqlRow[], wanted: Extract<ClusterObject, { kind: "resource-group" }>["body"]): JsonObject {
  const [row] = all;
  const limits = Object.entries(wanted.limits).flatMap(([name, value]) => {
    const live = row?.[name];
    if (live === undefined || live === null) return [[name, value] as const];
    const same = normalLimit(live) === normalLimit(String(value));
    return [[name, same ? value : live] as const];
  });
  return { ...wanted, limits: Object.fromEntries(limits) };
}

/** `20%`, `20.0%` and `0.2` are one share. */
function normalLimit(text: string): string {
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text.trim())?.[1];
  return percent === undefined ? String(Number.isNaN(Number(text)) ? text : Number(text)) : String(Number(percent) / 100);
}
