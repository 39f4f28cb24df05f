import { corrupt } from "../damage.js";
import { markedName } from "../variant-names.js";
import { change, editFooter, I32, isStruct, member, structs, type ThriftStruct } from "./thrift-tree.js";

/*
 * DuckDB makes values of its own of what Parquet calls VARIANT, GEOMETRY and GEOGRAPHY, and not all of the file's come back out
 * of them. In a copy of the file whose footer does not call them so they are the group and the bytes that they are.
 */

/** Field ids of parquet.thrift. */
const FILE = { schema: 2 };
const SCHEMA_ELEMENT = { repetition: 3, name: 4, children: 5, convertedType: 6, logicalType: 10 };
const LOGICAL_TYPE = { timestamp: 8, integer: 10, variant: 16, geometry: 17, geography: 18 };
const TIMESTAMP = { utc: 1, unit: 2 };
const TIME_UNIT = { nanos: 3 };
const UINT_64 = 14n;
const REPEATED = 2n;

/** Changes the Parquet file at `path` in place; only ever a copy. `name` is for messages. Answers whether it had any. DW-FILE-CORRUPT. */
export function unannotated(path: string, name: string): Promise<boolean> {
  return editFooter(path, name, (footer) => {
    const elements = structs(footer, FILE.schema);
    const bare = elements.filter((element) => isOpaque(logicalType(element)));
    if (bare.length === 0) return false;
    variants(treeOf(elements, name)).forEach(markShredded);
    for (const element of bare) change(element, { [SCHEMA_ELEMENT.logicalType]: undefined });
    return true;
  });
}

interface Tree {
  readonly element: ThriftStruct;
  readonly children: readonly Tree[];
}

const MAX_DEPTH = 500;

/** The schema is written parents before children. */
function treeOf(elements: readonly ThriftStruct[], name: string): Tree {
  let next = 0;
  const take = (depth: number): Tree => {
    const element = elements[next++];
    if (element === undefined || depth > MAX_DEPTH) throw corrupt(name, "Its schema is not a tree of columns.");
    return { element, children: Array.from({ length: childrenOf(element, elements.length) }, () => take(depth + 1)) };
  };
  return take(0);
}

function childrenOf(element: ThriftStruct, most: number): number {
  const children = member(element, SCHEMA_ELEMENT.children);
  return typeof children === "bigint" ? Math.min(Math.max(0, Number(children)), most) : 0;
}

function variants(tree: Tree): readonly Tree[] {
  return has(logicalType(tree.element), LOGICAL_TYPE.variant) ? [tree] : tree.children.flatMap(variants);
}

/** Below a group with a `typed_value`: that is a value, or a list of such groups, or an object with one for each member. */
function markShredded({ children }: Tree): void {
  const typed = children.find(({ element }) => nameOf(element) === "typed_value");
  if (typed === undefined) return;
  if (isZonedNanos(logicalType(typed.element))) markZonedNanos(typed.element);
  for (const child of typed.children) {
    if (member(child.element, SCHEMA_ELEMENT.repetition) === REPEATED) child.children.forEach(markShredded);
    else {
      change(child.element, { [SCHEMA_ELEMENT.name]: Buffer.from(markedName(nameOf(child.element))) });
      markShredded(child);
    }
  }
}

function nameOf(element: ThriftStruct): string {
  const name = member(element, SCHEMA_ELEMENT.name);
  return Buffer.isBuffer(name) ? name.toString("utf8") : "";
}

function logicalType(element: ThriftStruct): ThriftStruct | undefined {
  const type = member(element, SCHEMA_ELEMENT.logicalType);
  return isStruct(type) ? type : undefined;
}

function has(type: ThriftStruct | undefined, id: number): boolean {
  return type !== undefined && member(type, id) !== undefined;
}

function isOpaque(type: ThriftStruct | undefined): boolean {
  return has(type, LOGICAL_TYPE.variant) || has(type, LOGICAL_TYPE.geometry) || has(type, LOGICAL_TYPE.geography);
}

function isZonedNanos(type: ThriftStruct | undefined): boolean {
  const timestamp = type === undefined ? undefined : member(type, LOGICAL_TYPE.timestamp);
  if (!isStruct(timestamp)) return false;
  const unit = member(timestamp, TIMESTAMP.unit);
  return member(timestamp, TIMESTAMP.utc) === true && isStruct(unit) && has(unit, TIME_UNIT.nanos);
}

/** DuckDB cuts them to microseconds. No value of a variant is unsigned, so that this type is free to mean them. */
function markZonedNanos(element: ThriftStruct): void {
  const rest = element.fields.filter(({ id }) => id !== SCHEMA_ELEMENT.logicalType && id !== SCHEMA_ELEMENT.convertedType);
  element.fields = [...rest, { id: SCHEMA_ELEMENT.convertedType, type: I32, value: UINT_64 }];
}
