import type { SourceColumn } from "../../core/source.js";
import { quoteName, quoteText } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { jsonLine, plainText } from "../../formats/jsonl.js";

/** How rows become files, and what of a value a format keeps. DuckDB writes them: no row passes through JavaScript. */
export interface TargetFormat {
  readonly name: TargetFormatName;
  /** The type in which the format holds values; other digits are judged by the mapping. Undefined: it holds no such value. */
  readonly held: (type: LogicalType) => LogicalType | undefined;
  /** SELECT list over columns of the transit types; `partitioned` are written into folders' names by the caller. */
  readonly list: (columns: readonly SourceColumn[]) => string;
  /** COPY options. */
  readonly options: (columns: readonly SourceColumn[]) => string;
  /** The type as which a column is read back, where the reader of the format has another one for the same values. */
  readonly readAs?: (type: LogicalType) => LogicalType;
  /** A NULL in the only column would be an empty line, which readers skip. */
  readonly loneNull?: false;
}

export type TargetFormatName = "parquet" | "csv" | "jsonl";

/** What DuckDB's readers and writers of all formats share: instants end at microseconds, decimals at 38 digits. */
function common(type: LogicalType): LogicalType {
  if (type.kind === "timestamp" && type.zoned && type.precision > 6) return { ...type, precision: 6 };
  if (type.kind === "decimal" && type.precision > 38) return { ...type, precision: 38 };
  return type;
}

function heldByParquet(type: LogicalType): LogicalType | undefined {
  switch (type.kind) {
    case "int":
      return type.bits === 128 ? { kind: "decimal", precision: 38, scale: 0 } : type; // an INT96 is a timestamp
    case "interval": // of milliseconds there
    case "native":
      return undefined;
    default:
      return nested(common(type), heldByParquet);
  }
}

/** Texts of values. Nested ones stay what they are where plain JSON reads back the same, and become JSON otherwise. */
function heldAsText(type: LogicalType): LogicalType | undefined {
  if (type.kind === "interval" || type.kind === "native") return undefined;
  return nested(common(type), heldInJson) ?? { kind: "json" };
}

function heldInJson(type: LogicalType): LogicalType | undefined {
  const lost = type.kind === "map" || type.kind === "binary" || type.kind === "json" || type.kind === "interval" || type.kind === "native";
  return lost ? undefined : nested(common(type), heldInJson);
}

/** A nested type is held when its members are, as they are. */
function nested(type: LogicalType, held: TargetFormat["held"]): LogicalType | undefined {
  return membersOf(type).every((member) => JSON.stringify(held(member)) === JSON.stringify(member)) ? type : undefined;
}

function membersOf(type: LogicalType): readonly LogicalType[] {
  if (type.kind === "list") return [type.element.type];
  if (type.kind === "map") return [type.key, type.value.type];
  return type.kind === "struct" ? type.fields.map((field) => field.type) : [];
}

const names = (columns: readonly SourceColumn[]): string => columns.map(({ name }) => quoteName(name)).join(", ");

const WITHOUT_QUOTES: ReadonlySet<string> = new Set(["boolean", "int", "float", "decimal", "date", "time", "timestamp", "uuid", "binary"]);

/** Characters that JSON writes as escapes: with them as delimiter and quote, a line stays as it is. */
const RAW_LINES = "FORMAT csv, HEADER false, DELIMITER E'\\x01', QUOTE E'\\x02', ESCAPE E'\\x02'";

export const targetFormats: Readonly<Record<TargetFormatName, TargetFormat>> = {
  parquet: {
    name: "parquet",
    held: heldByParquet,
    list: names,
    options: () => "FORMAT parquet, COMPRESSION zstd",
  },
  csv: {
    name: "csv",
    held: heldAsText,
    list: (columns) => columns.map(({ name, type }) => `${plainText(quoteName(name), type)} AS ${quoteName(name)}`).join(", "),
    // Texts are quoted always: an empty one is no NULL, and `\N` no NULL of Hive's.
    options: (columns) => {
      const texts = columns.filter(({ type }) => !WITHOUT_QUOTES.has(type.kind));
      const quoted = texts.length === 0 ? "" : `, FORCE_QUOTE (${names(texts)})`;
      return `FORMAT csv, HEADER true, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR ''${quoted}`;
    },
    loneNull: false,
  },
  jsonl: {
    name: "jsonl",
    held: heldAsText,
    list: (columns) => `${jsonLine(columns)} AS line`,
    options: () => RAW_LINES,
    // A JSON column is its text, a string of the line.
    readAs: (type) => (type.kind === "json" ? { kind: "text" } : type),
  },
};

/** COPY of a SELECT into a file, or into folders `name=value` of it. */
export function copyStatement(
  format: TargetFormat,
  columns: readonly SourceColumn[],
  partitions: readonly SourceColumn[],
  sql: string,
  to: string,
  metadata: Readonly<Record<string, string>> = {},
): string {
  const inside = columns.filter(({ name }) => !partitions.some((partition) => partition.name === name));
  const folders = partitions.map(({ name, type }) => `${plainText(quoteName(name), type)} AS ${quoteName(name)}`);
  const list = [format.list(inside), ...folders].join(", ");
  const layout = partitions.length === 0 ? "" : `, PARTITION_BY (${names(partitions)}), WRITE_PARTITION_COLUMNS false`;
  const facts = Object.entries(metadata).map(([name, value]) => `${quoteText(name)}: ${quoteText(value)}`);
  const stated = facts.length === 0 ? "" : `, KV_METADATA {${facts.join(", ")}}`;
  return `COPY (SELECT ${list} FROM (${sql}) AS rows) TO ${quoteText(to)} (${format.options(inside)}${layout}${stated})`;
}
