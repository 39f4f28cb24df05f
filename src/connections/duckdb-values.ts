import duckdb, { type DuckDBDataChunk, type DuckDBResult, type DuckDBType, type DuckDBValue, type DuckDBVector } from "@duckdb/node-api";
import bindings from "@duckdb/node-bindings";
import { DwError } from "../core/errors.js";
import type { StoredScalar, StoredValue } from "../core/source.js";

/*
 * Values on their way between DuckDB's vectors and JavaScript.
 *
 * @duckdb/node-api decodes strings with a TextDecoder that drops a leading U+FEFF, which is data. A VARCHAR and a BLOB
 * have the same bytes in a vector, so vectors are opened here as if every VARCHAR in them were a BLOB, and the bytes are
 * decoded with Buffer, which keeps everything.
 */

const { DuckDBTypeId: Id } = duckdb;

/** The first column as strings; any type but VARCHAR in DuckDB's text. */
export function firstColumn(chunk: DuckDBDataChunk): (string | null)[] {
  const type = chunk.getColumnVector(0).type;
  const vector = rawVector(chunk, 0, type);
  const read = type.typeId === Id.VARCHAR ? text : displayed(type);
  return Array.from({ length: chunk.rowCount }, (_, row) => {
    const value = vector.getItem(row);
    return value === null ? null : read(value);
  });
}

function rawVector(chunk: DuckDBDataChunk, column: number, type: DuckDBType): DuckDBVector {
  return duckdb.DuckDBVector.create(bindings.data_chunk_get_vector(chunk.chunk, column), chunk.rowCount, withoutVarchar(type));
}

function withoutVarchar(type: DuckDBType): DuckDBType {
  switch (type.typeId) {
    case Id.VARCHAR:
      return duckdb.BLOB;
    case Id.LIST:
      return duckdb.LIST(withoutVarchar(type.valueType));
    case Id.ARRAY:
      return duckdb.ARRAY(withoutVarchar(type.valueType), type.length);
    case Id.MAP:
      return duckdb.MAP(withoutVarchar(type.keyType), withoutVarchar(type.valueType));
    case Id.STRUCT:
      return new duckdb.DuckDBStructType(type.entryNames, type.entryTypes.map(withoutVarchar));
    default:
      return type;
  }
}

/** Rows as objects: integers up to 32 bits, floats and booleans as such, lists, structs and maps ([key, value] pairs) nested, all else as text. */
export async function rowObjects(result: DuckDBResult): Promise<Record<string, unknown>[]> {
  const names = result.columnNames();
  const types = result.columnTypes();
  const rows: Record<string, unknown>[] = [];
  for (let chunk = await result.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await result.fetchChunk()) {
    const current = chunk;
    const vectors = types.map((type, column) => rawVector(current, column, type));
    for (let row = 0; row < current.rowCount; row++) {
      rows.push(Object.fromEntries(names.map((name, column) => [name, plain(vectors[column]?.getItem(row) ?? null, types[column])])));
    }
  }
  return rows;
}

function plain(value: DuckDBValue, type: DuckDBType | undefined): unknown {
  if (value === null || type === undefined || typeof value === "number" || typeof value === "boolean") return value;
  switch (type.typeId) {
    case Id.VARCHAR:
      return text(value);
    case Id.LIST:
    case Id.ARRAY:
      // The vector was opened with this very type.
      return (value as { items: readonly DuckDBValue[] }).items.map((item) => plain(item, type.valueType));
    case Id.MAP:
      return (value as { entries: readonly { key: DuckDBValue; value: DuckDBValue }[] }).entries.map((entry) => [
        plain(entry.key, type.keyType),
        plain(entry.value, type.valueType),
      ]);
    case Id.STRUCT: {
      const { entries } = value as { entries: Readonly<Record<string, DuckDBValue>> };
      return Object.fromEntries(type.entryNames.map((name, index) => [name, plain(entries[name] ?? null, type.entryTypes[index])]));
    }
    default:
      return String(value);
  }
}

function text(value: DuckDBValue): string {
  const { bytes } = value as { bytes: Uint8Array }; // a VARCHAR that was opened as a BLOB
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
}

function displayed(type: DuckDBType): (value: DuckDBValue) => string {
  return (value) => {
    const shown = plain(value, type);
    return typeof shown === "object" ? JSON.stringify(shown) : String(shown);
  };
}

/** Values of a column of a chunk that a function is called with. */
export function storedValues(chunk: DuckDBDataChunk, column: number): readonly StoredValue[] {
  const { type } = chunk.getColumnVector(column);
  const vector = rawVector(chunk, column, type);
  return Array.from({ length: chunk.rowCount }, (_, row) => stored(vector.getItem(row), type));
}

function stored(value: DuckDBValue, type: DuckDBType): StoredValue {
  if (value === null) return { is: "null" };
  switch (type.typeId) {
    case Id.STRUCT: {
      const { entries } = value as { entries: Readonly<Record<string, DuckDBValue>> }; // the vector was opened with this very type
      const members = type.entryNames.map(
        (name, at) => [name, stored(entries[name] ?? null, type.entryTypes[at] ?? duckdb.SQLNULL)] as const,
      );
      return { is: "struct", members: new Map(members) };
    }
    case Id.LIST: {
      const { items } = value as { items: readonly DuckDBValue[] };
      return { is: "list", items: items.map((item) => stored(item, type.valueType)) };
    }
    default:
      return { is: "scalar", type: type.alias ?? duckdb.DuckDBTypeId[type.typeId], value: storedScalar(value), scale: scaleOf(type) };
  }
}

function scaleOf(type: DuckDBType): number {
  return type.typeId === Id.DECIMAL ? type.scale : 0;
}

/** The members in which the classes of @duckdb/node-api keep what a vector holds. */
const held = ["bytes", "value", "days", "micros", "nanos", "millis", "seconds"] as const;

function storedScalar(value: DuckDBValue): StoredScalar {
  if (typeof value === "number" || typeof value === "boolean" || typeof value === "bigint") return value;
  if (value instanceof duckdb.DuckDBUUIDValue) return Buffer.from(value.toUint128().toString(16).padStart(32, "0"), "hex");
  const own = held.flatMap((name) => {
    const inside = value !== null && typeof value === "object" && name in value ? Reflect.get(value, name) : undefined;
    return typeof inside === "bigint" || typeof inside === "number" || inside instanceof Uint8Array ? [inside] : [];
  });
  if (own[0] === undefined) throw new Error(`a function was called with ${String(value)}`);
  return own[0];
}

type Convert = (value: unknown) => DuckDBValue;

/**
 * Values for one column of a data chunk. Value forms, by DuckDB type (null and undefined are NULL everywhere):
 * BOOLEAN boolean; integers up to 32 bits number; BIGINT, UBIGINT, HUGEINT, UHUGEINT bigint or a safe number;
 * FLOAT, DOUBLE number; DECIMAL the unscaled value as bigint or safe number; DATE days since the epoch as number;
 * TIME microseconds, TIME_NS nanoseconds of the day, TIMESTAMP and TIMESTAMPTZ microseconds, TIMESTAMP_S, _MS, _NS their
 * unit since the epoch, each bigint or safe number; VARCHAR and ENUM string; BLOB Uint8Array; UUID text or 16 bytes;
 * INTERVAL {months, days, micros}; LIST an array; MAP an array of [key, value]; STRUCT an object with a member a field
 * (a missing one is NULL).
 */
export function chunkValues(values: ArrayLike<unknown>, start: number, rows: number, type: DuckDBType): DuckDBValue[] {
  const convert = converter(type);
  return Array.from({ length: rows }, (_, row) => convert(values[start + row]));
}

function converter(type: DuckDBType): Convert {
  const convert = converterOf(type);
  return (value) => (value === null || value === undefined ? null : convert(value));
}

function converterOf(type: DuckDBType): Convert {
  switch (type.typeId) {
    case Id.BIGINT:
    case Id.UBIGINT:
    case Id.HUGEINT:
    case Id.UHUGEINT:
      return big;
    case Id.DECIMAL:
      return (value) => new duckdb.DuckDBDecimalValue(big(value), type.width, type.scale);
    case Id.DATE:
      return (value) => new duckdb.DuckDBDateValue(Number(value));
    case Id.TIME:
      return (value) => new duckdb.DuckDBTimeValue(big(value));
    case Id.TIME_NS:
      return (value) => new duckdb.DuckDBTimeNSValue(big(value));
    case Id.TIMESTAMP:
      return (value) => new duckdb.DuckDBTimestampValue(big(value));
    case Id.TIMESTAMP_TZ:
      return (value) => new duckdb.DuckDBTimestampTZValue(big(value));
    case Id.TIMESTAMP_S:
      return (value) => new duckdb.DuckDBTimestampSecondsValue(big(value));
    case Id.TIMESTAMP_MS:
      return (value) => new duckdb.DuckDBTimestampMillisecondsValue(big(value));
    case Id.TIMESTAMP_NS:
      return (value) => new duckdb.DuckDBTimestampNanosecondsValue(big(value));
    case Id.BLOB:
      return (value) => new duckdb.DuckDBBlobValue(value as Uint8Array); // the documented value form
    case Id.UUID:
      return uuid;
    case Id.INTERVAL:
      return (value) => {
        const { months, days, micros } = value as { months: number; days: number; micros: bigint }; // the documented value form
        return new duckdb.DuckDBIntervalValue(months, days, micros);
      };
    case Id.LIST: {
      const item = converter(type.valueType);
      return (value) => new duckdb.DuckDBListValue(Array.from(value as ArrayLike<unknown>, item));
    }
    case Id.MAP: {
      const [key, member] = [converter(type.keyType), converter(type.valueType)];
      return (value) =>
        new duckdb.DuckDBMapValue((value as readonly [unknown, unknown][]).map((pair) => ({ key: key(pair[0]), value: member(pair[1]) })));
    }
    case Id.STRUCT: {
      const members = type.entryNames.map((name, index) => [name, converter(type.entryTypes[index] ?? duckdb.SQLNULL)] as const);
      return (value) => {
        const from = value as Readonly<Record<string, unknown>>;
        return new duckdb.DuckDBStructValue(
          Object.fromEntries(members.map(([name, convert]) => [name, convert(Object.hasOwn(from, name) ? from[name] : null)])),
        );
      };
    }
    default:
      return (value) => value as DuckDBValue; // numbers, booleans and strings are DuckDB's own value forms
  }
}

function big(value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  throw new DwError("DW-VALUE-REFUSED", {
    what: `${String(value)} is not an exact integer.`,
    why: "A column of integers, decimals or times takes bigint values or safe integers only.",
    fix: "This value comes from a file's reader; the file is probably damaged.",
  });
}

function uuid(value: unknown): DuckDBValue {
  const hex = typeof value === "string" ? value.replaceAll("-", "") : Buffer.from(value as Uint8Array).toString("hex"); // text or 16 bytes
  return duckdb.DuckDBUUIDValue.fromUint128(BigInt(`0x${hex}`));
}
