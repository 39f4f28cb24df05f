import { DwError } from "../../core/errors.js";
import type { SourceColumn } from "../../core/source.js";
import { type LogicalType, type StructField, typeText } from "../../core/types.js";

/** Columns of one file or of files that are alike. */
export interface FileColumns {
  /** A file that has them, for messages. */
  readonly file: string;
  readonly columns: readonly SourceColumn[];
  /** Names of those that hold only NULLs, whatever their types. */
  readonly nothing?: ReadonlySet<string>;
}

/**
 * The columns of a table whose files do not all have the same: by name, in order of first appearance, each with a type
 * that holds the values of every file unchanged. Where there is none, the table is refused.
 */
export function unionColumns(files: readonly FileColumns[]): readonly SourceColumn[] {
  const union = new Map<string, Known>();
  for (const { file, columns, nothing } of files) {
    for (const column of columns) {
      const key = column.name.toLowerCase(); // DuckDB compares names without case
      union.set(key, joined(union.get(key), { column, file, seen: 1, isNothing: nothing?.has(column.name) === true }));
    }
  }
  return [...union.values()].map(({ column, seen, isNothing }) => {
    const type: LogicalType = isNothing ? { kind: "text" } : column.type;
    return { ...column, type, nullable: column.nullable || seen < files.length };
  });
}

interface Known {
  readonly column: SourceColumn;
  /** A file that has it so. */
  readonly file: string;
  readonly seen: number;
  readonly isNothing: boolean;
}

function joined(known: Known | undefined, other: Known): Known {
  if (known === undefined) return other;
  const seen = known.seen + other.seen;
  const { name } = known.column;
  if (other.isNothing) return { ...known, column: { ...known.column, nullable: true }, seen };
  if (known.isNothing) return { ...other, column: { ...other.column, name, nullable: true }, seen };
  return { ...known, column: widened(known.column, known.file, other.column, other.file), seen };
}

function widened(a: SourceColumn, fileOfA: string, b: SourceColumn, fileOfB: string): SourceColumn {
  const type = widerType(a.type, b.type);
  if (type !== undefined) return { ...a, type, nullable: a.nullable || b.nullable };
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `Column ${a.name} is ${typeText(a.type)} in ${fileOfA} and ${typeText(b.type)} in ${fileOfB}.`,
    why: "No type holds the values of both unchanged.",
    fix: "Read the files separately, each with a glob of its own, or leave the column out with --columns.",
  });
}

type Of<Kind extends LogicalType["kind"]> = Extract<LogicalType, { kind: Kind }>;

/** Of two different types of one kind; kinds that are not here have no type that is wider. */
const wider: { readonly [Kind in LogicalType["kind"]]?: (a: Of<Kind>, b: Of<Kind>) => LogicalType | undefined } = {
  int: widerInt,
  float: () => ({ kind: "float", bits: 64 }),
  decimal: widerDecimal,
  text: () => ({ kind: "text" }),
  enum: () => ({ kind: "text" }),
  binary: () => ({ kind: "binary" }),
  time: (a, b) => (b.precision > a.precision ? b : a),
  timestamp: (a, b) => (a.zoned !== b.zoned ? undefined : b.precision > a.precision ? b : a),
  list: (a, b) => nested(widerType(a.element.type, b.element.type), (type) => ({ kind: "list", element: { type, nullable: true } })),
  map: widerMap,
  struct: (a, b) => widerStruct(a.fields, b.fields),
};

/** The smallest type that holds every value of both, or undefined. */
function widerType(a: LogicalType, b: LogicalType): LogicalType | undefined {
  if (JSON.stringify(a) === JSON.stringify(b)) return a;
  if (a.kind !== b.kind) return mixedKinds(a, b) ?? mixedKinds(b, a);
  const rule = wider[a.kind] as ((a: LogicalType, b: LogicalType) => LogicalType | undefined) | undefined; // both are of the rule's kind
  return rule?.(a, b);
}

function nested(type: LogicalType | undefined, around: (type: LogicalType) => LogicalType): LogicalType | undefined {
  return type === undefined ? undefined : around(type);
}

/** Integers up to 32 bits are exact in a float64; integers of n digits in a decimal with n digits before the point. */
function mixedKinds(a: LogicalType, b: LogicalType): LogicalType | undefined {
  if (a.kind === "int" && b.kind === "float") return a.bits <= 32 ? { kind: "float", bits: 64 } : undefined;
  if (a.kind === "int" && b.kind === "decimal") return widerDecimal({ precision: intDigits[a.bits], scale: 0 }, b);
  if (a.kind === "enum" && b.kind === "text") return b;
  return undefined;
}

const intDigits = { 8: 3, 16: 5, 32: 10, 64: 20, 128: 39 } as const;

function widerInt(a: Of<"int">, b: Of<"int">): LogicalType | undefined {
  if (a.unsigned === b.unsigned) return a.bits >= b.bits ? a : b;
  const [unsigned, signed] = a.unsigned ? [a, b] : [b, a];
  const bits = ([16, 32, 64, 128] as const).find((size) => size > unsigned.bits && size >= signed.bits);
  return bits === undefined ? undefined : { kind: "int", bits };
}

type Digits = { readonly precision: number; readonly scale: number };

function widerDecimal(a: Digits, b: Digits): LogicalType | undefined {
  const scale = Math.max(a.scale, b.scale);
  const precision = Math.max(a.precision - a.scale, b.precision - b.scale) + scale;
  return precision <= 38 ? { kind: "decimal", precision, scale } : undefined;
}

function widerMap(a: Of<"map">, b: Of<"map">): LogicalType | undefined {
  const [key, value] = [widerType(a.key, b.key), widerType(a.value.type, b.value.type)];
  return key === undefined || value === undefined ? undefined : { kind: "map", key, value: { type: value, nullable: true } };
}

function widerStruct(a: readonly StructField[], b: readonly StructField[]): LogicalType | undefined {
  const fields: StructField[] = [];
  const other = new Map(b.map((field) => [field.name, field]));
  for (const field of a) {
    const same = other.get(field.name);
    const type = same === undefined ? field.type : widerType(field.type, same.type);
    if (type === undefined) return undefined;
    fields.push({ ...field, type, nullable: true });
    other.delete(field.name);
  }
  return { kind: "struct", fields: [...fields, ...other.values()] };
}
