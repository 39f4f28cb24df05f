import { isDwError } from "../../core/errors.js";
import type { Inspection, InspectionSection } from "../../core/source.js";
import { chunksOf } from "./chunks.js";
import { type Applicable, isEverywhere } from "./deletes.js";
import type { DeleteFile, FileEntry, FileFormat, LiveFiles } from "./manifests.js";
import type { PartitionSpec, TableMetadata } from "./metadata.js";
import { liveFiles, type Opened, sourceColumn } from "./opened.js";
import { partitionText } from "./partition-text.js";
import { withDeletes } from "./planned.js";
import { fieldPath, type IcebergSchema, refusedTypes, typeName } from "./schema.js";
import { schemaChanges } from "./schema-changes.js";
import { ancestry } from "./snapshot.js";
import { transformText } from "./transforms.js";

/** What `dw inspect` shows of a table: read from metadata alone. */
export async function inspectTable(opened: Opened): Promise<Inspection> {
  const { storage, table, view } = opened;
  const live = await liveFiles(opened, false);
  const reading = await readingOf(opened, live);
  return {
    format: `iceberg v${table.version}`,
    location: storage.root,
    facts: [...facts(opened, live), ...reading.facts],
    columns: view.schema.fields.map(sourceColumn),
    sections: [
      schemas(table),
      specs(opened),
      snapshots(table),
      refs(table),
      files(live),
      keys(opened, live),
      partitions(opened, live),
    ].filter((section) => section.rows.length > 0),
    refused: [...refused(opened), ...reading.refused],
  };
}

function facts({ table, view }: Opened, live: LiveFiles): Inspection["facts"] {
  const sum = (entries: readonly FileEntry[], of: (entry: FileEntry) => number): string =>
    String(entries.reduce((total, entry) => total + of(entry), 0));
  return [
    { name: "uuid", value: table.uuid },
    { name: "metadata", value: table.file },
    { name: "location in the metadata", value: table.location },
    { name: "last updated", value: time(table.lastUpdated) },
    { name: "snapshot", value: view.snapshot === undefined ? "none" : `${view.snapshot.id} of ${time(view.snapshot.timestamp)}` },
    { name: "data files", value: String(live.data.length) },
    { name: "rows before deletes", value: sum(live.data, (file) => file.rows) },
    { name: "bytes", value: sum(live.data, (file) => file.bytes) },
    { name: "delete files", value: String(live.deletes.length) },
  ];
}

/** What a backfill of this state would do, or why it cannot. */
async function readingOf(opened: Opened, live: LiveFiles): Promise<Pick<Inspection, "facts" | "refused">> {
  try {
    const planned = await withDeletes(opened, live);
    const chunks = chunksOf(planned);
    const merged = planned.filter(({ deletes }) => hasDeletes(deletes)).length;
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.bytes, 0);
    const value = `${counted(planned.length, "file")} (${merged} with deletes), ${bytes} bytes, ${counted(chunks.length, "chunk")}`;
    return { facts: [{ name: "a backfill reads", value }], refused: [] };
  } catch (error) {
    if (!isDwError(error) || error.code !== "DW-FILE-OUTSIDE") throw error;
    return { facts: [], refused: [`${error.what} ${error.fix}`] };
  }
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

function hasDeletes({ vector, positions, equalities }: Applicable): boolean {
  return vector !== undefined || positions.length > 0 || equalities.length > 0;
}

function schemas(table: TableMetadata): InspectionSection {
  const all = [...table.schemas.values()];
  const rows = all.map((schema, index) => [
    schema.schemaId,
    schema === table.schema ? "current" : "",
    changesText(all[index - 1], schema),
    schema.fields.map((field) => `${field.id}: ${field.name} ${typeName(field.type)}${field.required ? " required" : ""}`).join(", "),
  ]);
  return { title: "schemas", head: ["id", "", "changes", "columns"], rows };
}

function changesText(before: IcebergSchema | undefined, schema: IcebergSchema): string {
  if (before === undefined) return "";
  return schemaChanges(before, schema).join(", ") || "order or comments";
}

function specs({ table, schemas: known }: Opened): InspectionSection {
  const text = (spec: PartitionSpec): string =>
    spec.fields
      .map((field) => `${field.name} = ${transformText(field.transform)}(${field.sources.map((id) => columnName(id, known)).join(", ")})`)
      .join(", ") || "unpartitioned";
  const rows = [...table.specs.values()].map((spec) => [spec.id, spec.id === table.defaultSpec ? "current" : "", text(spec)]);
  return { title: "partition specs", head: ["id", "", "fields"], rows };
}

function snapshots(table: TableMetadata): InspectionSection {
  const ancestors = new Set(ancestry(table).map(({ snapshot }) => snapshot));
  const rows = [...table.snapshots.values()].map((snapshot) => [
    snapshot.id,
    time(snapshot.timestamp),
    snapshot.id === table.currentSnapshot ? "current" : ancestors.has(snapshot.id) ? "" : "not in the current history",
    snapshot.parent ?? null,
    snapshot.schemaId ?? null,
    snapshot.summary.get("operation") ?? null,
    snapshot.summary.get("total-records") ?? null,
  ]);
  return { title: "snapshots", head: ["id", "at", "", "parent", "schema", "operation", "rows"], rows };
}

function refs(table: TableMetadata): InspectionSection {
  return {
    title: "branches and tags",
    head: ["name", "kind", "snapshot"],
    rows: [...table.refs].map(([name, ref]) => [name, ref.type, ref.snapshot]),
  };
}

function files(live: LiveFiles): InspectionSection {
  const kinds = new Map<string, FileEntry[]>();
  for (const file of live.data) push(kinds, `data ${file.format}`, file);
  for (const file of live.deletes) push(kinds, `${deleteKind(file)} ${file.format}`, file);
  const rows = [...kinds].map(([kind, entries]) => [
    kind,
    entries.length,
    entries.reduce((sum, { rows }) => sum + rows, 0),
    entries.reduce((sum, { bytes }) => sum + bytes, 0),
    entries[0] === undefined ? null : ways[entries[0].format],
  ]);
  return { title: "files", head: ["kind", "files", "rows", "bytes", "how they are read"], rows };
}

const SPOOLED = "decoded here and spooled as Parquet";
const ways: Readonly<Record<FileFormat, string>> = {
  parquet: "by DuckDB, as they are",
  avro: SPOOLED,
  orc: SPOOLED,
  puffin: "decoded here",
};

/** What equality deletes compare by, and where they hold. */
function keys({ schemas: known }: Opened, live: LiveFiles): InspectionSection {
  const groups = new Map<string, DeleteFile[]>();
  for (const file of live.deletes) {
    if (file.content !== "equality") continue;
    const names = file.equalityIds.map((id) => columnName(id, known)).join(", ");
    push(groups, `${names}\n${isEverywhere(file) ? "the whole table" : "their partition"}`, file);
  }
  const rows = [...groups].map(([key, entries]) => [
    ...key.split("\n"),
    entries.length,
    entries.reduce((sum, { rows: count }) => sum + count, 0),
  ]);
  return { title: "equality deletes", head: ["by", "in", "files", "rows"], rows };
}

function columnName(id: number, known: readonly IcebergSchema[]): string {
  const paths = known.map((schema) => fieldPath(schema, id)).find((path) => path !== undefined);
  return paths?.map(({ name }) => name.replaceAll("\n", " ")).join(".") ?? `#${id}`;
}

function deleteKind(file: DeleteFile): string {
  if (file.blob !== undefined) return "deletion vectors";
  return file.content === "position" ? "position deletes" : "equality deletes";
}

const SHOWN_PARTITIONS = 100;

function partitions({ schemas }: Opened, live: LiveFiles): InspectionSection {
  const groups = new Map<string, FileEntry[]>();
  for (const file of live.data) push(groups, partitionText(file, schemas), file);
  const rows = [...groups]
    .filter(([name]) => name !== "")
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .slice(0, SHOWN_PARTITIONS)
    .map(([name, entries]) => [
      name,
      entries.length,
      entries.reduce((sum, file) => sum + file.rows, 0),
      entries.reduce((sum, file) => sum + file.bytes, 0),
    ]);
  return {
    title: groups.size > SHOWN_PARTITIONS ? `partitions (the first ${SHOWN_PARTITIONS} of ${groups.size})` : "partitions",
    head: ["partition", "files", "rows", "bytes"],
    rows,
  };
}

function refused({ view }: Opened): readonly string[] {
  return refusedTypes(view.schema.fields).map((column) => `column ${column}: dw has no such type; --columns with the others reads them`);
}

function push<Item>(map: Map<string, Item[]>, key: string, item: Item): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [item]);
  else list.push(item);
}

function time(ms: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString();
}
