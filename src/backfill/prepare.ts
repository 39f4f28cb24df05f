import { createHash } from "node:crypto";
import { DwError, isDwError } from "../core/errors.js";
import type { FingerprintColumn } from "../core/fingerprint.js";
import { type Json, stableJson } from "../core/json.js";
import type { ColumnMapping, Columns, Quarantine } from "../core/model.js";
import type { DuckDbSession, ReadPlan, SourceColumn, SourceTable } from "../core/source.js";
import type { LoadIdentity, TargetTable } from "../core/target.js";
import { carried, logicalType, quoteName } from "../core/transit.js";
import { type LogicalType, typeText } from "../core/types.js";
import type { Increment } from "./increment.js";
import { type Mapping, mapColumns } from "./mapping.js";
import { type Rejection, rejectionOf } from "./quarantine.js";
import { type Route, routeOf } from "./route.js";
import type { Latest } from "./rows.js";

export interface BackfillRequest {
  readonly name: string;
  readonly source: SourceTable;
  readonly sourceModel?: { readonly columns?: Columns; readonly zone?: string };
  readonly target: TargetTable;
  readonly targetModel?: { readonly columns: Columns; readonly zone?: string };
  readonly map?: Readonly<Record<string, ColumnMapping>>;
  /** DuckDB predicate over source columns. */
  readonly where?: string;
  readonly sourceZone?: string;
  readonly quarantine?: Quarantine;
  /** DuckDB predicate over source columns. */
  readonly deletedWhen?: string;
  /** Only ranges will be read (backfill/increment.ts): what the whole table is like need not be known. */
  readonly ranged?: true;
}

/** Everything that is decided before the first row is read. */
export interface PreparedBackfill {
  readonly name: string;
  readonly source: SourceTable;
  readonly target: TargetTable;
  readonly mapping: Mapping;
  readonly plan: ReadPlan;
  readonly identity: LoadIdentity;
  readonly columns: readonly FingerprintColumn[];
  readonly where?: string;
  readonly rejection?: Rejection;
  readonly deletedWhen?: string;
  /** The target keeps one row a key: of several versions in a chunk the newest counts. */
  readonly latest?: Latest;
  readonly increment?: Increment;
  readonly route: Route;
}

/** `db` is any DuckDB connection: it types the map's expressions. Throws DW-BACKFILL-MAPPING and what planning throws. */
export async function prepareBackfill(request: BackfillRequest, db: DuckDbSession): Promise<PreparedBackfill> {
  const { source, target } = request;
  const mapping = mapColumns({
    backfill: request.name,
    source: source.columns,
    target: await target.columns(source.columns),
    engine: target.engine,
    expressionTypes: await expressionTypes(request, db),
    ...(request.sourceModel && { sourceModel: request.sourceModel }),
    ...(request.targetModel && { targetModel: request.targetModel }),
    ...(request.map && { map: request.map }),
    ...(request.sourceZone !== undefined && { sourceZone: request.sourceZone }),
  });
  const { deletedWhen } = request;
  if (deletedWhen !== undefined) await mustBePredicate(request, db, "deletedWhen", deletedWhen);
  const free = deletedWhen === undefined ? mapping : { ...mapping, needs: undefined }; // it may use any column
  const plan = await source.plan({
    ...(free.needs && { columns: free.needs }),
    ...(request.ranged && { ranged: request.ranged }),
    ...(request.where !== undefined && { where: request.where }),
  });
  const decided = {
    name: request.name,
    source,
    target,
    mapping: free,
    plan,
    identity: identityOf(request, mapping, plan),
    columns: mapping.columns.map((column) => fingerprintColumn(column, target)),
    ...(request.where !== undefined && { where: request.where }),
    ...(request.quarantine && { rejection: rejection(request, request.quarantine, free, plan) }),
    ...(deletedWhen !== undefined && { deletedWhen }),
  };
  return { ...decided, route: await routeOf(decided) };
}

async function mustBePredicate(request: BackfillRequest, db: DuckDbSession, place: string, sql: string): Promise<void> {
  const type = await typeOf(request, db, place, sql);
  if (type?.kind === "boolean") return;
  throw new DwError("DW-BACKFILL-MAPPING", {
    what: `${place} of backfill ${request.name} is ${type === undefined ? "nothing" : typeText(type)}, and no predicate.`,
    why: "It says for each row whether it deletes the row with its key.",
    fix: "Write a DuckDB predicate over the source's columns, such as op = 'd'.",
  });
}

function rejection({ name, target }: BackfillRequest, quarantine: Quarantine, mapping: Mapping, plan: ReadPlan): Rejection {
  const { most } = quarantine;
  const isCount = typeof most === "number" ? Number.isInteger(most) && most >= 0 : /^\d+(\.\d+)?%$/.test(most);
  if (!isCount) throw wrongQuarantine(name, `${JSON.stringify(most)} is neither a number of rows nor a share such as "0.1%"`);
  if (target.quarantined === undefined) throw wrongQuarantine(name, `${target.title} has no place for rejected rows`);
  return rejectionOf(mapping, mapping.needs ?? plan.columns.map((column) => column.name), quarantine);
}

function wrongQuarantine(name: string, why: string): DwError {
  return new DwError("DW-BACKFILL-MAPPING", {
    what: `The quarantine of backfill ${name} cannot be kept: ${why}.`,
    why: "Rejected rows must lie somewhere, with their reasons, or stop the run.",
    fix: "Correct `quarantine: { most }`, or leave it out: then the first bad row stops its chunk.",
  });
}

function fingerprintColumn(column: Mapping["columns"][number], target: TargetTable): FingerprintColumn {
  const apart = target.hashes?.(column.type) === false;
  return { name: column.name, type: column.type, ...(column.pii && { pii: true as const }), ...(apart && { apart: true as const }) };
}

function identityOf(request: BackfillRequest, mapping: Mapping, plan: ReadPlan): LoadIdentity {
  const decided: Json = {
    source: plan.identity,
    where: request.where ?? null,
    columns: mapping.columns.map(({ name, type, expression, nullable }) => ({ name, type: JSON.stringify(type), expression, nullable })),
  };
  const digest = createHash("sha256").update(stableJson(decided)).digest("hex");
  return { backfill: request.name, source: plan.identity, digest };
}

async function expressionTypes(request: BackfillRequest, db: DuckDbSession): Promise<ReadonlyMap<string, LogicalType>> {
  const types = new Map<string, LogicalType>();
  for (const [name, mapping] of Object.entries(request.map ?? {})) {
    if ("repeated" in mapping && typeof mapping.repeated === "object") await predicateOf(request, db, name, mapping.repeated.by);
    if (!("sql" in mapping)) continue;
    const type = await typeOf(request, db, name, mapping.sql);
    if (type !== undefined) types.set(name, type);
  }
  return types;
}

async function predicateOf(request: BackfillRequest, db: DuckDbSession, name: string, by: string): Promise<void> {
  const type = await typeOf(request, db, name, by);
  if (type?.kind === "boolean") return;
  throw new DwError("DW-BACKFILL-MAPPING", {
    what: `Column ${name} of backfill ${request.name}: repeated.by is ${type === undefined ? "nothing" : typeText(type)}, and no predicate.`,
    why: "It says for each row whether the second of two equal wall-clock times is meant.",
    fix: "Write a DuckDB predicate over the source's columns, such as utc_offset = '+01:00'.",
  });
}

async function typeOf(request: BackfillRequest, db: DuckDbSession, name: string, sql: string): Promise<LogicalType | undefined> {
  const empty = request.source.columns.map(
    (column: SourceColumn) => `CAST(NULL AS ${carried(column.name, column.type)}) AS ${quoteName(column.name)}`,
  );
  try {
    const [row] = await db.rows<{ column_type: string }>(`DESCRIBE SELECT (${sql}) AS value FROM (SELECT ${empty.join(", ")}) AS source`);
    return row === undefined ? undefined : logicalType(row.column_type);
  } catch (error) {
    throw new DwError("DW-BACKFILL-MAPPING", {
      what: `The expression of column ${name} in backfill ${request.name} cannot be read: ${sql}`,
      why: isDwError(error) ? error.what : String(error),
      fix: "Write a DuckDB expression over the source's columns; `dw inspect` lists them.",
      cause: error,
    });
  }
}
