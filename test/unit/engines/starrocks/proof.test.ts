import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openMysql } from "../../../../src/connections/mysql.js";
import { buildPlan } from "../../../../src/core/build-plan.js";
import { type Catalog, catalogFor as catalogIn, catalogOf } from "../../../../src/core/catalog.js";
import type { Rename } from "../../../../src/core/change.js";
import { diff } from "../../../../src/core/diff.js";
import type { Model } from "../../../../src/core/model.js";
import type { StatementBody } from "../../../../src/core/plan.js";
import type { MysqlSession } from "../../../../src/core/session.js";
import type { TableBody } from "../../../../src/engines/starrocks/body.js";
import { execute } from "../../../../src/engines/starrocks/execute.js";
import { starrocks } from "../../../../src/engines/starrocks/index.js";
import { introspect } from "../../../../src/engines/starrocks/introspect.js";
import { type FakeServer, startFakeStarrocks } from "../../../live/starrocks-fake/server.js";
import { starrocksPairs } from "../../../support/starrocks-pairs.js";
import { ciapolModels } from "../ciapol.js";

/*
 * The proof on the fake front end: what a plan did is what it said. A is made and read back equal, becomes B, is read back
 * equal, nothing is left to plan, and the way back leads to A. Rows are put into A's table before; unless the plan announces
 * data loss, what both shapes can hold is there afterwards.
 */

function catalogFor(models: readonly Model[]): Catalog {
  const context = { warehouse: "proof", models: new Map(models.map((model) => [model.name, model])) };
  return catalogIn(catalogOf("proof", starrocks.resolve(models, context).objects.map(starrocks.normalize)), "local");
}

function planFor(from: Catalog, to: Catalog, renames: readonly Rename[] = []): readonly StatementBody[] {
  return buildPlan(from, to, () => starrocks, renames).statements;
}

const quote = (name: string): string => `\`${name.replaceAll("`", "``")}\``;

/** Values of three rows by the type's name; tables with other columns that must have one are not seeded. */
const SEEDS: Readonly<Record<string, readonly string[]>> = {
  bigint: ["1", "2", "3"],
  int: ["10", "20", "30"],
  double: ["1.5", "2.5", "3.5"],
  decimal: ["1.25", "2.25", "3.25"],
  varchar: ["'1'", "'2'", "'3'"],
  datetime: ["'2024-01-05 00:00:00'", "'2024-01-06 00:00:00'", "'2024-01-07 00:00:00'"],
  date: ["'2024-01-05'", "'2024-01-06'", "'2024-01-07'"],
};

function tableOf(catalog: Catalog): TableBody | undefined {
  const table = catalog.objects.find(({ kind, name }) => kind === "table" && name.at(-1) === "p");
  return table && (table.body as TableBody); // of the kind that was looked for
}

/** A decimal that got more digits is the same number. */
const plain = (value: string | null): string | null => (value !== null && /^-?\d+\.\d+$/.test(value) ? String(Number(value)) : value);

let proved = 0;

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
    process.stderr.write(`StarRocks pairs: rows survived ${proved} of ${starrocksPairs.length} ways\n`);
    expect(proved).toBeGreaterThan(80);
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

  const prove = async (from: Catalog, to: Catalog, renames: readonly Rename[] = []): Promise<readonly StatementBody[]> => {
    server.fake.reset();
    await apply(planFor(catalogOf("proof", []), from));
    await isNow(from);
    const seeded = await seed(from);
    const there = planFor(from, to, renames);
    await apply(there);
    await isNow(to);
    if (seeded) await survived(seeded, to, renames, there);
    const back = renames.map((rename): Rename => (rename.rename === "column" ? { ...rename, from: rename.to, to: rename.from } : rename));
    await apply(planFor(to, from, back));
    await isNow(from);
    return there;
  };

  interface Seeded {
    readonly columns: readonly string[];
    readonly rows: readonly (readonly (string | null)[])[];
  }

  /** Three rows for the pair's table, one with NULLs where they are allowed. */
  const seed = async (catalog: Catalog): Promise<Seeded | undefined> => {
    const body = tableOf(catalog);
    const columns = body?.columns.filter((column) => column.generated === undefined && SEEDS[column.type.split("(")[0] ?? ""]) ?? [];
    if (!body || body.columns.some((column) => !column.nullable && !columns.includes(column))) return undefined;
    const values = [0, 1, 2].map((row) =>
      columns.map((column) => (row === 2 && column.nullable ? "NULL" : (SEEDS[column.type.split("(")[0] ?? ""]?.[row] ?? "NULL"))),
    );
    const names = columns.map(({ name }) => quote(name));
    await session.query(`INSERT INTO proof.p (${names.join(", ")}) VALUES ${values.map((row) => `(${row.join(", ")})`).join(", ")}`);
    const seeded = { columns: columns.map(({ name }) => name), rows: [] };
    return { ...seeded, rows: await rowsOf(seeded.columns) };
  };

  const rowsOf = async (columns: readonly string[]): Promise<(string | null)[][]> => {
    const rows = await session.query(`SELECT ${columns.map(quote).join(", ")} FROM proof.p ORDER BY ${columns.map(quote).join(", ")}`);
    return rows.map((row) => columns.map((column) => row[column] ?? null));
  };

  const survived = async (seeded: Seeded, to: Catalog, renames: readonly Rename[], statements: readonly StatementBody[]): Promise<void> => {
    const loss = statements.some(({ hazards, held }) => !held && hazards.some(({ kind }) => kind === "data-loss"));
    const body = tableOf(to);
    const nowCalled = (name: string): string =>
      renames.flatMap((rename) => (rename.rename === "column" && rename.from === name ? [rename.to] : []))[0] ?? name;
    const kept = seeded.columns.filter((name) => body?.columns.some((column) => column.name === nowCalled(name)));
    if (loss || !body || kept.length === 0) return;
    const rows = await rowsOf(kept.map(nowCalled));
    const sorted = (all: readonly (readonly (string | null)[])[]): string[] => all.map((row) => JSON.stringify(row.map(plain))).sort();
    expect(sorted(rows)).toEqual(sorted(seeded.rows.map((row) => kept.map((name) => row[seeded.columns.indexOf(name)] ?? null))));
    proved++;
  };

  for (const { name, from, to, renames, rebuilds } of starrocksPairs) {
    test(name, async () => {
      const plan = await prove(catalogFor(from), catalogFor(to), renames);
      if (!rebuilds) expect(plan.filter(({ text, reach }) => reach === "rebuild" && text.startsWith("INSERT"))).toEqual([]);
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
