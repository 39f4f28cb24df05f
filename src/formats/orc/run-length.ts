import { corrupt } from "./failure.js";
import { type ByteStream, take } from "./streams.js";

/*
 * ORC's run-length encodings (specification: "Run Length Encoding"). Integers are 64 bits wide; they are decoded as pairs
 * of 32-bit halves straight into typed arrays, because a BigInt a value costs twenty times as much.
 */

/** Decodes the longest run that any encoding has: 512 values. */
const RUN = 512;

/** A sequence of integers; `low` and `high` hold the halves of the current run. */
export interface IntegerReader {
  /** The next `count` values, low halves only (values known to fit 32 bits). */
  readonly int32: (out: Int32Array, offset: number, count: number) => void;
  readonly int64: (out: BigInt64Array, offset: number, count: number) => void;
  readonly skip: (count: number) => void;
  readonly seek: (positions: Iterator<number>) => void;
}

export function integerReader(stream: ByteStream, signed: boolean, version: 1 | 2): IntegerReader {
  const run = version === 1 ? new RunLengthV1(stream, signed) : new RunLengthV2(stream, signed);
  return {
    int32: (out, offset, count) => {
      run.each(count, (low, _high, from, length, done) => out.set(low.subarray(from, from + length), offset + done));
    },
    int64: (out, offset, count) => {
      // Typed arrays use the machine's byte order; Node runs on little-endian machines only.
      const halves = new Int32Array(out.buffer, out.byteOffset + offset * 8, count * 2);
      run.each(count, (low, high, from, length, done) => {
        for (let i = 0, at = done * 2; i < length; i++, at += 2) {
          halves[at] = low[from + i] as number;
          halves[at + 1] = high[from + i] as number;
        }
      });
    },
    skip: (count) => run.each(count, () => undefined),
    seek: (positions) => {
      stream.seek(positions);
      run.reset();
      run.each(take(positions), () => undefined);
    },
  };
}

type Taker = (low: Int32Array, high: Int32Array, from: number, length: number, done: number) => void;

abstract class Runs {
  protected readonly low = new Int32Array(RUN);
  protected readonly high = new Int32Array(RUN);
  protected length = 0;
  private used = 0;

  constructor(
    protected readonly stream: ByteStream,
    protected readonly signed: boolean,
  ) {}

  /** Hands out the next `count` values, run by run. */
  each(count: number, takeRun: Taker): void {
    let done = 0;
    while (done < count) {
      if (this.used >= this.length) {
        this.nextRun();
        this.used = 0;
      }
      const step = Math.min(count - done, this.length - this.used);
      takeRun(this.low, this.high, this.used, step, done);
      this.used += step;
      done += step;
    }
  }

  reset(): void {
    this.length = 0;
    this.used = 0;
  }

  protected abstract nextRun(): void;

  /** A base-128 varint into slot `at`, zigzag-decoded when `signed`. */
  protected varint(at: number, signed: boolean): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.stream.byte();
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >> 4;
      } else if (shift <= 63) high |= bits << (shift - 32);
      else throw corrupt("an integer is longer than 64 bits");
      if (byte < 0x80) break;
    }
    this.low[at] = low;
    this.high[at] = high;
    if (signed) this.zigzag(at, at + 1);
  }

  /** (n >>> 1) ^ -(n & 1) on halves. */
  protected zigzag(from: number, to: number): void {
    const { low, high } = this;
    for (let i = from; i < to; i++) {
      const l = low[i] as number;
      const h = high[i] as number;
      const sign = -(l & 1);
      low[i] = ((l >>> 1) | (h << 31)) ^ sign;
      high[i] = (h >>> 1) ^ sign;
    }
  }

  /** Slot `at` = slot `from` + (low, high), modulo 2^64. */
  protected add(at: number, from: number, low: number, high: number): void {
    const a = this.low[from] as number;
    const sum = (a + low) | 0;
    const carry = sum >>> 0 < a >>> 0 ? 1 : 0;
    const top = ((this.high[from] as number) + high + carry) | 0;
    this.low[at] = sum;
    this.high[at] = top;
  }
}

/** Version 1: runs of 3 to 130 values with a fixed delta, or 1 to 128 literal varints. */
class RunLengthV1 extends Runs {
  protected nextRun(): void {
    const control = this.stream.byte();
    if (control < 128) {
      this.length = control + 3;
      const delta = (this.stream.byte() << 24) >> 24;
      this.varint(0, this.signed);
      for (let i = 1; i < this.length; i++) this.add(i, i - 1, delta, delta >> 31);
      return;
    }
    this.length = 256 - control;
    for (let i = 0; i < this.length; i++) this.varint(i, this.signed);
  }
}

/** Five-bit width codes: 1 to 24, then the widths that were found worth having. */
const widths: readonly number[] = [...Array.from({ length: 24 }, (_, i) => i + 1), 26, 28, 30, 32, 40, 48, 56, 64];

/** Version 2: short repeat, direct, patched base, delta. */
class RunLengthV2 extends Runs {
  protected nextRun(): void {
    const first = this.stream.byte();
    const encoding = first >> 6;
    if (encoding === 0) {
      this.shortRepeat(first);
      return;
    }
    const code = (first >> 1) & 31;
    const width = encoding === 3 && code === 0 ? 0 : (widths[code] as number); // 32 codes, 32 widths
    this.length = (((first & 1) << 8) | this.stream.byte()) + 1;
    if (encoding === 1) this.direct(width);
    else if (encoding === 2) this.patchedBase(width);
    else this.delta(width);
  }

  private shortRepeat(first: number): void {
    const bytes = ((first >> 3) & 7) + 1;
    this.length = (first & 7) + 3;
    this.bigEndian(0, bytes);
    if (this.signed) this.zigzag(0, 1);
    this.low.fill(this.low[0] as number, 1, this.length);
    this.high.fill(this.high[0] as number, 1, this.length);
  }

  private direct(width: number): void {
    this.unpack(0, this.length, width);
    if (this.signed) this.zigzag(0, this.length);
  }

  private delta(width: number): void {
    const { low, high, length } = this;
    this.varint(0, this.signed);
    this.varint(1, true);
    if (length === 1) return; // the base alone still has its delta behind it
    const stepLow = low[1] as number;
    const stepHigh = high[1] as number;
    this.add(1, 0, stepLow, stepHigh);
    if (width === 0) {
      for (let i = 2; i < length; i++) this.add(i, i - 1, stepLow, stepHigh);
      return;
    }
    this.unpack(2, length, width);
    const falling = stepHigh < 0;
    for (let i = 2; i < length; i++) {
      const l = low[i] as number;
      const h = high[i] as number;
      // Deltas after the first are magnitudes; the first one's sign holds for the run.
      if (falling) this.add(i, i - 1, -l | 0, l === 0 ? -h | 0 : ~h);
      else this.add(i, i - 1, l, h);
    }
  }

  private patchedBase(width: number): void {
    const third = this.stream.byte();
    const fourth = this.stream.byte();
    const baseBytes = (third >> 5) + 1;
    const patchWidth = widths[third & 31] as number; // 32 codes, 32 widths
    const gapWidth = (fourth >> 5) + 1;
    const patches = fourth & 31;
    const base = this.signedMagnitude(baseBytes);
    this.unpack(0, this.length, width);
    const values = new BigUint64Array(this.length);
    for (let i = 0; i < this.length; i++)
      values[i] = (BigInt((this.high[i] as number) >>> 0) << 32n) | BigInt((this.low[i] as number) >>> 0);
    if (patchWidth + gapWidth > 64) throw corrupt("a patch list entry is wider than 64 bits");
    this.applyPatches(values, patches, patchWidth, closestWidth(patchWidth + gapWidth), width);
    for (let i = 0; i < this.length; i++) this.put(i, base + (values[i] as bigint));
  }

  /** Patches carry a gap from the last patched value and the bits above `width`. They reuse the run's slots to unpack. */
  private applyPatches(values: BigUint64Array, patches: number, patchWidth: number, entryWidth: number, width: number): void {
    this.unpack(0, patches, entryWidth);
    const mask = (1n << BigInt(patchWidth)) - 1n;
    let at = 0;
    for (let i = 0; i < patches; i++) {
      const entry = (BigInt((this.high[i] as number) >>> 0) << 32n) | BigInt((this.low[i] as number) >>> 0);
      at += Number(entry >> BigInt(patchWidth));
      const patch = entry & mask;
      if (patch === 0n) continue; // a gap above 255 is split: this entry only moves on
      if (at >= values.length) throw corrupt("a patch lies outside its run");
      values[at] = (values[at] as bigint) | (patch << BigInt(width));
    }
  }

  private put(at: number, value: bigint): void {
    this.low[at] = Number(BigInt.asIntN(32, value));
    this.high[at] = Number(BigInt.asIntN(32, value >> 32n));
  }

  /** The base of a patched run: its highest bit is the sign, the rest the magnitude. */
  private signedMagnitude(bytes: number): bigint {
    let value = 0n;
    for (let i = 0; i < bytes; i++) value = (value << 8n) | BigInt(this.stream.byte());
    const sign = 1n << BigInt(bytes * 8 - 1);
    return value & sign ? -(value & (sign - 1n)) : value;
  }

  private bigEndian(at: number, bytes: number): void {
    let low = 0;
    let high = 0;
    for (let i = 0; i < bytes; i++) {
      high = (high << 8) | (low >>> 24);
      low = (low << 8) | this.stream.byte();
    }
    this.low[at] = low;
    this.high[at] = high;
  }

  /** Big-endian bit-packed values of `width` bits into the slots [from, to). The last byte is padded. */
  private unpack(from: number, to: number, width: number): void {
    const bytes = this.stream.bytes(Math.ceil(((to - from) * width) / 8));
    if (width === 8) for (let i = from, b = 0; i < to; i++, b++) this.set32(i, bytes[b] as number);
    else if (width === 16)
      for (let i = from, b = 0; i < to; i++, b += 2) this.set32(i, ((bytes[b] as number) << 8) | (bytes[b + 1] as number));
    else if (width <= 24) this.unpackNarrow(bytes, from, to, width);
    else this.unpackWide(bytes, from, to, width);
  }

  private set32(at: number, value: number): void {
    this.low[at] = value;
    this.high[at] = 0;
  }

  private unpackNarrow(bytes: Uint8Array, from: number, to: number, width: number): void {
    const mask = (1 << width) - 1;
    let bits = 0;
    let held = 0;
    let at = 0;
    for (let i = from; i < to; i++) {
      while (held < width) {
        bits = (bits << 8) | (bytes[at++] as number); // older bits that fall off on the left were taken already
        held += 8;
      }
      held -= width;
      this.set32(i, (bits >>> held) & mask);
    }
  }

  private unpackWide(bytes: Uint8Array, from: number, to: number, width: number): void {
    let bit = 0;
    for (let i = from; i < to; i++) {
      let low = 0;
      let high = 0;
      let left = width;
      while (left > 0) {
        const inByte = 8 - (bit & 7);
        const step = Math.min(inByte, left);
        const value = ((bytes[bit >> 3] as number) >> (inByte - step)) & ((1 << step) - 1);
        high = (high << step) | (low >>> (32 - step));
        low = (low << step) | value;
        bit += step;
        left -= step;
      }
      this.low[i] = low;
      this.high[i] = high;
    }
  }
}

function closestWidth(bits: number): number {
  return widths.find((width) => width >= bits) ?? 64;
}

/** Bytes: runs of 3 to 130 equal ones, or 1 to 128 literals. */
export class ByteRuns {
  private left = 0;
  private literal = false;
  private value = 0;

  constructor(private readonly stream: ByteStream) {}

  next(): number {
    if (this.left === 0) this.header();
    this.left--;
    return this.literal ? this.stream.byte() : this.value;
  }

  read(out: Uint8Array, offset: number, count: number): void {
    let done = 0;
    while (done < count) {
      if (this.left === 0) this.header();
      const step = Math.min(this.left, count - done);
      if (this.literal) this.stream.copyInto(out, offset + done, step);
      else out.fill(this.value, offset + done, offset + done + step);
      this.left -= step;
      done += step;
    }
  }

  skip(count: number): void {
    for (let i = 0; i < count; i++) this.next();
  }

  seek(positions: Iterator<number>): void {
    this.stream.seek(positions);
    this.left = 0;
    this.skip(take(positions));
  }

  private header(): void {
    const control = this.stream.byte();
    this.literal = control >= 128;
    this.left = this.literal ? 256 - control : control + 3;
    if (!this.literal) this.value = this.stream.byte();
  }
}

/** Booleans: byte runs of eight bits, highest bit first. */
export class BooleanRuns {
  private readonly bytes: ByteRuns;
  private bits = 0;
  private held = 0;

  constructor(stream: ByteStream) {
    this.bytes = new ByteRuns(stream);
  }

  /** One byte a value, 0 or 1; answers how many are 1. */
  read(out: Uint8Array, offset: number, count: number): number {
    let ones = 0;
    for (let i = 0; i < count; i++) {
      if (this.held === 0) {
        this.bits = this.bytes.next();
        this.held = 8;
      }
      this.held--;
      const bit = (this.bits >> this.held) & 1;
      out[offset + i] = bit;
      ones += bit;
    }
    return ones;
  }

  seek(positions: Iterator<number>): void {
    this.bytes.seek(positions);
    this.held = 0;
    const bits = take(positions);
    if (bits > 0) this.read(new Uint8Array(bits), 0, bits);
  }
}
