import { isDwError } from "../../core/errors.js";
import type { KafkaPartitionRecords, KafkaProducer } from "../../core/session.js";
import { apis } from "./apis.js";
import { type Cluster, KafkaRefusal, persistently, refuse } from "./cluster.js";
import { encodeBatch } from "./records.js";

/*
 * A transactional producer: whoever opens one with the same id fences the older one and gives up its open transaction. Each
 * partition's messages are numbered, so that a batch whose answer was lost can be sent again and stands there once.
 */

const DUPLICATE_SEQUENCE = 46;
const SEQUENCES = 2 ** 31;
const ALL_REPLICAS = -1;
const PRODUCE_TIMEOUT_MS = 30_000;

/** Throws DW-FENCED from any call once another producer has taken the id. */
export async function openProducer(cluster: Cluster, transactionalId: string, timeoutMs: number): Promise<KafkaProducer> {
  const coordinated = <Result>(work: (coordinator: number) => Promise<Result>): Promise<Result> =>
    persistently(async () => work(await cluster.coordinator("transaction", transactionalId)));
  const started = await coordinated(async (coordinator) => {
    const answer = await cluster.ask(coordinator, apis.initProducerId, { transactionalId, timeoutMs });
    refuse(answer.error, `the transactional id ${transactionalId}`);
    return answer;
  });
  const identity = { transactionalId, producerId: started.producerId, producerEpoch: started.producerEpoch };
  const sequences = new Map<string, number>();
  const joined = new Set<string>();

  const join = async (batches: readonly KafkaPartitionRecords[]): Promise<void> => {
    const fresh = batches.filter(({ topic, partition }) => !joined.has(`${topic}/${partition}`));
    if (fresh.length === 0) return;
    const topics = fresh.map(({ topic, partition }) => ({ topic, partitions: [partition] }));
    await coordinated(async (coordinator) => {
      const answer = await cluster.ask(coordinator, apis.addPartitionsToTxn, { ...identity, topics });
      for (const { error, partition } of answer.topics.flatMap((one) => one.partitions))
        refuse(error, `partition ${partition} in a transaction`);
    });
    for (const { topic, partition } of fresh) joined.add(`${topic}/${partition}`);
  };
  const end = async (committed: boolean): Promise<void> => {
    if (joined.size === 0) return;
    await coordinated(async (coordinator) => {
      const answer = await cluster.ask(coordinator, apis.endTxn, { ...identity, committed });
      refuse(answer.error, `to ${committed ? "commit" : "give up"} a transaction of ${transactionalId}`);
    });
    joined.clear();
  };
  const sendOne = async ({ topic, partition, records }: KafkaPartitionRecords): Promise<void> => {
    const key = `${topic}/${partition}`;
    const sequence = sequences.get(key) ?? 0;
    const batch = encodeBatch(records, { ...identity, sequence, transactional: true }, Date.now());
    await again(() => produce(cluster, identity.transactionalId, topic, partition, batch));
    sequences.set(key, (sequence + records.length) % SEQUENCES);
  };
  return {
    send: async (batches) => {
      await join(batches);
      for (const batch of batches) await sendOne(batch);
    },
    commit: () => end(true),
    abort: () => end(false),
  };
}

async function produce(cluster: Cluster, transactionalId: string, topic: string, partition: number, records: Buffer): Promise<void> {
  const leader = await leaderOf(cluster, topic, partition);
  const answer = await cluster.ask(leader, apis.produce, {
    transactionalId,
    acks: ALL_REPLICAS,
    timeoutMs: PRODUCE_TIMEOUT_MS,
    topics: [{ topic, partitions: [{ partition, records }] }],
  });
  for (const { error } of answer.topics.flatMap((one) => one.partitions)) {
    if (error !== DUPLICATE_SEQUENCE) refuse(error, `messages for ${topic}, partition ${partition}`);
  }
}

const LEADER_NOT_AVAILABLE = 5;

export async function leaderOf(cluster: Cluster, name: string, partition: number): Promise<number> {
  const [topic] = (await cluster.metadata([name])).topics;
  refuse(topic?.error ?? LEADER_NOT_AVAILABLE, `to show the topic ${name}`);
  const leader = topic?.partitions.find((one) => one.partition === partition)?.leader ?? -1;
  if (leader < 0) throw new KafkaRefusal(LEADER_NOT_AVAILABLE, `${name}, partition ${partition}`);
  return leader;
}

const ATTEMPTS = 3;

/** A connection that broke while a numbered batch was under way is no reason to give up: it is sent again. */
async function again(work: () => Promise<void>): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await persistently(work);
    } catch (error) {
      const lost = isDwError(error) && error.errorClass === "unreachable";
      if (!lost || attempt === ATTEMPTS) throw error;
    }
  }
}
