import { isJsonObject, type Json, type JsonObject } from "../../core/json.js";
import type { ColumnBody, FormatBody, PartitionColumn, ReferenceBody, SortColumn, TableBody } from "./body.js";
import { typeText } from "./type-text.js";

/*
 * What `DESCRIBE EXTENDED` says of a table when `hive.ddl.output.format` is json: the metastore's own record (Table of
 * hive_metastore.thrift), and its constraints. Nothing has to be read back from printed SQL.
 */

export interface Described {
  readonly type: "table" | "view" | "materialized-view";
  readonly table: TableBody["table"];
  readonly columns: readonly ColumnBody[];
  readonly partitions: readonly PartitionColumn[];
  readonly clusteredBy: readonly string[];
  readonly sortedBy: readonly SortColumn[];
  readonly buckets: number;
  readonly skewed?: NonNullable<TableBody["skewed"]>;
  /** Undefined where the classes are none that `STORED AS` names. */
  readonly format: FormatBody | undefined;
  readonly location: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly notNull: TableBody["notNull"];
  readonly key: readonly string[];
  readonly references: readonly ReferenceBody[];
  readonly comment: string;
  /** As it was written; only of views. */
  readonly query: string;
  readonly rewrite: boolean;
}

export function described(text: string): Described {
  const all = objectOf(JSON.parse(text) as Json); // Hive's own JSON
  const info = objectAt(all, "tableInfo");
  const storage = objectAt(info, "sd");
  const parameters = textsAt(info, "parameters");
  const constraints = constraintsOf(all);
  const skewed = skewedOf(storage);
  return {
    type: TYPES[textAt(info, "tableType")] ?? "table",
    table: kindOf(textAt(info, "tableType"), parameters),
    columns: listAt(storage, "cols").map((column) => columnOf(column, constraints)),
    partitions: listAt(info, "partitionKeys").map(plainColumn),
    clusteredBy: namesAt(storage, "bucketCols"),
    sortedBy: listAt(storage, "sortCols").map((sort) => ({ column: textAt(sort, "col"), order: sort.order === 0 ? "desc" : "asc" })),
    buckets: Number(storage.numBuckets ?? -1),
    ...(skewed && { skewed }),
    format: formatOf(storage, parameters),
    location: textAt(storage, "location"),
    properties: stated(parameters),
    notNull: constraints.notNull,
    key: constraints.key,
    references: constraints.references,
    comment: parameters.comment ?? "",
    query: textAt(info, "viewOriginalText"),
    rewrite: info.rewriteEnabled === true,
  };
}

const TYPES: Readonly<Record<string, Described["type"]>> = { VIRTUAL_VIEW: "view", MATERIALIZED_VIEW: "materialized-view" };

/** Hive 4 makes a managed table without transactions an external one whose files go with it, and notes that it did. */
function kindOf(type: string, parameters: Readonly<Record<string, string>>): TableBody["table"] {
  if (isTrue(parameters.transactional)) return "transactional";
  return type === "EXTERNAL_TABLE" && !isTrue(parameters.TRANSLATED_TO_EXTERNAL) ? "external" : "managed";
}

function isTrue(value: string | undefined): boolean {
  return value?.toLowerCase() === "true";
}

/** What the metastore and statistics keep for themselves. */
const BOOKKEEPING = new Set([
  ...["bucketing_version", "comment", "COLUMN_STATS_ACCURATE", "EXTERNAL", "last_modified_by", "last_modified_time", "numFiles"],
  ...["numFilesErasureCoded", "numPartitions", "numRows", "rawDataSize", "storage_handler", "totalSize", "transient_lastDdlTime"],
  ...["OBJCAPABILITIES", "SORTBUCKETCOLSPREFIX", "TRANSLATED_TO_EXTERNAL"],
]);

function stated(parameters: Readonly<Record<string, string>>): Record<string, string> {
  const translated = isTrue(parameters.TRANSLATED_TO_EXTERNAL);
  const own = (name: string): boolean => BOOKKEEPING.has(name) || (translated && name === "external.table.purge");
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => !own(name)));
}

interface Constraints {
  readonly notNull: TableBody["notNull"];
  readonly notNullColumns: ReadonlySet<string>;
  readonly defaults: ReadonlyMap<string, string>;
  readonly key: readonly string[];
  readonly references: readonly ReferenceBody[];
}

function constraintsOf(all: JsonObject): Constraints {
  const notNull = objectAt(all, "notNullConstraintInfo");
  const kinds = Object.values(objectAt(notNull, "enableValidateRely")).map((words) => (Array.isArray(words) ? String(words[0]) : ""));
  return {
    notNull: kinds.length === 0 ? "none" : kinds.includes("ENABLE") ? "enforce" : "rely",
    notNullColumns: new Set(Object.values(textsAt(notNull, "notNullConstraints"))),
    defaults: new Map(Object.entries(textsAt(objectAt(all, "defaultConstraintInfo"), "colNameToDefaultValueMap"))),
    key: numbered(objectAt(objectAt(all, "primaryKeyInfo"), "colNames")),
    references: referencesOf(objectAt(all, "foreignKeyInfo")),
  };
}

/** `{"1": "a", "2": "b"}` in the order of the numbers. */
function numbered(columns: JsonObject): string[] {
  return Object.entries(columns)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, name]) => String(name));
}

function referencesOf(info: JsonObject): ReferenceBody[] {
  return Object.values(objectAt(info, "foreignKeys")).map((parts) => {
    const columns = (Array.isArray(parts) ? (parts as readonly Json[]) : [])
      .map(objectOf)
      .sort((a, b) => Number(a.position) - Number(b.position));
    const [first = {}] = columns;
    return {
      columns: columns.map((part) => textAt(part, "childColName")),
      table: [textAt(first, "parentDatabaseName"), textAt(first, "parentTableName")],
      to: columns.map((part) => textAt(part, "parentColName")),
    };
  });
}

function plainColumn(column: JsonObject): PartitionColumn {
  return { name: textAt(column, "name"), type: typeText(textAt(column, "type")), comment: textAt(column, "comment") };
}

function columnOf(column: JsonObject, { notNullColumns, defaults }: Constraints): ColumnBody {
  const plain = plainColumn(column);
  const value = defaults.get(plain.name);
  return { ...plain, nullable: !notNullColumns.has(plain.name), ...(value !== undefined && { default: value }) };
}

function skewedOf(storage: JsonObject): Described["skewed"] {
  const info = objectAt(storage, "skewedInfo");
  const columns = namesAt(info, "skewedColNames");
  if (columns.length === 0) return undefined;
  const values = Array.isArray(info.skewedColValues) ? (info.skewedColValues as readonly Json[]) : [];
  const tuples = values.map((tuple) => (Array.isArray(tuple) ? tuple.map(String) : []));
  return { columns, values: tuples, asDirectories: storage.storedAsSubDirectories === true };
}

interface Classes {
  readonly input: string;
  readonly serde: string;
}

const ORC = "org.apache.hadoop.hive.ql.io.orc";
const LAZY = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe";

/** What `STORED AS` stands for: the input format, and the SerDe that comes with it. */
const FORMATS: Readonly<Record<string, Classes>> = {
  TEXTFILE: { input: "org.apache.hadoop.mapred.TextInputFormat", serde: LAZY },
  JSONFILE: { input: "org.apache.hadoop.mapred.TextInputFormat", serde: "org.apache.hadoop.hive.serde2.JsonSerDe" },
  SEQUENCEFILE: { input: "org.apache.hadoop.mapred.SequenceFileInputFormat", serde: LAZY },
  RCFILE: {
    input: "org.apache.hadoop.hive.ql.io.RCFileInputFormat",
    serde: "org.apache.hadoop.hive.serde2.columnar.LazyBinaryColumnarSerDe",
  },
  ORC: { input: `${ORC}.OrcInputFormat`, serde: `${ORC}.OrcSerde` },
  PARQUET: {
    input: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    serde: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
  },
  AVRO: {
    input: "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat",
    serde: "org.apache.hadoop.hive.serde2.avro.AvroSerDe",
  },
};

const ICEBERG = "org.apache.iceberg.mr.hive.HiveIcebergStorageHandler";

/** How Hive calls the parts of `ROW FORMAT DELIMITED`; before 4.0 it misspells one. */
const DELIMITERS: readonly (readonly [part: string, ...parameters: string[]])[] = [
  ["fields", "field.delim"],
  ["escape", "escape.delim"],
  ["items", "collection.delim", "colelction.delim"],
  ["mapKeys", "mapkey.delim"],
  ["nullAs", "serialization.null.format"],
];

function formatOf(storage: JsonObject, parameters: Readonly<Record<string, string>>): FormatBody | undefined {
  const handler = parameters.storage_handler;
  const serdeInfo = objectAt(storage, "serdeInfo");
  const [serde, settings] = [textAt(serdeInfo, "serializationLib"), textsAt(serdeInfo, "parameters")];
  if (handler !== undefined) {
    const storedAs = handler === ICEBERG ? parameters["write.format.default"]?.toUpperCase() : undefined;
    return {
      ...(storedAs !== undefined && { storedAs }),
      storedBy: handler === ICEBERG ? "ICEBERG" : handler,
      serdeProperties: {},
      delimited: {},
    };
  }
  const input = textAt(storage, "inputFormat");
  const same = Object.entries(FORMATS).filter(([, classes]) => classes.input === input);
  const [storedAs] = same.find(([, classes]) => classes.serde === serde) ?? same[0] ?? [];
  if (storedAs === undefined) return undefined;
  const delimited = serde === LAZY ? delimitersOf(settings) : {};
  const used = new Set(["serialization.format", ...(serde === LAZY ? DELIMITERS.flatMap(([, ...names]) => names) : [])]);
  const properties = Object.fromEntries(Object.entries(settings).filter(([name]) => !used.has(name)));
  return { storedAs, ...(FORMATS[storedAs]?.serde !== serde && { serde }), serdeProperties: properties, delimited };
}

/** A format in the words that a description is read back in: a SerDe that is the format's own is not said. */
export function formatAsDescribed(format: FormatBody): FormatBody {
  const { storedAs, serde, ...rest } = format;
  const input = storedAs === undefined ? undefined : FORMATS[storedAs]?.input;
  const [own] = Object.entries(FORMATS).find(([, classes]) => classes.input === input && classes.serde === serde) ?? [];
  return own === undefined ? format : { ...rest, storedAs: own };
}

function delimitersOf(settings: Readonly<Record<string, string>>): Record<string, string> {
  const found = DELIMITERS.flatMap(([part, ...names]) => {
    const value = names.map((name) => settings[name]).find((one) => one !== undefined);
    return value === undefined ? [] : [[part, value] as const];
  });
  return Object.fromEntries(found);
}

function objectOf(value: Json | undefined): JsonObject {
  return isJsonObject(value) ? value : {};
}

function objectAt(parent: JsonObject, name: string): JsonObject {
  return objectOf(parent[name]);
}

function listAt(parent: JsonObject, name: string): JsonObject[] {
  const value = parent[name];
  return Array.isArray(value) ? (value as readonly Json[]).map(objectOf) : [];
}

function namesAt(parent: JsonObject, name: string): string[] {
  const value = parent[name];
  return Array.isArray(value) ? value.map(String) : [];
}

function textAt(parent: JsonObject, name: string): string {
  const value = parent[name];
  return typeof value === "string" ? value : "";
}

function textsAt(parent: JsonObject, name: string): Record<string, string> {
  const entries = Object.entries(objectAt(parent, name)).filter((entry): entry is [string, string] => typeof entry[1] === "string");
  return Object.fromEntries(entries);
}
