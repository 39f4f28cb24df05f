import { accessStatements } from "./access.js";
import { alterTable } from "./alter.js";
import type { IndexDef, MaterializedViewChange, RefreshScheme, Statement, ViewColumn } from "./ast.js";
import { Cursor } from "./cursor.js";
import { intervalUnits, parseExpression, primary } from "./expression.js";
import type { Token } from "./lexer.js";
import { parseQuery, seesQuery } from "./query.js";
import { columnDef, distributionDef, indexDef, indexRest, orderBy, physicalParts, rollupDef, tableProperties } from "./table.js";

/** One statement. Throws SyntaxFault where StarRocks's parser would stop. */
export function parseStatement(tokens: readonly Token[]): Statement {
  const cursor = new Cursor(tokens);
  const statement = readStatement(cursor);
  if (statement.statement !== "other" && !cursor.done) throw cursor.fault("the end of the statement");
  return statement;
}

function readStatement(cursor: Cursor): Statement {
  if (seesQuery(cursor)) return { statement: "query", query: parseQuery(cursor) };
  // A table-valued function in Java: FUNCTION is reserved, so that no table is called so without quotes.
  if (cursor.sees("CREATE", "TABLE", "FUNCTION") && cursor.seesName(3)) return { statement: "other", words: "CREATE TABLE FUNCTION" };
  if (cursor.takes("USE")) return { statement: "use", name: cursor.qualifiedName() };
  for (const [words, read] of statements) if (cursor.takes(...words)) return read(cursor);
  for (const [words, read] of accessStatements) if (cursor.takes(...words)) return { statement: "access", of: read(cursor) };
  return { statement: "other", words: [cursor.token.key, cursor.peek(1).key].join(" ").trim() };
}

type Reader = (cursor: Cursor) => Statement;

const statements: readonly (readonly [readonly string[], Reader])[] = [
  [["CREATE", "TABLE"], (cursor) => createTable(cursor, {})],
  [["CREATE", "TEMPORARY", "TABLE"], (cursor) => createTable(cursor, { temporary: true })],
  [["CREATE", "EXTERNAL", "TABLE"], (cursor) => createTable(cursor, { external: true })],
  [["CREATE", "MATERIALIZED", "VIEW"], createMaterializedView],
  [["CREATE", "OR", "REPLACE", "VIEW"], (cursor) => createView(cursor, true)],
  [["CREATE", "VIEW"], (cursor) => createView(cursor, false)],
  [["CREATE", "DATABASE"], createDatabase],
  [["CREATE", "SCHEMA"], createDatabase],
  [["CREATE", "INDEX"], createIndex],
  [["ALTER", "TABLE"], alterTable],
  [["ALTER", "MATERIALIZED", "VIEW"], alterMaterializedView],
  [["ALTER", "VIEW"], alterView],
  [["DROP", "TABLE"], (cursor) => dropTable(cursor, false)],
  [["DROP", "TEMPORARY", "TABLE"], (cursor) => dropTable(cursor, true)],
  [["DROP", "MATERIALIZED", "VIEW"], (cursor) => ({ statement: "drop-materialized-view", ...ifExists(cursor) })],
  [["DROP", "VIEW"], (cursor) => ({ statement: "drop-view", ...ifExists(cursor) })],
  [["DROP", "DATABASE"], dropDatabase],
  [["DROP", "SCHEMA"], dropDatabase],
  [["DROP", "INDEX"], dropIndex],
];

interface TableKind {
  readonly temporary?: boolean;
  readonly external?: boolean;
}

function createTable(cursor: Cursor, { temporary = false, external = false }: TableKind): Statement {
  const ifNotExists = cursor.takes("IF", "NOT", "EXISTS");
  const name = cursor.qualifiedName();
  const head = { name, ifNotExists, temporary };
  if (cursor.sees("(") && !isNameList(cursor)) return { statement: "create-table", ...head, external, ...tableDefinition(cursor) };
  const { columns, indexes } = cursor.sees("(") ? namesAndIndexes(cursor) : { columns: undefined, indexes: [] };
  const parts = physicalParts(cursor);
  const properties = tableProperties(cursor);
  if (columns === undefined && indexes.length === 0 && cursor.takes("LIKE")) {
    return { statement: "create-table-like", ...head, ...parts, properties, like: cursor.qualifiedName() };
  }
  cursor.expect("AS");
  return { statement: "create-table-as", ...head, ...(columns && { columns }), indexes, ...parts, properties, query: parseQuery(cursor) };
}

/** Columns of CREATE TABLE AS are names only. A definition may lack its type too, but then an option follows the name. */
function isNameList(cursor: Cursor): boolean {
  if (cursor.peek(1).key === "INDEX") return true;
  return cursor.seesName(1) && [",", ")"].includes(cursor.peek(2).key);
}

function namesAndIndexes(cursor: Cursor): { columns?: string[]; indexes: IndexDef[] } {
  const columns: string[] = [];
  const indexes: IndexDef[] = [];
  cursor.list(() => {
    if (cursor.takes("INDEX")) indexes.push(indexDef(cursor));
    else columns.push(cursor.name());
  });
  return { ...(columns.length > 0 && { columns }), indexes };
}

function tableDefinition(cursor: Cursor) {
  cursor.expect("(");
  const columns = [columnDef(cursor)];
  const indexes: IndexDef[] = [];
  while (cursor.takes(",")) {
    // Indexes come behind all columns.
    if (cursor.takes("INDEX")) indexes.push(indexDef(cursor));
    else if (indexes.length > 0) throw cursor.fault("INDEX");
    else columns.push(columnDef(cursor));
  }
  cursor.expect(")");
  const engine = cursor.takes("ENGINE", "=") ? cursor.name() : undefined;
  tableCharset(cursor);
  const parts = physicalParts(cursor);
  const rollups = cursor.takes("ROLLUP") ? cursor.list(() => rollupDef(cursor)) : [];
  const properties = tableProperties(cursor);
  if (cursor.takes("BROKER")) tableProperties(cursor);
  return { columns, indexes, ...(engine !== undefined && { engine }), ...parts, rollups, properties };
}

function tableCharset(cursor: Cursor): void {
  const { position } = cursor;
  cursor.takes("DEFAULT");
  if (cursor.takes("CHARSET") || cursor.takes("CHAR", "SET") || cursor.takes("CHARACTER", "SET")) {
    cursor.takes("=");
    cursor.nameOrString();
  } else cursor.rewind(position);
}

function dropTable(cursor: Cursor, temporary: boolean): Statement {
  return { statement: "drop-table", ...ifExists(cursor), temporary, force: cursor.takes("FORCE") };
}

function ifExists(cursor: Cursor): { ifExists: boolean; name: string[] } {
  const optional = cursor.takes("IF", "EXISTS");
  return { ifExists: optional, name: cursor.qualifiedName() };
}

function viewColumn(cursor: Cursor): ViewColumn {
  const name = cursor.name();
  const comment = cursor.comment();
  return { name, ...(comment !== undefined && { comment }) };
}

function createView(cursor: Cursor, orReplace: boolean): Statement {
  const ifNotExists = cursor.takes("IF", "NOT", "EXISTS");
  const name = cursor.qualifiedName();
  const columns = cursor.sees("(") ? cursor.list(() => viewColumn(cursor)) : undefined;
  const comment = cursor.comment();
  const security = cursor.takes("SECURITY") ? cursor.expectAny("NONE", "INVOKER") : undefined;
  cursor.expect("AS");
  const query = parseQuery(cursor);
  return {
    statement: "create-view",
    name,
    orReplace,
    ifNotExists,
    ...(columns && { columns }),
    ...(comment !== undefined && { comment }),
    ...(security !== undefined && { security }),
    query,
  };
}

function alterView(cursor: Cursor): Statement {
  const name = cursor.qualifiedName();
  if (cursor.takes("SET", "SECURITY")) return { statement: "alter-view", name, security: cursor.expectAny("NONE", "INVOKER") };
  if (cursor.takes("SET")) return { statement: "alter-view", name, properties: tableProperties(cursor) };
  if (cursor.takesAny("ADD", "MODIFY") !== undefined) {
    cursor.expect("DIALECT");
    cursor.takes("STARROCKS");
    return { statement: "alter-view", name, query: parseQuery(cursor) };
  }
  const columns = cursor.sees("(") ? cursor.list(() => viewColumn(cursor)) : undefined;
  cursor.expect("AS");
  return { statement: "alter-view", name, ...(columns && { columns }), query: parseQuery(cursor) };
}

function createMaterializedView(cursor: Cursor): Statement {
  const ifNotExists = cursor.takes("IF", "NOT", "EXISTS");
  const name = cursor.qualifiedName();
  const { columns, indexes } = cursor.sees("(") ? viewColumnsAndIndexes(cursor) : { columns: undefined, indexes: [] };
  const comment = cursor.comment();
  const parts = materializedViewParts(cursor);
  cursor.expect("AS");
  const query = parseQuery(cursor);
  return {
    statement: "create-materialized-view",
    name,
    ifNotExists,
    ...(columns && { columns }),
    indexes,
    ...(comment !== undefined && { comment }),
    ...parts,
    query,
  };
}

function viewColumnsAndIndexes(cursor: Cursor): { columns: ViewColumn[]; indexes: IndexDef[] } {
  const columns: ViewColumn[] = [];
  const indexes: IndexDef[] = [];
  cursor.list(() => {
    if (cursor.takes("INDEX")) indexes.push(indexDef(cursor));
    else columns.push(viewColumn(cursor));
  });
  return { columns, indexes };
}

/** Clauses in any order; one that comes twice is the engine's to refuse, and its parser does not. */
function materializedViewParts(cursor: Cursor) {
  type Parts = Pick<
    Extract<Statement, { statement: "create-materialized-view" }>,
    "partitionBy" | "distribution" | "orderBy" | "refresh" | "properties"
  >;
  let parts: Parts = { properties: [] };
  for (;;) {
    if (cursor.takes("PARTITION", "BY")) {
      parts = { ...parts, partitionBy: cursor.sees("(") ? cursor.list(() => parseExpression(cursor)) : [primary(cursor)] };
    } else if (cursor.sees("DISTRIBUTED", "BY")) {
      const distribution = distributionDef(cursor);
      parts = { ...parts, ...(distribution && { distribution }) };
    } else if (cursor.sees("ORDER", "BY")) parts = { ...parts, orderBy: orderBy(cursor) ?? [] };
    else if (cursor.takes("REFRESH")) parts = { ...parts, refresh: refreshScheme(cursor) };
    else if (cursor.sees("PROPERTIES")) parts = { ...parts, properties: tableProperties(cursor) };
    else return parts;
  }
}

/** Behind REFRESH. */
function refreshScheme(cursor: Cursor): RefreshScheme {
  const moment = cursor.takesAny("IMMEDIATE", "DEFERRED") as RefreshScheme["moment"]; // exactly these words, or undefined
  const kind = cursor.expectAny("ASYNC", "INCREMENTAL", "MANUAL") as RefreshScheme["kind"]; // exactly these words
  const timed = kind === "ASYNC" && cursor.seesAny("START", "EVERY");
  return { ...(moment && { moment }), kind, ...(timed && schedule(cursor)) };
}

function schedule(cursor: Cursor): Pick<RefreshScheme, "start" | "every"> {
  let start: string | undefined;
  if (cursor.takes("START")) {
    cursor.expect("(");
    start = cursor.string();
    cursor.expect(")");
  }
  cursor.expect("EVERY", "(", "INTERVAL");
  const value = parseExpression(cursor);
  const unit = cursor.expectAny(...intervalUnits);
  cursor.expect(")");
  return { ...(start !== undefined && { start }), every: { value, unit } };
}

function alterMaterializedView(cursor: Cursor): Statement {
  const name = cursor.qualifiedName();
  return { statement: "alter-materialized-view", name, change: materializedViewChange(cursor) };
}

function materializedViewChange(cursor: Cursor): MaterializedViewChange {
  if (cursor.takes("REFRESH")) return { change: "refresh", refresh: refreshScheme(cursor) };
  if (cursor.takes("RENAME")) return { change: "rename", to: cursor.name() };
  if (cursor.takes("SET")) return { change: "set", properties: cursor.properties() };
  if (cursor.takes("SWAP")) {
    cursor.expect("WITH");
    return { change: "swap", with: cursor.name() };
  }
  return { change: "status", active: cursor.expectAny("ACTIVE", "INACTIVE") === "ACTIVE" };
}

function createDatabase(cursor: Cursor): Statement {
  const ifNotExists = cursor.takes("IF", "NOT", "EXISTS");
  const name = cursor.qualifiedName();
  tableCharset(cursor);
  if (cursor.takes("COLLATE") || cursor.takes("DEFAULT", "COLLATE")) {
    cursor.takes("=");
    cursor.nameOrString();
  }
  return { statement: "create-database", name, ifNotExists, properties: tableProperties(cursor) };
}

function dropDatabase(cursor: Cursor): Statement {
  return { statement: "drop-database", ...ifExists(cursor), force: cursor.takes("FORCE") };
}

function createIndex(cursor: Cursor): Statement {
  const at = cursor.token.start;
  const name = cursor.name();
  cursor.expect("ON");
  const table = cursor.qualifiedName();
  return { statement: "create-index", table, index: { name, ...indexRest(cursor), at } };
}

function dropIndex(cursor: Cursor): Statement {
  const name = cursor.name();
  cursor.expect("ON");
  return { statement: "drop-index", name, table: cursor.qualifiedName() };
}
