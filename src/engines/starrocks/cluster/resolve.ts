import { type CatalogObject, type Hole, type ObjectKind, objectId } from "../../../core/catalog.js";
import type { ResolveContext } from "../../../core/engine.js";
import { DwError } from "../../../core/errors.js";
import type { JsonObject } from "../../../core/json.js";
import type { Model, ObjectModel, SqlBody } from "../../../core/model.js";
import { modelPlace } from "../../../core/model-place.js";
import type { Held } from "../body.js";
import { quoting } from "../dialect.js";
import type { Grant, Settings } from "./body.js";

/** Objects of the models that declare what is no table. Throws DW-MODEL-INVALID. */
export function clusterObjects(models: readonly Model[], context: ResolveContext): CatalogObject[] {
  return models
    .filter((model): model is ObjectModel => model.model === "object" && model.on.starrocks !== undefined)
    .map((model) => objectOf(model, context));
}

interface Resolving {
  readonly model: ObjectModel;
  readonly options: Options;
  readonly context: ResolveContext;
}

/** As model/starrocks-objects.ts writes them; what is absent belongs to other kinds. */
type Options = Readonly<Record<string, unknown>> & { readonly object?: ObjectKind };
type Made = { readonly name: readonly string[]; readonly dependsOn: readonly string[]; readonly body: JsonObject };

function objectOf(model: ObjectModel, context: ResolveContext): CatalogObject {
  const options = (model.on.starrocks ?? {}) as Options; // written by model/starrocks-objects.ts
  const kind = options.object ?? "external-catalog";
  const make = makers[kind];
  if (!make)
    throw invalid(
      model,
      `it is ${JSON.stringify(options.object)}, which is nothing that StarRocks has`,
      "Use defineExternalCatalog, defineRole and their like.",
    );
  const { name, dependsOn, body } = make({ model, options, context });
  return {
    slot: "starrocks",
    kind,
    id: objectId("starrocks", kind, name),
    name,
    model: model.name,
    dependsOn: [...new Set(dependsOn)].sort(),
    body,
  };
}

const makers: Readonly<Partial<Record<ObjectKind, (resolving: Resolving) => Made>>> = {
  "external-catalog": ({ model, options }) => alone(model, { comment: model.comment ?? "", properties: settingsOf(options.properties) }),
  "storage-volume": ({ model, options }) =>
    alone(model, {
      type: String(options.type),
      locations: textsOf(options.locations),
      comment: model.comment ?? "",
      properties: settingsOf(options.properties),
    }),
  "resource-group": ({ model, options }) =>
    alone(model, { classifiers: (options.classifiers ?? []) as JsonObject[], limits: settingsOf(options.limits) }), // plain data
  "routine-load": routineLoad,
  pipe,
  role: (resolving) => {
    const { model, options } = resolving;
    const { grants, needs } = grantsOf(resolving);
    return {
      ...alone(model, { comment: model.comment ?? "", roles: textsOf(options.roles).sort(), grants }),
      dependsOn: [...needs, ...rolesNeeded(options)],
    };
  },
  user: (resolving) => {
    const { model, options } = resolving;
    const { grants, needs } = grantsOf(resolving);
    const body = {
      host: String(options.host),
      plugin: String(options.plugin),
      ...(options.password !== undefined && { password: options.password as JsonObject }), // a reference
      roles: textsOf(options.roles).sort(),
      defaultRoles: textsOf(options.defaultRoles).sort(),
      grants,
    };
    return { ...alone(model, body), dependsOn: [...needs, ...rolesNeeded(options)] };
  },
};

function alone(model: ObjectModel, body: JsonObject): Made {
  return { name: [model.name], dependsOn: [], body };
}

function rolesNeeded(options: Options): string[] {
  return textsOf(options.roles).map((role) => objectId("starrocks", "role", [role]));
}

// ------------------------------------------------------------------------------------------------ loads

function routineLoad(resolving: Resolving): Made {
  const { model, options, context } = resolving;
  const table = relation(String(options.into), resolving);
  if (table.kind !== "table")
    throw invalid(model, `it loads into ${String(options.into)}, which is no table on StarRocks`, "Name a table model.");
  const topic = typeof options.topic === "string" ? context.models.get(options.topic) : undefined;
  if (typeof options.topic === "string" && topic?.model !== "topic")
    throw invalid(model, `it reads ${options.topic}, which is no topic of the warehouse`, "Name a topic model, or a topic by its text.");
  const kafka = (topic && "on" in topic ? topic.on : {}) as { readonly kafka?: { readonly topic?: string } }; // options of a topic
  const topicName = topic ? (kafka.kafka?.topic ?? topic.name) : String(options.topicName);
  const body: JsonObject = {
    database: table.database,
    table: table.name,
    ...present("columnSeparator", options.columnSeparator),
    ...present("rowDelimiter", options.rowDelimiter),
    columns: textsOf(options.columns),
    ...present("where", options.where),
    partitions: textsOf(options.partitions),
    properties: settingsOf(options.properties),
    source: "KAFKA",
    from: { ...settingsOf(options.from), ...settingsOf({ kafka_broker_list: options.brokers, kafka_topic: topicName }) },
  };
  const needs = [table.id, ...(topic ? [objectId("kafka", "topic", [topicName])] : [])];
  return { name: [table.databaseName, model.name], dependsOn: needs, body };
}

function pipe(resolving: Resolving): Made {
  const { model, options, context } = resolving;
  const database = held((options.database as string | Hole | undefined) ?? context.warehouse); // text or hole, by its type
  const needs: string[] = [objectId("starrocks", "database", [defaultOf(database)])];
  const parts = ((options.insert as SqlBody | undefined)?.parts ?? []).flatMap((part): Held<string>[] => {
    if (typeof part === "string") return [part];
    if (part.ref === "column") return [quoting.ident(part.column)];
    const table = relation(part.model, resolving);
    needs.push(table.id);
    return [quotedDatabase(table.database), `.${quoting.ident(table.name)}`];
  });
  const insert = parts.every((part) => typeof part === "string") ? parts.join("").trim() : parts;
  return {
    name: [defaultOf(database), model.name],
    dependsOn: needs,
    body: { database, properties: settingsOf(options.properties), insert },
  };
}

// ------------------------------------------------------------------------------------------------ rights

interface Asked {
  readonly privileges: readonly string[];
  readonly on: "system" | Readonly<Record<string, string>>;
}

function grantsOf(resolving: Resolving): { grants: Grant[]; needs: string[] } {
  const needs: string[] = [];
  const byTarget = new Map<string, Set<string>>();
  for (const { privileges, on } of (resolving.options.grants ?? []) as Asked[]) {
    // written by defineRole and defineUser
    const target = targetOf(on, resolving, needs);
    const known = byTarget.get(target) ?? new Set<string>();
    for (const privilege of privileges) known.add(privilegeOf(privilege, resolving.model));
    byTarget.set(target, known);
  }
  const grants = [...byTarget].map(([on, privileges]) => ({ on, privileges: [...privileges].sort() }));
  return { grants: grants.sort((a, b) => (a.on < b.on ? -1 : 1)), needs };
}

function privilegeOf(text: string, model: ObjectModel): string {
  const privilege = text.trim().toUpperCase().replace(/\s+/g, " ");
  if (/^[A-Z]+( [A-Z]+)*$/.test(privilege)) return privilege;
  throw invalid(model, `it grants ${JSON.stringify(text)}, which is no privilege`, "Write SELECT, INSERT, CREATE TABLE …");
}

const WORDS: Readonly<Record<string, string>> = {
  database: "DATABASE",
  catalog: "CATALOG",
  storageVolume: "STORAGE VOLUME",
  resourceGroup: "RESOURCE GROUP",
  allTablesIn: "ALL TABLES IN DATABASE",
  allViewsIn: "ALL VIEWS IN DATABASE",
  allMaterializedViewsIn: "ALL MATERIALIZED VIEWS IN DATABASE",
};
const OBJECTS: Readonly<Record<string, ObjectKind>> = {
  catalog: "external-catalog",
  storageVolume: "storage-volume",
  resourceGroup: "resource-group",
};

function targetOf(on: Asked["on"], resolving: Resolving, needs: string[]): string {
  if (on === "system") return "SYSTEM";
  const [[word = "", name = ""] = []] = Object.entries(on);
  if (word === "model") {
    const target = relation(name, resolving);
    needs.push(target.id);
    return `${target.kind.replace("-", " ").toUpperCase()} ${quoting.ident(target.databaseName)}.${quoting.ident(target.name)}`;
  }
  const kind = OBJECTS[word];
  const known = kind && resolving.context.models.get(name);
  if (kind && known?.model === "object") needs.push(objectId("starrocks", kind, [name]));
  if (!Object.hasOwn(WORDS, word))
    throw invalid(resolving.model, `it grants on ${JSON.stringify(on)}`, 'Name a table model, a database, a catalog, or "system".');
  return `${WORDS[word]} ${quoting.ident(name)}`;
}

// ------------------------------------------------------------------------------------------------ other models, values

interface Relation {
  readonly kind: "table" | "view" | "materialized-view";
  readonly id: string;
  readonly database: Held<string>;
  readonly databaseName: string;
  readonly name: string;
}

function relation(name: string, { model, context }: Resolving): Relation {
  const found = context.models.get(name);
  const isRelation = found && (found.model === "table" || found.model === "view" || found.model === "materialized-view");
  const options = isRelation
    ? (found.on.starrocks as { readonly database?: string | Hole; readonly name?: string } | undefined)
    : undefined; // every kind's options have these two
  if (!isRelation || !options)
    throw invalid(model, `it names ${name}, which is on StarRocks in no model`, `Put ${name} on StarRocks, or name something else.`);
  const database = held(options.database ?? context.warehouse);
  const own = options.name ?? found.name;
  const databaseName = defaultOf(database);
  return { kind: found.model, id: objectId("starrocks", found.model, [databaseName, own]), database, databaseName, name: own };
}

function held(value: string | Hole): Held<string> {
  return value as Held<string>; // a Hole is JSON; the interface only lacks the index signature
}

function defaultOf(value: Held<string>): string {
  return typeof value === "string" ? value : String(value.$env.default);
}

function quotedDatabase(database: Held<string>): Held<string> {
  if (typeof database === "string") return quoting.ident(database);
  return {
    $env: {
      default: quoting.ident(defaultOf(database)),
      ...Object.fromEntries(Object.entries(database.$env).map(([name, value]) => [name, quoting.ident(String(value))])),
    },
  };
}

/** Numbers and booleans become text; holes and secrets stay as they are. */
function settingsOf(value: unknown): Settings {
  const entries = Object.entries((value ?? {}) as Readonly<Record<string, unknown>>); // settings, by their types
  return Object.fromEntries(entries.map(([name, one]) => [name, typeof one === "object" ? (one as Held<string>) : String(one)])); // a hole or a secret
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function present(name: string, value: unknown): JsonObject {
  return value === undefined ? {} : { [name]: String(value) };
}

function invalid(model: ObjectModel, what: string, fix: string): DwError {
  return new DwError("DW-MODEL-INVALID", {
    what: `${modelPlace(model)}: ${what}.`,
    why: "StarRocks would refuse or misunderstand it.",
    fix,
  });
}
