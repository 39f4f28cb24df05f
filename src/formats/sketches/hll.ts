import { damaged } from "./letters.js";

/*
 * HyperLogLog sketches of Apache DataSketches. A sketch starts as a short list of coupons (26 bits of a hash, 6 bits with a
 * count of its zeros), becomes a hash set of them and then one register a slot, of 4, 6 or 8 bits. A union is made with
 * registers of 8 bits and written with 4, as Paimon asks for; estimators that are stored beside the registers are sums of
 * floating-point numbers, so that the order of the updates is the library's. https://datasketches.apache.org/docs/HLL/HllSketches.html
 */

interface Coupons {
  readonly mode: "list" | "set";
  readonly lgK: number;
  /** A hash table in a set; a list fills it from the front. Zero is free. */
  table: Int32Array;
  count: number;
}

interface Registers {
  readonly mode: "hll";
  readonly lgK: number;
  /** Bits of a register as it was stored; in memory it takes a byte. */
  readonly width: 4 | 6 | 8;
  readonly values: Uint8Array;
  outOfOrder: boolean;
  /** The estimate of a sketch that was only ever updated, and the sums of 2^-value below and above 32. */
  hip: number;
  kxq0: number;
  kxq1: number;
}

type Sketch = Coupons | Registers;

const MODES = ["list", "set", "hll"] as const;
const PREAMBLE_INTS = { list: 2, set: 3, hll: 10 } as const;
const FAMILY = 7;
const FLAG = { empty: 4, compact: 8, outOfOrder: 16, rebuild: 32 } as const;
const AT = {
  lgArray: 4,
  flags: 5,
  count: 6,
  mode: 7,
  list: 8,
  setCount: 8,
  set: 12,
  hip: 8,
  kxq0: 16,
  kxq1: 24,
  atMin: 32,
  aux: 36,
  registers: 40,
} as const;
const LG_LIST = 3;
const LG_SET = 5;
const KEY_BITS = 26;
const KEY_MASK = 2 ** KEY_BITS - 1;
/** A register of four bits that says: too large, look into the table behind the registers. */
const EXCEPTION = 15;
const LG_EXCEPTIONS = [0, 2, 2, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13];

/** The union of two serialised sketches, at the smaller of their precisions. `file` is for messages; DW-FILE-CORRUPT for others. */
export function unionHll(a: Uint8Array, b: Uint8Array, file: string): Uint8Array {
  const [first, second] = [parse(b, file), parse(a, file)];
  const most = first.lgK;
  const gadget = merged(merged(list(most), first, most), second, most);
  return gadget.mode === "hll" ? registerBytes(gadget) : couponBytes(gadget);
}

function list(lgK: number): Coupons {
  return { mode: "list", lgK, table: new Int32Array(1 << LG_LIST), count: 0 };
}

/** What `gadget` becomes when it takes in `source`. */
function merged(gadget: Sketch, source: Sketch, most: number): Sketch {
  if (source.mode !== "hll") {
    // A first set is taken as it is, with the places of its coupons.
    const isFirst = source.mode === "set" && gadget.mode !== "hll" && gadget.count === 0 && source.lgK === gadget.lgK;
    return isFirst ? source : [...valid(source)].reduce(updated, gadget);
  }
  if (gadget.mode !== "hll") {
    // The registers take in the coupons, which fold to any smaller size.
    const into = source.lgK > most ? folded(source, most) : source.width === 8 ? source : folded(source, source.lgK);
    return [...valid(gadget)].reduce<Sketch>(updated, into);
  }
  const into = source.lgK < gadget.lgK ? folded(gadget, source.lgK) : gadget;
  const mask = into.values.length - 1;
  for (const [slot, value] of source.values.entries()) into.values[slot & mask] = Math.max(into.values[slot & mask] ?? 0, value);
  return { ...into, ...sums(into.values), hip: 0, outOfOrder: true };
}

function* valid({ table }: Coupons): Generator<number> {
  for (const coupon of table) if (coupon !== 0) yield coupon;
}

/** Registers of another width or number are copied by updating fresh ones, slot by slot. */
function folded(source: Registers, lgK: number): Registers {
  const fresh = registers(lgK);
  for (const [slot, value] of source.values.entries()) if (value > 0) raise(fresh, slot & (fresh.values.length - 1), value);
  fresh.outOfOrder = source.outOfOrder;
  fresh.hip = source.hip;
  return fresh;
}

function registers(lgK: number): Registers {
  return { mode: "hll", lgK, width: 8, values: new Uint8Array(1 << lgK), outOfOrder: false, hip: 0, kxq0: 1 << lgK, kxq1: 0 };
}

function updated(sketch: Sketch, coupon: number): Sketch {
  if (coupon >>> KEY_BITS === 0) return sketch;
  if (sketch.mode !== "hll") return collected(sketch, coupon);
  raise(sketch, coupon & (sketch.values.length - 1), coupon >>> KEY_BITS);
  return sketch;
}

function raise(sketch: Registers, slot: number, value: number): void {
  const old = sketch.values[slot] ?? 0;
  if (value <= old) return;
  sketch.values[slot] = value;
  sketch.hip += (1 << sketch.lgK) / (sketch.kxq0 + sketch.kxq1);
  if (old < 32) sketch.kxq0 -= 2 ** -old;
  else sketch.kxq1 -= 2 ** -old;
  if (value < 32) sketch.kxq0 += 2 ** -value;
  else sketch.kxq1 += 2 ** -value;
}

/** The sums of all registers, in one pass: what is stored after two sets of registers were merged. */
function sums(values: Uint8Array): { readonly kxq0: number; readonly kxq1: number } {
  let [kxq0, kxq1] = [values.length, 0];
  for (const value of values) {
    if (value > 0 && value < 32) kxq0 += 2 ** -value - 1;
    else if (value >= 32) kxq1 += 2 ** -value - 1;
  }
  return { kxq0, kxq1 };
}

function collected(sketch: Coupons, coupon: number): Sketch {
  const place = sketch.mode === "list" ? listPlace(sketch.table, coupon) : hashPlace(sketch.table, coupon);
  if (sketch.table[place] === coupon) return sketch;
  sketch.table[place] = coupon;
  sketch.count++;
  if (sketch.mode === "list") {
    if (sketch.count < sketch.table.length) return sketch;
    return sketch.lgK < 8 ? promoted(sketch) : [...valid(sketch)].reduce<Sketch>(collectedInto, set(sketch.lgK));
  }
  if (4 * sketch.count <= 3 * sketch.table.length) return sketch;
  return sketch.table.length === 1 << (sketch.lgK - 3) ? promoted(sketch) : { ...sketch, table: grown(sketch.table) };
}

const collectedInto = (sketch: Sketch, coupon: number): Sketch => (sketch.mode === "hll" ? sketch : collected(sketch, coupon));

function set(lgK: number): Coupons {
  return { mode: "set", lgK, table: new Int32Array(1 << LG_SET), count: 0 };
}

function listPlace(table: Int32Array, coupon: number): number {
  const place = table.findIndex((known) => known === 0 || known === coupon);
  return place < 0 ? table.length : place;
}

/** Where a coupon is, or the free place where it belongs. */
function hashPlace(table: Int32Array, coupon: number): number {
  const mask = table.length - 1;
  const stride = ((coupon & KEY_MASK) >>> Math.log2(table.length)) | 1;
  let place = coupon & mask;
  while (table[place] !== 0 && table[place] !== coupon) place = (place + stride) & mask;
  return place;
}

function grown(table: Int32Array): Int32Array {
  const wider = new Int32Array(table.length * 2);
  for (const coupon of table) if (coupon !== 0) wider[hashPlace(wider, coupon)] = coupon;
  return wider;
}

function promoted(sketch: Coupons): Registers {
  const fresh = registers(sketch.lgK);
  for (const coupon of valid(sketch)) updated(fresh, coupon);
  fresh.hip = estimate(sketch.count);
  return fresh;
}

/** Different coupons and the size of the set that they are expected of, as far as a set of coupons can grow. */
const COUPONS = [0, 1, 20, 400, 8000, 160_000, 300_000, 600_000];
const EXPECTED = [0, 1, 20.00000094374026, 400.0003963713384, 8000.158929460209, 160063.60677637596, 300223.70715976635, 600895.593385617];

/** Cubic interpolation through the four points around the count. */
function estimate(count: number): number {
  const below = COUPONS.findLastIndex((x) => x <= count);
  const at = Math.max(0, below - 1);
  const points = [0, 1, 2, 3].map((step) => [COUPONS[at + step] ?? 0, EXPECTED[at + step] ?? 0] as const);
  const terms = points.map(([x, y]) => {
    const others = points.flatMap(([other]) => (other === x ? [] : [other]));
    const numerator = others.map((other) => count - other).reduce((product, factor) => product * factor);
    return (y * numerator) / others.map((other) => x - other).reduce((product, factor) => product * factor);
  });
  return Math.max(
    terms.reduce((sum, term) => sum + term),
    count,
  );
}

function parse(bytes: Uint8Array, file: string): Sketch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bad = () => damaged(file, "HLL sketch");
  if (bytes.length < 8 || view.getUint8(1) !== 1 || view.getUint8(2) !== FAMILY) throw bad();
  const lgK = view.getUint8(3);
  const mode = MODES[view.getUint8(AT.mode) & 3];
  if (mode === undefined || lgK < 4 || lgK > 21 || (view.getUint8(0) & 0x3f) !== PREAMBLE_INTS[mode]) throw bad();
  if (bytes.length < PREAMBLE_INTS[mode] * 4) throw bad();
  const sketch = mode === "hll" ? parseRegisters(view, lgK) : parseCoupons(view, mode, lgK);
  if (sketch === undefined) throw bad();
  return sketch;
}

/** Undefined when the bytes do not hold what they announce. */
function parseCoupons(view: DataView, mode: "list" | "set", lgK: number): Sketch | undefined {
  const compact = (view.getUint8(AT.flags) & FLAG.compact) !== 0;
  const start = mode === "list" ? AT.list : AT.set;
  const count = mode === "list" ? view.getUint8(AT.count) : view.getInt32(AT.setCount, true);
  const places = mode === "list" || compact ? count : 2 ** view.getUint8(AT.lgArray);
  if (count < 0 || places < count || start + places * 4 > view.byteLength || (mode === "set" && lgK < 8)) return undefined;
  const stored = Int32Array.from({ length: places }, (_, index) => view.getInt32(start + index * 4, true));
  if (mode === "list")
    return count > 1 << LG_LIST
      ? undefined
      : { mode, lgK, count, table: Int32Array.from({ length: 1 << LG_LIST }, (_, index) => stored[index] ?? 0) };
  if (compact) return [...stored].reduce<Sketch>(collectedInto, set(lgK));
  const isTable =
    places >= 1 << LG_SET &&
    Number.isInteger(Math.log2(places)) &&
    stored.filter((coupon) => coupon !== 0).length === count &&
    count < places;
  return isTable ? { mode, lgK, count, table: stored } : undefined;
}

const WIDTHS = [4, 6, 8] as const;

function parseRegisters(view: DataView, lgK: number): Registers | undefined {
  const width = WIDTHS[(view.getUint8(AT.mode) >> 2) & 3];
  if (width === undefined || view.byteLength < AT.registers + 2 ** lgK * (width / 8)) return undefined;
  const values = widths[width](view, 2 ** lgK);
  if (values === undefined) return undefined;
  const flags = view.getUint8(AT.flags);
  const stored = { kxq0: view.getFloat64(AT.kxq0, true), kxq1: view.getFloat64(AT.kxq1, true) };
  const outOfOrder = (flags & FLAG.outOfOrder) !== 0;
  const hip = view.getFloat64(AT.hip, true);
  return { mode: "hll", lgK, width, values, outOfOrder, hip, ...((flags & FLAG.rebuild) === 0 ? stored : sums(values)) };
}

const widths: Readonly<Record<4 | 6 | 8, (view: DataView, slots: number) => Uint8Array | undefined>> = {
  4: (view, slots) => {
    const minimum = view.getUint8(AT.count);
    const large = exceptions(view, slots);
    const values = new Uint8Array(slots);
    for (let slot = 0; slot < slots; slot++) {
      const nibble = (view.getUint8(AT.registers + (slot >> 1)) >> ((slot & 1) * 4)) & 15;
      const value = nibble === EXCEPTION ? large?.get(slot) : nibble + minimum;
      if (value === undefined || value > 63) return undefined;
      values[slot] = value;
    }
    return values;
  },
  6: (view, slots) =>
    Uint8Array.from({ length: slots }, (_, slot) => {
      const at = AT.registers + ((slot * 6) >> 3);
      const pair = view.getUint8(at) | ((at + 1 < view.byteLength ? view.getUint8(at + 1) : 0) << 8);
      return (pair >> ((slot * 6) & 7)) & 63;
    }),
  8: (view, slots) => Uint8Array.from({ length: slots }, (_, slot) => view.getUint8(AT.registers + slot) & 63),
};

function exceptions(view: DataView, slots: number): ReadonlyMap<number, number> | undefined {
  const count = view.getInt32(AT.aux, true);
  const start = AT.registers + slots / 2;
  const compact = (view.getUint8(AT.flags) & FLAG.compact) !== 0;
  const places = count === 0 ? 0 : compact ? count : 2 ** view.getUint8(AT.lgArray);
  if (places < 0 || start + places * 4 > view.byteLength) return undefined;
  const pairs = Array.from({ length: places }, (_, index) => view.getInt32(start + index * 4, true));
  return new Map(pairs.flatMap((pair) => (pair === 0 ? [] : [[pair & (slots - 1), pair >>> KEY_BITS] as const])));
}

function head(sketch: Sketch, size: number): Buffer {
  const out = Buffer.alloc(size);
  out.set([PREAMBLE_INTS[sketch.mode], 1, FAMILY, sketch.lgK]);
  out[AT.mode] = MODES.indexOf(sketch.mode); // the width of four bits is 0
  return out;
}

function couponBytes(sketch: Coupons): Uint8Array {
  const start = sketch.mode === "list" ? AT.list : AT.set;
  const out = head(sketch, start + sketch.count * 4);
  out[AT.lgArray] = Math.log2(sketch.table.length);
  out[AT.flags] = FLAG.compact | (sketch.count === 0 ? FLAG.empty : 0);
  if (sketch.mode === "list") out[AT.count] = sketch.count;
  else out.writeInt32LE(sketch.count, AT.setCount);
  for (const [index, coupon] of [...valid(sketch)].entries()) out.writeInt32LE(coupon, start + index * 4);
  return out;
}

function registerBytes(sketch: Registers): Uint8Array {
  const narrow = registers(sketch.lgK);
  for (const [slot, value] of sketch.values.entries()) if (value > 0) raise(narrow, slot, value);
  const minimum = sketch.values.reduce((least, value) => Math.min(least, value), 63);
  const large = [...sketch.values.entries()].filter(([, value]) => value >= minimum + EXCEPTION);
  const table = exceptionTable(large, sketch.lgK);
  const half = sketch.values.length / 2;
  const out = head(sketch, AT.registers + half + large.length * 4);
  out[AT.lgArray] = large.length === 0 ? 0 : Math.log2(table.length);
  out[AT.flags] = FLAG.compact | (sketch.outOfOrder ? FLAG.outOfOrder : 0);
  out[AT.count] = minimum;
  out.writeDoubleLE(sketch.hip, AT.hip);
  out.writeDoubleLE(narrow.kxq0, AT.kxq0);
  out.writeDoubleLE(narrow.kxq1, AT.kxq1);
  out.writeInt32LE(sketch.values.filter((value) => value === minimum).length, AT.atMin);
  out.writeInt32LE(large.length, AT.aux);
  for (const [slot, value] of sketch.values.entries()) {
    const at = AT.registers + (slot >> 1);
    out[at] = (out[at] ?? 0) | (Math.min(value - minimum, EXCEPTION) << ((slot & 1) * 4));
  }
  for (const [index, pair] of [...table].filter((entry) => entry !== 0).entries()) out.writeInt32LE(pair, AT.registers + half + index * 4);
  return out;
}

/** The order in which exceptions are written is that of a hash table by slot. */
function exceptionTable(large: readonly (readonly [number, number])[], lgK: number): Int32Array {
  let table = new Int32Array(1 << (LG_EXCEPTIONS[lgK] ?? 0));
  let count = 0;
  const add = (into: Int32Array, pair: number): void => {
    const slot = pair & ((1 << lgK) - 1);
    const stride = (slot >>> Math.log2(into.length)) | 1;
    let place = slot & (into.length - 1);
    while (into[place] !== 0) place = (place + stride) & (into.length - 1);
    into[place] = pair;
  };
  for (const [slot, value] of large) {
    add(table, (value << KEY_BITS) | slot);
    if (4 * ++count <= 3 * table.length) continue;
    const wider = new Int32Array(table.length * 2);
    for (const pair of table) if (pair !== 0) add(wider, pair);
    table = wider;
  }
  return table;
}
