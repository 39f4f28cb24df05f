import type { Connections } from "../../connections/open.js";
import { type Catalog, type CatalogObject, catalogFor, fillHoles } from "../../core/catalog.js";
import type { CheckTable, ColumnDifference } from "../../core/check.js";
import type { Engine } from "../../core/engine.js";
import { DwError, isDwError } from "../../core/errors.js";
import { isJsonObject, type Json } from "../../core/json.js";
import type { Model, SourceModel } from "../../core/model.js";
import { sqlBuilder } from "../../core/sql.js";
import type { EngineName } from "../../core/types.js";
import { quoting as duckdb } from "../../engines/duckdb/dialect.js";
import { engines } from "../../engines/index.js";
import { compareLive } from "../migrate/live.js";
import { openLiveSlots } from "../migrate/live-slots.js";
import type { Project } from "../project.js";
import { resolveWarehouse } from "../resolve.js";
import type { Surroundings } from "./ask.js";
import { lakeOf } from "./lake.js";
import { type CheckableModel, isCheckable } from "./select.js";
import { type AskableSlot, checkSlot } from "./slot.js";
import { openSourcePlace, type SourcePlace, sourceDifferences } from "./source-place.js";
import { askTopic } from "./topic.js";

export interface PlacesRequest {
  readonly project: Project;
  readonly connections: Connections;
  readonly environment: string;
  readonly signal: AbortSignal;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** Where the models of a run lie. Everything is opened when it is asked for, once, and closed with `close`. */
export interface Places {
  /** What serves an engine, or the letter that says why nothing does: its checks stay open and the others go on. */
  readonly slot: (engine: EngineName) => Promise<AskableSlot | DwError>;
  readonly emulated: () => Promise<EngineName[]>;
  readonly inWarehouse: (warehouse: string, models: readonly Model[]) => WarehousePlaces;
  readonly close: () => Promise<void>;
}

export interface WarehousePlaces {
  readonly tableOf: (model: CheckableModel, engine: Engine, slot: AskableSlot) => CheckTable;
  readonly sourceOf: (model: SourceModel) => Promise<SourcePlace>;
  /** The files of a table that no engine can be asked for. Throws as lakeOf and as sourceOf. */
  readonly lakeOf: (model: CheckableModel) => Promise<SourcePlace>;
  readonly topicOf: (model: CheckableModel) => { readonly table: CheckTable; readonly around: Partial<Surroundings> };
  readonly around: (model: CheckableModel, engine?: EngineName) => Partial<Surroundings>;
}

export function openPlaces(request: PlacesRequest): Places {
  const { connections, project } = request;
  const slots = new Map<EngineName, Promise<AskableSlot | DwError>>();
  const sources = new Map<string, Promise<SourcePlace>>();
  const closers: (() => Promise<void>)[] = [];
  const { concurrency } = project.config.checks ?? {};
  const slot: Places["slot"] = (engine) => {
    const opened = slots.get(engine) ?? openSlot(engine, connections, concurrency?.[engine]);
    slots.set(engine, opened);
    return opened;
  };
  const source: OpenSource = (name, at, warehouse, model) => {
    const key = model === undefined ? at : `${warehouse}\n${model.name}\n${at}`;
    const terms = { ...sourceTerms(model), ...(model && { warehouse }) };
    const opened = sources.get(key) ?? openSourcePlace({ ...request, name, at, ...terms, closing, concurrency: undefined });
    sources.set(key, opened);
    return opened;
  };
  const closing = (close: () => Promise<void>): void => void closers.push(close);
  return {
    slot,
    emulated: async () => {
      const opened = await Promise.all([...slots].map(async ([name, one]) => [name, await one] as const));
      return opened.flatMap(([name, one]) => (!(one instanceof DwError) && one.emulated ? [name] : []));
    },
    inWarehouse: (warehouse, models) => warehousePlaces(warehouse, models, request, slot, source),
    close: async () => {
      for (const close of closers.splice(0).reverse()) await close();
    },
  };
}

function sourceTerms(model: SourceModel | undefined): { readonly columns?: NonNullable<SourceModel["columns"]>; readonly zone?: string } {
  return { ...(model?.columns && { columns: model.columns }), ...(model?.zone !== undefined && { zone: model.zone }) };
}

const notServed: ReadonlySet<string> = new Set(["DW-SLOT-UNBOUND", "DW-CONNECTION-UNSUPPORTED"]);

/** An engine that is not there leaves its checks open and the others go on; anything else stops the run. */
async function openSlot(engine: EngineName, connections: Connections, concurrency: number | undefined): Promise<AskableSlot | DwError> {
  try {
    return checkSlot(engine, await connections.slot(engine), concurrency);
  } catch (error) {
    if (isDwError(error) && (error.errorClass === "unreachable" || notServed.has(error.code))) return error;
    throw error;
  }
}

type OpenSource = (name: string, at: string, warehouse: string, model?: SourceModel) => Promise<SourcePlace>;

function warehousePlaces(
  warehouse: string,
  models: readonly Model[],
  request: PlacesRequest,
  slot: Places["slot"],
  source: OpenSource,
): WarehousePlaces {
  const { environment, now } = request;
  let resolved: Catalog | undefined;
  const catalog = (): Catalog => {
    resolved ??= filledCatalog(warehouse, models, environment);
    return resolved;
  };
  const tableOf = (model: CheckableModel, engine: Engine, open: AskableSlot): CheckTable =>
    placedTable(model, engine, open, catalog().objects, now);
  const sourceOf = (model: SourceModel): Promise<SourcePlace> => source(model.name, sourceText(model, environment), warehouse, model);
  const filesOf: WarehousePlaces["lakeOf"] = async (model) => {
    const lake = lakeOf(model, catalog());
    const { table, ...rest } = await source(model.name, sourceText(lake, environment), warehouse);
    const zone = "zone" in model ? model.zone : undefined;
    // the model says more than the files do: personal data, zones, the key
    const columns = { ...table.columns, ...model.columns };
    const key = ("key" in model ? model.key : undefined) ?? [];
    return { ...rest, table: { ...table, columns, key, ...(zone !== undefined && { zone }) } };
  };
  const elsewhere: Surroundings["elsewhere"] = async (place) => {
    const at = place.replace(/^model:/, "");
    if (at.includes(":")) return source(at, at, warehouse);
    const { model, engine } = namedModel(at, models);
    if (model.model === "source") return sourceOf(model);
    const open = await slot(engine.name);
    if (open instanceof DwError) throw open;
    return { slot: open, table: tableOf(model, engine, open) };
  };
  const schema = async (model: CheckableModel, engine?: EngineName): Promise<readonly ColumnDifference[]> => {
    if (model.model === "source") return sourceDifferences(model.columns, (await sourceOf(model)).columns, model.name);
    if (engine === undefined) return sourceDifferences(model.columns, (await filesOf(model)).columns, model.name);
    return liveDifferences(model, engine, catalog(), request);
  };
  const topicOf: WarehousePlaces["topicOf"] = (model) => {
    const object = catalog().objects.find((one) => one.model === model.name && one.slot === "kafka" && one.kind === "topic");
    const format = typeof object?.body.format === "string" ? object.body.format : "json";
    const topic = { name: object?.name.at(-1) ?? model.name, columns: model.columns ?? {}, format };
    return {
      table: topicTable(model, now),
      around: { topic: async (questions) => askTopic(await request.connections.slot("kafka"), topic, questions) },
    };
  };
  return { tableOf, sourceOf, lakeOf: filesOf, topicOf, around: (model, engine) => ({ elsewhere, schema: () => schema(model, engine) }) };
}

function topicTable(model: CheckableModel, now: number): CheckTable {
  const unasked = (): never => {
    throw new Error(`${model.name} is a topic: nothing is quoted for it`);
  };
  const { ident, literal } = duckdb; // texts of metrics that are never asked
  return {
    dialect: "duckdb",
    topic: true,
    model: model.name,
    from: ident(model.name),
    columns: model.columns ?? {},
    key: [],
    now,
    table: unasked,
    ident,
    literal,
  };
}

function filledCatalog(warehouse: string, models: readonly Model[], environment: string): Catalog {
  const { catalog } = resolveWarehouse(warehouse, models, engines);
  return catalogFor(catalog, environment);
}

function sourceText({ at, name }: SourceModel, environment: string): string {
  const text = typeof at === "string" ? at : fillHoles(at, environment);
  if (typeof text === "string") return text;
  throw new DwError("DW-SOURCE-UNKNOWN", {
    what: `The source ${name} is nowhere in environment ${environment}.`,
    why: "`at` has no text for it.",
    fix: "Give `at` a value for this environment, or a default.",
  });
}

/** `MODEL`, where it is on one engine that can be asked, or `MODEL@ENGINE`. */
function namedModel(at: string, models: readonly Model[]): { readonly model: CheckableModel; readonly engine: Engine } {
  const [name = "", wanted] = at.split("@");
  const model = models.find((candidate) => candidate.name === name);
  if (model === undefined || !isCheckable(model)) throw noSuch(at);
  const [engine, ...others] = model.model === "source" ? [] : enginesOf(model).filter((one) => wanted === undefined || one.name === wanted);
  if (model.model === "source") return { model, engine: engines.get("duckdb") ?? unlisted() };
  if (engine !== undefined && others.length === 0) return { model, engine };
  throw noSuch(at);
}

function unlisted(): never {
  throw new Error("no duckdb among the engines");
}

function noSuch(at: string): DwError {
  return new DwError("DW-MODEL-INVALID", {
    what: `A check compares with ${at}, which is no table of one engine.`,
    why: "The other side is MODEL, MODEL@ENGINE where it is on several, or a SOURCE such as pgsource:public.orders.",
    fix: "Correct the name, or add @ENGINE.",
  });
}

/** Engines of the model that can be asked: those with a SQL dialect that somebody executes. */
export function enginesOf(model: CheckableModel): Engine[] {
  if (model.model === "source") return [];
  return Object.keys(model.on).flatMap((name) => {
    const engine = engines.get(name as EngineName); // keys of EngineOptions
    return engine?.quoting && !engine.emitsOnly ? [engine] : [];
  });
}

function placedTable(model: CheckableModel, engine: Engine, slot: AskableSlot, objects: readonly CatalogObject[], now: number): CheckTable {
  const quoting = slot.dialect === "duckdb" ? duckdb : engine.quoting;
  if (!quoting) throw new Error(`${engine.name} has no quoting`);
  const { id, lit } = sqlBuilder(quoting);
  const table = (name: string): string => {
    const object = objects.find((candidate) => candidate.slot === engine.name && candidate.model === name && holdsRows(candidate));
    if (!object) throw notThere(model, engine.name, name);
    return id(...(engine.qualifiedName?.(object) ?? object.name)).text;
  };
  const object = objects.find((candidate) => candidate.slot === engine.name && candidate.model === model.name && holdsRows(candidate));
  return {
    dialect: slot.dialect,
    model: model.name,
    from: table(model.name),
    ...((object?.kind === "table" || object?.kind === "materialized-view") && { stored: true }),
    columns: model.columns ?? {},
    key: ("key" in model ? model.key : undefined) ?? [],
    ...("zone" in model && model.zone !== undefined && { zone: model.zone }),
    now,
    table,
    ident: (name) => id(name).text,
    literal: (value) => lit(value).text,
  };
}

const relationKinds = new Set(["table", "view", "materialized-view", "continuous-aggregate"]);

function holdsRows(object: CatalogObject): boolean {
  return relationKinds.has(object.kind);
}

function notThere(model: CheckableModel, engine: EngineName, name: string): DwError {
  return new DwError("DW-MODEL-INVALID", {
    what: `A check of ${model.name} refers to ${name}, which is no table of ${engine}.`,
    why: "One query cannot look into two engines.",
    fix: `Put ${name} on ${engine} too, or compare the two with sameAs.`,
  });
}

/** What migrations would find different about the object's columns. */
async function liveDifferences(
  model: CheckableModel,
  engine: EngineName | undefined,
  catalog: Catalog,
  { connections }: PlacesRequest,
): Promise<ColumnDifference[]> {
  const object = catalog.objects.find((one) => one.model === model.name && one.slot === engine && holdsRows(one));
  if (object === undefined || engine === undefined) throw noSuch(model.name);
  const slots = await openLiveSlots(connections, [engine], engines);
  const { differences } = await compareLive(slots, catalog, new Set([object.id]));
  if (slots.size === 0 || differences.some(({ is }) => is === "missing")) throw notMade(model, engine);
  return differences.flatMap(({ facts }) => facts.flatMap(columnDifference));
}

function columnDifference(fact: {
  readonly path: readonly string[];
  readonly from: Json | undefined;
  readonly to: Json | undefined;
}): ColumnDifference[] {
  const [part, column, aspect] = fact.path;
  if (part !== "columns" || column === undefined || column === "#order" || aspect === "comment") return [];
  const text = (value: Json | undefined): string | undefined =>
    value === undefined
      ? undefined
      : aspect === undefined
        ? typeOf(value)
        : `${aspect} ${typeof value === "string" ? value : JSON.stringify(value)}`;
  const [wanted, there] = [text(fact.from), text(fact.to)];
  return [{ column, ...(wanted !== undefined && { wanted }), ...(there !== undefined && { there }) }];
}

function typeOf(column: Json): string {
  return isJsonObject(column) && typeof column.type === "string" ? column.type : JSON.stringify(column);
}

function notMade(model: CheckableModel, engine: EngineName): DwError {
  return new DwError("DW-TABLE-MISSING", {
    what: `${model.name} is not there in ${engine}.`,
    why: "A table that does not exist has no columns to compare.",
    fix: "Apply the migrations with `dw migrate`.",
  });
}
