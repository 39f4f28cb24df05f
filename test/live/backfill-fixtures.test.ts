import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openPg } from "../../src/connections/pg.js";
import { openPglite } from "../../src/connections/pglite.js";
import { isDwError } from "../../src/core/errors.js";
import type { Columns } from "../../src/core/model.js";
import type { Pg } from "../../src/core/session.js";
import type { SourceColumn, SourceTable } from "../../src/core/source.js";
import type { TargetTable } from "../../src/core/target.js";
import { duckdbTarget } from "../../src/engines/duckdb/load.js";
import { mapType as duckdbType } from "../../src/engines/duckdb/types.js";
import { pgTarget } from "../../src/engines/postgres/load.js";
import { mapType as postgresType } from "../../src/engines/postgres/types.js";
import { openIceberg } from "../../src/sources/iceberg/index.js";
import { openPaimon } from "../../src/sources/paimon/index.js";
import { openLocal } from "../../src/storage/local.js";
import { openDatabase, type TestDatabase } from "../backfill/duckdb.js";
import { backfill } from "../backfill/load.js";
import { startPostgres } from "./postgres.js";

/*
 * Every lake table under test/fixtures that dw reads, loaded into every target that can run: the certificate compares each
 * value, and the number of rows is the one that the reference readers gave.
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
const refused: string[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-fixtures-"));
  embedded = await openPglite(join(folder, "pglite"));
  pg = server && (await openPg(server.connection, undefined));
  database = await openDatabase();
  warehouse = await openDatabase(join(folder, "warehouse.duckdb"));
});

afterAll(async () => {
  process.stderr.write(`not read yet, and refused whole: ${refused.length} (${refused.join(", ")})\n`);
  await pg?.close();
  await server?.stop();
  await embedded?.close();
  await database?.close();
  await warehouse?.close();
  await rm(folder, { recursive: true, force: true });
});

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

test.each(cases)("$format $name arrives equal in TimescaleDB, PostgreSQL and DuckDB", async ({ format, name }) => {
  const expected = JSON.parse(readFileSync(join(fixtures, format, name, "expected.json"), "utf8")) as { rows: number };
  const targets: ((columns: readonly SourceColumn[]) => Promise<TargetTable>)[] = [
    (columns) => postgresTable(embedded, "timescale", name, columns),
    (columns) => duckdbTable(name, columns),
  ];
  if (pg !== undefined) {
    const on = pg;
    targets.push((columns) => postgresTable(on, "postgres", name, columns));
  }
  for (const make of targets) {
    try {
      const source = await open(format, name);
      const target = await make(source.columns);
      const request = { name, source, target, sourceZone: "UTC", targetModel: { columns: accepting(source.columns), zone: "UTC" } };
      const certificate = await backfill(request, target.reader ?? database.connect);
      expect({ findings: certificate.findings, rows: certificate.rows.target }).toEqual({ findings: [], rows: String(expected.rows) });
      await target.close();
    } catch (error) {
      if (!isDwError(error) || error.code !== "DW-SOURCE-UNSUPPORTED") throw error;
      refused.push(name);
      return;
    }
  }
});
