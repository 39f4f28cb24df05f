import { loadZstd } from "../compression/zstd.js";
import { overlap, type RowRange, type Vector } from "../vector.js";
import type { ByteSource } from "./byte-source.js";
import { type ColumnReader, columnReader, type StripeColumns, type TimestampUnits } from "./columns.js";
import { corrupt } from "./failure.js";
import {
  type ColumnStatistics,
  type Footer,
  type OrcType,
  type Postscript,
  parseFooter,
  parsePostscript,
  parseRowIndex,
  parseStripeFooter,
  parseStripeStatistics,
  type RowIndexEntry,
  type StripeFooter,
  type StripeInformation,
} from "./metadata.js";
import { ByteStream, type Codec, decompressSection } from "./streams.js";

/** Footers larger than this are refused rather than held in memory, bytes. */
const FOOTER_LIMIT = 64 * 1024 * 1024;

export interface OrcFile {
  readonly schema: OrcType;
  readonly rows: number;
  readonly stripes: readonly StripeInformation[];
  readonly userMetadata: ReadonlyMap<string, Uint8Array>;
  /** Per stripe, by column id; empty where the writer gave none. */
  readonly stripeStatistics: () => readonly (readonly ColumnStatistics[])[];
  /** Rows of the chosen top-level fields (indexes into schema.children), in batches. */
  readonly batches: (request: ReadRequest) => Generator<Batch>;
  /** The parts of the file that `batches` reads of the same request: first the footers of its stripes, which say where the others are. */
  readonly stripeFooters: (request: Scope) => readonly ByteRange[];
  readonly streams: (request: Scope) => readonly ByteRange[];
}

export interface ByteRange {
  readonly start: number;
  /** Bytes. */
  readonly length: number;
}

/** What of a request decides which parts of the file are read. */
export type Scope = Pick<ReadRequest, "fields" | "wanted" | "rows">;

export interface ReadRequest {
  readonly fields: readonly number[];
  /** At most this many rows a batch. */
  readonly batchRows: number;
  readonly timestampUnit: TimestampUnits;
  /**
   * Decides from statistics (by column id) whether a stripe or row group can hold a wanted row. False skips it. Columns
   * without statistics are absent.
   */
  readonly wanted?: (statistics: readonly (ColumnStatistics | undefined)[]) => boolean;
  /** Positions of the wanted rows in the file. Batches may begin before and end after them: stripes and row groups are whole. */
  readonly rows?: RowRange;
  /**
   * Days and zone-less times before 1582-10-15 become those of the proleptic Gregorian calendar where the footer says, or
   * means, that the writer used Java's hybrid one. Lakes that keep their own count of days leave it out.
   */
  readonly proleptic?: boolean;
}

export interface Batch {
  /** Position in the file of the batch's first row. */
  readonly firstRow: number;
  readonly rows: number;
  readonly columns: readonly Vector[];
}

/** So many bytes at the end of a file tell where its tail begins. */
export const POSTSCRIPT_BYTES = 256;

/** Where that begins which opening a file reads: of `source` the last POSTSCRIPT_BYTES must be here. */
export function tailStart(source: ByteSource): number {
  return readPostscript(source).metadataStart;
}

/** Opens an ORC file: reads postscript and footer only. Throws DW-FILE-CORRUPT or DW-SOURCE-UNSUPPORTED. */
export async function openOrc(source: ByteSource): Promise<OrcFile> {
  const { postscript, metadataStart, footerStart } = readPostscript(source);
  if (postscript.compression === "zstd") await loadZstd();
  const codec: Codec = { kind: postscript.compression, blockSize: Math.max(postscript.blockSize, 1) };
  const footer = parseFooter(decompressSection(source.read(footerStart, postscript.footerLength), codec));
  checkStripes(footer.stripes, metadataStart, footer.rows);
  const stripeStatistics = (): ColumnStatistics[][] =>
    parseStripeStatistics(decompressSection(source.read(metadataStart, postscript.metadataLength), codec));
  const places = (request: Scope): StripePlace[] => {
    // Before HIVE-8732 a stripe's statistics could miss texts.
    const statistics = request.wanted && postscript.writerVersion > 0 ? stripeStatistics() : [];
    let firstRow = 0;
    return footer.stripes.flatMap((stripe, index) => {
      const place = { stripe, firstRow };
      firstRow += stripe.rows;
      const wanted = overlap({ start: place.firstRow, end: firstRow }, request.rows) && mayHold(statistics[index], stripe.rows, request);
      return wanted ? [place] : [];
    });
  };
  return {
    schema: footer.root,
    rows: footer.rows,
    stripes: footer.stripes,
    userMetadata: footer.userMetadata,
    stripeStatistics,
    batches: function* (request) {
      for (const place of places(request)) yield* readStripe({ ...place, source, codec, footer, request });
    },
    stripeFooters: (request) => places(request).map(({ stripe }) => footerRange(stripe)),
    streams: (request) => places(request).flatMap((place) => streamRanges({ ...place, source, codec, footer, request })),
  };
}

/** Writers without row indexes leave statistics that were never filled: those of the root do not count its rows. */
function mayHold(known: readonly (ColumnStatistics | undefined)[] | undefined, rows: number, { wanted }: Scope): boolean {
  return known?.[0]?.values !== rows || wanted?.(known) !== false;
}

interface Tail {
  readonly postscript: Postscript;
  readonly metadataStart: number;
  readonly footerStart: number;
}

function readPostscript(source: ByteSource): Tail {
  if (source.size < 4) throw corrupt("it is shorter than a postscript");
  const tail = source.read(Math.max(0, source.size - POSTSCRIPT_BYTES), Math.min(POSTSCRIPT_BYTES, source.size));
  const length = tail[tail.length - 1] as number; // size is at least 4
  if (length === 0 || length + 1 > tail.length) throw corrupt("its postscript is longer than the file");
  const postscript = parsePostscript(tail.subarray(tail.length - 1 - length, tail.length - 1));
  const footerStart = source.size - 1 - length - postscript.footerLength;
  const metadataStart = footerStart - postscript.metadataLength;
  if (metadataStart < 3 || postscript.footerLength > FOOTER_LIMIT) throw corrupt("its footer lies outside the file");
  return { postscript, metadataStart, footerStart };
}

function checkStripes(stripes: readonly StripeInformation[], limit: number, rows: number): void {
  let total = 0;
  for (const stripe of stripes) {
    const end = stripe.offset + stripe.indexLength + stripe.dataLength + stripe.footerLength;
    if (end > limit || stripe.footerLength > FOOTER_LIMIT) throw corrupt("a stripe lies outside the file");
    total += stripe.rows;
  }
  if (total !== rows) throw corrupt(`its stripes hold ${total} rows, its footer says ${rows}`);
}

interface StripePlace {
  readonly stripe: StripeInformation;
  /** Position in the file of its first row. */
  readonly firstRow: number;
}

interface StripeRead<Request extends Scope = ReadRequest> extends StripePlace {
  readonly source: ByteSource;
  readonly codec: Codec;
  readonly footer: Footer;
  readonly request: Request;
}

function footerRange({ offset, indexLength, dataLength, footerLength }: StripeInformation): ByteRange {
  return { start: offset + indexLength + dataLength, length: footerLength };
}

function stripeFooterOf({ source, codec, stripe }: StripeRead<Scope>): StripeFooter {
  const { start, length } = footerRange(stripe);
  return parseStripeFooter(decompressSection(source.read(start, length), codec));
}

function chosenFields({ footer, request }: StripeRead<Scope>): readonly OrcType[] {
  return request.fields.map((field) => {
    const type = footer.root.children[field];
    if (!type) throw new RangeError(`the file has no field ${field}`);
    return type;
  });
}

/** The streams of the chosen columns, and the row indexes of all where they are asked for. */
function streamRanges(read: StripeRead<Scope>): readonly ByteRange[] {
  const columns = new Set(chosenFields(read).flatMap(idsOf));
  const indexed = looksAtGroups(read);
  let start = read.stripe.offset;
  return stripeFooterOf(read).streams.flatMap(({ kind, column, length }) => {
    const range = { start, length };
    start += length;
    if (kind === "row-index" ? !indexed : kind === "other" || !columns.has(column)) return [];
    checkInside(range.start, length, read.stripe);
    return [range];
  });
}

function idsOf(type: OrcType): readonly number[] {
  return [type.id, ...type.children.flatMap(idsOf)];
}

function* readStripe(read: StripeRead): Generator<Batch> {
  const { stripe, request, firstRow } = read;
  const stripeFooter = stripeFooterOf(read);
  const fields = chosenFields(read);
  const columns = stripeColumns(read, stripeFooter);
  // The root struct may have a PRESENT stream, but a row is never NULL: writers leave it out.
  const readers = fields.map((type) => columnReader(type, columns));
  const groups = wantedGroups(read, stripeFooter);
  if (groups === undefined) {
    yield* batches(readers, firstRow, stripe.rows, request.batchRows);
    return;
  }
  for (const group of groups) {
    for (const reader of readers) reader.seek((column) => group.positions(column));
    yield* batches(readers, firstRow + group.start, group.rows, request.batchRows);
  }
}

function* batches(readers: readonly ColumnReader[], firstRow: number, rows: number, batchRows: number): Generator<Batch> {
  for (let done = 0; done < rows; done += batchRows) {
    const count = Math.min(batchRows, rows - done);
    yield { firstRow: firstRow + done, rows: count, columns: readers.map((reader) => reader.read(count)) };
  }
}

interface RowGroup {
  readonly start: number;
  readonly rows: number;
  readonly positions: (column: number) => Iterator<number>;
}

/** Row groups that can hold a wanted row; undefined when all can, so that the stripe is read without seeking. */
function wantedGroups(read: StripeRead, stripeFooter: StripeFooter): RowGroup[] | undefined {
  const { request, footer, stripe } = read;
  if (!looksAtGroups(read)) return undefined;
  const indexes = rowIndexes(read, stripeFooter);
  const count = Math.ceil(stripe.rows / footer.rowIndexStride);
  const groups: RowGroup[] = [];
  for (let group = 0; group < count; group++) {
    const entries = indexes.map((entriesOfColumn) => entriesOfColumn?.[group]);
    const start = group * footer.rowIndexStride;
    const rows = Math.min(footer.rowIndexStride, stripe.rows - start);
    const first = read.firstRow + start;
    if (!overlap({ start: first, end: first + rows }, request.rows)) continue;
    const statistics = Array.from(entries, (entry) => entry?.statistics); // columns without an index leave holes
    if (!mayHold(statistics, rows, request)) continue;
    groups.push({
      start,
      rows,
      positions: (column) => {
        const entry = entries[column];
        if (!entry) throw corrupt(`column ${column} has no row index entry for row group ${group}`);
        return entry.positions[Symbol.iterator]();
      },
    });
  }
  return groups.length === count ? undefined : groups;
}

/** Whether some of a stripe's row groups might be passed over. */
function looksAtGroups({ request, footer, stripe, firstRow }: StripeRead<Scope>): boolean {
  const inside = !request.rows || (request.rows.start <= firstRow && request.rows.end >= firstRow + stripe.rows);
  return (request.wanted !== undefined || !inside) && footer.rowIndexStride > 0 && stripe.rows > footer.rowIndexStride;
}

/** Row index entries by column id, then row group. */
function rowIndexes(read: StripeRead, stripeFooter: StripeFooter): (RowIndexEntry[] | undefined)[] {
  const indexes: (RowIndexEntry[] | undefined)[] = [];
  let offset = read.stripe.offset;
  for (const stream of stripeFooter.streams) {
    if (stream.kind === "row-index") {
      checkInside(offset, stream.length, read.stripe);
      indexes[stream.column] = parseRowIndex(decompressSection(read.source.read(offset, stream.length), read.codec));
    }
    offset += stream.length;
  }
  return indexes;
}

function stripeColumns({ source, codec, stripe, request, footer: { calendar } }: StripeRead, footer: StripeFooter): StripeColumns {
  const places = new Map<string, { readonly offset: number; readonly length: number }>();
  let offset = stripe.offset;
  for (const stream of footer.streams) {
    checkInside(offset, stream.length, stripe);
    places.set(`${stream.column} ${stream.kind}`, { offset, length: stream.length });
    offset += stream.length;
  }
  return {
    stream: (column, kind) => {
      const place = places.get(`${column} ${kind}`);
      return place && new ByteStream(source, place.offset, place.length, codec);
    },
    empty: () => new ByteStream(source, 0, 0, codec),
    encoding: (column) => footer.encodings[column] ?? { kind: "direct", dictionarySize: 0 },
    writerZone: footer.writerZone === "" ? "UTC" : footer.writerZone,
    timestampUnit: request.timestampUnit,
    rebased: request.proleptic === true && calendar === "hybrid",
  };
}

function checkInside(offset: number, length: number, stripe: StripeInformation): void {
  if (offset + length > stripe.offset + stripe.indexLength + stripe.dataLength) throw corrupt("a stream lies outside its stripe");
}
