import { isHole } from "../../core/catalog.js";
import { isJsonObject, type Json, type JsonObject } from "../../core/json.js";
import type { Model, ModelKind } from "../../core/model.js";
import type { EngineName } from "../../core/types.js";
import { columnsOf, type Mistake, missingColumns, suggestion } from "./mistake.js";

/** Engines that a kind of model can be on. */
const engines: Readonly<Partial<Record<ModelKind, readonly EngineName[]>>> = {
  table: ["starrocks", "timescale", "postgres", "duckdb", "hive"],
  view: ["starrocks", "timescale", "postgres", "duckdb", "hive"],
  "materialized-view": ["starrocks", "timescale", "postgres", "hive"],
  function: ["timescale", "postgres"],
  topic: ["kafka"],
};

/** Where engine options name columns, in any engine: the option, and how its names are found. */
const columnOptions: Readonly<Record<string, (option: Json) => readonly Json[]>> = {
  key: listed,
  partitionBy: named,
  distributeBy: named,
  orderBy: ordered,
  bloomFilter: listed,
  bitmapIndexes: listed,
  aggregate: (option) => (isJsonObject(option) ? Object.keys(option) : []),
  partitionedBy: listed,
  clusteredBy: listed,
  sortedBy: ordered,
  skewedBy: named,
  timeColumn: (option) => [option],
  spaceBy: named,
  columnstore: (option) => (isJsonObject(option) ? [...listed(option.segmentBy), ...ordered(option.orderBy)] : []),
  indexes: (option) => listed(option).flatMap((index) => (isJsonObject(index) ? ordered(index.columns) : [])),
};

export function optionMistakes(model: Model): readonly Mistake[] {
  if (!("on" in model) || model.model === "check") return [];
  const known = engines[model.model] ?? [];
  return Object.entries(model.on).flatMap(([engine, options]) =>
    known.some((name) => name === engine) ? namedColumns(model, engine, options) : [unknownEngine(model.model, engine, known)],
  );
}

function unknownEngine(kind: ModelKind, engine: string, known: readonly string[]): Mistake {
  return {
    what: `is \`on\` ${engine}.`,
    why: `A ${kind} can be on ${known.join(", ")}.`,
    fix: suggestion(engine, known) ?? "Name one of those.",
  };
}

function namedColumns(model: Model, engine: string, options: JsonObject | undefined): readonly Mistake[] {
  const columns = columnsOf(model);
  if (columns === undefined || options === undefined) return [];
  return Object.entries(options).flatMap(([option, value]) => {
    const names = Object.hasOwn(columnOptions, option) && !isHole(value) ? (columnOptions[option]?.(value) ?? []) : [];
    return missingColumns(`on.${engine}.${option}`, names, columns);
  });
}

/** `["a", "b"]`. */
function listed(option: Json | undefined): readonly Json[] {
  return Array.isArray(option) ? option : [];
}

/** `{ column: "a" }`, `{ columns: ["a"] }`. */
function named(option: Json): readonly Json[] {
  if (!isJsonObject(option)) return [];
  return [...(option.column === undefined ? [] : [option.column]), ...listed(option.columns)];
}

/** `["a", { column: "b", order: "desc" }]`. */
function ordered(option: Json | undefined): readonly Json[] {
  return listed(option).map((member) => (isJsonObject(member) ? (member.column ?? null) : member));
}
