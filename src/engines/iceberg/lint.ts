import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { Finding } from "../../core/finding.js";
import { icebergTable, type PartitionField, type TableBody } from "./body.js";

/** What the Iceberg specification forbids. */
export function lint(objects: readonly CatalogObject[]): readonly Finding[] {
  return objects.map(icebergTable).flatMap(({ model, name, body }) => tableFindings(model ?? displayName(name), body));
}

const TIMES = /^(DATE|TIMESTAMP)/;

function tableFindings(place: string, { columns, key, partitions, properties }: TableBody): Finding[] {
  const error = (rule: string, message: string, fix: string): Finding => ({
    rule: `iceberg/${rule}`,
    severity: "error",
    message: `${place}: ${message}.`,
    fix,
    place,
  });
  const column = (name: string) => columns.find((candidate) => candidate.name === name);
  const floating = key.filter((name) => /^(FLOAT|DOUBLE)$/.test(column(name)?.type ?? ""));
  const nullable = key.filter((name) => column(name)?.nullable);
  const deletes = properties["write.delete.mode"] === "merge-on-read" && properties["format-version"] === "1";
  return [
    ...floating.map((name) =>
      error("key-float", `the identifier field ${name} is a floating-point number`, "Identify rows by something exact."),
    ),
    ...nullable.map((name) => error("key-null", `the identifier field ${name} may be NULL`, "Remove .nullable().")),
    ...(deletes ? [error("deletes-version", "merge-on-read needs format version 2", "Set formatVersion: 2.")] : []),
    ...partitions.flatMap((field) => {
      const why = misfit(field, column(field.column)?.type);
      return why === undefined ? [] : [error("partition-type", why, "Choose a transform for the column's type.")];
    }),
  ];
}

function misfit({ transform, column }: PartitionField, type: string | undefined): string | undefined {
  if (type === undefined) return `the partition column ${column} is no column`;
  if (/^(ARRAY|MAP|STRUCT)/.test(type)) return `the partition column ${column} is ${type}`;
  if (["hour", "day", "month", "year"].includes(transform) && !TIMES.test(type))
    return `${transform} of ${column}, which is ${type}, is no time`;
  if (transform === "hour" && type === "DATE") return `${column} is a DATE, which has no hours`;
  if (transform === "bucket" && /^(FLOAT|DOUBLE|BOOLEAN)$/.test(type)) return `${column} is ${type}, which has no bucket transform`;
  return transform === "truncate" && !/^(INT|BIGINT|DECIMAL|STRING|BINARY)/.test(type)
    ? `${column} is ${type}, which cannot be truncated`
    : undefined;
}
