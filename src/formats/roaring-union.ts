import { type ContainerKind, type Lows, readContainers } from "./roaring.js";

/*
 * Unions of roaring bitmaps, written byte for byte as the Java library writes them: which of its three forms a container
 * takes depends on the forms that it was made from, not on its numbers alone. https://github.com/RoaringBitmap/RoaringFormatSpec
 */

const MAX_ARRAY = 4096;
const BITMAP_BYTES = 8192;
const COOKIE_WITHOUT_RUNS = 12346;
const COOKIE_WITH_RUNS = 12347;
const OFFSETS_FROM = 4;

/** The union of two bitmaps of 32 bits. `file` is for messages; DW-FILE-CORRUPT for what is no bitmap. */
export function unionBitmap32(a: Uint8Array, b: Uint8Array, file: string): Uint8Array {
  const merged = new Map<number, Lows>();
  for (const { high, ...container } of [...readContainers(a, file), ...readContainers(b, file)]) {
    const known = merged.get(high);
    merged.set(high, known === undefined ? container : united(known, container));
  }
  return bitmap32([...merged].sort(([left], [right]) => left - right).map(([high, container]) => ({ high, ...optimized(container) })));
}

export function united(a: Lows, b: Lows): Lows {
  const values = mergedValues(a.values, b.values);
  const kinds: readonly ContainerKind[] = [a.kind, b.kind];
  if (kinds.includes("bitmap")) return { kind: "bitmap", values };
  return kinds.includes("runs") ? efficient(values) : { kind: values.length > MAX_ARRAY ? "bitmap" : "array", values };
}

function mergedValues(a: Uint16Array, b: Uint16Array): Uint16Array {
  const out = new Uint16Array(a.length + b.length);
  let [size, i, j] = [0, 0, 0];
  while (i < a.length && j < b.length) {
    const [left, right] = [a[i] as number, b[j] as number]; // within both
    out[size++] = Math.min(left, right);
    if (left <= right) i++;
    if (right <= left) j++;
  }
  out.set(a.subarray(i), size);
  out.set(b.subarray(j), size + a.length - i);
  return out.subarray(0, size + a.length - i + b.length - j);
}

/** Runs that became the longer form change it. */
function efficient(values: Uint16Array): Lows {
  if (runBytes(values) <= Math.min(BITMAP_BYTES, values.length * 2 + 2)) return { kind: "runs", values };
  return { kind: values.length > MAX_ARRAY ? "bitmap" : "array", values };
}

/** Before writing, arrays and bitmaps become runs where those are shorter. */
export function optimized(container: Lows): Lows {
  const { kind, values } = container;
  if (kind === "runs") return efficient(values);
  return runBytes(values) < (kind === "array" ? values.length * 2 : BITMAP_BYTES) ? { kind: "runs", values } : container;
}

function runBytes(values: Uint16Array): number {
  return 2 + 2 * runsOf(values).length;
}

/** First number and length less one of each run, one after the other. */
function runsOf(values: Uint16Array): number[] {
  const runs: number[] = [];
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0;
    if (index > 0 && values[index - 1] === value - 1) runs[runs.length - 1] = (runs.at(-1) ?? 0) + 1;
    else runs.push(value, 0);
  }
  return runs;
}

/** A container's numbers in the form of its kind; runs with their count in front. */
export function containerBytes({ kind, values }: Lows): Buffer {
  if (kind === "array") return u16s(values);
  if (kind === "runs") {
    const runs = runsOf(values);
    return u16s([runs.length / 2, ...runs]);
  }
  const bits = Buffer.alloc(BITMAP_BYTES);
  for (const value of values) bits[value >> 3] = (bits[value >> 3] ?? 0) | (1 << (value & 7));
  return bits;
}

function u16s(values: ArrayLike<number>): Buffer {
  const out = Buffer.alloc(values.length * 2);
  for (let index = 0; index < values.length; index++) out.writeUInt16LE(values[index] ?? 0, index * 2);
  return out;
}

function bitmap32(containers: readonly (Lows & { readonly high: number })[]): Uint8Array {
  const withRuns = containers.some(({ kind }) => kind === "runs");
  const bodies = containers.map(containerBytes);
  const head = withRuns ? runHead(containers) : u32s([COOKIE_WITHOUT_RUNS, containers.length]);
  const keys = u16s(containers.flatMap(({ high, values }) => [high, values.length - 1]));
  const withOffsets = !withRuns || containers.length >= OFFSETS_FROM;
  let at = head.length + keys.length + (withOffsets ? containers.length * 4 : 0);
  const offsets = bodies.map((body) => {
    at += body.length;
    return at - body.length;
  });
  return Buffer.concat([head, keys, ...(withOffsets ? [u32s(offsets)] : []), ...bodies]);
}

function runHead(containers: readonly Lows[]): Buffer {
  const flags = Buffer.alloc(Math.ceil(containers.length / 8));
  for (const [index, { kind }] of containers.entries()) {
    if (kind === "runs") flags[index >> 3] = (flags[index >> 3] ?? 0) | (1 << (index & 7));
  }
  return Buffer.concat([u16s([COOKIE_WITH_RUNS, containers.length - 1]), flags]);
}

function u32s(values: readonly number[]): Buffer {
  const out = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) out.writeUInt32LE(value, index * 4);
  return out;
}
