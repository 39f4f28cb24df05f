import type { Inspection, InspectionSection } from "../../core/source.js";
import { typeText } from "../../core/types.js";
import { type BranchFiles, filesOf } from "./fallback.js";
import type { DataFile } from "./manifests.js";
import { chainBranches } from "./options.js";
import { byBucket, packed, partsOf } from "./parts.js";
import { keyTypesOf, refusedFunctions, sourceColumn } from "./plan.js";
import type { TableSchema } from "./schema.js";
import { branches, readSnapshot, snapshotIds, tags } from "./snapshots.js";
import { type PaimonTable, refusedChanges, refusedColumns, refusedDefaults, refusedFiles } from "./table.js";
import { logicalType } from "./types.js";

/** What `dw inspect` tells of a table; reads metadata only. Lists are cut at a length that people read. */
export async function inspect(table: PaimonTable, branches: readonly PaimonTable[]): Promise<Inspection> {
  const read = await filesOf(branches);
  const refused = (await Promise.all(read.map(refusals))).flat();
  return {
    format: "paimon",
    location: table.storage.root,
    facts: [...facts(table), ...(await readingFacts(read))],
    columns: table.schema.fields.map(sourceColumn),
    sections: [
      await schemaHistory(table),
      await snapshotList(table),
      await tagList(table),
      await branchList(table),
      partitionList(read),
      fileList(read),
    ].filter((section) => section.rows.length > 0),
    refused: [...new Set(refused)],
  };
}

async function refusals({ table, files }: BranchFiles): Promise<readonly string[]> {
  const { fields } = table.schema;
  return [
    ...table.refused,
    ...refusedColumns(table, fields),
    ...refusedDefaults(table, fields, files),
    ...(await refusedChanges(table, fields, files)),
    ...(partsOf(table, files, await keyTypesOf(table, files)).some(({ mode }) => mode === "merge") ? refusedFunctions(table) : []),
    ...(await refusedFiles(table, files)),
  ];
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
    ...fact("chain", chainText(table)),
    ...fact("schema", String(schema.id)),
    ...fact("snapshot", snapshot === undefined ? "none" : `${snapshot.id} (${snapshot.kind}, ${timeText(snapshot.time)})`),
    ...fact("comment", schema.comment),
  ];
}

function chainText({ options, found }: PaimonTable): string {
  const names = chainBranches(options, found.branch);
  return names === undefined ? "" : `the branch ${names.whole} has whole partitions, the branch ${names.changes} what changed since`;
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

async function readingFacts(read: readonly BranchFiles[]): Promise<readonly Fact[]> {
  const parts = await Promise.all(read.map(async ({ table, files }) => partsOf(table, files, await keyTypesOf(table, files))));
  const chunks = parts.reduce((sum, some) => sum + packed(some).length, 0);
  const merged = parts.flatMap((some) => some.filter((part) => part.mode === "merge").flatMap((part) => part.files));
  const vectors = (await Promise.all(read.map(async ({ table }) => [...(await table.vectors()).values()]))).flat();
  const files = read.flatMap((branch) => branch.files);
  const hidden = read.reduce((sum, branch) => sum + branch.all.length, 0) - files.length;
  const deleted = vectors.reduce((sum, { cardinality }) => sum + (cardinality ?? 0), 0);
  return [
    { name: "files", value: `${files.length}, ${bytesOf(files)} bytes, ${rowsOf(files)} rows before merging and deletes` },
    ...(hidden === 0 ? [] : [{ name: "files left out", value: `${hidden}: level 0 or without a bucket, not part of a batch read` }]),
    ...(vectors.length === 0
      ? []
      : [{ name: "deletion vectors in files", value: `${vectors.length}${deleted > 0 ? `, ${deleted} rows` : ""}` }]),
    {
      name: "a backfill reads",
      value: `${readText(files.length - merged.length, merged, vectors.length > 0)}, in ${counted(chunks, "chunk")}`,
    },
  ];
}

function readText(whole: number, merged: readonly DataFile[], less: boolean): string {
  const kinds = [
    ...(whole > 0 ? [`${counted(whole, "file")} as ${whole === 1 ? "it is" : "they are"}`] : []),
    ...(merged.length > 0 ? [`${counted(merged.length, "file")} (${bytesOf(merged)} bytes) merged by key`] : []),
  ];
  return `${kinds.join(", ") || "nothing"}${less ? ", all without the rows that deletion vectors name" : ""}`;
}

function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? "" : "s"}`;
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
  const known = [...told, ...dropped];
  const options = [...new Set([...before.options.keys(), ...after.options.keys()])].filter(
    (key) => before.options.get(key) !== after.options.get(key),
  );
  // Names alone: a value may be a key to somewhere.
  if (options.length > 0) known.push(`${options.length === 1 ? "option" : "options"} ${options.sort().join(", ")}`);
  return known.join(", ") || "order or comments only";
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

function partitionList(read: readonly BranchFiles[]): InspectionSection {
  const partitions = new Map<string, DataFile[]>();
  for (const { table, files } of read) {
    for (const file of files) {
      const title = table.partitions.of(file.partition, file.manifest).title;
      const known = partitions.get(title);
      if (known === undefined) partitions.set(title, [file]);
      else known.push(file);
    }
  }
  const rows = [...partitions].sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    title: rows.length > SHOWN ? `Partitions (the first ${SHOWN} of ${rows.length})` : "Partitions",
    head: ["partition", "buckets", "files", "bytes", "rows before merging"],
    rows: rows.slice(0, SHOWN).map(([title, list]) => [title || "table", byBucket(list).size, list.length, bytesOf(list), rowsOf(list)]),
  };
}

function fileList(read: readonly BranchFiles[]): InspectionSection {
  const shown = new Set(read.flatMap(({ files }) => files));
  const groups = new Map<string, DataFile[]>();
  for (const file of read.flatMap(({ all }) => all)) {
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
