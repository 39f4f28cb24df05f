import { createHash } from "node:crypto";
import { z } from "zod";
import { DwError } from "../../core/errors.js";
import { ledgerConflict } from "../../core/ledger-letters.js";
import type { Kafka, KafkaPartitionRecords } from "../../core/session.js";
import type { LoadedChunk, LoadIdentity } from "../../core/target.js";
import { fingerprintShape, identityShape } from "../ledger-shapes.js";

/*
 * The ledger of a backfill into a topic is a compacted topic of the same cluster. A chunk's record goes there in the transaction
 * of its messages, so that whoever reads what is committed sees both or neither. Before it is read, the transactional ids of the
 * backfill are taken again: that ends, one way or the other, whatever a run that died had left open. Each lane has a partition
 * of its own: an open transaction of one would hide what another has committed after it.
 */

export const LANES = 4;

/** Ends of partitions. */
export type Offsets = Readonly<Record<string, string>>;

export interface Head {
  readonly identity: LoadIdentity;
  readonly startedAt: string;
  /** Ends of the target's partitions before the first message of this backfill. */
  readonly from: Offsets;
}

const headShape = z.object({ identity: identityShape, startedAt: z.string(), from: z.record(z.string(), z.string()) });
const chunkShape = z.object({ chunk: z.string(), title: z.string(), fingerprint: fingerprintShape, loadedAt: z.string() });

export interface Recorded {
  readonly head?: Head;
  readonly chunks: readonly LoadedChunk[];
}

export class TopicLedger {
  /** What topics, messages and transactional ids of this backfill are told by. */
  readonly key: string;
  readonly name: string;

  constructor(
    private readonly kafka: Kafka,
    private readonly topic: string,
    backfill: string,
  ) {
    this.key = createHash("sha256")
      .update(JSON.stringify([backfill, topic]), "utf8")
      .digest("hex")
      .slice(0, 16);
    this.name = `dw-state-backfill-${this.key}`;
  }

  /** Makes the ledger where there is none. DW-LOAD-UNKNOWN where its records may have been deleted. */
  async prepare(replicationFactor: number): Promise<void> {
    if (!(await this.exists())) {
      await this.kafka.createTopic({ name: this.name, partitions: LANES, replicationFactor, config: { "cleanup.policy": "compact" } });
      return;
    }
    const settings = (await this.kafka.settings([this.name])).get(this.name) ?? [];
    const policy = settings.find(({ name }) => name === "cleanup.policy")?.value;
    if (policy !== "compact") throw forgetful(this.name, policy ?? "unknown");
  }

  async read(): Promise<Recorded> {
    const latest = new Map(await this.messages());
    const head = latest.get(HEAD);
    const chunks = [...latest].filter(([key]) => key !== HEAD).map(([, value]) => parsed(this.name, chunkShape, value));
    return { ...(head !== undefined && { head: parsed(this.name, headShape, head) }), chunks };
  }

  /** DW-LEDGER-CONFLICT when it records another source or mapping. */
  refuseOther(identity: LoadIdentity, { head, chunks }: Recorded): void {
    if (head !== undefined && head.identity.digest !== identity.digest && chunks.length > 0)
      throw ledgerConflict(identity, this.topic, head.identity.source);
  }

  /** The same chunk has the same lane in every run. */
  laneOf(chunk: string): number {
    return createHash("sha256").update(chunk, "utf8").digest().readUInt32BE(0) % LANES;
  }

  headRecord(head: Head): KafkaPartitionRecords {
    return { topic: this.name, partition: 0, records: [{ key: bytes(HEAD), value: bytes(JSON.stringify(head)) }] };
  }

  chunkRecord(chunk: LoadedChunk): KafkaPartitionRecords {
    const record = { key: bytes(`chunk ${chunk.chunk}`), value: bytes(JSON.stringify(chunk)) };
    return { topic: this.name, partition: this.laneOf(chunk.chunk), records: [record] };
  }

  async forget(): Promise<void> {
    if (await this.exists()) await this.kafka.deleteTopic(this.name);
  }

  private async exists(): Promise<boolean> {
    return (await this.kafka.topics([this.name])).length > 0;
  }

  private async messages(): Promise<readonly (readonly [key: string, value: string])[]> {
    if (!(await this.exists())) return [];
    const [first, last] = [await this.kafka.offsets(this.name, "earliest"), await this.kafka.offsets(this.name, "latest")];
    const found: [string, string][] = [];
    for (const [partition, { offset }] of last)
      for await (const messages of this.kafka.read(this.name, partition, first.get(partition)?.offset ?? 0n, offset))
        for (const { key, value } of messages) if (value !== null) found.push([text(key), text(value)]);
    return found;
  }
}

const HEAD = "backfill";
const bytes = (value: string): Uint8Array => Buffer.from(value, "utf8");
const text = (value: Uint8Array | null): string => Buffer.from(value ?? []).toString("utf8");

function parsed<Value>(ledger: string, shape: z.ZodType<Value>, value: string): Value {
  try {
    return shape.parse(JSON.parse(value));
  } catch (cause) {
    throw new DwError("DW-FILE-CORRUPT", {
      what: `A message of the topic ${ledger} is no record of a backfill.`,
      why: "It says which chunks have arrived; without it messages could be sent twice.",
      fix: "Somebody else writes to this topic: take their right to, and delete their message with a tombstone.",
      cause,
    });
  }
}

function forgetful(ledger: string, policy: string): DwError {
  return new DwError("DW-LOAD-UNKNOWN", {
    what: `The topic ${ledger} has the cleanup.policy ${policy}, under which records of chunks may be gone.`,
    why: "A chunk whose record is gone would be sent a second time.",
    fix: "Set cleanup.policy to compact again; if records were deleted, count the target's messages and start over in a new topic.",
  });
}
