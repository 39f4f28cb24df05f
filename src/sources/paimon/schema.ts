import type { Storage } from "../../core/storage.js";
import { damaged } from "./letters.js";
import { readJson } from "./metadata.js";
import { isObject, type PaimonField, parseFields } from "./types.js";

/** One `schema-N` (Paimon, "Specification / Schema"). */
export interface TableSchema {
  readonly id: number;
  readonly fields: readonly PaimonField[];
  readonly partitionKeys: readonly string[];
  readonly primaryKeys: readonly string[];
  readonly options: ReadonlyMap<string, string>;
  readonly comment?: string;
  /** Milliseconds since the epoch; absent in old tables. */
  readonly time?: number;
}

/** The schemas of one branch, read once each. */
export class Schemas {
  private readonly read = new Map<number, Promise<TableSchema>>();

  /** `folder` is the branch's folder, empty or ending in a slash. */
  constructor(
    private readonly storage: Storage,
    private readonly folder: string,
  ) {}

  async ids(): Promise<readonly number[]> {
    const { files } = await this.storage.list(`${this.folder}schema`);
    return files.flatMap(({ path }) => numbered(path, "schema-") ?? []).sort((a, b) => a - b);
  }

  schema(id: number): Promise<TableSchema> {
    const known = this.read.get(id);
    if (known !== undefined) return known;
    const file = `${this.folder}schema/schema-${id}`;
    const reading = readJson(this.storage, file).then((json) => parseSchema(json, id, file));
    this.read.set(id, reading);
    return reading;
  }
}

/** N of a path that ends in `<prefix>N`. */
export function numbered(path: string, prefix: string): number | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (!name.startsWith(prefix)) return undefined;
  const digits = name.slice(prefix.length);
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

function parseSchema(json: unknown, id: number, file: string): TableSchema {
  if (!isObject(json)) throw damaged(file, "It is not a JSON object.");
  const fields = parseFields(json.fields, file);
  const names = new Set(fields.map((field) => field.name));
  const keys = (member: "partitionKeys" | "primaryKeys"): readonly string[] => {
    const list = json[member] ?? [];
    if (!Array.isArray(list) || !list.every((name) => typeof name === "string" && names.has(name))) {
      throw damaged(file, `Its ${member} name columns that it does not have.`);
    }
    return list;
  };
  return {
    id,
    fields,
    partitionKeys: keys("partitionKeys"),
    primaryKeys: keys("primaryKeys"),
    options: parseOptions(json.options),
    ...(typeof json.comment === "string" && json.comment !== "" ? { comment: json.comment } : {}),
    ...(typeof json.timeMillis === "number" ? { time: json.timeMillis } : {}),
  };
}

function parseOptions(json: unknown): ReadonlyMap<string, string> {
  if (!isObject(json)) return new Map();
  return new Map(Object.entries(json).flatMap(([key, value]) => (typeof value === "string" ? [[key, value] as const] : [])));
}

/** The primary key without the partition's columns: what `_KEY_` columns and key statistics hold. */
export function trimmedKey(schema: TableSchema): readonly PaimonField[] {
  const rest = schema.primaryKeys.filter((name) => !schema.partitionKeys.includes(name));
  return fieldsNamed(schema, rest.length === 0 ? schema.primaryKeys : rest);
}

/** Fields in the order of the names. */
export function fieldsNamed(schema: TableSchema, names: readonly string[]): readonly PaimonField[] {
  return names.flatMap((name) => schema.fields.find((field) => field.name === name) ?? []);
}
