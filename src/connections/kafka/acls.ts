import type { KafkaAcl } from "../../core/session.js";
import { apis } from "./apis.js";
import { type Cluster, persistently, refuse } from "./cluster.js";

/* Rules of the brokers' authorizer about single topics (ResourceType, PatternType, AclOperation of Kafka's protocol). */

const TOPIC = 2;
const LITERAL = 3;
const ANY = 1;
const SECURITY_DISABLED = 54;

const OPERATIONS: readonly string[] = [
  "",
  "",
  "All",
  "Read",
  "Write",
  "Create",
  "Delete",
  "Alter",
  "Describe",
  "ClusterAction",
  "DescribeConfigs",
  "AlterConfigs",
];
const DENY = 2;
const ALLOW = 3;

export async function topicAcls(cluster: Cluster): Promise<ReadonlyMap<string, readonly KafkaAcl[]>> {
  const filter = { kind: TOPIC, name: null, pattern: LITERAL, principal: null, host: null, operation: ANY, permission: ANY };
  const answer = await persistently(async () => {
    const said = await cluster.ask("controller", apis.describeAcls, filter);
    if (said.error !== SECURITY_DISABLED) refuse(said.error, "to read the rules about topics", said.message);
    return said;
  });
  return new Map(answer.resources.map(({ name, acls }) => [name, acls.map(shownAcl)]));
}

function shownAcl({
  principal,
  host,
  operation,
  permission,
}: {
  principal: string;
  host: string;
  operation: number;
  permission: number;
}): KafkaAcl {
  return { principal, host, operation: OPERATIONS[operation] ?? String(operation), permission: permission === DENY ? "deny" : "allow" };
}

export async function changeTopicAcls(
  cluster: Cluster,
  topic: string,
  add: readonly KafkaAcl[],
  remove: readonly KafkaAcl[],
): Promise<void> {
  const coded = ({ principal, host, operation, permission }: KafkaAcl) => ({
    kind: TOPIC,
    name: topic,
    pattern: LITERAL,
    principal,
    host,
    operation: OPERATIONS.indexOf(operation),
    permission: permission === "deny" ? DENY : ALLOW,
  });
  await persistently(async () => {
    const answer = await cluster.ask("controller", apis.createAcls, { acls: add.map(coded) });
    for (const { error, message } of answer.results) refuse(error, `to let others use the topic ${topic}`, message);
  });
  await persistently(async () => {
    const answer = await cluster.ask("controller", apis.deleteAcls, { filters: remove.map(coded) });
    for (const { error, message } of answer.results) refuse(error, `to take rules about the topic ${topic} away`, message);
  });
}
