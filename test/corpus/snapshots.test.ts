import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type PreparedBackfill, prepareBackfill } from "../../src/backfill/prepare.js";
import { readFingerprintOf, runBackfill } from "../../src/backfill/run.js";
import { planStates, snapshotOf, stateOf } from "../../src/backfill/snapshots.js";
import { openDuckDb } from "../../src/connections/duckdb.js";
import { addFingerprints, emptyFingerprint } from "../../src/core/fingerprint.js";
import type { DuckDb } from "../../src/core/session.js";
import type { SourceColumn, SourceTable } from "../../src/core/source.js";
import type { TargetTable } from "../../src/core/target.js";
import { quoteName, transitType } from "../../src/core/transit.js";
import { duckdbTarget } from "../../src/engines/duckdb/load.js";
import { openSource } from "../../src/sources/index.js";
import { fixtures } from "../support/lake-cases.js";

/*
 * Lake tables at one snapshot after the other: what changed in between is applied to a target that has the one before, and
 * the target then holds the next one, whatever the writers called it (append, overwrite, delete, compaction).
 */

let folder: string;
let duckdb: DuckDb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-snapshots-"));
  duckdb = await openDuckDb({ path: join(folder, "warehouse.duckdb") });
}, 120_000);

afterAll(async () => {
  await duckdb.close();
  await rm(folder, { recursive: true, force: true });
});

interface History {
  readonly table: string;
  /** What makes rows unique in every snapshot; without one rows are only added. */
  readonly key?: readonly string[];
}

const histories: readonly History[] = [
  { table: "iceberg/i02_v2_days" },
  { table: "iceberg/i05_position_deletes", key: ["order_id"] },
  { table: "iceberg/i06_equality_deletes", key: ["order_id"] },
  { table: "iceberg/i14_v3_deletion_vectors", key: ["order_id"] },
  { table: "iceberg/i17_copy_on_write_compaction", key: ["order_id"] },
  { table: "paimon/p01_ods_append_dt_hr" },
  { table: "paimon/p03_pk_uncompacted", key: ["order_id"] },
  { table: "paimon/p05_pk_deletion_vectors", key: ["order_id"] },
  { table: "paimon/p04_pk_levels", key: ["dt", "order_id"] },
  { table: "paimon/p09_sequence_field", key: ["id"] },
];

const open = (table: string, snapshot?: string): Promise<SourceTable> => {
  const format = table.split("/")[0];
  return openSource(`${format}:${join(fixtures, table)}/table`, { at: snapshot === undefined ? {} : { snapshot }, cwd: folder });
};

async function snapshotsOf(table: string): Promise<string[]> {
  if (table.startsWith("paimon/")) {
    const names = await readdir(join(fixtures, table, "table", "snapshot"));
    return names.flatMap((name) => /^snapshot-(\d+)$/.exec(name)?.[1] ?? []).sort((a, b) => Number(a) - Number(b));
  }
  const source = await open(table);
  const { sections } = await source.inspect();
  const rows = [...(sections.find(({ title }) => title === "snapshots")?.rows ?? [])];
  return rows.sort(([, a], [, b]) => String(a).localeCompare(String(b))).map(([id]) => String(id));
}

async function makeTarget(name: string, columns: readonly SourceColumn[], key: readonly string[] | undefined): Promise<TargetTable> {
  const db = await duckdb.session();
  const lines = columns.map((column) => `${quoteName(column.name)} ${transitType(column.type)}`);
  const unique = key === undefined ? [] : [`PRIMARY KEY (${key.map(quoteName).join(", ")})`];
  await db.run(`CREATE TABLE ${quoteName(name)} (${[...lines, ...unique].join(", ")})`);
  await db.close();
  return duckdbTarget({ engine: "duckdb", name: [name], merge: { merge: "append" }, connect: () => duckdb.session() });
}

async function prepared(name: string, table: SourceTable, target: TargetTable): Promise<PreparedBackfill> {
  const db = await duckdb.session();
  try {
    return await prepareBackfill({ name, source: table, target }, db);
  } finally {
    await db.close();
  }
}

/** Is what the target holds what the source has, by rows and their hashes? */
async function expectEqual(at: PreparedBackfill, target: TargetTable): Promise<void> {
  let expected = emptyFingerprint(at.columns);
  for (const chunk of at.plan.chunks)
    expected = addFingerprints(expected, await readFingerprintOf(at, chunk, () => duckdb.session()), at.columns);
  const found = await target.fingerprint(at.columns);
  expect({ rows: found.rows, hash: found.hash }).toEqual({ rows: expected.rows, hash: expected.hash });
}

const MOST = 4;

test.each(histories)(
  "$table: from each snapshot to the next",
  async ({ table, key }) => {
    const snapshots = (await snapshotsOf(table)).slice(0, MOST);
    expect(snapshots.length).toBeGreaterThan(1);
    const first = await open(table, snapshots[0]); // columns that come later stay where they are
    const target = await makeTarget(table, first.columns, key);
    const meeting = key === undefined ? ({ meet: "append" } as const) : ({ meet: "upsert", key } as const);
    let before: { readonly state: string; readonly source: SourceTable } | undefined;
    for (const snapshot of snapshots) {
      const at = await prepared(table, await open(table, snapshot), target);
      const plan = await planStates(at, { meeting, before });
      const run = await runBackfill(plan, {
        connect: () => duckdb.session(),
        signal: new AbortController().signal,
        notice: () => {},
        waits: [],
      });
      expect(run.chunks.every(({ fingerprint }) => fingerprint.range?.upTo === stateOf(at.plan))).toBe(true);
      await expectEqual(at, target);
      before = { state: stateOf(at.plan), source: await open(table, snapshotOf(stateOf(at.plan))) };
    }
    await target.close();
  },
  120_000,
);

test("a key that the source has twice, and rows that go from a table without a key, are refused", async () => {
  const from = async (table: string, key: readonly string[] | undefined): Promise<void> => {
    const meeting = key === undefined ? ({ meet: "append" } as const) : ({ meet: "upsert", key } as const);
    let before: { readonly state: string; readonly source: SourceTable } | undefined;
    const target = await makeTarget(`refused ${table}`, (await open(table)).columns, key);
    for (const snapshot of (await snapshotsOf(table)).slice(0, MOST)) {
      const at = await prepared(`refused ${table}`, await open(table, snapshot), target);
      const plan = await planStates(at, { meeting, before });
      await runBackfill(plan, { connect: () => duckdb.session(), signal: new AbortController().signal, notice: () => {}, waits: [] });
      before = { state: stateOf(at.plan), source: await open(table, snapshot) };
    }
  };
  await expect(from("iceberg/i07_equality_and_position", ["order_id"])).rejects.toMatchObject({ code: "DW-VALUE-REFUSED" });
  await expect(from("iceberg/i06_equality_deletes", undefined)).rejects.toMatchObject({ code: "DW-SOURCE-UNSUPPORTED" });
}, 120_000);
