import { type CatalogObject, compareText, objectId } from "../../core/catalog.js";
import type { SecretReference } from "../../core/config.js";
import type { ResolveContext } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import type { Model, ObjectModel } from "../../core/model.js";
import { modelPlace } from "../../core/model-place.js";
import { type EngineName, typeText } from "../../core/types.js";
import type { EnumBody, GrantBody, RoleAttributes, RoleBody } from "./body.js";
import { objectSql } from "./create.js";
import { id } from "./dialect.js";
import { PLAIN_ROLE } from "./roles.js";

/* Models that are no tables: enum types and roles (model/postgres-objects.ts), as objects of the catalog. */

const DEFAULT_SCHEMA = "public";

function optionsOf<Options>(model: ObjectModel, slot: EngineName): Options {
  return (model.on[slot] ?? {}) as Options; // written by model/postgres-objects.ts
}

export function isObjectOn(model: Model | undefined, slot: EngineName, kind: "enum" | "role"): model is ObjectModel {
  return model?.model === "object" && model.on[slot]?.object === kind;
}

export function enumName(model: ObjectModel, slot: EngineName): readonly [string, string] {
  const { schema = DEFAULT_SCHEMA, name = model.name } = optionsOf<{ schema?: string; name?: string }>(model, slot);
  return [schema, name];
}

/** The enum type of a column; undefined for one whose values a CHECK keeps. Throws DW-MODEL-INVALID. */
export function enumOf(
  model: Model,
  column: string,
  type: { readonly type?: string; readonly values: readonly string[] },
  slot: EngineName,
  context: ResolveContext,
): ObjectModel | undefined {
  if (type.type === undefined) return undefined;
  const declared = context.models.get(type.type);
  if (declared?.model !== "object") {
    throw new DwError("DW-MODEL-INVALID", {
      what: `${modelPlace(model)}: column ${column} is ${typeText({ kind: "enum", values: type.values })} of the type ${type.type}, which no model declares.`,
      why: "The type has to exist before a column can have it.",
      fix: `Declare it: defineEnum(${JSON.stringify(type.type)}, { values: […], on: { ${slot}: {} } }).`,
    });
  }
  return isObjectOn(declared, slot, "enum") ? declared : undefined;
}

/** Types and roles of one slot; roles name objects, so these come first. */
export function declaredObjects(models: readonly Model[], slot: EngineName): CatalogObject[] {
  return models.filter((model) => isObjectOn(model, slot, "enum")).map((model) => enumObject(model, slot));
}

function enumObject(model: ObjectModel, slot: EngineName): CatalogObject {
  const values = optionsOf<{ values: readonly string[] }>(model, slot).values;
  const twice = values.find((value, index) => values.indexOf(value) !== index);
  const long = values.find((value) => Buffer.byteLength(value) > 63 || value === "");
  if (twice !== undefined || long !== undefined || values.length === 0) {
    throw invalid(
      model,
      `its values are ${JSON.stringify(values)}`,
      "An enum has at least one value, none twice, each of 1 to 63 bytes.",
      "Correct the values.",
    );
  }
  const body: EnumBody = { comment: model.comment ?? "", values };
  return envelope(slot, "enum", enumName(model, slot), schemaOf(slot, enumName(model, slot)[0]), body, model.name);
}

function schemaOf(slot: EngineName, schema: string): string[] {
  return schema === DEFAULT_SCHEMA ? [] : [objectId(slot, "schema", [schema])];
}

function envelope(
  slot: EngineName,
  kind: "enum" | "role",
  name: readonly string[],
  dependsOn: readonly string[],
  body: JsonObject,
  model: string,
): CatalogObject {
  return { slot, kind, id: objectId(slot, kind, name), name, model, dependsOn: [...new Set(dependsOn)].sort(compareText), body };
}

// ------------------------------------------------------------------------------------------------ roles

interface RoleOptions extends Partial<RoleAttributes> {
  readonly password?: SecretReference;
  readonly memberOf: readonly string[];
  readonly grants: readonly GrantOptions[];
}

interface GrantOptions {
  readonly privileges: readonly string[];
  readonly on: { readonly model: string } | { readonly schema: string } | { readonly allTablesIn: string };
  readonly columns?: readonly string[];
  readonly grantable?: true;
}

/** What rights can be on: `all` of this slot, and the object of any model of the warehouse. */
export interface Grantable {
  readonly all: readonly CatalogObject[];
  readonly of: (model: string) => CatalogObject | undefined;
}

export function roleObjects(models: readonly Model[], slot: EngineName, objects: Grantable): CatalogObject[] {
  return models.filter((model) => isObjectOn(model, slot, "role")).map((model) => roleObject(model, slot, objects));
}

function roleObject(model: ObjectModel, slot: EngineName, objects: Grantable): CatalogObject {
  const { object: _, password, memberOf, grants, validUntil, ...attributes } = optionsOf<RoleOptions & { object: string }>(model, slot);
  const granted = grants.flatMap((grant) => grantBodies(model, slot, grant, objects));
  const body: RoleBody = {
    comment: model.comment ?? "",
    attributes: { ...PLAIN_ROLE, ...attributes, ...(validUntil !== undefined && { validUntil: instant(model, validUntil) }) },
    ...(password && { password: { ...password } }),
    memberOf: [...memberOf].sort(compareText),
    grants: mergedGrants(granted.map(({ body: one }) => one)),
  };
  const needs = [...granted.map(({ needs: one }) => one), ...memberOf.map((role) => objectId(slot, "role", [role]))];
  return envelope(slot, "role", [model.name], needs, body, model.name);
}

function instant(model: ObjectModel, text: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time))
    throw invalid(model, `validUntil is ${JSON.stringify(text)}`, "A password holds until an instant.", "Write it in ISO 8601.");
  return new Date(time).toISOString();
}

/** Privileges that the word ALL means; MAINTAIN came with PostgreSQL 17 and is granted by its name. */
const ALL: Readonly<Record<string, readonly string[]>> = {
  TABLE: ["DELETE", "INSERT", "REFERENCES", "SELECT", "TRIGGER", "TRUNCATE", "UPDATE"],
  SCHEMA: ["CREATE", "USAGE"],
  FUNCTION: ["EXECUTE"],
  TYPE: ["USAGE"],
};

const OF_COLUMNS: ReadonlySet<string> = new Set(["SELECT", "INSERT", "UPDATE", "REFERENCES"]);

interface Granted {
  readonly body: GrantBody;
  readonly needs: string;
}

function grantBodies(model: ObjectModel, slot: EngineName, grant: GrantOptions, objects: Grantable): Granted[] {
  return targetsOf(model, slot, grant.on, objects).map(({ on, needs }) => {
    const privileges = privilegesOf(model, grant, on.slice(0, on.indexOf(" ")));
    const name = grant.grantable ? `${on} WITH GRANT OPTION` : on;
    return { needs, body: { name, object: needs, on, privileges, ...(grant.grantable && { grantable: true as const }) } };
  });
}

function privilegesOf(model: ObjectModel, { privileges, columns }: GrantOptions, word: string): string[] {
  const allowed = [...(ALL[word] ?? []), ...(word === "TABLE" ? ["MAINTAIN"] : [])];
  const said = privileges.map((privilege) => privilege.toUpperCase().trim());
  const meant = said.includes("ALL") ? [...(ALL[word] ?? []), ...said.filter((one) => one !== "ALL")] : said;
  const unknown = meant.find((privilege) => !allowed.includes(privilege) || (columns !== undefined && !OF_COLUMNS.has(privilege)));
  if (unknown !== undefined || meant.length === 0) {
    const known = columns === undefined ? allowed.join(", ") : [...OF_COLUMNS].join(", ");
    throw invalid(
      model,
      `it grants ${unknown ?? "nothing"} on a ${word.toLowerCase()}`,
      `What can be granted ${columns ? "on columns" : "there"} is ${known}.`,
      "Name one of those, or ALL.",
    );
  }
  return columns === undefined ? meant : meant.flatMap((privilege) => columns.map((column) => `${privilege} (${id(column).text})`));
}

type Target = { readonly on: string; readonly needs: string };

function targetsOf(model: ObjectModel, slot: EngineName, on: GrantOptions["on"], objects: Grantable): Target[] {
  if ("schema" in on) return [{ on: `SCHEMA ${id(on.schema).text}`, needs: objectId(slot, "schema", [on.schema]) }];
  if ("allTablesIn" in on) {
    const inside = objects.all.filter(({ name, kind }) => RELATIONS.has(kind) && name[0] === on.allTablesIn);
    if (inside.length === 0)
      throw invalid(
        model,
        `it grants rights on all tables in ${on.allTablesIn}`,
        "No model of the warehouse makes one there.",
        "Name a schema that models use.",
      );
    return inside.map((object) => ({ on: `TABLE ${id(...object.name).text}`, needs: object.id }));
  }
  const object = objects.of(on.model);
  const word = object && grantWord(object);
  if (object === undefined || word === undefined)
    throw invalid(
      model,
      `it grants rights on ${on.model}`,
      `No model of that name makes anything on ${slot}.`,
      "Name a model of this engine.",
    );
  return [{ on: `${word} ${objectSql(object).text}`, needs: object.id }];
}

const RELATIONS: ReadonlySet<string> = new Set(["table", "view", "materialized-view", "continuous-aggregate"]);

/** What GRANT calls it: views of all kinds are tables there. */
function grantWord({ kind }: CatalogObject): string | undefined {
  if (RELATIONS.has(kind)) return "TABLE";
  return kind === "function" ? "FUNCTION" : kind === "enum" ? "TYPE" : undefined;
}

/** One entry for each thing, its privileges sorted, none twice. */
export function mergedGrants(grants: readonly GrantBody[]): GrantBody[] {
  const byName = new Map<string, GrantBody>();
  for (const grant of grants) {
    const privileges = [...new Set([...(byName.get(grant.name)?.privileges ?? []), ...grant.privileges])].sort(compareText);
    byName.set(grant.name, { ...grant, privileges });
  }
  return [...byName.values()].sort((a, b) => compareText(a.name, b.name));
}

function invalid(model: ObjectModel, what: string, why: string, fix: string): DwError {
  return new DwError("DW-MODEL-INVALID", { what: `${modelPlace(model)}: ${what}.`, why, fix });
}
