import type { Api } from "../../src/connections/kafka/apis.js";
import { openCluster } from "../../src/connections/kafka/cluster.js";
import { int16, int32, int64, list, nullableText, struct, text } from "../../src/connections/kafka/schema.js";

/* What a consumer group does and dw never does: it commits how far it has read (OffsetCommit, version 2). */

interface Commit {
  readonly group: string;
  readonly generation: number;
  readonly member: string;
  readonly retention: bigint;
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partition: number; readonly offset: bigint; readonly note: string | null }[];
  }[];
}

interface Committed {
  readonly topics: readonly {
    readonly name: string;
    readonly partitions: readonly { readonly partition: number; readonly error: number }[];
  }[];
}

const offsetCommit: Api<Commit, Committed> = {
  key: 8,
  version: 2,
  flexible: false,
  request: struct({
    group: text,
    generation: int32,
    member: text,
    retention: int64,
    topics: list(struct({ name: text, partitions: list(struct({ partition: int32, offset: int64, note: nullableText })) })),
  }),
  response: struct({ topics: list(struct({ name: text, partitions: list(struct({ partition: int32, error: int16 })) })) }),
};

/** As a group without members, whose generation is -1. */
export async function commitOffset(port: number, group: string, topic: string, offset: bigint): Promise<void> {
  const cluster = await openCluster([{ host: "127.0.0.1", port }], { ssl: false, connectTimeoutMs: 10_000, requestTimeoutMs: 30_000 });
  try {
    const topics = [{ name: topic, partitions: [{ partition: 0, offset, note: null }] }];
    for (let tries = 0; ; tries++) {
      const coordinator = await cluster.coordinator("group", group);
      const answer = await cluster.ask(coordinator, offsetCommit, { group, generation: -1, member: "", retention: -1n, topics });
      const error = answer.topics[0]?.partitions[0]?.error ?? -1;
      if (error === 0) return;
      if (tries === 20) throw new Error(`the offset was not committed: error ${error}`);
      await new Promise((done) => setTimeout(done, 500)); // the coordinator is still loading
    }
  } finally {
    await cluster.close();
  }
}
