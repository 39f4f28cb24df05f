import { parseType, printType, type TypeText } from "./types.js";

/** ADD FIELD or DROP FIELD; the path leads from the column to the field, `[*]` steps into an array. */
export type FieldChange =
  | { readonly field: "add"; readonly path: readonly string[]; readonly type: string; readonly after: string | null }
  | { readonly field: "drop"; readonly path: readonly string[] };

/**
 * The fields that make one nested type of another, additions first: the last field of a STRUCT cannot be dropped. Undefined
 * when that is no way: a field that changes its type or place would lose its values.
 */
export function fieldChanges(from: string, to: string): FieldChange[] | undefined {
  const [before, after] = [parseType(from), parseType(to)];
  return before && after && changes(before, after, []);
}

function changes(from: TypeText, to: TypeText, path: readonly string[]): FieldChange[] | undefined {
  if (printType(from) === printType(to)) return [];
  if (from.name !== to.name) return undefined;
  if (from.name === "struct") return structChanges(from.members, to.members, path);
  const [element] = from.members;
  const [wanted] = to.members;
  return from.name === "array" && element && wanted ? changes(element.type, wanted.type, [...path, "[*]"]) : undefined;
}

type Fields = TypeText["members"];

function structChanges(from: Fields, to: Fields, path: readonly string[]): FieldChange[] | undefined {
  const stays = from.filter(({ name }) => to.some((field) => field.name === name));
  const placed = to.filter(({ name }) => from.some((field) => field.name === name));
  const nested = stays.map(({ name = "", type }, index) => {
    const field = placed[index];
    return field?.name === name ? changes(type, field.type, [...path, name]) : undefined;
  });
  if (nested.includes(undefined)) return undefined;
  const added = to.flatMap(({ name = "", type }, index): FieldChange[] =>
    stays.some((field) => field.name === name)
      ? []
      : [{ field: "add", path: [...path, name], type: printType(type), after: to[index - 1]?.name ?? null }],
  );
  const dropped = from
    .filter((field) => !stays.includes(field))
    .map(({ name = "" }): FieldChange => ({ field: "drop", path: [...path, name] }));
  return [...nested.flatMap((inner) => inner ?? []), ...added, ...dropped];
}
