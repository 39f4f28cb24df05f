import { deflateRawSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { type CodecName, codecs } from "../../../src/formats/compression/codec.js";
import { decompressed } from "../../../src/formats/compression/named.js";
import { loadZstd } from "../../../src/formats/compression/zstd.js";

beforeAll(loadZstd);

const bytes = (hex: string): Uint8Array => Buffer.from(hex.replaceAll(" ", ""), "hex");
const text = (piece: Uint8Array): string => Buffer.from(piece).toString();

/** What the zstd command makes of this text, with and without its size ahead, with a checksum behind. */
const hello = "hello hello hello hello";
const withSize = bytes("28b52ffd24176500003068656c6c6f200100994b11175eae0d");
const counted = `id\n${Array.from({ length: 60 }, (_, index) => `${index % 7}\n`).join("")}`;
const withoutSize = bytes("28b52ffd0458bd00008069640a300a310a320a330a340a350a36010050a473097e8ed731");

/** A frame of raw blocks: RFC 8878, section 3.1.1. */
function frame(blocks: readonly string[], windowLog = 10): Uint8Array {
  const head = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (windowLog - 10) << 3];
  const body = blocks.flatMap((block, index) => {
    const header = (block.length << 3) | (index === blocks.length - 1 ? 1 : 0);
    return [header & 0xff, (header >> 8) & 0xff, header >> 16, ...Buffer.from(block)];
  });
  return Uint8Array.from([...head, ...body]);
}

/** A frame without a size, of one byte that repeats `count` times in blocks of 128 KiB. */
function repeating(blocks: number): Uint8Array {
  const head = [0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3];
  const body = Array.from({ length: blocks }, (_, index) => {
    const header = (131072 << 3) | 2 | (index === blocks - 1 ? 1 : 0);
    return [header & 0xff, (header >> 8) & 0xff, header >> 16, 0x61];
  });
  return Uint8Array.from([...head, ...body.flat()]);
}

describe("Zstandard", () => {
  test("frames follow one another, with blocks of any size and with what may be skipped between them", () => {
    const skippable = bytes("502a4d18 03000000 616263");
    const all = Buffer.concat([frame(["one ", "two "]), skippable, frame(["three"])]);
    expect(text(codecs.zstd(all, 100))).toBe("one two three");
  });

  test("a frame of the zstd command reads with and without its size", () => {
    expect(text(codecs.zstd(withSize, 100))).toBe(hello);
    expect(text(codecs.zstd(withoutSize, 1000))).toBe(counted);
  });

  test("every flipped bit of a frame with a checksum is damage", () => {
    for (const whole of [withSize, withoutSize]) {
      for (let bit = 0; bit < whole.length * 8; bit++) {
        const flipped = Uint8Array.from(whole);
        flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
        const outcome = codeOf(() => decompressed("zstd", flipped, "a.avro", 1_000_000));
        if (outcome !== "read") expect(outcome).toMatch(/^DW-FILE-(CORRUPT|TOO-LARGE)$/);
        else expect(text(codecs.zstd(flipped, 1_000_000))).toBe(text(codecs.zstd(whole, 1000)));
      }
    }
  });

  test("more than a buffer of output comes out of a few bytes, up to the bound", () => {
    expect(codecs.zstd(repeating(40), 40 * 131072)).toHaveLength(40 * 131072);
    expect(codeOf(() => decompressed("zstd", repeating(40), "a.avro", 1_000_000))).toBe("DW-FILE-TOO-LARGE");
  });

  test("a window of a gigabyte is refused before it is allocated", () => {
    expect(codeOf(() => decompressed("zstd", frame(["x"], 30), "a.avro"))).toBe("DW-FILE-TOO-LARGE");
  });

  test.each([
    ["cut in its last block", frame(["one", "two"]).subarray(0, -1)],
    ["cut between its blocks", frame(["one", "two"]).subarray(0, 12)],
    ["nothing", new Uint8Array()],
    ["no frame", bytes("00112233445566")],
    ["followed by what is none", Buffer.concat([frame(["one"]), bytes("0102030405")])],
  ])("%s is damage", (_, block) => {
    expect(codeOf(() => decompressed("zstd", block, "a.avro"))).toBe("DW-FILE-CORRUPT");
  });
});

test.each<[CodecName, Uint8Array]>([
  ["deflate", deflateRawSync(Buffer.alloc(100_000))],
  ["snappy", bytes("a08d06 00 61")],
  ["zstd", repeating(4)],
])("%s stops at the bound that its caller gives", (codec, bomb) => {
  expect(codeOf(() => decompressed(codec, bomb, "a.avro", 10_000))).toBe("DW-FILE-TOO-LARGE");
});

function codeOf(run: () => unknown): string {
  try {
    run();
    return "read";
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}
