import { setTimeout as sleep } from "node:timers/promises";
import { DwError, isDwError } from "../../core/errors.js";
import { type Api, apis } from "./apis.js";
import { type Broker, type BrokerAccess, openBroker, type Place } from "./broker.js";
import { refusalOf } from "./errors.js";
import type { ValueOf } from "./schema.js";

/* The brokers of a cluster: who leads what, one connection each, and asking again while leaders move. */

export type Metadata = ValueOf<typeof apis.metadata.response>;

/** Any broker, the controller, or one by its number. */
export type Whom = "any" | "controller" | number;

export interface Cluster {
  readonly features: ReadonlyMap<string, number>;
  /** `topics` null: all of them. Freshly asked, of any broker or of a certain one. */
  readonly metadata: (topics: readonly string[] | null, whom?: Whom) => Promise<Metadata>;
  readonly ask: <Request, Response>(whom: Whom, api: Api<Request, Response>, request: Request, waitMs?: number) => Promise<Response>;
  /** The broker that coordinates a consumer group or a transactional id. */
  readonly coordinator: (kind: "group" | "transaction", key: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

const COORDINATED = { group: 0, transaction: 1 } as const;

export async function openCluster(seeds: readonly Place[], access: BrokerAccess): Promise<Cluster> {
  const open = new Map<string, Promise<Broker>>();
  let places = new Map<number, Place>();
  let controller = -1;

  const at = async (place: Place): Promise<Broker> => {
    const key = `${place.host}:${place.port}`;
    const known = await open.get(key)?.catch(() => undefined);
    if (known?.isOpen()) return known;
    const opening = openBroker(place, access);
    open.set(key, opening);
    return opening;
  };
  const any = async (): Promise<Broker> => {
    const failures: unknown[] = [];
    for (const place of [...places.values(), ...seeds]) {
      try {
        return await at(place);
      } catch (error) {
        if (isDwError(error) && error.code === "DW-AUTH") throw error;
        failures.push(error);
      }
    }
    throw failures.at(-1);
  };
  const metadata = async (topics: readonly string[] | null, whom: Whom = "any"): Promise<Metadata> => {
    const answer = await (await reach(whom)).send(apis.metadata, { topics, autoCreate: false });
    places = new Map(answer.brokers.map(({ node, host, port }) => [node, { host, port }]));
    controller = answer.controller;
    return answer;
  };
  const reach = async (whom: Whom): Promise<Broker> => {
    if (whom === "any") return any();
    const node = whom === "controller" ? controller : whom;
    if (!places.has(node)) await metadata([]);
    const place = places.get(whom === "controller" ? controller : whom);
    return place ? at(place) : any();
  };
  const ask: Cluster["ask"] = async (whom, api, request, waitMs) => (await reach(whom)).send(api, request, waitMs);

  const first = await any();
  return {
    features: first.features,
    metadata,
    ask,
    coordinator: (kind, key) =>
      persistently(async () => {
        const answer = await ask("any", apis.findCoordinator, { key, kind: COORDINATED[kind] });
        refuse(answer.error, `to find the coordinator of the ${kind} ${key}`, answer.message);
        places.set(answer.node, { host: answer.host, port: answer.port });
        return answer.node;
      }),
    close: async () => {
      for (const broker of open.values()) (await broker.catch(() => undefined))?.close();
      open.clear();
    },
  };
}

/** What a broker refused and will refuse again, or not: `passing` says whether asking again can help. */
export class KafkaRefusal extends DwError {
  constructor(
    readonly error: number,
    wish: string,
    message?: string | null,
  ) {
    const { name, code = "DW-ENGINE-REFUSED" } = refusalOf(error);
    super(code, {
      what: `Kafka refused ${wish}.`,
      why: message ? `${message} (${name})` : name,
      fix:
        code === "DW-PERMISSION"
          ? "Give the connection's user the ACL that it needs."
          : "Correct what it names; the broker's log says more.",
    });
  }

  get passing(): boolean {
    return refusalOf(this.error).passing === true;
  }
}

/** `wish` completes "Kafka refused …". */
export function refuse(error: number, wish: string, message?: string | null): void {
  if (error !== 0) throw new KafkaRefusal(error, wish, message);
}

const PATIENCE_MS = 20_000;

/** Asks again while a refusal is one that passes: leaders that move, coordinators that load. */
export async function persistently<Result>(work: () => Promise<Result>, patienceMs = PATIENCE_MS): Promise<Result> {
  const until = Date.now() + patienceMs;
  for (let pause = 20; ; pause = Math.min(pause * 2, 500)) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof KafkaRefusal) || !error.passing || Date.now() > until) throw error;
    }
    await sleep(pause);
  }
}

/** Waits until `seen` is true. Throws DW-TIMEOUT; `what` completes "… is not shown by every broker". */
export async function shown(seen: () => Promise<boolean>, what: string): Promise<void> {
  const until = Date.now() + PATIENCE_MS;
  for (let pause = 5; !(await seen()); pause = Math.min(pause * 2, 500)) {
    if (Date.now() > until) {
      throw new DwError("DW-TIMEOUT", {
        what: `${what} is not shown by every broker.`,
        why: `The controller accepted it, and ${PATIENCE_MS / 1000} s later some broker still shows the state before it.`,
        fix: "Look whether all brokers run; then run the command again.",
      });
    }
    await sleep(pause);
  }
}
