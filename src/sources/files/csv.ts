import type { Column } from "../../core/model.js";
import type { OpenSource, SourceColumn } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { quoteName, quoteText } from "../../core/transit.js";
import { corrupt, unsupported } from "../../formats/damage.js";
import { csvRecord } from "./csv-record.js";
import type { FileFormat, FileTable, Shape } from "./format.js";
import { compressionOf, type TableFile } from "./listing.js";
import { pathList } from "./path-list.js";
import { typedText } from "./typed-text.js";
import { unpackedFirst } from "./unpack.js";
import { unionColumns } from "./widen.js";

/**
 * CSV (RFC 4180) in UTF-8, with a header line in every file. Every value is text, unless a model types the columns.
 * NULL is an unquoted `\N` or an unquoted empty field; a quoted empty field is an empty text.
 */
export const csv: FileFormat = { name: "csv", extensions: ["csv", "tsv", "txt"], packed: true, describe };

interface Header {
  readonly delimiter: string;
  readonly names: readonly string[];
}

async function describe(storage: Storage, files: readonly TableFile[], typed: OpenSource["typed"]): Promise<FileTable> {
  const shapes = new Map<string, Shape>();
  const byPath = new Map<string, Shape>();
  const delimiters = new Set<string>();
  for (const file of files) {
    const header = await readHeader(storage, file);
    const key = JSON.stringify(header);
    const shape = shapes.get(key) ?? shapeOf(header, typed ?? {});
    shapes.set(key, shape);
    byPath.set(file.path, shape);
    delimiters.add(header.delimiter);
  }
  const first = new Map([...byPath].reverse().map(([path, shape]) => [shape, path]));
  return {
    shapes: byPath,
    columns: unionColumns([...shapes.values()].map((shape) => ({ file: first.get(shape) ?? "", columns: shape.columns }))),
    rows: new Map(),
    facts: [
      { name: "delimiter", value: [...delimiters].map((delimiter) => JSON.stringify(delimiter)).join(", ") },
      { name: "headers", value: String(shapes.size) },
    ],
  };
}

const HEAD_BYTES = 256 * 1024;

async function readHeader(storage: Storage, file: TableFile): Promise<Header> {
  const head = await storage.read(file.path, { start: 0, length: Math.min(HEAD_BYTES, file.size) });
  const bytes = await unpackedFirst(head, compressionOf(file.path), file);
  if (bytes[0] === 0xff || bytes[0] === 0xfe) {
    throw unsupported(`${file.path} is not UTF-8 text.`, "It begins like UTF-16.", "Convert it, for example with iconv -t UTF-8.");
  }
  const text = new TextDecoder().decode(bytes); // without a byte order mark: before a header it is none of the data
  if (text === "") throw unsupported(`${file.path} is empty.`, "A CSV file has a header line.", "Copy the file again, or leave it out.");
  const delimiter = delimiterOf(text);
  const names = csvRecord(text, delimiter);
  if (names === undefined) throw corrupt(file.path, "It has no header line that ends within its first 256 KiB.");
  const twice = names.find((name, index) => names.some((other, at) => at < index && other.toLowerCase() === name.toLowerCase()));
  if (twice !== undefined) throw unsupported(`${file.path} has two columns ${twice}.`, "A column is found by its name.", "Rename one.");
  return { delimiter, names };
}

/** The first of comma, semicolon, tab and bar that stands outside of quotes in the header line. */
function delimiterOf(text: string): string {
  const line = /^(?:"(?:[^"]|"")*"|[^"\r\n])*/.exec(text)?.[0].replaceAll(/"(?:[^"]|"")*"/g, "") ?? "";
  return [",", ";", "\t", "|"].find((sign) => line.includes(sign)) ?? ",";
}

function shapeOf({ delimiter, names }: Header, typed: Readonly<Record<string, Column>>): Shape {
  const columns = names.map((name): SourceColumn => {
    const model = Object.hasOwn(typed, name) ? typed[name] : undefined;
    return { name, type: model?.type ?? { kind: "text" }, nullable: true };
  });
  return {
    columns,
    scan: (paths) => csvScan(paths, delimiter, names),
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
