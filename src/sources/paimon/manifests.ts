import type { Storage } from "../../core/storage.js";
import { type Members, members } from "./avro-members.js";
import { damaged, outside } from "./letters.js";
import { type ManifestReader, manifestReader } from "./manifest-rows.js";
import { isPlainName } from "./metadata.js";
import type { Snapshot } from "./snapshots.js";

/** Columns' smallest and largest values and null counts; rows are serialised BinaryRows. */
export interface SimpleStats {
  readonly min: Uint8Array;
  readonly max: Uint8Array;
  readonly nulls: readonly (number | null)[];
}

/** A live data file: an ADD entry that no DELETE entry takes back (Paimon, "Specification / Manifest"). */
export interface DataFile {
  /** A serialised BinaryRow of the partition's values. */
  readonly partition: Uint8Array;
  readonly bucket: number;
  readonly name: string;
  readonly size: number;
  readonly rows: number;
  readonly minKey: Uint8Array;
  readonly maxKey: Uint8Array;
  readonly keyStats: SimpleStats | undefined;
  readonly valueStats: SimpleStats | undefined;
  /** The columns that valueStats are of; absent: all of the file's schema. */
  readonly valueStatsColumns: readonly string[] | undefined;
  readonly minSequence: bigint;
  readonly maxSequence: bigint;
  readonly schemaId: number;
  readonly level: number;
  /** Absent: unknown (written before 0.7). */
  readonly deletedRows: number | undefined;
  readonly externalPath: string | undefined;
  /** Only some of the schema's columns were written (data evolution). */
  readonly writtenColumns: readonly string[] | undefined;
  /** By a release before 1.3, as far as the manifest tells. */
  readonly early: boolean;
  /** Of row tracking: the number of its first row in the table. */
  readonly firstRowId: number | undefined;
  /** How many buckets its partition had when it was written. */
  readonly totalBuckets: number | undefined;
  /** The partition in whose folder it lies, where its rows are read as another's (chain tables). */
  readonly stored?: Uint8Array;
  /** The branch whose schemas it was written with, where it is not the table's own (chain tables). */
  readonly branch?: string;
  /** The manifest that says so, for messages. */
  readonly manifest: string;
}

/** The same for files of one schema. */
export function writtenWith({ branch, schemaId }: DataFile): string {
  return branch === undefined ? String(schemaId) : `${branch} ${schemaId}`;
}

const ADD = 0;
const DELETE = 1;

/** The live files of a snapshot, in the order in which they were added. */
export async function liveFiles(storage: Storage, snapshot: Snapshot): Promise<readonly DataFile[]> {
  const reader = manifestReader(storage);
  try {
    const manifests = [
      ...(await manifestNames(reader, snapshot.baseManifestList)),
      ...(await manifestNames(reader, snapshot.deltaManifestList)),
    ];
    const added = new Map<string, DataFile>();
    const deleted = new Set<string>();
    for (const manifest of manifests) {
      for (const { kind, identity, file } of await entries(reader, manifest)) {
        if (kind === DELETE) deleted.add(identity);
        else added.set(identity, file);
      }
    }
    return [...added].flatMap(([identity, file]) => (deleted.has(identity) ? [] : [file]));
  } finally {
    await reader.close();
  }
}

async function manifestNames(reader: ManifestReader, list: string): Promise<readonly string[]> {
  const file = `manifest/${list}`;
  const rows = await reader.rows(file, (field) => field === "_FILE_NAME");
  return rows.map((row) => `manifest/${plain(members(row, file).text("_FILE_NAME"))}`);
}

interface Entry {
  readonly kind: number;
  readonly identity: string;
  readonly file: DataFile;
}

async function entries(reader: ManifestReader, manifest: string): Promise<readonly Entry[]> {
  const rows = await reader.rows(manifest);
  return rows.map((row) => entry(members(row, manifest), manifest));
}

function entry(row: Members, manifest: string): Entry {
  const kind = row.integer("_KIND");
  if (kind !== ADD && kind !== DELETE) throw damaged(manifest, `An entry has the kind ${kind}, which is neither ADD nor DELETE.`);
  const meta = row.members("_FILE");
  const file = dataFile(row, meta, manifest);
  // The full identifier: a file that compaction moves to another level keeps its name.
  const identity = [
    Buffer.from(file.partition).toString("base64"),
    file.bucket,
    file.level,
    JSON.stringify([file.name, meta.optionalTexts("_EXTRA_FILES") ?? [], file.externalPath ?? null]),
    Buffer.from(meta.optionalBytes("_EMBEDDED_FILE_INDEX") ?? []).toString("base64"),
  ].join("|");
  return { kind, identity, file };
}

function dataFile(row: Members, meta: Members, manifest: string): DataFile {
  const counts = { size: meta.integer("_FILE_SIZE"), rows: meta.integer("_ROW_COUNT"), level: meta.integer("_LEVEL") };
  if (counts.size < 0 || counts.rows < 0 || counts.level < 0) throw damaged(manifest, "A file has a negative size, row count or level.");
  return {
    ...counts,
    partition: row.bytes("_PARTITION"),
    bucket: row.integer("_BUCKET"),
    name: plain(meta.text("_FILE_NAME")),
    minKey: meta.bytes("_MIN_KEY"),
    maxKey: meta.bytes("_MAX_KEY"),
    keyStats: stats(meta.optionalMembers("_KEY_STATS")),
    valueStats: stats(meta.optionalMembers("_VALUE_STATS")),
    valueStatsColumns: meta.optionalTexts("_VALUE_STATS_COLS"),
    minSequence: meta.long("_MIN_SEQUENCE_NUMBER"),
    maxSequence: meta.long("_MAX_SEQUENCE_NUMBER"),
    schemaId: meta.integer("_SCHEMA_ID"),
    deletedRows: meta.optionalInteger("_DELETE_ROW_COUNT"),
    externalPath: meta.optionalText("_EXTERNAL_PATH"),
    writtenColumns: meta.optionalTexts("_WRITE_COLS"),
    early: !meta.has("_WRITE_COLS"),
    firstRowId: meta.optionalInteger("_FIRST_ROW_ID"),
    totalBuckets: row.optionalInteger("_TOTAL_BUCKETS"),
    manifest,
  };
}

function stats(row: Members | undefined): SimpleStats | undefined {
  if (row === undefined) return undefined;
  const nulls = (row.optionalList("_NULL_COUNTS") ?? []).map((count) =>
    typeof count === "bigint" ? Number(count) : typeof count === "number" ? count : null,
  );
  return { min: row.bytes("_MIN_VALUES"), max: row.bytes("_MAX_VALUES"), nulls };
}

export function plain(name: string): string {
  if (!isPlainName(name)) throw outside(name, "Copy the table again from where it was exported.");
  return name;
}
