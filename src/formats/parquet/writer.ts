import type { Vector } from "../vector.js";
import { type ParquetColumn, physicalTypes, schemaElements, writeElement } from "./schema.js";
import { type ShreddedLeaf, shred } from "./shred.js";
import { ThriftWriter } from "./thrift.js";

/*
 * Writes vectors as an uncompressed Parquet file: how rows of formats that DuckDB does not read (ORC, Avro) reach it. Handing
 * them over through the client's appender costs a call a value; this costs a copy a column. One page a column chunk,
 * PLAIN values, one row group a batch. https://parquet.apache.org/docs/file-format/
 */

const MAGIC = new TextEncoder().encode("PAR1");

interface ColumnChunk {
  readonly leaf: ShreddedLeaf;
  readonly physical: number;
  readonly offset: number;
  readonly size: number;
}

interface RowGroup {
  readonly rows: number;
  readonly chunks: readonly ColumnChunk[];
}

/** Writes batches as they come; `write` appends bytes to the file. Call `close` once at the end. */
export class ParquetWriter {
  private offset = 0;
  private readonly groups: RowGroup[] = [];

  constructor(
    private readonly columns: readonly ParquetColumn[],
    private readonly write: (bytes: Uint8Array) => void,
  ) {
    this.append(MAGIC);
  }

  /** One vector a column, all of the same length. */
  rowGroup(rows: number, vectors: readonly Vector[]): void {
    const leaves = this.columns.flatMap(({ name, type }, index) => {
      const vector = vectors[index];
      if (vector?.length !== rows) throw new RangeError(`column ${name} has ${vector?.length} rows instead of ${rows}`);
      return shred(name, type, vector);
    });
    this.groups.push({ rows, chunks: leaves.map((leaf) => this.chunk(leaf)) });
  }

  close(): void {
    const footer = this.footer();
    this.append(footer);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, footer.length, true);
    this.append(length);
    this.append(MAGIC);
  }

  private append(bytes: Uint8Array): void {
    this.write(bytes);
    this.offset += bytes.length;
  }

  private chunk(leaf: ShreddedLeaf): ColumnChunk {
    const levels = [levelBytes(leaf.repetition, leaf.maxRepetition), levelBytes(leaf.definition, leaf.maxDefinition)];
    const values = plain(leaf.values);
    const size = levels.reduce((sum, level) => sum + level.length, values.length);
    const header = pageHeader(leaf.definition.length, size);
    const offset = this.offset;
    this.append(header);
    for (const level of levels) if (level.length > 0) this.append(level);
    this.append(values);
    const physical = physicalTypes[leaf.values.kind as keyof typeof physicalTypes]; // leaves are never lists, maps or structs
    return { leaf, physical, offset, size: header.length + size };
  }

  private footer(): Uint8Array {
    const thrift = new ThriftWriter();
    thrift.int32(1, 1);
    thrift.structs(2, schemaElements(this.columns), (element) => writeElement(thrift, element));
    thrift.int64(
      3,
      this.groups.reduce((sum, group) => sum + group.rows, 0),
    );
    thrift.structs(4, this.groups, (group) => {
      thrift.structs(1, group.chunks, (chunk) => writeChunk(thrift, chunk));
      thrift.int64(
        2,
        group.chunks.reduce((sum, chunk) => sum + chunk.size, 0),
      );
      thrift.int64(3, group.rows);
    });
    return thrift.finish();
  }
}

function writeChunk(thrift: ThriftWriter, { leaf, physical, offset, size }: ColumnChunk): void {
  thrift.int64(2, offset);
  thrift.struct(3, () => {
    thrift.int32(1, physical);
    thrift.int32s(2, [0, 3]); // PLAIN values, RLE levels
    thrift.texts(3, leaf.path);
    thrift.int32(4, 0); // uncompressed
    thrift.int64(5, leaf.definition.length);
    thrift.int64(6, size);
    thrift.int64(7, size);
    thrift.int64(9, offset);
  });
}

function pageHeader(slots: number, size: number): Uint8Array {
  const thrift = new ThriftWriter();
  thrift.int32(1, 0); // DATA_PAGE
  thrift.int32(2, size);
  thrift.int32(3, size);
  thrift.struct(5, () => {
    thrift.int32(1, slots);
    thrift.int32(2, 0); // PLAIN
    thrift.int32(3, 3); // RLE
    thrift.int32(4, 3);
  });
  return thrift.finish();
}

/** Levels with their length in front, as RLE where all are equal, otherwise bit-packed. None where only one is possible. */
function levelBytes(levels: Uint8Array, max: number): Uint8Array {
  if (max === 0) return new Uint8Array();
  const width = 32 - Math.clz32(max);
  const first = levels[0] ?? 0;
  const equal = levels.every((level) => level === first);
  const body = equal ? [...varint(levels.length * 2), first] : varint(Math.ceil(levels.length / 8) * 2 + 1);
  const packed = equal ? new Uint8Array() : bitPack(levels, width);
  const out = new Uint8Array(4 + body.length + packed.length);
  new DataView(out.buffer).setUint32(0, body.length + packed.length, true);
  out.set(body, 4);
  out.set(packed, 4 + body.length);
  return out;
}

/** Lowest bit first, padded to a group of eight values. */
function bitPack(levels: Uint8Array, width: number): Uint8Array {
  const out = new Uint8Array(Math.ceil(levels.length / 8) * width);
  let bit = 0;
  for (const level of levels) {
    const at = bit >> 3;
    const shifted = level << (bit & 7);
    out[at] = (out[at] as number) | (shifted & 0xff);
    if (shifted > 0xff) out[at + 1] = (out[at + 1] as number) | (shifted >> 8);
    bit += width;
  }
  return out;
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) | 128, ...varint(Math.floor(value / 128))];
}

function plain(vector: Vector): Uint8Array {
  switch (vector.kind) {
    case "boolean":
      return bitPack(vector.values, 1).subarray(0, Math.ceil(vector.values.length / 8));
    case "int32":
    case "int64":
    case "float32":
    case "float64":
      return new Uint8Array(vector.values.buffer, vector.values.byteOffset, vector.values.byteLength);
    case "fixed":
      return vector.bytes;
    case "bytes":
      return lengthPrefixed(vector.offsets, vector.bytes);
    case "list":
    case "map":
    case "struct":
      throw new RangeError(`a ${vector.kind} where the schema has a leaf`);
  }
}

function lengthPrefixed(offsets: Int32Array, bytes: Uint8Array): Uint8Array {
  const count = offsets.length - 1;
  const out = new Uint8Array((offsets[count] as number) - (offsets[0] as number) + 4 * count);
  let to = 0;
  for (let i = 0; i < count; i++) {
    const start = offsets[i] as number;
    const length = (offsets[i + 1] as number) - start;
    out[to] = length & 0xff;
    out[to + 1] = (length >> 8) & 0xff;
    out[to + 2] = (length >> 16) & 0xff;
    out[to + 3] = length >>> 24;
    to += 4;
    // Short values: a loop beats set() by the cost of making a view.
    if (length < 24) for (let b = start; b < start + length; b++) out[to++] = bytes[b] as number;
    else {
      out.set(bytes.subarray(start, start + length), to);
      to += length;
    }
  }
  return out;
}
