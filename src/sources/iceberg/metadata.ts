import { corrupt, unsupported } from "../../formats/damage.js";
import { integerOf, isObject, type JsonNode, listOf, longOf, objectOf, optionalText, Place, parseExactJson, textOf } from "./json.js";
import { type IcebergSchema, parseSchema } from "./schema.js";
import { parseTransform, type Transform } from "./transforms.js";

/* Table metadata (Iceberg spec, "Table Metadata" and Appendix C). Ids of snapshots are their decimal digits. */

export interface TableMetadata {
  /** Path below the export's root. */
  readonly file: string;
  readonly version: number;
  readonly uuid: string;
  readonly location: string;
  readonly lastUpdated: number;
  readonly lastSequence: string;
  readonly schemas: ReadonlyMap<number, IcebergSchema>;
  readonly schema: IcebergSchema;
  readonly specs: ReadonlyMap<number, PartitionSpec>;
  readonly defaultSpec: number;
  readonly properties: ReadonlyMap<string, string>;
  readonly snapshots: ReadonlyMap<string, Snapshot>;
  readonly currentSnapshot: string | undefined;
  readonly log: readonly LogEntry[];
  readonly refs: ReadonlyMap<string, SnapshotRef>;
}

export interface Snapshot {
  readonly id: string;
  readonly parent: string | undefined;
  readonly sequence: bigint;
  readonly timestamp: number;
  readonly schemaId: number | undefined;
  readonly summary: ReadonlyMap<string, string>;
  /** The key of its manifest list; absent where that is not encrypted. */
  readonly encryptedBy?: string;
  /** Where its manifest list lies, or (old v1 tables) the manifests themselves. */
  readonly manifests: { readonly list: string } | { readonly files: readonly string[] };
}

export interface LogEntry {
  readonly snapshot: string;
  readonly timestamp: number;
}

export interface SnapshotRef {
  readonly snapshot: string;
  readonly type: "branch" | "tag";
}

export interface PartitionSpec {
  readonly id: number;
  readonly fields: readonly PartitionField[];
}

export interface PartitionField {
  readonly id: number;
  readonly name: string;
  /** Ids of the columns that it is computed from: one, except for transforms of the future. */
  readonly sources: readonly number[];
  readonly transform: Transform;
}

const NEWEST_VERSION = 3;

export function parseMetadata(text: string, file: string): TableMetadata {
  const at = new Place(file);
  const node = objectOf(parseExactJson(text, file), at);
  const version = integerOf(node["format-version"], at.step("format-version"));
  if (version < 1) throw at.wrong(`has the format version ${version}`);
  if (version > NEWEST_VERSION) throw tooNew(file, version);
  const { schemas, schema } = schemasOf(node, at);
  const { specs, defaultSpec } = specsOf(node, at);
  const snapshots = snapshotsOf(node, at);
  const current = currentSnapshot(node, at);
  if (current !== undefined && !snapshots.has(current)) throw corrupt(file, `Its current snapshot ${current} is not among its snapshots.`);
  return {
    file,
    version,
    uuid: optionalText(node["table-uuid"]) ?? "",
    location: textOf(node.location, at.step("location")),
    lastUpdated: integerOf(node["last-updated-ms"] ?? 0, at.step("last-updated-ms")),
    lastSequence: longOf(node["last-sequence-number"] ?? 0, at.step("last-sequence-number")),
    schemas,
    schema,
    specs,
    defaultSpec,
    properties: textMap(node.properties),
    snapshots,
    currentSnapshot: current,
    log: listOf(node["snapshot-log"] ?? [], at.step("snapshot-log")).map((entry) => logEntry(entry, at.step("snapshot-log"))),
    refs: refsOf(node, at, current),
  };
}

function tooNew(file: string, version: number): Error {
  return unsupported(
    `${file} is of Iceberg format version ${version}.`,
    `dw reads versions 1 to ${NEWEST_VERSION}.`,
    "Export a table of an older format version, or read it with the engine that wrote it.",
  );
}

function schemasOf(node: JsonNode, at: Place): { readonly schemas: Map<number, IcebergSchema>; readonly schema: IcebergSchema } {
  const listed = node.schemas === undefined || node.schemas === null ? [] : listOf(node.schemas, at.step("schemas"));
  const parsed = listed.map((schema) => parseSchema(objectOf(schema, at.step("schemas")), at.step("schemas")));
  const schemas = new Map(parsed.map((schema) => [schema.schemaId, schema]));
  if (schemas.size === 0) {
    const schema = parseSchema(objectOf(node.schema, at.step("schema")), at.step("schema"));
    return { schemas: new Map([[schema.schemaId, schema]]), schema };
  }
  const schema = schemas.get(integerOf(node["current-schema-id"], at.step("current-schema-id")));
  if (schema === undefined) throw at.wrong("has a current schema that is not among its schemas");
  return { schemas, schema };
}

function specsOf(node: JsonNode, at: Place): { readonly specs: Map<number, PartitionSpec>; readonly defaultSpec: number } {
  const place = at.step("partition-specs");
  if (node["partition-specs"] === undefined || node["partition-specs"] === null) {
    // v1 wrote only the fields of its one spec
    return { specs: new Map([[0, { id: 0, fields: partitionFields(node["partition-spec"] ?? [], at) }]]), defaultSpec: 0 };
  }
  const specs = listOf(node["partition-specs"], place).map((item): PartitionSpec => {
    const spec = objectOf(item, place);
    return { id: integerOf(spec["spec-id"], place.step("spec-id")), fields: partitionFields(spec.fields, place) };
  });
  return { specs: new Map(specs.map((spec) => [spec.id, spec])), defaultSpec: integerOf(node["default-spec-id"] ?? 0, at) };
}

/** v1 did not store field ids; they count up from 1000. */
const FIRST_PARTITION_ID = 1000;

function partitionFields(list: unknown, at: Place): readonly PartitionField[] {
  return listOf(list, at).map((item, index): PartitionField => {
    const field = objectOf(item, at);
    const sources = field["source-ids"] ?? [field["source-id"]];
    return {
      id: field["field-id"] === undefined ? FIRST_PARTITION_ID + index : integerOf(field["field-id"], at.step("field-id")),
      name: textOf(field.name, at.step("name")),
      sources: listOf(sources, at).map((id) => integerOf(id, at.step("source-id"))),
      transform: parseTransform(textOf(field.transform, at.step("transform"))),
    };
  });
}

function snapshotsOf(node: JsonNode, at: Place): Map<string, Snapshot> {
  const place = at.step("snapshots");
  const snapshots = listOf(node.snapshots ?? [], place).map((item) => snapshotOf(objectOf(item, place), place));
  return new Map(snapshots.map((snapshot) => [snapshot.id, snapshot]));
}

function snapshotOf(node: JsonNode, at: Place): Snapshot {
  const list = optionalText(node["manifest-list"]);
  const key = optionalText(node["key-id"]);
  const parent = node["parent-snapshot-id"];
  return {
    id: longOf(node["snapshot-id"], at.step("snapshot-id")),
    parent: parent === undefined || parent === null ? undefined : longOf(parent, at.step("parent-snapshot-id")),
    sequence: BigInt(longOf(node["sequence-number"] ?? 0, at.step("sequence-number"))),
    timestamp: integerOf(node["timestamp-ms"], at.step("timestamp-ms")),
    schemaId: typeof node["schema-id"] === "number" ? node["schema-id"] : undefined,
    summary: textMap(node.summary),
    ...(key !== undefined && { encryptedBy: key }),
    manifests: list === undefined ? { files: listOf(node.manifests, at.step("manifests")).map((file) => textOf(file, at)) } : { list },
  };
}

/** Old writers say "no snapshot" with -1. */
function currentSnapshot(node: JsonNode, at: Place): string | undefined {
  const value = node["current-snapshot-id"];
  if (value === undefined || value === null || value === -1) return undefined;
  return longOf(value, at.step("current-snapshot-id"));
}

function logEntry(item: unknown, at: Place): LogEntry {
  const node = objectOf(item, at);
  return { snapshot: longOf(node["snapshot-id"], at), timestamp: integerOf(node["timestamp-ms"], at.step("timestamp-ms")) };
}

function refsOf(node: JsonNode, at: Place, current: string | undefined): Map<string, SnapshotRef> {
  const refs = new Map<string, SnapshotRef>();
  if (current !== undefined) refs.set("main", { snapshot: current, type: "branch" });
  for (const [name, item] of Object.entries(isObject(node.refs) ? node.refs : {})) {
    const ref = objectOf(item, at.step("refs"));
    refs.set(name, { snapshot: longOf(ref["snapshot-id"], at.step("refs")), type: ref.type === "tag" ? "tag" : "branch" });
  }
  return refs;
}

function textMap(value: unknown): Map<string, string> {
  if (!isObject(value)) return new Map();
  return new Map(Object.entries(value).flatMap(([key, text]) => (typeof text === "string" ? [[key, text] as const] : [])));
}
