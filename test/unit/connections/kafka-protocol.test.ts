import { describe, expect, test } from "vitest";
import { ByteReader, ByteWriter } from "../../../src/connections/kafka/bytes.js";
import { crc32c } from "../../../src/connections/kafka/crc32c.js";
import { decodeBatches, encodeBatch } from "../../../src/connections/kafka/records.js";
import { list, nullableText, skipTags, struct, text } from "../../../src/connections/kafka/schema.js";
import { scram } from "../../../src/connections/kafka/scram.js";

const utf8 = (value: string): Buffer => Buffer.from(value, "utf8");
const writer = { producerId: 7n, producerEpoch: 0, sequence: 0, transactional: true };

describe("Kafka's protocol", () => {
  test("CRC-32C of RFC 3720's examples", () => {
    expect(crc32c(new Uint8Array(32)).toString(16)).toBe("8a9136aa");
    expect(crc32c(new Uint8Array(32).fill(0xff)).toString(16)).toBe("62a8ab43");
    expect(crc32c(Uint8Array.from({ length: 32 }, (_, index) => index)).toString(16)).toBe("46dd794e");
  });

  test("SCRAM-SHA-256 as in RFC 7677, and a server that does not know the password is found out", () => {
    const exchange = scram("sha256", "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
    expect(exchange.first.toString()).toBe("n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
    const challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
    expect(exchange.final(utf8(challenge)).toString()).toBe(
      "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    );
    expect(exchange.proves(utf8("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))).toBe(true);
    expect(exchange.proves(utf8("v=AAAATRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))).toBe(false);
    expect(() => exchange.final(utf8("r=somebody-else,s=W22Z,i=4096"))).toThrow("not a SCRAM challenge");
  });

  test.each([true, false])("a struct is read as it was written (flexible: %s)", (flexible) => {
    const schema = struct({ name: text, note: nullableText, members: list(struct({ name: text })) });
    const value = { name: "é🦆", note: null, members: [{ name: "a" }, { name: "x".repeat(300) }] };
    const to = new ByteWriter();
    schema.write(to, value, flexible);
    expect(schema.read(new ByteReader(to.done()), flexible)).toEqual(value);
  });

  test("tagged fields that nobody knows are skipped; an answer that is cut off is refused", () => {
    const reader = new ByteReader(Buffer.from([2, 9, 1, 0xff, 200, 1, 0, 42]));
    skipTags(reader);
    expect(reader.int8()).toBe(42);
    expect(() => reader.int32()).toThrow(RangeError);
  });

  test("messages come back as they were: keys, tombstones, headers, times before and after the first", async () => {
    const records = [
      { key: utf8("k"), value: utf8("v"), timestamp: 1_700_000_000_000, headers: [["h", null]] as const },
      { key: null, value: null, timestamp: 1_600_000_000_000 },
      { key: utf8(""), value: Buffer.alloc(70_000, 1), timestamp: 4_102_444_800_000 },
    ];
    const { messages, next } = await decodeBatches(encodeBatch(records, writer, 0), []);
    expect(messages.map(({ offset, timestamp, key, value }) => [offset, timestamp, key?.length ?? null, value?.length ?? null])).toEqual([
      [0n, 1_700_000_000_000, 1, 1],
      [1n, 1_600_000_000_000, null, null],
      [2n, 4_102_444_800_000, 0, 70_000],
    ]);
    expect(messages[0]?.headers).toEqual([["h", null]]);
    expect(next).toBe(3n);
  });

  test("a transaction that was given up is not read; a flipped bit is found; a batch that is cut off waits for the rest", async () => {
    const batch = encodeBatch([{ key: null, value: utf8("v") }], writer, 0);
    expect((await decodeBatches(batch, [{ producerId: 7n, firstOffset: 0n }])).messages).toEqual([]);
    expect((await decodeBatches(batch, [{ producerId: 8n, firstOffset: 0n }])).messages).toHaveLength(1);
    expect(await decodeBatches(batch.subarray(0, batch.length - 1), [])).toEqual({ messages: [], next: undefined });
    const damaged = Buffer.from(batch);
    damaged[damaged.length - 2] = (damaged[damaged.length - 2] ?? 0) ^ 1;
    await expect(decodeBatches(damaged, [])).rejects.toThrow("does not match its checksum");
  });
});
