import type { Storage } from "../../core/storage.js";
import { type AvroField, type AvroType, optional } from "../../formats/avro/index.js";
import { spoolAvro } from "../../formats/avro/spool.js";
import { avroParquetType, avroVector, mapEntry } from "../../formats/avro/vectors.js";
import type { OrcType } from "../../formats/orc/index.js";
import { spoolOrc } from "../../formats/orc/spool.js";
import type { FieldIds } from "./file-schema.js";

/* Files that DuckDB does not read (Avro, ORC) are spooled as Parquet. The field ids stay here: the spooled file has none. */

export interface Conversion {
  readonly storage: Storage;
  /** The file below the export's root, and the local one to write. */
  readonly path: string;
  readonly to: string;
  /** Ids of the top-level fields to keep; all when absent, and of files without ids. */
  readonly wanted: ReadonlySet<number> | undefined;
  /** ORC has one timestamp for all precisions: nanoseconds do not reach as far. */
  readonly nanoseconds: boolean;
}

/** Converts, and answers the ids of the columns written. */
export type Convert = (conversion: Conversion) => Promise<readonly FieldIds[]>;

export const convertAvro: Convert = async ({ storage, path, to, wanted }) => {
  const keep = (fields: readonly AvroField[]): readonly AvroField[] =>
    kept(fields, (field) => numberOf(field.attributes["field-id"]), wanted);
  const row = await spoolAvro(storage, path, to, ({ fields }) =>
    keep(fields).map(({ name, type }) => ({ name, type: avroParquetType(type), vector: (values) => avroVector(type, values) })),
  );
  return keep(row.fields).map(avroIds);
};

export const convertOrc: Convert = async ({ storage, path, to, wanted, nanoseconds }) => {
  const copy = await storage.local(path);
  try {
    const unit = nanoseconds ? "nanos" : "micros";
    const keep = ({ children }: OrcType) =>
      kept(
        children.map((type, index) => ({ type, index, unit }) as const),
        ({ type }) => orcId(type),
        wanted,
      );
    const schema = await spoolOrc({ from: copy.path, to, name: path, keep });
    return keep(schema).map(({ type }) => orcIds(type));
  } finally {
    await copy.release();
  }
};

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
  return { id: orcId(type), below: type.children.map(orcIds) };
}

function orcId(type: OrcType): number | undefined {
  const text = type.attributes["iceberg.id"];
  return text === undefined ? undefined : numberOf(Number(text));
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isSafeInteger(value) ? value : undefined;
}
