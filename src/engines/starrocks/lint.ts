import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { EngineTarget, Finding } from "../../core/finding.js";
import { type ColumnBody, qualifiedName, type StarrocksObject, starrocksObject, type TableBody } from "./body.js";
import { isClusterObject } from "./cluster/body.js";
import { lintCluster } from "./cluster/lint.js";
import { create } from "./generate.js";
import { beginSession, judgeStatements, type Located, type Session } from "./judge/judge.js";
import { versionFindings } from "./judge/versions.js";
import { parseType } from "./types.js";

/*
 * What a front end refuses of a model, known before there is one. The model's own statement is generated, read and judged
 * as if it stood in a file, so that a model and hand-written SQL cannot get two answers. Here is only what no statement
 * says: which model and column a finding belongs to, and what the engine accepts and regrets when rows arrive.
 */

export function lint(objects: readonly CatalogObject[], target: EngineTarget): readonly Finding[] {
  const session = beginSession(target);
  const local = objects.filter((object) => !isClusterObject(object)).map(starrocksObject);
  return [
    ...versionFindings(target),
    ...lintCluster(objects.filter(isClusterObject)),
    ...dependenciesFirst(local).flatMap((object) => [...notWritten(object), ...judged(object, session), ...regretted(object)]),
  ];
}

/** Databases, tables, then views in the order in which they read each other. */
function dependenciesFirst(objects: readonly StarrocksObject[]): StarrocksObject[] {
  const byId = new Map(objects.map((object) => [object.id, object]));
  const ordered = new Set<StarrocksObject>();
  const visited = new Set<StarrocksObject>();
  const visit = (object: StarrocksObject): void => {
    if (visited.has(object)) return;
    visited.add(object);
    for (const id of object.dependsOn) {
      const needed = byId.get(id);
      if (needed) visit(needed);
    }
    ordered.add(object);
  };
  for (const object of objects) visit(object);
  return [...ordered];
}

// ------------------------------------------------------------------------------------------------ what its statement says

function judged(object: StarrocksObject, session: Session): Finding[] {
  const findings = judgeStatements(create(object).text, session).flatMap((statement) => statement.findings);
  if (findings.some(({ severity }) => severity === "error")) assume(object, session);
  return findings.map((finding) => placed(object, finding));
}

/** One refused table must not make every view over it look wrong: as far as others are concerned, it is there. */
function assume(object: StarrocksObject, { catalog }: Session): void {
  const [database, name] = qualifiedName(object);
  if (name !== undefined) catalog.put({ database, name }, { kind: "opaque" });
}

function placed(object: StarrocksObject, { rule, severity, message, fix, column }: Located): Finding {
  return finding(object, { rule, severity, message, fix }, column);
}

function finding(object: StarrocksObject, found: Omit<Finding, "place">, column?: string): Finding {
  const model = object.model ?? displayName(object.name);
  const own = column === undefined ? undefined : columnNames(object).find((name) => name.toLowerCase() === column.toLowerCase());
  const place = own === undefined ? model : `${model}.${own}`;
  return { ...found, message: `${place}: ${found.message}`, place };
}

const columnNames = (object: StarrocksObject): string[] => ("columns" in object.body ? object.body.columns.map(({ name }) => name) : []);

// ------------------------------------------------------------------------------------------------ what only a model says

/** Options that have no SQL: nothing could be judged. */
function notWritten(object: StarrocksObject): Finding[] {
  if (object.kind !== "materialized-view") return [];
  const { every } = object.body.refresh;
  if (every === undefined || /^\d+ (SECOND|MINUTE|HOUR|DAY)$/i.test(every.trim())) return [];
  const message = `${JSON.stringify(every)} is no interval.`;
  const fix = 'Write a number and SECOND, MINUTE, HOUR or DAY: "1 HOUR".';
  return [finding(object, { rule: "starrocks/mv-refresh-interval", severity: "error", message, fix })];
}

/** Bytes of an encoded key that a primary-key table takes; the default `primary_key_limit_size` of a backend. */
const PRIMARY_KEY_BYTES = 128;
const BYTES: Readonly<Record<string, number>> = {
  boolean: 1,
  tinyint: 1,
  smallint: 2,
  int: 4,
  date: 4,
  bigint: 8,
  datetime: 8,
  largeint: 16,
};

/** What is accepted, and refused for some rows when they are loaded. */
function regretted(object: StarrocksObject): Finding[] {
  if (object.kind !== "table" || object.body.table !== "primary") return [];
  const bytes = keyColumns(object.body).reduce((sum, column) => sum + keyBytes(column), 0);
  if (bytes <= PRIMARY_KEY_BYTES) return [];
  const message = `Its key can take ${bytes} bytes, and a row whose key takes more than ${PRIMARY_KEY_BYTES} is refused when it is loaded.`;
  const fix = "Shorten text columns of the key: a character counts for up to four bytes.";
  return [finding(object, { rule: "starrocks/primary-key-length", severity: "warning", message, fix })];
}

function keyColumns({ columns, key }: TableBody): ColumnBody[] {
  return columns.filter(({ name }) => key.includes(name));
}

function keyBytes({ type }: ColumnBody): number {
  const parsed = parseType(type);
  return BYTES[parsed?.name ?? ""] ?? parsed?.numbers[0] ?? 0;
}
