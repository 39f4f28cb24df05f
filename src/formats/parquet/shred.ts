import type { Vector } from "../vector.js";
import type { ParquetType } from "./schema.js";

/**
 * A leaf column of a batch as Parquet stores it: a repetition and a definition level a slot, and the values that exist.
 * Levels as in the Dremel paper and Parquet's "Nested Encoding".
 */
export interface ShreddedLeaf {
  readonly path: readonly string[];
  readonly values: Vector;
  readonly repetition: Uint8Array;
  readonly definition: Uint8Array;
  readonly maxRepetition: number;
  readonly maxDefinition: number;
}

/** Slots so far; `alive` marks those into which the next vector's rows go, in order. */
interface Slots {
  readonly repetition: Uint8Array;
  readonly definition: Uint8Array;
  readonly alive: Uint8Array;
  readonly maxRepetition: number;
  readonly maxDefinition: number;
}

export function shred(name: string, type: ParquetType, vector: Vector): ShreddedLeaf[] {
  const rows = vector.length;
  const slots: Slots = {
    repetition: new Uint8Array(rows),
    definition: new Uint8Array(rows),
    alive: new Uint8Array(rows).fill(1),
    maxRepetition: 0,
    maxDefinition: 0,
  };
  return shredNode([name], type, vector, optional(slots, vector));
}

/** A slot whose value is NULL keeps its definition level and is dead from here on. */
function optional(slots: Slots, vector: Vector): Slots {
  const definition = Uint8Array.from(slots.definition);
  const alive = Uint8Array.from(slots.alive);
  const { present } = vector;
  let row = 0;
  for (let slot = 0; slot < alive.length; slot++) {
    if (alive[slot] === 0) continue;
    if (present && present[row] === 0) alive[slot] = 0;
    else definition[slot] = slots.maxDefinition + 1;
    row++;
  }
  return { ...slots, definition, alive, maxDefinition: slots.maxDefinition + 1 };
}

/** Every list element becomes a slot; an empty list keeps one dead slot. */
function repeated(slots: Slots, lengths: Int32Array): Slots {
  let total = slots.alive.length;
  for (const length of lengths) total += Math.max(length, 1) - 1;
  const next = {
    repetition: new Uint8Array(total),
    definition: new Uint8Array(total),
    alive: new Uint8Array(total),
    maxRepetition: slots.maxRepetition + 1,
    maxDefinition: slots.maxDefinition + 1,
  };
  let to = 0;
  let list = 0;
  for (let slot = 0; slot < slots.alive.length; slot++) {
    const length = slots.alive[slot] === 1 ? (lengths[list++] as number) : 0;
    next.repetition[to] = slots.repetition[slot] as number;
    if (length === 0) {
      next.definition[to++] = slots.definition[slot] as number;
      continue;
    }
    next.definition.fill(next.maxDefinition, to, to + length);
    next.alive.fill(1, to, to + length);
    next.repetition.fill(next.maxRepetition, to + 1, to + length);
    to += length;
  }
  return next;
}

function shredNode(path: readonly string[], type: ParquetType, vector: Vector, slots: Slots): ShreddedLeaf[] {
  if (vector.kind === "struct" && type.kind === "struct") {
    return type.fields.flatMap((field, index) => {
      const child = vector.fields[index];
      return child ? shredNode([...path, field.name], field.type, child, optional(slots, child)) : [];
    });
  }
  if (vector.kind === "list" && type.kind === "list") {
    const inside = repeated(slots, vector.lengths);
    return shredNode([...path, "list", "element"], type.element, vector.child, optional(inside, vector.child));
  }
  if (vector.kind === "map" && type.kind === "map") {
    const inside = repeated(slots, vector.lengths);
    if (vector.key.count < vector.key.length) throw new RangeError("a map has a NULL key");
    return [
      ...shredNode([...path, "key_value", "key"], type.key, vector.key, inside),
      ...shredNode([...path, "key_value", "value"], type.value, vector.value, optional(inside, vector.value)),
    ];
  }
  const { repetition, definition, maxRepetition, maxDefinition } = slots;
  return [{ path, values: vector, repetition, definition, maxRepetition, maxDefinition }];
}
