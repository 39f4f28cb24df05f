import { ByteReader } from "./bytes.js";
import { bool, bytes, int8, int16, int32, int64, list, nullableList, nullableText, type Schema, struct, text } from "./schema.js";

/*
 * The requests that dw sends, each in one version that brokers from 2.4 to 4.x have (KIP-896 took older ones away in 4.0).
 * Source: https://kafka.apache.org/protocol#protocol_messages.
 */

export interface Api<Request, Response> {
  readonly key: number;
  readonly version: number;
  readonly flexible: boolean;
  readonly request: Schema<Request>;
  readonly response: Schema<Response>;
}

function api<Request, Response>(
  key: number,
  version: number,
  request: Schema<Request>,
  response: Schema<Response>,
  flexible = false,
): Api<Request, Response> {
  return { key, version, flexible, request, response };
}

const nothing = struct({});
const throttle = int32;

interface VersionsAnswer {
  readonly error: number;
  readonly apis: readonly { readonly key: number; readonly min: number; readonly max: number }[];
  /** Finalized features by name: `metadata.version` says which release the cluster's metadata is of. */
  readonly features: ReadonlyMap<string, number>;
}

const acl = { kind: int8, name: text, pattern: int8, principal: text, host: text, operation: int8, permission: int8 };

/** Null: whatever it is. */
const aclFilter = struct({
  kind: int8,
  name: nullableText,
  pattern: int8,
  principal: nullableText,
  host: nullableText,
  operation: int8,
  permission: int8,
});

const FINALIZED_FEATURES = 2;

const supported = list(struct({ key: int16, min: int16, max: int16 }));
const finalized = list(struct({ name: text, max: int16, min: int16 }));

/** Its tagged fields are the only ones that dw wants to know. */
const versionsAnswer: Schema<VersionsAnswer> = {
  write: () => {
    throw new Error("dw asks brokers for their versions, not the other way round");
  },
  read: (from, flexible) => {
    const [error, apis] = [from.int16(), supported.read(from, flexible)];
    throttle.read(from, flexible);
    const features = new Map<string, number>();
    for (let left = from.varint(); left > 0; left--) {
      const [tag, size] = [from.varint(), from.varint()];
      const value = from.raw(size);
      if (tag !== FINALIZED_FEATURES) continue;
      for (const { name, max } of finalized.read(new ByteReader(value), flexible)) features.set(name, max);
    }
    return { error, apis, features };
  },
};

export const apis = {
  produce: api(
    0,
    7,
    struct({
      transactionalId: nullableText,
      acks: int16,
      timeoutMs: int32,
      topics: list(struct({ topic: text, partitions: list(struct({ partition: int32, records: bytes })) })),
    }),
    struct({
      topics: list(
        struct({
          topic: text,
          partitions: list(struct({ partition: int32, error: int16, baseOffset: int64, logAppendTime: int64, logStart: int64 })),
        }),
      ),
      throttle,
    }),
  ),
  fetch: api(
    1,
    11,
    struct({
      replica: int32,
      maxWaitMs: int32,
      minBytes: int32,
      maxBytes: int32,
      isolation: int8,
      sessionId: int32,
      sessionEpoch: int32,
      topics: list(
        struct({
          topic: text,
          partitions: list(struct({ partition: int32, leaderEpoch: int32, offset: int64, logStart: int64, maxBytes: int32 })),
        }),
      ),
      forgotten: list(struct({ topic: text, partitions: list(int32) })),
      rack: text,
    }),
    struct({
      throttle,
      error: int16,
      sessionId: int32,
      topics: list(
        struct({
          topic: text,
          partitions: list(
            struct({
              partition: int32,
              error: int16,
              highWatermark: int64,
              lastStable: int64,
              logStart: int64,
              aborted: nullableList(struct({ producerId: int64, firstOffset: int64 })),
              preferredReplica: int32,
              records: bytes,
            }),
          ),
        }),
      ),
    }),
  ),
  listOffsets: api(
    2,
    7,
    struct({
      replica: int32,
      isolation: int8,
      topics: list(struct({ topic: text, partitions: list(struct({ partition: int32, leaderEpoch: int32, timestamp: int64 })) })),
    }),
    struct({
      throttle,
      topics: list(
        struct({
          topic: text,
          partitions: list(struct({ partition: int32, error: int16, timestamp: int64, offset: int64, leaderEpoch: int32 })),
        }),
      ),
    }),
    true,
  ),
  metadata: api(
    3,
    5,
    struct({ topics: nullableList(text), autoCreate: bool }),
    struct({
      throttle,
      brokers: list(struct({ node: int32, host: text, port: int32, rack: nullableText })),
      cluster: nullableText,
      controller: int32,
      topics: list(
        struct({
          error: int16,
          topic: text,
          internal: bool,
          partitions: list(
            struct({ error: int16, partition: int32, leader: int32, replicas: list(int32), inSync: list(int32), offline: list(int32) }),
          ),
        }),
      ),
    }),
  ),
  offsetFetch: api(
    9,
    5,
    struct({ group: text, topics: nullableList(struct({ topic: text, partitions: list(int32) })) }),
    struct({
      throttle,
      topics: list(
        struct({
          topic: text,
          partitions: list(struct({ partition: int32, offset: int64, leaderEpoch: int32, metadata: nullableText, error: int16 })),
        }),
      ),
      error: int16,
    }),
  ),
  findCoordinator: api(
    10,
    2,
    struct({ key: text, kind: int8 }),
    struct({ throttle, error: int16, message: nullableText, node: int32, host: text, port: int32 }),
  ),
  listGroups: api(16, 2, nothing, struct({ throttle, error: int16, groups: list(struct({ group: text, protocol: text })) })),
  saslHandshake: api(17, 1, struct({ mechanism: text }), struct({ error: int16, mechanisms: list(text) })),
  apiVersions: api(18, 3, struct({ client: text, clientVersion: text }), versionsAnswer, true),
  createTopics: api(
    19,
    4,
    struct({
      topics: list(
        struct({
          topic: text,
          partitions: int32,
          replicationFactor: int16,
          assignments: list(struct({ partition: int32, brokers: list(int32) })),
          config: list(struct({ name: text, value: nullableText })),
        }),
      ),
      timeoutMs: int32,
      validateOnly: bool,
    }),
    struct({ throttle, topics: list(struct({ topic: text, error: int16, message: nullableText })) }),
  ),
  deleteTopics: api(
    20,
    3,
    struct({ topics: list(text), timeoutMs: int32 }),
    struct({ throttle, topics: list(struct({ topic: text, error: int16 })) }),
  ),
  initProducerId: api(
    22,
    1,
    struct({ transactionalId: nullableText, timeoutMs: int32 }),
    struct({ throttle, error: int16, producerId: int64, producerEpoch: int16 }),
  ),
  addPartitionsToTxn: api(
    24,
    1,
    struct({
      transactionalId: text,
      producerId: int64,
      producerEpoch: int16,
      topics: list(struct({ topic: text, partitions: list(int32) })),
    }),
    struct({ throttle, topics: list(struct({ topic: text, partitions: list(struct({ partition: int32, error: int16 })) })) }),
  ),
  endTxn: api(
    26,
    1,
    struct({ transactionalId: text, producerId: int64, producerEpoch: int16, committed: bool }),
    struct({ throttle, error: int16 }),
  ),
  describeAcls: api(
    29,
    1,
    aclFilter,
    struct({
      throttle,
      error: int16,
      message: nullableText,
      resources: list(
        struct({
          kind: int8,
          name: text,
          pattern: int8,
          acls: list(struct({ principal: text, host: text, operation: int8, permission: int8 })),
        }),
      ),
    }),
  ),
  createAcls: api(
    30,
    1,
    struct({
      acls: list(struct(acl)),
    }),
    struct({ throttle, results: list(struct({ error: int16, message: nullableText })) }),
  ),
  deleteAcls: api(
    31,
    1,
    struct({ filters: list(aclFilter) }),
    struct({
      throttle,
      results: list(
        struct({
          error: int16,
          message: nullableText,
          matching: list(struct({ error: int16, message: nullableText, ...acl })),
        }),
      ),
    }),
  ),
  describeConfigs: api(
    32,
    1,
    struct({ resources: list(struct({ kind: int8, name: text, names: nullableList(text) })), synonyms: bool }),
    struct({
      throttle,
      resources: list(
        struct({
          error: int16,
          message: nullableText,
          kind: int8,
          name: text,
          entries: list(
            struct({
              name: text,
              value: nullableText,
              readOnly: bool,
              source: int8,
              sensitive: bool,
              synonyms: list(struct({ name: text, value: nullableText, source: int8 })),
            }),
          ),
        }),
      ),
    }),
  ),
  saslAuthenticate: api(36, 0, struct({ bytes }), struct({ error: int16, message: nullableText, bytes })),
  createPartitions: api(
    37,
    1,
    struct({
      topics: list(struct({ topic: text, count: int32, assignments: nullableList(struct({ brokers: list(int32) })) })),
      timeoutMs: int32,
      validateOnly: bool,
    }),
    struct({ throttle, topics: list(struct({ topic: text, error: int16, message: nullableText })) }),
  ),
  incrementalAlterConfigs: api(
    44,
    0,
    struct({
      resources: list(struct({ kind: int8, name: text, changes: list(struct({ name: text, operation: int8, value: nullableText })) })),
      validateOnly: bool,
    }),
    struct({ throttle, resources: list(struct({ error: int16, message: nullableText, kind: int8, name: text })) }),
  ),
} as const;
