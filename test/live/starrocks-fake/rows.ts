import type { IncomingHttpHeaders } from "node:http";
import { openDuckDb } from "../../../src/connections/duckdb.js";
import type { CatalogObject } from "../../../src/core/catalog.js";
import type { DuckDbConnection } from "../../../src/core/session.js";
import { createTable } from "../../../src/engines/duckdb/emulate-table.js";
import { partitionRows, type StarrocksTable, tableShape, typeOf } from "../../../src/engines/duckdb/emulated-starrocks.js";
import { type ColumnBody, type PartitionBody, starrocksObject, type TableBody } from "../../../src/engines/starrocks/body.js";
import { type Token, tokenize } from "../../../src/engines/starrocks/parse/lexer.js";
import { duckdbText, ident } from "./expression.js";
import { analyzing, Refusal, Unclaimed } from "./refusal.js";

/*
 * The rows of the fake, in DuckDB: statements about rows are StarRocks's SQL with other quotes, and DuckDB executes them. Each
 * table has a store of its own, which follows renames and swaps; before it is used it gets the columns that the table has now.
 */

export type Row = Readonly<Record<string, string | null>>;

/** A table as the fake's front end knows it, with the name of its store. */
export interface Stored {
  readonly store: string;
  readonly body: TableBody;
}

/** Bodies of Stream Load with their headers. */
export interface Sent {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface OpenTransaction {
  readonly name: readonly string[];
  readonly loads: Sent[];
}

/** What the front end answers about names. */
export interface Names {
  readonly table: (name: readonly string[]) => Stored;
  /** Rows of a table of information_schema. */
  readonly schemaTable: (name: string) => readonly Row[];
}

const MACROS = [
  "CREATE MACRO utc_timestamp() AS CAST(timezone('UTC', now()) AS TIMESTAMP)",
  "CREATE MACRO hex(x) AS upper(to_hex(CAST(x AS BLOB)))",
  "CREATE MACRO text_unhex(x) AS decode(unhex(x))",
  "CREATE MACRO to_binary(x, form) AS unhex(x)",
  "CREATE MACRO parse_json(x) AS CAST(x AS JSON)",
  "CREATE MACRO array_join(list, separator) AS array_to_string(list, separator)",
  "CREATE MACRO days_diff(a, b) AS date_diff('day', CAST(b AS DATE), CAST(a AS DATE))",
  "CREATE MACRO milliseconds_diff(a, b) AS (epoch_us(a) - epoch_us(CAST(b AS TIMESTAMP))) // 1000",
  "CREATE MACRO percentile_cont(value, place) AS quantile_cont(value, place)",
  "CREATE MACRO microseconds_diff(a, b) AS epoch_us(a) - epoch_us(CAST(b AS TIMESTAMP))",
  // Only what reconciliation asks: hexadecimal digits as a number.
  "CREATE MACRO conv(digits, a, b) AS CAST(CAST('0x' || digits AS UBIGINT) AS VARCHAR)",
];

export class FakeRows {
  private db: Promise<DuckDbConnection> | undefined;
  private readonly made = new Map<string, readonly ColumnBody[]>();
  /** Statements of DuckDB that are due before a store is used again. */
  private readonly due = new Map<string, string[]>();
  /** Labels by database, with what became of their transactions. */
  readonly labels = new Map<string, "VISIBLE" | "PREPARE" | "PREPARED" | "COMMITTED" | "ABORTED">();
  /** Transactions that a backend has open, and those that are prepared. */
  readonly transactions = new Map<string, OpenTransaction>();
  readonly prepared = new Map<string, OpenTransaction>();

  private turn: Promise<unknown> = Promise.resolve();

  /** One statement after the other: stores are made and changed on the way. */
  inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => undefined); // whoever asked hears of it
    return mine;
  }

  /** Rows of a query, nothing of another statement; undefined when the statement is not about rows. */
  run(sql: string, names: Names, database: string | undefined): Promise<readonly Row[] | undefined> {
    return this.inTurn(() => this.statement(sql, names, database));
  }

  private async statement(sql: string, names: Names, database: string | undefined): Promise<readonly Row[] | undefined> {
    const tokens = tokenize(sql.trim().replace(/;$/, ""));
    const first = tokens[0]?.key ?? "";
    if (first === "INSERT") return this.insert(sql, tokens, names, database);
    if (first === "TRUNCATE") return this.truncate(tokens, names);
    if (first === "DELETE" || first === "UPDATE") {
      await this.exec(await this.translated(sql, tokens, names));
      return [];
    }
    return first === "SELECT" || first === "WITH" ? this.select(await this.translated(sql, tokens, names)) : undefined;
  }

  later(store: string, statement: string): void {
    this.due.set(store, [...(this.due.get(store) ?? []), statement]);
  }

  renamed(store: string, from: string, to: string): void {
    const columns = this.made.get(store);
    if (!columns) return;
    this.later(store, `ALTER TABLE ${store} RENAME COLUMN ${ident(from)} TO ${ident(to)}`);
    this.made.set(
      store,
      columns.map((column) => (column.name === from ? { ...column, name: to } : column)),
    );
  }

  partitionDropped({ store, body }: Stored, names: readonly string[]): void {
    for (const name of names) {
      const condition = this.made.has(store) ? conditionOf(body, name) : undefined;
      if (condition !== undefined) this.later(store, `DELETE FROM ${store} WHERE ${condition}`);
    }
  }

  async close(): Promise<void> {
    await (await this.db)?.close();
  }

  /** Partitions that the engine would have made for the rows, by name, each with the condition of its rows. */
  async automatic(table: Stored): Promise<ReadonlyMap<string, string>> {
    await this.ready(table);
    const expressions = table.body.partition?.by === "expression" ? table.body.partition.expressions : [];
    const texts = expressions.map((one) => {
      if ("column" in one) return `CAST(${ident(one.column)} AS VARCHAR)`;
      if ("dateTrunc" in one) return `strftime(date_trunc('${one.unit}', ${ident(one.dateTrunc)}), '${FORMATS[one.unit]}')`;
      throw new Unclaimed("partitions of an expression");
    });
    const key = `'p' || ${texts.join(" || '_' || ")}`;
    const rows = await (await this.session()).rows<{ name: string | null }>(
      `SELECT DISTINCT ${key} AS name FROM ${table.store} ORDER BY 1`,
    );
    return new Map(
      rows.map(({ name }) => [name ?? "pNULL", name === null ? `(${key}) IS NULL` : `(${key}) = '${name.replaceAll("'", "''")}'`]),
    );
  }

  /** A number for what a partition holds, as the front end counts loads: 1 as long as there is nothing. */
  async version(table: Stored, partition: string): Promise<string> {
    const automatic = table.body.partition?.by === "expression" ? (await this.automatic(table)).get(partition) : undefined;
    const condition = automatic ?? conditionOf(table.body, partition) ?? "TRUE";
    const [version = "1"] = await this.texts(
      table,
      (relation) =>
        `SELECT CASE WHEN count(*) = 0 THEN 1 ELSE 2 + sum(hash(t)::HUGEINT) % 1000000007 END FROM ${relation} AS t WHERE ${condition}`,
    );
    return version;
  }

  async texts(table: Stored, query: (relation: string) => string): Promise<string[]> {
    await this.ready(table);
    const texts: string[] = [];
    for await (const batch of (await this.session()).strings(query(table.store))) texts.push(...batch.map(String));
    return texts;
  }

  // ---------------------------------------------------------------------------------------------- statements

  private async insert(sql: string, tokens: readonly Token[], names: Names, database: string | undefined): Promise<readonly Row[]> {
    const at = tokens.findIndex(({ key }) => key === "LABEL");
    const label = at > 0 && tokens[at - 1]?.key === "WITH" ? tokens[at + 1]?.text : undefined;
    const key = `${database}\0${label}`;
    if (label !== undefined && this.labels.has(key) && this.labels.get(key) !== "ABORTED")
      throw new Refusal(`Label [${label}] has already been used.`);
    const overwrite = tokens[1]?.key === "OVERWRITE";
    const target = nameAt(tokens, tokens[2]?.key === "TABLE" ? 3 : 2);
    const table = names.table(target.name);
    const rest = label === undefined ? tokens : tokens.filter((_, index) => index < at - 1 || index > at + 1);
    const text = await this.translated(sql, rest, names);
    const merges = table.body.table !== "duplicate" && table.body.key.length > 0;
    const into = text.replace(/^INSERT\s+(?:INTO|OVERWRITE)/, merges ? "INSERT OR REPLACE INTO" : "INSERT INTO");
    if (overwrite) await this.exec(`DELETE FROM ${table.store}`);
    await this.exec(into);
    if (label !== undefined) this.labels.set(key, "VISIBLE");
    return [];
  }

  private async truncate(tokens: readonly Token[], names: Names): Promise<readonly Row[]> {
    const table = names.table(nameAt(tokens, 2).name);
    await this.ready(table);
    await this.exec(`DELETE FROM ${table.store}`);
    return [];
  }

  private async select(query: string): Promise<readonly Row[]> {
    const db = await this.session();
    try {
      const columns = await db.rows<{ column_name: string; column_type: string }>(`DESCRIBE ${query}`);
      const list = columns.map(({ column_name: name, column_type: type }) => {
        const value = type === "BOOLEAN" ? `CAST(${ident(name)} AS INT)` : ident(name);
        return type.startsWith("TIMESTAMP")
          ? `strftime(${value}, '%Y-%m-%d %H:%M:%S') AS ${ident(name)}`
          : `CAST(${value} AS VARCHAR) AS ${ident(name)}`;
      });
      return await db.rows<Record<string, string | null>>(`SELECT ${list.join(", ")} FROM (${query}) AS answered`);
    } catch (error) {
      throw new Refusal(`the fake's rows: ${String(error)} (${query})`);
    }
  }

  private async exec(statement: string): Promise<void> {
    try {
      await (await this.session()).run(statement);
    } catch (error) {
      throw new Refusal(`the fake's rows: ${String(error)} (${statement.slice(0, 300)})`);
    }
  }

  /** Does the work and takes it back. */
  async tried(work: () => Promise<void>): Promise<void> {
    await this.exec("BEGIN");
    try {
      await work();
    } finally {
      await this.exec("ROLLBACK");
    }
  }

  /** Bodies of Stream Load's CSV, as one load. */
  async streamLoad(table: Stored, loads: readonly Sent[]): Promise<void> {
    await this.ready(table);
    const [first] = loads;
    const separators = [separator(first?.headers.column_separator), separator(first?.headers.row_delimiter)] as const;
    const lines = loads.flatMap(({ body }) => body.split(separators[1]).filter((line) => line !== ""));
    if (first === undefined || lines.length === 0) throw new Refusal("No partitions have data available for loading");
    const parts = topLevel(Buffer.from(String(first.headers.columns), "latin1").toString("utf8"));
    const fields = parts.filter((part) => !part.includes("="));
    const assigned = parts
      .filter((part) => part.includes("="))
      .map((part) => [part.slice(0, part.indexOf("=")).trim(), part.slice(part.indexOf("=") + 1)] as const);
    const value = (field: string): string => (field === "\\N" ? "NULL" : `'${field.replaceAll("'", "''")}'`);
    const tuples = lines.map((line) => `(${line.split(separators[0]).map(value).join(", ")})`);
    const targets = assigned.map(([name]) => ident(tokenize(name)[0]?.text ?? ""));
    const types = new Map(table.body.columns.map((one) => [ident(one.name), typeOf(tableObject(table.body), one).text]));
    const values = await Promise.all(
      assigned.map(async ([, written], index) => {
        const sql = written.trim();
        const target = targets[index] ?? "";
        return `CAST(${await duckdbText({ tokens: tokenize(sql), sql })} AS ${types.get(target) ?? ""}) AS ${target}`;
      }),
    );
    await this.refuseHomeless(table, `SELECT ${values.join(", ")} FROM (VALUES ${tuples.join(", ")}) AS sent(${fields.join(", ")})`);
    await this.exec(merged(table, targets, `SELECT ${values.join(", ")} FROM (VALUES ${tuples.join(", ")}) AS sent(${fields.join(", ")})`));
  }

  /** Rows that no range partition takes. */
  private async refuseHomeless({ body }: Stored, query: string): Promise<void> {
    if (body.partition?.by !== "range") return;
    const conditions = body.partition.partitions.map(({ name }) => conditionOf(body, name)).filter((one) => one !== undefined);
    const home = conditions.length === 0 ? "FALSE" : conditions.join(" OR ");
    const [row] = await (await this.session()).rows<{ n: string }>(
      `SELECT count(*)::VARCHAR AS n FROM (${query}) AS sent WHERE NOT coalesce(${home}, FALSE)`,
    );
    if (row && row.n !== "0") throw new Refusal(`too many filtered rows: ${row.n} rows are in no partition`);
  }

  private async session(): Promise<DuckDbConnection> {
    this.db ??= (async () => {
      const db = await (await openDuckDb({ memoryLimit: "256MB", threads: 1 })).session();
      for (const macro of MACROS) await db.run(macro);
      return db;
    })();
    return this.db;
  }

  // ---------------------------------------------------------------------------------------------- stores

  /** The store with the columns that the table has now; what is added has its default. */
  async ready(table: Stored): Promise<void> {
    const { store, body } = table;
    const object = tableObject(body);
    const had = this.made.get(store);
    if (!had) await this.exec(createTable(tableShape(object), [store]).text);
    for (const statement of this.due.get(store) ?? []) await this.exec(statement);
    this.due.delete(store);
    for (const statement of had ? differences(store, had, object) : []) await this.exec(statement);
    this.made.set(store, body.columns);
  }

  /** The statement in DuckDB's words: names of tables replaced by their stores, quotes and types by its own. */
  private async translated(sql: string, tokens: readonly Token[], names: Names): Promise<string> {
    return duckdbText({
      tokens,
      sql: sql.trim(),
      relation: async (at) => {
        const place = isTablePlace(tokens, at) ? nameAt(tokens, at) : undefined;
        return place && place.name.length > 0 ? this.relation(tokens, place, names) : undefined;
      },
    });
  }

  private async relation(tokens: readonly Token[], place: Place, names: Names): Promise<{ text: string; next: number }> {
    const [database = "", own = ""] = place.name.length > 1 ? place.name.slice(-2) : ["", place.name[0]];
    if (database.toLowerCase() === "information_schema") {
      return { text: `(${valuesOf(own.toLowerCase(), names.schemaTable(own.toLowerCase()))}) AS ${ident(own)}`, next: place.next };
    }
    const table = names.table(place.name);
    await this.ready(table);
    const partitions = partitionNames(tokens, place.next);
    if (!partitions) return { text: table.store, next: place.next };
    const automatic = table.body.partition?.by === "expression" ? await this.automatic(table) : undefined;
    const conditions = partitions.names.map((name) => (automatic ? automatic.get(name) : conditionOf(table.body, name)) ?? missing(name));
    return { text: `(SELECT * FROM ${table.store} WHERE ${conditions.join(" OR ")})`, next: partitions.next };
  }
}

/** INSERT as the kind of table merges rows of one key. */
function merged({ store, body }: Stored, columns: readonly string[], query: string): string {
  const into = `INTO ${store} (${columns.join(", ")})`;
  if (body.table === "duplicate" || body.key.length === 0) return `INSERT ${into} ${query}`;
  const key = body.key.map(ident);
  if (body.table !== "aggregate") {
    const last = `SELECT ${columns.join(", ")} FROM (${query}) AS sent QUALIFY row_number() OVER (PARTITION BY ${key.join(", ")} ORDER BY NULL) = 1`;
    return `INSERT OR REPLACE ${into} ${last}`;
  }
  const values = body.columns
    .filter(({ name }) => !body.key.includes(name))
    .map(({ name, aggregate = "" }) => ({ name: ident(name), aggregate: aggregate.toUpperCase() }));
  const one = values.map(({ name, aggregate }) => `${AGGREGATES[aggregate]?.rows(name) ?? "NULL"} AS ${name}`);
  const both = values.map(({ name, aggregate }) => `${name} = ${AGGREGATES[aggregate]?.both(`${store}.${name}`, `excluded.${name}`)}`);
  const grouped = `SELECT ${[...key, ...one].join(", ")} FROM (${query}) AS sent GROUP BY ${key.join(", ")}`;
  return `INSERT INTO ${store} (${[...key, ...values.map(({ name }) => name)].join(", ")}) ${grouped} ON CONFLICT (${key.join(", ")}) DO UPDATE SET ${both.join(", ")}`;
}

const AGGREGATES: Readonly<Record<string, { rows: (name: string) => string; both: (old: string, added: string) => string }>> = {
  SUM: {
    rows: (name) => `sum(${name})`,
    both: (old, added) => `CASE WHEN ${old} IS NULL THEN ${added} ELSE ${old} + coalesce(${added}, 0) END`,
  },
  MIN: { rows: (name) => `min(${name})`, both: (old, added) => `least(${old}, ${added})` },
  MAX: { rows: (name) => `max(${name})`, both: (old, added) => `greatest(${old}, ${added})` },
  REPLACE: { rows: (name) => `last(${name})`, both: (_, added) => added },
};

/** `\x01` stands for the byte. */
function separator(header: string | string[] | undefined): string {
  return String(header).replace(/\\x([0-9a-f]{2})/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

function topLevel(list: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const token of tokenize(list)) {
    if (token.kind === "end") break;
    depth += token.key === "(" ? 1 : token.key === ")" ? -1 : 0;
    if (token.key === "," && depth === 0) parts.push("");
    else parts[parts.length - 1] += ` ${list.slice(token.start, token.end)}`;
  }
  return parts.map((part) => part.trim());
}

const FORMATS: Readonly<Record<string, string>> = { hour: "%Y%m%d%H", day: "%Y%m%d", week: "%Y%m%d", month: "%Y%m", year: "%Y" };

function missing(name: string): never {
  throw analyzing(`Unknown partition '${name}'`);
}

function tableObject(body: TableBody): StarrocksTable {
  const columns = body.columns.map(({ default: value, generated: _, autoIncrement: __, ...column }) => ({
    ...column,
    ...(value && "literal" in value && { default: value }),
  }));
  const object: CatalogObject = { slot: "starrocks", kind: "table", id: "", name: ["store"], dependsOn: [], body: { ...body, columns } };
  return starrocksObject(object) as StarrocksTable; // its kind says so
}

function differences(store: string, had: readonly ColumnBody[], object: StarrocksTable): string[] {
  const { columns } = object.body;
  const gone = had.filter(({ name }) => !columns.some((column) => column.name === name));
  return [
    ...columns.flatMap((column) => {
      const old = had.find(({ name }) => name === column.name);
      const type = typeOf(object, column).text;
      if (!old) {
        const value =
          column.default && "literal" in column.default
            ? ` DEFAULT CAST('${column.default.literal.replaceAll("'", "''")}' AS ${type})`
            : "";
        return [`ALTER TABLE ${store} ADD COLUMN ${ident(column.name)} ${type}${value}`];
      }
      const nullable = old.nullable === column.nullable ? [] : [`ALTER TABLE ${store} ALTER COLUMN ${ident(column.name)} DROP NOT NULL`];
      return old.type === column.type ? nullable : [...nullable, `ALTER TABLE ${store} ALTER COLUMN ${ident(column.name)} TYPE ${type}`];
    }),
    ...gone.map(({ name }) => `ALTER TABLE ${store} DROP COLUMN ${ident(name)}`),
  ];
}

function conditionOf(body: TableBody, name: string): string | undefined {
  const partition: PartitionBody | undefined = body.partition;
  const found = partition && "partitions" in partition ? partition.partitions.find((one) => one.name === name) : undefined;
  return found && `(${partitionRows(tableObject(body), found).text})`;
}

interface Place {
  readonly name: readonly string[];
  readonly next: number;
}

function nameAt(tokens: readonly Token[], at: number): Place {
  const name: string[] = [];
  let next = at;
  for (;;) {
    const token = tokens[next];
    if (token?.kind !== "word" && token?.kind !== "quoted") return { name, next };
    name.push(token.text);
    next++;
    if (tokens[next]?.key !== ".") return { name, next };
    next++;
  }
}

function isTablePlace(tokens: readonly Token[], at: number): boolean {
  const before = tokens[at - 1]?.key ?? "";
  return ["FROM", "JOIN", "INTO", "OVERWRITE", "UPDATE"].includes(before) && tokens[at - 1]?.kind === "word";
}

function partitionNames(tokens: readonly Token[], at: number): { names: string[]; next: number } | undefined {
  if (!/^PARTITIONS?$/.test(tokens[at]?.key ?? "")) return undefined;
  const names: string[] = [];
  let next = at + 2;
  for (; tokens[next]?.key !== ")"; next++) if (tokens[next]?.key !== ",") names.push(tokens[next]?.text ?? "");
  return { names, next: next + 1 };
}

const SCHEMA_COLUMNS: Readonly<Record<string, readonly string[]>> = {
  tables: ["TABLE_SCHEMA", "TABLE_NAME", "TABLE_COMMENT"],
  loads: ["LABEL", "DB_NAME", "STATE"],
};

function valuesOf(name: string, rows: readonly Row[]): string {
  const columns = SCHEMA_COLUMNS[name] ?? [];
  const value = (text: string | null | undefined): string => (text == null ? "NULL" : `'${text.replaceAll("'", "''")}'`);
  const lists = rows.map((row) => `SELECT ${columns.map((column) => `${value(row[column])} AS ${ident(column)}`).join(", ")}`);
  const none = `SELECT ${columns.map((column) => `NULL::VARCHAR AS ${ident(column)}`).join(", ")} WHERE FALSE`;
  return [none, ...lists].join(" UNION ALL ");
}
