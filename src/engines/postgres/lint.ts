import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { EngineTarget, Finding } from "../../core/finding.js";
import { type PostgresObject, postgresObject, type TableBody } from "./body.js";
import { partitionFindings } from "./lint-partitions.js";
import { placeOf, type TableObject } from "./lint-place.js";
import { roleFindings } from "./lint-roles.js";

export type AggregateObject = Extract<PostgresObject, { kind: "continuous-aggregate" }>;

/** MaxHeapAttributeNumber (PostgreSQL manual, appendix K). */
const MAX_COLUMNS = 1600;
const MAX_INDEX_COLUMNS = 32;

const TESTED = { oldest: 15, newest: 18 };

export function lint(objects: readonly CatalogObject[], target: EngineTarget): Finding[] {
  return [...versionFindings(target), ...lintTables(objects)];
}

/** Rules for tables and roles, which hold for TimescaleDB too. */
export function lintTables(objects: readonly CatalogObject[]): Finding[] {
  const tables = tablesOf(objects);
  const byName = new Map(tables.map((table) => [displayName(table.name), table]));
  return [
    ...tables.flatMap((table) => [...columnFindings(table), ...indexFindings(table), ...referenceFindings(table, byName)]),
    ...partitionFindings(tables),
    ...roleFindings(objects),
  ];
}

export function tablesOf(objects: readonly CatalogObject[]): TableObject[] {
  return objects.map(postgresObject).filter((object): object is TableObject => object.kind === "table");
}

function versionFindings({ version }: EngineTarget): Finding[] {
  const major = Number.parseInt(version, 10);
  if (Number.isNaN(major) || (major >= TESTED.oldest && major <= TESTED.newest)) return [];
  return [unproven("postgres/version", `PostgreSQL ${version}`, `${TESTED.oldest} to ${TESTED.newest}`)];
}

export function unproven(rule: string, what: string, tested: string): Finding {
  return {
    rule,
    severity: "unproven",
    message: `Nothing is known about ${what}; the rules here were tried on ${tested}.`,
    fix: `Name a version from ${tested}, or try the output on a test server.`,
  };
}

function columnFindings(table: TableObject): Finding[] {
  const { columns } = table.body;
  const findings: Finding[] = [];
  if (columns.length > MAX_COLUMNS) {
    findings.push({
      rule: "postgres/too-many-columns",
      severity: "error",
      message: `${placeOf(table)} has ${columns.length} columns; PostgreSQL takes at most ${MAX_COLUMNS}.`,
      fix: "Split the table, or keep rare columns in one JSON column.",
      place: placeOf(table),
    });
  }
  for (const column of columns) {
    if (column.generated === undefined || column.default === undefined) continue;
    findings.push({
      rule: "postgres/generated-with-default",
      severity: "error",
      message: `${placeOf(table, column.name)} is computed and has a default; PostgreSQL refuses both on one column.`,
      fix: "Remove one of them.",
      place: placeOf(table, column.name),
    });
  }
  for (const name of table.body.primaryKey?.columns ?? []) {
    if (columns.find((column) => column.name === name)?.nullable) {
      findings.push({
        rule: "postgres/nullable-key",
        severity: "error",
        message: `${placeOf(table, name)} belongs to the key and is nullable; PostgreSQL makes key columns NOT NULL.`,
        fix: "Remove .nullable(), or take the column out of the key.",
        place: placeOf(table, name),
      });
    }
  }
  return findings;
}

function indexFindings(table: TableObject): Finding[] {
  const names = new Set(table.body.columns.map(({ name }) => name));
  return table.body.indexes.flatMap(({ name, columns, method, unique }) => {
    const at = (rule: string, message: string, fix: string): Finding => ({ rule, severity: "error", message, fix, place: placeOf(table) });
    const unknown = columns.filter(({ column }) => !names.has(column)).map(({ column }) => column);
    return [
      ...(unknown.length === 0
        ? []
        : [
            at(
              "postgres/index-column",
              `Index ${name} names ${unknown.join(", ")}, which ${placeOf(table)} does not have.`,
              "Correct the column's name.",
            ),
          ]),
      ...(columns.length <= MAX_INDEX_COLUMNS
        ? []
        : [at("postgres/index-width", `Index ${name} has more than ${MAX_INDEX_COLUMNS} columns.`, "Index fewer columns.")]),
      ...(unique && method !== "btree"
        ? [at("postgres/unique-method", `Unique index ${name} uses ${method}; only btree can be unique.`, "Leave the method out.")]
        : []),
      ...(method === "hash" && columns.length > 1
        ? [at("postgres/hash-width", `Index ${name} is a hash index on several columns; hash takes one.`, "Use btree.")]
        : []),
      ...(method !== "btree" && columns.some(({ order }) => order === "desc")
        ? [at("postgres/index-order", `Index ${name} orders its columns, which ${method} cannot.`, "Leave the order out, or use btree.")]
        : []),
    ];
  });
}

function referenceFindings(table: TableObject, tables: ReadonlyMap<string, TableObject>): Finding[] {
  return table.body.foreignKeys.flatMap((key) => {
    const target = tables.get(displayName(key.table));
    if (target === undefined || isUnique(target.body, key.to)) return [];
    return [
      {
        rule: "postgres/reference-target",
        severity: "error" as const,
        message: `${key.name} refers to ${placeOf(target)} (${key.to.join(", ")}), which is neither its key nor a unique index.`,
        fix: "Refer to the key, or add a unique index on exactly these columns.",
        place: placeOf(table),
      },
    ];
  });
}

function isUnique(body: TableBody, columns: readonly string[]): boolean {
  const same = (others: readonly string[]): boolean => others.length === columns.length && others.every((other) => columns.includes(other));
  if (body.primaryKey && same(body.primaryKey.columns)) return true;
  return body.indexes.some(({ unique, where, columns: own }) => unique && where === undefined && same(own.map(({ column }) => column)));
}
