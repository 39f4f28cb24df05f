import { crc32 } from "node:zlib";
import type { ColumnBatch } from "../../core/source.js";
import { decompressed, MAX_BLOCK_BYTES } from "../compression/named.js";
import { loadZstd } from "../compression/zstd.js";
import { corrupt, tooLarge, unsupported } from "../damage.js";
import { overlap, type RowRange } from "../vector.js";
import { type AvroRecordType, type AvroType, optional, parseAvroSchema } from "./schema.js";
import {
  AvroCursor,
  type AvroRecord,
  type AvroValue,
  compileRead,
  compileSkip,
  leastBytes,
  type ReadValue,
  type Wanted,
} from "./values.js";

export { type AvroAttributes, type AvroField, type AvroRecordType, type AvroType, optional } from "./schema.js";
export type { AvroEntries, AvroRecord, AvroValue, Wanted } from "./values.js";

/*
 * Avro object container files (Avro 1.12, "Object Container Files"): a header with schema and metadata, then blocks of
 * rows, each compressed by itself and followed by the header's sync marker.
 *
 * Errors: DW-FILE-CORRUPT, DW-FILE-TOO-LARGE, and DW-SOURCE-UNSUPPORTED for codecs (bzip2, xz) and recursive schemas.
 */

export interface AvroHeader {
  /** Type of one row. A top-level union with null, as Paimon writes it, is taken off. */
  readonly row: AvroRecordType;
  /** The writer's metadata as text: `schema`, `partition-spec`, `format-version`, … */
  readonly metadata: ReadonlyMap<string, string>;
}

/** A file read piece by piece, so that its size does not matter. `name` is for messages. */
export interface AvroInput {
  readonly name: string;
  readonly size: number;
  readonly read: (start: number, length: number) => Promise<Uint8Array>;
}

export interface AvroColumns extends AvroHeader {
  /**
   * The named top-level fields, column by column, in batches of at most `rows` rows. Values are Avro's own: a decimal is
   * its bytes, a timestamp its bigint; a list is an array, a map an array of pairs, a record an object. Blocks without a
   * row of `range` are passed over. `part` is a range of bytes: the blocks behind the sync markers that begin in it, so that
   * ranges which follow each other have each block once; positions are then counted from the part's first row.
   */
  readonly batches: (fields: readonly string[], rows?: number, range?: RowRange, part?: RowRange) => AsyncGenerator<PlacedBatch>;
}

export interface PlacedBatch extends ColumnBatch {
  /** Position in the file of the batch's first row. */
  readonly firstRow: number;
}

/** All rows of a small file (a manifest). Fields that `wanted` refuses are absent. */
export async function readAvro(
  bytes: Uint8Array,
  file: string,
  wanted?: Wanted,
): Promise<AvroHeader & { readonly rows: readonly AvroRecord[] }> {
  const header = parseHeader(bytes, file);
  await header.ready();
  const read = compileRead(header.schema, wanted);
  const rows: AvroRecord[] = [];
  for (let at = header.end; at < bytes.length; ) {
    const block = frameAt(bytes, at, header, file);
    if (block === undefined) throw corrupt(file, "It ends in the middle of a block.");
    readBlock(block, header, file, (cursor) => rows.push(asRecord(read(cursor), file)));
    at = block.next;
  }
  return { row: header.row, metadata: header.metadata, rows };
}

const HEADER_STEP = 64 * 1024;
const MAX_HEADER_BYTES = 16 * 1024 * 1024;
const READ_STEP = 4 * 1024 * 1024;

export async function openAvro(input: AvroInput): Promise<AvroColumns> {
  const header = await readHeader(input);
  await header.ready();
  return {
    row: header.row,
    metadata: header.metadata,
    batches: (fields, rows = 2048, range, part) => batches(input, header, fields, { rows, range, part }),
  };
}

async function readHeader(input: AvroInput): Promise<Header> {
  for (let length = HEADER_STEP; ; length *= 4) {
    const bytes = await input.read(0, Math.min(length, input.size));
    try {
      return parseHeader(bytes, input.name);
    } catch (error) {
      if (bytes.length >= input.size) throw error;
      if (length > MAX_HEADER_BYTES) throw tooLarge(input.name, "The header", MAX_HEADER_BYTES);
    }
  }
}

interface Header extends AvroHeader {
  readonly schema: AvroType;
  readonly codec: Codec;
  /** Has to be awaited before the codec is used. */
  readonly ready: () => Promise<void>;
  readonly sync: Uint8Array;
  /** Where the first block starts. */
  readonly end: number;
}

type Codec = (bytes: Uint8Array, file: string) => Uint8Array;

const codecs = new Map<string, Codec>([
  ["null", (bytes) => bytes],
  ["deflate", (bytes, file) => decompressed("deflate", bytes, file)],
  ["snappy", checkedSnappy],
  ["zstandard", (bytes, file) => decompressed("zstd", bytes, file)],
]);

const MAGIC = [0x4f, 0x62, 0x6a, 0x01]; // "Obj", 1
const SYNC_BYTES = 16;
const metadataType: AvroType = { kind: "map", values: { kind: "bytes", attributes: {} }, attributes: {} };
const readMetadata = compileRead(metadataType);

function parseHeader(bytes: Uint8Array, file: string): Header {
  if (MAGIC.some((byte, index) => bytes[index] !== byte)) throw corrupt(file, "It does not start like an Avro file.");
  const cursor = new AvroCursor(bytes, file);
  cursor.advance(MAGIC.length);
  const entries = readMetadata(cursor) as readonly (readonly [string, Uint8Array])[]; // the type compiled above is a map of bytes
  const metadata = new Map(entries.map(([key, value]) => [key, Buffer.from(value).toString("utf8")]));
  const sync = cursor.take(SYNC_BYTES);
  const text = metadata.get("avro.schema");
  if (text === undefined) throw corrupt(file, "Its header has no schema.");
  const schema = parseAvroSchema(text, file);
  const codec = codecOf(metadata, file);
  const ready = metadata.get("avro.codec") === "zstandard" ? loadZstd : async (): Promise<void> => {};
  return { schema, row: rowType(schema, file), metadata, codec, ready, sync, end: cursor.position };
}

function rowType(schema: AvroType, file: string): AvroRecordType {
  const { type } = optional(schema);
  if (type.kind === "record") return type;
  throw unsupported(
    `${file} holds ${type.kind} values, not records.`,
    "A row needs named columns.",
    "Check that this file belongs to the table.",
  );
}

function codecOf(metadata: ReadonlyMap<string, string>, file: string): Codec {
  const name = metadata.get("avro.codec") ?? "null";
  const codec = codecs.get(name);
  if (codec !== undefined) return codec;
  throw unsupported(
    `${file} is compressed with ${JSON.stringify(name.slice(0, 40))}.`,
    `dw reads Avro files with the codecs ${[...codecs.keys()].join(", ")}.`,
    "Rewrite the files with deflate or zstandard before exporting the table.",
  );
}

/** Avro puts a big-endian CRC-32 of the uncompressed bytes after a Snappy block. */
function checkedSnappy(bytes: Uint8Array, file: string): Uint8Array {
  const end = bytes.length - 4;
  if (end < 0) throw corrupt(file, "A Snappy block in it has no checksum.");
  const plain = decompressed("snappy", bytes.subarray(0, end), file);
  const stored = new DataView(bytes.buffer, bytes.byteOffset + end, 4).getUint32(0);
  if (crc32(plain) !== stored) throw corrupt(file, "A Snappy block in it does not match its checksum.");
  return plain;
}

interface Block {
  readonly rows: number;
  readonly compressed: Uint8Array;
  /** Where the next block starts. */
  readonly next: number;
}

/** The block at `at`, or undefined where `bytes` end before it does. */
function frameAt(bytes: Uint8Array, at: number, header: Header, file: string): Block | undefined {
  const cursor = new AvroCursor(bytes.subarray(at, at + 20), file);
  const head = frameHead(cursor, bytes.length - at);
  if (head === undefined) return undefined;
  const { rows, size } = head;
  if (rows < 0 || size < 0) throw corrupt(file, "A block in it has a negative size.");
  if (size > MAX_BLOCK_BYTES) throw tooLarge(file, "A block", MAX_BLOCK_BYTES);
  const start = at + cursor.position;
  const end = start + size;
  if (end + SYNC_BYTES > bytes.length) return undefined;
  if (header.sync.some((byte, index) => bytes[end + index] !== byte))
    throw corrupt(file, "A block in it does not end with the sync marker.");
  return { rows, compressed: bytes.subarray(start, end), next: end + SYNC_BYTES };
}

/** Two longs take at most 20 bytes; fewer may be all that has been read so far. */
function frameHead(cursor: AvroCursor, available: number): { readonly rows: number; readonly size: number } | undefined {
  if (available >= 20) return { rows: cursor.integer(), size: cursor.integer() };
  try {
    return { rows: cursor.integer(), size: cursor.integer() };
  } catch {
    return undefined; // incomplete: the caller reads on, or finds that the file ends here
  }
}

function readBlock(block: Block, header: Header, file: string, row: (cursor: AvroCursor) => void): void {
  const cursor = new AvroCursor(header.codec(block.compressed, file), file);
  cursor.expectItems(block.rows, leastBytes(header.schema));
  for (let index = 0; index < block.rows; index++) row(cursor);
  if (cursor.left > 0) throw corrupt(file, "A block in it holds more than its rows.");
}

function asRecord(value: AvroValue, file: string): AvroRecord {
  if (value === null) throw corrupt(file, "A row in it is null.");
  return value as AvroRecord; // rowType: apart from null, the schema's only branch is a record
}

async function* blocks(input: AvroInput, header: Header, part: RowRange = { start: 0, end: input.size }): AsyncGenerator<Block> {
  let at = await firstBlock(input, header, part);
  let step = READ_STEP;
  const isOver = (): boolean => at - SYNC_BYTES >= part.end;
  while (at < input.size && !isOver()) {
    const bytes = await input.read(at, Math.min(step, input.size - at));
    let position = 0;
    for (let block = frameAt(bytes, 0, header, input.name); block !== undefined; ) {
      yield block;
      position = block.next;
      if (at + position - SYNC_BYTES >= part.end) return;
      block = position < bytes.length ? frameAt(bytes, position, header, input.name) : undefined;
    }
    if (position === 0 && at + bytes.length >= input.size) throw corrupt(input.name, "It ends in the middle of a block.");
    at += position;
    step = position === 0 ? step * 4 : READ_STEP;
  }
}

/** Behind the first sync marker that begins in a part; behind the part's end where none does. */
async function firstBlock(input: AvroInput, header: Header, { start, end }: RowRange): Promise<number> {
  if (start === 0) return header.end;
  for (let at = Math.max(start, header.end - SYNC_BYTES); at < Math.min(end, input.size); at += READ_STEP) {
    const bytes = await input.read(at, Math.min(READ_STEP + SYNC_BYTES - 1, input.size - at));
    const found = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).indexOf(header.sync);
    if (found >= 0) return at + found + SYNC_BYTES;
  }
  return end + SYNC_BYTES;
}

interface Reading {
  /** Rows of a batch. */
  readonly rows: number;
  readonly range: RowRange | undefined;
  readonly part: RowRange | undefined;
}

async function* batches(
  input: AvroInput,
  header: Header,
  fields: readonly string[],
  { rows: size, range, part }: Reading,
): AsyncGenerator<PlacedBatch> {
  const read = rowReader(header, fields, input.name);
  let firstRow = 0;
  for await (const block of blocks(input, header, part)) {
    const place = { start: firstRow, end: firstRow + block.rows };
    firstRow = place.end;
    if (!overlap(place, range)) continue;
    const columns = fields.map((): unknown[] => []);
    readBlock(block, header, input.name, (cursor) => read(cursor, columns));
    yield* cut(columns, place, size);
  }
}

function* cut(columns: readonly unknown[][], place: RowRange, size: number): Generator<PlacedBatch> {
  const rows = place.end - place.start;
  for (let start = 0; start < rows; start += size) {
    const end = Math.min(start + size, rows);
    yield { firstRow: place.start + start, rows: end - start, columns: columns.map((column) => column.slice(start, end)) };
  }
}

type ReadRow = (cursor: AvroCursor, columns: readonly unknown[][]) => void;

/** Reads one row into columns; fields that nobody asked for are passed over. */
function rowReader(header: Header, fields: readonly string[], file: string): ReadRow {
  const missing = fields.find((name) => !header.row.fields.some((field) => field.name === name));
  if (missing !== undefined) throw corrupt(file, `It has no field ${missing}.`);
  const steps = header.row.fields.map((field) => {
    const column = fields.indexOf(field.name);
    return column < 0 ? { column, skip: compileSkip(field.type) } : { column, read: compileRead(field.type) };
  });
  const readSteps: ReadRow = (cursor, columns) => {
    for (const step of steps) {
      if (step.skip !== undefined) step.skip(cursor);
      else columns[step.column]?.push(step.read(cursor));
    }
  };
  return header.schema.kind === "union" ? afterBranch(header.schema.branches, readSteps, file) : readSteps;
}

function afterBranch(branches: readonly AvroType[], read: ReadRow, file: string): ReadRow {
  const branch: ReadValue = (cursor) => cursor.integer();
  return (cursor, columns) => {
    const chosen = branches[Number(branch(cursor))];
    if (chosen?.kind !== "record") throw corrupt(file, "A row in it is null.");
    read(cursor, columns);
  };
}
