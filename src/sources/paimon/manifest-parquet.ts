import { openDuckDb } from "../../connections/duckdb.js";
import type { DuckDbSession } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import type { AvroRecord, AvroValue } from "../../formats/avro/index.js";
import { withoutLz4 } from "../../formats/parquet/lz4.js";
import { SpoolFolder } from "../../formats/spool.js";
import { ident, text } from "./duckdb.js";
import { damaged } from "./letters.js";
import { scan } from "./relation.js";

/* Rows of small Parquet files as plain values, by way of a DuckDB of their own: metadata is read before there is a session. */

export interface ParquetRows {
  readonly rows: (file: string, wants?: (field: string) => boolean) => Promise<readonly AvroRecord[]>;
  readonly close: () => Promise<void>;
}

const MEMORY = 256 * 1024 ** 2;

export async function openParquetRows(storage: Storage): Promise<ParquetRows> {
  const database = await openDuckDb({ memoryLimit: MEMORY, threads: 1 });
  const db = await database.session();
  return {
    rows: async (file, wants = () => true) => {
      const { path: own, release } = await storage.local(file);
      const folder = new SpoolFolder("paimon");
      try {
        const plain = await folder.file("parquet");
        const path = (await withoutLz4(own, plain, file)) ? plain : own;
        const fields = (await schemaOf(db, path, file)).filter(({ name }) => wants(name));
        if (fields.length === 0) throw damaged(file, "It has none of the columns that it should have.");
        const shapes = fields.map((field) => ({ name: field.name, ...shapeOf(field, ident(field.name)) }));
        const list = shapes.map(({ name, sql }) => `${sql} AS ${ident(name)}`).join(", ");
        const rows = await db.rows(`SELECT ${list} FROM ${scan([path], false)}`);
        return rows.map((row) => Object.fromEntries(shapes.map(({ name, value }) => [name, value(row[name])])));
      } finally {
        await release();
        await folder.close();
      }
    },
    close: () => database.close(),
  };
}

interface Field {
  readonly name: string;
  readonly kind: "text" | "bytes" | "long" | "other" | "list" | "struct";
  readonly children: readonly Field[];
}

interface SchemaRow {
  readonly [column: string]: unknown;
  readonly name: string;
  readonly type: string | null;
  readonly num_children: string | null;
  readonly converted_type: string | null;
}

/** The file's columns: the footer lists all nodes of their tree, each before its children. */
async function schemaOf(db: DuckDbSession, path: string, file: string): Promise<readonly Field[]> {
  const nodes = await db.rows<SchemaRow>(`SELECT name, type, num_children, converted_type FROM parquet_schema(${text(path)})`);
  let at = 0;
  const next = (): Field => {
    const node = nodes[at++];
    if (node === undefined) throw damaged(file, "Its schema ends too early.");
    const children = Array.from({ length: Math.min(Number(node.num_children ?? 0), nodes.length) }, next);
    return { name: node.name, kind: kindOf(node), children };
  };
  return next().children;
}

function kindOf({ type, converted_type: converted }: SchemaRow): Field["kind"] {
  if (type === null) return converted === "LIST" ? "list" : "struct";
  if (type === "BYTE_ARRAY") return converted === "UTF8" ? "text" : "bytes";
  return type === "INT64" && converted === null ? "long" : "other";
}

interface Shape {
  readonly sql: string;
  readonly value: (found: unknown) => AvroValue;
}

/** Bytes pass as hexadecimal digits, since results have no form of their own for them; longs come as their digits. */
function shapeOf(field: Field, sql: string, depth = 0): Shape {
  const shape = shapes[field.kind](field, sql, depth);
  return { sql: shape.sql, value: (found) => (found === null || found === undefined ? null : shape.value(found)) };
}

const shapes: Readonly<Record<Field["kind"], (field: Field, sql: string, depth: number) => Shape>> = {
  text: (_, sql) => ({ sql, value: String }),
  bytes: (_, sql) => ({ sql: `hex(${sql})`, value: (found) => Buffer.from(String(found), "hex") }),
  long: (_, sql) => ({ sql, value: (found) => BigInt(String(found)) }),
  other: (_, sql) => ({ sql, value: (found) => (typeof found === "number" || typeof found === "boolean" ? found : String(found)) }),
  list: (field, sql, depth) => {
    const item = `x${depth}`;
    const inner = shapeOf(elementOf(field), item, depth + 1);
    return {
      sql: inner.sql === item ? sql : `list_transform(${sql}, lambda ${item}: ${inner.sql})`,
      value: (found) => (Array.isArray(found) ? found.map((entry: unknown) => inner.value(entry)) : null),
    };
  },
  struct: (field, sql, depth) => {
    const members = field.children.map((child) => ({ name: child.name, ...shapeOf(child, `${sql}.${ident(child.name)}`, depth) }));
    const packed = members.map((member) => `${ident(member.name)} := ${member.sql}`).join(", ");
    return {
      sql: `CASE WHEN ${sql} IS NOT NULL THEN struct_pack(${packed}) END`,
      value: (found) => {
        const entries = Object.entries(Object(found) as Readonly<Record<string, unknown>>); // a STRUCT comes as an object
        const row = new Map(entries);
        return Object.fromEntries(members.map((member) => [member.name, member.value(row.get(member.name))]));
      },
    };
  },
};

/** A list is a group with a repeated group with the element; old writers leave the latter out (Parquet, "Logical Types"). */
function elementOf({ children: [repeated] }: Field): Field {
  const [element, ...more] = repeated?.children ?? [];
  if (repeated !== undefined && element !== undefined && more.length === 0 && repeated.name !== "array") return element;
  return repeated ?? { name: "element", kind: "other", children: [] };
}
