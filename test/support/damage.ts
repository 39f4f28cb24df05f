/** A seeded generator: the same seed gives the same damage. `below(n)` is 0 to n - 1. */
export interface Chance {
  readonly below: (limit: number) => number;
}

/** Mulberry32. */
export function chance(seed: number): Chance {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { below: (limit) => Math.floor(next() * limit) };
}

type Damage = (bytes: Uint8Array, chance: Chance) => Uint8Array;

/** Bytes that stand for large or negative numbers in varints, lengths and counts of either byte order. */
const absurd = [
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 0x08],
  [0x00, 0x00, 0x00, 0x00],
  [0x01],
];

const damages: readonly Damage[] = [
  (bytes, { below }) => bytes.subarray(0, below(bytes.length)),
  (bytes, { below }) => changed(bytes, 1 + below(3), (copy) => flip(copy, below(copy.length), below(8))),
  (bytes, { below }) => changed(bytes, 1 + below(4), (copy) => copy.set([below(256)], below(copy.length))),
  (bytes, { below }) =>
    changed(bytes, 1, (copy) => copy.set(absurd[below(absurd.length)]?.slice(0, copy.length) ?? [], below(Math.max(1, copy.length - 10)))),
  (bytes, { below }) => changed(bytes, 1, (copy) => copy.copyWithin(below(copy.length), below(copy.length), below(copy.length))),
  (bytes, { below }) => {
    const at = below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(Math.min(bytes.length, at + 1 + below(8)))]);
  },
  (bytes, { below }) => {
    const at = below(bytes.length);
    return Buffer.concat([bytes.subarray(0, at), Uint8Array.from({ length: 1 + below(8) }, () => below(256)), bytes.subarray(at)]);
  },
  // the ends hold magic numbers, lengths and footers
  (bytes, { below }) => changed(bytes, 1, (copy) => flip(copy, Math.max(0, copy.length - 1 - below(64)), below(8))),
];

function changed(bytes: Uint8Array, times: number, change: (copy: Uint8Array) => void): Uint8Array {
  const copy = Uint8Array.from(bytes);
  if (copy.length > 0) for (let time = 0; time < times; time++) change(copy);
  return copy;
}

function flip(bytes: Uint8Array, at: number, bit: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
}

/** Bytes as a bad disk, a broken copy or an attacker leaves them. */
export function damaged(bytes: Uint8Array, chance: Chance): Uint8Array {
  const damage = damages[chance.below(damages.length)] as Damage; // below stays inside
  return damage(bytes, chance);
}
