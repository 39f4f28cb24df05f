import { isJsonObject, type Json, type JsonObject, stableJson } from "./json.js";
import type { EngineName } from "./types.js";

/** Kinds of objects over all engines. An engine has only some of them. */
export type ObjectKind =
  | "database"
  | "schema"
  | "enum"
  | "table"
  | "view"
  | "materialized-view"
  | "continuous-aggregate"
  | "function"
  | "topic"
  | "message-schema"
  | "external-catalog"
  | "storage-volume"
  | "resource-group"
  | "routine-load"
  | "pipe"
  | "role"
  | "user";

/** `slot:kind:name.parts`, unique in a catalog; dots and backslashes inside a part are escaped with a backslash. */
export type ObjectId = string;

/**
 * The envelope of anything that dw makes. `name` is the qualified name, outermost part first (`["public", "sensor_data"]`).
 * `body` is typed by the engine (`engines/x/body.ts`) and is plain JSON, so that catalogs are stored, hashed and compared
 * without knowing kinds. Lists in a body whose members have a `name` are compared by it, other lists by position.
 */
export interface CatalogObject<Body extends JsonObject = JsonObject> {
  readonly slot: EngineName;
  readonly kind: ObjectKind;
  readonly id: ObjectId;
  readonly name: readonly string[];
  /** The model that it comes from; absent on introspected objects. */
  readonly model?: string;
  readonly dependsOn: readonly ObjectId[];
  readonly body: Body;
}

/** Objects of one warehouse, sorted by id. */
export interface Catalog {
  readonly warehouse: string;
  readonly objects: readonly CatalogObject[];
}

export function objectId(slot: EngineName, kind: ObjectKind, name: readonly string[]): ObjectId {
  return `${slot}:${kind}:${displayName(name)}`;
}

/** Name parts joined by dots, for ids and messages; never for SQL (engines quote). */
export function displayName(name: readonly string[]): string {
  return name.map((part) => part.replace(/[\\.]/g, "\\$&")).join(".");
}

export function catalogOf(warehouse: string, objects: Iterable<CatalogObject>): Catalog {
  return { warehouse, objects: [...objects].sort((a, b) => compareText(a.id, b.id)) };
}

/** Code-unit order: the same on every machine, unlike localeCompare. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * A value that differs per environment (replication, database name, retention). It stays a hole in state.json and is
 * filled when a migration meets its environment. `default` serves every environment that is not named.
 */
export interface Hole {
  readonly $env: { readonly default: Json; readonly [environment: string]: Json };
}

export function isHole(value: Json | undefined): value is Json & { readonly $env: JsonObject } {
  return isJsonObject(value) && isJsonObject(value.$env) && "default" in value.$env;
}

/** The same value with every hole filled for `environment`. */
export function fillHoles<T extends Json>(value: T, environment: string): T {
  return fill(value, environment) as T; // a hole stands where the filled value's type is expected
}

/** What has no hole is answered as it is: most of a catalog, and copying it costs more than all rules together. */
function fill(value: Json, environment: string): Json {
  if (typeof value !== "object" || value === null) return value;
  if (isHole(value)) {
    const chosen = Object.hasOwn(value.$env, environment) ? value.$env[environment] : value.$env.default;
    return fill(chosen ?? null, environment);
  }
  if (Array.isArray(value)) {
    const members = value.map((member) => fill(member, environment));
    return members.some((member, index) => member !== value[index]) ? members : value;
  }
  if (!isJsonObject(value)) return value;
  const changed = Object.entries(value).flatMap(([key, member]): [string, Json][] => {
    const filled = fill(member, environment);
    return filled === member ? [] : [[key, filled]];
  });
  return changed.length === 0 ? value : { ...value, ...Object.fromEntries(changed) };
}

/** Environments that some hole in `value` names, sorted; `default` is not one of them. */
function holeEnvironments(value: Json): string[] {
  const names = new Set<string>();
  const visit = (member: Json): void => {
    if (isHole(member)) for (const name of Object.keys(member.$env)) names.add(name);
    if (Array.isArray(member)) member.forEach(visit);
    else if (isJsonObject(member)) Object.values(member).forEach(visit);
  };
  visit(value);
  names.delete("default");
  return [...names].sort(compareText);
}

/** An object as it is in one environment; `default` is that of none in particular. */
export function objectFor(object: CatalogObject, environment: string): CatalogObject {
  return fillHoles(object as unknown as Json, environment) as unknown as CatalogObject; // catalog objects are JSON by construction
}

/** The catalog as it is in one environment. */
export function catalogFor(catalog: Catalog, environment: string): Catalog {
  return fillHoles(catalog as unknown as Json, environment) as unknown as Catalog; // as in catalogText: a catalog is JSON
}

/** Environments that a catalog's holes name. */
export function catalogEnvironments(catalog: Catalog): string[] {
  return holeEnvironments(catalog as unknown as Json); // as above
}

/** Text of `generated/catalog.json` and `state.json`. */
export function catalogText(catalog: Catalog): string {
  return `${stableJson(catalog as unknown as Json, 2)}\n`; // a catalog is JSON by construction; the interface lacks an index signature
}
