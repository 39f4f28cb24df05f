import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { migrateDown } from "../../src/app/migrate/down.js";
import { readHistory } from "../../src/app/migrate/folder.js";
import { readIntent } from "../../src/app/migrate/intent.js";
import type { LiveSlot } from "../../src/app/migrate/live.js";
import { openLiveSlots } from "../../src/app/migrate/live-slots.js";
import { plannersOf } from "../../src/app/migrate/make.js";
import type { Meeting } from "../../src/app/migrate/meeting.js";
import { migrationFolder } from "../../src/app/migrate/open.js";
import { repairMigration } from "../../src/app/migrate/repair.js";
import { migrateUp, verifyMigrations } from "../../src/app/migrate/up.js";
import { openProject, type Project } from "../../src/app/project.js";
import { openState } from "../../src/app/state.js";
import { DwError } from "../../src/core/errors.js";
import type { Statement } from "../../src/core/plan.js";
import { Redactor } from "../../src/core/redactor.js";
import type { Pg } from "../../src/core/session.js";
import { engines } from "../../src/engines/index.js";
import { dw } from "../cli/run-dw.js";

/*
 * The iot warehouse with rows, chunks in the columnstore, continuous aggregates that outlived their source rows, policies and
 * grants: a column under all of that changes its type, and back. Embedded, and on a server where DW_TEST_TIMESCALE names one
 * (that database is emptied).
 */

const DAY = 86_400_000;
const NOW = Date.now();

/** Days from today: a server's own jobs run while this does, and drop what is older than its retention. */
const day = (offset: number): string => new Date(NOW + offset * DAY).toISOString().slice(0, 10);

const SEED = [
  `INSERT INTO sensor_data (time, sensor_id, temperature, humidity, received_at)
   SELECT t, 's' || s, 20 + s + extract(minute FROM t) / 60.0, 50, t
   FROM generate_series(timestamptz '${day(-13)} 00:00Z', timestamptz '${day(0)} 00:00Z', interval '10 minutes') t, generate_series(1, 3) s`,
  "CALL refresh_continuous_aggregate('sensor_data_hourly', NULL, NULL)",
  `SELECT compress_chunk(chunk) FROM show_chunks('sensor_data', older_than => timestamptz '${day(-3)}') AS chunk`,
  `SELECT drop_chunks('sensor_data', older_than => timestamptz '${day(-11)}')`,
  "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'grafana') THEN CREATE ROLE grafana; END IF; END $$",
  "GRANT SELECT ON sensor_data, sensor_data_hourly TO grafana",
  "GRANT UPDATE ON sensor_data TO grafana WITH GRANT OPTION",
];

const FACTS = `SELECT jsonb_build_object(
  'rows', (SELECT count(*) FROM sensor_data), 'buckets', (SELECT count(*) FROM sensor_data_hourly),
  'oldest', (SELECT min(bucket) FROM sensor_data_hourly),
  'converted', (SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = 'sensor_data' AND hypertable_schema = 'public' AND is_compressed),
  'jobs', (SELECT jsonb_agg(format('%s %s %s', proc_name, hypertable_name, scheduled) ORDER BY hypertable_name, proc_name) FROM (
    SELECT j.proc_name, coalesce(a.view_name, j.hypertable_name) AS hypertable_name, j.scheduled FROM timescaledb_information.jobs j
    LEFT JOIN timescaledb_information.continuous_aggregates a ON a.materialization_hypertable_name = j.hypertable_name
    WHERE j.job_id >= 1000 AND coalesce(a.view_name, j.hypertable_name) LIKE 'sensor_data%') jobs),
  'grants', has_table_privilege('grafana', 'sensor_data', 'SELECT') AND has_table_privilege('grafana', 'sensor_data_hourly', 'SELECT')
    AND has_table_privilege('grafana', 'sensor_data', 'UPDATE WITH GRANT OPTION') AND NOT has_table_privilege('grafana', 'sensor_data', 'DELETE'),
  'set aside', (SELECT count(*) FROM pg_namespace WHERE nspname ~ '_dw_(shadow|held)$')
)::text AS facts`;

const external = process.env.DW_TEST_TIMESCALE === undefined ? undefined : new URL(process.env.DW_TEST_TIMESCALE);

function environmentText(): string {
  if (external === undefined) return 'test: { embedded: ".dw/test" }';
  const { hostname: host, port, username: user, pathname } = external;
  const ts = { kind: "postgres", host, port: Number(port), user, database: pathname.slice(1) };
  return `test: ${JSON.stringify({ slots: { timescale: "ts" }, state: "ts", connections: { ts } })}`;
}

describe(`a type changes under a columnstore, an aggregate and policies, ${external ? "on a TimescaleDB server" : "embedded"}`, () => {
  let cwd: string;
  const model = (): string => join(cwd, "models/iot/dwd/sensor_data.ts");
  let before = "";
  let project: Project;
  let opened: Awaited<ReturnType<typeof open>>;

  async function open() {
    project = await openProject({ cwd, redactor: new Redactor(), variables: {} });
    const connections = project.connect(project.environment("test"));
    const slots = await openLiveSlots(connections, ["timescale"], engines);
    return { folder: migrationFolder(project, "iot"), connections, slots, store: await openState(connections) };
  }

  beforeAll(async () => {
    cwd = mkdtempSync(join(tmpdir(), "dw-rebuild-"));
    cpSync(join(import.meta.dirname, "../../models/iot"), join(cwd, "models/iot"), { recursive: true });
    rmSync(join(cwd, "models/iot/ods"), { recursive: true }); // topics: no broker here
    writeFileSync(
      join(cwd, "dw.config.ts"),
      `import { defineConfig } from "dwright";\nexport default defineConfig({ environments: { ${environmentText()} } });\n`,
    );
    await migration("first");
    opened = await open();
    if (external) await emptied();
    await meet((meeting) => up(meeting));
    await meet(async (_, pg) => {
      for (const sql of SEED) await pg.query(sql);
    });
    before = await facts();
    writeFileSync(model(), readFileSync(model(), "utf8").replace("temperature: t.double(", "temperature: t.float("));
    await migration("smaller");
  });
  afterAll(async () => {
    await project?.close();
    rmSync(cwd, { recursive: true, force: true });
  });

  async function emptied(): Promise<void> {
    await meet(async (_, pg) => {
      const schemas = await pg.query<{ n: string }>(
        "SELECT quote_ident(nspname) AS n FROM pg_namespace WHERE nspname ~ '_dw_(shadow|held)$'",
      );
      for (const n of ["public", "dw_state", ...schemas.map((row) => row.n)]) await pg.query(`DROP SCHEMA IF EXISTS ${n} CASCADE`);
      for (const sql of ["CREATE SCHEMA public", "CREATE EXTENSION IF NOT EXISTS timescaledb"]) await pg.query(sql);
    });
    await project.close();
    opened = await open();
  }

  /** In a process of its own: one that has imported a model keeps it. */
  async function migration(name: string): Promise<void> {
    expect(await dw(["migrate", "new", name], { cwd })).toMatchObject({ code: 0, stderr: expect.any(String) });
  }

  async function meet<Result>(work: (meeting: Meeting, pg: Pg) => Promise<Result>, now = NOW): Promise<Result> {
    const { folder, connections, slots, store } = opened;
    const open = await connections.slot("timescale");
    if (open.kind !== "pg") throw new Error("the timescale slot is no PostgreSQL");
    const [history, intent] = [await readHistory(folder, "iot"), await readIntent(folder)];
    const { signal } = new AbortController();
    const fixed = { environment: "test", planners: plannersOf(engines), owner: "test", signal, say: () => undefined };
    return work({ ...fixed, history, intent, slots, store, now }, open.pg);
  }

  const acting = (approve: readonly string[] = []) => ({ dryRun: false, lockTimeoutMs: 0, approve });

  async function up(meeting: Meeting): ReturnType<typeof migrateUp> {
    const { unapproved } = await migrateUp(meeting, { ...acting(), dryRun: true });
    return migrateUp(meeting, acting(unapproved.map(({ line }) => line)));
  }

  async function facts(): Promise<string> {
    return meet(async (_, pg) => String((await pg.query(FACTS))[0]?.facts));
  }

  const verified = () => meet(async (meeting) => (await verifyMigrations(meeting)).differences);

  /** The meeting with a connection that is lost before the first statement that contains `word`. */
  function losing(meeting: Meeting, word: string): Meeting {
    const slots = new Map(
      [...meeting.slots].map(([name, slot]): [typeof name, LiveSlot] => [
        name,
        {
          ...slot,
          run: (statements: readonly Statement[], signal: AbortSignal) =>
            statements.some(({ text }) => text.includes(word))
              ? Promise.reject(new DwError("DW-CONNECT", { what: "The connection is gone.", why: "Cut.", fix: "Again." }))
              : slot.run(statements, signal),
        },
      ]),
    );
    return { ...meeting, slots };
  }

  test("it is a rebuild that says what it does, and nothing happens before its hazards are approved", async () => {
    const { steps, unapproved } = await meet((meeting) => migrateUp(meeting, { ...acting(), dryRun: true }));
    expect(steps.map(({ plan }) => plan.operations.map(({ op, object }) => `${op} ${object.id}`))).toEqual([
      ["rebuild-object timescale:table:public.sensor_data"],
    ]);
    expect([...new Set(unapproved.map(({ hazard }) => hazard))]).toEqual(["rewrites-table", "blocks-writes", "data-loss"]);
    expect(unapproved.map(({ why }) => why)).toContain(
      "Values of public.sensor_data.temperature that real cannot hold are rounded, or the copy is refused.",
    );
    expect(await meet((meeting) => migrateUp(meeting, acting()).catch((error: DwError) => error.code))).toBe("DW-HAZARD-UNAPPROVED");
    expect(await facts()).toBe(before);
  });

  test("a view that somebody else made on it is named, and nothing is changed", async () => {
    await meet((_, pg) => pg.query("CREATE VIEW somebodys_view AS SELECT max(temperature) FROM sensor_data"));
    const refused = await meet((meeting) =>
      up(meeting).then(
        () => undefined,
        (error: DwError) => error,
      ),
    );
    expect(refused).toMatchObject({ code: "DW-ENGINE-REFUSED", what: expect.stringContaining("view public.somebodys_view") });
    await meet((_, pg) => pg.query("DROP VIEW somebodys_view"));
    expect(await facts()).toBe(before);
  });

  test("lost before the swap, it is taken back by repair, as if it had never begun", async () => {
    await meet((meeting) => expect(up(losing(meeting, "LOCK TABLE"))).rejects.toThrow("The connection is gone"));
    expect(JSON.parse(await facts())).toMatchObject({ ...JSON.parse(before), jobs: expect.anything(), "set aside": 1 });
    await meet((meeting) => repairMigration(meeting, { lockTimeoutMs: 0, how: "undo", approve: [] }));
    expect(await facts()).toBe(before);
    expect(await verified()).toEqual([]);
  });

  test("lost again, the next run goes on: rows, buckets without source rows, chunks, policies and grants are there", async () => {
    await meet((meeting) => expect(up(losing(meeting, "refresh_continuous"))).rejects.toThrow("The connection is gone"));
    await meet(async (_, pg) => {
      await pg.query(
        `INSERT INTO sensor_data (time, sensor_id, temperature, humidity, received_at) VALUES ('${day(0)} 03:00Z', 's9', 1.5, 1, now())`,
      );
      await pg.query(`UPDATE sensor_data SET humidity = 77 WHERE sensor_id = 's1' AND time = '${day(-9)} 12:00Z'`); // in the columnstore
      await pg.query(`DELETE FROM sensor_data WHERE sensor_id = 's2' AND time = '${day(-2)} 12:00Z'`);
    });
    const { held } = await meet(up);
    expect(held.map(({ until }) => until)).toEqual([expect.stringMatching(/T/)]);
    const now = JSON.parse(await facts()) as Record<string, unknown>;
    const was = JSON.parse(before) as { rows: number; buckets: number };
    expect(now).toEqual({ ...was, rows: was.rows, buckets: was.buckets + 1, "set aside": 1 });
    expect(
      await meet(
        async (_, pg) =>
          (
            await pg.query(
              `SELECT pg_typeof(temperature)::text AS t, humidity::text AS h FROM sensor_data WHERE sensor_id = 's1' AND time = '${day(-9)} 12:00Z'`,
            )
          )[0],
      ),
    ).toEqual({ t: "real", h: "77" });
    expect(await verified()).toEqual([]);
    expect(await meet(async (meeting) => (await up(meeting)).steps)).toEqual([]);
  });

  test("while the old table is held, down brings it back with its exact values and the rows that came since", async () => {
    await meet((_, pg) =>
      pg.query(
        `INSERT INTO sensor_data (time, sensor_id, temperature, humidity, received_at) VALUES ('${day(0)} 04:00Z', 's9', 2.5, 1, now())`,
      ),
    );
    await meet(async (meeting) => {
      const { unapproved } = await migrateDown(meeting, { ...acting(), dryRun: true });
      await migrateDown(meeting, acting(unapproved.map(({ line }) => line)));
    });
    const was = JSON.parse(before) as { rows: number };
    expect(JSON.parse(await facts())).toMatchObject({
      rows: was.rows + 1,
      grants: true,
      "set aside": 0,
      oldest: expect.stringContaining(`${day(-13)}`),
    });
    expect(
      await meet(
        async (_, pg) =>
          (await pg.query(`SELECT temperature::text AS t FROM sensor_data WHERE sensor_id = 's1' AND time = '${day(-9)} 12:10Z'`))[0]?.t,
      ),
    ).toBe("21.166666666666668");
    expect(await verified()).toEqual([]);
  });

  test("once its hold has ended the old table goes, and there is no way back any more", async () => {
    await meet(up);
    const later = NOW + 8 * DAY;
    expect(await meet(async (meeting) => (await migrateUp(meeting, acting())).letGo.map(({ id }) => id.slice(15)), later)).toEqual([
      "smaller",
    ]);
    expect(JSON.parse(await facts())).toMatchObject({ "set aside": 0, grants: true });
    expect(await meet((meeting) => migrateDown(meeting, acting()).catch((error: DwError) => error.code), later)).toBe("DW-ENGINE-REFUSED");
    expect(await verified()).toEqual([]);
  });
});
