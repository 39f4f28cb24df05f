import { DwError } from "../../core/errors.js";
import type { OpenSource, ReadPlan, ReadRequest, SourceTable } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { unsupported } from "../../formats/damage.js";
import { chunksOf, type PlannedChunk } from "./chunks.js";
import { discover } from "./discover.js";
import { type NameMapping, parseNameMapping } from "./file-schema.js";
import { inspectTable } from "./inspect.js";
import { Place, parseExactJson } from "./json.js";
import type { TableMetadata } from "./metadata.js";
import { openChunk, type PlannedFile, type Reading } from "./open.js";
import { type Opened, sourceColumn } from "./opened.js";
import { pathMap } from "./paths.js";
import { plannedFiles } from "./planned.js";
import { lineageFields } from "./row-lineage.js";
import { type IcebergField, type IcebergSchema, refusedTypes, sameName, twinOf } from "./schema.js";
import { type View, viewAt } from "./snapshot.js";

export interface OpenIceberg extends OpenSource {
  /** A metadata file below the root, for tables whose current one only a catalog knows. */
  readonly metadata?: string;
}

/**
 * An Iceberg table (format versions 1 to 3) as it was copied out of a warehouse. Everything is planned from metadata.
 *
 * Errors: DW-TABLE-MISSING, DW-SNAPSHOT-MISSING, DW-FILE-MISSING, DW-FILE-CORRUPT, DW-FILE-TOO-LARGE, DW-FILE-OUTSIDE,
 * DW-SOURCE-UNSUPPORTED, and DW-USAGE for a column that the table does not have.
 */
export async function openIceberg(storage: Storage, options: OpenIceberg): Promise<SourceTable> {
  const table = await discover(storage, options.metadata);
  const view = viewAt(table, options.at);
  const opened: Opened = {
    storage,
    table,
    view,
    paths: pathMap(storage, table.location, table.properties),
    schemas: newestFirst(table, view),
  };
  return {
    title: `${storage.root}${view.snapshot === undefined ? "" : ` at snapshot ${view.snapshot.id}`}`,
    columns: view.schema.fields.map(sourceColumn),
    plan: (request) => planRead(opened, request),
    inspect: () => inspectTable(opened),
    close: async () => undefined,
  };
}

/** The schema of the read, then the others from the newest on: where dropped columns are still known. */
function newestFirst(table: TableMetadata, view: View): readonly IcebergSchema[] {
  const others = [...table.schemas.values()].filter((schema) => schema !== view.schema).sort((a, b) => b.schemaId - a.schemaId);
  return [view.schema, ...others];
}

async function planRead(opened: Opened, request: ReadRequest): Promise<ReadPlan> {
  const { storage, table, view, paths } = opened;
  const columns = chosenColumns(opened, request.columns);
  refuseColumns(columns, storage);
  const available = request.where === undefined ? columns : [...columns, ...alsoNamed(request.where, columns, opened)];
  const files = await plannedFiles(opened, request.where);
  const chunks = chunksOf(files.filter((file) => request.except?.has(contentOf(file)) !== true));
  const byId = new Map<string, PlannedChunk>(chunks.map((chunk) => [chunk.id, chunk]));
  const isPartial = request.where !== undefined || columns.length < view.schema.fields.length;
  const reading: Reading = {
    storage,
    columns,
    where: request.where,
    available,
    schemas: opened.schemas,
    nameMapping: nameMapping(table),
    below: paths.below,
  };
  return {
    columns: columns.map(sourceColumn),
    identity: `iceberg:${table.uuid}@${view.snapshot?.id ?? "empty"}`,
    immutable: true,
    near: storage.remote !== true && chunks.every(({ files }) => files.every((file) => file.endsWith(".parquet"))),
    chunks: chunks.map(({ planned, ...chunk }) => chunk),
    contents: files.map(contentOf),
    open: (chunk, db) => {
      const planned = byId.get(chunk.id)?.planned;
      if (planned === undefined) throw new Error(`chunk ${chunk.id} is not of this plan`);
      return openChunk(planned, reading, db);
    },
    // of ORC files only what is needed is read, which is not known before they are opened
    prefetch: (chunk) => storage.prefetch?.(isPartial ? (byId.get(chunk.id)?.planned ?? []).flatMap(notOrc) : chunk.files),
  };
}

/** Files are never written twice: a data file with the same deletes has the same rows. */
function contentOf({ data, deletes: { vector, positions, equalities } }: PlannedFile): string {
  const places = [...positions, ...equalities].map(({ location }) => location).sort();
  const bits = vector === undefined ? null : [vector.location, vector.blob?.offset ?? 0, vector.blob?.length ?? 0];
  return JSON.stringify([data.location, bits, places]);
}

function notOrc({ data, path }: PlannedFile): readonly string[] {
  return data.format === "orc" ? [] : [path];
}

/** What else a predicate may name. A column that cannot be read is refused where the predicate seems to name it. */
function alsoNamed(where: string, columns: readonly IcebergField[], { table, view, storage }: Opened): readonly IcebergField[] {
  const { fields } = view.schema;
  const text = where.toLowerCase();
  const named = (field: IcebergField): boolean => text.includes(field.name.toLowerCase());
  refuseColumns(fields.filter(named), storage);
  const readable = (field: IcebergField): boolean => refusedTypes([field]).length === 0 && twinOf([field]) === undefined;
  const others = fields.filter((field) => readable(field) && twinOf(fields.filter((other) => sameName(other, field))) === undefined);
  return [...others, ...hiddenFields(table).filter(named)].filter((field) => !columns.some((column) => sameName(column, field)));
}

/** Columns that nobody sees who does not ask for them. */
function hiddenFields(table: TableMetadata): readonly IcebergField[] {
  return table.version >= 3 ? lineageFields : [];
}

function chosenColumns({ table, view, storage }: Opened, names: readonly string[] | undefined): readonly IcebergField[] {
  if (names === undefined) return view.schema.fields;
  const known = [...view.schema.fields, ...hiddenFields(table)];
  return names.map((name) => {
    const field = known.find((candidate) => candidate.name === name);
    if (field !== undefined) return field;
    throw new DwError("DW-USAGE", {
      what: `${storage.root} has no column ${name}.`,
      why: `Its columns${view.snapshot === undefined ? "" : ` at snapshot ${view.snapshot.id}`} are ${known.map((column) => column.name).join(", ")}.`,
      fix: "Name some of these; names are case-sensitive.",
    });
  });
}

function refuseColumns(fields: readonly IcebergField[], storage: Storage): void {
  const [refused] = refusedTypes(fields);
  if (refused !== undefined) {
    throw unsupported(
      `${storage.root} has the column ${refused}.`,
      "dw reads the types of Iceberg v1, v2 and v3, and this is none of them.",
      "Name the columns that you want without it, or turn it into a string or binary column before exporting.",
    );
  }
  const twin = twinOf(fields);
  if (twin === undefined) return;
  throw unsupported(
    `${storage.root} has the column ${twin} also in another case.`,
    "DuckDB, in which rows travel, compares names without case.",
    "Read one of the two at a time (--columns), or rename one before exporting.",
  );
}

const MAPPING_PROPERTY = "schema.name-mapping.default";

function nameMapping(table: TableMetadata): ReadonlyMap<string, NameMapping> | undefined {
  const text = table.properties.get(MAPPING_PROPERTY);
  if (text === undefined) return undefined;
  return parseNameMapping(parseExactJson(text, table.file), new Place(table.file).step(MAPPING_PROPERTY));
}
