import type { Model } from "../../src/core/model.js";
import { defineTopic, t } from "../../src/index.js";

/* Pairs of topics for the proof loop on real brokers. */

export interface TopicPair {
  readonly name: string;
  readonly from: readonly Model[];
  readonly to: readonly Model[];
  /** False where no way leads back: partitions are not taken away. */
  readonly back?: false;
  /** Settings that somebody else made on the topic `p`, which stay. */
  readonly foreign?: Readonly<Record<string, string>>;
}

type Setting = string | number | boolean;

interface Shape {
  readonly topic?: string;
  readonly partitions?: number;
  readonly key?: readonly string[];
}

function topic(config: Readonly<Record<string, Setting>> = {}, { topic: name = "p", partitions = 2, key = ["device"] }: Shape = {}): Model {
  return defineTopic(name.replace(/\W/g, "_"), {
    columns: { device: t.text("who measured"), value: t.double("what was measured") },
    key,
    on: { kafka: { topic: name, partitions, replicationFactor: 1, config } },
  } as Parameters<typeof defineTopic>[1]); // the pairs leave the key out where the author's types would name it
}

const one = (
  name: string,
  from: Readonly<Record<string, Setting>>,
  to: Readonly<Record<string, Setting>>,
  more: Partial<TopicPair> = {},
) => ({
  name,
  from: [topic(from)],
  to: [topic(to)],
  ...more,
});

/** Two values of each setting, the second one unlike what brokers have by default. */
const SETTINGS: readonly (readonly [name: string, first: Setting, second: Setting])[] = [
  ["cleanup.policy", "delete", "compact"],
  ["compression.gzip.level", 1, 9],
  ["compression.lz4.level", 1, 12],
  ["compression.type", "producer", "zstd"],
  ["compression.zstd.level", 3, -5],
  ["delete.retention.ms", 86_400_000, 0],
  ["file.delete.delay.ms", 60_000, 1000],
  ["flush.messages", "9223372036854775807", 1],
  ["flush.ms", "9223372036854775807", 1000],
  ["follower.replication.throttled.replicas", "", "0:1,1:1"],
  ["index.interval.bytes", 4096, 1],
  ["leader.replication.throttled.replicas", "0:1", "*"],
  ["local.retention.ms", -2, 1000],
  ["local.retention.bytes", -2, 1000],
  ["max.compaction.lag.ms", "9223372036854775807", 60_000],
  ["max.message.bytes", 1_048_588, 2_097_152],
  ["message.timestamp.after.max.ms", 3_600_000, 0],
  ["message.timestamp.before.max.ms", "9223372036854775807", 1000],
  ["message.timestamp.type", "CreateTime", "LogAppendTime"],
  ["min.cleanable.dirty.ratio", 0.5, "1e-3"],
  ["min.compaction.lag.ms", 0, 1000],
  ["min.insync.replicas", 1, 2],
  ["preallocate", false, "TRUE"],
  ["retention.bytes", -1, 1_073_741_824],
  ["retention.ms", 604_800_000, -1],
  ["segment.bytes", 1_073_741_824, 1_048_576],
  ["segment.index.bytes", 10_485_760, 1_000],
  ["segment.jitter.ms", 0, 1000],
  ["segment.ms", 604_800_000, 60_000],
  ["unclean.leader.election.enable", false, true],
];

const open = (access: readonly object[] | undefined): Model => {
  const plain = topic();
  return { ...plain, on: { kafka: { partitions: 2, replicationFactor: 1, topic: "p", ...(access && { access }) } } } as Model; // options of a topic
};
const etl = { principal: "User:etl", operations: ["Read", "Describe"] };

export const topicPairs: readonly TopicPair[] = [
  {
    name: "access comes with a topic",
    from: [],
    to: [open([etl, { principal: "User:it's \u00e9ve", operations: ["All"], host: "10.0.0.1", deny: true }])],
  },
  { name: "access changes", from: [open([etl])], to: [open([{ ...etl, operations: ["Read", "Write", "DescribeConfigs"] }])] },
  { name: "access goes", from: [open([etl])], to: [open([])] },
  { name: "access is stated for the first time", from: [open(undefined)], to: [open([etl])] },
  { name: "nothing", from: [topic()], to: [topic()] },
  { name: "a topic is made and dropped again", from: [], to: [topic({ "retention.ms": 1000 })] },
  { name: "another topic beside it", from: [topic()], to: [topic(), topic({}, { topic: "q.raw-v1" })] },
  { name: "a name with every character that is allowed", from: [], to: [topic({}, { topic: "A.b_c-9".padEnd(249, "x") })] },
  {
    name: "more partitions of messages without a key",
    from: [topic({}, { key: [] })],
    to: [topic({}, { key: [], partitions: 7 })],
    back: false,
  },
  { name: "more partitions of messages with a key", from: [topic()], to: [topic({}, { partitions: 5 })], back: false },
  {
    name: "more partitions and another setting at once",
    from: [topic({ "retention.ms": 1000 })],
    to: [topic({ "segment.ms": 1000 }, { partitions: 3 })],
    back: false,
  },
  ...SETTINGS.map(([name, first, second]) => one(`${name} from ${first} to ${second}`, { [name]: first }, { [name]: second })),
  ...SETTINGS.map(([name, , second]) => one(`${name} is said, then left to the broker`, { [name]: second }, {})),
  one("a list with blanks", { "cleanup.policy": "compact, delete" }, { "cleanup.policy": "delete" }),
  one("many settings at once", { "retention.ms": 1, "segment.ms": 1, preallocate: true }, { "retention.ms": 2, "max.message.bytes": 5 }),
  one(
    "a setting of somebody else stays when ours changes",
    { "retention.ms": 5000 },
    { "retention.ms": 6000 },
    { foreign: { "segment.ms": "77777" } },
  ),
  one(
    "a setting of somebody else stays when ours goes",
    { "retention.ms": 5000 },
    {},
    { foreign: { "segment.ms": "77777", "flush.ms": "9" } },
  ),
];
