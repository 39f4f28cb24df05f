import type { KafkaMessage, KafkaRecord } from "../../core/session.js";
import { ByteReader, ByteWriter } from "./bytes.js";
import { crc32c } from "./crc32c.js";
import { decompressed } from "./decompress.js";

/* Batches of messages, format 2 (https://kafka.apache.org/documentation/#recordbatch): what producers send and brokers keep. */

/** Who writes a batch; the sequence counts the messages of this producer in this partition. */
export interface BatchWriter {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly sequence: number;
  readonly transactional: boolean;
}

/** Bytes before the attributes: base offset, length, leader epoch, magic, CRC. */
const UNGUARDED = 21;
const HEAD = 61;
const TRANSACTIONAL = 0x10;
const CONTROL = 0x20;
const APPEND_TIME = 0x08;

export function encodeBatch(records: readonly KafkaRecord[], writer: BatchWriter, now: number): Buffer {
  const times = records.map(({ timestamp = now }) => timestamp);
  const first = times[0] ?? now;
  const body = new ByteWriter();
  records.forEach((record, index) => {
    const one = encodeRecord(record, index, (times[index] ?? now) - first);
    zigzag(body, one.length);
    body.raw(one);
  });
  const payload = body.done();
  const head = Buffer.alloc(HEAD);
  head.writeInt32BE(HEAD - 12 + payload.length, 8);
  head.writeInt32BE(-1, 12);
  head.writeInt8(2, 16);
  head.writeInt16BE(writer.transactional ? TRANSACTIONAL : 0, 21);
  head.writeInt32BE(records.length - 1, 23);
  head.writeBigInt64BE(BigInt(first), 27);
  head.writeBigInt64BE(BigInt(times.reduce((most, time) => Math.max(most, time), first)), 35);
  head.writeBigInt64BE(writer.producerId, 43);
  head.writeInt16BE(writer.producerEpoch, 51);
  head.writeInt32BE(writer.sequence, 53);
  head.writeInt32BE(records.length, 57);
  const batch = Buffer.concat([head, payload]);
  batch.writeUInt32BE(crc32c(batch.subarray(UNGUARDED)), 17);
  return batch;
}

function encodeRecord({ key, value, headers = [] }: KafkaRecord, index: number, delta: number): Buffer {
  const out = new ByteWriter();
  out.int8(0);
  zigzagLong(out, delta);
  zigzag(out, index);
  blob(out, key);
  blob(out, value);
  zigzag(out, headers.length);
  for (const [name, content] of headers) {
    blob(out, Buffer.from(name, "utf8"));
    blob(out, content);
  }
  return out.done();
}

function blob(out: ByteWriter, bytes: Uint8Array | null): void {
  zigzag(out, bytes === null ? -1 : bytes.length);
  if (bytes) out.raw(bytes);
}

function zigzag(out: ByteWriter, value: number): void {
  out.varint((value << 1) ^ (value >> 31));
}

/** Time deltas: whole numbers of up to 53 bits. */
function zigzagLong(out: ByteWriter, value: number): void {
  let rest = value < 0 ? BigInt(-value) * 2n - 1n : BigInt(value) * 2n;
  for (; rest > 0x7fn; rest >>= 7n) out.int8(Number(rest & 0x7fn) - 128);
  out.int8(Number(rest));
}

/** A transaction that was given up, as a broker lists it with what it sends. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: bigint;
}

export interface DecodedBatches {
  readonly messages: readonly KafkaMessage[];
  /** The offset after the last whole batch; undefined where there is none: a batch can be cut off at the end of an answer. */
  readonly next: bigint | undefined;
}

/**
 * Messages of committed transactions and of none, in order, without the brokers' own markers. Throws RangeError for what is no
 * batch of format 2 or does not match its checksum.
 */
export async function decodeBatches(bytes: Buffer, aborted: readonly AbortedTransaction[]): Promise<DecodedBatches> {
  const giveUps = [...aborted].sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const givenUp = new Set<bigint>();
  const messages: KafkaMessage[] = [];
  let next: bigint | undefined;
  for (let at = 0; at + HEAD <= bytes.length; ) {
    const size = bytes.readInt32BE(at + 8) + 12;
    if (at + size > bytes.length) break;
    const batch = bytes.subarray(at, at + size);
    const base = batch.readBigInt64BE(0);
    const last = base + BigInt(batch.readInt32BE(23));
    for (; giveUps[0] !== undefined && giveUps[0].firstOffset <= last; giveUps.shift()) givenUp.add(giveUps[0].producerId);
    await takeBatch(batch, base, givenUp, messages);
    next = last + 1n;
    at += size;
  }
  return { messages, next };
}

async function takeBatch(batch: Buffer, base: bigint, givenUp: Set<bigint>, into: KafkaMessage[]): Promise<void> {
  if (batch.readInt8(16) !== 2) throw new RangeError("messages in a format from before Kafka 0.11");
  if (batch.readUInt32BE(17) !== crc32c(batch.subarray(UNGUARDED)))
    throw new RangeError(`the batch at offset ${base} does not match its checksum`);
  const attributes = batch.readInt16BE(21);
  const producer = batch.readBigInt64BE(43);
  if (attributes & CONTROL) {
    givenUp.delete(producer); // the marker that ends its transaction
    return;
  }
  if (attributes & TRANSACTIONAL && givenUp.has(producer)) return;
  const reader = new ByteReader(await decompressed(attributes & 7, batch.subarray(HEAD)));
  const first = Number(batch.readBigInt64BE(27));
  const appended = attributes & APPEND_TIME ? Number(batch.readBigInt64BE(35)) : undefined;
  for (let left = batch.readInt32BE(57); left > 0; left--) into.push(decodeRecord(reader, base, first, appended));
}

function decodeRecord(reader: ByteReader, base: bigint, first: number, appended: number | undefined): KafkaMessage {
  readZigzag(reader);
  reader.int8();
  const delta = readZigzagLong(reader);
  const offset = base + BigInt(readZigzag(reader));
  const [key, value] = [readBlob(reader), readBlob(reader)];
  const headers: [string, Uint8Array | null][] = [];
  for (let left = readZigzag(reader); left > 0; left--) headers.push([readBlob(reader)?.toString("utf8") ?? "", readBlob(reader)]);
  return { offset, timestamp: appended ?? first + delta, key, value, headers };
}

function readBlob(reader: ByteReader): Buffer | null {
  const size = readZigzag(reader);
  return size < 0 ? null : reader.raw(size);
}

function readZigzag(reader: ByteReader): number {
  const value = reader.varint();
  return (value >>> 1) ^ -(value & 1);
}

function readZigzagLong(reader: ByteReader): number {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.int8() & 0xff;
    value |= BigInt(byte & 0x7f) << shift;
    if (byte < 0x80) break;
  }
  return Number(value & 1n ? -((value + 1n) >> 1n) : value >> 1n);
}
