import type { IncomingHttpHeaders } from "node:http";
import { compareText } from "../../../src/core/catalog.js";
import { type MaterializedViewBody, sqlText, type TableBody, type ViewBody } from "../../../src/engines/starrocks/body.js";
import { materializedViewBody, tableBody, viewBody } from "../../../src/engines/starrocks/definition.js";
import { isDynamic, normalize } from "../../../src/engines/starrocks/normalize.js";
import type { AlterTable, Statement } from "../../../src/engines/starrocks/parse/ast.js";
import { SyntaxFault, tokenize } from "../../../src/engines/starrocks/parse/lexer.js";
import { parseStatement } from "../../../src/engines/starrocks/parse/statement.js";
import { altered } from "./alter.js";
import { shownMaterializedView, shownTable, shownView } from "./printed.js";
import { exists, notFound, Refusal, Unclaimed, unknownDatabase, unknownTable } from "./refusal.js";
import { FakeRows, type Names, type OpenTransaction, type Row, type Stored } from "./rows.js";
import type { LoadTrouble } from "./stream-load.js";

/*
 * A front end in memory: it keeps definitions, no rows. What it answers to CREATE, ALTER and SHOW CREATE is compared with the
 * recorded answers in test/corpus/starrocks-fake.test.ts; what it does not know it refuses loudly, so that no test is built on a guess.
 */

type Relation =
  /** `store` is where its rows are: see rows.ts. */
  | { readonly kind: "table"; readonly body: TableBody; readonly store: string }
  | { readonly kind: "view"; readonly body: ViewBody }
  /** `inactive` is why. */
  | { readonly kind: "materialized-view"; readonly body: MaterializedViewBody; readonly inactive?: string };

interface FakeJob {
  readonly id: number;
  readonly kind: "COLUMN" | "OPTIMIZE";
  readonly database: string;
  readonly table: string;
  readonly becomes: TableBody;
  /** How often SHOW ALTER has to be asked until it ends. */
  polls: number;
  state: "PENDING" | "RUNNING" | "FINISHED" | "CANCELLED";
  message: string;
}

/** What goes wrong on command. Each is used up by the first statement that it fits. */
export type Misbehaviour =
  | LoadTrouble
  /** The statement is executed, and the connection breaks instead of answering. */
  | { readonly does: "lose-connection"; readonly at: RegExp }
  /** The connection breaks before the statement is executed. */
  | { readonly does: "lose-statement"; readonly at: RegExp }
  /** The statement is answered and changes nothing. */
  | { readonly does: "swallow"; readonly at: RegExp }
  | { readonly does: "refuse"; readonly at: RegExp; readonly code: number; readonly message: string }
  | { readonly does: "cancel-job"; readonly at: RegExp; readonly message: string }
  | { readonly does: "slow-job"; readonly at: RegExp; readonly polls: number }
  /** Somebody else is quicker, or their load ends behind it. */
  | { readonly does: "write-before" | "write-after"; readonly at: RegExp; readonly sql: string };

export interface Session {
  readonly id: number;
  database: string | undefined;
}

const JOB_POLLS = 2;

export class FakeStarrocks {
  readonly databases = new Map<string, Map<string, Relation>>([["information_schema", new Map()]]);
  readonly misbehaviours: Misbehaviour[] = [];
  /** Takes tables whose partitions follow the clock, and lets time stand still: it makes and drops none of them. */
  holdsClock = false;
  /** Every statement that was executed, in order. */
  readonly executed: string[] = [];
  readonly sessions = new Map<number, Session & { readonly kill: () => void }>();
  private readonly jobs: FakeJob[] = [];
  private readonly dropped = new Map<string, Relation>();
  private nextJob = 10001;
  private nextStore = 1;
  readonly rows = new FakeRows();

  /** Rows, or nothing for a statement that has none. Throws Refusal and Unclaimed. */
  execute(sql: string, session: Session): readonly Row[] | undefined {
    const refusal = this.take("refuse", sql);
    if (refusal?.does === "refuse") throw new Refusal(refusal.message, refusal.code);
    this.executed.push(sql);
    if (this.take("swallow", sql)) return undefined;
    const shown = this.show(sql, session);
    if (shown) return shown;
    this.change(read(sql), sql, session);
    return undefined;
  }

  take(does: Misbehaviour["does"], sql: string): Misbehaviour | undefined {
    const index = this.misbehaviours.findIndex((one) => one.does === does && one.at.test(sql));
    return index < 0 ? undefined : this.misbehaviours.splice(index, 1)[0];
  }

  /** An empty server: no databases, no jobs. */
  reset(): void {
    for (const name of [...this.databases.keys()]) if (name !== "information_schema") this.databases.delete(name);
    this.jobs.length = 0;
    this.executed.length = 0;
    for (const one of [this.rows.labels, this.rows.transactions, this.rows.prepared]) one.clear();
  }

  /** All jobs end, as if SHOW ALTER had been asked often enough. */
  finishJobs(): void {
    for (const job of this.jobs) while (job.state === "PENDING" || job.state === "RUNNING") this.advance(job);
  }

  showCreate(session: Session, name: readonly string[]): string {
    const [, own, relation] = this.relation(session, name, notFound);
    if (relation.kind === "table") return shownTable(own, relation.body);
    return relation.kind === "view" ? shownView(own, relation.body) : shownMaterializedView(own, relation.body);
  }

  // ---------------------------------------------------------------------------------------------- SHOW and SELECT

  private show(sql: string, session: Session): readonly Row[] | undefined {
    for (const [pattern, answer] of this.answers) {
      const match = pattern.exec(sql.trim());
      if (match) return answer(match, session);
    }
    return undefined;
  }

  private readonly answers: readonly (readonly [RegExp, (match: RegExpExecArray, session: Session) => readonly Row[]])[] = [
    [/^SELECT current_version\(\)(?: AS (\w+))?$/i, ([, as = "current_version()"]) => [{ [as]: "3.5.0" }]],
    [/^SELECT 1$/i, () => [{ "1": "1" }]],
    [/^SELECT '(.*)' AS (\w+)$/is, ([, value = "", as = ""]) => [{ [as]: value }]],
    [/^SELECT CAST\((-?[\d.]+) AS \w+(?:\([\d, ]+\))?\) AS (\w+)$/i, ([, value = "", as = ""]) => [{ [as]: value }]],
    [/^SELECT (connection_id\(\))$/i, ([, as = ""], { id }) => [{ [as]: String(id) }]],
    [/^SHOW DATABASES$/i, () => [...this.databases.keys()].sort(compareText).map((database) => ({ Database: database }))],
    [/^SHOW FULL TABLES(?: FROM (\S+))?$/i, ([, name], session) => this.tables(session, name)],
    [/^SHOW MATERIALIZED VIEWS(?: FROM (\S+))?$/i, ([, name], session) => this.materializedViews(session, name)],
    [
      /^SHOW ALTER TABLE (COLUMN|OPTIMIZE|ROLLUP)(?: FROM (\S+))?(?: WHERE TableName = ['"](.*)['"])?$/is,
      ([, kind, name, table], session) => this.alterJobs(session, kind?.toUpperCase() ?? "", name, table),
    ],
    [
      /^SHOW CREATE (TABLE|VIEW|MATERIALIZED VIEW) (.+)$/is,
      ([, word = "", name = ""], session) => this.created(session, word.toUpperCase(), name),
    ],
    [/^SHOW TABLES FROM (\S+)(?: LIKE '(.*)')?$/i, ([, name, like], session) => this.tablesLike(session, name, like)],
    [/^SHOW PROCESSLIST$/i, () => [...this.sessions.keys()].map((id) => ({ Id: String(id), User: "root", Command: "Sleep" }))],
    [/^KILL (?:CONNECTION )?(\d+)$/i, ([, id]) => this.kill(Number(id))],
  ];

  private kill(id: number): readonly Row[] {
    const session = this.sessions.get(id);
    if (!session) throw new Refusal(`Unknown thread id: ${id}`, 1094);
    session.kill();
    return [];
  }

  private databaseOf(session: Session, name: string | undefined): [string, Map<string, Relation>] {
    const database = name === undefined ? session.database : nameParts(name)[0];
    const found = database === undefined ? undefined : this.databases.get(database);
    if (database === undefined || !found) throw unknownDatabase(database ?? "");
    return [database, found];
  }

  private tables(session: Session, name: string | undefined): readonly Row[] {
    const [database, relations] = this.databaseOf(session, name);
    return [...relations.entries()]
      .sort(([a], [b]) => compareText(a, b))
      .map(([own, { kind }]) => ({
        [`Tables_in_${database}`]: own,
        Table_type: kind === "table" ? "BASE TABLE" : "VIEW",
      }));
  }

  private tablesLike(session: Session, name: string | undefined, like: string | undefined): readonly Row[] {
    const [database, relations] = this.databaseOf(session, name);
    const pattern = like === undefined ? /./ : new RegExp(`^${like.replace(/\\(.)/g, "$1").replaceAll("_", ".").replaceAll("%", ".*")}$`);
    return [...relations.keys()]
      .filter((own) => pattern.test(own))
      .sort(compareText)
      .map((own) => ({ [`Tables_in_${database}`]: own }));
  }

  private materializedViews(session: Session, name: string | undefined): readonly Row[] {
    const [database, relations] = this.databaseOf(session, name);
    return [...relations.entries()].flatMap(([own, relation]) => {
      if (relation.kind !== "materialized-view") return [];
      const { inactive } = relation;
      const state = { is_active: String(inactive === undefined), inactive_reason: inactive ?? "" };
      return [{ database_name: database, name: own, refresh_type: "MANUAL", ...state, text: shownMaterializedView(own, relation.body) }];
    });
  }

  private created(session: Session, word: string, name: string): readonly Row[] {
    const [database, own, relation] = this.relation(session, nameParts(name), notFound);
    const wanted = { table: "TABLE", view: "VIEW", "materialized-view": "MATERIALIZED VIEW" }[relation.kind];
    if (word !== wanted && word !== "TABLE")
      throw new Refusal(`Getting analyzing error. Detail message: '${database}.${own}' is not '${word}'.`, 1347);
    const text = this.showCreate(session, nameParts(name));
    return [
      wanted === "TABLE"
        ? { Table: own, "Create Table": text }
        : { [wanted === "VIEW" ? "View" : "Materialized View"]: own, [`Create ${wanted === "VIEW" ? "View" : "Materialized View"}`]: text },
    ];
  }

  /** Asking is what makes time pass. */
  private alterJobs(session: Session, kind: string, name: string | undefined, table: string | undefined): readonly Row[] {
    const [database] = this.databaseOf(session, name);
    const jobs = this.jobs.filter((job) => job.kind === kind && job.database === database && (table === undefined || job.table === table));
    const rows = jobs.map((job) => ({
      ...{ JobId: String(job.id), TableName: job.table, State: job.state, Msg: job.message },
      Progress: job.state === "FINISHED" ? "100" : null,
    }));
    for (const job of jobs) this.advance(job);
    return rows;
  }

  private advance(job: FakeJob): void {
    if (job.state === "FINISHED" || job.state === "CANCELLED") return;
    job.polls--;
    if (job.polls > 0) {
      job.state = "RUNNING";
      return;
    }
    job.state = job.message === "" ? "FINISHED" : "CANCELLED";
    const relations = this.databases.get(job.database);
    const relation = relations?.get(job.table);
    if (job.state === "FINISHED" && relation?.kind === "table") relations?.set(job.table, { ...relation, body: job.becomes });
  }

  // ---------------------------------------------------------------------------------------------- changes

  private relation(
    session: Session,
    name: readonly string[],
    missing: (name: string) => Refusal,
  ): readonly [database: string, name: string, Relation, Map<string, Relation>] {
    const own = name.at(-1) ?? "";
    const [database, relations] = this.databaseOf(session, name.length > 1 ? `\`${name[0]}\`` : undefined);
    const relation = relations.get(own);
    if (!relation) throw missing(own);
    return [database, own, relation, relations];
  }

  private change(statement: Statement, sql: string, session: Session): unknown {
    switch (statement.statement) {
      case "create-database":
        return this.createDatabase(statement);
      case "drop-database": {
        const [name = ""] = statement.name;
        if (!this.databases.delete(name) && !statement.ifExists) {
          throw new Refusal(`Can't drop database '${name}'; database doesn't exist`, 1008);
        }
        return undefined;
      }
      case "use":
        session.database = this.databaseOf(session, statement.name.map((part) => `\`${part}\``).join("."))[0];
        return undefined;
      case "create-table":
      case "create-view":
      case "create-materialized-view":
        return this.create(statement, sql, session);
      case "alter-view":
        return this.alterView(statement, sql, session);
      case "drop-table":
      case "drop-view":
      case "drop-materialized-view":
        return this.drop(statement, session);
      case "alter-table":
        return this.alterTable(statement, sql, session);
      case "create-index":
        return this.alterTable(
          { statement: "alter-table", name: statement.table, clauses: [{ clause: "add-index", index: statement.index }] },
          sql,
          session,
        );
      case "drop-index":
        return this.alterTable(
          { statement: "alter-table", name: statement.table, clauses: [{ clause: "drop-index", name: statement.name }] },
          sql,
          session,
        );
      case "alter-materialized-view":
        return this.alterMaterializedView(statement, session);
      default:
        return this.other(sql, session);
    }
  }

  private createDatabase({ name, ifNotExists }: Extract<Statement, { statement: "create-database" }>): void {
    const own = name.at(-1) ?? "";
    if (!/^[A-Za-z_][A-Za-z0-9_-]{0,255}$/.test(own))
      throw new Refusal(`Getting analyzing error. Detail message: Incorrect database name '${own}'.`, 1102, "42000");
    if (!this.databases.has(own)) this.databases.set(own, new Map());
    else if (!ifNotExists) throw new Refusal(`Can't create database '${own}'; database exists`, 1007);
  }

  private create(
    statement: Extract<Statement, { statement: "create-table" | "create-view" | "create-materialized-view" }>,
    sql: string,
    session: Session,
  ): void {
    const own = statement.name.at(-1) ?? "";
    const [database, relations] = this.databaseOf(session, statement.name.length > 1 ? `\`${statement.name[0]}\`` : undefined);
    const replaces = statement.statement === "create-view" && statement.orReplace && relations.get(own)?.kind === "view";
    if (relations.has(own) && statement.ifNotExists) return;
    if (relations.has(own) && !replaces) {
      throw statement.statement === "create-view" && statement.orReplace ? new Refusal(`Table '${own}' is not a view`) : exists(own);
    }
    relations.set(own, this.made(statement, sql, database));
  }

  private made(
    statement: Extract<Statement, { statement: "create-table" | "create-view" | "create-materialized-view" }>,
    sql: string,
    database: string,
  ): Relation {
    if (statement.statement === "create-table") {
      if (!this.holdsClock && statement.properties.some(({ key }) => key.startsWith("dynamic_partition.")))
        throw new Unclaimed("partitions that follow the clock");
      return { kind: "table", body: storedTable(statement, database), store: `store_${this.nextStore++}` };
    }
    if (statement.statement === "create-view") {
      const body = viewBody(statement, database, sql);
      return { kind: "view", body: { ...body, query: { starrocks: rewritten(sqlText(body.query.starrocks)) } } };
    }
    if (!statement.refresh && !statement.distribution) throw new Unclaimed("a synchronous materialized view");
    const body = materializedViewBody(statement, database, sql);
    const object = { slot: "starrocks", kind: "materialized-view", id: "", name: [], dependsOn: [], body } as const;
    const stored = normalize(object).body as MaterializedViewBody; // a body of the kind that was given
    return { kind: "materialized-view", body: { ...stored, query: { starrocks: rewritten(sqlText(body.query.starrocks)) } } };
  }

  private alterView({ name, columns, query }: Extract<Statement, { statement: "alter-view" }>, sql: string, session: Session): void {
    const [, own, relation, relations] = this.relation(session, name, notFound);
    if (relation.kind !== "view" || !query) throw new Unclaimed("this ALTER VIEW");
    const made = columns ? columns.map(({ name: column, comment = "" }) => ({ name: column, comment })) : relation.body.columns;
    relations.set(own, { kind: "view", body: { ...relation.body, columns: made, query: { starrocks: rewritten(sql.slice(query.at)) } } });
  }

  private drop(
    statement: Extract<Statement, { statement: "drop-table" | "drop-view" | "drop-materialized-view" }>,
    session: Session,
  ): void {
    const kind = { "drop-table": "table", "drop-view": "view", "drop-materialized-view": "materialized-view" }[statement.statement];
    try {
      const [database, own, relation, relations] = this.relation(
        session,
        statement.name,
        kind === "materialized-view" ? notFound : unknownTable,
      );
      if (relation.kind !== kind) throw new Unclaimed("DROP of another kind");
      relations.delete(own);
      this.dropped.set(`${database}\0${own}`, relation);
      for (const job of this.jobs) if (job.database === database && job.table === own && job.state !== "FINISHED") job.state = "CANCELLED";
    } catch (error) {
      if (!(error instanceof Refusal && statement.ifExists)) throw error;
    }
  }

  private alterTable({ name, clauses }: AlterTable, sql: string, session: Session): unknown {
    const [database, own, relation, relations] = this.relation(session, name, notFound);
    if (relation.kind !== "table") throw new Unclaimed("ALTER TABLE of a view");
    this.refuseWhileBusy(database, own);
    const [first] = clauses;
    if (clauses.length === 1 && first?.clause === "rename") return rename(relations, own, first.to, relation);
    if (clauses.length === 1 && first?.clause === "swap") {
      this.deactivate(relations, own, `base-table swapped: ${own}`);
      return swap(relations, own, first.with, relation);
    }
    if (clauses.some(({ clause }) => /^(drop|modify|rename)-column$/.test(clause)))
      this.deactivate(relations, own, `base-table schema changed: ${own}`);
    const together = [/^(add|drop|modify)-column/, /^(add|drop)-index/];
    if (clauses.length > 1 && !together.some((kind) => clauses.every(({ clause }) => kind.test(clause))))
      throw new Unclaimed("these clauses together");
    let body = relation.body;
    let job: FakeJob["kind"] | undefined;
    for (const clause of clauses) {
      const next = altered(own, body, clause);
      body = next.body;
      job = next.job ?? job;
    }
    this.followRows(relation, clauses);
    if (job === undefined) relations.set(own, { ...relation, body: renormalized(body) });
    else this.startJob(job, database, own, renormalized(body), sql);
    return undefined;
  }

  /** Views over a table that changes; the real one asks whether they use the column. */
  private deactivate(relations: Map<string, Relation>, table: string, reason: string): void {
    for (const [name, relation] of relations) {
      if (relation.kind !== "materialized-view") continue;
      const reads = tokenize(sqlText(relation.body.query.starrocks)).some(({ text }) => text.toLowerCase() === table.toLowerCase());
      if (reads) relations.set(name, { ...relation, inactive: reason });
    }
  }

  /** What a clause does to rows that the definition alone does not say. */
  private followRows(table: Stored, clauses: AlterTable["clauses"]): void {
    for (const clause of clauses) {
      if (clause.clause === "rename-column") this.rows.renamed(table.store, clause.from, clause.to);
      if (clause.clause === "drop-partition") this.rows.partitionDropped(table, clause.names);
    }
  }

  /** As execute, for statements about rows too. */
  async run(sql: string, session: Session): Promise<readonly Row[] | undefined> {
    const early = this.take("write-before", sql);
    if (early?.does === "write-before") await this.rows.run(early.sql, this.namesFor(session), undefined);
    const answer = await this.answer(sql, session);
    const late = this.take("write-after", sql);
    if (late?.does === "write-after") await this.rows.run(late.sql, this.namesFor(session), undefined);
    return answer;
  }

  private async answer(sql: string, session: Session): Promise<readonly Row[] | undefined> {
    if (!/^\s*(SELECT|WITH|INSERT|DELETE|UPDATE|TRUNCATE TABLE|SHOW PARTITIONS)\b/i.test(sql) || this.isShown(sql))
      return this.execute(sql, session);
    const refusal = this.take("refuse", sql);
    if (refusal?.does === "refuse") throw new Refusal(refusal.message, refusal.code);
    this.executed.push(sql);
    const shown = /^\s*SHOW PARTITIONS FROM (.+)$/is.exec(sql);
    if (shown) return this.partitions(session, shown[1] ?? "");
    return this.rows.run(sql, this.namesFor(session), session.database);
  }

  /** Rows of a Stream Load: fields are separated as its headers say, and become columns as `columns` says. */
  async load(name: readonly string[], headers: IncomingHttpHeaders, body: string): Promise<void> {
    const table = this.tableOf(name);
    await this.rows.inTurn(() => this.rows.streamLoad(table, [{ headers, body }]));
  }

  /** The rows of a transaction are looked at now and kept until it is committed. */
  async prepare(key: string, { name, loads }: OpenTransaction): Promise<void> {
    const table = this.tableOf(name);
    await this.rows.inTurn(() => this.rows.tried(() => this.rows.streamLoad(table, loads)));
    this.rows.prepared.set(key, { name, loads });
  }

  async commit(key: string): Promise<void> {
    const { name, loads } = this.rows.prepared.get(key) ?? { name: [], loads: [] };
    const table = this.tableOf(name);
    this.rows.prepared.delete(key);
    await this.rows.inTurn(() => this.rows.streamLoad(table, loads));
  }

  private tableOf(name: readonly string[]): Stored {
    const [, , relation] = this.relation({ id: 0, database: undefined }, name, notFound);
    if (relation.kind !== "table") throw new Refusal(`${name.join(".")} is not a table`);
    return relation;
  }

  /** The first column of a query of DuckDB over a table's rows, for tests that compare them. */
  async rowsOf(name: readonly string[], query: (relation: string) => string): Promise<string[]> {
    const table = this.tableOf(name);
    return this.rows.inTurn(() => this.rows.texts(table, query));
  }

  private isShown(sql: string): boolean {
    return this.answers.some(([pattern]) => pattern.test(sql.trim()));
  }

  private namesFor(session: Session): Names {
    return {
      table: (name) => {
        const [, own, relation] = this.relation(session, name, unknownTable);
        if (relation.kind !== "table") throw new Unclaimed(`rows of ${own}, which is no table`);
        return relation;
      },
      schemaTable: (name) => this.schemaTable(name),
    };
  }

  private schemaTable(name: string): readonly Row[] {
    if (name === "tables") {
      return [...this.databases].flatMap(([database, relations]) =>
        [...relations].map(([own, { body }]) => ({ TABLE_SCHEMA: database, TABLE_NAME: own, TABLE_COMMENT: body.comment })),
      );
    }
    if (name === "loads") {
      return [...this.rows.labels].map(([key, state]) => {
        const [database = "", label = ""] = key.split("\0");
        return { LABEL: label, DB_NAME: database, STATE: state === "VISIBLE" ? "FINISHED" : state === "ABORTED" ? "CANCELLED" : "LOADING" };
      });
    }
    throw new Unclaimed(`information_schema.${name}`);
  }

  private async partitions(session: Session, name: string): Promise<readonly Row[]> {
    const [, own, relation] = this.relation(session, nameParts(name), notFound);
    if (relation.kind !== "table") throw new Unclaimed("partitions of what is no table");
    const { partition } = relation.body;
    const names =
      partition === undefined
        ? [own]
        : "partitions" in partition
          ? partition.partitions.map((one) => one.name)
          : [...(await this.rows.inTurn(() => this.rows.automatic(relation))).keys()];
    const rows: Row[] = [];
    for (const [index, one] of names.entries()) {
      const version = await this.rows.inTurn(() => this.rows.version(relation, one));
      rows.push({ PartitionId: `${relation.store.replace(/\D/g, "")}${100 + index}`, PartitionName: one, VisibleVersion: version });
    }
    return rows;
  }

  private refuseWhileBusy(database: string, table: string): void {
    const busy = this.jobs.find(
      (job) => job.database === database && job.table === table && (job.state === "PENDING" || job.state === "RUNNING"),
    );
    if (!busy) return;
    throw new Refusal(
      busy.kind === "COLUMN"
        ? `A schema change operation is in progress on the table ${table}. Please wait until the current operation completes. To check the status of the operation, use SHOW ALTER TABLE COLUMN`
        : `The table ${table} is currently in state OPTIMIZE`,
    );
  }

  private startJob(kind: FakeJob["kind"], database: string, table: string, becomes: TableBody, sql: string): void {
    const slow = this.take("slow-job", sql);
    const cancelled = this.take("cancel-job", sql);
    this.jobs.push({
      ...{ id: this.nextJob++, kind, database, table, becomes, state: "PENDING" },
      polls: slow?.does === "slow-job" ? slow.polls : JOB_POLLS,
      message: cancelled?.does === "cancel-job" ? cancelled.message : "",
    });
  }

  private alterMaterializedView({ name, change }: Extract<Statement, { statement: "alter-materialized-view" }>, session: Session): unknown {
    const [, own, relation, relations] = this.relation(session, name, notFound);
    if (relation.kind !== "materialized-view") throw new Unclaimed("ALTER MATERIALIZED VIEW of another kind");
    if (change.change === "rename") return rename(relations, own, change.to, relation);
    if (change.change === "swap") return swap(relations, own, change.with, relation);
    if (change.change === "status") {
      const { inactive: _, ...active } = relation;
      relations.set(own, change.active ? active : { ...relation, inactive: "user use alter materialized view set status to inactive" });
      return undefined;
    }
    const { body } = relation;
    if (change.change === "set") {
      const properties = { ...body.properties, ...Object.fromEntries(change.properties.map(({ key, value }) => [key, value])) };
      relations.set(own, { ...relation, body: { ...body, properties } });
      return undefined;
    }
    const { kind, start, every } = change.refresh;
    const amount = every?.value.kind === "literal" ? every.value.text : "";
    const refresh = {
      ...{ mode: kind === "MANUAL" ? ("manual" as const) : ("async" as const), moment: body.refresh.moment },
      ...(every && { every: `${amount} ${every.unit}` }),
      ...(start !== undefined && { start }),
    };
    relations.set(own, { ...relation, body: { ...body, refresh } });
    return undefined;
  }

  /** Statements that our parser reads as far as their first words. */
  private other(sql: string, session: Session): void {
    if (/^(INSERT INTO|REFRESH MATERIALIZED VIEW|SET|TRUNCATE TABLE) /i.test(sql.trim())) return; // rows: see run
    const recovered = /^RECOVER TABLE (.+)$/is.exec(sql.trim());
    if (!recovered) throw new Unclaimed(sql);
    const name = nameParts(recovered[1] ?? "");
    const [database, relations] = this.databaseOf(session, name.length > 1 ? `\`${name[0]}\`` : undefined);
    const own = name.at(-1) ?? "";
    const relation = this.dropped.get(`${database}\0${own}`);
    if (!relation || relations.has(own)) throw new Unclaimed("RECOVER of what is not in the bin");
    relations.set(own, relation);
  }
}

function read(sql: string): Statement {
  try {
    return parseStatement(tokenize(sql.trim().replace(/;$/, "")));
  } catch (error) {
    if (error instanceof SyntaxFault) throw new Refusal(`Getting syntax error. Detail message: ${error.message}`);
    throw error;
  }
}

function nameParts(text: string): string[] {
  return tokenize(text.trim().replace(/;$/, ""))
    .filter(({ kind }) => kind === "word" || kind === "quoted")
    .map((token) => token.text);
}

/** As the front end keeps it: its defaults filled in. */
function storedTable(statement: Extract<Statement, { statement: "create-table" }>, database: string): TableBody {
  if (statement.external || statement.temporary || statement.rollups.length > 0 || (statement.engine ?? "OLAP").toUpperCase() !== "OLAP") {
    throw new Unclaimed("this kind of table");
  }
  if (statement.properties.some(({ key }) => key.endsWith("_constraints"))) throw new Unclaimed("constraints");
  if (statement.partition && statement.partition.kind !== "list" && "expression" in statement.partition)
    throw new Unclaimed("ranges of an expression");
  const ranges = statement.partition?.kind === "range" ? statement.partition.items : [];
  if (ranges.some((item) => item.kind !== "batch" && item.properties.length > 0)) throw new Unclaimed("properties of one partition");
  return renormalized(tableBody(statement, database));
}

function renormalized(body: TableBody): TableBody {
  const stored = normalize({ slot: "starrocks", kind: "table", id: "", name: [], dependsOn: [], body }).body as TableBody; // of the kind that was given
  // What is normalized has no partitions that come and go with the clock; the server has them. It makes none by itself here.
  const partition = isDynamic(body) && body.partition ? { partition: body.partition } : {};
  const binlog = "binlog_enable" in stored.properties ? { binlog_version: "0" } : {};
  return { ...stored, ...partition, orderBy: body.orderBy, properties: { ...stored.properties, ...binlog } };
}

function rename(relations: Map<string, Relation>, from: string, to: string, relation: Relation): void {
  if (relations.has(to)) throw new Refusal(`Table name[${to}] is already used`);
  relations.delete(from);
  relations.set(to, relation);
}

function swap(relations: Map<string, Relation>, a: string, b: string, relation: Relation): void {
  const other = relations.get(b);
  if (other?.kind !== relation.kind) throw new Unclaimed("a swap with another kind");
  relations.set(a, other);
  relations.set(b, relation);
}

/** The front end rewrites queries when it keeps them. How does not matter here, only that no text comes back as it was sent. */
function rewritten(query: string): string {
  const tokens = tokenize(query).filter(({ kind }) => kind !== "end");
  return tokens.map((token) => (token.kind === "word" ? token.key : query.slice(token.start, token.end))).join(" ");
}
