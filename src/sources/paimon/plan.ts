import { createHash } from "node:crypto";
import { DwError } from "../../core/errors.js";
import type { Chunk, ReadPlan, ReadRequest, SourceColumn } from "../../core/source.js";
import { unsupported } from "./letters.js";
import { type DataFile, writtenWith } from "./manifests.js";
import { atomicType } from "./partitions.js";
import { bucketKey, type Part, packed, partsOf, rowsOf } from "./parts.js";
import { pruning } from "./prune.js";
import { chunkSql, openChunk, type ReadColumns } from "./read.js";
import { trimmedKey } from "./schema.js";
import type { KeyTypes } from "./sections.js";
import { type PaimonTable, refusedChanges, refusedColumns, refusedDefaults, refusedFiles, visibleFiles } from "./table.js";
import { logicalType, type PaimonField } from "./types.js";

/** Plans a read from metadata alone, of the files that `among` wants. DW-SOURCE-UNSUPPORTED for a table that would only be half-read. */
export async function plan(table: PaimonTable, request: ReadRequest, among: (file: DataFile) => boolean = () => true): Promise<ReadPlan> {
  const visible = visibleFiles(table, await table.files()).filter(among);
  const columns = readColumns(table, request);
  const asked = [...new Set([...columns.wanted, ...columns.filtered])];
  refuse([
    ...table.refused,
    ...refusedColumns(table, asked),
    ...refusedDefaults(table, asked, visible),
    ...(await refusedChanges(table, asked, visible)),
    ...(await refusedFiles(table, visible)),
  ]);
  const pruned = await pruning(table, request.where, visible);
  const files = visible.filter(pruned.file);
  const all = partsOf(table, files, await keyTypesOf(table, files)).filter(pruned.part);
  const identity = await identityOf(table);
  const parts = all.filter((part) => request.except?.has(contentOf(table, part, identity)) !== true);
  const work = new Map<string, readonly Part[]>();
  const chunks = await Promise.all(
    packed(parts).map(async (chunkParts) => {
      const chunk = await describe(table, chunkParts, identity);
      work.set(chunk.id, chunkParts);
      return chunk;
    }),
  );
  // Writes the SQL of one merge, so that an aggregate function that dw cannot compute is refused before anything is read.
  if (parts.some(({ mode }) => mode === "merge")) mergeSql(table, columns);
  return {
    columns: columns.wanted.map(sourceColumn),
    identity,
    immutable: true,
    chunks,
    contents: all.map((part) => contentOf(table, part, identity)),
    open: (chunk, db) => {
      const chunkParts = work.get(chunk.id);
      if (chunkParts === undefined) throw new RangeError(`the chunk ${chunk.id} is not of this plan`);
      table.storage.prefetch?.(chunk.files); // all at once; below they are asked for one after the other
      return openChunk(table, columns, chunkParts, db);
    },
    prefetch: (chunk) => table.storage.prefetch?.(chunk.files),
  };
}

function mergeSql(table: PaimonTable, columns: ReadColumns): void {
  chunkSql(table, columns, "merge", true, { changes: "SELECT 1", newer: false, single: false, plain: false });
}

/** Columns whose aggregate functions dw does not compute. */
export function refusedFunctions(table: PaimonTable): readonly string[] {
  return table.schema.fields.flatMap((field) => {
    try {
      mergeSql(table, { wanted: [field], filtered: [] });
      return [];
    } catch (error) {
      if (!(error instanceof DwError) || error.code !== "DW-SOURCE-UNSUPPORTED") throw error;
      return [`column ${field.name}: ${error.what} ${error.fix}`];
    }
  });
}

/** Files are never written twice. Deletion vectors lie beside them: with those, each snapshot is another content. */
function contentOf(table: PaimonTable, { mode, files }: Part, identity: string): string {
  const names = files.map((file) => `${bucketKey(file)}/${file.name}`).sort();
  return JSON.stringify([mode, table.options.deletionVectors ? identity : null, names]);
}

function refuse(reasons: readonly string[]): void {
  if (reasons.length === 0) return;
  throw unsupported(
    `The table cannot be read: ${reasons.slice(0, 5).join("; ")}${reasons.length > 5 ? `; and ${reasons.length - 5} more reasons` : ""}.`,
    "A table is read whole or not at all.",
    "`dw inspect` lists every reason. Rewrite the table with Paimon without these features, and export it again.",
  );
}

/** Statistics and key ranges are stored as the file's own schema has the key. */
export async function keyTypesOf(table: PaimonTable, files: readonly DataFile[]): Promise<KeyTypes> {
  const written = new Map(table.hasKey ? files.map((file) => [writtenWith(file), file] as const) : []);
  const types = new Map(
    await Promise.all(
      [...written].map(async ([key, file]) => {
        const schema = await table.schemaOf(file);
        return [key, trimmedKey(schema).map((field) => atomicType(field, `schema-${schema.id}`))] as const;
      }),
    ),
  );
  return (file) => types.get(writtenWith(file)) ?? [];
}

function readColumns(table: PaimonTable, request: ReadRequest): ReadColumns {
  const { fields } = table.schema;
  const wanted = request.columns === undefined ? fields : request.columns.map((name) => named(fields, name));
  // A predicate can only name a column by writing its name, so that whatever it does not mention it does not need.
  const mention = request.where?.toLowerCase().replaceAll('""', '"');
  const filtered = mention === undefined ? [] : fields.filter((field) => mention.includes(field.name.toLowerCase()));
  return { wanted, filtered, ...(request.where === undefined ? {} : { where: request.where }) };
}

function named(fields: readonly PaimonField[], name: string): PaimonField {
  const exact = fields.find((field) => field.name === name);
  if (exact !== undefined) return exact;
  throw new DwError("DW-USAGE", {
    what: `The table has no column ${name}.`,
    why: "A misspelt column would silently be missing.",
    fix: `Its columns are ${fields.map((field) => field.name).join(", ")}.`,
  });
}

export function sourceColumn(field: PaimonField): SourceColumn {
  return {
    name: field.name,
    type: logicalType(field.type),
    nullable: field.nullable,
    fieldId: field.id,
    ...(field.description === undefined ? {} : { comment: field.description }),
  };
}

/**
 * Paimon tables have no UUID on disk: the first schema, with its creation time, stands for one. Rolled-back snapshots give
 * their numbers to others, so that the manifests' names (which are UUIDs) tell them apart.
 */
async function identityOf(table: PaimonTable): Promise<string> {
  const { found, schema, storage } = table;
  const first = (await table.schemas.ids())[0] ?? schema.id;
  const birth = hash(Buffer.from(await storage.read(`${found.folder}schema/schema-${first}`)).toString("base64"));
  const state = found.snapshot;
  const whole = table.chain?.snapshot;
  const lists = [state, ...(whole === undefined ? [] : [whole])].map((one) => [one?.baseManifestList, one?.deltaManifestList]);
  const content = state === undefined && whole === undefined ? "empty" : hash(JSON.stringify([...lists.flat(), schema.id]));
  return `paimon:${birth}/${found.branch}@${state?.id ?? 0}-${content}`;
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 16);
}

async function describe(table: PaimonTable, parts: readonly Part[], identity: string): Promise<Chunk> {
  const files = parts.flatMap((part) => part.files);
  const paths = await Promise.all(files.map((file) => table.paths.dataFile(file)));
  const places = [...new Set(files.map((file) => place(table, file)))];
  const [first = "", last = ""] = [places[0], places.at(-1)];
  const mode = parts[0]?.mode ?? "stream";
  return {
    id: `${mode}-${hash(JSON.stringify([identity, paths]))}`,
    title: `${places.length === 1 ? first : `${first} … ${last}`} (${files.length} ${files.length === 1 ? "file" : "files"}${mode === "merge" ? ", merged" : ""})`,
    rows: parts.reduce((sum, part) => sum + rowsOf(part), 0),
    bytes: files.reduce((sum, file) => sum + file.size, 0),
    files: paths,
  };
}

function place(table: PaimonTable, file: Part["files"][number]): string {
  const { title } = table.partitions.of(file.partition, file.manifest);
  const bucket = table.hasKey || file.bucket > 0 ? `bucket-${file.bucket}` : "";
  return [title, bucket].filter((step) => step !== "").join("/") || "table";
}
