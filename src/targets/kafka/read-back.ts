import { randomUUID } from "node:crypto";
import { CHUNK_READING, openDuckDb } from "../../connections/duckdb.js";
import type { FingerprintColumn } from "../../core/fingerprint.js";
import type { Kafka, KafkaMessage } from "../../core/session.js";
import type { ColumnBatch, DuckDbSession } from "../../core/source.js";
import { quoteName, transitType } from "../../core/transit.js";
import { memberOf } from "./message.js";

/** Which messages of a topic are those of one backfill, and where they begin. */
export interface OwnMessages {
  readonly topic: string;
  /** Offsets by partition. */
  readonly from: ReadonlyMap<number, bigint>;
  readonly isOwn: (message: KafkaMessage) => boolean;
  /** Of a compacted topic only the newest message of each key counts, whether or not compaction has come to it. */
  readonly newestOnly: boolean;
}

const HELD = [
  { name: "partition", type: "INTEGER" },
  { name: "offset", type: "BIGINT" },
  { name: "key", type: "BLOB" },
  { name: "value", type: "VARCHAR" },
];

/** A piece of a partition: so many offsets are in DuckDB at once. */
const OFFSETS = 500_000n;

/**
 * What the topic holds of these messages now, piece by piece, each as a relation with the columns. A compacted topic is one
 * piece, as its keys lie anywhere.
 */
export async function measured<Part>(
  kafka: Kafka,
  own: OwnMessages,
  columns: readonly FingerprintColumn[],
  measure: (db: DuckDbSession, relation: string) => Promise<Part>,
): Promise<readonly Part[]> {
  const ranges = await rangesOf(kafka, own);
  const pieces = own.newestOnly ? [ranges] : ranges.flatMap((range) => cut(range).map((piece) => [piece]));
  const database = await openDuckDb(CHUNK_READING);
  try {
    const db = await database.session();
    const parts: Part[] = [];
    for (const piece of pieces) {
      const held = `dw_messages_${randomUUID().replaceAll("-", "")}`;
      await db.appendColumns(held, batches(kafka, own, piece), HELD);
      parts.push(await measure(db, relation(held, own, columns)));
      await db.run(`DROP TABLE temp.${held}`);
    }
    return parts;
  } finally {
    await database.close();
  }
}

interface Range {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** What retention or compaction has taken from the front is not asked for. */
async function rangesOf(kafka: Kafka, { topic, from }: OwnMessages): Promise<readonly Range[]> {
  const [first, last] = [await kafka.offsets(topic, "earliest"), await kafka.offsets(topic, "latest")];
  return [...last].map(([partition, { offset: to }]) => {
    const [begin, left] = [from.get(partition) ?? 0n, first.get(partition)?.offset ?? 0n];
    return { partition, from: begin > left ? begin : left, to };
  });
}

function cut({ partition, from, to }: Range): Range[] {
  const pieces: Range[] = [];
  for (let at = from; at < to; at += OFFSETS) pieces.push({ partition, from: at, to: at + OFFSETS < to ? at + OFFSETS : to });
  return pieces;
}

async function* batches(kafka: Kafka, { topic, isOwn }: OwnMessages, ranges: readonly Range[]): AsyncGenerator<ColumnBatch> {
  for (const { partition, from, to } of ranges) {
    for await (const messages of kafka.read(topic, partition, from, to)) {
      const own = messages.filter(isOwn);
      yield {
        rows: own.length,
        columns: [
          new Int32Array(own.length).fill(partition),
          own.map(({ offset }) => offset),
          own.map(({ key }) => key),
          own.map(({ value }) => (value === null ? null : Buffer.from(value).toString("utf8"))),
        ],
      };
    }
  }
}

function relation(held: string, { newestOnly }: OwnMessages, columns: readonly FingerprintColumn[]): string {
  const list = columns.map((column) => `${casts(column, memberOf("value", column))} AS ${quoteName(column.name)}`);
  const newest = newestOnly ? ' QUALIFY row_number() OVER (PARTITION BY "key" ORDER BY "offset" DESC) = 1' : "";
  return `(SELECT ${list.join(", ") || "1"} FROM (SELECT * FROM temp.${held}${newest})) AS messages`;
}

const casts = ({ type }: FingerprintColumn, value: string): string =>
  `CAST(${value} AS ${type.kind === "json" ? "JSON" : (transitType(type) ?? "VARCHAR")})`;
