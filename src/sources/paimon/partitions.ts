import type { LogicalType } from "../../core/types.js";
import { javaFloat } from "../../formats/java-float.js";
import { BinaryRow, type RowValue } from "./binary-row.js";
import { damaged, unsupported } from "./letters.js";
import type { TableOptions } from "./options.js";
import { fieldsNamed, type TableSchema } from "./schema.js";
import type { PaimonField } from "./types.js";

/* Partition values and the folders that they name (PartitionPathUtils and InternalRowPartitionComputer of the Java API). */

export interface Partition {
  readonly values: readonly RowValue[];
  /** Each as in the folder's name, before it is escaped. */
  readonly texts: readonly string[];
  /** `dt=2024-01-01/hr=3/`, escaped as on disk; empty without partition keys. */
  readonly path: string;
  /** The same for people, without the last slash and without escapes. */
  readonly title: string;
}

export function partitionFields(schema: TableSchema): readonly PaimonField[] {
  return fieldsNamed(schema, schema.partitionKeys);
}

export function atomicType(field: PaimonField, file: string): LogicalType {
  if (field.type.kind === "atomic") return field.type.logical;
  throw damaged(file, `The column ${field.name} is part of a key or partition, but is not of an atomic type.`);
}

/** Rows repeat few partitions: each is decoded once. */
export class Partitions {
  private readonly known = new Map<string, Partition>();
  private readonly fields: readonly PaimonField[];

  constructor(
    schema: TableSchema,
    private readonly options: TableOptions,
  ) {
    this.fields = partitionFields(schema);
  }

  of(bytes: Uint8Array, file: string): Partition {
    const key = Buffer.from(bytes).toString("latin1");
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const partition = this.decode(bytes, file);
    this.known.set(key, partition);
    return partition;
  }

  private decode(bytes: Uint8Array, file: string): Partition {
    const types = this.fields.map((field) => atomicType(field, file));
    const values = new BinaryRow(bytes, file).values(types);
    const steps = this.fields.map((field, index) => {
      const type = types[index] ?? { kind: "boolean" };
      const text = pathText(values[index] ?? null, type, this.options.legacyPartitionNames);
      // Null, empty and blank values share one folder; only the manifest tells them apart.
      return { name: field.name, value: text.trim() === "" ? this.options.defaultPartition : text };
    });
    return {
      values,
      texts: steps.map(({ value }) => value),
      path: steps.map(({ name, value }) => `${escapeName(name)}=${escapeName(value)}/`).join(""),
      title: steps.map(({ name, value }) => `${name}=${value}`).join("/"),
    };
  }
}

/** Besides control characters, the reference writer escapes these as %XX in folder names. */
const ESCAPED = new Set("\"#%'*/:=?\\\u007f{}[]^");

export function escapeName(name: string): string {
  return [...name]
    .map((char) => (char < " " || ESCAPED.has(char) ? `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}` : char))
    .join("");
}

/** Text of a partition value in a folder's name; null is empty. Legacy names are Java's toString of the stored value. */
function pathText(value: RowValue, type: LogicalType, legacy: boolean): string {
  if (value === null) return "";
  switch (type.kind) {
    case "float":
      return javaFloat(Number(value), type.bits);
    case "decimal":
      return decimalText(BigInt(value as bigint), type.scale); // DECIMAL decodes to its unscaled bigint
    case "date":
      return legacy ? String(value) : dateText(Number(value));
    case "time":
      return legacy ? String(value) : timeText(Number(value), type.precision);
    case "timestamp":
      return legacy ? isoText(BigInt(value as bigint)) : sqlText(BigInt(value as bigint), type.precision); // decodes to nanoseconds
    case "text":
      return utf8(value);
    case "binary":
      if (!legacy) return utf8(value);
      throw unsupported(
        "The table is partitioned by a binary column with legacy partition names.",
        "Such a folder is named by the identity of an object in the writer's memory, which cannot be found again.",
        "Rewrite the table with partition.legacy-name=false.",
      );
    default:
      return String(value);
  }
}

function utf8(value: RowValue): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString("utf8") : String(value);
}

export function decimalText(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? "-" : "";
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  return scale === 0 ? sign + digits : `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

const DAY = 86_400_000;

/** Years outside 0–9999 are not folded: they get as many digits as they need. */
function dateText(epochDays: number): string {
  return new Date(epochDays * DAY).toISOString().slice(0, -"T00:00:00.000Z".length);
}

/** Zeros at the end are left out, but for one. */
export function timeText(milliseconds: number, precision: number): string {
  const text = new Date(milliseconds).toISOString().slice(11, 23);
  return precision === 0 ? text.slice(0, 8) : text.slice(0, 10) + text.slice(10, 9 + Math.min(precision, 3)).replace(/0+$/, "");
}

const SECOND = 1_000_000_000n;

function clock(nanoseconds: bigint): { readonly date: string; readonly time: string; readonly fraction: string } {
  const fraction = ((nanoseconds % SECOND) + SECOND) % SECOND;
  const seconds = Number((nanoseconds - fraction) / SECOND);
  const [date = "", rest = ""] = new Date(seconds * 1000).toISOString().split("T");
  return { date, time: rest.slice(0, 8), fraction: fraction.toString().padStart(9, "0") };
}

function sqlText(nanoseconds: bigint, precision: number): string {
  const { date, time, fraction } = clock(nanoseconds);
  const kept = fraction.replace(/0+$/, "").padEnd(precision, "0");
  return kept === "" ? `${date} ${time}` : `${date} ${time}.${kept}`;
}

/** As java.time.LocalDateTime writes itself: no seconds when they are zero, fractions in groups of three. */
function isoText(nanoseconds: bigint): string {
  const { date, time, fraction } = clock(nanoseconds);
  if (fraction === "000000000") return `${date}T${time.endsWith(":00") ? time.slice(0, 5) : time}`;
  return `${date}T${time}.${fraction.replace(/(000){1,2}$/, "")}`;
}
