import type { Kafka } from "../../core/session.js";

/* Numbers of a topic that checks and dashboards ask for. */

export interface TopicMetrics {
  /** Of all partitions: end minus start. Compaction and aborted transactions leave fewer messages than that. */
  readonly messages: bigint;
  readonly partitions: readonly { readonly partition: number; readonly start: bigint; readonly end: bigint }[];
  /** Greatest message timestamp, milliseconds since the epoch: by the producers' clocks, or the broker's with LogAppendTime. */
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
  const times = [...newest.values()].flatMap(({ timestamp }) => (timestamp === undefined ? [] : [timestamp]));
  return {
    messages: partitions.reduce((sum, { start, end }) => sum + end - start, 0n),
    partitions,
    ...(times.length > 0 && { newest: Math.max(...times) }),
  };
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
