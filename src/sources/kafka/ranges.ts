import { DwError, isDwError } from "../../core/errors.js";
import { tableMissing } from "../../core/ledger-letters.js";
import type { Kafka } from "../../core/session.js";

/** Offsets [from, to) of one partition. */
export interface TopicRange {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** What a topic holds now, or the ranges of an earlier read. DW-TABLE-MISSING, DW-USAGE, DW-SNAPSHOT-MISSING. */
export async function topicRanges(kafka: Kafka, topic: string, snapshot: string | undefined): Promise<readonly TopicRange[]> {
  const now = await wholeTopic(kafka, topic);
  if (snapshot === undefined) return now;
  return parsed(snapshot).map((range) => stillThere(topic, range, now));
}

async function wholeTopic(kafka: Kafka, topic: string): Promise<readonly TopicRange[]> {
  try {
    const [first, last] = [await kafka.offsets(topic, "earliest"), await kafka.offsets(topic, "latest")];
    return [...last].map(([partition, { offset }]) => ({ partition, from: first.get(partition)?.offset ?? 0n, to: offset }));
  } catch (error) {
    if (isDwError(error) && error.why.includes("UNKNOWN_TOPIC_OR_PARTITION")) throw tableMissing(topic);
    throw error;
  }
}

/** `0:0-1500,1:20-900`. */
export function rangesText(ranges: readonly TopicRange[]): string {
  return ranges.map(({ partition, from, to }) => `${partition}:${from}-${to}`).join(",");
}

function parsed(text: string): TopicRange[] {
  return text.split(",").map((part) => {
    const [, partition, from, to] = /^(\d+):(\d+)-(\d+)$/.exec(part.trim()) ?? [];
    if (partition !== undefined && from !== undefined && to !== undefined && BigInt(from) <= BigInt(to)) {
      return { partition: Number(partition), from: BigInt(from), to: BigInt(to) };
    }
    throw new DwError("DW-USAGE", {
      what: `--snapshot ${text} names no ranges of offsets.`,
      why: "A topic's snapshot is a range for each partition.",
      fix: "Write PARTITION:FROM-END, for example 0:0-1500,1:20-900; `dw inspect` shows that of now.",
    });
  });
}

function stillThere(topic: string, range: TopicRange, now: readonly TopicRange[]): TopicRange {
  const held = now.find(({ partition }) => partition === range.partition);
  if (held && held.from <= range.from && range.to <= held.to) return range;
  throw new DwError("DW-SNAPSHOT-MISSING", {
    what: `${topic} has no longer, or not yet, the offsets ${range.from} to ${range.to} of partition ${range.partition}.`,
    why: held ? `It holds ${held.from} to ${held.to}.` : "There is no such partition.",
    fix: "Read what is there; raise retention.ms before the next long read.",
  });
}
