import { randomUUID } from "node:crypto";
import { DwError } from "../../core/errors.js";
import type { Column } from "../../core/model.js";
import type { Kafka, KafkaMessage } from "../../core/session.js";
import type {
  AppendColumn,
  Chunk,
  ColumnBatch,
  DuckDbSession,
  Inspection,
  OpenChunk,
  ReadPlan,
  ReadRequest,
  SourceColumn,
  SourceTable,
} from "../../core/source.js";
import { carried, quoteName, quoteText } from "../../core/transit.js";
import { rangesText, type TopicRange, topicRanges } from "./ranges.js";

/*
 * A topic as a source: committed messages, a range of offsets a chunk. The ends are fixed when a read is planned, and are its
 * snapshot: the same text reads the same messages, for as long as retention leaves them there.
 */

export interface KafkaSourceOptions {
  readonly topic: string;
  /** Ranges of an earlier read, as `dw inspect` shows them: `0:0-1500,1:20-900`. */
  readonly snapshot?: string;
  /** Columns to take out of values that are JSON objects, by the names of their fields. */
  readonly typed?: Readonly<Record<string, Column>>;
  readonly offsetsAChunk?: number;
}

const OFFSETS_A_CHUNK = 200_000;

/** What a message itself has; `typed` columns of these names mean these. */
const OWN: readonly SourceColumn[] = [
  { name: "partition", type: { kind: "int", bits: 32 }, nullable: false, comment: "partition of the topic" },
  { name: "offset", type: { kind: "int", bits: 64 }, nullable: false, comment: "offset in the partition" },
  {
    name: "timestamp",
    type: { kind: "timestamp", precision: 6, zoned: true },
    nullable: false,
    comment: "the producer's, or the broker's",
  },
  { name: "key", type: { kind: "text" }, nullable: true, comment: "the message's key" },
  { name: "value", type: { kind: "text" }, nullable: true, comment: "the message; NULL is a tombstone" },
];

interface Place {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly columns: readonly SourceColumn[];
  readonly ranges: readonly TopicRange[];
  readonly compacted: boolean;
  readonly offsetsAChunk: number;
}

/** Throws DW-TABLE-MISSING, DW-SNAPSHOT-MISSING (offsets that retention has taken), and what a Kafka throws. */
export async function openKafkaTopic(kafka: Kafka, options: KafkaSourceOptions): Promise<SourceTable> {
  const { topic, typed = {}, offsetsAChunk = OFFSETS_A_CHUNK } = options;
  const fields = Object.entries(typed).filter(([name]) => !OWN.some((own) => own.name === name));
  const place: Place = {
    kafka,
    topic,
    columns: [...OWN, ...fields.map(([name, { type }]) => ({ name, type, nullable: true }))],
    ranges: await topicRanges(kafka, topic, options.snapshot),
    compacted: await isCompacted(kafka, topic),
    offsetsAChunk,
  };
  return {
    title: topic,
    columns: place.columns,
    plan: async (request) => plan(place, request),
    inspect: async () => inspection(place),
    close: async () => {},
  };
}

async function isCompacted(kafka: Kafka, topic: string): Promise<boolean> {
  const settings = (await kafka.settings([topic])).get(topic) ?? [];
  return settings.some(({ name, value }) => name === "cleanup.policy" && (value ?? "").includes("compact"));
}

function plan(place: Place, request: ReadRequest): ReadPlan {
  const columns = (request.columns ?? place.columns.map(({ name }) => name)).map((name) => columnNamed(place, name));
  const pieces = place.ranges.flatMap((range) => piecesOf(range, place.offsetsAChunk));
  const chunks = new Map(pieces.map((piece) => [chunkOf(piece), piece] as const));
  const byId = new Map([...chunks].map(([chunk, piece]) => [chunk.id, piece]));
  return {
    columns,
    identity: `kafka:${place.topic}@${rangesText(place.ranges)}`,
    immutable: !place.compacted, // compaction takes messages out of a range that was read
    chunks: [...chunks.keys()],
    open: (chunk, db) => {
      const piece = byId.get(chunk.id);
      if (piece === undefined) throw new Error(`${chunk.id} is no chunk of ${place.topic}`);
      return openPiece(place, piece, columns, request.where, db);
    },
  };
}

function columnNamed({ columns, topic }: Place, name: string): SourceColumn {
  const found = columns.find((column) => column.name === name);
  if (found) return found;
  throw new DwError("DW-USAGE", {
    what: `${topic} has no column ${name}.`,
    why: `Its columns are ${columns.map((column) => column.name).join(", ")}.`,
    fix: "Name some of these; fields of JSON messages become columns with a model: --model, or the columns of a source.",
  });
}

function piecesOf({ partition, from, to }: TopicRange, size: number): TopicRange[] {
  const pieces: TopicRange[] = [];
  for (let at = from; at < to; at += BigInt(size)) {
    const end = at + BigInt(size);
    pieces.push({ partition, from: at, to: end < to ? end : to });
  }
  return pieces;
}

function chunkOf({ partition, from, to }: TopicRange): Chunk {
  const rows = Number(to - from);
  return { id: `p${partition}-${from}-${to}`, title: `partition ${partition}, offsets ${from}–${to - 1n}`, rows, bytes: 0, files: [] };
}

const HELD: readonly AppendColumn[] = [
  { name: "partition", type: "INTEGER" },
  { name: "offset", type: "BIGINT" },
  { name: "timestamp", type: "TIMESTAMP WITH TIME ZONE" },
  { name: "key", type: "VARCHAR" },
  { name: "value", type: "VARCHAR" },
];

async function openPiece(
  { kafka, topic }: Place,
  piece: TopicRange,
  columns: readonly SourceColumn[],
  where: string | undefined,
  db: DuckDbSession,
): Promise<OpenChunk> {
  const held = `dw_messages_${randomUUID().replaceAll("-", "")}`;
  await db.appendColumns(held, batches(kafka, topic, piece), HELD);
  const selected = columns.map((column) => `${expression(column)} AS ${quoteName(column.name)}`).join(", ");
  const rows = `SELECT ${selected} FROM temp.${held}`;
  const kept = where === undefined ? rows : `SELECT * FROM (${rows}) WHERE (${where}\n)`;
  return { sql: kept, close: () => db.run(`DROP TABLE IF EXISTS temp.${held}`) };
}

/** A field of the JSON object, as text where the column is one and read by DuckDB from the text otherwise. */
function expression({ name, type }: SourceColumn): string {
  if (OWN.some((own) => own.name === name)) return quoteName(name);
  const path = quoteText(`$."${name.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);
  const nested = type.kind === "json" || type.kind === "list" || type.kind === "map" || type.kind === "struct";
  const field = nested ? `(value::JSON -> ${path})` : `(value::JSON ->> ${path})`;
  return `CAST(${field} AS ${carried(name, type)})`;
}

async function* batches(kafka: Kafka, topic: string, { partition, from, to }: TopicRange): AsyncGenerator<ColumnBatch> {
  for await (const messages of kafka.read(topic, partition, from, to)) {
    yield {
      rows: messages.length,
      columns: [
        new Int32Array(messages.length).fill(partition),
        messages.map(({ offset }) => offset),
        messages.map(({ timestamp }) => BigInt(timestamp) * 1000n),
        messages.map((message) => text(message, message.key, topic, partition)),
        messages.map((message) => text(message, message.value, topic, partition)),
      ],
    };
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function text({ offset }: KafkaMessage, bytes: Uint8Array | null, topic: string, partition: number): string | null {
  if (bytes === null) return null;
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new DwError("DW-VALUE-REFUSED", {
      what: `The message at offset ${offset} of ${topic}, partition ${partition}, is no text.`,
      why: "Its bytes are no UTF-8; messages in Avro or Protobuf are not read by this version of dw.",
      fix: 'Leave it out with a predicate on "offset", or read the topic with a consumer that knows its format.',
      cause,
    });
  }
}

function inspection(place: Place): Inspection {
  const total = place.ranges.reduce((sum, { from, to }) => sum + to - from, 0n);
  return {
    format: "kafka topic",
    location: place.topic,
    facts: [
      { name: "partitions", value: String(place.ranges.length) },
      { name: "offsets", value: String(total) },
      { name: "compacted", value: place.compacted ? "yes" : "no" },
      { name: "snapshot", value: rangesText(place.ranges) },
    ],
    columns: place.columns,
    sections: [
      {
        title: "Partitions",
        head: ["partition", "first offset", "end"],
        rows: place.ranges.map(({ partition, from, to }) => [partition, String(from), String(to)]),
      },
    ],
    refused: [],
  };
}
