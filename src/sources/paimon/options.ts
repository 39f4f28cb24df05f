import type { TableSchema } from "./schema.js";

/*
 * Table options (Paimon, "Maintenance / Configurations"). Only those that decide which rows a batch read gives are
 * looked at; a key is known under its name and its older names.
 */

export type MergeEngine = "deduplicate" | "partial-update" | "aggregation" | "first-row";

export interface SequenceGroup {
  /** Fields whose values order the group's versions. */
  readonly sequence: readonly string[];
  readonly members: readonly string[];
}

export interface TableOptions {
  readonly mergeEngine: MergeEngine | undefined;
  readonly ignoreDelete: boolean;
  readonly sequenceFields: readonly string[];
  readonly sequenceDescending: boolean;
  readonly deletionVectors: boolean;
  /** Readers leave level 0 out: its rows are not yet reflected in deletion vectors, or might not be the first ones. */
  readonly skipLevel0: boolean;
  /** Compaction looked up older levels, so that a key's lowest level above 0 already holds what is below it. */
  readonly lookup: boolean;
  /** Columns of the same rows may lie in several files, the newest counts. */
  readonly dataEvolution: boolean;
  readonly removeOnDelete: boolean;
  readonly removeOnSequenceGroup: readonly string[];
  readonly sequenceGroups: readonly SequenceGroup[];
  readonly defaultPartition: string;
  readonly legacyPartitionNames: boolean;
  readonly pathDirectory: string | undefined;
  readonly indexBesideData: boolean;
  /** Files may be compressed with LZ4. */
  readonly lz4: boolean;
  /** BLOB columns that hold descriptions of where their values lie. */
  readonly blobDescriptors: readonly string[];
  readonly field: (name: string) => FieldOptions;
  readonly text: (key: string) => string | undefined;
}

export interface FieldOptions {
  readonly aggregate: string | undefined;
  readonly ignoreRetract: boolean;
  readonly distinct: boolean;
  readonly delimiter: string;
  readonly nestedKey: readonly string[];
  readonly countLimit: number | undefined;
  /** Of the rows in a map that merge_map_with_keytime merges. */
  readonly timeField: string | undefined;
}

const ENGINES: readonly string[] = ["deduplicate", "partial-update", "aggregation", "first-row"] satisfies MergeEngine[];
const GROUP = /^fields\.(.+)\.sequence-group$/;

export function tableOptions(schema: TableSchema): TableOptions {
  const text = (key: string): string | undefined => schema.options.get(key);
  const flag = (...keys: readonly string[]): boolean => keys.some((key) => text(key)?.trim().toLowerCase() === "true");
  const names = (key: string): readonly string[] => list(text(key));
  const engine = (text("merge-engine") ?? "deduplicate").trim().toLowerCase();
  const mergeEngine = isEngine(engine) ? engine : undefined;
  const deletionVectors = flag("deletion-vectors.enabled");
  const firstRow = mergeEngine === "first-row";
  return {
    mergeEngine,
    ignoreDelete: flag("ignore-delete", "first-row.ignore-delete", "deduplicate.ignore-delete", "partial-update.ignore-delete"),
    sequenceFields: names("sequence.field"),
    sequenceDescending: text("sequence.field.sort-order")?.trim().toLowerCase() === "descending",
    deletionVectors,
    skipLevel0: deletionVectors ? !flag("deletion-vectors.merge-on-read") : firstRow,
    lookup: firstRow || deletionVectors || flag("force-lookup") || text("changelog-producer")?.trim().toLowerCase() === "lookup",
    dataEvolution: flag("data-evolution.enabled"),
    removeOnDelete: flag(mergeEngine === "aggregation" ? "aggregation.remove-record-on-delete" : "partial-update.remove-record-on-delete"),
    removeOnSequenceGroup: names("partial-update.remove-record-on-sequence-group"),
    sequenceGroups: groups(schema),
    defaultPartition: text("partition.default-name") ?? "__DEFAULT_PARTITION__",
    legacyPartitionNames: text("partition.legacy-name")?.trim().toLowerCase() !== "false",
    pathDirectory: text("data-file.path-directory"),
    indexBesideData: flag("index-file-in-data-file-dir"),
    lz4: ["file.compression", "file.compression.per.level", "parquet.compression"].some((key) => /lz4/i.test(text(key) ?? "")),
    blobDescriptors: [...names("blob-descriptor-field"), ...names("blob.stored-descriptor-fields")],
    field: (name) => ({
      aggregate: (text(`fields.${name}.aggregate-function`) ?? text("fields.default-aggregate-function"))?.trim(),
      ignoreRetract: flag(`fields.${name}.ignore-retract`),
      distinct: flag(`fields.${name}.distinct`),
      delimiter: text(`fields.${name}.list-agg-delimiter`) ?? ",",
      nestedKey: names(`fields.${name}.nested-key`),
      countLimit: wholeNumber(text(`fields.${name}.count-limit`)),
      timeField: text(`fields.${name}.ts-field`),
    }),
    text,
  };
}

function groups(schema: TableSchema): readonly SequenceGroup[] {
  return [...schema.options].flatMap(([key, value]) => {
    const sequence = GROUP.exec(key)?.[1];
    return sequence === undefined ? [] : [{ sequence: list(sequence), members: list(value) }];
  });
}

function list(text: string | undefined): readonly string[] {
  return (text ?? "").split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
}

function isEngine(text: string): text is MergeEngine {
  return ENGINES.includes(text);
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,9}$/.test(text.trim()) ? Number(text) : undefined;
}

const KNOWN_TYPES: readonly string[] = ["table", "materialized-table", "format-table", "object-table", "iceberg-table"];

/** Options that change which rows a read gives and that dw does not follow: key, values that refuse, why. */
const refusals: readonly { readonly key: string; readonly refuse: (value: string) => boolean; readonly why: string }[] = [
  {
    key: "type",
    refuse: (value) => value === "format-table",
    why: "its files are plain ones; read them with parquet:, orc:, csv: or jsonl:",
  },
  { key: "type", refuse: (value) => value === "object-table", why: "it lists the files of a folder, which have to be copied as they are" },
  { key: "type", refuse: (value) => value === "iceberg-table", why: "it is an Iceberg table; read it with iceberg:" },
  { key: "type", refuse: (value) => !KNOWN_TYPES.includes(value), why: "it is no table of Paimon's own file layout" },
  { key: "pk-clustering-override", refuse: isTrue, why: "its files are ordered by other fields than the key" },
  { key: "sequence.snapshot-ordering", refuse: isTrue, why: "versions of a key are ordered by the snapshot that committed them" },
  { key: "postpone.merge-on-read", refuse: isTrue, why: "rows without a bucket yet are part of every read" },
];

/** Why a branch of a table with these options is refused whole; empty when it can be read. */
export function refusedOptions(schema: TableSchema, options: TableOptions): readonly string[] {
  const refused = refusals.flatMap(({ key, refuse, why }) => {
    const value = options.text(key)?.trim().toLowerCase();
    return value !== undefined && refuse(value) ? [`option ${key}=${value}: ${why}`] : [];
  });
  if (schema.primaryKeys.length > 0 && options.mergeEngine === undefined) {
    refused.push(`option merge-engine=${options.text("merge-engine") ?? ""}: dw does not know this merge engine`);
  }
  return refused;
}

/**
 * The branches of a chain table that hold its whole partitions and what changed since. Each of the two is a plain table, and
 * so is one that does not name both.
 */
export function chainBranches({ text }: TableOptions, branch: string): { readonly whole: string; readonly changes: string } | undefined {
  const whole = text("scan.fallback-snapshot-branch")?.trim();
  const changes = text("scan.fallback-delta-branch")?.trim();
  if (!isTrue(text("chain-table.enabled")?.trim().toLowerCase() ?? "") || whole === undefined || changes === undefined) return undefined;
  return [whole, changes].some((name) => name.toLowerCase() === branch.toLowerCase()) ? undefined : { whole, changes };
}

const WHOLE_TABLE: readonly (string | undefined)[] = [undefined, "default", "latest-full", "full", "latest"];
const STARTS = [
  ...["scan.timestamp-millis", "log.scan.timestamp-millis", "scan.timestamp", "scan.snapshot-id", "scan.tag-name", "scan.watermark"],
  ...[
    "scan.version",
    "scan.file-creation-time-millis",
    "scan.creation-time-millis",
    "incremental-between",
    "incremental-between-timestamp",
  ],
];

/**
 * Which state a read gives when none is asked for (StartupMode of the reference reader): the newest, or the one that was
 * compacted last. `refused` says why it would be neither.
 */
export function startingState({ text }: TableOptions): { readonly compacted: boolean; readonly refused: readonly string[] } {
  const mode = (text("scan.mode") ?? text("log.scan"))?.trim().toLowerCase();
  if (mode === "compacted-full") return { compacted: true, refused: [] };
  const older = "a read of the table gives another state than its newest; choose one with --snapshot, --ref or --as-of";
  if (!WHOLE_TABLE.includes(mode)) return { compacted: false, refused: [`option scan.mode=${mode}: ${older}`] };
  const start = mode === undefined || mode === "default" ? STARTS.find((key) => text(key) !== undefined) : undefined;
  return { compacted: false, refused: start === undefined ? [] : [`option ${start}=${text(start)}: ${older}`] };
}

function isTrue(value: string): boolean {
  return value === "true";
}
