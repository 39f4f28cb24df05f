import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import type { AnyCheck } from "../../core/check-spec.js";
import { DwError } from "../../core/errors.js";
import { importedType } from "../../core/imported.js";
import type { JsonObject } from "../../core/json.js";
import type { Column, Freshness, TableModel } from "../../core/model.js";
import type { EngineName, LogicalType } from "../../core/types.js";
import { fromNative as duckdbType, mapType as toDuckdb } from "../../engines/duckdb/types.js";
import { logicalType as postgresType, mapType as toPostgres } from "../../engines/postgres/types.js";
import { fromNative as starrocksType, mapType as toStarrocks } from "../../engines/starrocks/types.js";
import type { Unsaid } from "./models.js";

/*
 * An Open Data Contract (ODCS v3, bitol.io: "Schema", "Data Quality", "Service-Level Agreement") as models: objects become
 * tables, their quality rules checks, the SLA property `freshness` becomes `fresh`. What has no word in a model is reported.
 */

const scalar = z.union([z.string(), z.number(), z.boolean()]);
const limit = {
  mustBe: scalar,
  mustBeGreaterThan: z.number(),
  mustBeGreaterOrEqualTo: z.number(),
  mustBeLessThan: z.number(),
  mustBeLessOrEqualTo: z.number(),
  mustBeBetween: z.array(z.number()).length(2),
};

const rule = z.looseObject({
  name: z.string().optional(),
  description: z.string().optional(),
  type: z.string().optional(),
  metric: z.string().optional(),
  /** The name of `metric` before v3.1. */
  rule: z.string().optional(),
  unit: z.string().optional(),
  severity: z.string().optional(),
  arguments: z
    .looseObject({ validValues: z.array(scalar).optional(), pattern: z.string().optional(), properties: z.array(z.string()).optional() })
    .optional(),
  validValues: z.array(scalar).optional(),
  ...z.object(limit).partial().shape,
});

type Rule = z.infer<typeof rule>;

const property = z.looseObject({
  name: z.string().min(1),
  physicalName: z.string().optional(),
  logicalType: z.string().optional(),
  physicalType: z.string().optional(),
  description: z.string().optional(),
  required: z.boolean().optional(),
  unique: z.boolean().optional(),
  primaryKey: z.boolean().optional(),
  primaryKeyPosition: z.number().optional(),
  classification: z.string().optional(),
  logicalTypeOptions: z
    .looseObject({
      maxLength: z.number().optional(),
      precision: z.number().optional(),
      scale: z.number().optional(),
      minimum: scalar.optional(),
      maximum: scalar.optional(),
      pattern: z.string().optional(),
      format: z.string().optional(),
      timezone: z.boolean().optional(),
    })
    .optional(),
  get items() {
    return property.partial().optional();
  },
  get properties() {
    return z.array(property).optional();
  },
  quality: z.array(rule).optional(),
});

type Property = z.infer<typeof property>;

const contract = z.looseObject({
  apiVersion: z.string(),
  kind: z.literal("DataContract"),
  schema: z.array(
    z.looseObject({
      name: z.string().min(1),
      physicalName: z.string().optional(),
      description: z.string().optional(),
      dataGranularityDescription: z.string().optional(),
      tags: z.array(z.string()).optional(),
      properties: z.array(property).optional(),
      quality: z.array(rule).optional(),
    }),
  ),
  servers: z.array(z.looseObject({ type: z.string() })).optional(),
  slaProperties: z
    .array(
      z.looseObject({
        property: z.string(),
        value: z.union([scalar, z.null()]).optional(),
        unit: z.string().optional(),
        element: z.string().optional(),
      }),
    )
    .optional(),
});

type Contract = z.infer<typeof contract>;
type Table = Contract["schema"][number];

export interface ImportedContract {
  readonly models: readonly TableModel[];
  readonly unsaid: readonly Unsaid[];
}

/** Throws DW-USAGE for a file that is no contract of version 3 and where no engine is known. */
export async function modelsOfContract(file: string, engine: string | undefined): Promise<ImportedContract> {
  const found = readContract(await text(file), file);
  const target = targetOf(found, engine, file);
  const unsaid: Unsaid[] = [];
  const models = found.schema.map((table) =>
    tableModel(table, { target, contract: found, say: (what) => unsaid.push({ name: table.name, what }) }),
  );
  return { models, unsaid };
}

async function text(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (cause) {
    throw refused(file, cause instanceof Error ? cause.message : String(cause), "Name a contract's file.");
  }
}

function readContract(source: string, file: string): Contract {
  let value: unknown;
  try {
    value = parse(source, { maxAliasCount: 100 });
  } catch (cause) {
    throw refused(file, cause instanceof Error ? cause.message : String(cause), "Correct the YAML.");
  }
  const { data, error } = contract.safeParse(value);
  if (!data) throw refused(file, z.prettifyError(error), "dw reads the Open Data Contract Standard, version 3 (apiVersion: v3.…).");
  if (!/^v?3\./.test(data.apiVersion))
    throw refused(file, `It says apiVersion ${data.apiVersion}.`, "Convert it to version 3 of the standard.");
  return data;
}

function refused(file: string, why: string, fix: string): DwError {
  return new DwError("DW-USAGE", { what: `${file} is no data contract that dw reads.`, why, fix });
}

// ------------------------------------------------------------------------------------------------ the engine

type Target = Extract<EngineName, "postgres" | "timescale" | "starrocks" | "duckdb" | "hive">;

/** Types of servers in a contract, by the engine that they are to dw. */
const SERVERS: Readonly<Record<string, Target>> = {
  postgres: "postgres",
  postgresql: "postgres",
  timescale: "timescale",
  timescaledb: "timescale",
  starrocks: "starrocks",
  duckdb: "duckdb",
  hive: "hive",
};

function targetOf({ servers = [] }: Contract, named: string | undefined, file: string): Target {
  const known = named === undefined ? servers.flatMap(({ type }) => SERVERS[type.toLowerCase()] ?? [])[0] : SERVERS[named.toLowerCase()];
  if (known) return known;
  throw new DwError("DW-USAGE", {
    what: `On which engine are the tables of ${file}?`,
    why: `The contract's servers are ${servers.map(({ type }) => type).join(", ") || "not given"}; dw makes tables on ${[...new Set(Object.values(SERVERS))].join(", ")}.`,
    fix: "Add --engine NAME.",
  });
}

/** What an engine cannot do without. */
function optionsFor(target: Target, hasKey: boolean): JsonObject {
  if (target === "starrocks") return { table: hasKey ? "primary" : "duplicate" };
  return target === "hive" ? { table: "managed", storedAs: "parquet" } : {};
}

// ------------------------------------------------------------------------------------------------ tables

interface Reading {
  readonly target: Target;
  readonly contract: Contract;
  readonly say: (what: string) => void;
}

function tableModel(table: Table, reading: Reading): TableModel {
  const { name, physicalName = name, description, dataGranularityDescription, tags, properties = [] } = table;
  const key = [...properties]
    .filter(({ primaryKey }) => primaryKey)
    .sort((a, b) => (a.primaryKeyPosition ?? 0) - (b.primaryKeyPosition ?? 0))
    .map(columnName);
  const checks = [
    ...properties.flatMap((each) => propertyChecks(each, reading)),
    ...(table.quality ?? []).flatMap((each) => check(each, undefined, reading)),
  ];
  const fresh = freshness(table, reading);
  return {
    model: "table",
    name,
    ...(description !== undefined && { comment: oneLine(description) }),
    ...(tags && tags.length > 0 && { tags }),
    grain: oneLine(dataGranularityDescription ?? ""),
    columns: Object.fromEntries(properties.map((each) => [columnName(each), column(each, reading)])),
    ...(key.length > 0 && { key }),
    ...(fresh && { fresh }),
    ...(checks.length > 0 && { checks }),
    on: { [reading.target]: { ...(physicalName !== name && { name: physicalName }), ...optionsFor(reading.target, key.length > 0) } },
  };
}

function oneLine(text: string): string {
  return text.trim().replace(/\s+/g, " ");
}

function columnName({ name, physicalName }: Property): string {
  return physicalName ?? name;
}

const PERSONAL = new Set(["pii", "restricted", "confidential", "personal", "sensitive"]);

function column(each: Property, { target }: Reading): Column {
  const { description = "", required, primaryKey, classification = "" } = each;
  return {
    ...columnType(each, target),
    comment: oneLine(description),
    nullable: !(required || primaryKey),
    ...(PERSONAL.has(classification.toLowerCase()) && { pii: true as const }),
  };
}

/** How engines read type texts back; Hive has StarRocks's words where contracts use them. */
const WAYS = {
  postgres: { fromNative: postgresType, toNative: (type: LogicalType) => toPostgres(type).native },
  timescale: { fromNative: postgresType, toNative: (type: LogicalType) => toPostgres(type).native },
  starrocks: { fromNative: starrocksType, toNative: (type: LogicalType) => toStarrocks(type).native },
  duckdb: { fromNative: duckdbType, toNative: (type: LogicalType) => toDuckdb(type).native },
} as const;

/** The physical type where it is one of the engine's; else what the logical one means. */
function columnType(each: Partial<Property>, target: Target): Pick<Column, "type" | "as"> {
  const { physicalType } = each;
  const ways = target === "hive" ? undefined : WAYS[target];
  if (physicalType !== undefined && ways) {
    const typed = importedType(physicalType.toLowerCase(), { engine: target, ...ways });
    if (typed.type.kind !== "native") return sameInOtherWords(typed, physicalType, target);
  }
  return { type: logical(each, target) };
}

/** `varchar(18)` and `character varying(18)` are one type: an engine's own text is kept only where it says more. */
function sameInOtherWords(typed: Pick<Column, "type" | "as">, physical: string, target: Target): Pick<Column, "type" | "as"> {
  if (target !== "starrocks") return { type: typed.type };
  return typed.as ? { type: typed.type, as: { starrocks: physical.toLowerCase() } } : typed;
}

/** Logical types of the standard: string, date, timestamp, time, number, integer, object, array, boolean. */
function logical(
  { logicalType = "string", logicalTypeOptions: options = {}, items, properties = [] }: Partial<Property>,
  target: Target,
): LogicalType {
  switch (logicalType) {
    case "integer":
      return { kind: "int", bits: options.format === "i32" ? 32 : 64 };
    case "number":
      return options.precision === undefined
        ? { kind: "float", bits: 64 }
        : { kind: "decimal", precision: options.precision, scale: options.scale ?? 0 };
    case "boolean":
    case "date":
      return { kind: logicalType };
    case "time":
      return { kind: "time", precision: 6 };
    case "timestamp":
      return { kind: "timestamp", precision: 6, zoned: options.timezone ?? true };
    case "array":
      return {
        kind: "list",
        element: { type: items ? columnType(items as Partial<Property>, target).type : { kind: "text" }, nullable: true },
      };
    case "object":
      return properties.length === 0
        ? { kind: "json" }
        : {
            kind: "struct",
            fields: properties.map((field) => ({
              name: columnName(field),
              type: columnType(field, target).type,
              nullable: !field.required,
            })),
          };
    default:
      return options.format === "uuid"
        ? { kind: "uuid" }
        : { kind: "text", ...(options.maxLength !== undefined && { max: options.maxLength }) };
  }
}

// ------------------------------------------------------------------------------------------------ promises

function propertyChecks(each: Property, reading: Reading): AnyCheck[] {
  const name = columnName(each);
  const { minimum, maximum, pattern } = each.logicalTypeOptions ?? {};
  const bounds = { ...(minimum !== undefined && { min: bound(minimum) }), ...(maximum !== undefined && { max: bound(maximum) }) };
  return [
    ...(each.unique && !each.primaryKey ? [{ check: "unique", columns: [name] } as const] : []),
    ...(Object.keys(bounds).length > 0 ? [{ check: "range", column: name, ...bounds } as const] : []),
    ...(pattern === undefined ? [] : [{ check: "pattern", column: name, matches: pattern } as const]),
    ...(each.quality ?? []).flatMap((rule) => check(rule, name, reading)),
  ];
}

function bound(value: string | number | boolean): string | number {
  return typeof value === "number" ? value : String(value);
}

/** The library metrics of the standard, under their names before and since v3.1. Everything else is reported. */
function check(rule: Rule, column: string | undefined, { say }: Reading): AnyCheck[] {
  const made = checkOf(rule, column);
  if (made)
    return [
      { ...made, ...(rule.name !== undefined && { name: rule.name }), ...(rule.severity === "warning" && { severity: "warn" as const }) },
    ];
  const named = rule.name ?? rule.metric ?? rule.rule ?? rule.description ?? rule.type ?? "a rule";
  say(`the quality rule ${JSON.stringify(named)}${column === undefined ? "" : ` of ${column}`} is none that dw makes a check of`);
  return [];
}

function checkOf(rule: Rule, column: string | undefined): AnyCheck | undefined {
  const metric = rule.metric ?? rule.rule;
  const columns = rule.arguments?.properties ?? (column === undefined ? [] : [column]);
  const tolerated = toleration(rule);
  switch (metric) {
    case "nullValues":
    case "nullCheck":
      return column !== undefined && tolerated ? { check: "not-null", column, ...tolerated } : undefined;
    case "duplicateValues":
    case "duplicateCount":
    case "uniqueCheck":
      return columns.length > 0 && tolerated ? { check: "unique", columns, ...tolerated } : undefined;
    case "invalidValues":
    case "validValues":
      return column !== undefined && tolerated ? validity(rule, column, tolerated) : undefined;
    case "rowCount":
      return rowCount(rule);
    default:
      return undefined;
  }
}

function validity(rule: Rule, column: string, tolerated: Toleration): AnyCheck | undefined {
  const values = rule.arguments?.validValues ?? rule.validValues;
  if (values) return { check: "accepted-values", column, values, ...tolerated };
  const { pattern } = rule.arguments ?? {};
  return pattern === undefined ? undefined : { check: "pattern", column, matches: pattern, ...tolerated };
}

type Toleration = { readonly fail?: number | `${number}%` };

/** How many violations are allowed: a check fails above `fail`. Undefined for a limit that is none of the kind "at most". */
function toleration(rule: Rule): Toleration | undefined {
  const said = Object.keys(limit).filter((key) => rule[key] !== undefined);
  if (said.length === 0) return {};
  const { mustBe, mustBeLessThan, mustBeLessOrEqualTo } = rule;
  if (said.length > 1) return undefined;
  if (mustBe === 0 || mustBeLessOrEqualTo === 0) return {};
  if (mustBeLessOrEqualTo !== undefined) return { fail: counted(mustBeLessOrEqualTo, rule) };
  if (mustBeLessThan !== undefined && rule.unit !== "percent") return { fail: mustBeLessThan - 1 };
  return undefined;
}

function counted(most: number, { unit }: Rule): number | `${number}%` {
  return unit === "percent" ? `${most}%` : most;
}

function rowCount({
  mustBe,
  mustBeGreaterThan,
  mustBeGreaterOrEqualTo,
  mustBeLessThan,
  mustBeLessOrEqualTo,
  mustBeBetween,
}: Rule): AnyCheck | undefined {
  const exact = typeof mustBe === "number" ? mustBe : undefined;
  const min =
    exact ?? mustBeBetween?.[0] ?? mustBeGreaterOrEqualTo ?? (mustBeGreaterThan === undefined ? undefined : mustBeGreaterThan + 1);
  const max = exact ?? mustBeBetween?.[1] ?? mustBeLessOrEqualTo ?? (mustBeLessThan === undefined ? undefined : mustBeLessThan - 1);
  if (min === undefined && max === undefined) return undefined;
  return { check: "row-count", ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

/** Units of `slaProperties`. */
const UNITS: Readonly<Record<string, string>> = {
  d: "days",
  day: "days",
  days: "days",
  h: "hours",
  hour: "hours",
  hours: "hours",
  m: "min",
  min: "min",
  minute: "min",
  minutes: "min",
};

/** `freshness` and `latency` say how old the newest row may be, of an element `table.column`; the first of them counts. */
function freshness(table: Table, { contract: { slaProperties = [] }, say }: Reading): Freshness | undefined {
  let found: Freshness | undefined;
  for (const level of slaProperties) {
    const [name, column] = level.element?.split(".") ?? [];
    if (name !== table.name && name !== table.physicalName) continue;
    const stated = found === undefined ? freshnessOf(level, column, table) : undefined;
    if (stated) found = stated;
    else say(`the service level ${level.property} of ${level.element} has no word in a model`);
  }
  return found;
}

type ServiceLevel = NonNullable<Contract["slaProperties"]>[number];

function freshnessOf(
  { property: kind, value, unit = "d" }: ServiceLevel,
  name: string | undefined,
  { properties = [] }: Table,
): Freshness | undefined {
  const unitText = UNITS[unit.toLowerCase()];
  const column = properties.find((each) => each.name === name || each.physicalName === name);
  if (!["freshness", "latency", "ly"].includes(kind) || !unitText || !column) return undefined;
  return { column: columnName(column), within: `${value} ${unitText}` };
}
