import { type CatalogObject, displayName, fillHoles } from "../../core/catalog.js";
import type { Hazard } from "../../core/hazard.js";
import type { Json, JsonObject } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import { type ColumnBody, type PostgresObject, postgresObject } from "./body.js";
import {
  checkClause,
  columnClause,
  commentOnColumn,
  commentOnObject,
  createIndex,
  createObject,
  dropText,
  foreignKeyClause,
  functionStatement,
  indexName,
  primaryKeyClause,
  viewStatement,
} from "./create.js";
import { derivedName, id, lit, raw, sql } from "./dialect.js";
import { keepGrants, restoreGrants } from "./grants.js";
import { comeBack, type RebuildOperation, type RebuildParts, rebuild, stepAside } from "./rebuild.js";
import { alterPartitions } from "./repartition.js";
import { castText, retyping } from "./retype.js";
import { alterRole, dropRole } from "./roles.js";
import type { EnumAddition, PostgresAction } from "./rules.js";
import { harmless, hazard, statement } from "./statements.js";

/** What TimescaleDB does otherwise: making an object, and its own actions. */
export interface Making {
  readonly create: (object: CatalogObject) => StatementBody[];
  readonly act: (object: CatalogObject, action: JsonObject) => StatementBody[];
  readonly addColumn?: (object: CatalogObject, column: ColumnBody) => StatementBody[] | undefined;
  readonly rebuild: RebuildParts;
}

function noAggregates(object: CatalogObject): never {
  throw new Error(`${object.id}: PostgreSQL alone has no continuous aggregates.`);
}

const plainParts: RebuildParts = {
  shadow: createObject,
  settle: () => [],
  release: () => [],
  pause: () => [],
  slices: () => undefined,
  afterSlice: () => undefined,
  refresh: noAggregates,
  carry: noAggregates,
  renameIndexes: () => [],
};

const postgresMaking: Making = {
  create: createObject,
  act: (object, action) => act(object, action as PostgresAction),
  rebuild: plainParts,
};

/** The statements of one operation. Values per environment that were not filled yet stand as their default. */
export function generate(operation: Operation, making: Making = postgresMaking): StatementBody[] {
  const filled = fillHoles(operation as unknown as Json, "default") as unknown as Operation; // operations are JSON by contract
  return statementsOf(filled, making);
}

function statementsOf(operation: Operation, making: Making): StatementBody[] {
  const { object } = operation;
  const table = id(...object.name);
  switch (operation.op) {
    case "create-object":
      return operation.again ? comeBack(object, making) : making.create(object);
    case "drop-object":
      if (object.kind === "role") return dropRole(object);
      return operation.again ? stepAside(object, making) : [drop(object, making)];
    case "replace-object":
      return object.kind === "role" ? alterRole(operation.from, object) : replace(operation.from, object);
    case "rename-object":
      return renameObject(operation.from, object);
    case "add-column":
      return making.addColumn?.(object, operation.column as ColumnBody) ?? addColumn(object, operation.column as ColumnBody); // as rules.ts puts it in
    case "drop-column":
      return [dropColumn(object, operation.column as ColumnBody)];
    case "rename-column": {
      const rename = (from: string, to: string): Sql =>
        sql`ALTER ${raw(tableWord(object))} ${table} RENAME COLUMN ${id(from)} TO ${id(to)}`;
      return [statement(rename(operation.from, operation.to), { undo: [rename(operation.to, operation.from)] })];
    }
    case "retype-column":
      return [retype(object, operation.from as ColumnBody, operation.to as ColumnBody)];
    case "set-nullable":
      return [setNullable(object, operation.column, operation.nullable)];
    case "set-default":
      return [
        statement(setDefault(object, operation.column, operation.to), { undo: [setDefault(object, operation.column, operation.from)] }),
      ];
    case "set-comment":
      return [
        statement(commentStatement(object, operation.column, operation.comment), {
          undo: [commentStatement(object, operation.column, operation.from ?? "")],
        }),
      ];
    case "rebuild-object":
      return remake(operation, making);
    case "engine-action":
      return making.act(object, operation.action);
  }
}

/** ALTER TABLE also serves views; a continuous aggregate has to be named as what it was created as. */
function tableWord(object: CatalogObject): string {
  const words: Partial<Record<PostgresObject["kind"], string>> = {
    view: "VIEW",
    "materialized-view": "MATERIALIZED VIEW",
    "continuous-aggregate": "MATERIALIZED VIEW",
    function: "FUNCTION",
    schema: "SCHEMA",
    enum: "TYPE",
    role: "ROLE",
  };
  return words[postgresObject(object).kind] ?? "TABLE";
}

const HOLDS_ROWS: ReadonlySet<string> = new Set(["table", "continuous-aggregate"]);

function drop(object: CatalogObject, making: Making): StatementBody {
  if (HOLDS_ROWS.has(object.kind)) {
    return statement(dropText(object), { hazards: [hazard("data-loss", `All rows of ${displayName(object.name)} are lost.`)] });
  }
  return statement(dropText(object), { undo: making.create(object).map(({ text }) => text) });
}

function replace(from: CatalogObject, object: CatalogObject): StatementBody[] {
  return [statement(replacement(object), { undo: [replacement(from)] })];
}

function replacement(object: CatalogObject): string {
  const made = postgresObject(object);
  if (made.kind === "view") return viewStatement(made.name, made.body, true);
  if (made.kind === "function") return functionStatement(made.name, made.body, true);
  throw new Error(`${object.id} cannot be replaced in place.`);
}

function renameObject(from: CatalogObject, object: CatalogObject): StatementBody[] {
  const word = raw(tableWord(object));
  if (object.name.length === 1) {
    const rename = (a: CatalogObject, b: CatalogObject): Sql => sql`ALTER ${word} ${id(...a.name)} RENAME TO ${id(...b.name)}`;
    return [statement(rename(from, object), { undo: [rename(object, from)] })];
  }
  const [fromSchema = "", fromName = ""] = from.name;
  const [schema = "", name = ""] = object.name;
  const statements: StatementBody[] = [];
  if (fromSchema !== schema) {
    const move = (a: string, b: string): Sql => sql`ALTER ${word} ${id(a, fromName)} SET SCHEMA ${id(b)}`;
    statements.push(statement(move(fromSchema, schema), { undo: [move(schema, fromSchema)] }));
  }
  if (fromName !== name) {
    const rename = (a: string, b: string): Sql => sql`ALTER ${word} ${id(schema, a)} RENAME TO ${id(b)}`;
    statements.push(statement(rename(fromName, name), { undo: [rename(name, fromName)] }));
  }
  return statements;
}

function addColumn(object: CatalogObject, column: ColumnBody): StatementBody[] {
  const rewrites = column.generated !== undefined || isVolatile(column.default);
  const where = displayName(object.name);
  return [
    statement(sql`ALTER TABLE ${id(...object.name)} ADD COLUMN ${columnClause(column)}`, {
      hazards: rewrites ? [hazard("rewrites-table", `Every row of ${where} is written again to hold ${column.name}.`)] : [],
      undo: [sql`ALTER TABLE ${id(...object.name)} DROP COLUMN ${id(column.name)}`],
    }),
    ...(column.comment === "" ? [] : harmless([statement(commentOnColumn(object, column.name, column.comment))])),
  ];
}

/** now() is the same for the whole statement, so PostgreSQL stores it once; a function of unknown nature is run for each row. */
export function isVolatile(expression: string | undefined): boolean {
  return expression !== undefined && /\(/.test(expression.replace(/\bnow\(\)/g, "").replace(/^\(|\)$/g, ""));
}

function dropColumn(object: CatalogObject, column: ColumnBody): StatementBody {
  const lost = `The values of ${displayName(object.name)}.${column.name} are lost.`;
  return statement(sql`ALTER TABLE ${id(...object.name)} DROP COLUMN ${id(column.name)}`, {
    hazards: column.generated === undefined ? [hazard("data-loss", lost)] : [],
  });
}

function retype(object: CatalogObject, from: ColumnBody, to: ColumnBody): StatementBody {
  const where = `${displayName(object.name)}.${to.name}`;
  const cost = retyping(from.type, to.type);
  const hazards: Hazard[] = [];
  if (cost !== "metadata")
    hazards.push(
      hazard("rewrites-table", `Every row of ${displayName(object.name)} is written again, and nobody reads or writes meanwhile.`),
    );
  if (cost === "narrowing")
    hazards.push(hazard("data-loss", `Values of ${where} that ${to.type} cannot hold are rounded, or the statement is refused.`));
  return statement(retypeText(object, from, to), { hazards, ...(cost !== "narrowing" && { undo: [retypeText(object, to, from)] }) });
}

function retypeText(object: CatalogObject, from: ColumnBody, to: ColumnBody): Sql {
  const column = id(to.name);
  const type = sql`ALTER COLUMN ${column} TYPE ${raw(to.type)} USING ${castText(column, from.type, to.type)}`;
  // A default is cast only where the cast is implicit, so it steps aside.
  if (from.default === undefined) return sql`ALTER TABLE ${id(...object.name)} ${type}`;
  const back = to.default === undefined ? raw("") : sql`, ALTER COLUMN ${column} SET DEFAULT ${raw(to.default)}`;
  return sql`ALTER TABLE ${id(...object.name)} ALTER COLUMN ${column} DROP DEFAULT, ${type}${back}`;
}

function setNullable(object: CatalogObject, column: string, nullable: boolean): StatementBody {
  const text = (word: string): Sql => sql`ALTER TABLE ${id(...object.name)} ALTER COLUMN ${id(column)} ${raw(word)} NOT NULL`;
  if (nullable) return statement(text("DROP"), { undo: [text("SET")] });
  const why = `${displayName(object.name)} is locked while every row is checked for NULL.`;
  return statement(text("SET"), { hazards: [hazard("blocks-writes", why)], undo: [text("DROP")] });
}

function setDefault(object: CatalogObject, column: string, value: Json): Sql {
  const change = typeof value === "string" ? raw(`SET DEFAULT ${value}`) : raw("DROP DEFAULT");
  return sql`ALTER TABLE ${id(...object.name)} ALTER COLUMN ${id(column)} ${change}`;
}

function commentStatement(object: CatalogObject, column: string | undefined, comment: string): Sql {
  return column === undefined ? commentOnObject(object, comment) : commentOnColumn(object, column, comment);
}

function remake(operation: RebuildOperation, making: Making): StatementBody[] {
  const { from, object } = operation;
  if (HOLDS_ROWS.has(object.kind)) return rebuild(operation, making);
  if (object.kind === "materialized-view") return remakeView(from, object, making);
  return [statement(dropText(from), { undo: making.create(from).map(({ text }) => text) }), ...making.create(object)];
}

/**
 * Computed beside the old one, in a schema of its own, where names of indexes are free; then the names change hands, with the
 * grants that others gave. Readers of the old one wait for that, and not for the query.
 */
function remakeView(from: CatalogObject, object: CatalogObject, making: Making): StatementBody[] {
  const there = (from: CatalogObject, to: CatalogObject): (Sql | string)[] => {
    const [home = "", name = ""] = to.name;
    const aside = derivedName(to.name, "dw_shadow");
    return [
      sql`CREATE SCHEMA ${id(aside)}`,
      ...making.create({ ...to, name: [aside, name] }).map(({ text }) => text),
      keepGrants(from.name, to.name),
      dropText(from),
      sql`ALTER MATERIALIZED VIEW ${id(aside, name)} SET SCHEMA ${id(home)}`,
      sql`DROP SCHEMA ${id(aside)}`,
      restoreGrants(to.name),
    ];
  };
  return there(from, object).map((text, index) => statement(text, { undo: index === 0 ? there(object, from) : [] }));
}

const actions: {
  readonly [A in PostgresAction["action"]]: (object: CatalogObject, action: Extract<PostgresAction, { action: A }>) => StatementBody[];
} = {
  "set-primary-key": (object, { from, to }) =>
    constraint(object, from && primaryKeyClause(from), from?.name, to && primaryKeyClause(to), to?.name),
  "set-foreign-key": (object, { from, to }) =>
    constraint(object, from && foreignKeyClause(from), from?.name, to && foreignKeyClause(to), to?.name),
  "set-check": (object, { from, to }) => constraint(object, from && checkClause(from), from?.name, to && checkClause(to), to?.name),
  "set-index": (object, { from, to }) => [
    ...(from ? [statement(sql`DROP INDEX ${indexName(object, from.name)}`, { undo: [createIndex(object, from).text] })] : []),
    ...(to ? [createIndex(object, to)] : []),
  ],
  "add-enum-values": (object, { additions }) => additions.map((addition) => addValue(object, addition)),
  "rename-type": (object, { from, to }) => {
    const rename = (a: string, b: string): Sql => sql`ALTER TYPE ${id(object.name[0] ?? "", a)} RENAME TO ${id(b)}`;
    return [statement(rename(from, to), { undo: [rename(to, from)] })];
  },
  "set-partitions": (object, { from, to }) => alterPartitions(object, from, to),
  "rename-index": (object, { from, to }) => {
    const rename = (a: string, b: string): Sql => sql`ALTER INDEX ${indexName(object, a)} RENAME TO ${id(b)}`;
    return [statement(rename(from, to), { undo: [rename(to, from)] })];
  },
  "rename-constraint": (object, { from, to }) => {
    const rename = (a: string, b: string): Sql => sql`ALTER TABLE ${id(...object.name)} RENAME CONSTRAINT ${id(a)} TO ${id(b)}`;
    return [statement(rename(from, to), { undo: [rename(to, from)] })];
  },
};

/** A transaction that adds a value cannot use it, and a plan may need it in its next statement. */
function addValue(object: CatalogObject, { value, before }: EnumAddition): StatementBody {
  const place = before === undefined ? raw("") : sql` BEFORE ${lit(before)}`;
  return {
    ...statement(sql`ALTER TYPE ${id(...object.name)} ADD VALUE IF NOT EXISTS ${lit(value)}${place}`, { transactional: false }),
    repeatable: true,
  };
}

/** Carries out an action of PostgreSQL's own. */
export function act(object: CatalogObject, action: PostgresAction): StatementBody[] {
  const carryOut = actions[action.action] as (object: CatalogObject, action: PostgresAction) => StatementBody[]; // the name picks its own function
  return carryOut(object, action);
}

function constraint(
  object: CatalogObject,
  from: Sql | null,
  fromName: string | undefined,
  to: Sql | null,
  toName: string | undefined,
): StatementBody[] {
  const table = id(...object.name);
  const add = (clause: Sql): Sql => sql`ALTER TABLE ${table} ADD ${clause}`;
  const dropIt = (name: string): Sql => sql`ALTER TABLE ${table} DROP CONSTRAINT ${id(name)}`;
  const statements: StatementBody[] = [];
  if (from && fromName) statements.push(statement(dropIt(fromName), { undo: [add(from)] }));
  if (to && toName) {
    const why = `Writes to ${displayName(object.name)} wait while every row is checked against ${toName}.`;
    statements.push(statement(add(to), { hazards: [hazard("blocks-writes", why)], undo: [dropIt(toName)] }));
  }
  return statements;
}
