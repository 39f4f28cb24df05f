import type { Catalog } from "../../core/catalog.js";
import { type CatalogObject, catalogOf, compareText, objectId } from "../../core/catalog.js";
import type { Introspected } from "../../core/engine.js";
import type { Kafka, KafkaAcl, KafkaSetting, KafkaTopic } from "../../core/session.js";
import { accessBody, type TopicBody, type TopicObject, topicObject } from "./body.js";
import { isMessageSchema } from "./schema/message-schema.js";

type Unmodelled = Introspected["unmodelled"][number];

/** More topics than this are asked for in several requests. */
const TOPICS_A_REQUEST = 500;

/**
 * The live topics, except the broker's own. Of a topic that `wanted` names only the settings that its model states are part of
 * the object: what others have set beside them stays theirs, and is reported. Of other topics all that they themselves say.
 */
export async function introspect(kafka: Kafka, warehouse: string, wanted: Catalog): Promise<Introspected> {
  const own = wanted.objects.filter(({ slot }) => slot === "kafka");
  const ours = new Map(own.filter((object) => !isMessageSchema(object)).map((object) => [object.name[0], topicObject(object)]));
  const topics = (await kafka.topics()).filter(({ internal }) => !internal);
  const settings = await allSettings(
    kafka,
    topics.map(({ name }) => name),
  );
  const isStated = [...ours.values()].some(({ body }) => body.access !== undefined);
  const rules = isStated ? await kafka.acls() : new Map<string, readonly KafkaAcl[]>();
  const looked = topics.map((topic) => {
    const own = ours.get(topic.name);
    return withAccess(look(topic, overrides(settings.get(topic.name)), own), own, rules.get(topic.name) ?? []);
  });
  const unmodelled = looked.flatMap((one) => one.unmodelled).sort((a, b) => compareText(a.name, b.name));
  return {
    catalog: catalogOf(
      warehouse,
      [...looked.map(({ object }) => object), ...own.filter(isMessageSchema)], // no broker knows of schemas
    ),
    unmodelled,
  };
}

async function allSettings(kafka: Kafka, names: readonly string[]): Promise<ReadonlyMap<string, readonly KafkaSetting[]>> {
  const all = new Map<string, readonly KafkaSetting[]>();
  for (let at = 0; at < names.length; at += TOPICS_A_REQUEST) {
    for (const [name, settings] of await kafka.settings(names.slice(at, at + TOPICS_A_REQUEST))) all.set(name, settings);
  }
  return all;
}

/** What the topic itself says; a default that happens to have the wanted value can change with the broker. */
function overrides(settings: readonly KafkaSetting[] = []): readonly KafkaSetting[] {
  return settings.filter(({ source }) => source === "topic");
}

interface Looked {
  readonly object: CatalogObject;
  readonly unmodelled: readonly Unmodelled[];
}

/** Rules that the model states are part of the topic; others' are theirs. */
function withAccess(looked: Looked, ours: TopicObject | undefined, rules: readonly KafkaAcl[]): Looked {
  const stated = ours?.body.access;
  if (stated === undefined) return looked;
  const all = rules.map(accessBody).sort((a, b) => compareText(a.name, b.name));
  const isOurs = ({ name }: { readonly name: string }): boolean => stated.some((one) => one.name === name);
  const { object } = looked;
  const others = all
    .filter((rule) => !isOurs(rule))
    .map(({ name }) => ({ name: object.name[0] ?? "", what: `a rule that no model states: ${name}` }));
  return { object: { ...object, body: { ...object.body, access: all.filter(isOurs) } }, unmodelled: [...looked.unmodelled, ...others] };
}

function look({ name, partitions }: KafkaTopic, settings: readonly KafkaSetting[], ours: TopicObject | undefined): Looked {
  const isOurs = (setting: KafkaSetting): boolean => ours === undefined || Object.hasOwn(ours.body.config, setting.name);
  const counts = partitions.map(({ replicas }) => replicas.length);
  const body: TopicBody = {
    partitions: partitions.length,
    replicationFactor: Math.min(...counts),
    config: Object.fromEntries(settings.filter(isOurs).map((setting) => [setting.name, setting.value ?? ""])),
    key: ours?.body.key ?? [],
    format: ours?.body.format ?? "json",
  };
  const model = ours?.model === undefined ? {} : { model: ours.model };
  const id = objectId("kafka", "topic", [name]);
  const foreign = settings
    .filter((setting) => !isOurs(setting))
    .map((setting) => `a setting that no model states: ${setting.name} = ${setting.value}`);
  const uneven =
    Math.max(...counts) === Math.min(...counts) ? [] : ["partitions with different numbers of replicas: they are being reassigned"];
  return {
    object: { slot: "kafka", kind: "topic", id, name: [name], ...model, dependsOn: ours?.dependsOn ?? [], body },
    unmodelled: [...foreign, ...uneven].map((what) => ({ name, what })),
  };
}
