import type { CatalogObject } from "../../core/catalog.js";
import type { ImportContext } from "../../core/imported.js";
import type { Columns, TopicModel } from "../../core/model.js";
import { topicObject } from "./body.js";

/** The way back from resolve.ts. A broker knows nothing of what messages hold: one column stands for the whole value, and no key. */
export function toModel(found: CatalogObject, { modelName }: ImportContext): TopicModel {
  const topic = topicObject(found);
  const { partitions, replicationFactor, config, format } = topic.body;
  const [name = ""] = topic.name;
  const model = modelName(topic.id) ?? name;
  return {
    model: "topic",
    name: model,
    columns: WHOLE_VALUE,
    on: {
      kafka: {
        ...(name !== model && { topic: name }),
        partitions,
        replicationFactor,
        ...(Object.keys(config).length > 0 && { config }),
        ...(format !== "json" && { format }),
      },
    },
  };
}

const WHOLE_VALUE: Columns = {
  value: { type: { kind: "json" }, comment: "the message: its fields are not known to the broker", nullable: false },
};
