import { corrupt, tooLarge } from "./damage.js";
import { javaFloat } from "./java-float.js";

/*
 * The Variant encoding (Parquet, "Variant Binary Encoding"): a value is a header byte and what it announces; the names of
 * members stand once, in the metadata. Written here as JSON the way Spark and Paimon write it (`to_json`, Variant.toJson):
 * instants in UTC, binary as base64, decimals without zeros at their end, NaN and infinities as texts.
 */

/** Deeper values are refused rather than followed to the end of the stack. */
const MAX_DEPTH = 1000;

/** A name may stand once and be used by a million members. Characters. */
const MAX_NAMES = 256 * 1024 ** 2;

/** JSON text of one value. `place` is for messages. DW-FILE-CORRUPT, DW-FILE-TOO-LARGE. */
export function variantJson(metadata: Uint8Array, value: Uint8Array, place: string): string {
  const read = new VariantReader(metadata, value, place);
  return read.json(0, 0);
}

/** The members of an object, each with its JSON text, in the order of their names; undefined where the value is no object. */
export function variantMembers(
  metadata: Uint8Array,
  value: Uint8Array,
  place: string,
): readonly (readonly [name: string, json: string])[] | undefined {
  return new VariantReader(metadata, value, place).members();
}

const VERSION = 1;
const OBJECT = 2;

export function objectText(members: readonly (readonly [name: string, json: string])[]): string {
  return `{${members.map(([name, json]) => `${jsonText(name)}:${json}`).join(",")}}`;
}

class VariantReader {
  private readonly view: DataView;
  private readonly names: Names;
  private values = 0;
  private nameLength = 0;

  constructor(
    metadata: Uint8Array,
    private readonly bytes: Uint8Array,
    private readonly place: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.names = new Names(metadata, place);
  }

  json(at: number, depth: number): string {
    if (depth > MAX_DEPTH) throw corrupt(this.place, `A variant is nested deeper than ${MAX_DEPTH} levels.`);
    // Each value has a header of its own, unless offsets lead to the same one again and again.
    if (++this.values > this.bytes.length) throw corrupt(this.place, "A variant has more values than bytes.");
    const header = this.unsigned(at, 1);
    const info = header >> 2;
    switch (header & 3) {
      case 1:
        return jsonText(this.text(at + 1, info));
      case OBJECT:
        return this.object(at + 1, info, depth);
      case 3:
        return this.array(at + 1, info, depth);
      default:
        return this.primitive(info, at + 1);
    }
  }

  members(): readonly (readonly [name: string, json: string])[] | undefined {
    const header = this.unsigned(0, 1);
    return (header & 3) === OBJECT ? this.membersAt(1, header >> 2, 0) : undefined;
  }

  private object(at: number, info: number, depth: number): string {
    return objectText(this.membersAt(at, info, depth));
  }

  private membersAt(at: number, info: number, depth: number): readonly (readonly [name: string, json: string])[] {
    const [sizeWidth, idWidth, offsetWidth] = [(info >> 4) & 1 ? 4 : 1, ((info >> 2) & 3) + 1, (info & 3) + 1];
    const size = this.count(at, sizeWidth);
    const ids = at + sizeWidth;
    const offsets = ids + size * idWidth;
    const items = offsets + (size + 1) * offsetWidth;
    const members: (readonly [string, string])[] = [];
    for (let index = 0; index < size; index++) {
      const name = this.names.at(this.unsigned(ids + index * idWidth, idWidth));
      this.nameLength += name.length;
      if (this.nameLength > MAX_NAMES) throw tooLarge(this.place, "A variant", MAX_NAMES);
      members.push([name, this.json(items + this.unsigned(offsets + index * offsetWidth, offsetWidth), depth + 1)]);
    }
    return members;
  }

  private array(at: number, info: number, depth: number): string {
    const [sizeWidth, offsetWidth] = [(info >> 2) & 1 ? 4 : 1, (info & 3) + 1];
    const size = this.count(at, sizeWidth);
    const offsets = at + sizeWidth;
    const items = offsets + (size + 1) * offsetWidth;
    const values: string[] = [];
    for (let index = 0; index < size; index++) {
      values.push(this.json(items + this.unsigned(offsets + index * offsetWidth, offsetWidth), depth + 1));
    }
    return `[${values.join(",")}]`;
  }

  private primitive(info: number, at: number): string {
    const json = primitives[info];
    if (json === undefined) throw corrupt(this.place, `A variant has a value of the unknown kind ${info}.`);
    return json(this, at);
  }

  /** Each element takes a byte of offsets at least. */
  private count(at: number, width: number): number {
    const size = this.unsigned(at, width);
    if (size > this.bytes.length) throw corrupt(this.place, "A variant says that it has more members than bytes.");
    return size;
  }

  text(at: number, length: number): string {
    return Buffer.from(this.slice(at, length)).toString("utf8");
  }

  slice(at: number, length: number): Uint8Array {
    if (at + length > this.bytes.length) throw this.cut();
    return this.bytes.subarray(at, at + length);
  }

  unsigned(at: number, width: number): number {
    return littleEndian(this.slice(at, width));
  }

  signed(at: number, width: number): bigint {
    let value = 0n;
    for (const byte of this.slice(at, width).toReversed()) value = (value << 8n) | BigInt(byte);
    return BigInt.asIntN(8 * width, value);
  }

  float(at: number, bits: 32 | 64): number {
    if (at + bits / 8 > this.bytes.length) throw this.cut();
    return bits === 32 ? this.view.getFloat32(at, true) : this.view.getFloat64(at, true);
  }

  private cut(): Error {
    return corrupt(this.place, "A variant points behind its own end.");
  }
}

class Names {
  private readonly width: number;
  private readonly size: number;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly place: string,
  ) {
    const header = this.number(0, 1);
    if ((header & 15) !== VERSION) throw corrupt(place, `A variant has the version ${header & 15}; there is no other than ${VERSION}.`);
    this.width = (header >> 6) + 1;
    this.size = this.number(1, this.width);
  }

  at(id: number): string {
    if (id >= this.size) throw corrupt(this.place, "A variant names a member that its metadata does not have.");
    const offset = (index: number): number => this.number(1 + (index + 1) * this.width, this.width);
    const start = 1 + (this.size + 2) * this.width;
    const [from, to] = [start + offset(id), start + offset(id + 1)];
    if (from > to || to > this.bytes.length) throw corrupt(this.place, "The metadata of a variant points behind its own end.");
    return Buffer.from(this.bytes.subarray(from, to)).toString("utf8");
  }

  private number(at: number, width: number): number {
    if (at + width > this.bytes.length) throw corrupt(this.place, "The metadata of a variant is cut off.");
    return littleEndian(this.bytes.subarray(at, at + width));
  }
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}

type Primitive = (read: VariantReader, at: number) => string;

const integer =
  (width: number): Primitive =>
  (read, at) =>
    String(read.signed(at, width));

const float =
  (bits: 32 | 64): Primitive =>
  (read, at) =>
    floatText(read.float(at, bits), bits);

export function floatText(value: number, bits: 32 | 64): string {
  return Number.isFinite(value) ? javaFloat(value, bits) : `"${javaFloat(value, bits)}"`;
}

const decimal =
  (width: number): Primitive =>
  (read, at) =>
    plainDecimal(read.signed(at + 1, width), read.unsigned(at, 1));

/** By the number of the primitive type. */
const primitives: Readonly<Record<number, Primitive>> = {
  0: () => "null",
  1: () => "true",
  2: () => "false",
  3: integer(1),
  4: integer(2),
  5: integer(4),
  6: integer(8),
  7: float(64),
  8: decimal(4),
  9: decimal(8),
  10: decimal(16),
  11: (read, at) => dayText(read.signed(at, 4)),
  12: (read, at) => instantText(read.signed(at, 8), MICROS, true),
  13: (read, at) => instantText(read.signed(at, 8), MICROS, false),
  14: float(32),
  15: (read, at) => binaryText(read.slice(at + 4, read.unsigned(at, 4))),
  16: (read, at) => jsonText(read.text(at + 4, read.unsigned(at, 4))),
  17: (read, at) => timeText(read.signed(at, 8)),
  18: (read, at) => instantText(read.signed(at, 8), NANOS, true),
  19: (read, at) => instantText(read.signed(at, 8), NANOS, false),
  20: (read, at) => uuidText(read.slice(at, 16)),
};

export function binaryText(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes).toString("base64")}"`;
}

export function uuidText(bytes: Uint8Array): string {
  return `"${Buffer.from(bytes)
    .toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}"`;
}

export function dayText(days: bigint): string {
  return `"${day(days)}"`;
}

/** Digits of a fraction of a second. */
export const MICROS = 6;
export const NANOS = 9;

/** `count` micro- or nanoseconds since the epoch. */
export function instantText(count: bigint, digits: number, zoned: boolean): string {
  return `"${instant(count, digits)}${zoned ? "+00:00" : ""}"`;
}

/** Microseconds of the day. */
export function timeText(micros: bigint): string {
  return `"${clock(micros, MICROS)}"`;
}

export function plainDecimal(unscaled: bigint, scale: number): string {
  const sign = unscaled < 0n ? "-" : "";
  const digits = (unscaled < 0n ? -unscaled : unscaled).toString().padStart(scale + 1, "0");
  const fraction = scale === 0 ? "" : digits.slice(-scale).replace(/0+$/, "");
  return `${sign}${digits.slice(0, digits.length - scale)}${fraction === "" ? "" : `.${fraction}`}`;
}

const DAY_SECONDS = 86_400n;

/** Civil date of days since the epoch, as java.time.LocalDate writes it; JavaScript's dates do not reach as far. */
function day(days: bigint): string {
  const shifted = days + 719_468n;
  const era = floorDivide(shifted, 146_097n);
  const dayOfEra = shifted - era * 146_097n;
  const yearOfEra = (dayOfEra - dayOfEra / 1460n + dayOfEra / 36_524n - dayOfEra / 146_096n) / 365n;
  const dayOfYear = dayOfEra - (365n * yearOfEra + yearOfEra / 4n - yearOfEra / 100n);
  const shiftedMonth = (5n * dayOfYear + 2n) / 153n;
  const date = dayOfYear - (153n * shiftedMonth + 2n) / 5n + 1n;
  const month = shiftedMonth < 10n ? shiftedMonth + 3n : shiftedMonth - 9n;
  const year = yearOfEra + era * 400n + (month <= 2n ? 1n : 0n);
  return `${yearText(year)}-${two(month)}-${two(date)}`;
}

function yearText(year: bigint): string {
  const digits = (year < 0n ? -year : year).toString().padStart(4, "0");
  return year < 0n ? `-${digits}` : digits.length > 4 ? `+${digits}` : digits;
}

function instant(count: bigint, digits: number): string {
  const perDay = DAY_SECONDS * 10n ** BigInt(digits);
  const days = floorDivide(count, perDay);
  return `${day(days)} ${clock(count - days * perDay, digits)}`;
}

/** Without zeros at the end of the fraction. */
function clock(count: bigint, digits: number): string {
  const perSecond = 10n ** BigInt(digits);
  const seconds = count / perSecond;
  const fraction = (count % perSecond).toString().padStart(digits, "0").replace(/0+$/, "");
  const text = `${two(seconds / 3600n)}:${two((seconds / 60n) % 60n)}:${two(seconds % 60n)}`;
  return fraction === "" ? text : `${text}.${fraction}`;
}

function floorDivide(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value % by < 0n ? quotient - 1n : quotient;
}

function two(value: bigint): string {
  return value.toString().padStart(2, "0");
}

/** Java's writer has upper-case digits in the escapes of control characters. */
export function jsonText(text: string): string {
  return JSON.stringify(text).replace(/\\\\|\\u00([01][0-9a-f])/g, (found, digits?: string) =>
    digits === undefined ? found : `\\u00${digits.toUpperCase()}`,
  );
}
