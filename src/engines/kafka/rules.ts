import type { CatalogObject } from "../../core/catalog.js";
import type { Change } from "../../core/change.js";
import type { RenderedFile } from "../../core/engine.js";
import { DwError } from "../../core/errors.js";
import type { Hazard } from "../../core/hazard.js";
import { type Json, type JsonObject, stableJson } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import { topicObject } from "./body.js";

/*
 * Topics change by three requests of the admin protocol: create, add partitions, change configuration step by step. What
 * none of them can do (fewer partitions, another replication factor) is refused: a topic cannot be rebuilt, because its
 * offsets are what consumers know.
 */

export type KafkaAction =
  | { readonly action: "add-partitions"; readonly from: number; readonly to: number }
  | { readonly action: "set-config"; readonly set: { readonly [name: string]: string }; readonly reset: readonly string[] };

export function decide(change: Change): readonly Operation[] {
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
  return operations;
}

function grow(object: CatalogObject, from: number, to: number): Operation {
  if (to > from) return action(object, { action: "add-partitions", from, to });
  throw refused(object, `it has ${from} partitions and cannot shrink to ${to}`, "Create another topic with fewer partitions.");
}

function configAction(before: Readonly<Record<string, Json>>, after: Readonly<Record<string, Json>>): KafkaAction {
  const set = Object.entries(after).filter(([name, value]) => before[name] !== value);
  const reset = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
  return { action: "set-config", set: Object.fromEntries(set.map(([name, value]) => [name, String(value)])), reset };
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
      return [request({ createTopic: topic, ...settings(object) }, [], [{ deleteTopic: topic }])];
    case "drop-object": {
      const why = `the messages of ${topic} are gone, and the offsets of its consumers with them`;
      return [
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
  if (wanted.action === "set-config") {
    const { set, reset } = wanted;
    const drops = expiring(set).map(
      (name): Hazard => ({ kind: "data-loss", why: `${name} = ${set[name]} may delete messages of ${topic} at once` }),
    );
    return request({ alterTopic: topic, set, reset: [...reset] }, drops);
  }
  const why = `keys of ${topic} move to other partitions: messages of one key are in order only within the time before or after`;
  const keyed = object.body.key.length > 0;
  return request({ addPartitions: topic, from: wanted.from, to: wanted.to }, [
    ...(keyed ? [{ kind: "data-loss", why } as const] : []),
    { kind: "irreversible", why: "partitions cannot be taken away again" },
  ]);
}

/** Names whose new value can make the broker delete messages. */
function expiring(set: Readonly<Record<string, string>>): string[] {
  return ["cleanup.policy", "retention.bytes", "retention.ms"].filter((name) => Object.hasOwn(set, name) && set[name] !== "-1");
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
  const { name, body } = topicObject(object);
  const [topic = ""] = name;
  const text = stableJson({ topic, ...settings(object), key: body.key, format: body.format }, 2);
  return { path: `topic/${topic}.json`, text: `${text}\n` };
}

function refused(object: CatalogObject, what: string, fix: string): DwError {
  return new DwError("DW-ENGINE-REFUSED", { what: `Topic ${object.name[0]}: ${what}.`, why: "Kafka has no request for it.", fix });
}
