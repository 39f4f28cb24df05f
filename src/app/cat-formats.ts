import { createReadStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DuckDbConnection } from "../core/session.js";
import type { SourceColumn } from "../core/source.js";
import { carried, quoteName, quoteText } from "../core/transit.js";
import { csvHeader, csvLine } from "../formats/csv.js";
import { jsonLine, plainText } from "../formats/jsonl.js";
import { textTable } from "../present/text-table.js";

export type CatFormat = "jsonl" | "csv" | "parquet" | "table";

/** Takes the answer piece by piece; resolves when the reader is ready for more, and throws to stop. */
export type Write = (piece: string | Uint8Array) => Promise<void>;

/** What a format's writer gets: every chunk as SQL over the plan's columns, to be read to its end or left. */
export interface Rows {
  readonly chunks: AsyncIterable<string>;
  /** To be told after each chunk; when the limit is reached, `chunks` ends. */
  readonly counted: (rows: number) => void;
}

type Writer = (rows: Rows, columns: readonly SourceColumn[], db: DuckDbConnection, write: Write) => Promise<void>;

export const catWriters: Readonly<Record<CatFormat, Writer>> = {
  jsonl: (rows, columns, db, write) => writeLines(rows, jsonLine(columns), db, write),
  csv: async (rows, columns, db, write) => {
    await write(`${csvHeader(columns)}\n`);
    await writeLines(rows, csvLine(columns), db, write);
  },
  parquet: writeParquet,
  table: writeTable,
};

/** Lines are collected into pieces of this many characters: a write for each vector of 2048 short rows would be slow. */
const PIECE = 256 * 1024;

async function writeLines(rows: Rows, line: string, db: DuckDbConnection, write: Write): Promise<void> {
  for await (const sql of rows.chunks) {
    let count = 0;
    let piece = "";
    for await (const batch of db.strings(`SELECT ${line} FROM (\n${sql}\n)`)) {
      count += batch.length;
      piece += `${batch.join("\n")}\n`;
      if (piece.length < PIECE) continue;
      await write(piece);
      piece = "";
    }
    if (piece !== "") await write(piece);
    rows.counted(count);
  }
}

/** Parquet ends with its footer, so that rows go to a file first; several chunks become one file. */
async function writeParquet(rows: Rows, columns: readonly SourceColumn[], db: DuckDbConnection, write: Write): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "dw-parquet-"));
  try {
    const files: string[] = [];
    for await (const sql of rows.chunks) {
      const file = join(folder, `${files.length}.parquet`);
      await copyTo(db, sql, file);
      rows.counted(await rowCount(db, file));
      files.push(file);
    }
    const [only] = files;
    const whole = files.length === 1 && only !== undefined ? only : join(folder, "whole.parquet");
    if (files.length > 1) await copyTo(db, `FROM read_parquet([${files.map(quoteText).join(", ")}])`, whole);
    if (files.length === 0) await copyTo(db, emptySelect(columns), whole);
    for await (const piece of createReadStream(whole)) await write(piece as Uint8Array); // a stream without encoding gives bytes
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function copyTo(db: DuckDbConnection, sql: string, file: string): Promise<void> {
  return db.run(`COPY (${sql}\n) TO ${quoteText(file)} (FORMAT parquet, COMPRESSION zstd)`);
}

async function rowCount(db: DuckDbConnection, file: string): Promise<number> {
  const [row] = await db.rows<{ n: string }>(`SELECT sum(num_rows)::BIGINT AS n FROM parquet_file_metadata(${quoteText(file)})`);
  return Number(row?.n ?? 0);
}

function emptySelect(columns: readonly SourceColumn[]): string {
  const list = columns.map(({ name, type }) => `CAST(NULL AS ${carried(name, type)}) AS ${quoteName(name)}`);
  return `SELECT ${list.join(", ")} LIMIT 0`;
}

/** Rows that share their widths; a terminal shows a few dozen at once. */
const PAGE = 1000;

/** For people: pages of aligned columns, each below its heads. */
async function writeTable(rows: Rows, columns: readonly SourceColumn[], db: DuckDbConnection, write: Write): Promise<void> {
  const head = columns.map(({ name }) => name);
  const cells = columns.map(({ name, type }) => `coalesce(${plainText(quoteName(name), type)}, 'NULL')`);
  let page: string[][] = [];
  let pages = 0;
  const flush = async (): Promise<void> => {
    await write(`${pages++ === 0 ? "" : "\n"}${textTable(head, page)}\n`);
    page = [];
  };
  for await (const sql of rows.chunks) {
    let count = 0;
    for await (const batch of db.strings(`SELECT to_json([${cells.join(", ")}])::VARCHAR FROM (\n${sql}\n)`)) {
      count += batch.length;
      page.push(...batch.map((row) => JSON.parse(row ?? "[]") as string[])); // the list of texts that was just made
      if (page.length >= PAGE) await flush();
    }
    rows.counted(count);
  }
  if (page.length > 0 || pages === 0) await flush();
}
