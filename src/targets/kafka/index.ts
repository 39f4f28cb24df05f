import { messageFault } from "../../checks/message-shape.js";
import { DwError, isDwError } from "../../core/errors.js";
import { emptyFingerprint, type Fingerprint, type FingerprintColumn } from "../../core/fingerprint.js";
import { resetRefused, tableMissing } from "../../core/ledger-letters.js";
import { measuresOf, measuresOfParts } from "../../core/measures.js";
import type { Columns } from "../../core/model.js";
import type { Kafka, KafkaProducer, KafkaRecord, KafkaTopic } from "../../core/session.js";
import type { SourceColumn } from "../../core/source.js";
import type { LoadableChunk, LoadedChunk, LoadIdentity, LoadSession, MergeRule, TargetColumn, TargetTable } from "../../core/target.js";
import { typeText } from "../../core/types.js";
import { duckdbCanonical } from "../../engines/duckdb/canonical.js";
import { targetFormats } from "../files/format.js";
import { type Head, LANES, TopicLedger } from "./ledger.js";
import { BORDER, messageText } from "./message.js";
import { partitionOf } from "./partition.js";
import { measured, type OwnMessages } from "./read-back.js";

export interface TopicTargetOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  /** Of the model; those of the source without one. */
  readonly columns?: Columns;
  /** Columns that make the message key; none: messages have no key. */
  readonly key: readonly string[];
  /** How long the transaction of a chunk may stay open. Milliseconds; brokers allow 15 minutes unless they say otherwise. */
  readonly timeoutMs?: number;
}

const TRANSACTION_MS = 600_000;
/** Says of a message by which backfill it came, so that it is told from those of others. */
const HEADER = "dw-backfill";

/**
 * A topic whose messages are JSON objects. One chunk is one transaction, with the record of the chunk in the ledger: readers of
 * committed messages see all of it or nothing. Reading back counts the messages that carry the backfill's header.
 */
export async function topicTarget(options: TopicTargetOptions): Promise<TargetTable> {
  const { kafka, topic } = options;
  const [place] = await kafka.topics([topic]);
  if (place === undefined) throw tableMissing(topic);
  const newestOnly = options.key.length > 0 && (await isCompacted(kafka, topic));
  const merge: MergeRule = newestOnly ? { merge: "upsert", key: options.key } : { merge: "append" };
  let current: { readonly ledger: TopicLedger; readonly from: ReadonlyMap<number, bigint> } | undefined;
  const remember = (ledger: TopicLedger, { from }: Head): void => {
    current = { ledger, from: new Map(Object.entries(from).map(([partition, offset]) => [Number(partition), BigInt(offset)])) };
  };
  const own = (): OwnMessages => {
    if (current === undefined) throw new Error(`no backfill of ${topic} was opened`);
    return ownMessages(topic, current.ledger, current.from, newestOnly);
  };
  const measures = measuresOfParts(async (columns, read) => {
    if (current !== undefined) await takeLanes(options, current.ledger); // what was committed last is visible afterwards
    return measured(kafka, own(), columns, (db, relation) => read(measuresOf(duckdbCanonical, (sql) => db.rows(sql), relation)));
  });
  return {
    title: topic,
    engine: "kafka",
    merge,
    route: "DuckDB reads, one transaction sends a chunk",
    lanes: 2,
    columns: async (source) => targetColumns(options, source),
    start: async (identity, columns) => {
      const ledger = new TopicLedger(kafka, topic, identity.backfill);
      await ledger.prepare(place.partitions[0]?.replicas.length ?? 1);
      const producers = await takeLanes(options, ledger);
      const head = await claim(kafka, topic, ledger, identity, producers);
      remember(ledger, head);
      return loadSession({ ...options, place, ledger, producers, loading: columns }, emptyFingerprint(columns));
    },
    ledger: async (backfill) => {
      const ledger = new TopicLedger(kafka, topic, backfill);
      const { head, chunks } = await ledger.read();
      if (head === undefined) return undefined;
      remember(ledger, head);
      return { identity: head.identity, startedAt: head.startedAt, baseline: NOTHING, chunks };
    },
    reset: (backfill, empty) => reset(options, backfill, empty, newestOnly),
    ...measures,
    close: async () => {},
  };
}

/** Messages of others are told apart by the header: nothing was there before. */
const NOTHING: Fingerprint = { rows: "0", hash: ["0", "0"], columns: [] };

function ownMessages(topic: string, { key }: TopicLedger, from: ReadonlyMap<number, bigint>, newestOnly: boolean): OwnMessages {
  return {
    topic,
    from,
    newestOnly,
    isOwn: ({ headers }) => headers.some(([name, value]) => name === HEADER && value !== null && Buffer.from(value).toString() === key),
  };
}

async function isCompacted(kafka: Kafka, topic: string): Promise<boolean> {
  const settings = (await kafka.settings([topic])).get(topic) ?? [];
  return settings.some(({ name, value }) => name === "cleanup.policy" && (value ?? "").includes("compact"));
}

/** Whoever holds them is fenced, and what was open is ended: afterwards the ledger tells the whole truth. */
function takeLanes(options: TopicTargetOptions, ledger: TopicLedger): Promise<KafkaProducer[]> {
  return Promise.all(Array.from({ length: LANES }, (_, lane) => takeLane(options, ledger, lane)));
}

function takeLane({ kafka, timeoutMs = TRANSACTION_MS }: TopicTargetOptions, { key }: TopicLedger, lane: number): Promise<KafkaProducer> {
  return kafka.producer(`dw-backfill-${key}-${lane}`, timeoutMs);
}

async function claim(
  kafka: Kafka,
  topic: string,
  ledger: TopicLedger,
  identity: LoadIdentity,
  producers: readonly KafkaProducer[],
): Promise<Head> {
  const recorded = await ledger.read();
  ledger.refuseOther(identity, recorded);
  const ends = [...(await kafka.offsets(topic, "latest"))].map(([partition, { offset }]) => [String(partition), String(offset)] as const);
  const { head } = recorded;
  if (head !== undefined && recorded.chunks.length > 0) {
    const began = new Map(Object.entries(head.from));
    if (ends.some(([partition, end]) => BigInt(end) < BigInt(began.get(partition) ?? "0"))) throw recreated(topic, identity.backfill);
  }
  if (head?.identity.digest === identity.digest) return head;
  const taken: Head = { identity, startedAt: new Date().toISOString(), from: Object.fromEntries(ends) };
  const [producer] = producers;
  await producer?.send([ledger.headRecord(taken)]);
  await producer?.commit();
  return taken;
}

async function reset(options: TopicTargetOptions, backfill: string, empty: boolean, newestOnly: boolean): Promise<void> {
  const { kafka, topic } = options;
  if (empty) throw notEmptied(topic);
  const ledger = new TopicLedger(kafka, topic, backfill);
  const { head } = await ledger.read();
  if (head !== undefined) {
    const from = new Map(Object.entries(head.from).map(([partition, offset]) => [Number(partition), BigInt(offset)]));
    const counts = await measured(kafka, ownMessages(topic, ledger, from, newestOnly), [], async (db, relation) => {
      const [row] = await db.rows<{ n: string }>(`SELECT count(*)::VARCHAR AS n FROM ${relation}`);
      return BigInt(row?.n ?? "0");
    });
    if (counts.some((count) => count > 0n)) throw resetRefused(backfill, topic);
  }
  await ledger.forget();
}

// ------------------------------------------------------------------------------------------------ columns

function targetColumns({ topic, columns, key }: TopicTargetOptions, source: readonly SourceColumn[]): TargetColumn[] {
  const wanted = columns === undefined ? source : Object.entries(columns).map(([name, column]) => ({ name, ...column }));
  const problems: string[] = [];
  const held = wanted.map(({ name, type, nullable }): TargetColumn => {
    const kept = targetFormats.jsonl.held(type);
    if (kept === undefined) problems.push(`${name} is ${typeText(type)}, which messages do not hold.`);
    return { name, type: kept ?? type, nullable: nullable && !key.includes(name), writable: true, hasDefault: false };
  });
  problems.push(
    ...key.filter((name) => !wanted.some((column) => column.name === name)).map((name) => `The key names ${name}, which is no column.`),
  );
  if (problems.length === 0) return held;
  throw new DwError("DW-TYPE-UNSUPPORTED", {
    what: `The columns cannot be sent to ${topic}:\n${problems.map((problem) => `  - ${problem}`).join("\n")}`,
    why: "Some values would come back changed, or not at all.",
    fix: "Give the topic's model types that JSON holds, and convert with { sql } in the map.",
  });
}

// ------------------------------------------------------------------------------------------------ loads

interface Destination extends TopicTargetOptions {
  readonly place: KafkaTopic;
  readonly ledger: TopicLedger;
  /** One a lane; undefined after trouble: the lane is taken again before its next chunk. */
  readonly producers: (KafkaProducer | undefined)[];
  readonly loading: readonly FingerprintColumn[];
}

function loadSession(to: Destination, baseline: Fingerprint): LoadSession {
  const { ledger } = to;
  const lanes = Array.from({ length: LANES }, (): Promise<unknown> => Promise.resolve());
  return {
    baseline,
    loaded: async () => (await ledger.read()).chunks,
    load: (rows, signal) => {
      const lane = ledger.laneOf(rows.chunk.id);
      const turn = (lanes[lane] ?? Promise.resolve()).then(() => loadOn(to, lane, rows, signal));
      lanes[lane] = turn.catch(() => undefined);
      return turn;
    },
    close: async () => {},
  };
}

async function loadOn(to: Destination, lane: number, rows: LoadableChunk, signal: AbortSignal): Promise<LoadedChunk> {
  const { ledger, producers } = to;
  signal.throwIfAborted();
  let producer = producers[lane];
  if (producer === undefined) {
    // The last chunk of this lane ended in doubt: its transaction is over now, and the ledger says how.
    producer = await takeLane(to, ledger, lane);
    producers[lane] = producer;
    const before = (await ledger.read()).chunks.find(({ chunk }) => chunk === rows.chunk.id);
    if (before !== undefined) return before;
  }
  try {
    await send(to, producer, rows, signal);
    const { chunk, fingerprint } = rows;
    const loaded: LoadedChunk = { chunk: chunk.id, title: chunk.title, fingerprint, loadedAt: new Date().toISOString() };
    await producer.send([ledger.chunkRecord(loaded)]);
    await producer.commit();
    return loaded;
  } catch (error) {
    producers[lane] = undefined;
    await producer.abort().catch(() => {}); // whoever takes the lane next gives it up, too
    throw tooLate(to, error);
  }
}

/** Bytes of a partition's messages that go in one batch; brokers take a MiB unless they are told otherwise. */
const BATCH_BYTES = 512 * 1024;

async function send(to: Destination, producer: KafkaProducer, rows: LoadableChunk, signal: AbortSignal): Promise<void> {
  const { topic, place, ledger, key } = to;
  const batches = new Map<number, { records: KafkaRecord[]; bytes: number }>();
  const flush = async (partition: number): Promise<void> => {
    const batch = batches.get(partition);
    batches.delete(partition);
    if (batch !== undefined) await producer.send([{ topic, partition, records: batch.records }]);
  };
  const headers = [[HEADER, Buffer.from(ledger.key)]] as const;
  const partitions = place.partitions.length;
  const loading = to.loading.map((column) => ({ ...column, nullable: true }));
  let turn = 0;
  for await (const texts of rows.db.strings(`SELECT ${messageText(loading, key)} FROM (${rows.sql}) AS rows`, signal)) {
    for (const text of texts) {
      const record = recordOf(text ?? "", headers);
      refuseFault(to, rows, record);
      // Without a key, batches take turns: a partition gets long runs of messages rather than single ones.
      const partition = record.key === null ? turn % partitions : partitionOf(record.key, partitions);
      const batch = batches.get(partition) ?? { records: [], bytes: 0 };
      batches.set(partition, batch);
      batch.records.push(record);
      batch.bytes += (record.key?.length ?? 0) + (record.value?.length ?? 0) + RECORD_BYTES;
      if (batch.bytes < BATCH_BYTES) continue;
      await flush(partition);
      turn++;
    }
  }
  for (const partition of [...batches.keys()]) await flush(partition);
}

/** Lengths, header and time of a record, at most. */
const RECORD_BYTES = 64;

function recordOf(text: string, headers: KafkaRecord["headers"] & object): KafkaRecord {
  const border = text.lastIndexOf(BORDER);
  const key = border === -1 ? null : Buffer.from(text.slice(0, border), "utf8");
  return { key, value: Buffer.from(text.slice(border + 1), "utf8"), headers };
}

function refuseFault({ columns, loading, topic }: Destination, { chunk }: LoadableChunk, { value }: KafkaRecord): void {
  const shape = columns ?? Object.fromEntries(loading.map(({ name, type }) => [name, { type, nullable: true, comment: "" }]));
  const fault = messageFault(value, shape);
  if (fault === undefined) return;
  throw new DwError("DW-VALUE-REFUSED", {
    what: `Chunk ${chunk.title} has a row that makes no message of ${topic}: ${fault}.`,
    why: "Messages are checked against the topic's model before they are sent. The transaction of the chunk was given up.",
    fix: "Map the column with { sql } to a value that the model's type takes, or leave such rows out with --where.",
  });
}

// ------------------------------------------------------------------------------------------------ letters

/** What a coordinator says to a transaction that it has given up itself. */
function tooLate({ timeoutMs = TRANSACTION_MS, topic }: Destination, error: unknown): unknown {
  if (!isDwError(error) || !/INVALID_TXN_STATE|INVALID_PRODUCER_ID_MAPPING/.test(error.why)) return error;
  return new DwError("DW-TIMEOUT", {
    what: `The transaction of a chunk for ${topic} was given up by the broker.`,
    why: `It was open for longer than ${timeoutMs / 1000} seconds, or the broker lost sight of it. Nothing of the chunk is visible.`,
    fix: "Run again; if it happens again, cut the source into smaller chunks or raise transaction.max.timeout.ms of the brokers.",
    cause: error,
  });
}

function recreated(topic: string, backfill: string): DwError {
  return new DwError("DW-LEDGER-CONFLICT", {
    what: `The topic ${topic} ends before the messages of backfill ${backfill} began.`,
    why: "It was made again since: chunks that the ledger records are not in it.",
    fix: `Start over with \`dw backfill reset ${backfill}\`.`,
  });
}

function notEmptied(topic: string): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `The topic ${topic} is not emptied.`,
    why: "Messages cannot be taken back without those of others, and consumers may have read them.",
    fix: "Delete the topic and let a migration make it again; then run `dw backfill reset` without --empty.",
  });
}
