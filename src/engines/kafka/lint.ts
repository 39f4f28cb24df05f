import type { CatalogObject } from "../../core/catalog.js";
import type { EngineTarget, Finding } from "../../core/finding.js";
import { type TopicObject, topicObject } from "./body.js";
import { valueProblem } from "./config.js";
import { isMessageSchema } from "./schema/message-schema.js";

/*
 * What a broker refuses (types, ranges and the rules between fields of LogConfig), and what it accepts and then loses data
 * or availability by: no broker compares min.insync.replicas with the replication factor or asks whether messages have keys.
 */

type Problem = Pick<Finding, "message" | "fix"> & { readonly severity?: Finding["severity"] };
type Config = Readonly<Record<string, string>>;

interface Case {
  readonly topic: TopicObject;
  readonly config: Config;
  readonly replicas: number;
  /** `3.9`. */
  readonly version: string;
}

const RULES: Readonly<Record<string, (one: Case) => readonly (Problem | false)[]>> = {
  config: ({ config, version }) =>
    Object.entries(config).map(([name, value]) => {
      const problem = valueProblem(name, value, version);
      return problem !== undefined && { message: `${name}: ${problem}`, fix: `Correct ${name} in the topic's config.` };
    }),
  count: ({ topic, replicas }) => [
    !(Number.isInteger(topic.body.partitions) && Number(topic.body.partitions) > 0) && {
      message: "it needs at least one partition",
      fix: "Set partitions to 1 or more.",
    },
    !(Number.isInteger(replicas) && replicas > 0 && replicas <= 32_767) && {
      message: "it needs at least one replica",
      fix: "Set replicationFactor to 1 or more.",
    },
  ],
  "min-insync-replicas": ({ config, replicas }) => {
    const wanted = Number(config["min.insync.replicas"] ?? 1);
    const fix = "Keep min.insync.replicas below replicationFactor, for example 2 of 3.";
    return [
      wanted > replicas && {
        message: `min.insync.replicas ${wanted} is above the replication factor ${replicas}: every acks=all write fails`,
        fix,
      },
      wanted === replicas &&
        replicas > 1 && {
          severity: "warning",
          message: `min.insync.replicas equals the replication factor ${replicas}: writes stop when one broker is down`,
          fix,
        },
    ];
  },
  "compaction-key": ({ topic, config }) => [
    compacted(config) &&
      topic.body.key.length === 0 && {
        message: "it is compacted, and its messages have no key: the broker refuses them",
        fix: 'Give the model a key, or set cleanup.policy to "delete".',
      },
  ],
  "compaction-lag": ({ config }) => {
    const [min, max] = [number(config, "min.compaction.lag.ms"), number(config, "max.compaction.lag.ms")];
    return [
      min !== undefined &&
        max !== undefined &&
        min > max && { message: "min.compaction.lag.ms is above max.compaction.lag.ms", fix: "Lower the one or raise the other." },
    ];
  },
  "retention-bytes": ({ config }) => {
    const bytes = number(config, "retention.bytes");
    return [
      bytes !== undefined &&
        bytes < -1n && { severity: "warning", message: "a negative retention.bytes means no limit", fix: "Say -1, or leave it out." },
    ];
  },
  "tiered-storage": ({ config }) => [
    config["remote.storage.enable"]?.toLowerCase() === "true" &&
      compacted(config) && { message: "a compacted topic has no remote storage", fix: "Remove remote.storage.enable, or compact." },
    config["remote.log.copy.disable"]?.toLowerCase() === "true" &&
      [config["local.retention.ms"] ?? "-2", config["local.retention.bytes"] ?? "-2"].some((value) => value !== "-2") && {
        severity: "warning",
        message: "nothing is copied to remote storage, so that local.retention deletes what is nowhere else",
        fix: "Leave local.retention.ms and local.retention.bytes at -2 while remote.log.copy.disable is true.",
      },
  ],
  "local-retention": ({ config }) => ["ms", "bytes"].map((unit) => localRetentionProblem(config, unit)),
  "segment-retention": ({ config }) => {
    const [segment, retention] = [number(config, "segment.ms") ?? 604_800_000n, number(config, "retention.ms")];
    return [
      retention !== undefined &&
        retention >= 0n &&
        segment > retention && {
          severity: "warning",
          message: "a segment stays open longer than its messages are kept, so that a quiet topic keeps them longer than retention.ms says",
          fix: "Set segment.ms below retention.ms.",
        },
    ];
  },
};

/** Judged for where the target names none. */
const NEWEST = "4.4";

export function lint(objects: readonly CatalogObject[], target: EngineTarget): readonly Finding[] {
  const version = /^\d+\.\d+/.exec(target.version)?.[0] ?? NEWEST;
  return objects.filter((object) => !isMessageSchema(object)).flatMap((object) => topicFindings(topicObject(object), version));
}

function topicFindings(topic: TopicObject, version: string): Finding[] {
  const config = topic.body.config as Config; // holes are filled
  const one: Case = { topic, config, replicas: Number(topic.body.replicationFactor), version };
  const place = topic.model ?? topic.name[0] ?? "";
  return Object.entries(RULES).flatMap(([code, rule]) =>
    rule(one).flatMap((problem) =>
      problem
        ? [
            {
              rule: `kafka/${code}`,
              severity: problem.severity ?? "error",
              message: `${place}: ${problem.message}.`,
              fix: problem.fix,
              place,
            },
          ]
        : [],
    ),
  );
}

function compacted(config: Config): boolean {
  return (config["cleanup.policy"] ?? "delete").split(",").some((word) => word.trim() === "compact");
}

function number(config: Config, name: string): bigint | undefined {
  const value = config[name];
  return value !== undefined && /^-?\d+$/.test(value) ? BigInt(value) : undefined;
}

/** -2: as retention; -1 (for ever) fits only a retention that is for ever. */
function localRetentionProblem(config: Config, unit: string): Problem | false {
  const [local, all] = [
    number(config, `local.retention.${unit}`) ?? -2n,
    number(config, `retention.${unit}`) ?? (unit === "ms" ? 604_800_000n : -1n),
  ];
  if (local === -2n || all === -1n) return false;
  const wrong = local === -1n || local > all;
  return (
    wrong && {
      message: `local.retention.${unit} keeps more than retention.${unit}`,
      fix: `Lower local.retention.${unit}, or set it to -2.`,
    }
  );
}
