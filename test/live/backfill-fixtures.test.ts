import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openDuckDb } from "../../src/connections/duckdb.js";
import { openPg } from "../../src/connections/pg.js";
import { openPglite } from "../../src/connections/pglite.js";
import type { Columns } from "../../src/core/model.js";
import type { DuckDb, Pg } from "../../src/core/session.js";
import type { SourceColumn, SourceTable } from "../../src/core/source.js";
import type { TargetTable } from "../../src/core/target.js";
import { duckdbTarget } from "../../src/engines/duckdb/load.js";
import { openDuckdbTable } from "../../src/engines/duckdb/read.js";
import { mapType as duckdbType } from "../../src/engines/duckdb/types.js";
import { pgTarget } from "../../src/engines/postgres/load.js";
import { openPgTable } from "../../src/engines/postgres/read.js";
import { mapType as postgresType } from "../../src/engines/postgres/types.js";
import { openIceberg } from "../../src/sources/iceberg/index.js";
import { openPaimon } from "../../src/sources/paimon/index.js";
import { openLocal } from "../../src/storage/local.js";
import { openDatabase, type TestDatabase } from "../backfill/duckdb.js";
import { backfill } from "../backfill/load.js";
import { differing, type Kept, microseconds, nanoseconds } from "../support/kept-rows.js";
import { type Expected, jsonLines } from "../support/rows.js";
import { startPostgres } from "./postgres.js";

/*
 * Every lake table under test/fixtures, loaded into every target that can run: the certificate compares each value, and the
 * rows that are read back from the target are those of the reference readers.
 */

const fixtures = fileURLToPath(new URL("../fixtures", import.meta.url));
const cases = ["iceberg", "paimon"].flatMap((format) =>
  readdirSync(join(fixtures, format))
    .filter((name) => existsSync(join(fixtures, format, name, "expected.json")))
    .map((name) => ({ format, name })),
);

const server = await startPostgres();
let folder: string;
let embedded: Pg;
let pg: Pg | undefined;
let database: TestDatabase;
let warehouse: TestDatabase;
let duckdb: DuckDb;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-fixtures-"));
  embedded = await openPglite(join(folder, "pglite"));
  pg = server && (await openPg(server.connection, undefined));
  database = await openDatabase();
  duckdb = await openDuckDb({ path: join(folder, "warehouse.duckdb") });
  warehouse = { connect: () => duckdb.session(), close: () => duckdb.close() };
});

afterAll(async () => {
  await pg?.close();
  await server?.stop();
  await embedded?.close();
  await database?.close();
  await warehouse?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Place {
  /** Writes an expected line as this target keeps it. */
  readonly kept: Kept;
  readonly make: (name: string, columns: readonly SourceColumn[]) => Promise<TargetTable>;
  readonly read: (name: string) => Promise<SourceTable>;
}

const pgPlace = (on: Pg, engine: "timescale" | "postgres"): Place => ({
  kept: microseconds,
  make: (name, columns) => postgresTable(on, engine, name, columns),
  read: (name) => openPgTable(on, { schema: "public", table: name, scratch: folder }),
});

const places: readonly (() => Place | undefined)[] = [
  () => pgPlace(embedded, "timescale"),
  () => pg && pgPlace(pg, "postgres"),
  () => ({ kept: nanoseconds, make: duckdbTable, read: (name) => openDuckdbTable(duckdb, { name: ["main", name], scratch: folder }) }),
];

const ident = (name: string): string => `"${name.replaceAll('"', '""')}"`;

async function postgresTable(
  on: Pg,
  engine: "timescale" | "postgres",
  name: string,
  columns: readonly SourceColumn[],
): Promise<TargetTable> {
  const list = columns.map((column) => `${ident(column.name)} ${postgresType(column.type).native}`);
  await on.query(`CREATE TABLE ${ident(name)} (${list.join(", ")})`);
  return pgTarget(on, { engine, schema: "public", table: name, pii: new Set(), scratch: folder });
}

async function duckdbTable(name: string, columns: readonly SourceColumn[]): Promise<TargetTable> {
  const db = await warehouse.connect();
  const list = columns.map((column) => `${ident(column.name)} ${duckdbType(column.type).native}`);
  await db.run(`CREATE TABLE main.${ident(name)} (${list.join(", ")})`);
  await db.close();
  return duckdbTarget({ engine: "duckdb", name: ["main", name], merge: { merge: "append" }, connect: warehouse.connect });
}

/** Nanoseconds are cut by every target; the author of a model would have to say so. */
function accepting(columns: readonly SourceColumn[]): Columns {
  const accept = { timescale: "tested", postgres: "tested", duckdb: "tested" };
  return Object.fromEntries(columns.map(({ name, type, nullable }) => [name, { type, nullable, comment: "", accept }]));
}

async function open(format: string, name: string): Promise<SourceTable> {
  const storage = await openLocal(join(fixtures, format, name, "table"));
  return format === "iceberg" ? openIceberg(storage, { at: {} }) : openPaimon(storage, { at: {} });
}

interface ExpectedTable {
  readonly rows: number;
  readonly columns: readonly Expected[];
}

test.each(cases)("$format $name arrives equal in TimescaleDB, PostgreSQL and DuckDB", async ({ format, name }) => {
  const folderOf = join(fixtures, format, name);
  const expected = JSON.parse(readFileSync(join(folderOf, "expected.json"), "utf8")) as ExpectedTable;
  for (const place of places) {
    const on = place();
    if (on === undefined) continue;
    const source = await open(format, name);
    const target = await on.make(name, source.columns);
    const request = { name, source, target, sourceZone: "UTC", targetModel: { columns: accepting(source.columns), zone: "UTC" } };
    const certificate = await backfill(request, target.reader ?? database.connect);
    expect({ findings: certificate.findings, rows: certificate.rows.target }).toEqual({ findings: [], rows: String(expected.rows) });
    expect(certificate.columns.filter(({ compared }) => compared !== "every value")).toEqual([]);
    await target.close();
    const back = await on.read(name);
    const lines = await jsonLines(back).finally(() => back.close());
    expect(differing(lines, join(folderOf, "expected.jsonl"), expected.columns, on.kept)).toEqual({
      rows: expected.rows,
      extra: [],
      missing: [],
    });
  }
});
