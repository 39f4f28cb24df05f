import { corrupt } from "../../formats/damage.js";
import { isObject, listOf, type Place } from "./json.js";

/*
 * What a data file holds: its columns as DuckDB shows them, with the field ids that the writer left. Table columns are
 * found in it by id (projection.ts), whatever they are called on either side.
 */

export interface FileField {
  /** As DuckDB names the column or the member of the struct. */
  readonly name: string;
  readonly id: number | undefined;
  readonly type: FileType;
}

export type FileType =
  /** `duckdb` is DuckDB's name of the type. */
  | { readonly kind: "plain"; readonly duckdb: string }
  | { readonly kind: "struct"; readonly fields: readonly FileField[] }
  | { readonly kind: "list"; readonly element: FileField }
  | { readonly kind: "map"; readonly key: FileField; readonly value: FileField };

/** A row of DuckDB's `parquet_schema()`; the rows of a file are its schema tree, parents before children. */
export interface ParquetNode {
  readonly name: string;
  readonly type: string | null;
  readonly repetition: string | null;
  readonly children: number | null;
  readonly converted: string | null;
  readonly logical: string | null;
  readonly id: number | null;
  readonly duckdb: string | null;
}

/** Parquet's LogicalTypes.md, "Lists" and "Maps", with the rules for files of older writers. */
export function parquetFields(nodes: readonly ParquetNode[], file: string): readonly FileField[] {
  let next = 0;
  const take = (): ParquetTree => {
    const node = nodes[next++];
    if (node === undefined) throw corrupt(file, "Its schema announces more columns than it has.");
    return { node, children: Array.from({ length: Number(node.children ?? 0) }, take) };
  };
  return uniqueNames(take().children.map((tree) => parquetField(tree)));
}

interface ParquetTree {
  readonly node: ParquetNode;
  readonly children: readonly ParquetTree[];
}

function parquetField(tree: ParquetTree): FileField {
  const { node } = tree;
  const bare: FileField = { name: node.name, id: idOf(node), type: parquetType(tree) };
  // a repeated field outside a LIST is a list of its own (Protocol Buffers writers)
  return node.repetition === "REPEATED" ? { ...bare, type: { kind: "list", element: { ...bare, id: undefined } } } : bare;
}

function parquetType(tree: ParquetTree): FileType {
  const { node, children } = tree;
  if (node.duckdb !== null && children.length === 0) return { kind: "plain", duckdb: node.duckdb };
  const [only] = children;
  const annotation = `${node.converted ?? ""} ${node.logical ?? ""}`;
  if (only !== undefined && children.length === 1 && /LIST/i.test(annotation))
    return { kind: "list", element: listElement(only, node.name) };
  const [key, value] = only?.children ?? [];
  if (/MAP/i.test(annotation) && key !== undefined && value !== undefined) {
    return { kind: "map", key: parquetField(key), value: parquetField(value) };
  }
  return { kind: "struct", fields: uniqueNames(children.map(parquetField)) };
}

/** The repeated group is a mere wrapper, except in files of old writers, where it is the element. */
function listElement(repeated: ParquetTree, list: string): FileField {
  const [inner] = repeated.children;
  const wrapper =
    inner !== undefined && repeated.children.length === 1 && repeated.node.name !== "array" && repeated.node.name !== `${list}_tuple`;
  if (wrapper) return parquetField(inner);
  return { name: repeated.node.name, id: idOf(repeated.node), type: parquetType(repeated) };
}

function idOf(node: ParquetNode): number | undefined {
  return node.id === null ? undefined : Number(node.id);
}

/** DuckDB's names ignore case; of columns, and of members of a struct, that would collide it numbers the later ones. */
function uniqueNames(fields: readonly FileField[]): readonly FileField[] {
  const taken = new Set<string>();
  return fields.map((field) => {
    let name = field.name;
    for (let count = 1; taken.has(name.toLowerCase()); count++) name = `${field.name}_${count}`;
    taken.add(name.toLowerCase());
    return { ...field, name };
  });
}

/** Ids of a field and of what is in it, in the order of `parts`; for files whose own schema lies elsewhere (converted.ts). */
export interface FieldIds {
  readonly id: number | undefined;
  readonly below: readonly FieldIds[];
}

export function withIds(fields: readonly FileField[], ids: readonly FieldIds[]): readonly FileField[] {
  return fields.map((field, index) => withId(field, ids[index]));
}

function withId(field: FileField, ids: FieldIds | undefined): FileField {
  const [first, second] = ids?.below ?? [];
  const { type } = field;
  const inside: Readonly<Record<FileType["kind"], () => FileType>> = {
    plain: () => type,
    struct: () => (type.kind === "struct" ? { ...type, fields: withIds(type.fields, ids?.below ?? []) } : type),
    list: () => (type.kind === "list" ? { ...type, element: withId(type.element, first) } : type),
    map: () => (type.kind === "map" ? { ...type, key: withId(type.key, first), value: withId(type.value, second) } : type),
  };
  return { name: field.name, id: ids?.id, type: inside[type.kind]() };
}

/** Whether the writer left any field id. Files without one need the table's name mapping. */
export function hasIds(fields: readonly FileField[]): boolean {
  return fields.some((field) => field.id !== undefined || parts(field.type).some((part) => hasIds([part])));
}

function parts(type: FileType): readonly FileField[] {
  switch (type.kind) {
    case "struct":
      return type.fields;
    case "list":
      return [type.element];
    case "map":
      return [type.key, type.value];
    case "plain":
      return [];
  }
}

/** Ids by name, for files that carry none (spec, "Column Projection": `schema.name-mapping.default`). */
export interface NameMapping {
  readonly id: number | undefined;
  readonly below: ReadonlyMap<string, NameMapping>;
}

const MAX_DEPTH = 64;

export function parseNameMapping(node: unknown, at: Place, depth = 0): ReadonlyMap<string, NameMapping> {
  if (depth > MAX_DEPTH) throw at.wrong("is nested too deeply");
  const names = new Map<string, NameMapping>();
  for (const item of listOf(node, at)) {
    if (!isObject(item)) throw at.wrong("has an entry that is not an object");
    const mapping: NameMapping = {
      id: typeof item["field-id"] === "number" ? item["field-id"] : undefined,
      below: item.fields === undefined || item.fields === null ? new Map() : parseNameMapping(item.fields, at, depth + 1),
    };
    for (const name of listOf(item.names ?? [], at)) names.set(String(name), mapping);
  }
  return names;
}

export function applyNameMapping(fields: readonly FileField[], names: ReadonlyMap<string, NameMapping>): readonly FileField[] {
  return fields.map((field) => mapped(field, names.get(field.name)));
}

function mapped(field: FileField, mapping: NameMapping | undefined, name = field.name): FileField {
  return { name, id: mapping?.id, type: mappedType(field.type, mapping?.below ?? new Map()) };
}

function mappedType(type: FileType, names: ReadonlyMap<string, NameMapping>): FileType {
  switch (type.kind) {
    case "struct":
      return { kind: "struct", fields: applyNameMapping(type.fields, names) };
    case "list": // whatever the file calls it, in the mapping it is the element
      return { kind: "list", element: mapped(type.element, names.get("element")) };
    case "map":
      return { kind: "map", key: mapped(type.key, names.get("key")), value: mapped(type.value, names.get("value")) };
    case "plain":
      return type;
  }
}
