import { DwError } from "../core/errors.js";
import { type ContainerKind, type Lows, readLows } from "./roaring.js";
import { containerBytes, optimized, united } from "./roaring-union.js";

/*
 * Roaring bitmaps of 64 bits as Roaring64Bitmap of the Java library writes them: the upper 48 bits of the numbers in an
 * adaptive radix tree, whose leaves name containers by their place in a growing array. The bytes depend on the order in
 * which containers were added, so that a union repeats what the library does.
 */

interface Leaf {
  readonly type: 4;
  readonly key: Buffer;
  readonly container: number;
}

/** Types 0 to 3 hold at most 4, 16, 48 and 256 children. */
interface Branch {
  type: 0 | 1 | 2 | 3;
  prefix: Buffer;
  readonly children: Map<number, Tree>;
  /** A branch of type 2 remembers in which order its children came. */
  readonly slots: Map<number, number>;
}

type Tree = Leaf | Branch;

interface Bitmap64 {
  root: Tree | undefined;
  keys: number;
  /** With the empty places at its end, which are written too. */
  containers: (Lows | undefined)[];
  /** The place of the newest container. */
  last: number;
}

const KEY_BYTES = 6;
const CAPACITIES = [4, 16, 48, 256] as const;
const BODY_BYTES = [4, 16, 256, 32] as const;
const KINDS: readonly ContainerKind[] = ["runs", "bitmap", "array"];
const NOT_TRIMMED = 0xfe;
const EMPTY_SLOT = 0xff;
const BITMAP_BYTES = 8192;
const MAX_CARDINALITY = 65_536;

/** The union of two bitmaps of 64 bits. `file` is for messages; DW-FILE-CORRUPT for what is no bitmap. */
export function unionBitmap64(a: Uint8Array, b: Uint8Array, file: string): Uint8Array {
  const into = new Reader(a, file).bitmap();
  const from = new Reader(b, file).bitmap();
  for (const leaf of leaves(from.root)) {
    const added = containerOf(from, leaf, file);
    const known = find(into.root, leaf.key);
    if (known === undefined) insertLeaf(into, leaf.key, added);
    else into.containers[known.container] = united(containerOf(into, known, file), added);
  }
  return written(into);
}

function containerOf(bitmap: Bitmap64, leaf: Leaf, file: string): Lows {
  const container = bitmap.containers[leaf.container];
  if (container === undefined) throw bad(file, "names a container that it does not have");
  return container;
}

function bad(file: string, what: string): DwError {
  return new DwError("DW-FILE-CORRUPT", {
    what: `A bitmap in ${file} ${what}.`,
    why: "It would name other numbers than those that were written.",
    fix: "Copy the file again from where the table was exported.",
  });
}

function* leaves(tree: Tree | undefined): Generator<Leaf> {
  if (tree === undefined) return;
  if (tree.type === 4) yield tree;
  else for (const byte of sorted(tree)) yield* leaves(tree.children.get(byte));
}

function sorted(branch: Branch): number[] {
  return [...branch.children.keys()].sort((a, b) => a - b);
}

function find(root: Tree | undefined, key: Buffer): Leaf | undefined {
  let tree = root;
  let depth = 0;
  while (tree !== undefined && tree.type !== 4) {
    if (!key.subarray(depth, depth + tree.prefix.length).equals(tree.prefix)) return undefined;
    depth += tree.prefix.length;
    tree = tree.children.get(key[depth] ?? -1);
    depth++;
  }
  return tree?.key.equals(key) ? tree : undefined;
}

function insertLeaf(bitmap: Bitmap64, key: Buffer, container: Lows): void {
  const place = ++bitmap.last;
  const capacity = bitmap.containers.length;
  if (place >= capacity) bitmap.containers.length = Math.max(capacity + (capacity >> 1), place + 1);
  bitmap.containers[place] = container;
  bitmap.root = inserted(bitmap.root, { type: 4, key, container: place }, 0);
  bitmap.keys++;
}

function inserted(tree: Tree | undefined, leaf: Leaf, depth: number): Tree {
  if (tree === undefined) return leaf;
  const path = leaf.key.subarray(depth);
  const prefix = tree.type === 4 ? tree.key.subarray(depth) : tree.prefix;
  const common = commonLength(prefix, path);
  if (tree.type === 4 || common < prefix.length) {
    const fork = newBranch(0, Buffer.from(path.subarray(0, common)));
    addChild(fork, prefix[common] ?? 0, tree);
    if (tree.type !== 4) tree.prefix = Buffer.from(prefix.subarray(common + 1));
    addChild(fork, path[common] ?? 0, leaf);
    return fork;
  }
  const byte = path[common] ?? 0;
  const child = tree.children.get(byte);
  if (child === undefined) addChild(tree, byte, leaf);
  else tree.children.set(byte, inserted(child, leaf, depth + common + 1));
  return tree;
}

function newBranch(type: Branch["type"], prefix: Buffer): Branch {
  return { type, prefix, children: new Map(), slots: new Map() };
}

function commonLength(a: Buffer, b: Buffer): number {
  let length = 0;
  while (length < a.length && length < b.length && a[length] === b[length]) length++;
  return length;
}

function addChild(branch: Branch, byte: number, child: Tree): void {
  if (branch.children.size === CAPACITIES[branch.type]) {
    branch.type = branch.type === 0 ? 1 : branch.type === 1 ? 2 : 3;
    if (branch.type === 2) for (const [slot, known] of sorted(branch).entries()) branch.slots.set(known, slot);
  }
  branch.children.set(byte, child);
  if (branch.type === 2) branch.slots.set(byte, freeSlot(branch));
}

function freeSlot(branch: Branch): number {
  const taken = new Set(branch.slots.values());
  if (!taken.has(branch.slots.size)) return branch.slots.size;
  for (let slot = 0; ; slot++) if (!taken.has(slot)) return slot;
}

class Reader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(
    bytes: Uint8Array,
    private readonly file: string,
  ) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  bitmap(): Bitmap64 {
    const empty: Bitmap64 = { root: undefined, keys: 0, containers: [], last: -1 };
    if (this.take(1)[0] === 0) return empty;
    const keys = this.number(8);
    const root = this.tree(0);
    const containers = this.number(4) === 0 ? [] : this.containers();
    this.take(8 + 4); // how many containers there are, and the first level's last place
    return { root, keys, containers, last: this.number(4) };
  }

  private tree(depth: number): Tree {
    const type = this.take(1)[0] ?? 0;
    const count = this.number(2);
    const prefix = Buffer.from(this.take(this.take(1)[0] ?? 0));
    if (type === 4) return { type, key: Buffer.from(this.take(KEY_BYTES)), container: this.number(8) };
    if ((type !== 0 && type !== 1 && type !== 2 && type !== 3) || depth + prefix.length >= KEY_BYTES)
      throw bad(this.file, "has a tree that is none");
    const branch = newBranch(type, prefix);
    const body = this.take(BODY_BYTES[type]);
    for (const { byte, slot } of childrenOf[type](body, count)) {
      branch.children.set(byte, this.tree(depth + prefix.length + 1));
      if (type === 2) branch.slots.set(byte, slot);
    }
    if (branch.children.size !== count) throw bad(this.file, "has a tree that lost a child");
    return branch;
  }

  private containers(): (Lows | undefined)[] {
    this.take(1);
    const size = this.number(4);
    if (size > this.bytes.length) throw bad(this.file, `announces ${size} containers`);
    return Array.from({ length: size }, () => (this.take(1)[0] === 0 ? undefined : this.container()));
  }

  private container(): Lows {
    const kind = KINDS[this.take(1)[0] ?? 0];
    if (kind === undefined) throw bad(this.file, "has a container of an unknown form");
    const cardinality = this.number(4, MAX_CARDINALITY);
    const size =
      kind === "bitmap" ? BITMAP_BYTES : kind === "array" ? cardinality * 2 : 2 + 4 * this.bytes.subarray(this.at).readUInt16LE();
    return readLows(this.take(size), 0, kind, cardinality, this.file);
  }

  private number(bytes: 2 | 4 | 8, most = this.bytes.length): number {
    const part = this.take(bytes);
    const value = bytes === 8 ? Number(part.readBigInt64LE()) : part.readIntLE(0, bytes);
    if (value < 0 || value > most) throw bad(this.file, `holds the count ${value}`);
    return value;
  }

  private take(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw bad(this.file, "ends too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

interface Child {
  readonly byte: number;
  readonly slot: number;
}

/** Bodies are big-endian numbers that are written little-endian: the bytes of each word are turned round. */
const childrenOf: Readonly<Record<Branch["type"], (body: Buffer, count: number) => readonly Child[]>> = {
  0: (body, count) => listed(turned(body, 4), count),
  1: (body, count) => listed(turned(body, 8), count),
  2: (body) => [...turned(body, 8)].flatMap((slot, byte) => (slot === EMPTY_SLOT ? [] : [{ byte, slot }])),
  3: (body) =>
    Array.from({ length: 256 }, (_, byte) => ({ byte, slot: 0 })).filter(({ byte }) => ((body[byte >> 3] ?? 0) >> (byte & 7)) & 1),
};

function listed(bytes: Buffer, count: number): readonly Child[] {
  return [...bytes.subarray(0, Math.max(0, count))].map((byte) => ({ byte, slot: 0 }));
}

function turned(bytes: Buffer, word: 4 | 8): Buffer {
  const out = Buffer.from(bytes);
  return word === 4 ? out.swap32() : out.swap64();
}

function written({ root, keys, containers, last }: Bitmap64): Uint8Array {
  if (root === undefined) return Uint8Array.of(0);
  const stored = containers.map((container) => (container === undefined ? undefined : optimized(container)));
  return Buffer.concat([
    Buffer.of(1),
    long(keys),
    ...treeBytes(root),
    int(1),
    Buffer.of(NOT_TRIMMED),
    int(stored.length),
    ...Array.from(stored).flatMap(storedBytes), // Array.from: the places at the end are holes
    long(Array.from(stored).filter((container) => container !== undefined).length),
    int(0),
    int(last),
  ]);
}

function storedBytes(container: Lows | undefined): readonly Buffer[] {
  if (container === undefined) return [Buffer.of(0)];
  return [Buffer.of(1, KINDS.indexOf(container.kind)), int(container.values.length), containerBytes(container)];
}

function* treeBytes(tree: Tree): Generator<Buffer> {
  if (tree.type === 4) {
    yield Buffer.concat([Buffer.of(4, 0, 0, 0), tree.key, long(tree.container)]);
    return;
  }
  const size = tree.children.size;
  yield Buffer.concat([Buffer.of(tree.type, size & 0xff, size >> 8, tree.prefix.length), tree.prefix, bodies[tree.type](tree)]);
  for (const byte of sorted(tree)) {
    const child = tree.children.get(byte);
    if (child !== undefined) yield* treeBytes(child);
  }
}

const bodies: Readonly<Record<Branch["type"], (branch: Branch) => Buffer>> = {
  0: (branch) => turned(padded(sorted(branch), 4), 4),
  1: (branch) => turned(padded(sorted(branch), 16), 8),
  2: (branch) => {
    const index = Buffer.alloc(256, EMPTY_SLOT);
    for (const [byte, slot] of branch.slots) index[byte] = slot;
    return turned(index, 8);
  },
  3: (branch) => {
    const mask = Buffer.alloc(32);
    for (const byte of branch.children.keys()) mask[byte >> 3] = (mask[byte >> 3] ?? 0) | (1 << (byte & 7));
    return mask;
  },
};

function padded(bytes: readonly number[], length: number): Buffer {
  const out = Buffer.alloc(length);
  out.set(bytes);
  return out;
}

function long(value: number): Buffer {
  const out = Buffer.alloc(8);
  out.writeBigInt64LE(BigInt(value));
  return out;
}

function int(value: number): Buffer {
  const out = Buffer.alloc(4);
  out.writeInt32LE(value);
  return out;
}
