import type { Kafka, KafkaMessage } from "../../core/session.js";

/* Numbers of a topic that checks and dashboards ask for. */

interface Range {
  readonly partition: number;
  readonly start: bigint;
  readonly end: bigint;
}

export interface TopicMetrics {
  /** Of all partitions: end minus start. Compaction and aborted transactions leave fewer messages than that. */
  readonly messages: bigint;
  readonly partitions: readonly Range[];
  /** Greatest message timestamp, milliseconds since the epoch: by the producers' clocks, or the broker's with LogAppendTime.
   * Undefined where no message is left. */
  readonly newest?: number;
}

/** DW-ENGINE-REFUSED where there is no such topic, and what a Kafka throws. */
export async function topicMetrics(kafka: Kafka, topic: string): Promise<TopicMetrics> {
  const [first, last, newest] = await Promise.all([
    kafka.offsets(topic, "earliest"),
    kafka.offsets(topic, "latest"),
    kafka.offsets(topic, "newest"),
  ]);
  const partitions = [...last].map(([partition, { offset: end }]) => ({ partition, start: first.get(partition)?.offset ?? 0n, end }));
  const times = await Promise.all(partitions.map((range) => newestTime(kafka, topic, range, newest.get(range.partition)?.offset)));
  const known = times.filter((time) => time !== undefined);
  return {
    messages: partitions.reduce((sum, { start, end }) => sum + end - start, 0n),
    partitions,
    ...(known.length > 0 && { newest: Math.max(...known) }),
  };
}

/** How far back from the end messages are looked for where the newest entry is a transaction's marker. */
const TAIL = 100n;

/** A partition's newest entry may be a transaction's marker, or lie in an open one: then the messages before it say. */
async function newestTime(
  kafka: Kafka,
  topic: string,
  { partition, start, end }: Range,
  offset: bigint | undefined,
): Promise<number | undefined> {
  if (start === end) return undefined;
  const at = offset === undefined || offset >= end ? [] : await times(kafka.read(topic, partition, offset, offset + 1n));
  const tail = at.length > 0 ? at : await times(kafka.read(topic, partition, end - start > TAIL ? end - TAIL : start, end));
  return tail.length === 0 ? undefined : Math.max(...tail);
}

async function times(pieces: AsyncIterable<readonly KafkaMessage[]>): Promise<number[]> {
  const all: number[] = [];
  for await (const piece of pieces) all.push(...piece.map(({ timestamp }) => timestamp));
  return all;
}

export interface GroupLag {
  /** Messages that the group has not committed yet, over all partitions. */
  readonly lag: bigint;
  /** `committed` is undefined where the group has never committed: its whole partition is behind. */
  readonly partitions: readonly { readonly partition: number; readonly committed?: bigint; readonly end: bigint; readonly lag: bigint }[];
}

/** How far a consumer group is behind. A committed offset that retention has passed counts from the start of what is left. */
export async function groupLag(kafka: Kafka, group: string, topic: string): Promise<GroupLag> {
  const [{ partitions: ranges }, all] = await Promise.all([topicMetrics(kafka, topic), kafka.committed(group)]);
  const done = all.get(topic);
  const partitions = ranges.map(({ partition, start, end }) => {
    const committed = done?.get(partition);
    const from = committed === undefined || committed < start ? start : committed;
    return { partition, ...(committed !== undefined && { committed }), end, lag: end > from ? end - from : 0n };
  });
  return { lag: partitions.reduce((sum, { lag }) => sum + lag, 0n), partitions };
}
