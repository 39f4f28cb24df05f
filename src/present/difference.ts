import type { ObjectId } from "../core/catalog.js";
import type { Fact } from "../core/change.js";
import type { Json } from "../core/json.js";

interface Differing {
  readonly id: ObjectId;
  readonly is: "missing" | "unexpected" | "different";
  readonly facts: readonly Fact[];
}

/** One line a missing or unexpected object, one a fact of a different one. */
export function differenceLines(differences: readonly Differing[], place = "live"): string[] {
  return differences.flatMap(({ id, is, facts }) => {
    if (is === "missing") return [`${id} does not exist`];
    if (is === "unexpected") return [`${id} exists, and should not`];
    return facts.map((fact) => `${id}: ${factText(fact, place)}`);
  });
}

function factText({ path, from, to }: Fact, place: string): string {
  const where = path.join(".");
  if (from === undefined) return `${where} is extra (${place}: ${short(to)})`;
  if (to === undefined) return `${where} is missing (expected: ${short(from)})`;
  return `${where} is ${short(to)}, expected ${short(from)}`;
}

function short(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}
