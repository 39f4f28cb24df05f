import { type Catalog, type CatalogObject, compareText, type ObjectId } from "./catalog.js";
import type { Change, Fact, Rename } from "./change.js";
import { isJsonObject, type Json, type JsonObject, sameJson } from "./json.js";

/**
 * Changes that lead from one catalog to another, sorted by object id. Knows envelopes and JSON, no kinds.
 * Objects are matched by id; renames come only from stated intent, never from likeness.
 */
export function diff(from: Catalog, to: Catalog, renames: readonly Rename[] = []): Change[] {
  const wanted = new Map(to.objects.map((object) => [object.id, object]));
  const movedTo = new Map<ObjectId, ObjectId>();
  for (const rename of renames) if (rename.rename === "object") movedTo.set(rename.id, rename.to);

  const changes: Change[] = [];
  const met = new Set<ObjectId>();
  for (const object of from.objects) {
    const target = wanted.get(movedTo.get(object.id) ?? object.id);
    if (target === undefined) {
      changes.push({ change: "removed", id: object.id, from: object });
      continue;
    }
    met.add(target.id);
    const change = compare(object, target, columnRenames(renames, target.id));
    if (change) changes.push(change);
  }
  for (const object of to.objects) {
    if (!met.has(object.id)) changes.push({ change: "added", id: object.id, to: object });
  }
  return changes.sort((a, b) => compareText(a.id, b.id));
}

function columnRenames(renames: readonly Rename[], id: ObjectId): Record<string, string> {
  const columns: Record<string, string> = {};
  for (const rename of renames) if (rename.rename === "column" && rename.id === id) columns[rename.from] = rename.to;
  return columns;
}

function compare(from: CatalogObject, to: CatalogObject, columns: Record<string, string>): Change | undefined {
  const facts = factsBetween(renameColumns(from.body, columns), to.body);
  const moved = from.id !== to.id;
  const renamed = moved || Object.keys(columns).length > 0;
  if (facts.length === 0 && !renamed) return undefined;
  if (!renamed) return { change: "altered", id: to.id, from, to, facts };
  return { change: "altered", id: to.id, from, to, facts, renamed: moved ? { object: from.name, columns } : { columns } };
}

/**
 * The body with columns called by their new names, wherever a body names a column: in `columns[].name` and in every
 * list or value that is exactly the old name. Engines keep column references as whole strings, so this is complete.
 */
export function renameColumns(body: JsonObject, columns: Record<string, string>): JsonObject {
  if (Object.keys(columns).length === 0) return body;
  const rename = (value: Json): Json => {
    if (typeof value === "string") return Object.hasOwn(columns, value) ? (columns[value] ?? value) : value;
    if (Array.isArray(value)) return value.map(rename);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, key === "comment" || key === "type" ? member : rename(member)]),
    );
  };
  return rename(body) as JsonObject; // an object maps to an object
}

/** Facts between two bodies, in the order of their paths in the wanted body, removed ones last. */
export function factsBetween(from: Json | undefined, to: Json | undefined, path: readonly string[] = []): Fact[] {
  if (sameJson(from, to)) return [];
  if (isJsonObject(from) && isJsonObject(to)) return memberFacts(from, to, path);
  const fromNamed = namedMembers(from);
  const toNamed = namedMembers(to);
  if (fromNamed && toNamed && (fromNamed.length > 0 || toNamed.length > 0)) return listFacts(fromNamed, toNamed, path);
  return [{ path, from, to }];
}

function memberFacts(from: JsonObject, to: JsonObject, path: readonly string[]): Fact[] {
  const keys = [...Object.keys(to), ...Object.keys(from).filter((key) => !Object.hasOwn(to, key))];
  return keys.flatMap((key) => factsBetween(from[key], to[key], [...path, key]));
}

interface NamedMember {
  readonly name: string;
  readonly value: JsonObject;
}

function namedMembers(value: Json | undefined): NamedMember[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const members: NamedMember[] = [];
  for (const member of value as readonly Json[]) {
    if (!isJsonObject(member) || typeof member.name !== "string") return undefined;
    members.push({ name: member.name, value: member });
  }
  return members;
}

function listFacts(from: NamedMember[], to: NamedMember[], path: readonly string[]): Fact[] {
  const before = new Map(from.map((member) => [member.name, member.value]));
  const after = new Map(to.map((member) => [member.name, member.value]));
  const names = [...after.keys(), ...[...before.keys()].filter((name) => !after.has(name))];
  const facts = names.flatMap((name) => {
    const a = before.get(name);
    const b = after.get(name);
    // An added or removed member is one fact, however much it holds.
    return a && b ? factsBetween(a, b, [...path, name]) : [{ path: [...path, name], from: a, to: b }];
  });
  const shared = [...after.keys()].filter((name) => before.has(name));
  const old = [...before.keys()].filter((name) => after.has(name));
  if (!sameJson(old, shared)) facts.push({ path: [...path, "#order"], from: old, to: shared });
  return facts;
}
