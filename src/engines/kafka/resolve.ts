import { compareText, type Hole, isHole, objectId } from "../../core/catalog.js";
import type { Resolved } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { Json } from "../../core/json.js";
import type { Model, TopicModel } from "../../core/model.js";
import { modelPlace } from "../../core/model-place.js";
import { type AccessBody, accessBody, type Held, type TopicBody, type TopicObject } from "./body.js";
import type { KafkaTopicOptions } from "./options.js";
import { messageSchema } from "./schema/message-schema.js";

/** Topics of the models that are on Kafka. */
export function resolve(models: readonly Model[]): Resolved {
  const topics = models.filter((model): model is TopicModel => model.model === "topic" && model.on.kafka !== undefined);
  const objects = topics.flatMap((model) => {
    const made = topic(model);
    const schema = messageSchema(model, made, optionsOf(model));
    return schema === undefined ? [made] : [made, schema];
  });
  return { objects, losses: [], findings: [] };
}

function optionsOf(model: TopicModel): KafkaTopicOptions {
  return model.on.kafka as unknown as KafkaTopicOptions; // typed when the model was written
}

function topic(model: TopicModel): TopicObject {
  const options = optionsOf(model);
  const name = options.topic ?? model.name;
  refuseName(model, name);
  for (const column of model.key ?? []) refuseKey(model, column);
  return {
    slot: "kafka",
    kind: "topic",
    id: objectId("kafka", "topic", [name]),
    name: [name],
    model: model.name,
    dependsOn: [],
    body: body(model, options),
  };
}

function body(model: TopicModel, options: KafkaTopicOptions): TopicBody {
  const config = Object.entries(options.config ?? {}).map(([name, value]): [string, Held<string>] => [name, text(value)]);
  return {
    partitions: options.partitions as Held<number>, // a Hole is JSON; the interface only lacks the index signature
    replicationFactor: options.replicationFactor as Held<number>, // as above
    config: Object.fromEntries(config),
    key: [...(model.key ?? [])],
    format: options.format ?? "json",
    ...(options.access && { access: accessOf(model, options.access) }),
  };
}

function accessOf(model: TopicModel, rules: NonNullable<KafkaTopicOptions["access"]>): AccessBody[] {
  const bodies = rules.flatMap(({ principal, operations, host = "*", deny }) => {
    if (!/^[A-Za-z]+:.+$/.test(principal)) throw badPrincipal(model, principal);
    return operations.map((operation) => accessBody({ principal, host, operation, permission: deny ? "deny" : "allow" }));
  });
  return [...new Map(bodies.map((body) => [body.name, body])).values()].sort((a, b) => compareText(a.name, b.name));
}

function badPrincipal(model: TopicModel, principal: string): DwError {
  return new DwError("DW-MODEL-INVALID", {
    what: `${modelPlace(model)}: ${JSON.stringify(principal)} is no principal.`,
    why: "Kafka's authorizer knows who asks by a kind and a name.",
    fix: "Write User: before the name: User:etl.",
  });
}

function text(value: string | number | boolean | Hole): Held<string> {
  if (!isHole(value as Json)) return String(value);
  const values = Object.entries((value as Hole).$env).map(([environment, member]): [string, Json] => [environment, String(member)]);
  return { $env: { default: String((value as Hole).$env.default), ...Object.fromEntries(values) } };
}

/** Topic.validate of Kafka: ASCII letters, digits, `.`, `_` and `-`, at most 249, and neither `.` nor `..`. */
function refuseName(model: TopicModel, name: string): void {
  if (/^[A-Za-z0-9._-]{1,249}$/.test(name) && name !== "." && name !== "..") return;
  throw new DwError("DW-MODEL-INVALID", {
    what: `${modelPlace(model)}: ${JSON.stringify(name)} cannot name a topic.`,
    why: "A topic's name has 1 to 249 ASCII letters, digits, dots, underscores and hyphens.",
    fix: "Set `topic` in the model's Kafka options.",
  });
}

function refuseKey(model: TopicModel, column: string): void {
  if (Object.hasOwn(model.columns, column)) return;
  throw new DwError("DW-MODEL-INVALID", {
    what: `${modelPlace(model)}: its key names the column ${column}, which it does not have.`,
    why: "The message key is made of columns.",
    fix: "Name one of the model's columns.",
  });
}
