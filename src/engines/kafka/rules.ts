import type { CatalogObject } from "../../core/catalog.js";
import type { Change } from "../../core/change.js";
import type { RenderedFile } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { Hazard } from "../../core/hazard.js";
import { type Json, type JsonObject, stableJson } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import { type TopicBody, topicObject } from "./body.js";
import { decideSchema, isMessageSchema, renderSchema } from "./schema/message-schema.js";

/*
 * Topics change by three requests of the admin protocol: create, add partitions, change configuration step by step. What
 * none of them can do (fewer partitions, another replication factor) is refused: a topic cannot be rebuilt, because its
 * offsets are what consumers know.
 */

export type KafkaAction =
  | { readonly action: "add-partitions"; readonly from: number; readonly to: number }
  | {
      readonly action: "set-config";
      readonly set: Settings;
      readonly reset: readonly string[];
      /** Of the names in `set` and `reset`, what the topic itself said before. */
      readonly before: Settings;
    }
  | { readonly action: "set-access"; readonly add: Access; readonly remove: Access };

type Access = NonNullable<TopicBody["access"]>;

type Settings = { readonly [name: string]: string };

export function decide(change: Change): readonly Operation[] {
  if (isMessageSchema(change.change === "removed" ? change.from : change.to)) return decideSchema(change);
  if (change.change === "added") return [{ op: "create-object", object: change.to }];
  if (change.change === "removed") return [{ op: "drop-object", object: change.from }];
  const { from, to, facts } = change;
  if (from.id !== to.id)
    throw refused(to, "a topic cannot be renamed", "Create the new topic, move producers and consumers, then drop the old one.");
  const before = topicObject(from).body;
  const after = topicObject(to).body;
  const changed = new Set(facts.map((fact) => fact.path[0]));
  const operations: Operation[] = [];
  if (changed.has("replicationFactor"))
    throw refused(
      to,
      "its replication factor cannot be altered",
      "Reassign its partitions with kafka-reassign-partitions, then `dw migrate baseline`.",
    );
  if (changed.has("partitions")) operations.push(grow(to, Number(before.partitions), Number(after.partitions)));
  if (changed.has("config")) operations.push(action(to, configAction(before.config, after.config)));
  if (changed.has("access")) operations.push(action(to, accessAction(before.access, after.access)));
  return operations;
}

function accessAction(before: Access = [], after: Access = []): KafkaAction {
  const less = (all: Access, others: Access): Access => all.filter(({ name }) => !others.some((other) => other.name === name));
  return { action: "set-access", add: less(after, before), remove: less(before, after) };
}

/** To say a rule twice does no harm, nor to take one away that is gone. */
function accessRequest(topic: string, add: Access, remove: Access): StatementBody {
  const bare = (rules: Access): JsonObject[] => rules.map(({ name: _, ...rule }) => rule);
  const back = { changeAccess: topic, add: bare(remove), remove: bare(add) };
  return { ...request({ changeAccess: topic, add: bare(add), remove: bare(remove) }, [], [back]), repeatable: true };
}

function grow(object: CatalogObject, from: number, to: number): Operation {
  if (to > from) return action(object, { action: "add-partitions", from, to });
  throw refused(object, `it has ${from} partitions and cannot shrink to ${to}`, "Create another topic with fewer partitions.");
}

function configAction(before: Readonly<Record<string, Json>>, after: Readonly<Record<string, Json>>): KafkaAction {
  const set = Object.entries(after).filter(([name, value]) => before[name] !== value);
  const reset = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  const old = Object.entries(before).filter(([name]) => after[name] !== before[name]);
  return { action: "set-config", set: textual(set), reset, before: textual(old) };
}

function textual(entries: readonly (readonly [string, Json])[]): Settings {
  return Object.fromEntries(entries.map(([name, value]) => [name, String(value)]));
}

function action(object: CatalogObject, wanted: KafkaAction): Operation {
  return { op: "engine-action", object, action: wanted as KafkaAction & JsonObject }; // actions are JSON by construction
}

/** Requests as JSON: the text of a statement, and what the connection sends. */
export function generate(operation: Operation): readonly StatementBody[] {
  const object = topicObject(operation.object);
  const [topic = ""] = object.name;
  switch (operation.op) {
    case "create-object":
      return [
        request({ createTopic: topic, ...settings(object) }, [], [{ deleteTopic: topic }]),
        ...(object.body.access?.length ? [accessRequest(topic, object.body.access, [])] : []),
      ];
    case "drop-object": {
      const why = `the messages of ${topic} are gone, and the offsets of its consumers with them`;
      return [
        ...(object.body.access?.length ? [accessRequest(topic, [], object.body.access)] : []),
        request({ deleteTopic: topic }, [
          { kind: "data-loss", why },
          { kind: "irreversible", why },
        ]),
      ];
    }
    case "engine-action":
      return [actionRequest(topic, object, operation.action as KafkaAction)]; // decide made it
    default:
      throw new Error(`${operation.op} is no operation on a topic`);
  }
}

function actionRequest(topic: string, object: ReturnType<typeof topicObject>, wanted: KafkaAction): StatementBody {
  if (wanted.action === "set-config") return configRequest(topic, wanted);
  if (wanted.action === "set-access") return accessRequest(topic, wanted.add, wanted.remove);
  const why = `keys of ${topic} move to other partitions: messages of one key are in order only within the time before or after`;
  const keyed = object.body.key.length > 0;
  return request({ addPartitions: topic, from: wanted.from, to: wanted.to }, [
    ...(keyed ? [{ kind: "data-loss", why } as const] : []),
    { kind: "irreversible", why: "partitions cannot be taken away again" },
  ]);
}

/** Incremental: settings that nobody named here stay as they are. To say them twice does no harm. */
function configRequest(topic: string, { set, reset, before }: Extract<KafkaAction, { action: "set-config" }>): StatementBody {
  const drops = [...Object.keys(set), ...reset].filter((name) => EXPIRING[name]?.(before[name], set[name]));
  const hazards = drops.map((name): Hazard => {
    const now = set[name] === undefined ? `the broker's own ${name}` : `${name} = ${set[name]}`;
    return { kind: "data-loss", why: `${now} may delete messages of ${topic} at once` };
  });
  const back = { alterTopic: topic, set: before, reset: Object.keys(set).filter((name) => !Object.hasOwn(before, name)) };
  return { ...request({ alterTopic: topic, set, reset: [...reset] }, hazards, [back]), repeatable: true };
}

/** Whether a setting can make the broker delete what it kept before. Undefined is the broker's own value, which nobody knows here. */
type Expires = (before: string | undefined, after: string | undefined) => boolean;

const keepsLess: Expires = (before, after) => {
  if (after !== undefined && BigInt(after) < 0n) return false; // for ever
  if (before === undefined || after === undefined) return true;
  return BigInt(before) < 0n || BigInt(after) < BigInt(before);
};

const EXPIRING: Readonly<Record<string, Expires>> = {
  "cleanup.policy": (before = "delete", after = "delete") => after.split(",").some((word) => !before.split(",").includes(word)),
  "retention.bytes": integers(keepsLess),
  "retention.ms": integers(keepsLess),
  "remote.log.delete.on.disable": (_, after = "false") => after.toLowerCase() === "true",
};

/** Where a value is no number, lint says so; here it may be anything. */
function integers(expires: Expires): Expires {
  const isOne = (value: string | undefined): boolean => value === undefined || /^-?\d+$/.test(value);
  return (before, after) => !isOne(before) || !isOne(after) || expires(before, after);
}

function request(body: JsonObject, hazards: readonly Hazard[], undo?: readonly JsonObject[]): StatementBody {
  return { text: stableJson(body, 2), hazards, transactional: false, ...(undo && { undo: undo.map((one) => stableJson(one, 2)) }) };
}

function settings(object: CatalogObject): JsonObject {
  const { partitions, replicationFactor, config } = topicObject(object).body;
  return { partitions, replicationFactor, config };
}

/** The topic as a file that a reviewer reads and `kafka-topics.sh` users recognise. */
export function render(object: CatalogObject): RenderedFile {
  if (isMessageSchema(object)) return renderSchema(object);
  const { name, body } = topicObject(object);
  const [topic = ""] = name;
  const access = body.access && { access: body.access.map(({ name }) => name) };
  const text = stableJson({ topic, ...settings(object), key: body.key, format: body.format, ...access }, 2);
  return { path: `topic/${topic}.json`, text: `${text}\n` };
}

function refused(object: CatalogObject, what: string, fix: string): DwError {
  return new DwError("DW-ENGINE-REFUSED", { what: `Topic ${object.name[0]}: ${what}.`, why: "Kafka has no request for it.", fix });
}
