import { corrupt, unsupported } from "./failure.js";
import { ProtobufReader } from "./protobuf.js";

/* Postscript, footer, stripe footer and row index of ORC v1: https://orc.apache.org/specification/ORCv1/ */

export type CompressionKind = "none" | "zlib" | "snappy" | "lzo" | "lz4" | "zstd";

const compressionKinds: readonly CompressionKind[] = ["none", "zlib", "snappy", "lzo", "lz4", "zstd"];

/** The header of a chunk has 23 bits for its compressed length; writers keep the plain one below that too. */
const MAX_BLOCK_BYTES = 1 << 24;

export interface Postscript {
  readonly footerLength: number;
  readonly metadataLength: number;
  readonly compression: CompressionKind;
  /** Largest size of a decompressed chunk, bytes. */
  readonly blockSize: number;
  /** Counts up with the mistakes that were mended. */
  readonly writerVersion: number;
}

const typeKinds = [
  "boolean",
  "byte",
  "short",
  "int",
  "long",
  "float",
  "double",
  "string",
  "binary",
  "timestamp",
  "list",
  "map",
  "struct",
  "union",
  "decimal",
  "date",
  "varchar",
  "char",
  "timestamp-instant",
] as const;

export type TypeKind = (typeof typeKinds)[number];

/** One node of the type tree; `id` is its column id (pre-order, the root struct is 0). */
export interface OrcType {
  readonly id: number;
  readonly kind: TypeKind;
  readonly children: readonly OrcType[];
  readonly fieldNames: readonly string[];
  readonly maximumLength: number;
  readonly precision: number;
  readonly scale: number;
  /** Type annotations; Iceberg keeps its field ids here (`iceberg.id`), Paimon too (`paimon.id`). */
  readonly attributes: Readonly<Record<string, string>>;
}

export interface StripeInformation {
  readonly offset: number;
  readonly indexLength: number;
  readonly dataLength: number;
  readonly footerLength: number;
  readonly rows: number;
}

export interface Footer {
  readonly root: OrcType;
  readonly stripes: readonly StripeInformation[];
  readonly rows: number;
  /** Rows between two entries of a row index; 0 without indexes. */
  readonly rowIndexStride: number;
  /** Of days and times before 1582-10-15. Java's writers use the hybrid Julian and Gregorian one unless they say otherwise. */
  readonly calendar: "hybrid" | "proleptic";
  /** `orc.…` and the writer's own. */
  readonly userMetadata: ReadonlyMap<string, Uint8Array>;
}

export type StreamKind = "present" | "data" | "length" | "dictionary-data" | "dictionary-count" | "secondary" | "row-index" | "other";

const streamKinds: readonly StreamKind[] = ["present", "data", "length", "dictionary-data", "dictionary-count", "secondary", "row-index"];

export interface Stream {
  readonly kind: StreamKind;
  readonly column: number;
  readonly length: number;
}

export type EncodingKind = "direct" | "dictionary" | "direct-v2" | "dictionary-v2";

const encodingKinds: readonly EncodingKind[] = ["direct", "dictionary", "direct-v2", "dictionary-v2"];

export interface ColumnEncoding {
  readonly kind: EncodingKind;
  readonly dictionarySize: number;
}

export interface StripeFooter {
  readonly streams: readonly Stream[];
  readonly encodings: readonly ColumnEncoding[];
  /** IANA zone of the writer's zone-less timestamps; UTC when not written. */
  readonly writerZone: string;
}

/** What the writer says of a column over a file, stripe or row group. */
export interface ColumnStatistics {
  /** How many are not NULL; absent where the writer does not say. */
  readonly values?: number;
  readonly hasNull: boolean;
  /**
   * No value is below `min` or above `max`; absent where the writer gave none. Long texts are cut, so that a bound need not
   * be a value. Dates are days since the epoch, timestamps milliseconds, decimals texts.
   */
  readonly min?: Bound;
  readonly max?: Bound;
}

export interface RowIndexEntry {
  readonly positions: readonly number[];
  readonly statistics: ColumnStatistics;
}

export function parsePostscript(bytes: Uint8Array): Postscript {
  let footerLength = 0;
  let metadataLength = 0;
  let compression = 0;
  let blockSize = 256 * 1024; // the writers' default when the field is absent
  let writerVersion = 0;
  let magic = "";
  new ProtobufReader(bytes).fields((field, reader) => {
    if (field === 1) footerLength = reader.varint();
    else if (field === 2) compression = reader.varint();
    else if (field === 3) blockSize = reader.varint();
    else if (field === 5) metadataLength = reader.varint();
    else if (field === 6) writerVersion = reader.varint();
    else if (field === 8000) magic = reader.text();
  });
  const kind = compressionKinds[compression];
  if (magic !== "ORC") throw corrupt("it does not end with an ORC postscript");
  if (kind === undefined) throw unsupported(`compression number ${compression}`);
  if (blockSize > MAX_BLOCK_BYTES) throw corrupt(`its compressed chunks are said to hold ${blockSize} bytes`);
  return { footerLength, metadataLength, compression: kind, blockSize, writerVersion };
}

const JAVA_WRITER = 0;
const HYBRID = 1;

export function parseFooter(bytes: Uint8Array): Footer {
  const types: RawType[] = [];
  const stripes: StripeInformation[] = [];
  const userMetadata = new Map<string, Uint8Array>();
  let rows = 0;
  let rowIndexStride = 0;
  let writer = JAVA_WRITER;
  let calendar = 0;
  new ProtobufReader(bytes).fields((field, reader) => {
    if (field === 3) stripes.push(parseStripe(reader.message()));
    else if (field === 4) types.push(parseType(reader.message()));
    else if (field === 5) userMetadata.set(...parseUserMetadata(reader.message()));
    else if (field === 6) rows = reader.varint();
    else if (field === 8) rowIndexStride = reader.varint();
    else if (field === 9) writer = reader.varint();
    else if (field === 10) throw unsupported("column encryption");
    else if (field === 11) calendar = reader.varint();
  });
  const hybrid = calendar === HYBRID || (calendar === 0 && writer === JAVA_WRITER);
  return { root: typeTree(types), stripes, rows, rowIndexStride, calendar: hybrid ? "hybrid" : "proleptic", userMetadata };
}

function parseUserMetadata(reader: ProtobufReader): [string, Uint8Array] {
  let name = "";
  let value: Uint8Array = new Uint8Array();
  reader.fields((field, inner) => {
    if (field === 1) name = inner.text();
    else if (field === 2) value = inner.chunk();
  });
  return [name, value];
}

function parseStripe(reader: ProtobufReader): StripeInformation {
  const stripe = { offset: 0, indexLength: 0, dataLength: 0, footerLength: 0, rows: 0 };
  reader.fields((field, inner) => {
    if (field === 1) stripe.offset = inner.varint();
    else if (field === 2) stripe.indexLength = inner.varint();
    else if (field === 3) stripe.dataLength = inner.varint();
    else if (field === 4) stripe.footerLength = inner.varint();
    else if (field === 5) stripe.rows = inner.varint();
  });
  return stripe;
}

interface RawType {
  readonly kind: TypeKind;
  readonly subtypes: readonly number[];
  readonly fieldNames: readonly string[];
  readonly maximumLength: number;
  readonly precision: number;
  readonly scale: number;
  readonly attributes: Readonly<Record<string, string>>;
}

function parseType(reader: ProtobufReader): RawType {
  let kindNumber = 0;
  const subtypes: number[] = [];
  const fieldNames: string[] = [];
  const attributes: [string, string][] = [];
  let maximumLength = 0;
  let precision = 38; // Hive 0.11 wrote decimals without precision and scale
  let scale = 10;
  reader.fields((field, inner, wire) => {
    if (field === 1) kindNumber = inner.varint();
    else if (field === 2) inner.packed(wire, (id) => subtypes.push(id));
    else if (field === 3) fieldNames.push(inner.text());
    else if (field === 4) maximumLength = inner.varint();
    else if (field === 5) precision = inner.varint();
    else if (field === 6) scale = inner.varint();
    else if (field === 7) attributes.push(parseAttribute(inner.message()));
  });
  const kind = typeKinds[kindNumber];
  if (kind === undefined) throw unsupported(`type number ${kindNumber}`);
  return { kind, subtypes, fieldNames, maximumLength, precision, scale, attributes: Object.fromEntries(attributes) };
}

function parseAttribute(reader: ProtobufReader): [string, string] {
  let key = "";
  let value = "";
  reader.fields((field, inner) => {
    if (field === 1) key = inner.text();
    else if (field === 2) value = inner.text();
  });
  return [key, value];
}

/** A tag is one byte. */
const MAX_UNION = 256;

/** The flat list of types as a tree. Children must come after their parent, so a cycle cannot be built. */
function typeTree(types: readonly RawType[]): OrcType {
  const node = (id: number): OrcType => {
    const type = types[id];
    if (type === undefined) throw corrupt(`its schema refers to type ${id}, which it does not have`);
    const children = type.subtypes.map((child) => {
      if (child <= id) throw corrupt("its schema is not a tree");
      return node(child);
    });
    if (type.kind === "struct" && type.fieldNames.length !== children.length) throw corrupt("a struct of its schema lacks field names");
    if (type.kind === "union" && children.length > MAX_UNION) throw corrupt("a union of its schema has more branches than a tag can name");
    const wanted = type.kind === "list" ? 1 : type.kind === "map" ? 2 : undefined;
    if (wanted !== undefined && children.length !== wanted) throw corrupt(`a ${type.kind} of its schema has ${children.length} children`);
    return { ...type, id, children };
  };
  const root = node(0);
  if (root.kind !== "struct") throw unsupported(`a root of type ${root.kind}`);
  return root;
}

export function parseStripeFooter(bytes: Uint8Array): StripeFooter {
  const streams: Stream[] = [];
  const encodings: ColumnEncoding[] = [];
  let writerZone = "UTC";
  new ProtobufReader(bytes).fields((field, reader) => {
    if (field === 1) streams.push(parseStream(reader.message()));
    else if (field === 2) encodings.push(parseEncoding(reader.message()));
    else if (field === 3) writerZone = reader.text();
  });
  return { streams, encodings, writerZone };
}

function parseStream(reader: ProtobufReader): Stream {
  const stream: { kind: StreamKind; column: number; length: number } = { kind: "present", column: 0, length: 0 };
  reader.fields((field, inner) => {
    if (field === 1) stream.kind = streamKinds[inner.varint()] ?? "other";
    else if (field === 2) stream.column = inner.varint();
    else if (field === 3) stream.length = inner.varint();
  });
  return stream;
}

function parseEncoding(reader: ProtobufReader): ColumnEncoding {
  let kindNumber = 0;
  let dictionarySize = 0;
  reader.fields((field, inner) => {
    if (field === 1) kindNumber = inner.varint();
    else if (field === 2) dictionarySize = inner.varint();
  });
  const kind = encodingKinds[kindNumber];
  if (kind === undefined) throw unsupported(`column encoding number ${kindNumber}`);
  return { kind, dictionarySize };
}

export function parseRowIndex(bytes: Uint8Array): RowIndexEntry[] {
  const entries: RowIndexEntry[] = [];
  new ProtobufReader(bytes).fields((field, reader) => {
    if (field === 1) entries.push(parseRowIndexEntry(reader.message()));
  });
  return entries;
}

function parseRowIndexEntry(reader: ProtobufReader): RowIndexEntry {
  const positions: number[] = [];
  let statistics: ColumnStatistics = { hasNull: true };
  reader.fields((field, inner, wire) => {
    if (field === 1) inner.packed(wire, (position) => positions.push(position));
    else if (field === 2) statistics = parseStatistics(inner.message());
  });
  return { positions, statistics };
}

/** The file's `metadata` section: for each stripe the statistics of each column. */
export function parseStripeStatistics(bytes: Uint8Array): ColumnStatistics[][] {
  const stripes: ColumnStatistics[][] = [];
  new ProtobufReader(bytes).fields((field, reader) => {
    if (field !== 1) return;
    const columns: ColumnStatistics[] = [];
    reader.message().fields((inner, columnReader) => {
      if (inner === 1) columns.push(parseStatistics(columnReader.message()));
    });
    stripes.push(columns);
  });
  return stripes;
}

export type Bound = bigint | number | string;

interface BoundReader {
  readonly read: (reader: ProtobufReader) => Bound;
  /** Fields of the minimum and of the maximum. */
  readonly min: readonly number[];
  readonly max: readonly number[];
}

const signed = (reader: ProtobufReader): Bound => reader.signed();
const text = (reader: ProtobufReader): Bound => reader.text();

/** How each kind of statistics writes its bounds; sums, bucket counts and Bloom filters are not used. */
const boundReaders: Readonly<Record<number, BoundReader>> = {
  2: { read: signed, min: [1], max: [2] }, // integers: sint64
  3: { read: (reader) => reader.double(), min: [1], max: [2] },
  4: { read: text, min: [1, 4], max: [2, 5] }, // lowerBound and upperBound where the text is longer than 1024 bytes
  6: { read: text, min: [1], max: [2] }, // decimals as text
  7: { read: signed, min: [1], max: [2] }, // dates: days since the epoch
  9: { read: signed, min: [3], max: [4] }, // timestamps: minimumUtc and maximumUtc; the older two depend on the writer's zone
};

function parseStatistics(reader: ProtobufReader): ColumnStatistics {
  let values: number | undefined;
  let hasNull = true; // older writers leave the flag out: then a NULL is possible
  let min: Bound | undefined;
  let max: Bound | undefined;
  reader.fields((field, inner) => {
    const bounds = boundReaders[field];
    if (field === 1) values = inner.varint();
    else if (field === 10) hasNull = inner.varint() !== 0;
    else if (bounds) {
      inner.message().fields((bound, boundReader) => {
        if (bounds.min.includes(bound)) min = bounds.read(boundReader);
        else if (bounds.max.includes(bound)) max = bounds.read(boundReader);
      });
    }
  });
  return {
    hasNull,
    ...(values === undefined ? {} : { values }),
    ...(min === undefined ? {} : { min }),
    ...(max === undefined ? {} : { max }),
  };
}
