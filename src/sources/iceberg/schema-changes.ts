import { type IcebergField, type IcebergSchema, type IcebergType, type StructType, typeName } from "./schema.js";

/* What a schema has changed of the one before it, found by field id as readers find columns. */

interface Placed {
  readonly path: string;
  readonly field: IcebergField;
}

/** `added x (9)`, `renamed a to b`, `x int to long`; empty where only places, comments or write defaults changed. */
export function schemaChanges(before: IcebergSchema, after: IcebergSchema): readonly string[] {
  const [old, now] = [placed(before), placed(after)];
  const gone = [...old].filter(([id]) => !now.has(id)).map(([id, { path }]) => `dropped ${path} (${id})`);
  const rest = [...now].flatMap(([id, { path, field }]) => {
    const known = old.get(id);
    return known === undefined ? [`added ${path} (${id})`] : fieldChanges(known, { path, field });
  });
  return [...gone, ...rest];
}

function fieldChanges(before: Placed, after: Placed): readonly string[] {
  const [old, now] = [before.field, after.field];
  return [
    ...(old.name === now.name ? [] : [`renamed ${before.path} to ${after.path}`]),
    ...(isNested(now.type) || typeName(old.type) === typeName(now.type)
      ? []
      : [`${after.path} ${typeName(old.type)} to ${typeName(now.type)}`]),
    ...(old.required === now.required ? [] : [`${after.path} ${now.required ? "required" : "optional"}`]),
  ];
}

function placed(struct: StructType): ReadonlyMap<number, Placed> {
  const found = new Map<number, Placed>();
  const walk = (fields: readonly IcebergField[], parent: string): void => {
    for (const field of fields) {
      const path = parent === "" ? field.name : `${parent}.${field.name}`;
      found.set(field.id, { path, field });
      walk(parts(field.type), path);
    }
  };
  walk(struct.fields, "");
  return found;
}

function parts(type: IcebergType): readonly IcebergField[] {
  if (type.kind === "struct") return type.fields;
  if (type.kind === "list") return [type.element];
  return type.kind === "map" ? [type.key, type.value] : [];
}

function isNested({ kind }: IcebergType): boolean {
  return kind === "struct" || kind === "list" || kind === "map";
}
