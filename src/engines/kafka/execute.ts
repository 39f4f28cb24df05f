import { DwError } from "../../core/errors.js";
import { isJsonObject, type Json } from "../../core/json.js";
import type { StatementBody } from "../../core/plan.js";
import type { Kafka, KafkaAcl } from "../../core/session.js";

/**
 * Sends one request of a plan, and waits until every broker shows what it did. Throws DW-MIGRATION-EDITED for a request that is
 * none (a file edited by hand), and what a Kafka throws.
 */
export async function execute(kafka: Kafka, { text }: StatementBody, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const request = parsed(text);
  const [kind = ""] = Object.keys(REQUESTS).filter((name) => Object.hasOwn(request, name));
  const send = REQUESTS[kind];
  if (!send) throw notARequest(text, `It is none of ${Object.keys(REQUESTS).join(", ")}.`);
  await send(kafka, new Request(text, request));
}

const REQUESTS: Readonly<Record<string, (kafka: Kafka, request: Request) => Promise<void>>> = {
  createTopic: (kafka, request) =>
    kafka.createTopic({
      name: request.text("createTopic"),
      partitions: request.count("partitions"),
      replicationFactor: request.count("replicationFactor"),
      config: request.settings("config"),
    }),
  deleteTopic: (kafka, request) => kafka.deleteTopic(request.text("deleteTopic")),
  addPartitions: (kafka, request) => kafka.addPartitions(request.text("addPartitions"), request.count("to")),
  changeAccess: (kafka, request) => kafka.changeAcls(request.text("changeAccess"), request.rules("add"), request.rules("remove")),
  alterTopic: (kafka, request) => kafka.alterTopic(request.text("alterTopic"), request.settings("set"), request.names("reset")),
};

/** Its parts, each of the type that the protocol wants. */
class Request {
  constructor(
    private readonly source: string,
    private readonly parts: { readonly [name: string]: Json },
  ) {}

  text(name: string): string {
    const value = this.parts[name];
    return typeof value === "string" ? value : this.refuse(name, "a text");
  }

  count(name: string): number {
    const value = this.parts[name];
    return typeof value === "number" && Number.isInteger(value) ? value : this.refuse(name, "a whole number");
  }

  settings(name: string): Record<string, string> {
    const value = this.parts[name] ?? {};
    if (!isJsonObject(value)) return this.refuse(name, "settings by name");
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [key, typeof member === "string" ? member : this.refuse(`${name}.${key}`, "a text")]),
    );
  }

  names(name: string): string[] {
    const value = this.parts[name] ?? [];
    if (!Array.isArray(value)) return this.refuse(name, "a list of names");
    return (value as readonly Json[]).map((member) => (typeof member === "string" ? member : this.refuse(name, "a list of names")));
  }

  rules(name: string): KafkaAcl[] {
    const value = this.parts[name] ?? [];
    if (!Array.isArray(value)) return this.refuse(name, "a list of rules");
    return (value as readonly Json[]).map((member) => {
      const { principal, host, operation, permission } = isJsonObject(member) ? member : {};
      const isRule = typeof principal === "string" && typeof host === "string" && typeof operation === "string";
      if (!isRule || (permission !== "allow" && permission !== "deny")) return this.refuse(name, "a list of rules");
      return { principal, host, operation, permission };
    });
  }

  private refuse(name: string, wanted: string): never {
    throw notARequest(this.source, `${name} is not ${wanted}.`);
  }
}

function parsed(text: string): { readonly [name: string]: Json } {
  let value: Json;
  try {
    value = JSON.parse(text) as Json; // what JSON.parse gives is JSON
  } catch {
    throw notARequest(text, "It is not JSON.");
  }
  return isJsonObject(value) ? value : {};
}

function notARequest(text: string, why: string): DwError {
  return new DwError("DW-MIGRATION-EDITED", {
    what: `This is no request to Kafka: ${text}`,
    why,
    fix: "Correct the request in the migration's file and run `dw migrate rehash`, or restore the file from git.",
  });
}
