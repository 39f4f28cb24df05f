import { DwError, isDwError } from "../core/errors.js";
import type { DuckDbSession, SourceColumn } from "../core/source.js";
import { carried, quoteName, quoteText } from "../core/transit.js";

const FRAME = "SELECT 1 FROM t WHERE ";

/**
 * A predicate that somebody typed, as DuckDB itself writes it again: one expression over the given columns, without
 * comments, that cannot close its bracket, add a clause or a statement, or read anything but the row (no subqueries).
 * Throws DW-USAGE with DuckDB's answer for anything else.
 */
export async function checkedPredicate(db: DuckDbSession, predicate: string, columns: readonly SourceColumn[]): Promise<string> {
  const text = `${FRAME}(${predicate}\n)`;
  const tree = await serialized(db, text, predicate);
  if (!isFrame(tree)) throw refused(predicate, "It is more than one expression.");
  if (contains(tree, "class", "SUBQUERY")) throw refused(predicate, "It contains a subquery, and a predicate sees one row only.");
  if (contains(tree, "class", "PARAMETER")) throw refused(predicate, "It contains a parameter, and there is no value for it.");
  const [row] = await db.rows<{ sql: string }>(`SELECT json_deserialize_sql(json_serialize_sql(${quoteText(text)})) AS sql`);
  const canonical = row?.sql.startsWith(FRAME) ? row.sql.slice(FRAME.length) : undefined;
  if (canonical === undefined) throw refused(predicate, "DuckDB does not read it as one expression.");
  await bind(db, canonical, predicate, columns);
  return canonical;
}

type Tree = null | string | number | boolean | readonly Tree[] | { readonly [key: string]: Tree };

async function serialized(db: DuckDbSession, text: string, predicate: string): Promise<Tree> {
  const [row] = await db.rows<{ tree: string }>(`SELECT json_serialize_sql(${quoteText(text)})::VARCHAR AS tree`);
  const tree = JSON.parse(row?.tree ?? "null") as Tree; // what JSON.parse gives is a tree
  if (member(tree, "error") === true) throw refused(predicate, String(member(tree, "error_message")));
  return tree;
}

function member(tree: Tree | undefined, key: string): Tree | undefined {
  if (typeof tree !== "object" || tree === null || Array.isArray(tree)) return undefined;
  return Object.hasOwn(tree, key) ? (tree as { readonly [key: string]: Tree })[key] : undefined; // no array, no null
}

/** The statement that the frame makes, and nothing that a predicate could have added to it. */
function isFrame(tree: Tree): boolean {
  const statements = member(tree, "statements");
  const node = Array.isArray(statements) && statements.length === 1 ? member(statements[0], "node") : undefined;
  const from = member(node, "from_table");
  const absent = ["having", "sample", "qualify"].every((key) => (member(node, key) ?? null) === null);
  const empty = ["modifiers", "group_expressions", "group_sets"].every((key) => isEmpty(member(node, key)));
  return (
    member(node, "type") === "SELECT_NODE" &&
    member(from, "type") === "BASE_TABLE" &&
    member(from, "table_name") === "t" &&
    isEmpty(member(member(node, "cte_map"), "map")) &&
    absent &&
    empty
  );
}

function isEmpty(tree: Tree | undefined): boolean {
  return tree === undefined || tree === null || (Array.isArray(tree) && tree.length === 0);
}

function contains(tree: Tree, key: string, value: string): boolean {
  if (typeof tree !== "object" || tree === null) return false;
  if (Array.isArray(tree)) return tree.some((part) => contains(part, key, value));
  return Object.entries(tree).some(([name, part]) => (name === key && part === value) || contains(part, key, value));
}

/** Names and types, without a row: the columns are those of the source. */
async function bind(db: DuckDbSession, canonical: string, predicate: string, columns: readonly SourceColumn[]): Promise<void> {
  const list = columns.map(({ name, type }) => `CAST(NULL AS ${carried(name, type)}) AS ${quoteName(name)}`).join(", ");
  try {
    await db.run(`DESCRIBE SELECT 1 FROM (SELECT ${list} LIMIT 0) AS t WHERE ${canonical}`);
  } catch (error) {
    throw isDwError(error) ? refused(predicate, error.why.split("\n\n", 1)[0] ?? error.why) : error;
  }
}

function refused(predicate: string, why: string): DwError {
  return new DwError("DW-USAGE", {
    what: `The predicate ${JSON.stringify(predicate)} cannot be used.`,
    why,
    fix: `Write one DuckDB expression over the table's columns, for example "day >= DATE '2024-01-01' AND city = 'Bouaké'".`,
  });
}
