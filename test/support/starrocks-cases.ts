import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Statement } from "../../src/engines/starrocks/parse/ast.js";
import { tokenize } from "../../src/engines/starrocks/parse/lexer.js";
import { parseStatement } from "../../src/engines/starrocks/parse/statement.js";

/* The recorded answers of a StarRocks front end: test/fixtures/starrocks/README.md. */

export interface RecordedError {
  readonly code: number;
  readonly sqlState: string;
  readonly message: string;
}

export interface RecordedStatement {
  readonly sql: string;
  readonly result: {
    readonly ok?: true;
    readonly rows?: readonly Readonly<Record<string, string | null>>[];
    readonly error?: RecordedError;
  };
  readonly outcome?: string;
  readonly session?: string;
  readonly user?: string;
  readonly concurrently?: unknown;
  readonly jobs_after?: readonly Readonly<Record<string, string | null>>[];
  readonly show_create_changed?: Readonly<Record<string, string>>;
}

interface RecordedObject {
  readonly object?: { readonly name: string; readonly type: string };
  readonly name?: string;
  readonly show_create?: string;
}

export interface RecordedCase extends RecordedObject {
  readonly id: string;
  readonly kind: string;
  readonly db: string;
  readonly statements: readonly RecordedStatement[];
  readonly before?: { readonly show_create?: Readonly<Record<string, string>> };
  readonly more_objects?: readonly RecordedObject[];
}

const folder = join(import.meta.dirname, "../fixtures/starrocks");
const NOT_CASES = new Set(["index.json", "result-shapes.json", "reserved-words.json"]);

export function recordedCases(): RecordedCase[] {
  const files = readdirSync(folder).filter((file) => file.endsWith(".json") && !NOT_CASES.has(file));
  return files.sort().map((file) => {
    const recorded = JSON.parse(readFileSync(join(folder, file), "utf8")) as RecordedCase; // README.md says the shape
    // Connection attempts and statements sent at once have another shape, and are not replayed.
    return { ...recorded, statements: (recorded.statements ?? []).filter((one) => "sql" in one && "result" in one) };
  });
}

/** Undefined for what our parser does not read. */
export function parsed(sql: string): Statement | undefined {
  try {
    return parseStatement(tokenize(sql.replace(/;\s*$/, "")));
  } catch {
    return undefined;
  }
}

export interface Definition {
  readonly case: string;
  readonly name: string;
  readonly create: string;
  readonly shown: string;
}

/** Each object's CREATE as somebody wrote it, with what SHOW CREATE showed before anything altered it. */
export function definitions(): Definition[] {
  return recordedCases().flatMap((recorded) => [...definitionsOf(recorded)]);
}

function* definitionsOf(recorded: RecordedCase): Generator<Definition> {
  const last = shownLast(recorded);
  const made = new Set<string>();
  for (const [index, { sql, result }] of recorded.statements.entries()) {
    const name = result.ok ? createdName(sql, made) : undefined;
    if (name === undefined) continue;
    made.add(name);
    const rest = recorded.statements.slice(index + 1);
    const shown = recorded.before?.show_create?.[name] ?? (touchedLater(rest, name) ? undefined : last.get(name));
    if (shown !== undefined) yield { case: recorded.id, name, create: sql, shown };
  }
}

function shownLast(recorded: RecordedCase): Map<string, string> {
  const objects = [recorded, ...(recorded.more_objects ?? [])];
  return new Map(
    objects.flatMap(({ object, name = object?.name, show_create }): [string, string][] =>
      name !== undefined && typeof show_create === "string" ? [[name, show_create]] : [],
    ),
  );
}

/** What a statement makes; IF NOT EXISTS makes nothing of what is there. */
function createdName(sql: string, made: ReadonlySet<string>): string | undefined {
  const statement = parsed(sql);
  if (!statement || !("name" in statement) || !statement.statement.startsWith("create-")) return undefined;
  const name = statement.name.at(-1) ?? "";
  return "ifNotExists" in statement && statement.ifNotExists && made.has(name) ? undefined : name;
}

/** True when a later statement may have changed the object: it names it, and is no SHOW or SELECT. */
function touchedLater(rest: readonly RecordedStatement[], name: string): boolean {
  return rest.some(
    ({ sql, result }) =>
      result.ok &&
      /^\s*(ALTER|DROP|CREATE OR|CREATE INDEX|TRUNCATE|CREATE TABLE|RECOVER)/i.test(sql) &&
      sql.includes(name) &&
      (/^\s*(ALTER|DROP)/i.test(sql) || parsed(sql)?.statement === "create-index"),
  );
}
