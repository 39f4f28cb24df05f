/*
 * bzip2, as its manual and the common decoders have it: blocks of up to 900,000 bytes, sorted (Burrows and Wheeler), moved to
 * front, run lengths, Huffman codes; a checksum a block. Blocks begin at any bit. Several streams one after the other are one
 * file. Damage is a RangeError.
 */

const BLOCK = 0x314159265359; // the digits of π
const END = 0x177245385090; // and of its square root
/** A block has at most 900,000 symbols of 20 bits, and its tables: with so many bytes at hand none is cut. */
const ENOUGH = 3 * 1024 * 1024;
const LEVEL_BYTES = 100_000;

class Cut extends RangeError {
  constructor() {
    super("a bzip2 stream ends before it is complete");
  }
}

/** Unpacks pieces as they come. */
export class Bzip2Stream {
  private held: Uint8Array = new Uint8Array();
  private bits = new Bits(this.held);
  /** Largest block of the current stream, bytes; undefined between streams. */
  private level: number | undefined;
  private streams = 0;

  *push(piece: Uint8Array): Generator<Uint8Array> {
    this.held = Buffer.concat([this.held.subarray(this.bits.wholeBytes), piece]);
    this.bits = new Bits(this.held, this.bits.inByte);
    while (this.bits.left >= ENOUGH) yield* this.step();
  }

  *end(): Generator<Uint8Array> {
    while (this.bits.left > 0 || this.level !== undefined) yield* this.step();
    if (this.streams === 0) throw new Cut();
  }

  /** One block, or the head or tail of a stream. */
  private *step(): Generator<Uint8Array> {
    const { bits } = this;
    if (this.level === undefined) {
      this.level = streamLevel(bits);
      return;
    }
    const magic = bits.take(24) * 2 ** 24 + bits.take(24);
    if (magic === BLOCK) {
      yield block(bits, this.level);
    } else if (magic === END) {
      bits.take(16);
      bits.take(16);
      bits.align();
      this.level = undefined;
      this.streams++;
    } else throw new RangeError("a bzip2 block does not begin with its mark");
  }
}

/** What the first bytes of a file unpack to, as far as whole blocks go; where `whole` is true they are all of the file. */
export function bzip2Head(head: Uint8Array, whole: boolean): Uint8Array {
  const stream = new Bzip2Stream();
  const found: Uint8Array[] = [];
  try {
    for (const part of stream.push(head)) found.push(part);
    for (const part of stream.end()) found.push(part);
  } catch (error) {
    if (whole || !(error instanceof Cut)) throw error;
  }
  return Buffer.concat(found);
}

function streamLevel(bits: Bits): number {
  const mark = bits.take(24);
  const level = bits.take(8) - 0x30;
  if (mark !== 0x425a68 || level < 1 || level > 9) throw new RangeError("a bzip2 stream does not begin like one");
  return level * LEVEL_BYTES;
}

/** Bits from the highest of each byte on. */
class Bits {
  private at = 0;
  private held = 0;
  private count = 0;

  constructor(
    private readonly bytes: Uint8Array,
    skipped = 0,
  ) {
    if (skipped > 0) this.take(skipped);
  }

  /** Bytes of which every bit was taken, and bits taken of the next. */
  get wholeBytes(): number {
    return Math.floor((this.at * 8 - this.count) / 8);
  }

  get inByte(): number {
    return (8 - (this.count % 8)) % 8;
  }

  /** Bytes that were not taken, rounded down. */
  get left(): number {
    return this.bytes.length - Math.ceil((this.at * 8 - this.count) / 8);
  }

  /** At most 24. */
  take(width: number): number {
    while (this.count < width) {
      if (this.at >= this.bytes.length) throw new Cut();
      this.held = ((this.held << 8) | (this.bytes[this.at++] as number)) & 0x7fffffff; // at is inside
      this.count += 8;
    }
    this.count -= width;
    return (this.held >>> this.count) & ((1 << width) - 1);
  }

  align(): void {
    this.take(this.count % 8);
  }
}

const GROUP = 50;
const MAX_CODE = 20;

function block(bits: Bits, limit: number): Uint8Array {
  const checksum = bits.take(16) * 65_536 + bits.take(16);
  if (bits.take(1) === 1) throw new RangeError("a bzip2 block is randomised, as no writer has done since 1997");
  const origin = bits.take(24);
  const symbols = usedBytes(bits);
  const groups = bits.take(3);
  const count = bits.take(15);
  if (symbols.length === 0 || groups < 2 || groups > 6 || count < 1) throw new RangeError("a bzip2 block has impossible tables");
  const selectors = selectorsOf(bits, groups, count);
  const codes = Array.from({ length: groups }, () => codeOf(bits, symbols.length + 2));
  const { sorted, length } = moved(bits, symbols, selectors, codes, limit);
  if (origin >= length) throw new RangeError("a bzip2 block begins behind its end");
  const plain = withRuns(sorted, length, origin);
  if (crc(plain) !== checksum) throw new RangeError("a bzip2 block does not match its checksum");
  return plain;
}

/** The bytes that occur, by two levels of bitmaps. */
function usedBytes(bits: Bits): Uint8Array {
  const rows = bits.take(16);
  const used: number[] = [];
  for (let row = 0; row < 16; row++) {
    if ((rows & (0x8000 >> row)) === 0) continue;
    const columns = bits.take(16);
    for (let column = 0; column < 16; column++) if (columns & (0x8000 >> column)) used.push(row * 16 + column);
  }
  return Uint8Array.from(used);
}

function selectorsOf(bits: Bits, groups: number, count: number): Uint8Array {
  const order = Array.from({ length: groups }, (_, index) => index);
  return Uint8Array.from({ length: count }, () => {
    let place = 0;
    while (bits.take(1) === 1) if (++place >= groups) throw new RangeError("a bzip2 block selects a table that it has not");
    const [chosen = 0] = order.splice(place, 1);
    order.unshift(chosen);
    return chosen;
  });
}

/** A canonical Huffman code: of each length the first code, and where its symbols begin. */
interface Code {
  readonly limits: Int32Array;
  readonly bases: Int32Array;
  readonly symbols: Uint16Array;
  readonly shortest: number;
}

function codeOf(bits: Bits, size: number): Code {
  const lengths = new Uint8Array(size);
  let length = bits.take(5);
  for (let symbol = 0; symbol < size; symbol++) {
    while (bits.take(1) === 1) length += bits.take(1) === 0 ? 1 : -1;
    if (length < 1 || length > MAX_CODE) throw new RangeError("a bzip2 block has a code of an impossible length");
    lengths[symbol] = length;
  }
  const limits = new Int32Array(MAX_CODE + 2).fill(-1);
  const bases = new Int32Array(MAX_CODE + 2);
  const symbols: number[] = [];
  let code = 0;
  for (let width = 1; width <= MAX_CODE; width++) {
    bases[width] = code - symbols.length;
    for (let symbol = 0; symbol < size; symbol++) if (lengths[symbol] === width) symbols.push(symbol);
    const next = (bases[width] as number) + symbols.length;
    if (next > code) limits[width] = next - 1;
    code = next * 2;
  }
  return { limits, bases, symbols: Uint16Array.from(symbols), shortest: Math.min(...lengths) };
}

function nextSymbol(bits: Bits, { limits, bases, symbols, shortest }: Code): number {
  let width = shortest;
  let code = bits.take(width);
  while (code > (limits[width] as number)) {
    if (++width > MAX_CODE) throw new RangeError("a bzip2 block has a code that stands for nothing");
    code = code * 2 + bits.take(1);
  }
  const symbol = symbols[code - (bases[width] as number)];
  if (symbol === undefined) throw new RangeError("a bzip2 block has a code that stands for nothing");
  return symbol;
}

/** The block's last column: symbols 0 and 1 are digits of a run, the last one ends it, the others are places in a list. */
function moved(
  bits: Bits,
  used: Uint8Array,
  selectors: Uint8Array,
  codes: readonly Code[],
  limit: number,
): { readonly sorted: Uint32Array; readonly length: number } {
  const sorted = new Uint32Array(limit);
  const order = Array.from(used);
  const end = used.length + 1;
  let length = 0;
  let run = 0;
  let digit = 1;
  for (let taken = 0; ; taken++) {
    const code = codes[selectors[Math.floor(taken / GROUP)] ?? -1];
    if (code === undefined) throw new RangeError("a bzip2 block has more symbols than selectors");
    const symbol = nextSymbol(bits, code);
    if (symbol < 2) {
      run += digit << symbol;
      digit *= 2;
      if (run > limit) throw new RangeError("a bzip2 block is longer than its stream allows");
      continue;
    }
    if (length + run + 1 > limit + (symbol === end ? 1 : 0)) throw new RangeError("a bzip2 block is longer than its stream allows");
    if (run > 0) sorted.fill(order[0] ?? 0, length, length + run);
    length += run;
    run = 0;
    digit = 1;
    if (symbol === end) return { sorted, length };
    const [byte = 0] = order.splice(symbol - 1, 1);
    order.unshift(byte);
    sorted[length++] = byte;
  }
}

/** The text out of its sorted rotations; then four equal bytes are followed by how many more there are. */
function withRuns(sorted: Uint32Array, length: number, origin: number): Uint8Array {
  const starts = new Uint32Array(257);
  for (let at = 0; at < length; at++) {
    const above = ((sorted[at] as number) & 0xff) + 1;
    starts[above] = (starts[above] as number) + 1;
  }
  for (let byte = 1; byte < 257; byte++) starts[byte] = (starts[byte] as number) + (starts[byte - 1] as number);
  for (let at = 0; at < length; at++) {
    const byte = (sorted[at] as number) & 0xff;
    const place = starts[byte] as number;
    starts[byte] = place + 1;
    sorted[place] = (sorted[place] as number) | (at << 8);
  }
  const out = new Growing(length);
  let same = 0;
  let last = -1;
  let next = (sorted[origin] as number) >>> 8;
  for (let done = 0; done < length; done++) {
    const entry = sorted[next] as number;
    const byte = entry & 0xff;
    next = entry >>> 8;
    if (same === 4) {
      out.fill(last, byte);
      same = 0;
      last = -1;
      continue;
    }
    same = byte === last ? same + 1 : 1;
    last = byte;
    out.fill(byte, 1);
  }
  return out.bytes();
}

/** Runs of up to 255 bytes cost five in a block, so that it unpacks to 52 times its size at most. */
class Growing {
  private held: Uint8Array;
  private length = 0;

  constructor(size: number) {
    this.held = new Uint8Array(size + 256);
  }

  fill(byte: number, count: number): void {
    if (this.length + count > this.held.length) {
      const larger = new Uint8Array(this.held.length * 2 + count);
      larger.set(this.held);
      this.held = larger;
    }
    if (count === 1) this.held[this.length] = byte;
    else this.held.fill(byte, this.length, this.length + count);
    this.length += count;
  }

  bytes(): Uint8Array {
    return this.held.subarray(0, this.length);
  }
}

/** CRC-32 of the same polynomial as zip's, but from the highest bit on. */
const table = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte << 24;
  for (let bit = 0; bit < 8; bit++) value = value & 0x80000000 ? (value << 1) ^ 0x04c11db7 : value << 1;
  return value;
});

function crc(bytes: Uint8Array): number {
  let value = -1;
  for (const byte of bytes) value = (value << 8) ^ (table[((value >>> 24) ^ byte) & 0xff] as number);
  return ~value >>> 0;
}
