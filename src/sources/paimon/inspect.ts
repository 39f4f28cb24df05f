import type { Inspection, InspectionSection } from "../../core/source.js";
import { typeText } from "../../core/types.js";
import type { DataFile } from "./manifests.js";
import { byBucket, packed, partsOf } from "./parts.js";
import { keyTypesOf, sourceColumn } from "./plan.js";
import type { TableSchema } from "./schema.js";
import { branches, readSnapshot, snapshotIds, tags } from "./snapshots.js";
import { type PaimonTable, refusedColumns, refusedDefaults, refusedFiles, visibleFiles } from "./table.js";
import { logicalType } from "./types.js";

/** What `dw inspect` tells of a table; reads metadata only. Lists are cut at a length that people read. */
export async function inspect(table: PaimonTable): Promise<Inspection> {
  const all = await table.files();
  const files = visibleFiles(table, all);
  const { fields } = table.schema;
  const refused = [
    ...table.refused,
    ...refusedColumns(table, fields),
    ...refusedDefaults(table, fields, files),
    ...(await refusedFiles(table, files)),
  ];
  return {
    format: "paimon",
    location: table.storage.root,
    facts: [...facts(table), ...(await readingFacts(table, all, files))],
    columns: table.schema.fields.map(sourceColumn),
    sections: [
      await schemaHistory(table),
      await snapshotList(table),
      await tagList(table),
      await branchList(table),
      partitionList(table, files),
      fileList(all, files),
    ].filter((section) => section.rows.length > 0),
    refused,
  };
}

type Fact = Inspection["facts"][number];

function facts(table: PaimonTable): readonly Fact[] {
  const { schema, options, found } = table;
  const fact = (name: string, value: string | undefined): readonly Fact[] => (value === undefined || value === "" ? [] : [{ name, value }]);
  const { snapshot } = found;
  return [
    ...fact("kind", table.hasKey ? "primary-key table" : "append table"),
    ...fact("primary key", schema.primaryKeys.join(", ")),
    ...fact("partitioned by", schema.partitionKeys.join(", ")),
    ...fact("merge engine", table.hasKey ? (options.mergeEngine ?? options.text("merge-engine")) : undefined),
    ...fact("sequence field", [...options.sequenceFields, ...(options.sequenceDescending ? ["descending"] : [])].join(", ")),
    ...fact("sequence groups", sequenceGroups(table)),
    ...fact("aggregate functions", aggregateFunctions(table)),
    ...fact("removes rows", removals(table)),
    ...fact("row tracking", options.dataEvolution ? "columns of the same rows may lie in several files, the newest counts" : undefined),
    ...fact("buckets", options.text("bucket")),
    ...fact("changelog producer", options.text("changelog-producer")),
    ...fact("deletion vectors", options.deletionVectors ? "enabled" : undefined),
    ...fact("ignores deletes", options.ignoreDelete ? "yes" : undefined),
    ...fact("branch", found.branch),
    ...fact("takes missing partitions from the branch", options.text("scan.fallback-branch")),
    ...fact("comes after the branch", options.text("scan.primary-branch")),
    ...fact("schema", String(schema.id)),
    ...fact("snapshot", snapshot === undefined ? "none" : `${snapshot.id} (${snapshot.kind}, ${timeText(snapshot.time)})`),
    ...fact("comment", schema.comment),
  ];
}

/** `g1 orders b, c; g2, g3 order d`. */
function sequenceGroups({ options }: PaimonTable): string {
  const told = options.sequenceGroups.map(
    ({ sequence, members }) => `${sequence.join(", ")} ${sequence.length === 1 ? "orders" : "order"} ${members.join(", ")}`,
  );
  return told.join("; ");
}

/** Those of columns that have one; in an aggregation table the others keep their last value that is not null. */
function aggregateFunctions({ schema, options, hasKey }: PaimonTable): string {
  if (!hasKey || (options.mergeEngine !== "aggregation" && options.mergeEngine !== "partial-update")) return "";
  const columns = schema.fields.filter(({ name }) => !schema.primaryKeys.includes(name) && !options.sequenceFields.includes(name));
  return columns
    .flatMap(({ name }) => {
      const { aggregate, ignoreRetract } = options.field(name);
      return aggregate === undefined ? [] : [`${name}: ${aggregate}${ignoreRetract ? ", nothing taken back" : ""}`];
    })
    .join("; ");
}

function removals({ options, hasKey }: PaimonTable): string {
  if (!hasKey || options.ignoreDelete) return "";
  if (options.removeOnDelete) return "on delete";
  return options.removeOnSequenceGroup.length === 0 ? "" : `on delete by the sequence group of ${options.removeOnSequenceGroup.join(", ")}`;
}

async function readingFacts(table: PaimonTable, all: readonly DataFile[], files: readonly DataFile[]): Promise<readonly Fact[]> {
  const parts = partsOf(table, files, await keyTypesOf(table, files));
  const chunks = packed(parts).length;
  const merged = parts.filter((part) => part.mode === "merge").flatMap((part) => part.files);
  const vectors = [...(await table.vectors()).values()];
  const hidden = all.length - files.length;
  const deleted = vectors.reduce((sum, { cardinality }) => sum + (cardinality ?? 0), 0);
  return [
    { name: "files", value: `${files.length}, ${bytesOf(files)} bytes, ${rowsOf(files)} rows before merging and deletes` },
    ...(hidden === 0 ? [] : [{ name: "files left out", value: `${hidden}: level 0 or without a bucket, not part of a batch read` }]),
    ...(vectors.length === 0
      ? []
      : [{ name: "deletion vectors in files", value: `${vectors.length}${deleted > 0 ? `, ${deleted} rows` : ""}` }]),
    {
      name: "a backfill reads",
      value: `${files.length - merged.length} files as they are, ${merged.length} files (${bytesOf(merged)} bytes) merged by key, in ${chunks} ${chunks === 1 ? "chunk" : "chunks"}`,
    },
  ];
}

/** Newest first. */
const SHOWN = 50;

async function schemaHistory(table: PaimonTable): Promise<InspectionSection> {
  const schemas = await Promise.all((await table.schemas.ids()).slice(-SHOWN).map((id) => table.schemas.schema(id)));
  return {
    title: "Schemas",
    head: ["schema", "time", "columns", "changes"],
    rows: schemas
      .map(
        (schema, index) =>
          [
            schema.id,
            schema.time === undefined ? null : timeText(schema.time),
            schema.fields.length,
            changes(schemas[index - 1], schema),
          ] as const,
      )
      .reverse(),
  };
}

function changes(before: TableSchema | undefined, after: TableSchema): string {
  if (before === undefined) return "";
  const old = new Map(before.fields.map((field) => [field.id, field]));
  const left = new Set(after.fields.map((field) => field.id));
  const told = after.fields.flatMap((field) => {
    const known = old.get(field.id);
    const type = typeText(logicalType(field.type));
    if (known === undefined) return [`+ ${field.name} ${type}`];
    const was = typeText(logicalType(known.type));
    return [
      ...(known.name === field.name ? [] : [`${known.name} → ${field.name}`]),
      ...(was === type ? [] : [`${field.name}: ${was} → ${type}`]),
    ];
  });
  const dropped = before.fields.filter((field) => !left.has(field.id)).map((field) => `- ${field.name}`);
  return [...told, ...dropped].join(", ") || "options or order only";
}

async function snapshotList(table: PaimonTable): Promise<InspectionSection> {
  const { storage, found } = table;
  const ids = (await snapshotIds(storage, found.folder)).slice(-SHOWN).reverse();
  const snapshots = await Promise.all(ids.map((id) => readSnapshot(storage, `${found.folder}snapshot/snapshot-${id}`)));
  return {
    title: "Snapshots",
    head: ["snapshot", "time", "kind", "schema", "rows before merging"],
    rows: snapshots.map((snapshot) => [snapshot.id, timeText(snapshot.time), snapshot.kind, snapshot.schemaId, snapshot.totalRows ?? null]),
  };
}

async function tagList(table: PaimonTable): Promise<InspectionSection> {
  const list = (await tags(table.storage)).slice(0, SHOWN);
  return {
    title: "Tags",
    head: ["tag", "snapshot", "time", "schema"],
    rows: list.map(({ name, snapshot }) => [name, snapshot.id, timeText(snapshot.time), snapshot.schemaId]),
  };
}

async function branchList(table: PaimonTable): Promise<InspectionSection> {
  return { title: "Branches", head: ["branch"], rows: (await branches(table.storage)).slice(0, SHOWN).map((name) => [name]) };
}

function partitionList(table: PaimonTable, files: readonly DataFile[]): InspectionSection {
  const partitions = new Map<string, DataFile[]>();
  for (const file of files) {
    const { title } = table.partitions.of(file.partition, file.manifest);
    partitions.set(title, [...(partitions.get(title) ?? []), file]);
  }
  const rows = [...partitions].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    title: rows.length > SHOWN ? `Partitions (the first ${SHOWN} of ${rows.length})` : "Partitions",
    head: ["partition", "buckets", "files", "bytes", "rows before merging"],
    rows: rows.slice(0, SHOWN).map(([title, list]) => [title || "table", byBucket(list).size, list.length, bytesOf(list), rowsOf(list)]),
  };
}

function fileList(all: readonly DataFile[], files: readonly DataFile[]): InspectionSection {
  const shown = new Set(files);
  const groups = new Map<string, DataFile[]>();
  for (const file of all) {
    const format = file.name.slice(file.name.lastIndexOf(".") + 1);
    const key = JSON.stringify([format, file.level, shown.has(file) ? "yes" : "no"]);
    groups.set(key, [...(groups.get(key) ?? []), file]);
  }
  const rows = [...groups].map(([key, list]) => {
    const [format, level, read]: [string, number, string] = JSON.parse(key); // as written above
    return [format, level, list.length, bytesOf(list), rowsOf(list), list.reduce((sum, file) => sum + (file.deletedRows ?? 0), 0), read];
  });
  return { title: "Files", head: ["format", "level", "files", "bytes", "rows", "delete rows", "read"], rows };
}

function bytesOf(files: readonly DataFile[]): number {
  return files.reduce((sum, file) => sum + file.size, 0);
}

function rowsOf(files: readonly DataFile[]): number {
  return files.reduce((sum, file) => sum + file.rows, 0);
}

/** Milliseconds since the epoch as ISO text; a time that no calendar has stays a number. */
function timeText(milliseconds: number): string {
  const date = new Date(milliseconds);
  return Number.isNaN(date.getTime()) ? String(milliseconds) : date.toISOString();
}
