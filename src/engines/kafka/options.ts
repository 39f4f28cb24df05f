import type { Hole } from "../../core/catalog.js";

type PerEnvironment<T> = T | Hole;

/** What a topic model can say for Kafka. */
export interface KafkaTopicOptions {
  readonly topic?: string;
  readonly partitions: PerEnvironment<number>;
  readonly replicationFactor: PerEnvironment<number>;
  /** Topic configuration by Kafka's own names: `retention.ms`, `cleanup.policy`. */
  readonly config?: Readonly<Record<string, PerEnvironment<string | number | boolean>>>;
  readonly format?: "json" | "avro";
}
