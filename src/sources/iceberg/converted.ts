import type { Condition } from "../../core/predicate.js";
import type { Storage } from "../../core/storage.js";
import { type AvroField, type AvroType, optional } from "../../formats/avro/index.js";
import { spoolAvro } from "../../formats/avro/spool.js";
import { avroParquetType, avroVector, mapEntry } from "../../formats/avro/vectors.js";
import { type OrcType, rowFilter, type TimestampUnit, type TypeKind } from "../../formats/orc/index.js";
import { spoolOrc } from "../../formats/orc/spool.js";
import type { RowRange } from "../../formats/vector.js";
import type { FieldIds } from "./file-schema.js";
import type { IcebergField, IcebergType } from "./schema.js";

/* Files that DuckDB does not read (Avro, ORC) are spooled as Parquet. The field ids stay here: the spooled file has none. */

export interface Conversion {
  readonly storage: Storage;
  /** The file below the export's root, and the local one to write. */
  readonly path: string;
  readonly to: string;
  /** Ids of the top-level fields to keep; all when absent, and of files without ids. */
  readonly fields: ReadonlySet<number> | undefined;
  /** Ids of the fields of nanoseconds, at any depth: ORC has one timestamp for all precisions. */
  readonly nanoseconds: ReadonlySet<number>;
  /** Rows for which one of them is not true may be left out. */
  readonly conditions: readonly FieldCondition[];
  /** Rows at other positions may be left out, too. */
  readonly rows?: RowRange;
}

/** A condition on a column of the table; its `column` is the table's name for it. */
export interface FieldCondition {
  readonly field: IcebergField;
  readonly condition: Condition;
}

export interface Converted {
  /** Ids of the columns written. */
  readonly ids: readonly FieldIds[];
  /** The column with each row's position in the file, the last one; absent where no row was left out. */
  readonly position?: string;
}

export type Convert = (conversion: Conversion) => Promise<Converted>;

export const convertAvro: Convert = async ({ storage, path, to, fields: wanted, rows }) => {
  const keep = (fields: readonly AvroField[]): readonly AvroField[] =>
    kept(fields, (field) => numberOf(field.attributes["field-id"]), wanted);
  let position: string | undefined;
  const row = await spoolAvro(
    storage,
    path,
    to,
    ({ fields }) =>
      keep(fields).map(({ name, type }) => ({ name, type: avroParquetType(type), vector: (values) => avroVector(type, values) })),
    rows && {
      rows,
      column: ({ fields }) => {
        position = freeName(fields.map(({ name }) => name));
        return position;
      },
    },
  );
  return { ids: keep(row.fields).map(avroIds), ...(position !== undefined && { position }) };
};

export const convertOrc: Convert = async ({ storage, path, to, fields, nanoseconds, conditions, rows }) => {
  const unit = (type: OrcType): TimestampUnit => {
    const id = orcId(type);
    const fine = id === undefined ? nanoseconds.size > 0 : nanoseconds.has(id);
    return fine ? "nanos" : "micros";
  };
  const keep = ({ children }: OrcType) =>
    kept(
      children.map((type, index) => ({ type, index, unit })),
      ({ type }) => orcId(type),
      fields,
    );
  const cuts = rows !== undefined || conditions.length > 0;
  let position: string | undefined;
  const schema = await spoolOrc({
    storage,
    path,
    to,
    keep,
    wanted: (schema) => rowFilter(schema, stored(conditions, schema)),
    ...(rows && { rows }),
    ...(cuts && {
      position: ({ fieldNames }) => {
        position = freeName(fieldNames);
        return position;
      },
    }),
  });
  return { ids: keep(schema).map(({ type }) => orcIds(type)), ...(position !== undefined && { position }) };
};

/** Types of the table and those of a file whose values are the same, in the same order: of others the bounds say nothing. */
const sameOrder: Readonly<Partial<Record<IcebergType["kind"], readonly TypeKind[]>>> = {
  int: ["byte", "short", "int"],
  long: ["byte", "short", "int", "long"],
  date: ["date"],
  string: ["string", "varchar"],
  decimal: ["decimal"],
  timestamp: ["timestamp"],
  timestamptz: ["timestamp-instant"],
};

/** Conditions on the file's columns, by its own names. */
function stored(conditions: readonly FieldCondition[], schema: OrcType): readonly Condition[] {
  return conditions.flatMap(({ field, condition }) => {
    const index = schema.children.findIndex((child) => orcId(child) === field.id);
    const type = schema.children[index];
    if (type === undefined || !sameOrder[field.type.kind]?.includes(type.kind)) return [];
    return [{ ...condition, column: schema.fieldNames[index] ?? "" }];
  });
}

function freeName(names: readonly string[]): string {
  const taken = new Set(names.map((name) => name.toLowerCase()));
  let name = "row_position";
  while (taken.has(name)) name = `${name}_`;
  return name;
}

function kept<Field>(
  fields: readonly Field[],
  id: (field: Field) => number | undefined,
  wanted: ReadonlySet<number> | undefined,
): readonly Field[] {
  if (wanted === undefined || fields.every((field) => id(field) === undefined)) return fields;
  const some = fields.filter((field) => wanted.has(id(field) ?? Number.NaN));
  return some.length > 0 ? some : fields.slice(0, 1); // a Parquet file counts its rows by a column
}

function avroIds(field: AvroField): FieldIds {
  return { id: numberOf(field.attributes["field-id"]), below: avroIdsBelow(field.type) };
}

function avroIdsBelow(outer: AvroType): readonly FieldIds[] {
  const { type } = optional(outer);
  const part = (name: string, below: AvroType): FieldIds => ({ id: numberOf(type.attributes[name]), below: avroIdsBelow(below) });
  if (type.kind === "record") return type.fields.map(avroIds);
  if (type.kind === "map") return [{ id: numberOf(type.attributes["key-id"]), below: [] }, part("value-id", type.values)];
  if (type.kind !== "array") return [];
  return mapEntry(type) !== undefined && type.items.kind === "record" ? type.items.fields.map(avroIds) : [part("element-id", type.items)];
}

function orcIds(type: OrcType): FieldIds {
  const below = type.children.map(orcIds);
  return { id: orcId(type), below: type.kind === "union" ? [{ id: undefined, below: [] }, ...below] : below }; // its tag comes first
}

function orcId(type: OrcType): number | undefined {
  const text = type.attributes["iceberg.id"];
  return text === undefined ? undefined : numberOf(Number(text));
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}
