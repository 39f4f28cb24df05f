import type { CatalogObject } from "../../core/catalog.js";
import type { Engine } from "../../core/engine.js";
import type { TypeMapping } from "../../core/loss.js";
import { topicObject } from "./body.js";
import { shownValue } from "./config.js";
import { toModel } from "./import.js";
import { lint } from "./lint.js";
import { resolve } from "./resolve.js";
import { decide, generate, render } from "./rules.js";
import { isMessageSchema } from "./schema/message-schema.js";

/** Kafka keeps bytes: what a message can hold is a matter of its format. */
const bytes: TypeMapping = { native: "bytes", level: "lossless", note: "" };

export const kafka: Engine = {
  name: "kafka",
  mapType: () => bytes,
  resolve,
  lint,
  normalize,
  decide,
  toModel,
  generate,
  render,
};

/** Values as brokers show them. */
function normalize(object: CatalogObject): CatalogObject {
  if (isMessageSchema(object)) return object;
  const topic = topicObject(object);
  const config = Object.entries(topic.body.config).map(([name, value]) => [
    name,
    typeof value === "string" ? shownValue(name, value) : value,
  ]);
  return { ...topic, body: { ...topic.body, config: Object.fromEntries(config) } };
}
