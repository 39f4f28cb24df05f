import { corrupt, unsupported } from "../damage.js";

/** Attributes of a schema node or field as the writer put them: `field-id`, `element-id`, `logicalType`, `adjust-to-utc`. */
export type AvroAttributes = Readonly<Record<string, unknown>>;

/** A parsed Avro schema; references to named types are replaced by the type. */
export type AvroType =
  | { readonly kind: AvroPrimitive; readonly attributes: AvroAttributes }
  | { readonly kind: "fixed"; readonly size: number; readonly attributes: AvroAttributes }
  | { readonly kind: "enum"; readonly symbols: readonly string[]; readonly attributes: AvroAttributes }
  | { readonly kind: "array"; readonly items: AvroType; readonly attributes: AvroAttributes }
  | { readonly kind: "map"; readonly values: AvroType; readonly attributes: AvroAttributes }
  | AvroRecordType
  | { readonly kind: "union"; readonly branches: readonly AvroType[]; readonly attributes: AvroAttributes };

export interface AvroRecordType {
  readonly kind: "record";
  readonly fields: readonly AvroField[];
  readonly attributes: AvroAttributes;
}

export interface AvroField {
  readonly name: string;
  readonly type: AvroType;
  readonly attributes: AvroAttributes;
}

export type AvroPrimitive = (typeof primitives)[number];

const primitives = ["null", "boolean", "int", "long", "float", "double", "bytes", "string"] as const;

/** Nodes of an expanded schema: far above any table, far below what a schema of nested references can blow up to. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 100;

/** Parses a schema (Avro 1.12, "Schema Declaration"). DW-FILE-CORRUPT for what is none; recursive types are refused. */
export function parseAvroSchema(text: string, file: string): AvroType {
  return new SchemaParser(file).parse(text);
}

/** The type without a `null` branch, and whether it had one. A union of several other types stays a union. */
export function optional(type: AvroType): { readonly type: AvroType; readonly nullable: boolean } {
  if (type.kind !== "union") return { type, nullable: type.kind === "null" };
  const rest = type.branches.filter((branch) => branch.kind !== "null");
  const only = rest.length === 1 ? rest[0] : undefined;
  return { type: only ?? type, nullable: rest.length < type.branches.length };
}

type Node = Readonly<Record<string, unknown>>;

class SchemaParser {
  private readonly named = new Map<string, { readonly type: AvroType; readonly nodes: number }>();
  private readonly open = new Set<string>();
  private nodes = 0;

  constructor(private readonly file: string) {}

  parse(text: string): AvroType {
    let json: unknown;
    try {
      json = JSON.parse(text);
    } catch (error) {
      throw corrupt(this.file, "Its Avro schema is not JSON.", error);
    }
    return this.type(json, "", 0);
  }

  private type(node: unknown, namespace: string, depth: number): AvroType {
    this.count(1);
    if (depth > MAX_DEPTH) throw this.bad(`is nested deeper than ${MAX_DEPTH} levels`);
    if (typeof node === "string") return this.reference(node, namespace, {});
    if (Array.isArray(node)) {
      return { kind: "union", branches: node.map((branch) => this.type(branch, namespace, depth + 1)), attributes: {} };
    }
    if (!isNode(node)) throw this.bad("has a type that is neither a name, a list nor an object");
    return this.object(node, namespace, depth);
  }

  private object(node: Node, namespace: string, depth: number): AvroType {
    const kind = node.type;
    if (kind === "array") return { kind, items: this.type(node.items, namespace, depth + 1), attributes: node };
    if (kind === "map") return { kind, values: this.type(node.values, namespace, depth + 1), attributes: node };
    if (kind === "record" || kind === "error" || kind === "fixed" || kind === "enum") return this.define(node, kind, namespace, depth);
    if (typeof kind === "string") return this.reference(kind, namespace, node);
    return this.type(kind, namespace, depth + 1); // {"type": {"type": …}} is allowed and means the inner type
  }

  private define(node: Node, kind: "record" | "error" | "fixed" | "enum", outer: string, depth: number): AvroType {
    const { full, namespace } = this.nameOf(node, outer);
    if (this.open.has(full) || this.named.has(full)) throw this.bad(`defines the type ${full} twice`);
    this.open.add(full);
    const before = this.nodes;
    const type = kind === "fixed" ? this.fixed(node) : kind === "enum" ? this.enumeration(node) : this.record(node, namespace, depth);
    this.open.delete(full);
    this.named.set(full, { type, nodes: this.nodes - before });
    return type;
  }

  private record(node: Node, namespace: string, depth: number): AvroType {
    if (!Array.isArray(node.fields)) throw this.bad("has a record without fields");
    const seen = new Set<string>();
    const fields = node.fields.map((field: unknown): AvroField => {
      if (!isNode(field) || typeof field.name !== "string") throw this.bad("has a field without a name");
      if (seen.has(field.name)) throw this.bad(`has the field ${field.name} twice in one record`);
      seen.add(field.name);
      return { name: field.name, type: this.type(field.type, namespace, depth + 1), attributes: field };
    });
    return { kind: "record", fields, attributes: node };
  }

  private fixed(node: Node): AvroType {
    const { size } = node;
    if (typeof size !== "number" || !Number.isInteger(size) || size < 0 || size > 1 << 20)
      throw this.bad("has a fixed type without a sane size");
    return { kind: "fixed", size, attributes: node };
  }

  private enumeration(node: Node): AvroType {
    const { symbols } = node;
    if (!Array.isArray(symbols) || !symbols.every((symbol) => typeof symbol === "string")) throw this.bad("has an enum without symbols");
    return { kind: "enum", symbols, attributes: node };
  }

  private reference(name: string, namespace: string, attributes: AvroAttributes): AvroType {
    const primitive = primitives.find((candidate) => candidate === name);
    if (primitive !== undefined) return { kind: primitive, attributes };
    const full = name.includes(".") || namespace === "" ? name : `${namespace}.${name}`;
    const found = this.named.get(full) ?? this.named.get(name);
    if (found !== undefined) {
      this.count(found.nodes);
      return found.type;
    }
    if (!this.open.has(full) && !this.open.has(name)) throw this.bad(`refers to the type ${name}, which it does not define`);
    throw unsupported(
      `${this.file} has the recursive Avro type ${name}.`,
      "A warehouse column cannot hold a value of unbounded depth.",
      "Export the table without that column.",
    );
  }

  private nameOf(node: Node, outer: string): { readonly full: string; readonly namespace: string } {
    if (typeof node.name !== "string") throw this.bad("has a named type without a name");
    const cut = node.name.lastIndexOf(".");
    if (cut >= 0) return { full: node.name, namespace: node.name.slice(0, cut) };
    const namespace = typeof node.namespace === "string" ? node.namespace : outer;
    return { full: namespace === "" ? node.name : `${namespace}.${node.name}`, namespace };
  }

  private count(nodes: number): void {
    this.nodes += nodes;
    if (this.nodes > MAX_NODES) throw this.bad(`expands to more than ${MAX_NODES} types`);
  }

  private bad(why: string): Error {
    return corrupt(this.file, `Its Avro schema ${why}.`);
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
