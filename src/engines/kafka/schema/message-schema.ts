import { type CatalogObject, objectId } from "../../../core/catalog.js";
import type { Change } from "../../../core/change.js";
import type { RenderedFile } from "../../../core/engine.js";
import { DwError } from "../../../core/errors.js";
import { type JsonObject, sameJson, stableJson } from "../../../core/json.js";
import type { TopicModel } from "../../../core/model.js";
import { modelPlace } from "../../../core/model-place.js";
import type { Compatibility, KafkaTopicOptions } from "../options.js";
import { avroFault, avroSchema, isAvroName } from "./avro.js";
import { jsonFault, jsonSchema } from "./json.js";

/*
 * What a topic's messages are, as a subject of a schema registry. No broker knows of it: it is written for producers, readers
 * and registries, and a change that its compatibility mode forbids is refused before anybody's reader fails.
 */

export type MessageSchemaBody = {
  readonly format: "json" | "avro";
  readonly compatibility: Compatibility;
  readonly schema: JsonObject;
};

export type MessageSchemaObject = CatalogObject<MessageSchemaBody> & { readonly kind: "message-schema" };

export function isMessageSchema(object: CatalogObject): object is MessageSchemaObject {
  return object.slot === "kafka" && object.kind === "message-schema"; // bodies of this slot are made by resolve only
}

/** Throws DW-MODEL-INVALID for names that Avro does not take. */
export function messageSchema(model: TopicModel, topic: CatalogObject, options: KafkaTopicOptions): MessageSchemaObject | undefined {
  const { schema, format = "json" } = options;
  if (schema === undefined) return undefined;
  const name = [schema.subject ?? `${topic.name[0]}-value`];
  const record = schema.record ?? model.name;
  if (format === "avro") refuseNames(model, record);
  return {
    slot: "kafka",
    kind: "message-schema",
    id: objectId("kafka", "message-schema", name),
    name,
    dependsOn: [topic.id],
    body: {
      format,
      compatibility: schema.compatibility ?? "BACKWARD",
      schema: format === "avro" ? avroSchema(record, schema.namespace, model.columns) : jsonSchema(record, model.columns),
    },
  };
}

function refuseNames(model: TopicModel, record: string): void {
  const wrong = [record, ...Object.keys(model.columns)].find((name) => !isAvroName(name));
  if (wrong === undefined) return;
  throw new DwError("DW-MODEL-INVALID", {
    what: `${modelPlace(model)}: ${JSON.stringify(wrong)} cannot be a name in an Avro schema.`,
    why: "Avro's names have ASCII letters, digits and _, and begin with no digit.",
    fix: 'Rename the column (or the record: schema.record), or use format: "json".',
  });
}

/** Modes of Confluent's registry. Transitive ones ask the same of all earlier versions; what is committed is the last one. */
const READERS: Readonly<Record<Compatibility, readonly ("new reads old" | "old reads new")[]>> = {
  NONE: [],
  BACKWARD: ["new reads old"],
  BACKWARD_TRANSITIVE: ["new reads old"],
  FORWARD: ["old reads new"],
  FORWARD_TRANSITIVE: ["old reads new"],
  FULL: ["new reads old", "old reads new"],
  FULL_TRANSITIVE: ["new reads old", "old reads new"],
};

/** No statement: no broker holds it. Throws DW-ENGINE-REFUSED for what the mode of the new schema forbids. */
export function decideSchema(change: Change): readonly [] {
  if (change.change !== "altered" || !isMessageSchema(change.from) || !isMessageSchema(change.to)) return [];
  const why = incompatibility(change.from.body, change.to.body);
  if (why === undefined) return [];
  throw new DwError("DW-ENGINE-REFUSED", {
    what: `The messages of ${change.to.name[0]} change in a way that ${change.to.body.compatibility} compatibility forbids: ${why}.`,
    why: "Readers that are there, or messages that are, would not fit each other; a schema registry refuses the schema.",
    fix: 'Add fields as nullable or with a default, keep what is there, or write to a new topic. compatibility: "NONE" says that nobody minds.',
  });
}

/** Why the new schema does not keep its mode's promise; undefined when it does. */
function incompatibility(from: MessageSchemaBody, to: MessageSchemaBody): string | undefined {
  const directions = READERS[to.compatibility];
  if (directions.length === 0 || sameJson(from.schema, to.schema)) return undefined;
  if (from.format !== to.format) return `the format was ${from.format} and is ${to.format}`;
  const fault = to.format === "avro" ? avroFault : jsonFault;
  for (const direction of directions) {
    const [reader, writer] = direction === "new reads old" ? [to, from] : [from, to];
    const why = fault(reader.schema, writer.schema);
    if (why !== undefined) return direction === "new reads old" ? why : `for today's readers, ${why}`;
  }
  return undefined;
}

/** `schema/orders-value.avsc`: the schema alone, as a registry or a code generator takes it. */
export function renderSchema({ name, body }: MessageSchemaObject): RenderedFile {
  const file = (name[0] ?? "").replace(/[^A-Za-z0-9._-]/g, (character) => encodeURIComponent(character));
  return { path: `message-schema/${file}.${body.format === "avro" ? "avsc" : "schema.json"}`, text: `${stableJson(body.schema, 2)}\n` };
}
