import { type CatalogObject, compareText, objectId } from "../../core/catalog.js";
import { withGrain, withUnit } from "../../core/comments.js";
import { type Engine, emitOnly, type RenderedFile, type ResolveContext, type Resolved } from "../../core/engine.js";
import type { Loss } from "../../core/loss.js";
import { mappedType } from "../../core/mapped-column.js";
import type { Model, TableModel } from "../../core/model.js";
import { generatedNotice, sqlFile } from "../../core/model-sql.js";
import type { Sql } from "../../core/sql.js";
import { template } from "../../render/template.js";
import { icebergTable, type PartitionField, type TableBody } from "./body.js";
import { quoting, spark } from "./dialect.js";
import { lint } from "./lint.js";
import type { IcebergPartition, IcebergTableOptions } from "./options.js";
import { mapType } from "./types.js";

/** Iceberg tables in Spark SQL: Flink SQL knows no partition transforms. */
export const iceberg: Engine = { name: "iceberg", quoting, mapType, resolve, lint, render, ...emitOnly };

function resolve(models: readonly Model[], { warehouse }: ResolveContext): Resolved {
  const losses: Loss[] = [];
  const tables = models.filter((model): model is TableModel => model.model === "table" && model.on.iceberg !== undefined);
  const objects = tables.map((model): CatalogObject<TableBody> => {
    const options = model.on.iceberg as unknown as IcebergTableOptions<string>; // typed when the model was written
    const name = [options.catalog ?? "lake", options.database ?? warehouse, options.name ?? model.name];
    const body = tableBody(model, options, losses);
    return { slot: "iceberg", kind: "table", id: objectId("iceberg", "table", name), name, model: model.name, dependsOn: [], body };
  });
  return { objects, losses, findings: [] };
}

function tableBody(model: TableModel, options: IcebergTableOptions<string>, losses: Loss[]): TableBody {
  const { partitionedBy = [], sortedBy = [], formatVersion = 2, format = "parquet", changes, location, properties = {} } = options;
  const columns = Object.entries(model.columns).map(([name, column]) => {
    const own = column.as?.iceberg;
    const mapping = own === undefined ? mapType(column.type) : { native: own, level: "lossless" as const, note: "" };
    const type = mappedType({ engine: "iceberg", label: "Iceberg", model, name, column, mapping }, losses);
    return {
      name,
      type,
      nullable: column.nullable,
      comment: withUnit(column),
    };
  });
  const modes = changes === undefined ? {} : { "write.delete.mode": changes, "write.update.mode": changes, "write.merge.mode": changes };
  return {
    columns,
    key: [...(model.key ?? [])],
    partitions: partitionedBy.map(partitionField),
    sortedBy: sortedBy.map((sort) => (typeof sort === "string" ? { column: sort, order: "asc" } : sort)),
    ...(location !== undefined && { location: location as string }), // a Hole is JSON, and filled before it is read
    properties: {
      "format-version": String(formatVersion),
      "write.format.default": format,
      ...modes,
      ...(properties as TableBody["properties"]),
    }, // as above
    comment: withGrain(model.comment, model.grain),
  };
}

function partitionField(partition: IcebergPartition<string>): PartitionField {
  if (typeof partition === "string") return { transform: "identity", column: partition };
  if (partition.by === "bucket") return { transform: "bucket", column: partition.column, width: partition.buckets };
  if (partition.by === "truncate") return { transform: "truncate", column: partition.column, width: partition.width };
  return { transform: partition.by, column: partition.column };
}

// ------------------------------------------------------------------------------------------------ text

const { sql, id, lit, join, raw } = spark;

const tableTemplate = template("iceberg/create-table.sql", {
  name: "sql",
  lines: [{ line: "sql" }],
  partition: "sql?",
  comment: "sql?",
  location: "sql?",
  properties: [{ name: "sql", value: "sql" }],
});

function createTable(name: readonly string[], body: TableBody): string {
  const lines = body.columns.map(({ name: column, type, nullable, comment }) => {
    const clause = sql`${id(column)} ${raw(nullable ? type : `${type} NOT NULL`)}`;
    return { line: comment === "" ? clause : sql`${clause} COMMENT ${lit(comment)}` };
  });
  return tableTemplate({
    name: id(...name),
    lines,
    partition: body.partitions.length === 0 ? undefined : join(body.partitions.map(partitionText)),
    comment: lit(body.comment),
    location: body.location === undefined ? undefined : lit(String(body.location)),
    properties: Object.entries(body.properties)
      .sort(([a], [b]) => compareText(a, b))
      .map(([property, value]) => ({ name: lit(property), value: lit(String(value)) })),
  }).trimEnd();
}

function partitionText(field: PartitionField): Sql {
  const column = id(field.column);
  if (field.transform === "identity") return column;
  if (field.transform === "bucket" || field.transform === "truncate") return sql`${raw(field.transform)}(${lit(field.width)}, ${column})`;
  return sql`${raw(`${field.transform}s`)}(${column})`;
}

/** What CREATE TABLE has no words for: identifier fields and the order of writers. */
function afterwards(name: readonly string[], { key, sortedBy }: TableBody): Sql[] {
  const table = id(...name);
  const fields = key.length === 0 ? [] : [sql`ALTER TABLE ${table} SET IDENTIFIER FIELDS ${join(key.map((column) => id(column)))}`];
  const order = sortedBy.map(({ column, order: direction }) => sql`${id(column)} ${raw(direction.toUpperCase())}`);
  return order.length === 0 ? fields : [...fields, sql`ALTER TABLE ${table} WRITE ORDERED BY ${join(order)}`];
}

function render(object: CatalogObject): RenderedFile {
  const { name, body } = icebergTable(object);
  const statements = [createTable(name, body), ...afterwards(name, body).map(({ text }) => text)];
  return { path: sqlFile("table", name), text: `${generatedNotice(object)}${statements.map((text) => `${text};\n`).join("\n")}` };
}
