import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { judgeText } from "../../src/engines/starrocks/judge/judge.js";

/*
 * The verdicts of a real front end (test/fixtures/starrocks/README.md) against ours: each case's definitions are one file.
 * What a running job refuses depends on time and is left out, and so is what other users did.
 */

const folder = fileURLToPath(new URL("../fixtures/starrocks/", import.meta.url));
const DEFINITION =
  /^\s*(CREATE\s+(TABLE|VIEW|MATERIALIZED|DATABASE|INDEX)|ALTER\s+(TABLE|VIEW|MATERIALIZED)|DROP\s+(TABLE|VIEW|MATERIALIZED|INDEX))/i;
const RUNNING = /in progress|currently in state|is being created on|is not under|is doing|under (SCHEMA_CHANGE|ROLLUP|OPTIMIZE)/i;

interface Recorded {
  readonly sql?: string;
  readonly user?: string;
  readonly result?: { readonly ok?: boolean; readonly error?: { readonly message: string } };
}

interface Case {
  readonly id: string;
  readonly statements?: readonly Recorded[];
}

const cases = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .sort()
  .map((file) => JSON.parse(readFileSync(folder + file, "utf8")) as Case); // recorded by us

function definitions({ statements = [] }: Case): { sql: string; accepted: boolean }[] {
  return statements.flatMap(({ sql = "", user, result }) => {
    if (!DEFINITION.test(sql) || user !== undefined || !result) return [];
    return result.ok || !RUNNING.test(result.error?.message ?? "") ? [{ sql, accepted: result.ok === true }] : [];
  });
}

function disagreements(one: Case): { where: string; accepted: boolean }[] {
  const statements = definitions(one);
  const text = statements.map(({ sql }) => `${sql.trimEnd().replace(/;+$/, "")};\n\n`).join("");
  const verdicts = judgeText(text, { engine: "starrocks", version: "4.0", mode: "shared-nothing", backends: 3 }, { isDescribed: true });
  return statements.flatMap(({ sql, accepted }, index) => {
    const refused = verdicts[index]?.findings.some(({ severity }) => severity === "error") ?? true;
    return refused === accepted ? [{ where: `${one.id}: ${sql}`, accepted }] : [];
  });
}

test("a real front end and lint agree on the recorded definitions, and nothing that it took is refused", () => {
  const total = cases.flatMap(definitions).length;
  const wrong = cases.flatMap(disagreements);
  process.stdout.write(`${total - wrong.length} of ${total} verdicts agree\n`);
  expect(wrong.filter(({ accepted }) => accepted)).toEqual([]);
  expect(total).toBe(982);
  // The others need what no file shows: a transaction, a resource group, a database or catalog that is not there.
  expect(wrong.map(({ where }) => where.replace(/\s+/g, " ").slice(0, 60)).sort()).toEqual([
    "alter-concurrent: DROP TABLE air FORCE",
    "mig-exists: CREATE DATABASE db_mig_exists",
    "mig-exists: CREATE TABLE nope_db.t (a INT)",
    "mig-transactions: ALTER TABLE tx ADD COLUMN c INT",
    "mig-transactions: CREATE TABLE tx2 (a INT) DISTRIBUTED BY HA",
    'mv-alter-props: ALTER MATERIALIZED VIEW mpp SET ("resource_g',
    "mv-async-refused: CREATE MATERIALIZED VIEW nx7 REFRESH ASYNC",
    "ref-names: CREATE TABLE unknown_cat.db.t (a INT) DISTRIBUTED",
    "ref-names: CREATE TABLE unknown_db.t (a INT) DISTRIBUTED BY ",
  ]);
});
