import type { PgSession } from "../../core/session.js";
import type { TableBody, ViewBody } from "./body.js";
import { tableStatement, viewStatement } from "./create.js";
import { lit, sql } from "./dialect.js";
import { type LiveRelation, liveRows, RELATION } from "./live-catalog.js";
import { readsColumn } from "./reads.js";

/*
 * PostgreSQL rewrites expressions and queries when it stores them, so a text of ours never equals the server's. A recorded
 * hash would prove only that somebody once ran our text. Instead the server itself judges: our text is made into a
 * temporary object, read back in the server's spelling, compared, and rolled back. This also works for objects that
 * somebody else made, and notices an edit by hand. Many are judged at once: asking costs more than making.
 */

const SCRATCH = "dw_scratch";

/** As many temporary tables as a transaction has locks for, with their indexes, wherever nobody raised the limit. */
const BATCH = 250;

/** How the server would spell views' queries; undefined for one that it would refuse. */
export function spelledQueries(session: PgSession, bodies: readonly ViewBody[]): Promise<(string | undefined)[]> {
  return spelled(
    session,
    bodies,
    (body, name) => [`CREATE TEMPORARY${viewStatement([name], body, false).replace(/^CREATE/, "")}`],
    definitions,
  );
}

/** How the server would spell a table's expressions that read columns, each by the name of what has it. */
export interface SpelledTable {
  readonly generated: ReadonlyMap<string, string>;
  readonly checks: ReadonlyMap<string, string>;
  readonly predicates: ReadonlyMap<string, string>;
}

/**
 * Only the columns that an expression may read are made, and predicates of indexes as checks, which are spelled alike: so
 * little differs between tables that many share one scratch table.
 */
export async function spelledTables(session: PgSession, bodies: readonly TableBody[]): Promise<(SpelledTable | undefined)[]> {
  const small = bodies.map((body) => scratchBody(body, readsColumn));
  const texts = small.map((body) => tableStatements(body, SCRATCH).join());
  const distinct = new Map(texts.map((text, index) => [text, small[index] as TableBody])); // the lists are equally long
  const made = await spelled(session, [...distinct.values()], tableStatements, relations);
  const byText = new Map([...distinct.keys()].map((text, index) => [text, made[index]]));
  const refused = bodies.filter((_, index) => byText.get(texts[index] ?? "") === undefined);
  const whole = await spelled(
    session,
    refused.map((body) => scratchBody(body, () => true)),
    tableStatements,
    relations,
  );
  return bodies.map((body, index) => {
    const relation = byText.get(texts[index] ?? "") ?? whole[refused.indexOf(body)];
    return relation && spellings(body, relation);
  });
}

interface Expressions {
  readonly checks: readonly (readonly [string, string])[];
  readonly predicates: readonly (readonly [string, string])[];
}

function expressionsOf({ checks, indexes }: TableBody): Expressions {
  return {
    checks: checks.map(({ name, expression }) => [name, expression]),
    predicates: indexes.flatMap(({ name, where }) => (where === undefined ? [] : [[name, where] as const])),
  };
}

function scratchBody(body: TableBody, isRead: (text: string, column: string) => boolean): TableBody {
  const { checks, predicates } = expressionsOf(body);
  const generated = body.columns.flatMap((column) => (column.generated === undefined ? [] : [column.generated]));
  const texts = [...generated, ...[...checks, ...predicates].map(([, text]) => text)];
  return {
    comment: "",
    columns: body.columns
      .filter(({ name, generated: computed }) => computed !== undefined || texts.some((text) => isRead(text, name)))
      .map(({ default: _, ...column }) => column),
    indexes: [],
    foreignKeys: [],
    checks: [...checks, ...predicates].map(([, expression], index) => ({ name: `e${index}`, expression })),
  };
}

function spellings(body: TableBody, relation: LiveRelation): SpelledTable {
  const { checks, predicates } = expressionsOf(body);
  const of = (members: Expressions["checks"], first: number): Map<string, string> =>
    new Map(
      members.flatMap(([name], index) => {
        const expression = relation.constraints.find((constraint) => constraint.name === `e${first + index}`)?.expression;
        return expression == null ? [] : [[name, expression] as const];
      }),
    );
  return {
    generated: new Map(relation.columns.flatMap(({ name, expression }) => (expression === null ? [] : [[name, expression] as const]))),
    checks: of(checks, 0),
    predicates: of(predicates, checks.length),
  };
}

function tableStatements(body: TableBody, name: string): string[] {
  return [tableStatement([name], body).replace(/^CREATE TABLE/, "CREATE TEMPORARY TABLE")];
}

type Read<Result> = (session: PgSession) => Promise<ReadonlyMap<string, Result>>;

const OURS = sql`o.relnamespace = pg_my_temp_schema() AND o.relkind IN ('r', 'v') AND o.relname LIKE ${lit(`${SCRATCH}\\_%`)}`.text;

const relations: Read<LiveRelation> = async (session) => {
  const made = await liveRows<LiveRelation>(session, `${RELATION} WHERE ${OURS}`);
  return new Map(made.map((relation) => [relation.name, relation]));
};

const definitions: Read<string> = async (session) => {
  const rows = await liveRows<{ name: string; text: string }>(
    session,
    `SELECT o.relname AS name, pg_get_viewdef(o.oid) AS text FROM pg_class o WHERE ${OURS}`,
  );
  return new Map(rows.map(({ name, text }) => [name, text]));
};

async function spelled<Body, Result>(
  session: PgSession,
  bodies: readonly Body[],
  statements: (body: Body, name: string) => readonly string[],
  read: Read<Result>,
): Promise<(Result | undefined)[]> {
  const results: (Result | undefined)[] = [];
  for (let start = 0; start < bodies.length; start += BATCH) {
    results.push(...(await batch(session, bodies.slice(start, start + BATCH), statements, read)));
  }
  return results;
}

/** One that is refused is found by halves: the others are judged all the same. */
async function batch<Body, Result>(
  session: PgSession,
  bodies: readonly Body[],
  statements: (body: Body, name: string) => readonly string[],
  read: Read<Result>,
): Promise<(Result | undefined)[]> {
  const names = bodies.map((_, index) => `${SCRATCH}_${index}`);
  const made = await rolledBack(
    session,
    bodies.flatMap((body, index) => statements(body, names[index] ?? "")),
    read,
  );
  if (made !== undefined) return names.map((name) => made.get(name));
  if (bodies.length === 1) return [undefined]; // the server refuses our text, so whatever is there is something else
  const half = Math.ceil(bodies.length / 2);
  const first = await batch(session, bodies.slice(0, half), statements, read);
  return [...first, ...(await batch(session, bodies.slice(half), statements, read))];
}

/** Runs inside the transaction of the introspection; a savepoint takes everything back. */
async function rolledBack<Result>(
  session: PgSession,
  statements: readonly string[],
  read: Read<Result>,
): Promise<ReadonlyMap<string, Result> | undefined> {
  await session.query(`SAVEPOINT ${SCRATCH}`);
  try {
    await session.query("SET LOCAL search_path = public");
    for (const statement of statements) await session.query(statement);
    await session.query("SET LOCAL search_path = pg_catalog");
    return await read(session);
  } catch {
    return undefined;
  } finally {
    await session.query(`ROLLBACK TO SAVEPOINT ${SCRATCH}`);
  }
}

/** How the server spells the check of an enum column (columns.ts), which nearly every warehouse has by the dozen. */
export function spelledEnumCheck(expression: string): string | undefined {
  const [, column, list] = /^("(?:[^"]|"")+"|\w+) IN \(('(?:[^'\\]|'')*'(?:, '(?:[^'\\]|'')*')*)\)$/.exec(expression) ?? [];
  const values = list?.match(/'(?:[^']|'')*'/g);
  if (column === undefined || values == null) return undefined;
  const texts = values.map((value) => `${value}::text`);
  return texts.length === 1 ? `(${column} = ${texts[0]})` : `(${column} = ANY (ARRAY[${texts.join(", ")}]))`;
}

/** How the server spells defaults, by `type default`: a default reads no column, and few differ. */
export async function spelledDefaults(
  session: PgSession,
  defaults: ReadonlyMap<string, { readonly type: string; readonly text: string }>,
): Promise<ReadonlyMap<string, string>> {
  const all = [...defaults];
  const made = await spelled(
    session,
    all.map(([, column]) => defaultTable(column)),
    tableStatements,
    relations,
  );
  return new Map(
    all.flatMap(([key], index) => {
      const expression = made[index]?.columns[0]?.expression;
      return expression == null ? [] : [[key, expression] as const];
    }),
  );
}

function defaultTable({ type, text }: { readonly type: string; readonly text: string }): TableBody {
  const column = { name: "c", type, nullable: true, comment: "", default: text };
  return { comment: "", columns: [column], indexes: [], foreignKeys: [], checks: [] };
}
