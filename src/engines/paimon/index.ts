import { type CatalogObject, isHole, objectId } from "../../core/catalog.js";
import { type Engine, emitOnly, type RenderedFile, type ResolveContext, type Resolved } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { Json } from "../../core/json.js";
import type { Loss } from "../../core/loss.js";
import type { Model, TableModel } from "../../core/model.js";
import { generatedNotice, sqlFile } from "../../core/model-sql.js";
import type { CatalogBody, Held, Properties, TableBody } from "../flink/body.js";
import { columnBodies, paimonCatalog, paimonName, tableComment } from "../flink/columns.js";
import { createCatalog, createTable } from "../flink/create.js";
import { quoting } from "../flink/dialect.js";
import { mapType } from "../flink/types.js";
import { lint } from "./lint.js";
import type { PaimonTableOptions } from "./options.js";

/** Tables of a Paimon catalog in Flink SQL, which creates them and whose jobs write them. */
export const paimon: Engine = { name: "paimon", dialect: "flink", quoting, mapType, resolve, lint, render, ...emitOnly };

type PaimonModel = TableModel;

function resolve(models: readonly Model[], context: ResolveContext): Resolved {
  const losses: Loss[] = [];
  const tables = models.filter((model): model is PaimonModel => model.model === "table" && model.on.paimon !== undefined);
  const catalogs = new Map(tables.map((model) => catalogObject(model)).map((catalog) => [catalog.id, catalog]));
  for (const model of tables) agree(model, catalogs);
  return { objects: [...catalogs.values(), ...tables.map((model) => tableObject(model, context, losses))], losses, findings: [] };
}

function catalogObject(model: PaimonModel): CatalogObject<CatalogBody> {
  const body = paimonCatalog(model);
  const name = [body.name];
  return { slot: "paimon", kind: "external-catalog", id: objectId("paimon", "external-catalog", name), name, dependsOn: [], body };
}

/** One catalog has one folder. */
function agree(model: PaimonModel, catalogs: ReadonlyMap<string, CatalogObject>): void {
  const own = catalogObject(model);
  if (JSON.stringify(catalogs.get(own.id)?.body) === JSON.stringify(own.body)) return;
  throw new DwError("DW-MODEL-INVALID", {
    what: `Model ${model.name}: the catalog ${own.name[0]} has another warehouse than in other models.`,
    why: "One catalog has one folder.",
    fix: "Give all models of one catalog the same `warehouse`, for example a shared constant.",
  });
}

function tableObject(model: PaimonModel, context: ResolveContext, losses: Loss[]): CatalogObject<TableBody> {
  const name = paimonName(model, context.warehouse);
  const dependsOn = [objectId("paimon", "external-catalog", [name[0]])];
  return {
    slot: "paimon",
    kind: "table",
    id: objectId("paimon", "table", name),
    name,
    model: model.name,
    dependsOn,
    body: tableBody(model, losses),
  };
}

function tableBody(model: PaimonModel, losses: Loss[]): TableBody {
  const options = model.on.paimon as unknown as PaimonTableOptions<string>; // typed when the model was written
  return {
    columns: columnBodies(model, "paimon", losses),
    key: options.table === "primary" ? [...(model.key ?? [])] : [],
    partitions: [...(options.partitionedBy ?? [])],
    properties: properties(options),
    comment: tableComment(model),
  };
}

function properties({
  bucket,
  bucketKey,
  merge,
  aggregate = {},
  changelog,
  sequence,
  format,
  options = {},
}: PaimonTableOptions<string>): Properties {
  const functions = Object.entries(aggregate).flatMap(([column, name]): [string, string][] =>
    name === undefined ? [] : [[`fields.${column}.aggregate-function`, name]],
  );
  const given: Readonly<Record<string, string | undefined>> = {
    "bucket-key": bucketKey?.join(","),
    "merge-engine": merge,
    "changelog-producer": changelog,
    "sequence.field": sequence?.join(","),
    "file.format": format,
  };
  const set = Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const numbered = bucket === undefined ? {} : { bucket: heldText(bucket as Json) };
  return { ...numbered, ...Object.fromEntries([...set, ...functions]), ...(options as Properties) }; // a Hole is JSON
}

function heldText(value: Json): Held<string> {
  if (!isHole(value)) return String(value);
  const values = Object.entries(value.$env).map(([environment, member]): [string, Json] => [environment, String(member)]);
  return { $env: { default: String(value.$env.default), ...Object.fromEntries(values) } };
}

function render(object: CatalogObject): RenderedFile {
  const notice = generatedNotice(object);
  if (object.kind === "external-catalog") {
    const body = object.body as CatalogBody; // made above
    return { path: `catalog/${sqlFile("table", object.name).slice("table/".length)}`, text: `${createCatalog(body).text};\n` };
  }
  const [catalog = "", database = ""] = object.name;
  const schema = `CREATE DATABASE IF NOT EXISTS ${quoting.ident(catalog)}.${quoting.ident(database)};\n\n`;
  return {
    path: sqlFile("table", object.name.slice(1)),
    text: `${notice}${schema}${createTable(object.name, object.body as TableBody, "if-missing").text};\n`,
  }; // made above
}
