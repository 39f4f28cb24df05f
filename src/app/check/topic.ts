import type { OpenConnection } from "../../connections/open.js";
import type { TopicQuestion } from "../../core/check.js";
import { DwError } from "../../core/errors.js";
import type { Kafka } from "../../core/session.js";
import { groupLag, topicMetrics } from "../../engines/kafka/metrics.js";

/** Answers to what checks ask of a topic, in their order. DW-ENGINE-REFUSED where there is no such topic. */
export async function askTopic(
  open: OpenConnection,
  topic: string,
  questions: readonly TopicQuestion[],
): Promise<readonly (string | null)[]> {
  if (open.kind !== "kafka") throw notABroker();
  const answers: (string | null)[] = [];
  for (const question of questions) answers.push(await answer(open.kafka, topic, question));
  return answers;
}

async function answer(kafka: Kafka, topic: string, question: TopicQuestion): Promise<string | null> {
  switch (question.ask) {
    case "newest": {
      const { newest } = await topicMetrics(kafka, topic);
      return newest === undefined ? null : new Date(newest).toISOString();
    }
    case "messages":
      return (await topicMetrics(kafka, topic)).messages.toString();
    case "lag": {
      const { lag, partitions } = await groupLag(kafka, question.group, topic);
      return partitions.every(({ committed }) => committed === undefined) ? null : lag.toString();
    }
    case "read":
    case "wrong":
      throw unread();
  }
}

function notABroker(): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: "The slot kafka is not bound to a connection of kind kafka.",
    why: "Topics are asked of brokers.",
    fix: "Bind `slots: { kafka: … }` to a connection of kind kafka in dw.config.ts.",
  });
}

function unread(): DwError {
  return new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: "This version of dw does not read messages.",
    why: "It asks brokers for offsets and times only.",
    fix: "Check the table that the topic fills.",
  });
}
