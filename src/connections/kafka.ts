import { compareText } from "../core/catalog.js";
import type { KafkaConnection } from "../core/config.js";
import { DwError } from "../core/errors.js";
import type {
  Kafka,
  KafkaAcl,
  KafkaMessage,
  KafkaMoment,
  KafkaNewTopic,
  KafkaOffset,
  KafkaPartition,
  KafkaSetting,
  KafkaTopic,
} from "../core/session.js";
import { changeTopicAcls, topicAcls } from "./kafka/acls.js";
import { brokerAddress } from "./kafka/address.js";
import { apis } from "./kafka/apis.js";
import { type Cluster, KafkaRefusal, type Metadata, openCluster, persistently, refuse, shown } from "./kafka/cluster.js";
import { leaderOf, openProducer } from "./kafka/producer.js";
import { type AbortedTransaction, type DecodedBatches, decodeBatches } from "./kafka/records.js";

/*
 * Kafka over its own protocol: the common client libraries for Node replace the whole configuration of a topic when they are
 * asked to change one setting of it, and read only as members of a consumer group.
 */

const CONNECT_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;

/** What the broker itself may take for a request that changes something. */
const BROKER_TIMEOUT_MS = 20_000;

/** Throws DW-CONNECT, DW-TIMEOUT, DW-AUTH. */
export async function openKafka(connection: KafkaConnection, password: string | undefined): Promise<Kafka> {
  const { brokers, ssl = false, sasl } = connection;
  const login = sasl && { mechanism: sasl.mechanism, username: sasl.username, password: password ?? "" };
  const times = { connectTimeoutMs: CONNECT_TIMEOUT_MS, requestTimeoutMs: REQUEST_TIMEOUT_MS };
  const cluster = await openCluster(brokers.map(brokerAddress), { ssl, ...times, ...(login && { login }) });
  try {
    return await opened(cluster);
  } catch (error) {
    await cluster.close();
    throw error;
  }
}

async function opened(cluster: Cluster): Promise<Kafka> {
  const { brokers } = await cluster.metadata([]); // the first request that needs a login that was not asked for
  const version = releaseOf(cluster.features.get("metadata.version"));
  return {
    server: { brokers: brokers.length, ...(version !== undefined && { version }) },
    topics: (names) => topics(cluster, names),
    settings: (names) => settings(cluster, names),
    createTopic: (topic) => createTopic(cluster, topic),
    deleteTopic: (name) => deleteTopic(cluster, name),
    addPartitions: (topic, count) => addPartitions(cluster, topic, count),
    alterTopic: (topic, set, reset) => alterTopic(cluster, topic, set, reset),
    acls: () => topicAcls(cluster),
    changeAcls: async (topic, add, remove) => {
      await changeTopicAcls(cluster, topic, add, remove);
      const same = (a: KafkaAcl, b: KafkaAcl): boolean =>
        a.principal === b.principal && a.host === b.host && a.operation === b.operation && a.permission === b.permission;
      const changed = async (): Promise<boolean> => {
        const now = (await topicAcls(cluster)).get(topic) ?? [];
        return add.every((one) => now.some((other) => same(one, other))) && !remove.some((one) => now.some((other) => same(one, other)));
      };
      await shown(changed, `The changed rules about the topic ${topic}`);
    },
    offsets: (topic, moment) => persistently(() => offsets(cluster, topic, moment)),
    groups: () => groups(cluster),
    committed: (group) => persistently(() => committed(cluster, group)),
    read: (topic, partition, from, to, signal) => read(cluster, topic, partition, from, to, signal),
    producer: (transactionalId, timeoutMs) => openProducer(cluster, transactionalId, timeoutMs),
    close: () => cluster.close(),
  };
}

/** Feature level of `metadata.version` at which a release begins (MetadataVersion of Kafka). */
const RELEASES: readonly (readonly [level: number, release: string])[] = [
  [1, "3.0"],
  [2, "3.1"],
  [3, "3.2"],
  [4, "3.3"],
  [8, "3.4"],
  [9, "3.5"],
  [12, "3.6"],
  [15, "3.7"],
  [20, "3.8"],
  [21, "3.9"],
  [22, "4.0"],
  [26, "4.1"],
  [28, "4.2"],
  [30, "4.3"],
  [31, "4.4"],
];

/** The newest release whose level is reached; releases after the list are at least its last one. */
function releaseOf(level: number | undefined): string | undefined {
  return level === undefined ? undefined : RELEASES.findLast(([first]) => level >= first)?.[1];
}

const UNKNOWN_TOPIC = 3;

async function topics(cluster: Cluster, names?: readonly string[]): Promise<readonly KafkaTopic[]> {
  if (names?.length === 0) return [];
  const answer = await persistently(async () => settled(await cluster.metadata(names ?? null)));
  return answer.topics
    .filter(({ error }) => error === 0)
    .map(({ topic: name, internal, partitions }) => ({ name, internal, partitions: partitions.map(plainPartition).sort(byNumber) }))
    .sort((a, b) => compareText(a.name, b.name));
}

const byNumber = (a: KafkaPartition, b: KafkaPartition): number => a.partition - b.partition;

function plainPartition({ partition, leader, replicas, inSync }: KafkaPartition): KafkaPartition {
  return { partition, leader, replicas, inSync };
}

/** Throws what passes, and what is more than "there is no such topic". */
function settled(answer: Metadata): Metadata {
  for (const { error, topic } of answer.topics) if (error !== 0 && error !== UNKNOWN_TOPIC) refuse(error, `to show the topic ${topic}`);
  return answer;
}

const TOPIC = 2;

/** By the protocol's numbers; what is not listed are broker settings. */
const SOURCES: Readonly<Record<number, KafkaSetting["source"]>> = { 1: "topic", 5: "default" };

async function settings(cluster: Cluster, names: readonly string[]): Promise<Map<string, readonly KafkaSetting[]>> {
  if (names.length === 0) return new Map();
  return settingsAt(cluster, names, "any");
}

async function settingsAt(cluster: Cluster, names: readonly string[], whom: "any" | number): Promise<Map<string, readonly KafkaSetting[]>> {
  const resources = names.map((name) => ({ kind: TOPIC, name, names: null }));
  const answer = await cluster.ask(whom, apis.describeConfigs, { resources, synonyms: false });
  const found = new Map<string, readonly KafkaSetting[]>();
  for (const { error, message, name, entries } of answer.resources) {
    if (error === UNKNOWN_TOPIC) continue;
    refuse(error, `to show the settings of the topic ${name}`, message);
    found.set(
      name,
      entries.map((entry) => ({ name: entry.name, value: entry.value, source: SOURCES[entry.source] ?? "broker" })),
    );
  }
  return found;
}

/** Every broker that is there now: each serves metadata from its own copy, which follows the controller's. */
async function everyBroker(cluster: Cluster, seen: (broker: number) => Promise<boolean>): Promise<boolean> {
  const { brokers } = await cluster.metadata([]);
  for (const { node } of brokers) if (!(await seen(node))) return false;
  return true;
}

async function createTopic(cluster: Cluster, { name, partitions, replicationFactor, config }: KafkaNewTopic): Promise<void> {
  const entries = Object.entries(config).map(([key, value]) => ({ name: key, value }));
  const topic = { topic: name, partitions, replicationFactor, assignments: [], config: entries };
  await persistently(async () => {
    const request = { topics: [topic], timeoutMs: BROKER_TIMEOUT_MS, validateOnly: false };
    const answer = await cluster.ask("controller", apis.createTopics, request);
    for (const { error, message } of answer.topics) refuse(error, `to create the topic ${name}`, message);
  });
  await shownPartitions(cluster, name, partitions);
}

function shownPartitions(cluster: Cluster, name: string, count: number): Promise<void> {
  const complete = async (broker: number): Promise<boolean> => {
    const [topic] = (await cluster.metadata([name], broker)).topics;
    return topic?.error === 0 && topic.partitions.length === count && topic.partitions.every(({ leader }) => leader >= 0);
  };
  return shown(() => everyBroker(cluster, complete), `The topic ${name} with ${count} partitions`);
}

async function deleteTopic(cluster: Cluster, name: string): Promise<void> {
  await persistently(async () => {
    const answer = await cluster.ask("controller", apis.deleteTopics, { topics: [name], timeoutMs: BROKER_TIMEOUT_MS });
    for (const { error } of answer.topics) refuse(error, `to delete the topic ${name}`);
  });
  const gone = async (broker: number): Promise<boolean> => (await cluster.metadata([name], broker)).topics[0]?.error === UNKNOWN_TOPIC;
  await shown(() => everyBroker(cluster, gone), `That the topic ${name} is gone`);
}

async function addPartitions(cluster: Cluster, name: string, count: number): Promise<void> {
  await persistently(async () => {
    const request = { topics: [{ topic: name, count, assignments: null }], timeoutMs: BROKER_TIMEOUT_MS, validateOnly: false };
    const answer = await cluster.ask("controller", apis.createPartitions, request);
    for (const { error, message } of answer.topics) refuse(error, `to give the topic ${name} ${count} partitions`, message);
  });
  await shownPartitions(cluster, name, count);
}

const SET = 0;
const DELETE = 1;

async function alterTopic(cluster: Cluster, name: string, set: Readonly<Record<string, string>>, reset: readonly string[]): Promise<void> {
  const changes = [
    ...Object.entries(set).map(([key, value]) => ({ name: key, operation: SET, value })),
    ...reset.map((key) => ({ name: key, operation: DELETE, value: null })),
  ];
  await persistently(async () => {
    const request = { resources: [{ kind: TOPIC, name, changes }], validateOnly: false };
    const answer = await cluster.ask("controller", apis.incrementalAlterConfigs, request);
    for (const { error, message } of answer.resources) refuse(error, `to change settings of the topic ${name}`, message);
  });
  const changed = async (broker: number): Promise<boolean> => {
    const entries = (await settingsAt(cluster, [name], broker)).get(name) ?? [];
    const overrides = new Map(entries.filter(({ source }) => source === "topic").map((entry) => [entry.name, entry.value ?? ""]));
    const isSet = ([key, value]: readonly [string, string]): boolean => sameSetting(overrides.get(key), value);
    return Object.entries(set).every(isSet) && !reset.some((key) => overrides.has(key));
  };
  await shown(() => everyBroker(cluster, changed), `The changed settings of the topic ${name}`);
}

/** Brokers show what they understood: `compact,delete` for `compact, delete`, `7` for `007`. */
function sameSetting(shownAs: string | undefined, set: string): boolean {
  const plain = (value: string): string => value.replace(/\s+/g, "").toLowerCase();
  if (shownAs === undefined) return false;
  return plain(shownAs) === plain(set) || (set.trim() !== "" && Number(shownAs) === Number(set));
}

const EARLIEST = -2n;
const LATEST = -1n;
const NEWEST = -3n;
const COMMITTED = 1;

function timestampOf(moment: KafkaMoment): bigint {
  if (typeof moment === "object") return BigInt(moment.since);
  return { earliest: EARLIEST, latest: LATEST, newest: NEWEST }[moment];
}

async function offsets(cluster: Cluster, topic: string, moment: KafkaMoment): Promise<Map<number, KafkaOffset>> {
  const timestamp = timestampOf(moment);
  const found = new Map<number, KafkaOffset>();
  for (const [leader, partitions] of await leaders(cluster, topic)) {
    const wanted = partitions.map((partition) => ({ partition, leaderEpoch: -1, timestamp }));
    // The newest message is only known to requests that read uncommitted ones too.
    const isolation = moment === "newest" ? 0 : COMMITTED;
    const answer = await cluster.ask(leader, apis.listOffsets, { replica: -1, isolation, topics: [{ topic, partitions: wanted }] });
    for (const one of answer.topics.flatMap((part) => part.partitions)) {
      refuse(one.error, `to say the offsets of ${topic}, partition ${one.partition}`);
      if (one.offset < 0n) continue;
      found.set(one.partition, { offset: one.offset, ...(one.timestamp >= 0n && { timestamp: Number(one.timestamp) }) });
    }
  }
  return new Map([...found].sort(([a], [b]) => a - b));
}

/** Partitions by the broker that leads them. */
async function leaders(cluster: Cluster, name: string): Promise<Map<number, number[]>> {
  const [topic] = (await cluster.metadata([name])).topics;
  refuse(topic?.error ?? UNKNOWN_TOPIC, `to show the topic ${name}`);
  const led = new Map<number, number[]>();
  for (const { error, leader, partition } of topic?.partitions ?? []) {
    if (leader < 0) throw new KafkaRefusal(error === 0 ? LEADER_NOT_AVAILABLE : error, `to read ${name}, partition ${partition}`);
    led.set(leader, [...(led.get(leader) ?? []), partition]);
  }
  return led;
}

const LEADER_NOT_AVAILABLE = 5;

/** Each broker knows the groups that it coordinates. */
async function groups(cluster: Cluster): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const { node } of (await cluster.metadata([])).brokers) {
    const answer = await persistently(async () => {
      const listed = await cluster.ask(node, apis.listGroups, {});
      refuse(listed.error, "to list its consumer groups");
      return listed;
    });
    for (const { group } of answer.groups) names.add(group);
  }
  return [...names].sort(compareText);
}

async function committed(cluster: Cluster, group: string): Promise<Map<string, ReadonlyMap<number, bigint>>> {
  const answer = await cluster.ask(await cluster.coordinator("group", group), apis.offsetFetch, { group, topics: null });
  refuse(answer.error, `to show the offsets of the group ${group}`);
  return new Map(
    answer.topics.map(({ topic, partitions }) => [
      topic,
      new Map(partitions.filter(({ error, offset }) => error === 0 && offset >= 0n).map(({ partition, offset }) => [partition, offset])),
    ]),
  );
}

const PIECE_BYTES = 8 * 1024 * 1024;
const WAIT_MS = 500;

/** Of committed messages only: an open transaction ends what is readable, so that `to` must lie before it (`latest` does). */
async function* read(
  cluster: Cluster,
  topic: string,
  partition: number,
  from: bigint,
  to: bigint,
  signal?: AbortSignal,
): AsyncGenerator<readonly KafkaMessage[]> {
  for (let at = from; at < to; ) {
    signal?.throwIfAborted();
    const piece = await persistently(() => fetchPiece(cluster, topic, partition, at));
    const { messages, next } = await decodedPiece(topic, partition, piece);
    if (next === undefined || next <= at) return; // nothing more lies there
    const inside = messages.filter(({ offset }) => offset >= at && offset < to);
    if (inside.length > 0) yield inside;
    at = next;
  }
}

interface Piece {
  readonly records: Buffer;
  readonly aborted: readonly AbortedTransaction[];
}

async function fetchPiece(cluster: Cluster, topic: string, partition: number, offset: bigint): Promise<Piece> {
  const leader = await leaderOf(cluster, topic, partition);
  const one = { partition, leaderEpoch: -1, offset, logStart: -1n, maxBytes: PIECE_BYTES };
  const answer = await cluster.ask(leader, apis.fetch, {
    ...{ replica: -1, maxWaitMs: WAIT_MS, minBytes: 1, maxBytes: PIECE_BYTES, isolation: COMMITTED },
    ...{ sessionId: 0, sessionEpoch: -1, topics: [{ topic, partitions: [one] }], forgotten: [], rack: "" },
  });
  refuse(answer.error, `to read ${topic}`);
  const [found] = answer.topics.flatMap((part) => part.partitions);
  refuse(found?.error ?? UNKNOWN_TOPIC, `to read ${topic}, partition ${partition}, from offset ${offset}`);
  return { records: found?.records ?? Buffer.alloc(0), aborted: found?.aborted ?? [] };
}

async function decodedPiece(topic: string, partition: number, { records, aborted }: Piece): Promise<DecodedBatches> {
  try {
    return await decodeBatches(records, aborted);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw new DwError("DW-FILE-CORRUPT", {
      what: `Messages of ${topic}, partition ${partition}, cannot be read.`,
      why: `${cause.message}.`,
      fix: "Look at the partition with kafka-dump-log; nothing of it was taken.",
      cause,
    });
  }
}
