import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SourceColumn } from "../../src/core/source.js";
import { transitType } from "../../src/core/transit.js";
import type { LogicalType } from "../../src/core/types.js";
import { mapType } from "../../src/engines/starrocks/types.js";
import { jsonLine } from "../../src/formats/jsonl.js";
import { columnPiece } from "../../src/model/print/column.js";
import { layOut } from "../../src/model/print/literal.js";
import { openSource } from "../../src/sources/index.js";
import { type FakeServer, startFakeStarrocks } from "../live/starrocks-fake/server.js";
import { differing, microseconds } from "../support/kept-rows.js";
import { type LakeCase, lakeCases, lakeFormats } from "../support/lake-cases.js";
import { projectFolder } from "../unit/model/project-folder.js";
import { dw, type Run } from "./run-dw.js";

/*
 * Backfills into StarRocks as a person runs them: configuration, models, migrations, `dw backfill`. The server is the fake, and
 * what it holds in the end is compared with what the reference readers of the lakes expect, row by row.
 */

let server: FakeServer;
beforeAll(async () => {
  server = await startFakeStarrocks([{ user: "loader", password: "se:cret" }]);
});
afterAll(() => server.stop());

const config = (): string => `import { defineConfig, env } from "dwright";
export default defineConfig({ environments: { prod: {
  slots: { starrocks: "warehouse" }, state: "warehouse",
  connections: { warehouse: { kind: "starrocks", host: "127.0.0.1", port: ${server.port}, httpPort: ${server.httpPort}, user: "loader", password: env("SR_PASSWORD") } },
} } });
`;

type Dw = ((...words: string[]) => Promise<Run>) & { readonly cwd: string };

async function project(files: Readonly<Record<string, string>>): Promise<Dw> {
  const cwd = await projectFolder({ "dw.config.ts": config(), ...files });
  const run = (...words: string[]): Promise<Run> => dw([...words, "--env", "prod"], { cwd, env: { SR_PASSWORD: "se:cret" } });
  return Object.assign(run, { cwd });
}

async function migrated(files: Readonly<Record<string, string>>): Promise<Dw> {
  server.fake.reset();
  const run = await project(files);
  const made = await run("migrate", "new", "first");
  expect([made.code, made.stderr]).toEqual([0, made.stderr]);
  const up = await run("migrate");
  expect([up.code, up.stderr]).toEqual([0, up.stderr]);
  return run;
}

// ------------------------------------------------------------------------------------------------ every lake table

interface Lake extends LakeCase {
  readonly columns_: readonly SourceColumn[];
}

const isFinal = ({ name }: LakeCase): boolean => !name.includes("/");
const identifier = (name: string): string => name.replace(/\W/g, "_");

async function lakes(): Promise<Lake[]> {
  const cases = lakeFormats.flatMap((format) => lakeCases(format)).filter(isFinal);
  return Promise.all(
    cases.map(async (one) => {
      const source = await openSource(one.source, { at: {}, cwd: "/" });
      const columns_ = source.columns.map((column) => ({ ...column, nullable: true }));
      await source.close();
      return { ...one, columns_ };
    }),
  );
}

/** NaN and infinities, which StarRocks does not keep, become NULL: the map has to say so. */
function mapOf(columns: readonly SourceColumn[]): string {
  const maps = columns.flatMap(({ name, type }) => {
    const finite = finiteSql(type, `"${name}"`, 0);
    return finite === undefined ? [] : [`${JSON.stringify(name)}: { sql: ${JSON.stringify(finite)} }`];
  });
  return maps.join(", ");
}

/** The value with NULL in every leaf that is no finite number; undefined for types without floats. */
function finiteSql(type: LogicalType, value: string, depth: number): string | undefined {
  const name = `f${depth}`;
  switch (type.kind) {
    case "float":
      return `CASE WHEN isfinite(${value}) THEN ${value} END`;
    case "list": {
      const element = finiteSql(type.element.type, name, depth + 1);
      return element && `list_transform(${value}, lambda ${name}: ${element})`;
    }
    case "map": {
      const member = finiteSql(type.value.type, name, depth + 1);
      return (
        member &&
        `CASE WHEN ${value} IS NOT NULL THEN map(map_keys(${value}), list_transform(map_values(${value}), lambda ${name}: ${member})) END`
      );
    }
    case "struct": {
      const fields = type.fields.map((field) => ({
        name: field.name,
        sql: finiteSql(field.type, `struct_extract(${value}, '${field.name}')`, depth),
      }));
      if (fields.every(({ sql }) => sql === undefined)) return undefined;
      const members = fields.map((field) => `"${field.name}" := ${field.sql ?? `struct_extract(${value}, '${field.name}')`}`);
      return `CASE WHEN ${value} IS NOT NULL THEN struct_pack(${members.join(", ")}) END`;
    }
    default:
      return undefined;
  }
}

function modelsOf(tables: readonly Lake[]): string {
  const definitions = tables.map(({ name, source, columns_ }) => {
    const columns = columns_.map(({ name: column, type, nullable }) => {
      const piece = columnPiece({ type, nullable, comment: column, accept: { starrocks: "digits beyond microseconds" } });
      return `${JSON.stringify(column)}: ${layOut(piece)}`;
    });
    const table = identifier(name);
    const key = columns_[0]?.name ?? "";
    return `export const ${table} = defineTable("${table}", { layer: "ods", grain: "one row per row of the lake", zone: "UTC",
  columns: { ${columns.join(", ")} },
  on: { starrocks: { database: "lake", table: "duplicate", key: [${JSON.stringify(key)}], distributeBy: { by: "random" } } } });
export const load_${table} = defineBackfill("load_${table}", { from: ${JSON.stringify(source)}, to: ${table}, sourceZone: "UTC", map: { ${mapOf(columns_)} } as never });`;
  });
  return `import { defineBackfill, defineTable, t } from "dwright";\n${definitions.join("\n")}\n`;
}

/** What the fake's table holds, as `dw cat` would write the source. */
async function heldLines(table: string, columns: readonly SourceColumn[]): Promise<string[]> {
  const casts = columns.map(({ name, type }) => `CAST("${name}" AS ${transitType(microsecond(type))}) AS "${name}"`);
  return server.fake.rowsOf(
    ["lake", table],
    (relation) => `SELECT ${jsonLine(columns)} FROM (SELECT ${casts.join(", ")} FROM ${relation})`,
  );
}

const microsecond = (type: LogicalType): LogicalType =>
  type.kind === "timestamp" && type.precision > 6 ? { ...type, precision: 6 } : type;

/** As StarRocks keeps a value: no digits beyond microseconds, no NaN and infinities. */
const kept = (line: string): string => microseconds(line).replaceAll(/"(NaN|-?Infinity)"/g, "null");

test("every lake table and plain file arrives in StarRocks, equal to what its reference reader expects", async () => {
  const tables = await lakes();
  expect(tables.filter(({ columns_ }) => columns_.some(({ type }) => mapType(type).level === "impossible"))).toEqual([]);
  const run = await migrated({ "models/lake/all.ts": modelsOf(tables) });
  const names = tables.map(({ name }) => `load_${identifier(name)}`);
  const loaded = await run("backfill", "run", ...names, "--json");
  expect([loaded.code, loaded.code === 0 ? "" : `${loaded.stderr}${loaded.stdout}`]).toEqual([0, ""]);
  const reports: readonly { readonly backfill: string; readonly verdict: string }[] = JSON.parse(loaded.stdout);
  expect(reports).toEqual(
    tables.map(({ name }) => expect.objectContaining({ backfill: `load_${identifier(name)}`, verdict: "equal", findings: [] })),
  );
  for (const { name, columns, columns_, expected } of tables) {
    const held = (await heldLines(identifier(name), columns_)).map(kept); // a column of nanoseconds is written with nine digits
    const found = differing(held, expected, columns, kept);
    expect({ name, ...found }).toEqual({ name, rows: found.rows, extra: [], missing: [] });
  }
}, 900_000);

// ------------------------------------------------------------------------------------------------ one table's life

const orders = (limit: number, more = ""): string => `import { defineBackfill, defineTable, hash, range, t } from "dwright";
export const orders = defineTable("orders", { layer: "dwd", grain: "one row per order", key: ["id"],
  columns: { id: t.bigint("order"), paid: t.decimal(10, 2, "euro"), note: t.text("free").nullable() },
  checks: [range("paid", { min: 0, max: ${limit} })],
  on: { starrocks: { database: "shop", table: "duplicate", key: ["id"], distributeBy: hash(["id"], 2) } } });
export const history = defineBackfill("history", { from: "jsonl:orders.jsonl", to: orders, ${more} });
`;
const lines = Array.from({ length: 50 }, (_, id) => JSON.stringify({ id, paid: `${id}.50`, note: id % 3 === 0 ? null : "x" }));
const held = (): Promise<string[]> =>
  server.fake.rowsOf(["shop", "orders"], (relation) => `SELECT CAST(id AS VARCHAR) FROM ${relation} ORDER BY id`);

test("status, verify and reset: what is loaded is known, compared again and forgotten with its rows", async () => {
  const run = await migrated({ "models/shop/orders.ts": orders(100), "orders.jsonl": `${lines.join("\n")}\n` });
  expect((await run("backfill", "status", "history", "--json")).stdout).toContain('"source": null');
  const planned = JSON.parse((await run("backfill", "history", "--dry-run", "--json")).stdout);
  expect(planned).toMatchObject([{ target: "shop.orders", route: expect.stringContaining("Stream Load") }]);
  expect((await run("backfill", "history")).code).toBe(0);
  expect(JSON.parse((await run("backfill", "status", "history", "--json")).stdout)).toMatchObject([{ rows: "50", chunks: 1 }]);
  expect((await run("backfill", "verify", "history")).stdout).toMatch(/50 .*equal/);

  await server.fake.run("UPDATE shop.orders SET paid = 7 WHERE id = 9", { id: 0, database: undefined });
  const found = await run("backfill", "verify", "history", "--json");
  expect([found.code, JSON.parse(found.stdout)]).toMatchObject([
    1,
    [{ verdict: "different", differences: [{ row: "id=9", columns: [{ name: "paid", source: "9.5", target: "7" }] }] }],
  ]);

  const refused = await run("backfill", "reset", "history");
  expect([refused.code, refused.stderr]).toMatchObject([5, expect.stringContaining("--empty")]);
  expect((await run("backfill", "reset", "history", "--empty")).code).toBe(0);
  expect(await held()).toEqual([]);
  expect(JSON.parse((await run("backfill", "history", "--json")).stdout)).toMatchObject([{ verdict: "equal", loadedNow: 1 }]);
  expect((await held()).length).toBe(50);
}, 900_000);

test("audited: nobody sees a row before all of them have passed, and a publication whose answer is lost is not repeated", async () => {
  const audited = 'publish: "audited"';
  const files = (limit: number) => ({ "models/shop/orders.ts": orders(limit, audited), "orders.jsonl": `${lines.join("\n")}\n` });
  const run = await migrated(files(40));
  const failed = await run("backfill", "history");
  expect([failed.code, failed.stderr]).toMatchObject([1, expect.stringContaining("DW-AUDIT-FAILED")]);
  expect(await held()).toEqual([]);

  await writeFile(join(run.cwd, "models/shop/orders.ts"), orders(100, audited));
  server.fake.misbehaviours.push({ does: "lose-connection", at: /WITH LABEL `dw_publish/ });
  const lost = await run("backfill", "history");
  expect([lost.code, server.fake.misbehaviours]).toEqual([3, []]);
  const again = await run("backfill", "history", "--json");
  expect([again.code, JSON.parse(again.stdout)]).toMatchObject([0, [{ verdict: "equal", rows: { source: "50", target: "50" } }]]);
  expect((await held()).length).toBe(50);
  expect(server.fake.executed.filter((sql) => sql.includes("dw_publish") && sql.startsWith("INSERT INTO `shop`")).length).toBe(1);
}, 900_000);
