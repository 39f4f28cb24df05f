/*
 * Topic configuration of Apache Kafka 3.x and 4.x: type and range of each name, as the broker's LogConfig checks them, so that
 * a mistake is found before there is a broker. Source: Kafka documentation, "Topic configs".
 */

export type ConfigRule =
  | { readonly type: "integer"; readonly min: number; readonly max?: number }
  | { readonly type: "ratio" }
  | { readonly type: "boolean" }
  | { readonly type: "word"; readonly words: readonly string[] }
  /** Comma-separated; empty is allowed from 4.0. */
  | { readonly type: "words"; readonly words: readonly string[] }
  | { readonly type: "replicas" };

const INT_MAX = 2_147_483_647;

export const configRules: Readonly<Record<string, ConfigRule>> = {
  "cleanup.policy": { type: "words", words: ["delete", "compact"] },
  "compression.gzip.level": { type: "integer", min: -1, max: 9 },
  "compression.lz4.level": { type: "integer", min: 1, max: 17 },
  "compression.type": { type: "word", words: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"] },
  "compression.zstd.level": { type: "integer", min: -131_072, max: 22 },
  "delete.retention.ms": { type: "integer", min: 0 },
  "file.delete.delay.ms": { type: "integer", min: 0 },
  "flush.messages": { type: "integer", min: 1 },
  "flush.ms": { type: "integer", min: 0 },
  "follower.replication.throttled.replicas": { type: "replicas" },
  "index.interval.bytes": { type: "integer", min: 0, max: INT_MAX },
  "leader.replication.throttled.replicas": { type: "replicas" },
  "local.retention.bytes": { type: "integer", min: -2 },
  "local.retention.ms": { type: "integer", min: -2 },
  "max.compaction.lag.ms": { type: "integer", min: 1 },
  "max.message.bytes": { type: "integer", min: 0, max: INT_MAX },
  "message.timestamp.after.max.ms": { type: "integer", min: 0 },
  "message.timestamp.before.max.ms": { type: "integer", min: 0 },
  "message.timestamp.type": { type: "word", words: ["CreateTime", "LogAppendTime"] },
  "min.cleanable.dirty.ratio": { type: "ratio" },
  "min.compaction.lag.ms": { type: "integer", min: 0 },
  "min.insync.replicas": { type: "integer", min: 1, max: INT_MAX },
  preallocate: { type: "boolean" },
  "remote.log.copy.disable": { type: "boolean" },
  "remote.log.delete.on.disable": { type: "boolean" },
  "remote.storage.enable": { type: "boolean" },
  "retention.bytes": { type: "integer", min: -1 },
  "retention.ms": { type: "integer", min: -1 },
  "segment.bytes": { type: "integer", min: 14, max: INT_MAX },
  "segment.index.bytes": { type: "integer", min: 4, max: INT_MAX },
  "segment.jitter.ms": { type: "integer", min: 0 },
  "segment.ms": { type: "integer", min: 1 },
  "unclean.leader.election.enable": { type: "boolean" },
};

/** From 4.0 a segment has at least 1 MiB. */
export const SEGMENT_BYTES_MIN = 1_048_576;

/** Why a broker would refuse the value; nothing when it takes it. */
export function valueProblem(name: string, value: string, major: number): string | undefined {
  const rule = configRules[name];
  if (!rule) return "Kafka knows no topic configuration of this name";
  switch (rule.type) {
    case "integer":
      return integerProblem(value, name === "segment.bytes" && major >= 4 ? SEGMENT_BYTES_MIN : rule.min, rule.max);
    case "ratio":
      return value.trim() !== "" && Number(value) >= 0 && Number(value) <= 1 ? undefined : `${value} is not between 0 and 1`;
    case "boolean":
      return /^(true|false)$/i.test(value) ? undefined : `${value} is neither true nor false`;
    case "word":
      return rule.words.includes(value) ? undefined : `${value} is none of ${rule.words.join(", ")}`;
    case "words":
      return wordsProblem(value, rule.words, major);
    case "replicas":
      return /^(\*|\d+:\d+(,\d+:\d+)*)?$/.test(value) ? undefined : `${value} is neither * nor a list of PARTITION:BROKER`;
  }
}

const LONG_MAX = "9223372036854775807";

/** Long values keep their digits: a number of JavaScript would round above 2^53. */
function integerProblem(value: string, min: number, max: number | undefined): string | undefined {
  if (!/^-?\d+$/.test(value)) return `${value} is no whole number`;
  if (BigInt(value) < BigInt(min)) return `${value} is below ${min}`;
  return BigInt(value) > BigInt(max ?? LONG_MAX) ? `${value} is above ${max ?? LONG_MAX}` : undefined;
}

function wordsProblem(value: string, words: readonly string[], major: number): string | undefined {
  if (value.trim() === "") return major >= 4 ? undefined : "it cannot be empty before Kafka 4.0";
  const wrong = value.split(",").find((word) => !words.includes(word.trim()));
  return wrong === undefined ? undefined : `${wrong.trim()} is none of ${words.join(", ")}`;
}

/** The value as a broker shows it once it has understood it: `compact,delete`, `true`, `7`, `0.5`. */
export function shownValue(name: string, value: string): string {
  const plain = value.trim();
  switch (configRules[name]?.type) {
    case "words":
    case "replicas":
      return plain.replace(/\s*,\s*/g, ",");
    case "boolean":
      return plain.toLowerCase();
    case "integer":
      return /^[+-]?\d+$/.test(plain) ? BigInt(plain.replace("+", "")).toString() : plain;
    case "ratio":
      return plain !== "" && Number.isFinite(Number(plain)) ? String(Number(plain)) : plain; // 0.5, where Java would also write 5.0E-1
    default:
      return plain;
  }
}
