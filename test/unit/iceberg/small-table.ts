import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import avsc from "avsc";
import { openDuckDb } from "../../../src/connections/duckdb.js";

/*
 * A writer of small tables for what no fixture holds. It writes what the specification asks of a writer and nothing more,
 * so that a reader which needs more fails here.
 */

export interface SmallFile {
  /** A SELECT whose rows the file holds; `ids` are DuckDB's FIELD_IDS for its columns. */
  readonly sql: string;
  readonly ids?: string;
  readonly content?: 0 | 1 | 2;
  readonly sequence?: number;
  readonly status?: 0 | 1 | 2;
  readonly specId?: number;
  readonly partition?: Readonly<Record<string, unknown>>;
  /** Avro types of the partition fields in its manifest, where they are not those of the table. */
  readonly partitionTypes?: readonly PartitionType[];
  readonly equalityIds?: readonly number[];
  readonly firstRowId?: number;
  /** Location in the manifest instead of the one that the file has. */
  readonly location?: string;
  readonly name?: string;
  /** What the manifest says of its size; 1 when absent. */
  readonly rows?: number;
  readonly bytes?: number;
  /** How many added files the manifest list says that its manifest has; absent: it does not say. */
  readonly listed?: number;
  readonly vector?: { readonly referenced: string; readonly blob: Uint8Array; readonly positions: number };
}

export interface PartitionType {
  readonly name: string;
  readonly id: number;
  readonly type: unknown;
}

export interface SmallTable {
  readonly fields: readonly object[];
  readonly olderFields?: readonly (readonly object[])[];
  readonly files: readonly SmallFile[];
  readonly version?: number;
  readonly specs?: readonly { readonly "spec-id": number; readonly fields: readonly object[] }[];
  /** Avro types of the partition fields, by name, for each spec. */
  readonly partitionTypes?: Readonly<Record<string, readonly PartitionType[]>>;
  readonly properties?: Readonly<Record<string, string>>;
  readonly firstRowId?: number;
  /** v1 snapshots without a manifest list. */
  readonly inlineManifests?: boolean;
  readonly metadata?: Readonly<Record<string, unknown>>;
}

const location = "s3a://warehouse/db/small";

/** Writes the table into a new folder and answers it. */
export async function writeTable(table: SmallTable): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "dw-small-"));
  await mkdir(join(root, "metadata"));
  await mkdir(join(root, "data"));
  const duckdb = await openDuckDb();
  const db = await duckdb.session();
  const manifests: ListedManifest[] = [];
  for (const [index, file] of table.files.entries()) {
    const name = file.name ?? `f${index}.parquet`;
    if (file.vector === undefined) {
      await db.run(
        `COPY (${file.sql}) TO '${join(root, "data", name)}' (FORMAT parquet${file.ids === undefined ? "" : `, FIELD_IDS ${file.ids}`})`,
      );
    } else await writeFile(join(root, "data", name), file.vector.blob);
    const path = `metadata/m${index}.avro`;
    await writeFile(join(root, path), await manifest(table, file, file.location ?? `${location}/data/${name}`));
    const content = (file.content ?? 0) === 0 ? 0 : 1;
    manifests.push({ path, content, specId: file.specId ?? 0, sequence: file.sequence ?? 1, listed: file.listed });
  }
  await duckdb.close();
  await writeFile(join(root, "metadata/list.avro"), await manifestList(table, manifests));
  await writeFile(join(root, "metadata/v1.metadata.json"), JSON.stringify(metadata(table, manifests)));
  return root;
}

function metadata(table: SmallTable, manifests: readonly { path: string }[]): object {
  const schemas = [...(table.olderFields ?? []), table.fields].map((fields, id) => ({ type: "struct", "schema-id": id, fields }));
  const manifestsOf = table.inlineManifests
    ? { manifests: manifests.map(({ path }) => `${location}/${path}`) }
    : { "manifest-list": `${location}/metadata/list.avro` };
  return {
    "format-version": table.version ?? 2,
    "table-uuid": "00000000-0000-0000-0000-000000000001",
    location,
    "last-sequence-number": 9,
    "last-updated-ms": 1_700_000_000_000,
    "last-column-id": 100,
    schemas,
    "current-schema-id": schemas.length - 1,
    "partition-specs": table.specs ?? [{ "spec-id": 0, fields: [] }],
    "default-spec-id": 0,
    properties: table.properties ?? {},
    "current-snapshot-id": 1,
    snapshots: [
      { "snapshot-id": 1, "timestamp-ms": 1_700_000_000_000, "sequence-number": 9, "schema-id": schemas.length - 1, ...manifestsOf },
    ],
    "snapshot-log": [{ "snapshot-id": 1, "timestamp-ms": 1_700_000_000_000 }],
    ...table.metadata,
  };
}

const optional = (type: unknown): unknown => ["null", type];

function manifest(table: SmallTable, file: SmallFile, path: string): Promise<Uint8Array> {
  const partition = file.partitionTypes ?? table.partitionTypes?.[file.specId ?? 0] ?? [];
  const dataFile = record("r2", {
    ...((table.version ?? 2) > 1 ? { content: "int" } : {}),
    file_path: "string",
    file_format: "string",
    partition: {
      type: "record",
      name: "r102",
      fields: partition.map(({ name, id, type }) => ({ name, type: optional(type), "field-id": id })),
    },
    record_count: "long",
    file_size_in_bytes: "long",
    equality_ids: optional({ type: "array", items: "int" }),
    first_row_id: optional("long"),
    referenced_data_file: optional("string"),
    content_offset: optional("long"),
    content_size_in_bytes: optional("long"),
  });
  const schema = record("manifest_entry", {
    status: "int",
    snapshot_id: optional("long"),
    sequence_number: optional("long"),
    data_file: dataFile,
  });
  const { vector } = file;
  const entry = {
    status: file.status ?? 1,
    snapshot_id: null,
    sequence_number: (file.status ?? 1) === 1 ? null : (file.sequence ?? 1),
    data_file: {
      content: file.content ?? 0,
      file_path: path,
      file_format: vector === undefined ? "PARQUET" : "puffin",
      partition: Object.fromEntries(partition.map(({ name }) => [name, file.partition?.[name] ?? null])),
      record_count: vector?.positions ?? file.rows ?? 1,
      file_size_in_bytes: file.bytes ?? 1,
      equality_ids: file.equalityIds ?? null,
      first_row_id: file.firstRowId ?? null,
      referenced_data_file: vector?.referenced ?? null,
      content_offset: vector === undefined ? null : 0,
      content_size_in_bytes: vector?.blob.length ?? null,
    },
  };
  return encoded(schema, [entry]);
}

interface ListedManifest {
  readonly path: string;
  readonly content: number;
  readonly specId: number;
  readonly sequence: number;
  readonly listed: number | undefined;
}

function manifestList(table: SmallTable, manifests: readonly ListedManifest[]): Promise<Uint8Array> {
  const schema = record("manifest_file", {
    manifest_path: "string",
    manifest_length: "long",
    partition_spec_id: "int",
    content: "int",
    sequence_number: "long",
    added_snapshot_id: "long",
    added_files_count: optional("int"),
    first_row_id: optional("long"),
  });
  const rows = manifests.map(({ path, content, specId, sequence, listed }) => ({
    manifest_path: `${location}/${path}`,
    manifest_length: 1,
    partition_spec_id: specId,
    content,
    sequence_number: sequence,
    added_snapshot_id: 1,
    added_files_count: listed ?? null,
    first_row_id: content === 0 ? (table.firstRowId ?? null) : null,
  }));
  return encoded(schema, rows);
}

function record(name: string, fields: Readonly<Record<string, unknown>>): object {
  return { type: "record", name, fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })) };
}

function encoded(schema: object, rows: readonly unknown[]): Promise<Uint8Array> {
  const type = avsc.Type.forSchema(schema as avsc.Schema, { wrapUnions: false });
  return new Promise((resolve, reject) => {
    const encoder = new avsc.streams.BlockEncoder(type, { codec: "deflate" });
    const chunks: Uint8Array[] = [];
    encoder.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    encoder.on("end", () => resolve(Buffer.concat(chunks)));
    encoder.on("error", reject);
    for (const row of rows) encoder.write(row);
    encoder.end();
  });
}
