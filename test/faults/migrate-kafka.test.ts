import { afterAll, expect, test } from "vitest";
import { openKafka } from "../../src/connections/kafka.js";
import { openPg } from "../../src/connections/pg.js";
import { dw } from "../cli/run-dw.js";
import { startKafka } from "../live/kafka.js";
import { startPostgres } from "../live/postgres.js";
import { history, killed, up } from "./migrations.js";

const state = await startPostgres();
const server = state && (await startKafka("4.4.0"));
const kafka = server && (await openKafka(server.plain, undefined));
afterAll(async () => {
  await kafka?.close();
  await server?.stop();
  await state?.stop();
});

/** The n-th state: one topic more, and one whose partitions grow and whose settings come and go. */
function topics(n: number): Record<string, string> {
  const topic = (name: string, partitions: number, config: object): string => `import { defineTopic, t } from "dwright";
export default defineTopic("${name}", {
  columns: { device: t.text("who") },
  on: { kafka: { partitions: ${partitions}, replicationFactor: 1, config: ${JSON.stringify(config)} } },
});
`;
  const growing = { "segment.ms": 1000 * n, ...(n % 2 === 0 ? { "max.message.bytes": 1000 * n } : { "flush.ms": 1000 * n }) };
  return { [`models/shop/ods/growing_${n}.ts`]: topic("growing", n, growing), [`models/shop/ods/t${n}.ts`]: topic(`t${n}`, 1, {}) };
}

const environment = { slots: { kafka: "broker" }, state: "pg", connections: { broker: server?.plain, pg: state?.connection } };

async function emptied(): Promise<void> {
  for (const { name } of (await kafka?.topics()) ?? []) if (!name.startsWith("__")) await kafka?.deleteTopic(name);
  if (state === undefined) return;
  const pg = await openPg(state.connection, undefined);
  await pg.query("DROP SCHEMA IF EXISTS dw_state CASCADE");
  await pg.close();
}

test.runIf(server)(
  "killed at random instants, topics end where one run would have, and a setting of somebody else is still there",
  async () => {
    const cwd = await history(environment, topics);
    await emptied();
    await killed(cwd, emptied, Number(process.env.FAULT_KILLS ?? 5));
    await kafka?.alterTopic("growing", { "retention.ms": "4242" }, []);
    expect(await dw(up, { cwd })).toMatchObject({ code: 0 });
    const settings = (await kafka?.settings(["growing"]))?.get("growing")?.filter(({ source }) => source === "topic");
    expect(settings).toContainEqual({ name: "retention.ms", value: "4242", source: "topic" });
    const drift = await dw(["migrate", "verify", "--env", "test"], { cwd });
    expect(drift).toMatchObject({ stdout: expect.stringContaining("a setting that no model states: retention.ms = 4242") });
  },
);

test.runIf(server)("a topic that somebody else made, or changed, stops a migration before it changes anything", async () => {
  const cwd = await history(environment, topics);
  await emptied();
  await kafka?.createTopic({ name: "t1", partitions: 9, replicationFactor: 1, config: {} });
  expect(await dw(up, { cwd })).toMatchObject({ code: 5, stderr: expect.stringContaining("DW-TARGET-MOVED") });
  expect((await kafka?.topics())?.map(({ name }) => name).filter((name) => !name.startsWith("__"))).toEqual(["t1"]);
  await kafka?.deleteTopic("t1");
  expect(await dw(up, { cwd })).toMatchObject({ code: 0 });
  const doctor = await dw(["doctor", "--env", "test"], { cwd });
  expect(doctor.stdout).toContain("1 broker, 9 topics");
});
