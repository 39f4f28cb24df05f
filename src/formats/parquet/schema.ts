import type { ThriftWriter } from "./thrift.js";

/** What a written column is. Every column may hold NULL. Annotations as in Parquet's LogicalTypes.md. */
export type ParquetType =
  | { readonly kind: "boolean" | "float32" | "float64" }
  | { readonly kind: "int32"; readonly annotation?: { readonly is: "date" } | { readonly is: "int"; readonly bits: 8 | 16 } }
  | {
      readonly kind: "int64";
      readonly annotation?:
        | { readonly is: "timestamp"; readonly unit: "micros" | "nanos"; readonly utc: boolean }
        | { readonly is: "time" }
        | DecimalAnnotation;
    }
  | { readonly kind: "bytes"; readonly annotation?: { readonly is: "text" } }
  | { readonly kind: "fixed"; readonly width: number; readonly annotation?: DecimalAnnotation | { readonly is: "uuid" } }
  | { readonly kind: "list"; readonly element: ParquetType }
  | { readonly kind: "map"; readonly key: ParquetType; readonly value: ParquetType }
  | { readonly kind: "struct"; readonly fields: readonly ParquetColumn[] };

interface DecimalAnnotation {
  readonly is: "decimal";
  readonly precision: number;
  readonly scale: number;
}

export interface ParquetColumn {
  readonly name: string;
  readonly type: ParquetType;
}

type Leaf = Exclude<ParquetType, { kind: "list" | "map" | "struct" }>;

export const physicalTypes: Readonly<Record<Leaf["kind"], number>> = {
  boolean: 0,
  int32: 1,
  int64: 2,
  float32: 4,
  float64: 5,
  bytes: 6,
  fixed: 7,
};

/** One entry of the flattened schema tree. */
export interface SchemaElement {
  readonly name: string;
  readonly repetition: "required" | "optional" | "repeated";
  readonly children: number;
  readonly type?: Leaf;
  readonly group?: "list" | "map";
}

/** The schema as Parquet stores it: depth first, each group with its number of children. */
export function schemaElements(columns: readonly ParquetColumn[]): SchemaElement[] {
  const root: SchemaElement = { name: "schema", repetition: "required", children: columns.length };
  return [root, ...columns.flatMap(({ name, type }) => elements(name, type, "optional"))];
}

function elements(name: string, type: ParquetType, repetition: "required" | "optional"): SchemaElement[] {
  if (type.kind === "struct") {
    return [
      { name, repetition, children: type.fields.length },
      ...type.fields.flatMap((field) => elements(field.name, field.type, "optional")),
    ];
  }
  if (type.kind === "list") {
    return [
      { name, repetition, children: 1, group: "list" },
      { name: "list", repetition: "repeated", children: 1 },
      ...elements("element", type.element, "optional"),
    ];
  }
  if (type.kind === "map") {
    return [
      { name, repetition, children: 1, group: "map" },
      { name: "key_value", repetition: "repeated", children: 2 },
      ...elements("key", type.key, "required"),
      ...elements("value", type.value, "optional"),
    ];
  }
  return [{ name, repetition, children: 0, type }];
}

const repetitions = { required: 0, optional: 1, repeated: 2 } as const;

export function writeElement(thrift: ThriftWriter, element: SchemaElement): void {
  const { type } = element;
  if (type) thrift.int32(1, physicalTypes[type.kind]);
  if (type?.kind === "fixed") thrift.int32(2, type.width);
  thrift.int32(3, repetitions[element.repetition]);
  thrift.text(4, element.name);
  if (element.children > 0) thrift.int32(5, element.children);
  if (element.group) thrift.int32(6, element.group === "list" ? 3 : 1);
  if (type && "annotation" in type && type.annotation) {
    const { annotation } = type;
    const converted = convertedType(annotation);
    if (converted !== undefined) thrift.int32(6, converted);
    if (annotation.is === "decimal") {
      thrift.int32(7, annotation.scale);
      thrift.int32(8, annotation.precision);
    }
    thrift.struct(10, () => writeAnnotation(thrift, annotation));
  }
}

type Annotation = NonNullable<Extract<Leaf, { annotation?: unknown }>["annotation"]>;

/** The older ConvertedType, where there is one: DuckDB looks for text, dates and small integers only there. */
function convertedType(annotation: Annotation): number | undefined {
  if (annotation.is === "timestamp") return annotation.unit === "micros" ? 10 : undefined;
  if (annotation.is === "int") return annotation.bits === 8 ? 15 : 16;
  return { text: 0, decimal: 5, date: 6, time: 8, uuid: undefined }[annotation.is];
}

const nothing = (): void => undefined;

/** Members of Parquet's LogicalType union, by their field id. */
function writeAnnotation(thrift: ThriftWriter, annotation: Annotation): void {
  switch (annotation.is) {
    case "text":
      thrift.struct(1, nothing);
      break;
    case "decimal":
      thrift.struct(5, () => {
        thrift.int32(1, annotation.scale);
        thrift.int32(2, annotation.precision);
      });
      break;
    case "date":
      thrift.struct(6, nothing);
      break;
    case "time":
      thrift.struct(7, () => writeUnit(thrift, false, "micros"));
      break;
    case "timestamp":
      thrift.struct(8, () => writeUnit(thrift, annotation.utc, annotation.unit));
      break;
    case "int":
      thrift.struct(10, () => {
        thrift.int8(1, annotation.bits);
        thrift.bool(2, true);
      });
      break;
    case "uuid":
      thrift.struct(14, nothing);
      break;
  }
}

function writeUnit(thrift: ThriftWriter, utc: boolean, unit: "micros" | "nanos"): void {
  thrift.bool(1, utc);
  thrift.struct(2, () => thrift.struct(unit === "micros" ? 2 : 3, nothing));
}
