import { createHash, randomUUID } from "node:crypto";
import { DwError } from "../../core/errors.js";
import { tableMissing } from "../../core/ledger-letters.js";
import type { Column } from "../../core/model.js";
import type { Mongo } from "../../core/session.js";
import type {
  ColumnBatch,
  DuckDbSession,
  Inspection,
  OpenChunk,
  ReadPlan,
  ReadRequest,
  SourceColumn,
  SourceTable,
} from "../../core/source.js";
import { quoteName } from "../../core/transit.js";
import { typeText } from "../../core/types.js";
import { typedText } from "../files/typed-text.js";
import { members } from "./bson.js";
import { type IdRange, idRanges } from "./chunks.js";
import { type Sample, type SampledField, sampleOf } from "./sample.js";
import { columnText, jsonText } from "./text.js";

/*
 * A collection as a source: its fields are the columns, typed by a model or by a sample. Documents are read as BSON, a range of
 * `_id` a chunk; each value becomes a text, which DuckDB takes for the column's type exactly or refuses.
 */

export interface MongoSourceOptions {
  readonly collection: string;
  /** Columns of a model: then nothing is guessed, and fields that it does not name are not read. */
  readonly typed?: Readonly<Record<string, Column>>;
  readonly documentsAChunk?: number;
}

interface Place extends MongoSourceOptions {
  readonly mongo: Mongo;
  readonly sample: Sample;
  readonly columns: readonly SourceColumn[];
}

/** Throws DW-TABLE-MISSING and what a Mongo throws. */
export async function openMongoCollection(mongo: Mongo, options: MongoSourceOptions): Promise<SourceTable> {
  const { collection, typed } = options;
  if (!(await mongo.collections()).includes(collection)) throw tableMissing(collection);
  const sample = await sampleOf(mongo, collection);
  const columns = typed === undefined ? sample.fields.map((field) => sampledColumn(field, sample)) : statedColumns(typed);
  const place: Place = { ...options, mongo, sample, columns };
  return {
    title: collection,
    columns,
    plan: (request) => plan(place, request),
    inspect: () => inspection(place),
    close: async () => {},
  };
}

function sampledColumn({ name, type, seen, mixed }: SampledField, { documents }: Sample): SourceColumn {
  const comment = mixed ? { comment: `${MIXED} in ${documents} sampled documents: ${seenText(seen)}` } : {};
  return { name, type, nullable: name !== "_id", ...comment };
}

const MIXED = "of several types";

const seenText = (seen: SampledField["seen"]): string => seen.map(([type, count]) => `${type} ${count}`).join(", ");

function statedColumns(typed: Readonly<Record<string, Column>>): readonly SourceColumn[] {
  return Object.entries(typed).map(([name, { type, nullable, comment }]) => ({ name, type, nullable, ...(comment && { comment }) }));
}

async function plan(place: Place, request: ReadRequest): Promise<ReadPlan> {
  const columns = (request.columns ?? place.columns.map(({ name }) => name)).map((name) => columnNamed(place, name));
  refuseTwins(columns);
  const ranges = await idRanges(place.mongo, place.collection, place.documentsAChunk);
  return {
    columns,
    identity: `mongodb:${place.mongo.place}.${place.collection}@${request.ranged ? "range" : await versionOf(place, ranges)}`,
    immutable: false,
    textual: true,
    chunks: ranges.map(({ chunk }) => chunk),
    open: (chunk, db) => {
      const range = ranges.find((candidate) => candidate.chunk.id === chunk.id);
      if (range === undefined) throw new Error(`chunk ${chunk.id} is not of this plan`);
      return openRange(place, range, columns, request.where, db);
    },
  };
}

function columnNamed({ columns, collection }: Place, name: string): SourceColumn {
  const found = columns.find((column) => column.name === name);
  if (found !== undefined) return found;
  throw new DwError("DW-USAGE", {
    what: `${collection} has no column ${name}.`,
    why: `Its columns are ${columns.map((column) => column.name).join(", ")}.`,
    fix: "Name some of these, or state the field in a model: --model, or the columns of a source.",
  });
}

function refuseTwins(columns: readonly SourceColumn[]): void {
  const twin = columns.find(({ name }, at) =>
    columns.some((other, index) => index < at && other.name.toLowerCase() === name.toLowerCase()),
  );
  if (twin === undefined) return;
  throw new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `The field ${twin.name} is also written in another case.`,
    why: "DuckDB, in which rows travel, compares names without case.",
    fix: "Read one of them at a time with --columns.",
  });
}

/** Changes when documents come, go or grow: a ledger must not go on where the collection is another one. */
async function versionOf({ mongo, collection }: Place, ranges: readonly IdRange[]): Promise<string> {
  const { documents, bytes } = await mongo.size(collection);
  return createHash("sha256")
    .update(JSON.stringify([documents, bytes, ranges.map(({ chunk }) => chunk.id)]))
    .digest("hex")
    .slice(0, 16);
}

async function openRange(
  place: Place,
  range: IdRange,
  columns: readonly SourceColumn[],
  where: string | undefined,
  db: DuckDbSession,
): Promise<OpenChunk> {
  const held = `dw_documents_${randomUUID().replaceAll("-", "")}`;
  const needed = where === undefined ? columns : place.columns;
  const texts = needed.map((_, index) => ({ name: `c${index}`, type: "VARCHAR" }));
  await db.appendColumns(held, batches(place, range, needed), texts);
  const values = needed.map((column, index) => `${typedValue(place, column, `c${index}`)} AS ${quoteName(column.name)}`);
  const rows = `SELECT ${values.join(", ")} FROM temp.${held}`;
  const list = columns.map(({ name }) => quoteName(name)).join(", ");
  return {
    sql: where === undefined ? rows : `SELECT ${list} FROM (${rows}) WHERE (${where}\n)`,
    close: () => db.run(`DROP TABLE IF EXISTS temp.${held}`),
  };
}

function typedValue({ typed }: Place, { name, type }: SourceColumn, text: string): string {
  return typedText(text, name, typed?.[name] ?? { type, nullable: true, comment: "" });
}

async function* batches(place: Place, { filter }: IdRange, columns: readonly SourceColumn[]): AsyncGenerator<ColumnBatch> {
  const { mongo, collection, typed } = place;
  // Where all that was sampled is read, a field that the sample has not seen would be lost in silence: it has to be looked for.
  const whole = typed === undefined && columns.length === place.columns.length;
  const projectable = !whole && columns.every(({ name }) => !/[.$]/.test(name) && name !== "");
  const question = { ...(filter !== undefined && { filter }), ...(projectable && { fields: columns.map(({ name }) => name) }) };
  const indexes = new Map(columns.map((column, index) => [column.name, { index, type: column.type }]));
  for await (const documents of mongo.find(collection, question)) {
    const texts = columns.map((): (string | null)[] => new Array<string | null>(documents.length).fill(null));
    for (const [row, document] of documents.entries()) {
      const stranger = takeFields(bytesOf(document), indexes, (index, text) => {
        (texts[index] ?? [])[row] = text;
      });
      if (whole && stranger !== undefined) throw unsampled(place, stranger, bytesOf(document));
    }
    yield { rows: documents.length, columns: texts };
  }
}

const bytesOf = (document: Uint8Array): Buffer => Buffer.from(document.buffer, document.byteOffset, document.byteLength);

/** Answers with the first field that no column stands for. */
function takeFields(
  document: Buffer,
  columns: ReadonlyMap<string, { readonly index: number; readonly type: SourceColumn["type"] }>,
  take: (index: number, text: string | null) => void,
): string | undefined {
  let stranger: string | undefined;
  for (const [name, value] of members(document)) {
    const column = columns.get(name);
    if (column === undefined) stranger ??= name;
    else take(column.index, columnText(value, column.type));
  }
  return stranger;
}

function unsampled({ collection, sample }: Place, name: string, document: Buffer): DwError {
  const id = [...members(document)].find(([field]) => field === "_id")?.[1];
  return new DwError("DW-SOURCE-UNSUPPORTED", {
    what: `The document with _id ${id === undefined ? "(none)" : jsonText(id)} of ${collection} has the field ${name}, which none of the ${sample.documents} sampled documents has.`,
    why: "Documents have no schema; a field that no column stands for would be left out without anybody having said so.",
    fix: "State the columns in a source's model (`dw import` writes one to start from), or name those that you want with --columns.",
  });
}

async function inspection({ mongo, collection, sample, columns }: Place): Promise<Inspection> {
  const { documents, bytes } = await mongo.size(collection);
  return {
    format: "mongodb collection",
    location: `${mongo.place}.${collection}`,
    facts: [
      { name: "MongoDB", value: mongo.version },
      { name: "documents", value: String(documents) },
      { name: "bytes", value: String(bytes) },
      { name: "sampled", value: `${sample.documents} documents, the first and the last by _id` },
    ],
    columns,
    sections: [
      {
        title: "Fields",
        head: ["field", "type", "seen"],
        rows: sample.fields.map(({ name, type, seen }) => [name, typeText(type), seenText(seen)]),
      },
    ],
    refused: [],
  };
}
