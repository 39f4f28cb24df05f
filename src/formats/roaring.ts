import { DwError } from "../core/errors.js";

/*
 * Roaring bitmaps in their portable serialisation (RoaringFormatSpec). Deletion vectors of Paimon and Iceberg are made of
 * them. Read only, and lazily: a run of four bytes can stand for 65,536 positions.
 */

const COOKIE_WITHOUT_RUNS = 12346;
const COOKIE_WITH_RUNS = 12347;
const OFFSETS_FROM = 4;
const MAX_ARRAY = 4096;
const BITMAP_BYTES = 8192;

export type ContainerKind = "array" | "bitmap" | "runs";

interface Container {
  /** Upper 16 bits of its positions. */
  readonly high: number;
  readonly cardinality: number;
  readonly at: number;
  readonly kind: ContainerKind;
}

/** A container taken out of its bitmap: the lower 16 bits of its numbers, ascending. */
export interface Lows {
  readonly kind: ContainerKind;
  readonly values: Uint16Array;
}

export interface Bitmap {
  /** As its heads announce it; what its runs and bits hold may differ in a damaged one. */
  readonly cardinality: number;
  /** Where the bytes after it begin. */
  readonly end: number;
  /** Ascending. */
  readonly positions: () => Generator<number>;
}

/** DW-FILE-CORRUPT for what is no bitmap; `file` is for messages. */
export function readBitmap32(bytes: Uint8Array, start: number, file: string): Bitmap {
  const reader = new Reader(bytes, file);
  const { containers, end } = layout(reader, start);
  return {
    cardinality: containers.reduce((sum, container) => sum + container.cardinality, 0),
    end,
    *positions() {
      for (const container of containers) yield* positionsOf(reader, container);
    },
  };
}

/** The containers of a bitmap of 32 bits, with their upper halves. DW-FILE-CORRUPT as above. */
export function readContainers(bytes: Uint8Array, file: string): readonly (Lows & { readonly high: number })[] {
  const reader = new Reader(bytes, file);
  return layout(reader, 0).containers.map((container) => ({ high: container.high, ...lowsOf(reader, container) }));
}

/** One container that begins at `at`. */
export function readLows(bytes: Uint8Array, at: number, kind: ContainerKind, cardinality: number, file: string): Lows {
  return lowsOf(new Reader(bytes, file), { high: 0, at, kind, cardinality });
}

function lowsOf(reader: Reader, container: Container): Lows {
  const values = new Uint16Array(container.cardinality);
  let size = 0;
  for (const low of lows[container.kind](reader, container)) {
    if (size > 0 && low <= (values[size - 1] ?? 0)) throw reader.bad("is not in order");
    values[size++] = low;
  }
  if (size !== container.cardinality) throw reader.bad("does not hold as many numbers as it says");
  return { kind: container.kind, values };
}

const MAX_HIGH = 1 << 21; // row numbers stay below 2^53
const HEAD_BYTES = 8;

/** Bitmaps of 32 bits, each with its upper half ("Extension for 64-bit implementations"). DW-FILE-CORRUPT as above. */
export function readBitmap64(bytes: Uint8Array, start: number, file: string): Bitmap {
  const reader = new Reader(bytes, file);
  const count = reader.u64(start);
  if (count > bytes.length) throw reader.bad(`announces ${count} bitmaps`);
  const parts: { readonly base: number; readonly bitmap: Bitmap }[] = [];
  let at = start + HEAD_BYTES;
  for (let index = 0; index < count; index++) {
    const high = reader.u32(at);
    if (high > MAX_HIGH) throw reader.bad("names rows beyond the end of any file");
    const bitmap = readBitmap32(bytes, at + 4, file);
    parts.push({ base: high * 2 ** 32, bitmap });
    at = bitmap.end;
  }
  return {
    cardinality: parts.reduce((sum, { bitmap }) => sum + bitmap.cardinality, 0),
    end: at,
    *positions() {
      for (const { base, bitmap } of parts) for (const low of bitmap.positions()) yield base + low;
    },
  };
}

function layout(reader: Reader, start: number): { readonly containers: readonly Container[]; readonly end: number } {
  const cookie = reader.u32(start);
  const withRuns = (cookie & 0xffff) === COOKIE_WITH_RUNS;
  if (!withRuns && cookie !== COOKIE_WITHOUT_RUNS) throw reader.bad("does not begin with a bitmap's cookie");
  const count = withRuns ? (cookie >>> 16) + 1 : reader.u32(start + 4);
  if (count > 65_536) throw reader.bad(`announces ${count} containers`);
  const runFlags = start + 4;
  const keys = withRuns ? runFlags + Math.ceil(count / 8) : start + 8;
  let at = keys + count * 4 + (withRuns && count < OFFSETS_FROM ? 0 : count * 4);
  const containers: Container[] = [];
  for (let index = 0; index < count; index++) {
    const isRun = withRuns && (reader.u8(runFlags + (index >> 3)) & (1 << (index & 7))) !== 0;
    const cardinality = reader.u16(keys + index * 4 + 2) + 1;
    const kind = isRun ? "runs" : cardinality > MAX_ARRAY ? "bitmap" : "array";
    containers.push({ high: reader.u16(keys + index * 4), cardinality, at, kind });
    at += kind === "runs" ? 2 + reader.u16(at) * 4 : kind === "bitmap" ? BITMAP_BYTES : cardinality * 2;
  }
  if (at > reader.length) throw reader.bad("ends in the middle of a container");
  return { containers, end: at };
}

function* positionsOf(reader: Reader, container: Container): Generator<number> {
  const base = container.high * 65_536;
  for (const low of lows[container.kind](reader, container)) yield base + low;
}

const lows: Readonly<Record<Container["kind"], (reader: Reader, container: Container) => Generator<number>>> = {
  *array(reader, { at, cardinality }) {
    for (let index = 0; index < cardinality; index++) yield reader.u16(at + index * 2);
  },
  *bitmap(reader, { at }) {
    for (let word = 0; word < BITMAP_BYTES; word++) {
      const byte = reader.u8(at + word);
      for (let bit = 0; byte >> bit !== 0; bit++) if ((byte >> bit) & 1) yield word * 8 + bit;
    }
  },
  *runs(reader, { at }) {
    const runs = reader.u16(at);
    for (let run = 0; run < runs; run++) {
      const first = reader.u16(at + 2 + run * 4);
      const last = first + reader.u16(at + 4 + run * 4);
      if (last > 65_535) throw reader.bad("has a run that leaves its container");
      for (let low = first; low <= last; low++) yield low;
    }
  },
};

class Reader {
  private readonly view: DataView;

  constructor(
    bytes: Uint8Array,
    private readonly file: string,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get length(): number {
    return this.view.byteLength;
  }

  u8(at: number): number {
    this.check(at, 1);
    return this.view.getUint8(at);
  }

  u16(at: number): number {
    this.check(at, 2);
    return this.view.getUint16(at, true);
  }

  u32(at: number): number {
    this.check(at, 4);
    return this.view.getUint32(at, true);
  }

  u64(at: number): number {
    return this.u32(at) + this.u32(at + 4) * 2 ** 32;
  }

  bad(what: string): DwError {
    return new DwError("DW-FILE-CORRUPT", {
      what: `A bitmap in ${this.file} ${what}.`,
      why: "It would name other rows or numbers than those that were written.",
      fix: "Copy the file again from where the table was exported.",
    });
  }

  private check(at: number, bytes: number): void {
    if (at < 0 || at + bytes > this.view.byteLength) throw this.bad("ends too early");
  }
}
