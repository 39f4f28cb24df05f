import { OverLimit, overLimit } from "./over-limit.js";

/*
 * Zstandard (RFC 8878) by the reference implementation as WebAssembly: Node has it only since 22.15, and a decoder in
 * JavaScript took four times as long on ORC files and did not compare checksums. Of the package only the module is used: its
 * own functions do not look at error codes, so that a damaged frame reads as nothing, or in a stream for ever.
 */

/** The module's memory is addressed by numbers, and grows but never shrinks. */
interface Zstd {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly malloc: (bytes: number) => number;
  readonly free: (at: number) => void;
  readonly ZSTD_createDCtx: () => number;
  readonly ZSTD_freeDCtx: (context: number) => void;
  readonly ZSTD_decompress: (to: number, capacity: number, from: number, size: number) => number;
  readonly ZSTD_decompressStream: (context: number, output: number, input: number) => number;
}

let loaded: Promise<Zstd> | undefined;
let zstd: Zstd | undefined;

/** Makes the functions below ready. */
export async function loadZstd(): Promise<void> {
  loaded ??= load();
  zstd = await loaded;
}

async function load(): Promise<Zstd> {
  const { ZSTDDecoder } = await import("zstddec/stream");
  let found: unknown;
  class Module extends ZSTDDecoder {
    override _init(result: Parameters<InstanceType<typeof ZSTDDecoder>["_init"]>[0]): void {
      super._init(result); // it follows the memory where that moves as it grows
      found = result.instance.exports;
    }
  }
  await new Module().init();
  return found as Zstd; // what the module of this version exports; the tests of this folder call each of them
}

function ready(): Zstd {
  if (zstd === undefined) throw new Error("loadZstd was not called");
  return zstd;
}

/** A decoder keeps the last so many bytes of its output; the format's own advice is to refuse more. */
const MAX_WINDOW_BYTES = 128 * 1024 * 1024;
/** Larger outputs are decoded piece by piece, so that the module's memory stays small. */
const MAX_AT_ONCE = 4 * 1024 * 1024;

/**
 * Decompresses frames, one after the other, into at most `limit` bytes. Call loadZstd first. Throws RangeError for damaged
 * input, also where a frame's checksum does not match, and OverLimit, also for a window of more than 128 MiB.
 */
export function zstdBlock(source: Uint8Array, limit: number): Uint8Array {
  const size = contentSize(source);
  if (size !== undefined && size > limit) throw overLimit(limit);
  const once = size !== undefined && size <= MAX_AT_ONCE ? atOnce(source, size) : undefined;
  return once ?? inPieces(source, limit);
}

/** undefined for what is not one sound frame of that size. */
function atOnce(source: Uint8Array, size: number): Uint8Array | undefined {
  const module = ready();
  const from = allocate(source.length);
  const to = allocate(size);
  try {
    new Uint8Array(module.memory.buffer).set(source, from);
    const got = module.ZSTD_decompress(to, size, from, source.length);
    return got === size ? new Uint8Array(module.memory.buffer).slice(to, to + size) : undefined;
  } finally {
    module.free(from);
    module.free(to);
  }
}

function inPieces(source: Uint8Array, limit: number): Uint8Array {
  const stream = new ZstdStream();
  try {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for (const piece of stream.push(source)) {
      length += piece.length;
      if (length > limit) throw overLimit(limit);
      pieces.push(piece);
    }
    stream.end();
    return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces, length);
  } finally {
    stream.close();
  }
}

const STEP = 128 * 1024;
/** ZSTD_inBuffer and ZSTD_outBuffer: address, size, position, of 32 bits each. */
const BUFFER_BYTES = 12;
const POSITION = 8;
const WINDOW_TOO_LARGE = -16;

/** Frames that come in pieces of any size. `close` has to be called in the end. Call loadZstd first. */
export class ZstdStream {
  private readonly module = ready();
  private readonly from = allocate(STEP);
  private readonly to = allocate(STEP);
  private readonly input = allocate(2 * BUFFER_BYTES);
  private readonly output = this.input + BUFFER_BYTES;
  private readonly context = this.module.ZSTD_createDCtx();
  /** 0 where a frame has ended, else bytes that the decoder would like next. */
  private hint = 1;

  /** What can be decompressed by now. Throws RangeError, OverLimit. */
  *push(source: Uint8Array): Generator<Uint8Array> {
    for (let at = 0; at < source.length; at += STEP) yield* this.step(source.subarray(at, at + STEP));
  }

  private *step(source: Uint8Array): Generator<Uint8Array> {
    new Uint8Array(this.module.memory.buffer).set(source, this.from);
    this.setBuffer(this.input, this.from, source.length);
    for (let more = true; more; ) {
      this.setBuffer(this.output, this.to, STEP);
      this.hint = this.module.ZSTD_decompressStream(this.context, this.output, this.input);
      if (this.hint === WINDOW_TOO_LARGE) throw new OverLimit("A Zstandard window", MAX_WINDOW_BYTES);
      if (this.hint < 0) throw new RangeError(`a Zstandard frame is damaged (error ${-this.hint})`);
      const length = this.position(this.output);
      if (length > 0) yield new Uint8Array(this.module.memory.buffer).slice(this.to, this.to + length);
      more = this.position(this.input) < source.length || (length === STEP && this.hint !== 0);
    }
  }

  /** Throws RangeError where the last frame has not ended. */
  end(): void {
    if (this.hint !== 0) throw new RangeError("Zstandard data ends in the middle of a frame");
  }

  close(): void {
    this.module.ZSTD_freeDCtx(this.context);
    for (const at of [this.from, this.to, this.input]) this.module.free(at);
  }

  private setBuffer(at: number, address: number, size: number): void {
    new Uint32Array(this.module.memory.buffer, at, 3).set([address, size, 0]);
  }

  private position(at: number): number {
    return new DataView(this.module.memory.buffer).getUint32(at + POSITION, true);
  }
}

function allocate(bytes: number): number {
  const at = ready().malloc(Math.max(bytes, 1));
  if (at === 0) throw new OverLimit("What Zstandard needs", MAX_WINDOW_BYTES);
  return at;
}

const MAGIC = [0x28, 0xb5, 0x2f, 0xfd];

/** The content size in the first frame's header, if it is there (RFC 8878, section 3.1.1.1). */
function contentSize(frame: Uint8Array): number | undefined {
  if (MAGIC.some((byte, index) => frame[index] !== byte)) return undefined;
  const descriptor = frame[4] ?? 0;
  const single = (descriptor & 0x20) !== 0;
  const flag = descriptor >> 6;
  const bytes = flag === 0 ? (single ? 1 : 0) : 1 << flag;
  if (bytes === 0) return undefined;
  const at = 5 + (single ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] ?? 0);
  let size = flag === 1 ? 256 : 0;
  for (let i = 0; i < bytes; i++) size += (frame[at + i] ?? 0) * 2 ** (8 * i);
  return size;
}
