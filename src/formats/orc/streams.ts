import { type CodecName, codecs } from "../compression/codec.js";
import type { ByteSource } from "./byte-source.js";
import { corrupt } from "./failure.js";
import type { CompressionKind } from "./metadata.js";

export interface Codec {
  readonly kind: CompressionKind;
  /** Largest decompressed chunk, bytes; a chunk that grows beyond it is refused (decompression bombs). */
  readonly blockSize: number;
}

/** What the specification calls zlib is DEFLATE without zlib's header. */
const names: Readonly<Record<Exclude<CompressionKind, "none">, CodecName>> = {
  zlib: "deflate",
  snappy: "snappy",
  lzo: "lzo",
  lz4: "lz4",
  zstd: "zstd",
};

/** All of a compressed section at once: footers and indexes. */
export function decompressSection(section: Uint8Array, codec: Codec): Uint8Array {
  const stream = new ByteStream(
    { size: section.length, read: (start, length) => section.subarray(start, start + length) },
    0,
    section.length,
    codec,
  );
  const parts: Uint8Array[] = [];
  for (let part = stream.nextPiece(); part !== undefined; part = stream.nextPiece()) parts.push(part);
  return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
}

/** Uncompressed streams are read in pieces of this size. */
const PIECE = 256 * 1024;

/**
 * One stream of a stripe as decompressed bytes, fetched chunk by chunk as a decoder asks: memory stays at one chunk a
 * stream, however large the stripe. Chunks have a three-byte header: length × 2, plus 1 when stored uncompressed.
 */
export class ByteStream {
  private piece: Uint8Array = new Uint8Array();
  private at = 0;
  /** Offset in the (compressed) stream of the next chunk. */
  private next = 0;

  constructor(
    private readonly source: ByteSource,
    private readonly start: number,
    private readonly length: number,
    private readonly codec: Codec,
  ) {
    if (start < 0 || start + length > source.size) throw corrupt("a stream lies outside the file");
  }

  /** True when every byte has been taken. */
  get done(): boolean {
    return this.at >= this.piece.length && this.next >= this.length;
  }

  byte(): number {
    if (this.at >= this.piece.length) this.refill();
    return this.piece[this.at++] as number; // refill leaves at least one byte or throws
  }

  /** `count` bytes; a view of the current piece where they lie in one, valid until the next call. */
  bytes(count: number): Uint8Array {
    if (this.at + count <= this.piece.length) {
      this.at += count;
      return this.piece.subarray(this.at - count, this.at);
    }
    const out = new Uint8Array(count);
    this.copyInto(out, 0, count);
    return out;
  }

  copyInto(out: Uint8Array, offset: number, count: number): void {
    let done = 0;
    while (done < count) {
      if (this.at >= this.piece.length) this.refill();
      const step = Math.min(count - done, this.piece.length - this.at);
      out.set(this.piece.subarray(this.at, this.at + step), offset + done);
      this.at += step;
      done += step;
    }
  }

  skip(count: number): void {
    let left = count;
    while (left > 0) {
      if (this.at >= this.piece.length) this.refill();
      const step = Math.min(left, this.piece.length - this.at);
      this.at += step;
      left -= step;
    }
  }

  /** Moves to a row index position: [chunk offset, offset inside it], or [offset] where nothing is compressed. */
  seek(positions: Iterator<number>): void {
    const first = take(positions);
    this.piece = new Uint8Array();
    this.at = 0;
    this.next = first;
    if (first > this.length) throw corrupt("a row index points outside its stream");
    if (this.codec.kind === "none") return;
    const inside = take(positions);
    if (inside > 0) this.skip(inside);
  }

  /** The next decompressed piece as a whole, for sections. */
  nextPiece(): Uint8Array | undefined {
    if (this.next >= this.length) return undefined;
    this.refill();
    this.at = this.piece.length;
    return this.piece;
  }

  private refill(): void {
    do {
      if (this.next >= this.length) throw corrupt("a stream ends in the middle of a value");
      this.piece = this.codec.kind === "none" ? this.plainPiece() : this.compressedPiece(this.codec.kind);
      this.at = 0;
    } while (this.piece.length === 0);
  }

  private plainPiece(): Uint8Array {
    const size = Math.min(PIECE, this.length - this.next);
    this.next += size;
    return this.source.read(this.start + this.next - size, size);
  }

  private compressedPiece(kind: Exclude<CompressionKind, "none">): Uint8Array {
    if (this.length - this.next < 3) throw corrupt("a chunk header is cut off");
    const [a = 0, b = 0, c = 0] = this.source.read(this.start + this.next, 3);
    const header = a | (b << 8) | (c << 16);
    const size = header >> 1;
    if (size > this.length - this.next - 3) throw corrupt("a compressed chunk is longer than its stream");
    const chunk = this.source.read(this.start + this.next + 3, size);
    this.next += 3 + size;
    if (header & 1) return chunk;
    try {
      return codecs[names[kind]](chunk, this.codec.blockSize);
    } catch (error) {
      throw corrupt(`a ${kind} chunk cannot be decompressed`, error);
    }
  }
}

export function take(positions: Iterator<number>): number {
  const next = positions.next();
  if (next.done) throw corrupt("a row index has too few positions");
  return next.value;
}
