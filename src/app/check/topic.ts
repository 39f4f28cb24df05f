import { messageFault } from "../../checks/message-shape.js";
import type { OpenConnection } from "../../connections/open.js";
import type { TopicQuestion } from "../../core/check.js";
import { DwError } from "../../core/errors.js";
import type { Column } from "../../core/model.js";
import type { Kafka } from "../../core/session.js";
import { groupLag, topicMetrics } from "../../engines/kafka/metrics.js";
import { avroFaults } from "./avro-message.js";

/** A topic as a check's model has it. */
export interface AskedTopic {
  readonly name: string;
  readonly columns: Readonly<Record<string, Column>>;
  readonly format: string;
}

/** Answers to what checks ask of a topic, in their order. DW-ENGINE-REFUSED where there is no such topic. */
export async function askTopic(
  open: OpenConnection,
  topic: AskedTopic,
  questions: readonly TopicQuestion[],
): Promise<readonly (string | null)[]> {
  if (open.kind !== "kafka") throw notABroker();
  const looked = new Map<number, Promise<Looked>>(); // "read" and "wrong" are about the same messages
  const answers: (string | null)[] = [];
  for (const question of questions) answers.push(await answer(open.kafka, topic, question, looked));
  return answers;
}

async function answer(
  kafka: Kafka,
  topic: AskedTopic,
  question: TopicQuestion,
  looked: Map<number, Promise<Looked>>,
): Promise<string | null> {
  switch (question.ask) {
    case "newest": {
      const { newest } = await topicMetrics(kafka, topic.name);
      return newest === undefined ? null : new Date(newest).toISOString();
    }
    case "messages":
      return (await topicMetrics(kafka, topic.name)).messages.toString();
    case "lag": {
      const { lag, partitions } = await groupLag(kafka, question.group, topic.name);
      return partitions.every(({ committed }) => committed === undefined) ? null : lag.toString();
    }
    case "read":
    case "wrong": {
      const found = looked.get(question.last) ?? look(kafka, topic, question.last);
      looked.set(question.last, found);
      return String((await found)[question.ask]);
    }
  }
}

type Faults = (columns: AskedTopic["columns"]) => (value: Uint8Array | null) => string | undefined;

const faultsOf: Readonly<Partial<Record<string, Faults>>> = {
  json: (columns) => (value) => messageFault(value, columns),
  avro: avroFaults,
};

interface Looked {
  readonly read: number;
  readonly wrong: number;
}

/** The newest `last` messages of each partition. */
async function look(kafka: Kafka, { name, columns, format }: AskedTopic, last: number): Promise<Looked> {
  const faults = faultsOf[format];
  if (faults === undefined) throw unread(format);
  const fault = faults(columns);
  const { partitions } = await topicMetrics(kafka, name);
  let [read, wrong] = [0, 0];
  for (const { partition, start, end } of partitions) {
    const from = end - BigInt(last) > start ? end - BigInt(last) : start;
    for await (const messages of kafka.read(name, partition, from, end)) {
      read += messages.length;
      wrong += messages.filter(({ value }) => fault(value) !== undefined).length;
    }
  }
  return { read, wrong };
}

function notABroker(): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: "The slot kafka is not bound to a connection of kind kafka.",
    why: "Topics are asked of brokers.",
    fix: "Bind `slots: { kafka: … }` to a connection of kind kafka in dw.config.ts.",
  });
}

function unread(format: string): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `This version of dw does not look into messages of the format ${format}.`,
    why: "It reads JSON and Avro.",
    fix: "Check the table that the topic fills.",
  });
}
