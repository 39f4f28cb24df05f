import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { EngineTarget, Finding } from "../../core/finding.js";
import { type HiveObject, hiveObject, type MaterializedViewBody, type TableBody } from "./body.js";

/*
 * What Hive refuses, and what it accepts and then answers wrongly. Sources: the Hive language manual and the error table
 * of its compiler (ErrorMsg).
 */

type Says = (rule: string, message: string, fix: string, severity?: Finding["severity"]) => Finding;
type Rule = (body: TableBody, says: Says, target: EngineTarget) => readonly Finding[];

/** Throws nothing: every rule answers for itself. */
export function lint(objects: readonly CatalogObject[], target: EngineTarget): readonly Finding[] {
  const typed = objects.map(hiveObject);
  const judged = typed.flatMap((object) => objectFindings(object, target));
  const [major = 0, minor = 0] = target.version.split(".").map(Number);
  const known = (major === 3 && minor === 1) || (major === 4 && minor <= 1);
  if (known || typed.length === 0) return judged;
  return judged.map((finding): Finding => ({ ...finding, severity: "unproven" }));
}

function objectFindings(object: HiveObject, target: EngineTarget): Finding[] {
  const place = object.model ?? displayName(object.name);
  const says: Says = (rule, message, fix, severity = "error") => ({
    rule: `hive/${rule}`,
    severity,
    message: `${place}: ${message}.`,
    fix,
    place,
  });
  const named = nameFindings(object, says);
  if (object.kind === "table") return [...named, ...RULES.flatMap((rule) => rule(object.body, says, target))];
  return object.kind === "materialized-view" ? [...named, ...materializedViewFindings(object.body, says)] : named;
}

function nameFindings({ name }: HiveObject, says: Says): Finding[] {
  return name
    .filter((part) => !/^[A-Za-z0-9_]{1,128}$/.test(part))
    .map((part) =>
      says("name", `${JSON.stringify(part)} cannot name a table or database`, "Use at most 128 ASCII letters, digits and underscores."),
    );
}

function materializedViewFindings({ rewrite, storedAs }: MaterializedViewBody, says: Says): Finding[] {
  return rewrite && storedAs !== undefined && storedAs !== "ORC" && storedAs !== "PARQUET"
    ? [
        says(
          "materialized-view-format",
          `answering queries from ${storedAs} files is slower than from the tables`,
          "Store it as ORC or Parquet.",
          "warning",
        ),
      ]
    : [];
}

const allColumns = ({ columns, partitions }: TableBody): string[] => [...columns, ...partitions].map(({ name }) => name);

const columnNames: Rule = (body, says) => {
  const names = allColumns(body).map((name) => name.toLowerCase());
  const twins = names.filter((name, index) => names.indexOf(name) < index);
  const dotted = allColumns(body).filter((name) => /[.:]/.test(name));
  const partitions = new Set(body.partitions.map(({ name }) => name.toLowerCase()));
  return [
    ...twins.map((name) =>
      partitions.has(name)
        ? says(
            "partition-column-repeated",
            `the partition column ${name} is a column as well`,
            "A partition is a directory: name it in partitionedBy only.",
          )
        : says("column-twice", `two columns are called ${name}; Hive knows no upper case`, "Rename one of them."),
    ),
    ...dotted.map((name) =>
      says("column-name", `${JSON.stringify(name)} has a dot or a colon, which Hive keeps for nested fields`, "Rename the column."),
    ),
  ];
};

/** Reserved since 4.0 only: quoted names work, hand-written queries that do not quote stop working. */
const NEW_IN_4 = new Set([
  "application",
  "days",
  "hours",
  "minutes",
  "months",
  "quarter",
  "seconds",
  "unknown",
  "weeks",
  "years",
  "compactionid",
  "connector",
  "connectors",
  "real",
  "leading",
  "trailing",
  "qualify",
]);
const RESERVED = new Set(
  "all alter and array as authorization between bigint binary boolean both by case cast char column conf create cross cube current current_date current_timestamp cursor database date decimal delete describe distinct double drop else end exchange exists extended external false fetch float following for from full function grant group grouping having if import in inner insert int intersect interval into is join lateral left less like local macro map more none not null of on or order out outer over partial percent preceding primary procedure range reads reduce revoke right rollup row rows select set smallint table tablesample then timestamp to transform trigger true truncate unbounded union uniquejoin update user using values varchar when where window with".split(
    " ",
  ),
);

const reservedWords: Rule = (body, says, { version }) => {
  const words = allColumns(body).filter((name) => {
    const word = name.toLowerCase();
    return RESERVED.has(word) || (version.startsWith("4") && NEW_IN_4.has(word));
  });
  return words.map((word) =>
    says(
      "reserved-word",
      `${word} is a reserved word of Hive ${version}: every query has to quote it`,
      "Rename the column, or always write it in backticks.",
      "warning",
    ),
  );
};

const externalConstraints: Rule = ({ table, columns, notNull }, says) => {
  if (table !== "external") return [];
  const defaults = columns.filter((column) => column.default !== undefined);
  const enforced = notNull === "enforce" ? columns.filter((column) => !column.nullable) : [];
  return [
    ...defaults.map(({ name }) =>
      says(
        "external-default",
        `${name} has a DEFAULT, which external tables refuse`,
        "Fill it where the files are written, or make the table managed.",
      ),
    ),
    ...enforced.map(({ name }) =>
      says("external-not-null", `${name} is NOT NULL, which external tables refuse unless it is DISABLE`, 'Say notNull: "rely" or "none".'),
    ),
  ];
};

const buckets: Rule = ({ clusteredBy, sortedBy, buckets: number, columns, partitions }, says) => {
  const inFiles = (name: string): boolean => columns.some((column) => column.name.toLowerCase() === name.toLowerCase());
  const wrong = [...clusteredBy, ...sortedBy.map(({ column }) => column)].filter((name) => !inFiles(name));
  const because = (name: string): string =>
    partitions.some((column) => column.name === name) ? "is a partition column" : "is no column of the table";
  return [
    ...wrong.map((name) =>
      says("bucket-column", `the bucketing column ${name} ${because(name)}`, "Bucket and sort by columns that are in the files."),
    ),
    ...(clusteredBy.length > 0 && number === undefined
      ? [says("bucket-count", "CLUSTERED BY needs a number of buckets", "Set buckets.")]
      : []),
    ...(clusteredBy.length === 0 && (number !== undefined || sortedBy.length > 0)
      ? [says("bucket-columns", "buckets and sort order need CLUSTERED BY", "Set clusteredBy.")]
      : []),
    ...(number !== undefined && (!Number.isInteger(number) || number < 1)
      ? [says("bucket-count", `${number} is no number of buckets`, "Give a whole number from 1.")]
      : []),
  ];
};

const transactional: Rule = ({ table, format, properties, sortedBy }, says) => {
  const acid = String(properties.transactional).toLowerCase() === "true";
  const insertOnly = properties.transactional_properties === "insert_only";
  return [
    ...(acid && table === "external"
      ? [says("transactional-external", "an external table cannot be transactional", "Make it managed.")]
      : []),
    ...(acid && !insertOnly && format.storedAs !== "ORC"
      ? [
          says(
            "transactional-orc",
            `a transactional table is ORC, not ${format.storedAs ?? "TEXTFILE"}`,
            'Say storedAs: "orc", or transactional_properties = insert_only.',
          ),
        ]
      : []),
    ...(acid && sortedBy.length > 0 ? [says("transactional-sorted", "a transactional table cannot be sorted", "Leave sortedBy out.")] : []),
  ];
};

const OPEN_CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde";

const csv: Rule = ({ format, columns }, says) => {
  if (format.serde !== OPEN_CSV) return [];
  const typed = columns.filter(({ type }) => type !== "string");
  return [
    ...typed.map(({ name, type }) =>
      says(
        "csv-strings",
        `OpenCSVSerde reads ${name} as STRING, whatever ${type} says`,
        `Map ${name} with .as("hive", "string"), and cast in a view.`,
      ),
    ),
    says(
      "csv-newlines",
      "OpenCSVSerde breaks rows at newlines inside quotes, because text files are split by line",
      "Write Parquet or JSON, or make sure that no value has a newline.",
      "warning",
    ),
  ];
};

const formats: Rule = ({ format, partitions, columns, table }, says, { version }) => {
  const { storedAs, storedBy, serde, delimited } = format;
  const text = storedAs === undefined || storedAs === "TEXTFILE" || storedAs === "SEQUENCEFILE";
  const nestedPartition = partitions.filter(({ type }) => /^(array|map|struct|binary)/.test(type));
  return [
    ...(storedAs === "JSONFILE" && version.startsWith("3")
      ? [says("jsonfile", "STORED AS JSONFILE needs Hive 4.0", "Use TEXTFILE with serde org.apache.hadoop.hive.serde2.JsonSerDe.")]
      : []),
    ...(storedBy === "ICEBERG" && version.startsWith("3")
      ? [says("iceberg", "STORED BY ICEBERG needs Hive 4.0", "Name the storage handler's class, and put its jar on the class path.")]
      : []),
    ...(storedBy !== undefined && table === "transactional"
      ? [says("handler-transactional", "a storage handler keeps its own transactions", 'Say table: "external".')]
      : []),
    ...(serde !== undefined && Object.keys(delimited).length > 0
      ? [says("row-format-twice", "a table has a SerDe or delimiters, not both", "Leave one of them out.")]
      : []),
    ...(!text && Object.keys(delimited).length > 0
      ? [says("delimited-format", `${storedAs} files have no delimiters`, "Leave `delimited` out.")]
      : []),
    ...nestedPartition.map(({ name, type }) =>
      says(
        "partition-type",
        `the partition column ${name} is ${type}; a directory's name is a plain value`,
        "Partition by a plain column.",
      ),
    ),
    ...delimiterFindings(text && serde === undefined && storedBy === undefined, columns, says),
  ];
};

/** LazySimpleSerDe writes texts as they are: a newline ends the row, the separator ends the column. */
function delimiterFindings(plainText: boolean, columns: TableBody["columns"], says: Says): Finding[] {
  const first = columns.find(({ type }) => type === "string" || type.startsWith("varchar"));
  return plainText && first
    ? [says("text-newlines", `a newline in ${first.name} ends the row in a text file`, "Store the table as ORC or Parquet.", "warning")]
    : [];
}

const skewed: Rule = ({ skewed: clause, columns }, says) => {
  if (!clause) return [];
  const missing = clause.columns.filter((name) => !columns.some((column) => column.name === name));
  const uneven = clause.values.filter((tuple) => tuple.length !== clause.columns.length);
  return [
    ...missing.map((name) => says("skewed-column", `the skewed column ${name} is not in the files`, "Name a column that is no partition.")),
    ...uneven.map((tuple) =>
      says(
        "skewed-values",
        `(${tuple.join(", ")}) has ${tuple.length} values for ${clause.columns.length} columns`,
        "Give one value a skewed column.",
      ),
    ),
  ];
};

/** Hive compares the text between the quotes as it stands there, escapes included. */
const skewedQuotes: Rule = ({ skewed: clause }, says) =>
  (clause?.values ?? [])
    .flat()
    .filter((value) => /['"\\;\n\r\t]/.test(value))
    .map((value) =>
      says("skewed-quotes", `Hive would keep ${JSON.stringify(value)} with its escapes and never meet it`, "Leave this value out."),
    );

/** Hive writes the schema of a Parquet file as text, unquoted. */
const parquetNames: Rule = ({ columns, format }, says) =>
  format.storedAs === "PARQUET"
    ? columns
        .filter(({ name }) => /[\s,;{}()=]/.test(name))
        .map(({ name }) =>
          says("parquet-column", `${JSON.stringify(name)} cannot be a column of Parquet files that Hive writes`, "Rename it, or use ORC."),
        )
    : [];

const PARQUET_COMPRESSION = ["UNCOMPRESSED", "SNAPPY", "GZIP", "ZSTD", "LZ4", "BROTLI", "LZO"];
const ORC_COMPRESSION = ["NONE", "ZLIB", "SNAPPY", "LZO", "LZ4", "ZSTD"];

const properties: Rule = ({ table, properties: set, format }, says) => {
  const value = (name: string): string | undefined => (typeof set[name] === "string" ? set[name].toUpperCase() : undefined);
  const compression = (name: string, wanted: string, allowed: readonly string[]): Finding[] => {
    const given = value(name);
    if (given === undefined) return [];
    if (format.storedAs !== wanted)
      return [says("compression-format", `${name} says nothing to ${format.storedAs ?? "TEXTFILE"} files`, "Leave it out.", "warning")];
    return allowed.includes(given) ? [] : [says("compression", `${name} = ${given} is no compression`, `One of ${allowed.join(", ")}.`)];
  };
  return [
    ...compression("parquet.compression", "PARQUET", PARQUET_COMPRESSION),
    ...compression("orc.compress", "ORC", ORC_COMPRESSION),
    ...(value("EXTERNAL") === undefined
      ? []
      : [says("external-property", "EXTERNAL is a kind of table, not a property", 'Say table: "external".')]),
    ...(value("external.table.purge") === "TRUE" && table === "external"
      ? [
          says(
            "external-purge",
            "external.table.purge deletes the files with the table",
            "Leave it out if somebody else needs the files.",
            "warning",
          ),
        ]
      : []),
  ];
};

const zonedParquet: Rule = ({ columns, format }, says, { version }) =>
  format.storedAs === "PARQUET" && version.startsWith("3")
    ? columns
        .filter(({ type }) => type === "timestamp")
        .slice(0, 1)
        .map(({ name }) =>
          says(
            "parquet-timestamp",
            `${name}: Hive 3.1 writes Parquet timestamps as INT96 shifted to UTC by the writer's zone`,
            "Run all writers and readers in UTC, or use Hive 4.0.",
            "warning",
          ),
        )
    : [];

const RULES: readonly Rule[] = [
  columnNames,
  reservedWords,
  externalConstraints,
  buckets,
  transactional,
  csv,
  formats,
  skewed,
  skewedQuotes,
  parquetNames,
  properties,
  zonedParquet,
];
