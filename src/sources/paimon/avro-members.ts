import type { AvroRecord, AvroValue } from "../../formats/avro/index.js";
import { damaged } from "./letters.js";

/*
 * Members of manifest rows, found by name: newer writers add fields, older ones lack them (Paimon 0.8 to 1.4).
 */

export class Members {
  constructor(
    private readonly record: AvroRecord,
    private readonly file: string,
  ) {}

  /** Whether the writer knew the member, even when it is null. */
  has(name: string): boolean {
    return this.record[name] !== undefined;
  }

  text(name: string): string {
    return this.optionalText(name) ?? this.bad(name);
  }

  optionalText(name: string): string | undefined {
    const value = this.record[name] ?? null;
    if (value === null) return undefined;
    return typeof value === "string" ? value : this.bad(name);
  }

  /** int or long that is a safe integer. */
  integer(name: string): number {
    return this.optionalInteger(name) ?? this.bad(name);
  }

  optionalInteger(name: string): number | undefined {
    const value = this.record[name] ?? null;
    if (value === null) return undefined;
    const number = typeof value === "bigint" ? Number(value) : value;
    return typeof number === "number" && Number.isSafeInteger(number) ? number : this.bad(name);
  }

  /** A long of any size. */
  long(name: string): bigint {
    const value = this.record[name];
    return typeof value === "bigint" ? value : typeof value === "number" ? BigInt(value) : this.bad(name);
  }

  bytes(name: string): Uint8Array {
    return this.optionalBytes(name) ?? this.bad(name);
  }

  optionalBytes(name: string): Uint8Array | undefined {
    const value = this.record[name] ?? null;
    if (value === null) return undefined;
    return value instanceof Uint8Array ? value : this.bad(name);
  }

  optionalTexts(name: string): readonly string[] | undefined {
    const list = this.optionalList(name);
    return list?.map((item) => (typeof item === "string" ? item : this.bad(name)));
  }

  optionalList(name: string): readonly AvroValue[] | undefined {
    const value = this.record[name] ?? null;
    if (value === null) return undefined;
    return Array.isArray(value) ? value : this.bad(name);
  }

  optionalMembers(name: string): Members | undefined {
    const value = this.record[name] ?? null;
    return value === null ? undefined : members(value, this.file);
  }

  members(name: string): Members {
    return this.optionalMembers(name) ?? this.bad(name);
  }

  private bad(name: string): never {
    throw damaged(this.file, `A row of it has no usable ${name}.`);
  }
}

export function members(value: AvroValue, file: string): Members {
  if (!isRecord(value)) throw damaged(file, "A row of it is not a record.");
  return new Members(value, file);
}

function isRecord(value: AvroValue): value is AvroRecord {
  return typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}
