import type { CatalogObject, Hole } from "../../core/catalog.js";
import type { Json, JsonObject } from "../../core/json.js";

/** A value that may still be a hole; generate and render see it filled. */
export type Held<T extends Json> = T | (Hole & JsonObject);

/** A topic: what AdminClient creates and describes. Configuration by Kafka's own names, as text, as Kafka itself keeps it. */
export type TopicBody = {
  readonly partitions: Held<number>;
  readonly replicationFactor: Held<number>;
  readonly config: { readonly [name: string]: Held<string> };
  /** Columns that make the message key; empty: messages have no key. Not known to the broker. */
  readonly key: readonly string[];
  readonly format: "json" | "avro";
  /** Sorted by name; absent where the model says nothing of access. */
  readonly access?: readonly AccessBody[];
};

/** One rule; `name` has all of it. */
export type AccessBody = {
  readonly name: string;
  readonly principal: string;
  readonly host: string;
  readonly operation: string;
  readonly permission: "allow" | "deny";
};

export function accessBody(rule: Omit<AccessBody, "name">): AccessBody {
  return { name: `${rule.permission} ${rule.principal} ${rule.operation} from ${rule.host}`, ...rule };
}

export type TopicObject = CatalogObject<TopicBody> & { readonly kind: "topic" };

/** The object with its body typed: bodies of this slot are made by resolve and introspect only. */
export function topicObject(object: CatalogObject): TopicObject {
  if (object.slot !== "kafka" || object.kind !== "topic") throw new Error(`${object.id} is not a topic`);
  return object as TopicObject;
}
