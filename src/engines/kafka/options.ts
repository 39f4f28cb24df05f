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
  /** Who may do what with the topic, by the brokers' authorizer; rules of others stay, and are reported. */
  readonly access?: readonly KafkaAccess[];
  /** Writes the messages' schema, and refuses changes of it that its compatibility forbids. */
  readonly schema?: KafkaMessageSchema;
}

export type KafkaTopicOperation =
  | "Read"
  | "Write"
  | "Create"
  | "Delete"
  | "Alter"
  | "Describe"
  | "DescribeConfigs"
  | "AlterConfigs"
  | "All";

export interface KafkaAccess {
  /** `User:etl`. */
  readonly principal: string;
  readonly operations: readonly KafkaTopicOperation[];
  /** An address; from anywhere when absent. */
  readonly host?: string;
  readonly deny?: true;
}

/** As Confluent's registry defines them; BACKWARD (new readers read old messages) is what it has when nothing is said. */
export type Compatibility = "BACKWARD" | "BACKWARD_TRANSITIVE" | "FORWARD" | "FORWARD_TRANSITIVE" | "FULL" | "FULL_TRANSITIVE" | "NONE";

export interface KafkaMessageSchema {
  /** `TOPIC-value` when absent. */
  readonly subject?: string;
  readonly compatibility?: Compatibility;
  /** Name of the record; the model's when absent. */
  readonly record?: string;
  /** Avro's namespace. */
  readonly namespace?: string;
}
