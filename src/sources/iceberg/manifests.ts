import pLimit from "p-limit";
import type { Storage } from "../../core/storage.js";
import { type AvroRecord, type AvroRecordType, type AvroValue, optional, readAvro } from "../../formats/avro/index.js";
import { corrupt, unsupported } from "../../formats/damage.js";
import type { PartitionField, PartitionSpec, Snapshot, TableMetadata } from "./metadata.js";
import type { PathMap } from "./paths.js";
import { fieldPath } from "./schema.js";

/* Manifest lists and manifests (Iceberg spec, "Manifests", "Manifest Lists" and the inheritance rules there). */

export type FileFormat = "parquet" | "avro" | "orc" | "puffin";

export interface FileEntry {
  /** As the metadata names it; position deletes refer to data files by this text. */
  readonly location: string;
  readonly format: FileFormat;
  readonly spec: PartitionSpec;
  /** Values of the partition fields, in the order of the spec. */
  readonly partition: readonly AvroValue[];
  readonly rows: number;
  readonly bytes: number;
  /** Data sequence number: the age that deletes are compared by. */
  readonly sequence: bigint;
  readonly metrics: Metrics;
}

export interface DataFile extends FileEntry {
  readonly firstRowId: bigint | undefined;
}

export interface DeleteFile extends FileEntry {
  readonly content: "position" | "equality";
  /** Field ids that rows are compared by; of equality deletes only. */
  readonly equalityIds: readonly number[];
  /** The one data file that a deletion vector or a position delete file is about. */
  readonly referenced: string | undefined;
  /** Where in a Puffin file a deletion vector lies. */
  readonly blob: { readonly offset: number; readonly length: number } | undefined;
}

/** By field id: counts, and bounds in the single-value encoding. Empty when they were not asked for. */
export interface Metrics {
  readonly valueCounts: ReadonlyMap<number, number>;
  readonly nullCounts: ReadonlyMap<number, number>;
  readonly nanCounts: ReadonlyMap<number, number>;
  readonly lower: ReadonlyMap<number, Uint8Array>;
  readonly upper: ReadonlyMap<number, Uint8Array>;
}

export interface LiveFiles {
  readonly data: readonly DataFile[];
  readonly deletes: readonly DeleteFile[];
}

const EXISTING = 0;
const ADDED = 1;
const DELETED = 2;

export interface Manifest {
  readonly location: string;
  readonly content: "data" | "deletes";
  readonly specId: number | undefined;
  readonly sequence: bigint;
  readonly firstRowId: bigint | undefined;
  /** How many entries it has of a status that is alive; undefined where the list does not count. */
  readonly counts: Readonly<Partial<Record<typeof EXISTING | typeof ADDED, number | undefined>>>;
}

export async function readManifestList(storage: Storage, paths: PathMap, snapshot: Snapshot): Promise<readonly Manifest[]> {
  if (snapshot.encryptedBy !== undefined) throw encrypted(`The manifest list of snapshot ${snapshot.id}`);
  if ("files" in snapshot.manifests) return snapshot.manifests.files.map(inlineManifest);
  const file = await paths.below(snapshot.manifests.list);
  const { rows, metadata } = await readAvro(await storage.read(file), file, (path) => !path.startsWith("partitions"));
  const version = Number(metadata.get("format-version") ?? 1);
  return rows.map((row) => manifestOf(row, version, file));
}

/** Old v1 snapshots name their manifests and nothing else. */
function inlineManifest(location: string): Manifest {
  return { location, content: "data", specId: undefined, sequence: 0n, firstRowId: undefined, counts: {} };
}

function manifestOf(row: AvroRecord, version: number, file: string): Manifest {
  if (present(row.key_metadata)) throw encrypted(`${file} or a file that it lists`);
  // absent in v1; a list of v2 without them would have its deletes taken for data
  if (version > 1 && typeof row.content !== "number") throw corrupt(file, "It does not say whether a manifest lists data or deletes.");
  const counts = {
    [EXISTING]: count(row.existing_files_count ?? row.existing_data_files_count),
    [ADDED]: count(row.added_files_count ?? row.added_data_files_count),
  };
  return {
    location: text(row.manifest_path, file),
    content: row.content === 1 ? "deletes" : "data",
    specId: number(row.partition_spec_id, file),
    sequence: bigint(row.sequence_number) ?? 0n,
    firstRowId: bigint(row.first_row_id),
    counts,
  };
}

function count(value: AvroValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** A count that is missing counts as not zero. */
function hasLiveFiles({ counts }: Manifest): boolean {
  return counts[EXISTING] !== 0 || counts[ADDED] !== 0;
}

/** Manifests are a few MiB each; the bytes of this many may wait at once. */
const CONCURRENT_READS = 8;

/** The live files of a snapshot. `metrics` asks for column counts and bounds of data files, which take longer to read. */
export async function readLiveFiles(
  storage: Storage,
  paths: PathMap,
  table: TableMetadata,
  manifests: readonly Manifest[],
  metrics: boolean,
): Promise<LiveFiles> {
  const limit = pLimit(CONCURRENT_READS);
  const read = await Promise.all(
    manifests.filter(hasLiveFiles).map((manifest) => limit(() => readManifest(storage, paths, table, manifest, metrics))),
  );
  return { data: read.flatMap((files) => files.data), deletes: read.flatMap((files) => files.deletes) };
}

const always = new Set([
  "content",
  "file_path",
  "file_format",
  "partition",
  "record_count",
  "file_size_in_bytes",
  "key_metadata",
  "equality_ids",
  "first_row_id",
  "referenced_data_file",
  "content_offset",
  "content_size_in_bytes",
]);
const measured = new Set([...always, "value_counts", "null_value_counts", "nan_value_counts", "lower_bounds", "upper_bounds"]);

async function readManifest(
  storage: Storage,
  paths: PathMap,
  table: TableMetadata,
  manifest: Manifest,
  metrics: boolean,
): Promise<{ readonly data: DataFile[]; readonly deletes: DeleteFile[] }> {
  const file = await paths.below(manifest.location);
  const wanted = metrics || manifest.content === "deletes" ? measured : always;
  const { row, metadata, rows } = await readAvro(await storage.read(file), file, (path) => {
    const [top, field] = path.split(".");
    return top !== "data_file" || field === undefined || wanted.has(field);
  });
  const spec = specOf(table, manifest, metadata, file);
  const context = { file, manifest, spec, partition: partitionReader(row, spec, table, file) };
  const data: DataFile[] = [];
  const deletes: DeleteFile[] = [];
  let nextRowId = manifest.firstRowId;
  const found = [0, 0, 0];
  for (const entry of rows) {
    const status = number(entry.status, file);
    if (status !== EXISTING && status !== ADDED && status !== DELETED) throw corrupt(file, `An entry in it has the status ${status}.`);
    found[status] = (found[status] ?? 0) + 1;
    if (status === DELETED) continue;
    const described = describe(entry, status, context);
    if (manifest.content === "deletes") {
      deletes.push(deleteFile(described.record, described.entry, file));
      continue;
    }
    const own = bigint(described.record.first_row_id);
    data.push({ ...described.entry, firstRowId: own ?? nextRowId });
    if (own === undefined && nextRowId !== undefined) nextRowId += BigInt(described.entry.rows);
  }
  checkCounts(manifest, found, file);
  return { data, deletes };
}

/** The list counts a manifest's entries: one that is missing, or alive by one flipped bit, would otherwise go unseen. */
function checkCounts({ counts }: Manifest, found: readonly number[], file: string): void {
  for (const status of [EXISTING, ADDED] as const) {
    const listed = counts[status];
    if (listed === undefined || listed === found[status]) continue;
    const kind = status === ADDED ? "added" : "existing";
    throw corrupt(file, `It has ${found[status]} ${kind} files, and the manifest list says ${listed}.`);
  }
}

interface ManifestContext {
  readonly file: string;
  readonly manifest: Manifest;
  readonly spec: PartitionSpec;
  readonly partition: (record: AvroRecord) => readonly AvroValue[];
}

function describe(entry: AvroRecord, status: number, context: ManifestContext): { readonly record: AvroRecord; readonly entry: FileEntry } {
  const { file, manifest, spec } = context;
  const record = recordOf(entry.data_file, file);
  if (present(record.key_metadata)) throw encrypted(`${file} or a file that it lists`);
  const described: FileEntry = {
    location: text(record.file_path, file),
    format: formatOf(text(record.file_format, file), file),
    spec,
    partition: context.partition(record),
    rows: size(record.record_count, file),
    bytes: size(record.file_size_in_bytes, file),
    sequence: bigint(entry.sequence_number) ?? inherited(manifest, status, file),
    metrics: metricsOf(record),
  };
  return { record, entry: described };
}

/** Added files have the age of their manifest; so have all files of manifests from before ages were kept (v1: 0). */
function inherited(manifest: Manifest, status: number, file: string): bigint {
  if (status === ADDED || manifest.sequence === 0n) return manifest.sequence;
  throw corrupt(file, "A file that an older snapshot added has no sequence number.");
}

function deleteFile(record: AvroRecord, entry: FileEntry, file: string): DeleteFile {
  const content = record.content === 1 ? "position" : record.content === 2 ? "equality" : undefined;
  if (content === undefined) throw corrupt(file, "A delete manifest lists a file that deletes nothing.");
  const ids = Array.isArray(record.equality_ids) ? record.equality_ids.map((id: AvroValue) => number(id, file)) : [];
  if (content === "equality" && ids.length === 0) throw corrupt(file, "An equality delete in it names no columns.");
  const referenced = typeof record.referenced_data_file === "string" ? record.referenced_data_file : undefined;
  if (entry.format !== "puffin") return { ...entry, content, equalityIds: ids, referenced, blob: undefined };
  if (referenced === undefined) throw corrupt(file, "A deletion vector in it does not say which data file it is about.");
  const blob = { offset: size(record.content_offset, file), length: size(record.content_size_in_bytes, file) };
  return { ...entry, content, equalityIds: ids, referenced, blob };
}

function specOf(table: TableMetadata, manifest: Manifest, metadata: ReadonlyMap<string, string>, file: string): PartitionSpec {
  const id = manifest.specId ?? Number(metadata.get("partition-spec-id") ?? 0);
  const spec = table.specs.get(id);
  if (spec === undefined) throw corrupt(file, `Its partition spec ${id} is not among those of the table.`);
  return spec;
}

/** Partition values are found by field id; manifests of v1 may have none, there the order counts. */
function partitionReader(row: AvroRecordType, spec: PartitionSpec, table: TableMetadata, file: string): ManifestContext["partition"] {
  const dataFile = fieldType(row, "data_file");
  const partition = dataFile === undefined ? undefined : fieldType(dataFile, "partition");
  if (partition === undefined) throw corrupt(file, "Its entries have no partition.");
  const names = new Map(partition.fields.map((field) => [field.attributes["field-id"], field.name]));
  const columns = spec.fields.map((field, index) => ({
    name: names.get(field.id) ?? partition.fields[index]?.name ?? "",
    isDecimal: isDecimal(field, table),
  }));
  return (record) => {
    const values = recordOf(record.partition, file);
    return columns.map((column) => {
      const value = values[column.name] ?? null;
      return column.isDecimal && value instanceof Uint8Array ? shortest(value) : value;
    });
  };
}

function isDecimal({ sources: [source] }: PartitionField, { schemas }: TableMetadata): boolean {
  return source !== undefined && [...schemas.values()].some((schema) => fieldPath(schema, source)?.at(-1)?.type.kind === "decimal");
}

/** As wide as its column was then: of a decimal that was widened since, older manifests hold fewer bytes of the same value. */
function shortest(decimal: Uint8Array): Uint8Array {
  const isSign = (at: number): boolean => decimal[at] === ((decimal[at + 1] ?? 0) > 0x7f ? 0xff : 0);
  let start = 0;
  while (start < decimal.length - 1 && isSign(start)) start++;
  return decimal.subarray(start);
}

function fieldType(record: AvroRecordType, name: string): AvroRecordType | undefined {
  const field = record.fields.find((candidate) => candidate.name === name);
  const type = field === undefined ? undefined : optional(field.type).type;
  return type?.kind === "record" ? type : undefined;
}

function formatOf(name: string, file: string): FileFormat {
  const format = (["parquet", "avro", "orc", "puffin"] as const).find((candidate) => candidate === name.toLowerCase());
  if (format !== undefined) return format;
  throw unsupported(
    `${file} lists a file of the format ${name.slice(0, 40)}.`,
    "Iceberg's formats are Parquet, Avro, ORC and Puffin.",
    "Check the table.",
  );
}

const none: Metrics = { valueCounts: new Map(), nullCounts: new Map(), nanCounts: new Map(), lower: new Map(), upper: new Map() };

function metricsOf(record: AvroRecord): Metrics {
  if (!("lower_bounds" in record) && !("value_counts" in record)) return none;
  return {
    valueCounts: counts(record.value_counts),
    nullCounts: counts(record.null_value_counts),
    nanCounts: counts(record.nan_value_counts),
    lower: new Map(entries(record.lower_bounds).flatMap(([id, value]) => (value instanceof Uint8Array ? [[id, value] as const] : []))),
    upper: new Map(entries(record.upper_bounds).flatMap(([id, value]) => (value instanceof Uint8Array ? [[id, value] as const] : []))),
  };
}

function counts(value: AvroValue | undefined): Map<number, number> {
  return new Map(entries(value).flatMap(([id, count]) => (typeof count === "bigint" ? [[id, Number(count)] as const] : [])));
}

/** Avro's maps have text keys only, so Iceberg writes those with int keys as lists of key and value. */
function entries(value: AvroValue | undefined): readonly (readonly [number, AvroValue])[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((item: AvroValue) => {
    if (typeof item !== "object" || item === null || !("key" in item)) return [];
    const { key, value: held } = item as AvroRecord; // an object with a key is a record: maps come as pairs
    return typeof key === "number" && held !== undefined ? [[key, held] as const] : [];
  });
}

function recordOf(value: AvroValue | undefined, file: string): AvroRecord {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Uint8Array) {
    throw corrupt(file, "An entry in it lacks a part.");
  }
  return value as AvroRecord; // what is an object and neither list, pairs nor bytes is a record
}

function text(value: AvroValue | undefined, file: string): string {
  if (typeof value !== "string") throw corrupt(file, "An entry in it lacks a path or a format.");
  return value;
}

function number(value: AvroValue | undefined, file: string): number {
  if (typeof value !== "number") throw corrupt(file, "An entry in it lacks a number.");
  return value;
}

function bigint(value: AvroValue | undefined): bigint | undefined {
  if (typeof value === "bigint") return value;
  return typeof value === "number" ? BigInt(value) : undefined;
}

function size(value: AvroValue | undefined, file: string): number {
  const found = Number(bigint(value) ?? -1n);
  if (found < 0 || !Number.isSafeInteger(found)) throw corrupt(file, "An entry in it has an impossible size or count.");
  return found;
}

function present(value: AvroValue | undefined): boolean {
  return value instanceof Uint8Array && value.length > 0;
}

function encrypted(what: string): Error {
  return unsupported(`${what} is encrypted.`, "dw holds no keys of a table's encryption scheme.", "Export the table unencrypted.");
}
