import { editFooter, I32, isStruct, member, structs, type ThriftStruct } from "./thrift-tree.js";

/*
 * Timestamps finer than microseconds lie in Parquet as INT96 (Hive, Spark, Paimon's TIMESTAMP(9)), of which DuckDB's reader
 * keeps microseconds only. An INT96 and a FIXED_LEN_BYTE_ARRAY(12) have the same bytes in every encoding that INT96 has,
 * so a copy of the file whose footer says the latter gives the twelve bytes as they are. Footer: Parquet "File format",
 * Thrift compact protocol.
 */

const INT96 = 3n;
const FIXED_LEN_BYTE_ARRAY = 7n;
const INT96_BYTES = 12n;

/** Changes the Parquet file at `path` in place; only ever a copy. `name` is for messages. Answers whether it had any INT96. */
export function int96AsBytes(path: string, name: string): Promise<boolean> {
  return editFooter(path, name, relabel);
}

/** Field ids of parquet.thrift. */
const FILE = { schema: 2, rowGroups: 4 };
const SCHEMA_ELEMENT = { type: 1, typeLength: 2 };
const ROW_GROUP = { columns: 1 };
const COLUMN_CHUNK = { metadata: 3 };
const COLUMN_METADATA = { type: 1, statistics: 12 };

function relabel(footer: ThriftStruct): boolean {
  const elements = structs(footer, FILE.schema).filter((element) => member(element, SCHEMA_ELEMENT.type) === INT96);
  for (const element of elements) {
    const rest = element.fields.filter(({ id }) => id !== SCHEMA_ELEMENT.type && id !== SCHEMA_ELEMENT.typeLength);
    element.fields = [
      { id: SCHEMA_ELEMENT.type, type: I32, value: FIXED_LEN_BYTE_ARRAY },
      { id: SCHEMA_ELEMENT.typeLength, type: I32, value: INT96_BYTES },
      ...rest,
    ];
  }
  for (const group of structs(footer, FILE.rowGroups)) {
    for (const chunk of structs(group, ROW_GROUP.columns)) {
      const metadata = member(chunk, COLUMN_CHUNK.metadata);
      if (isStruct(metadata) && member(metadata, COLUMN_METADATA.type) === INT96) {
        const rest = metadata.fields.filter(({ id }) => id !== COLUMN_METADATA.type && id !== COLUMN_METADATA.statistics);
        metadata.fields = [{ id: COLUMN_METADATA.type, type: I32, value: FIXED_LEN_BYTE_ARRAY }, ...rest];
      }
    }
  }
  return elements.length > 0;
}

const NANOSECONDS_A_DAY = 86_400_000_000_000n;
const JULIAN_EPOCH = 2_440_588;

/**
 * Such twelve bytes as SQL: days since 1970-01-01 and nanoseconds since midnight, BIGINT. Eight little-endian bytes of
 * nanoseconds, signed since a writer may count back from midnight, and four of the Julian day.
 */
function int96Parts(bytes: string): { readonly days: string; readonly nanoseconds: string } {
  const pairs = (from: number, to: number): string =>
    Array.from({ length: to - from }, (_, index) => `substr(hex(${bytes}), ${2 * (to - index) - 1}, 2)`).join(" || ");
  const unsigned = `CAST('0x' || ${pairs(0, 8)} AS UBIGINT)::HUGEINT`;
  return {
    days: `(CAST('0x' || ${pairs(8, 12)} AS BIGINT) - ${JULIAN_EPOCH})`,
    nanoseconds: `CAST(if(${unsigned} >= ${2n ** 63n}, ${unsigned} - ${2n ** 64n}, ${unsigned}) AS BIGINT)`,
  };
}

/** Such twelve bytes as a TIMESTAMP_NS, in SQL. */
export function int96Nanos(bytes: string): string {
  const { days, nanoseconds } = int96Parts(bytes);
  return `make_timestamp_ns(${days} * ${NANOSECONDS_A_DAY} + ${nanoseconds})`;
}

/** Such twelve bytes as a TIMESTAMP, in SQL; what is finer than microseconds is refused. */
export function int96Micros(bytes: string): string {
  const { days, nanoseconds } = int96Parts(bytes);
  const micros = `make_timestamp(${days} * ${NANOSECONDS_A_DAY / 1000n} + ${nanoseconds} // 1000)`;
  const refusal =
    "error('DW-VALUE-REFUSED: A time in INT96 is finer than microseconds; a model that types the column as nanoseconds keeps it.')";
  return `CASE WHEN ${bytes} IS NULL THEN NULL WHEN ${nanoseconds} % 1000 <> 0 THEN ${refusal} ELSE ${micros} END`;
}
