import type { DwError } from "../../core/errors.js";
import type { Column } from "../../core/model.js";
import type { OpenSource, SourceColumn } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { quoteName, quoteText } from "../../core/transit.js";
import { corrupt, unsupported } from "../../formats/damage.js";
import { type Dialect, isUsual, markedEncoding, type StatedDialect, statedDialect, usual } from "./dialect.js";
import type { FileFormat, FileTable, Shape } from "./format.js";
import { compressionOf, type TableFile } from "./listing.js";
import { pathList } from "./path-list.js";
import { foundEscape, type KnownDialect, mixesLineEnds, RecordReader, transcribed } from "./transcribe.js";
import { typedText } from "./typed-text.js";
import { unpackedFirst } from "./unpack.js";
import { unionColumns } from "./widen.js";

/**
 * CSV (RFC 4180) in UTF-8, with a header line in every file, unless it is found or stated otherwise (`Dialect`); other
 * dialects are read from copies in this one. Every value is text, unless a model types the columns. NULL is an unquoted `\N` or
 * an unquoted empty field; a quoted empty field is an empty text.
 */
export const csv: FileFormat = { name: "csv", extensions: ["csv", "tsv", "txt"], packed: true, describe };

interface Header {
  /** Whether DuckDB reads the file as it lies there. What a person said of it is read by our own reader: the two differ in what they let pass. */
  readonly isPlain: boolean;
  readonly dialect: KnownDialect;
  readonly names: readonly string[];
}

interface FoundHeader extends Header {
  /** Undefined where nothing in the file's first part tells. */
  readonly escape: Dialect["escape"] | undefined;
}

async function describe(
  storage: Storage,
  files: readonly TableFile[],
  typed: OpenSource["typed"],
  _db: unknown,
  stated: readonly string[],
): Promise<FileTable> {
  const said = statedDialect(stated);
  const shapes = new Map<string, Shape>();
  const byPath = new Map<string, Shape>();
  const dialects = new Map<string, KnownDialect>();
  const read: { readonly file: TableFile; readonly found: FoundHeader }[] = [];
  for (const file of files) read.push({ file, found: await readHeader(storage, file, said, typed) });
  // one writer wrote the files: where a quote is escaped in one of them, a backslash is an escape in all
  const common = read.some(({ found }) => found.escape === "backslash") ? "backslash" : "doubled";
  for (const { file, found } of read) {
    const header = { ...found, dialect: { ...found.dialect, escape: found.escape ?? common } };
    const key = JSON.stringify([header.names, header.dialect, header.isPlain]);
    const shape = shapes.get(key) ?? shapeOf(header, typed ?? {});
    shapes.set(key, shape);
    byPath.set(file.path, shape);
    dialects.set(JSON.stringify(header.dialect), header.dialect);
  }
  const first = new Map([...byPath].reverse().map(([path, shape]) => [shape, path]));
  const found = [...dialects.values()];
  const each = (fact: (dialect: KnownDialect) => string): string => [...new Set(found.map(fact))].join(", ");
  return {
    shapes: byPath,
    columns: unionColumns([...shapes.values()].map((shape) => ({ file: first.get(shape) ?? "", columns: shape.columns }))),
    rows: new Map(),
    facts: [
      { name: "delimiter", value: each(({ delimiter }) => JSON.stringify(delimiter)) },
      ...(found.every(isUsual) ? [] : [{ name: "dialect", value: each(dialectText) }]),
      { name: "headers", value: String(shapes.size) },
    ],
  };
}

function dialectText(dialect: KnownDialect): string {
  const { quote, header, encoding, nulls } = dialect;
  const quotes = quote === "" ? "no quotes" : `quotes ${quote}`;
  return `${quotes}, escape ${dialect.escape}, ${header ? "a header" : "no header"}, ${encoding}, NULL is ${nulls.map((text) => JSON.stringify(text)).join(" or ")}`;
}

const HEAD_BYTES = 256 * 1024;

async function readHeader(storage: Storage, file: TableFile, said: StatedDialect, typed: OpenSource["typed"]): Promise<FoundHeader> {
  const head = await storage.read(file.path, { start: 0, length: Math.min(HEAD_BYTES, file.size) });
  const bytes = await unpackedFirst(head, compressionOf(file.path), file);
  const encoding = markedEncoding(bytes) ?? said.encoding ?? usual.encoding;
  const text = textOf(bytes, encoding, file);
  if (text === "") throw unsupported(`${file.path} is empty.`, "A CSV file has a header line.", "Copy the file again, or leave it out.");
  const known = { ...usual, ...said, encoding };
  const delimiter = said.delimiter ?? delimiterOf(text, known.quote);
  const found = said.escape ?? foundEscape(text, { ...known, delimiter });
  const dialect: KnownDialect = { ...known, delimiter, escape: found ?? usual.escape };
  const isPlain = Object.keys(said).length === 0 && !mixesLineEnds(text, dialect);
  const fields = new RecordReader(dialect, file.path).record(text, 0, head.length >= file.size)?.fields;
  if (fields === undefined) throw corrupt(file.path, "It has no header line that ends within its first 256 KiB.");
  return { dialect, isPlain, escape: found, names: dialect.header ? headerNames(fields, file) : givenNames(fields.length, file, typed) };
}

/** A mark is none of the data; a character that the head cuts in two is left out. */
function textOf(bytes: Uint8Array, encoding: string, file: TableFile): string {
  try {
    const text = new TextDecoder(encoding, { fatal: true }).decode(bytes, { stream: true });
    if (!/^[^\r\n]*\0/.test(text)) return text; // UTF-16 without a mark has NUL characters from the first line on
  } catch (cause) {
    throw notIn(encoding, file, cause);
  }
  throw notIn(encoding, file);
}

function notIn(encoding: string, file: TableFile, cause?: unknown): DwError {
  return unsupported(
    `${file.path} is no text in ${encoding}.`,
    "It has bytes, or NUL characters, that no such text has.",
    "Say which one it is: csv,encoding=windows-1252:PATH, csv,encoding=utf-16le:PATH or another of the Encoding Standard.",
    cause,
  );
}

function headerNames(fields: readonly (string | null)[], file: TableFile): readonly string[] {
  const names = fields.map((field) => field ?? "");
  const twice = names.find((name, index) => names.some((other, at) => at < index && other.toLowerCase() === name.toLowerCase()));
  if (twice !== undefined) throw unsupported(`${file.path} has two columns ${twice}.`, "A column is found by its name.", "Rename one.");
  return names;
}

/** Without a header the model names the columns, in its order; without a model they are `_c0`, `_c1`, …, as Spark calls them. */
function givenNames(count: number, file: TableFile, typed: OpenSource["typed"]): readonly string[] {
  if (typed === undefined) return Array.from({ length: count }, (_, index) => `_c${index}`);
  const folders = new Set(file.partition.map(({ name }) => name.toLowerCase()));
  const names = Object.keys(typed).filter((name) => !folders.has(name.toLowerCase()));
  if (names.length === count) return names;
  throw unsupported(
    `${file.path} has ${count} columns and no header, and the model has ${names.length} columns.`,
    "Without a header the columns are those of the model, in its order.",
    "State the columns that the file has, in their order.",
  );
}

/** The first of comma, semicolon, tab, bar and ^A that stands outside of quotes in the first line. */
function delimiterOf(text: string, quote: string): string {
  const quoted = quote === "" ? "(?!)" : `${quote}(?:[^${quote}]|${quote}${quote})*${quote}`;
  const [line = ""] = new RegExp(`^(?:${quoted}|[^\\r\\n])*`).exec(text) ?? [];
  const bare = line.replaceAll(new RegExp(quoted, "g"), "");
  return [",", ";", "\t", "|", "\u0001"].find((sign) => bare.includes(sign)) ?? ",";
}

function shapeOf({ dialect, names, isPlain }: Header, typed: Readonly<Record<string, Column>>): Shape {
  const isRead = isPlain && isUsual(dialect);
  const columns = names.map((name): SourceColumn => {
    const model = Object.hasOwn(typed, name) ? typed[name] : undefined;
    return { name, type: model?.type ?? { kind: "text" }, nullable: true };
  });
  return {
    columns,
    scan: (paths) => csvScan(paths, isRead ? dialect.delimiter : ",", names),
    ...(!isRead && { transcribe: (name: string) => transcribed(dialect, names, name) }),
    value: ({ name }) => {
      const model = Object.hasOwn(typed, name) ? typed[name] : undefined;
      return model === undefined ? quoteName(name) : typedText(quoteName(name), name, model);
    },
  };
}

function csvScan(paths: readonly string[], delimiter: string, names: readonly string[]): string {
  const options = [
    `columns = {${names.map((name) => `${quoteText(name)}: 'VARCHAR'`).join(", ")}}`,
    `delim = ${quoteText(delimiter)}`,
    `header = true, quote = '"', escape = '"', comment = '', skip = 0`,
    `nullstr = ['\\N', ''], allow_quoted_nulls = false, null_padding = false, ignore_errors = false, strict_mode = true`,
    `auto_detect = false, hive_partitioning = false, compression = 'none', encoding = 'utf-8'`,
  ];
  return `read_csv(${pathList(paths)}, ${options.join(", ")})`;
}
