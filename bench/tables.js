import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import avsc from "avsc";

/* Small writers of the two table formats, for benchmarks only: metadata around Parquet files that DuckDB has written. */

/** An Avro object container file of rows; the schema's attributes (field-id) are kept in its header. */
export function avro(path, schema, rows) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    const encoder = new avsc.streams.BlockEncoder(schema, { codec: "deflate", blockSize: 1 << 16 });
    encoder.on("data", (chunk) => chunks.push(chunk));
    encoder.on("error", reject);
    encoder.on("end", () => {
      writeFileSync(path, Buffer.concat(chunks));
      resolve(statSync(path).size);
    });
    for (const row of rows) encoder.write(row);
    encoder.end();
  });
}

const field = (name, type, id) => ({ name, type, "field-id": id });
const record = (name, fields) => ({ type: "record", name, fields });
const pairs = (name, value, [key, member]) => ({
  type: "array",
  logicalType: "map",
  items: record(name, [field("key", "int", key), field("value", value, member)]),
});

const manifestEntry = record("manifest_entry", [
  field("status", "int", 0),
  field("snapshot_id", ["null", "long"], 1),
  field("sequence_number", ["null", "long"], 3),
  field("file_sequence_number", ["null", "long"], 4),
  field(
    "data_file",
    record("r2", [
      field("content", "int", 134),
      field("file_path", "string", 100),
      field("file_format", "string", 101),
      field("partition", record("r102", []), 102),
      field("record_count", "long", 103),
      field("file_size_in_bytes", "long", 104),
      field("column_sizes", ["null", pairs("k117_v118", "long", [117, 118])], 108),
      field("value_counts", ["null", pairs("k119_v120", "long", [119, 120])], 109),
      field("null_value_counts", ["null", pairs("k121_v122", "long", [121, 122])], 110),
      field("lower_bounds", ["null", pairs("k126_v127", "bytes", [126, 127])], 125),
      field("upper_bounds", ["null", pairs("k129_v130", "bytes", [129, 130])], 128),
    ]),
    2,
  ),
]);

const manifestFile = record("manifest_file", [
  field("manifest_path", "string", 500),
  field("manifest_length", "long", 501),
  field("partition_spec_id", "int", 502),
  field("content", "int", 517),
  field("sequence_number", "long", 515),
  field("min_sequence_number", "long", 516),
  field("added_snapshot_id", "long", 503),
  field("added_files_count", "int", 504),
  field("existing_files_count", "int", 505),
  field("deleted_files_count", "int", 506),
  field("added_rows_count", "long", 512),
  field("existing_rows_count", "long", 513),
  field("deleted_rows_count", "long", 514),
]);

const SNAPSHOT = 1_000_001;

/**
 * An unpartitioned v2 table around `files` ({ path, rows, size, bounds: { id: [low, high] } }), whose Parquet columns have
 * no field ids: a name mapping matches them. `columns` is [[name, Iceberg type], …]. Answers the metadata file.
 */
export async function icebergTable(folder, columns, files, filesPerManifest = 1000) {
  const metadata = join(folder, "metadata");
  mkdirSync(metadata, { recursive: true });
  const manifests = [];
  for (let at = 0; at < files.length; at += filesPerManifest) {
    const part = files.slice(at, at + filesPerManifest);
    const path = join(metadata, `m${manifests.length}.avro`);
    const length = await avro(path, manifestEntry, part.map(entryOf));
    const rows = part.reduce((sum, file) => sum + file.rows, 0);
    manifests.push(manifestRow(path, length, part.length, rows));
  }
  const list = join(metadata, "snap-1.avro");
  await avro(list, manifestFile, manifests);
  const fields = columns.map(([name, type], index) => ({ id: index + 1, name, required: false, type }));
  const path = join(metadata, "v1.metadata.json");
  writeFileSync(path, JSON.stringify(tableMetadata(folder, fields, list)));
  return path;
}

function entryOf({ path, rows, size, bounds }) {
  const ids = Object.keys(bounds).map(Number);
  const each = (value) => ids.map((key) => ({ key, value: value(key) }));
  const data_file = {
    content: 0,
    file_path: path,
    file_format: "PARQUET",
    partition: {},
    record_count: rows,
    file_size_in_bytes: size,
    column_sizes: each(() => Math.floor(size / ids.length)),
    value_counts: each(() => rows),
    null_value_counts: each(() => 0),
    lower_bounds: each((id) => bounds[id][0]),
    upper_bounds: each((id) => bounds[id][1]),
  };
  return { status: 1, snapshot_id: SNAPSHOT, sequence_number: 1, file_sequence_number: 1, data_file };
}

function manifestRow(path, length, files, rows) {
  return {
    manifest_path: path,
    manifest_length: length,
    partition_spec_id: 0,
    content: 0,
    sequence_number: 1,
    min_sequence_number: 1,
    added_snapshot_id: SNAPSHOT,
    added_files_count: files,
    existing_files_count: 0,
    deleted_files_count: 0,
    added_rows_count: rows,
    existing_rows_count: 0,
    deleted_rows_count: 0,
  };
}

function tableMetadata(folder, fields, list) {
  const mapping = fields.map(({ id, name }) => ({ "field-id": id, names: [name] }));
  return {
    "format-version": 2,
    "table-uuid": "6f2ad3a6-0d5a-4d5c-9b0e-1d6f3a0c7b11",
    location: folder,
    "last-sequence-number": 1,
    "last-updated-ms": 1_700_000_000_000,
    "last-column-id": fields.length,
    "current-schema-id": 0,
    schemas: [{ type: "struct", "schema-id": 0, fields }],
    "default-spec-id": 0,
    "partition-specs": [{ "spec-id": 0, fields: [] }],
    "last-partition-id": 999,
    "default-sort-order-id": 0,
    "sort-orders": [{ "order-id": 0, fields: [] }],
    properties: { "schema.name-mapping.default": JSON.stringify(mapping) },
    "current-snapshot-id": SNAPSHOT,
    refs: { main: { "snapshot-id": SNAPSHOT, type: "branch" } },
    snapshots: [
      {
        "snapshot-id": SNAPSHOT,
        "sequence-number": 1,
        "timestamp-ms": 1_700_000_000_000,
        "manifest-list": list,
        summary: { operation: "append" },
        "schema-id": 0,
      },
    ],
    "snapshot-log": [],
    "metadata-log": [],
  };
}

/** A bigint or a double as Iceberg and Paimon keep it in bounds. */
export function longBytes(value) {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(BigInt(value));
  return bytes;
}

const statistics = (name) =>
  record(name, [
    { name: "_MIN_VALUES", type: "bytes" },
    { name: "_MAX_VALUES", type: "bytes" },
    { name: "_NULL_COUNTS", type: ["null", { type: "array", items: ["null", "long"] }] },
  ]);

const typed = (fields) => Object.entries(fields).map(([name, type]) => ({ name, type }));

const paimonManifest = record(
  "manifest",
  typed({
    _VERSION: "int",
    _KIND: "int",
    _PARTITION: "bytes",
    _BUCKET: "int",
    _TOTAL_BUCKETS: "int",
    _FILE: record(
      "file",
      typed({
        _FILE_NAME: "string",
        _FILE_SIZE: "long",
        _ROW_COUNT: "long",
        _MIN_KEY: "bytes",
        _MAX_KEY: "bytes",
        _KEY_STATS: statistics("key_stats"),
        _VALUE_STATS: statistics("value_stats"),
        _MIN_SEQUENCE_NUMBER: "long",
        _MAX_SEQUENCE_NUMBER: "long",
        _SCHEMA_ID: "long",
        _LEVEL: "int",
        _EXTRA_FILES: { type: "array", items: "string" },
        _DELETE_ROW_COUNT: ["null", "long"],
      }),
    ),
  }),
);

const paimonList = record("list", [
  { name: "_VERSION", type: "int" },
  { name: "_FILE_NAME", type: "string" },
  { name: "_FILE_SIZE", type: "long" },
  { name: "_NUM_ADDED_FILES", type: "long" },
  { name: "_NUM_DELETED_FILES", type: "long" },
  { name: "_PARTITION_STATS", type: statistics("partition_stats") },
  { name: "_SCHEMA_ID", type: "long" },
]);

/** A serialised BinaryRow without a field, and one of a BIGINT. */
const emptyRow = Buffer.alloc(12);
const longRow = (value) => Buffer.concat([Buffer.from([0, 0, 0, 1]), Buffer.alloc(8), longBytes(value)]);
const noStatistics = { _MIN_VALUES: emptyRow, _MAX_VALUES: emptyRow, _NULL_COUNTS: [] };

/**
 * A primary-key table of `fields` ([{ name, type }], the first is the key, a BIGINT) around `files`
 * ({ bucket, name, size, rows, keys: [low, high], sequences: [low, high], level }), which lie in bucket-N/.
 */
export async function paimonTable(folder, fields, buckets, files) {
  for (const name of ["manifest", "schema", "snapshot"]) mkdirSync(join(folder, name), { recursive: true });
  const entries = files.map(({ bucket, name, size, rows, keys, sequences, level }) => ({
    _VERSION: 2,
    _KIND: 0,
    _PARTITION: emptyRow,
    _BUCKET: bucket,
    _TOTAL_BUCKETS: buckets,
    _FILE: {
      _FILE_NAME: name,
      _FILE_SIZE: size,
      _ROW_COUNT: rows,
      _MIN_KEY: longRow(keys[0]),
      _MAX_KEY: longRow(keys[1]),
      _KEY_STATS: { _MIN_VALUES: longRow(keys[0]), _MAX_VALUES: longRow(keys[1]), _NULL_COUNTS: [0] },
      _VALUE_STATS: noStatistics,
      _MIN_SEQUENCE_NUMBER: sequences[0],
      _MAX_SEQUENCE_NUMBER: sequences[1],
      _SCHEMA_ID: 0,
      _LEVEL: level,
      _EXTRA_FILES: [],
      _DELETE_ROW_COUNT: 0,
    },
  }));
  // What is compacted is the snapshot's base, what came last its delta.
  for (const [list, part] of [
    entries.filter(({ _FILE }) => _FILE._LEVEL > 0),
    entries.filter(({ _FILE }) => _FILE._LEVEL === 0),
  ].entries()) {
    const name = `manifest-${list}`;
    const size = await avro(join(folder, "manifest", name), paimonManifest, part);
    const row = {
      _VERSION: 2,
      _FILE_NAME: name,
      _FILE_SIZE: size,
      _NUM_ADDED_FILES: part.length,
      _NUM_DELETED_FILES: 0,
      _PARTITION_STATS: noStatistics,
      _SCHEMA_ID: 0,
    };
    await avro(join(folder, `manifest/manifest-list-${list}`), paimonList, [row]);
  }
  const schema = {
    version: 3,
    id: 0,
    fields: fields.map(({ name, type }, id) => ({ id, name, type })),
    highestFieldId: fields.length - 1,
    partitionKeys: [],
    primaryKeys: [fields[0].name],
    options: { bucket: String(buckets), "file.format": "parquet" },
    timeMillis: 1_700_000_000_000,
  };
  writeFileSync(join(folder, "schema/schema-0"), JSON.stringify(schema));
  const total = files.reduce((sum, { rows }) => sum + rows, 0);
  const snapshot = {
    version: 3,
    id: 1,
    schemaId: 0,
    baseManifestList: "manifest-list-0",
    deltaManifestList: "manifest-list-1",
    commitUser: "bench",
    commitIdentifier: 1,
    commitKind: "APPEND",
    timeMillis: 1_700_000_000_000,
    totalRecordCount: total,
    deltaRecordCount: total,
  };
  writeFileSync(join(folder, "snapshot/snapshot-1"), JSON.stringify(snapshot));
  writeFileSync(join(folder, "snapshot/LATEST"), "1");
  writeFileSync(join(folder, "snapshot/EARLIEST"), "1");
}
