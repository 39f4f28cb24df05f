/*
 * Topic configuration of Apache Kafka 3.x and 4.x: type and range of each name, as the broker's LogConfig checks them, so that
 * a mistake is found before there is a broker. A test compares the table with LogConfig of two releases.
 */

interface Versions {
  /** The first release that knows the name; 3.0 or earlier when absent. */
  readonly since?: string;
  /** The first release that knows it no more. */
  readonly until?: string;
}

export type ConfigRule = Versions &
  (
    | { readonly type: "int" | "long"; readonly min?: number; readonly max?: number; readonly except?: readonly number[] }
    | { readonly type: "ratio" }
    | { readonly type: "boolean" }
    | { readonly type: "word"; readonly words: readonly string[] }
    /** One of a release's own names of itself: `3.9-IV0`. */
    | { readonly type: "release" }
    /** Comma-separated; empty is allowed from 4.0. */
    | { readonly type: "words"; readonly words: readonly string[] }
    | { readonly type: "replicas" }
  );

export const configRules: Readonly<Record<string, ConfigRule>> = {
  "cleanup.policy": { type: "words", words: ["compact", "delete"] },
  "compression.gzip.level": { type: "int", min: -1, max: 9, except: [0], since: "3.8" },
  "compression.lz4.level": { type: "int", min: 1, max: 17, since: "3.8" },
  "compression.type": { type: "word", words: ["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"] },
  "compression.zstd.level": { type: "int", min: -131_072, max: 22, since: "3.8" },
  "delete.retention.ms": { type: "long", min: 0 },
  "errors.deadletterqueue.group.enable": { type: "boolean", since: "4.4" },
  "file.delete.delay.ms": { type: "long", min: 0 },
  "flush.messages": { type: "long", min: 1 },
  "flush.ms": { type: "long", min: 0 },
  "follower.replication.throttled.replicas": { type: "replicas" },
  "index.interval.bytes": { type: "int", min: 0 },
  "leader.replication.throttled.replicas": { type: "replicas" },
  "local.retention.bytes": { type: "long", min: -2 },
  "local.retention.ms": { type: "long", min: -2 },
  "max.compaction.lag.ms": { type: "long", min: 1 },
  "max.decompressed.message.bytes": { type: "int", min: 1, max: 2_147_483_639, since: "4.4" },
  "max.message.bytes": { type: "int", min: 0 },
  "message.downconversion.enable": { type: "boolean", until: "4.0" },
  "message.format.version": { type: "release", until: "4.0" },
  "message.timestamp.after.max.ms": { type: "long", min: 0, since: "3.6" },
  "message.timestamp.before.max.ms": { type: "long", min: 0, since: "3.6" },
  "message.timestamp.difference.max.ms": { type: "long", min: 0, until: "4.0" },
  "message.timestamp.type": { type: "word", words: ["CreateTime", "LogAppendTime"] },
  "min.cleanable.dirty.ratio": { type: "ratio" },
  "min.compaction.lag.ms": { type: "long", min: 0 },
  "min.insync.replicas": { type: "int", min: 1 },
  preallocate: { type: "boolean" },
  "remote.copy.lag.bytes": { type: "long", min: -1, since: "4.4" },
  "remote.copy.lag.ms": { type: "long", min: -1, since: "4.4" },
  "remote.log.copy.disable": { type: "boolean", since: "3.9" },
  "remote.log.delete.on.disable": { type: "boolean", since: "3.9" },
  "remote.storage.enable": { type: "boolean" },
  "retention.bytes": { type: "long" },
  "retention.ms": { type: "long", min: -1 },
  "segment.bytes": { type: "int", min: 14 },
  "segment.index.bytes": { type: "int", min: 4 },
  "segment.jitter.ms": { type: "long", min: 0 },
  "segment.ms": { type: "long", min: 1 },
  "unclean.leader.election.enable": { type: "boolean" },
};

/** From 4.0 a segment has at least 1 MiB. */
const SEGMENT_BYTES_MIN = 1_048_576;

/** Compares `3.10` and `3.9` as releases. */
function isBefore(version: string, other: string): boolean {
  const [[a = 0, b = 0], [c = 0, d = 0]] = [version.split(".").map(Number), other.split(".").map(Number)];
  return a < c || (a === c && b < d);
}

/** Why a broker would refuse the value; nothing when it takes it. `version` is that of the broker: `3.9`. */
export function valueProblem(name: string, value: string, version: string): string | undefined {
  const rule = configRules[name];
  if (!rule) return "Kafka knows no topic configuration of this name";
  if (rule.since !== undefined && isBefore(version, rule.since)) return `Kafka knows it from ${rule.since} on, and ${version} is older`;
  if (rule.until !== undefined && !isBefore(version, rule.until)) return `Kafka ${rule.until} has taken it away`;
  const modern = !isBefore(version, "4.0");
  switch (rule.type) {
    case "int":
    case "long":
      return integerProblem(value, name === "segment.bytes" && modern ? { ...rule, min: SEGMENT_BYTES_MIN } : rule);
    case "ratio":
      return value.trim() !== "" && Number(value) >= 0 && Number(value) <= 1 ? undefined : `${value} is not between 0 and 1`;
    case "boolean":
      return /^(true|false)$/i.test(value.trim()) ? undefined : `${value} is neither true nor false`;
    case "word":
      return rule.words.includes(value.trim()) ? undefined : `${value} is none of ${rule.words.join(", ")}`;
    case "release":
      return /^\d+\.\d+(\.\d+)?(-IV\d+)?$/.test(value.trim()) ? undefined : `${value} is no release, such as 3.0-IV1`;
    case "words":
      return wordsProblem(value, rule.words, modern);
    case "replicas":
      return /^(\*|\d+:\d+(,\d+:\d+)*)?$/.test(value) ? undefined : `${value} is neither * nor a list of PARTITION:BROKER`;
  }
}

const BOUNDS = { int: [-2_147_483_648n, 2_147_483_647n], long: [-9_223_372_036_854_775_808n, 9_223_372_036_854_775_807n] } as const;

/** Long values keep their digits: a number of JavaScript would round above 2^53. */
function integerProblem(value: string, rule: Extract<ConfigRule, { readonly type: "int" | "long" }>): string | undefined {
  if (!/^[+-]?\d+$/.test(value.trim())) return `${value} is no whole number`;
  const [least, most] = BOUNDS[rule.type];
  const [given, min, max] = [BigInt(value.trim().replace("+", "")), BigInt(rule.min ?? least), BigInt(rule.max ?? most)];
  if (given < min) return `${value} is below ${min}`;
  if (given > max) return `${value} is above ${max}`;
  return rule.except?.includes(Number(given)) ? `${value} is none of the levels` : undefined;
}

function wordsProblem(value: string, words: readonly string[], modern: boolean): string | undefined {
  if (value.trim() === "") return modern ? undefined : "it cannot be empty before Kafka 4.0";
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
    case "int":
    case "long":
      return /^[+-]?\d+$/.test(plain) ? BigInt(plain.replace("+", "")).toString() : plain;
    case "ratio":
      return plain !== "" && Number.isFinite(Number(plain)) ? String(Number(plain)) : plain; // 0.5, where Java would also write 5.0E-1
    default:
      return plain;
  }
}
