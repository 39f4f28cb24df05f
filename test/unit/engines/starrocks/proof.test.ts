import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openMysql } from "../../../../src/connections/mysql.js";
import { type Catalog, catalogFor as catalogIn, catalogOf } from "../../../../src/core/catalog.js";
import type { Rename } from "../../../../src/core/change.js";
import { diff } from "../../../../src/core/diff.js";
import type { Model } from "../../../../src/core/model.js";
import { order } from "../../../../src/core/order.js";
import type { StatementBody } from "../../../../src/core/plan.js";
import type { MysqlSession } from "../../../../src/core/session.js";
import { execute } from "../../../../src/engines/starrocks/execute.js";
import { starrocks } from "../../../../src/engines/starrocks/index.js";
import { introspect } from "../../../../src/engines/starrocks/introspect.js";
import { type FakeServer, startFakeStarrocks } from "../../../live/starrocks-fake/server.js";
import { starrocksPairs } from "../../../support/starrocks-pairs.js";
import { ciapolModels } from "../ciapol.js";

/*
 * The proof on the fake front end: what a plan did is what it said. A is made and read back equal, becomes B, is read back
 * equal, nothing is left to plan, and the way back leads to A. Rows are not proved here: the fake keeps none.
 */

function catalogFor(models: readonly Model[]): Catalog {
  const context = { warehouse: "proof", models: new Map(models.map((model) => [model.name, model])) };
  return catalogIn(catalogOf("proof", starrocks.resolve(models, context).objects.map(starrocks.normalize)), "local");
}

function planFor(from: Catalog, to: Catalog, renames: readonly Rename[] = []): StatementBody[] {
  return order(diff(from, to, renames).flatMap((change) => starrocks.decide(change))).flatMap((operation) => [
    ...starrocks.generate(operation),
  ]);
}

describe("on the fake front end", () => {
  let server: FakeServer;
  let session: MysqlSession;
  const patience = { pause: 1, longest: 1, limit: 60_000 };
  const { signal } = new AbortController();

  beforeAll(async () => {
    server = await startFakeStarrocks();
    session = await openMysql({ host: "127.0.0.1", port: server.port, user: "root" });
  });
  afterAll(async () => {
    await session.close();
    await server.stop();
  });

  const apply = async (statements: readonly StatementBody[]): Promise<void> => {
    for (const statement of statements) await execute(session, statement, signal, patience);
  };

  const isNow = async (wanted: Catalog): Promise<void> => {
    const { catalog, unmodelled } = await introspect(session, "proof", wanted, signal, patience);
    const live = catalogOf("proof", catalog.objects.map(starrocks.normalize));
    const changes = diff(wanted, live).map((change) =>
      change.change === "altered" ? { id: change.id, facts: change.facts } : { id: change.id, is: change.change },
    );
    expect(changes).toEqual([]);
    expect(unmodelled).toEqual([]);
    expect(planFor(live, wanted)).toEqual([]);
  };

  const prove = async (from: Catalog, to: Catalog, renames: readonly Rename[] = []): Promise<StatementBody[]> => {
    server.fake.reset();
    await apply(planFor(catalogOf("proof", []), from));
    await isNow(from);
    const there = planFor(from, to, renames);
    await apply(there);
    await isNow(to);
    const back = renames.map((rename): Rename => (rename.rename === "column" ? { ...rename, from: rename.to, to: rename.from } : rename));
    await apply(planFor(to, from, back));
    await isNow(from);
    return there;
  };

  for (const { name, from, to, renames, rebuilds } of starrocksPairs) {
    test(name, async () => {
      const plan = await prove(catalogFor(from), catalogFor(to), renames);
      if (!rebuilds) expect(plan.filter(({ text }) => text.startsWith("INSERT"))).toEqual([]);
    });
  }

  test("the reference warehouse ciapol, from nothing and back", async () => {
    await prove(catalogOf("proof", []), catalogFor(ciapolModels));
  });

  test("a cancelled job is a refusal with the engine's reason, and the table is as it was", async () => {
    const pair = starrocksPairs.find(({ name }) => name === "duplicate: a text becomes a number");
    const [from, to] = [catalogFor(pair?.from ?? []), catalogFor(pair?.to ?? [])];
    server.fake.reset();
    await apply(planFor(catalogOf("proof", []), from));
    server.fake.misbehaviours.push({ does: "cancel-job", at: /MODIFY COLUMN/, message: "value is not a number" });
    await expect(apply(planFor(from, to))).rejects.toMatchObject({ code: "DW-ENGINE-REFUSED", why: "value is not a number" });
    await isNow(from);
  });

  test("a job is told of as it goes on, and an abort ends the waiting", async () => {
    const pair = starrocksPairs.find(({ name }) => name === "duplicate: more buckets");
    const [from, to] = [catalogFor(pair?.from ?? []), catalogFor(pair?.to ?? [])];
    server.fake.reset();
    await apply(planFor(catalogOf("proof", []), from));
    const said: string[] = [];
    const [statement] = planFor(from, to);
    if (!statement) throw new Error("more buckets need a statement");
    await execute(session, statement, signal, { ...patience, say: (line) => said.push(line) });
    expect(said).toEqual(["p: OPTIMIZE job PENDING", "p: OPTIMIZE job RUNNING"]);
    server.fake.misbehaviours.push({ does: "slow-job", at: /DISTRIBUTED BY/, polls: 1_000_000 });
    const abort = new AbortController();
    const [back] = planFor(to, from);
    if (!back) throw new Error("fewer buckets need a statement");
    const waiting = execute(session, back, abort.signal, { ...patience, say: () => abort.abort() });
    await expect(waiting).rejects.toThrow(/abort/i);
  });

  test("objects that others made, and what no model can say, are reported", async () => {
    server.fake.reset();
    const pair = starrocksPairs[0];
    const wanted = catalogFor(pair?.from ?? []);
    await apply(planFor(catalogOf("proof", []), wanted));
    await session.query("CREATE TABLE proof.theirs (a INT) PROPERTIES ('replication_num' = '1')");
    const { catalog } = await introspect(session, "proof", wanted, signal, patience);
    expect(catalog.objects.map(({ id }) => id)).toEqual([
      "starrocks:database:proof",
      "starrocks:table:proof.p",
      "starrocks:table:proof.theirs",
    ]);
  });
});
