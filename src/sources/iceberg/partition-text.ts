import type { AvroValue } from "../../formats/avro/index.js";
import { decimalText, uuidText } from "./constants.js";
import type { FileEntry } from "./manifests.js";
import type { PartitionField } from "./metadata.js";
import { fieldPath, type IcebergSchema, type IcebergType } from "./schema.js";

/** A file's partition for people: `dt=2024-01-01/hr=3`; empty for a table without partitions. */
export function partitionText(file: FileEntry, schemas: readonly IcebergSchema[]): string {
  return file.spec.fields
    .flatMap((field, index) =>
      field.transform.kind === "void" ? [] : [`${field.name}=${valueText(field, file.partition[index] ?? null, schemas)}`],
    )
    .join("/");
}

const MS_PER_DAY = 86_400_000;

function valueText(field: PartitionField, value: AvroValue, schemas: readonly IcebergSchema[]): string {
  if (value === null) return "null";
  const number = typeof value === "number" ? value : Number.NaN;
  switch (field.transform.kind) {
    case "year":
      return String(1970 + number);
    case "month":
      return dateText(Date.UTC(1970, number), 7);
    case "day":
      return dateText(number * MS_PER_DAY, 10);
    case "hour":
      return dateText(number * 3_600_000, 13);
    case "bucket":
      return String(number);
    default:
      return plainText(value, sourceType(field, schemas));
  }
}

function sourceType(field: PartitionField, schemas: readonly IcebergSchema[]): IcebergType | undefined {
  const [source] = field.sources;
  return source === undefined
    ? undefined
    : schemas.map((schema) => fieldPath(schema, source)?.at(-1)?.type).find((type) => type !== undefined);
}

function plainText(value: AvroValue, type: IcebergType | undefined): string {
  if (value instanceof Uint8Array) {
    if (type?.kind === "decimal") return decimalText(value, type.scale);
    return type?.kind === "uuid" ? uuidText(value) : Buffer.from(value).toString("hex");
  }
  if (type?.kind === "date" && typeof value === "number") return dateText(value * MS_PER_DAY, 10);
  const micros = type?.kind === "timestamp" || type?.kind === "timestamptz";
  if (micros && typeof value === "bigint") return dateText(Number(value / 1000n), 23);
  return String(value).slice(0, 100);
}

function dateText(ms: number, length: number): string {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? String(ms) : date.toISOString().slice(0, length);
}
