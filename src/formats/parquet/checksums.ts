import { type FileHandle, open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { corrupt } from "../damage.js";
import { overlap, type RowRange } from "../vector.js";
import { isStruct, member, readFooter, readStruct, structs, type ThriftStruct, type ThriftValue } from "./thrift-tree.js";

/*
 * A page's header may hold a CRC-32 of the page as it is stored (parquet.thrift, PageHeader.crc); the Java writers of Spark,
 * Iceberg and Paimon keep one for every page. DuckDB does not look at it, and a flipped bit would be another value.
 */

/** Ids of parquet.thrift. */
const FILE = { schema: 2, rowGroups: 4 };
const ELEMENT = { name: 4, children: 5, fieldId: 9 };
const ROW_GROUP = { columns: 1, rows: 3 };
const CHUNK = { metadata: 3 };
const METADATA = { path: 3, compressedSize: 7, dataPage: 9, dictionaryPage: 11 };
const PAGE = { size: 3, checksum: 4 };

/** Bytes that are held of a file; a page larger than this is read in as many steps. */
const STEP = 1024 * 1024;
/** A header is short, unless its statistics hold long texts. */
const HEADER_STEPS = [16 * 1024, STEP, 16 * STEP];

export interface TopColumn {
  readonly name: string;
  /** Field id of the schema element. */
  readonly id: number | undefined;
}

export interface CheckedPages {
  /** Which top-level columns will be read; all when absent. */
  readonly column?: (column: TopColumn) => boolean;
  /** Positions of the rows that will be read: other row groups are passed over. */
  readonly rows?: RowRange;
}

/**
 * Compares the pages of a local file with the checksums that they have. A column of a row group whose first page has none is
 * passed over. `name` is for messages. DW-FILE-CORRUPT.
 */
export async function checkPages(path: string, name: string, { column, rows }: CheckedPages = {}): Promise<void> {
  const file = await open(path, "r");
  try {
    const { footer, start: end } = await readFooter(file, name);
    const wanted = wantedNames(footer, column);
    const bytes = new Window(file, end, name);
    let first = 0;
    for (const group of structs(footer, FILE.rowGroups)) {
      const next = first + numberOf(member(group, ROW_GROUP.rows));
      if (overlap({ start: first, end: next }, rows)) {
        for (const chunk of structs(group, ROW_GROUP.columns)) await checkColumn(bytes, chunk, wanted, name);
      }
      first = next;
    }
  } finally {
    await file.close();
  }
}

/** Names of the top-level columns that are asked for. The schema is a tree in depth-first order; its root comes first. */
function wantedNames(footer: ThriftStruct, column: CheckedPages["column"]): ReadonlySet<string> | undefined {
  if (column === undefined) return undefined;
  const names = new Set<string>();
  const elements = structs(footer, FILE.schema);
  for (let at = 1; at < elements.length; at = after(elements, at)) {
    const element = elements[at];
    if (element === undefined) break;
    const [name, id] = [textOf(member(element, ELEMENT.name)), member(element, ELEMENT.fieldId)];
    if (column({ name, id: id === undefined ? undefined : numberOf(id) })) names.add(name);
  }
  return names;
}

/** The place behind an element and all that is in it. */
function after(elements: readonly ThriftStruct[], at: number): number {
  let next = at;
  for (let open = 1; open > 0 && next < elements.length; next++) {
    const element = elements[next];
    open += (element === undefined ? 0 : numberOf(member(element, ELEMENT.children))) - 1;
  }
  return next;
}

async function checkColumn(bytes: Window, chunk: ThriftStruct, wanted: ReadonlySet<string> | undefined, name: string): Promise<void> {
  const metadata = member(chunk, CHUNK.metadata);
  if (!isStruct(metadata)) return; // encrypted or damaged: DuckDB says which
  if (wanted !== undefined && !wanted.has(topName(metadata))) return;
  const dictionary = numberOf(member(metadata, METADATA.dictionaryPage));
  const data = numberOf(member(metadata, METADATA.dataPage));
  const start = dictionary > 0 ? Math.min(dictionary, data) : data;
  const end = start + numberOf(member(metadata, METADATA.compressedSize));
  for (let at = start; at < end; ) {
    const { struct: header, length } = await bytes.header(at);
    const [size, checksum] = [numberOf(member(header, PAGE.size)), member(header, PAGE.checksum)];
    if (size < 0 || at + length + size > end) throw corrupt(name, "A page is longer than its column.");
    if (checksum === undefined) {
      if (at === start) return;
    } else if ((await bytes.crc(at + length, size)) !== Number(BigInt.asUintN(32, BigInt(numberOf(checksum))))) {
      throw corrupt(name, `A page of the column ${topName(metadata)} does not match its checksum.`);
    }
    at += length + size;
  }
}

function topName(metadata: ThriftStruct): string {
  const path = member(metadata, METADATA.path);
  return typeof path === "object" && "items" in path ? textOf(path.items[0]) : "";
}

function textOf(value: ThriftValue | undefined): string {
  return Buffer.isBuffer(value) ? value.toString("utf8") : "";
}

function numberOf(value: ThriftValue | undefined): number {
  return typeof value === "bigint" ? Number(value) : 0;
}

/** A piece of a file that moves along with what is asked for. Nothing behind `end` is given. */
class Window {
  private held = Buffer.alloc(0);
  private start = 0;

  constructor(
    private readonly file: FileHandle,
    private readonly end: number,
    private readonly name: string,
  ) {}

  /** The page header that starts there, and its length in bytes. */
  async header(at: number): Promise<{ readonly struct: ThriftStruct; readonly length: number }> {
    for (const step of HEADER_STEPS) {
      const bytes = await this.bytes(at, Math.min(step, this.end - at));
      try {
        return readStruct(bytes, this.name);
      } catch (error) {
        if (bytes.length < step || step === HEADER_STEPS.at(-1)) throw error;
      }
    }
    throw corrupt(this.name, "A page has no readable header.");
  }

  async crc(start: number, length: number): Promise<number> {
    let sum = 0;
    for (let at = start; at < start + length; at += STEP) {
      sum = crc32(await this.bytes(at, Math.min(STEP, start + length - at)), sum);
    }
    return sum;
  }

  private async bytes(at: number, length: number): Promise<Buffer> {
    if (at < 0 || length <= 0 || at + length > this.end) throw corrupt(this.name, "A page lies outside of the file.");
    if (at < this.start || at + length > this.start + this.held.length) await this.move(at, Math.max(length, STEP));
    return this.held.subarray(at - this.start, at - this.start + length);
  }

  private async move(at: number, length: number): Promise<void> {
    const next = Buffer.allocUnsafe(Math.min(length, this.end - at));
    const { bytesRead } = await this.file.read(next, 0, next.length, at);
    if (bytesRead < next.length) throw corrupt(this.name, "It ends in the middle of a page.");
    [this.held, this.start] = [next, at];
  }
}
