import { type Catalog, type CatalogObject, catalogOf, compareText, type ObjectId, type ObjectKind, objectId } from "../../core/catalog.js";
import type { Introspected } from "../../core/engine.js";
import type { JsonObject } from "../../core/json.js";
import type { PgSession } from "../../core/session.js";
import type { EngineName } from "../../core/types.js";
import type {
  CheckBody,
  ColumnBody,
  ForeignKeyBody,
  FunctionBody,
  IndexBody,
  PartitionBody,
  PartitioningBody,
  RoleBody,
  TableBody,
  ViewBody,
  ViewColumnBody,
} from "./body.js";
import {
  type LiveFunction,
  type LiveIndex,
  type LivePartitionKey,
  type LiveRelation,
  liveEnums,
  liveFunctions,
  liveRelations,
  liveSchemas,
} from "./live-catalog.js";
import { liveRoles } from "./live-roles.js";
import { boundsOf } from "./partitions.js";
import { type SpelledTable, spelledDefaults, spelledEnumCheck, spelledQueries, spelledTables } from "./scratch.js";

type Unmodelled = Introspected["unmodelled"][number];

/** What one introspection gathers. */
export interface Looking {
  readonly session: PgSession;
  readonly slot: EngineName;
  /** What the models want, by id: judges texts that the server rewrites, and orders columns. */
  readonly wanted: ReadonlyMap<ObjectId, CatalogObject>;
  readonly objects: CatalogObject[];
  readonly unmodelled: Unmodelled[];
}

/** Adds to, or takes over, what PostgreSQL sees: TimescaleDB's hypertables are tables here, its aggregates views. */
export interface Extension {
  readonly load: (looking: Looking) => Promise<Extended>;
}

export interface Extended {
  readonly table: (relation: LiveRelation, body: TableBody) => TableBody;
  /** Answers true when it has taken the view as an object of its own. */
  readonly view: (relation: LiveRelation) => Promise<boolean>;
}

const noExtension: Extension = { load: async () => ({ table: (_, body) => body, view: async () => false }) };

/**
 * The live catalog of one database in the form that resolve gives. Objects that the server holds and models cannot say are
 * reported in `unmodelled`. Runs in one read transaction that is rolled back; needs the TEMPORARY right (see scratch.ts).
 */
export async function introspect(
  session: PgSession,
  warehouse: string,
  wanted: Catalog,
  slot: EngineName = "postgres",
  extension: Extension = noExtension,
): Promise<Introspected> {
  const own = wanted.objects.filter((object) => object.slot === slot);
  const looking: Looking = { session, slot, wanted: new Map(own.map((object) => [object.id, object])), objects: [], unmodelled: [] };
  await rolledBack(session, async () => {
    await session.query("SET LOCAL search_path = pg_catalog");
    await session.query("SET LOCAL timezone = 'UTC'"); // bounds of partitions are shown in the session's zone
    await session.query("SET LOCAL datestyle = 'ISO, YMD'");
    await session.query("SET LOCAL jit = off"); // compiling queries of one run over the catalog costs more than they do
    const extended = await extension.load(looking);
    for (const { name, comment } of await liveSchemas(session)) add(looking, "schema", [name], { comment: comment ?? "" });
    for (const { schema, name, comment, values } of await liveEnums(session))
      add(looking, "enum", [schema, name], { comment: comment ?? "", values: values ?? [] });
    const found: Found = { tables: [], views: [] };
    for (const relation of await liveRelations(session)) await lookAtRelation(looking, relation, extended, found);
    await judgeTables(looking, found.tables);
    await judgeViews(looking, found.views);
    lookAtFunctions(looking, await liveFunctions(session));
    await lookAtRoles(looking);
  });
  return { catalog: catalogOf(warehouse, looking.objects), unmodelled: looking.unmodelled.sort((a, b) => compareText(a.name, b.name)) };
}

async function lookAtRoles(looking: Looking): Promise<void> {
  const declared = [...looking.wanted.values()].filter(({ kind }) => kind === "role");
  const wanted = new Map(declared.map(({ name, body }) => [name[0] ?? "", body.grants === undefined ? undefined : (body as RoleBody)])); // the kind is role
  for (const { name, body, others } of await liveRoles(looking.session, looking.slot, wanted)) {
    add(looking, "role", [name], body);
    for (const what of others) looking.unmodelled.push({ name: `role ${name}`, what });
  }
}

/** A transaction that leaves nothing behind, whatever happens. */
async function rolledBack(session: PgSession, work: () => Promise<void>): Promise<void> {
  const done = Symbol("rolled back");
  try {
    await session.transaction(async () => {
      await work();
      throw done;
    });
  } catch (error) {
    if (error !== done) throw error;
  }
}

export function add(looking: Looking, kind: ObjectKind, name: readonly string[], body: JsonObject): void {
  const id = objectId(looking.slot, kind, name);
  const { model, dependsOn = [] } = looking.wanted.get(id) ?? {};
  looking.objects.push({ slot: looking.slot, kind, id, name, ...(model !== undefined && { model }), dependsOn, body });
}

export function report(looking: Looking, schema: string, name: string, what: string): void {
  looking.unmodelled.push({ name: `${schema}.${name}`, what });
}

export function wantedBody<Body extends JsonObject>(looking: Looking, kind: ObjectKind, name: readonly string[]): Body | undefined {
  return looking.wanted.get(objectId(looking.slot, kind, name))?.body as Body | undefined; // the id carries the kind, the kind the body
}

/** What is judged together, because the server is asked about all of them at once. */
interface Found {
  readonly tables: { readonly name: readonly string[]; readonly body: TableBody }[];
  readonly views: { readonly kind: "view" | "materialized-view"; readonly relation: LiveRelation }[];
}

async function lookAtRelation(looking: Looking, relation: LiveRelation, extended: Extended, found: Found): Promise<void> {
  const { kind, schema, name } = relation;
  for (const extra of relation.extras) report(looking, schema, name, extra);
  if (kind === "f") return report(looking, schema, name, "foreign table");
  if (kind === "r" || kind === "p")
    found.tables.push({ name: [schema, name], body: extended.table(relation, tableBody(looking, relation)) });
  else if (!(await extended.view(relation))) found.views.push({ kind: kind === "v" ? "view" : "materialized-view", relation });
}

async function judgeTables(looking: Looking, tables: Found["tables"]): Promise<void> {
  const { session } = looking;
  const pairs = tables.map(({ name, body }) => ({ name, body, wanted: wantedBody<TableBody>(looking, "table", name) }));
  const defaults = await spelledDefaults(session, defaultsOf(pairs.flatMap(({ wanted }) => wanted?.columns ?? [])));
  const asked = pairs.flatMap(({ wanted }) => (wanted !== undefined && hasOwnExpressions(wanted) ? [wanted] : []));
  const tablesSpelled = await spelledTables(session, asked);
  for (const { name, body, wanted } of pairs) {
    const table = wanted && tablesSpelled[asked.indexOf(wanted)];
    add(looking, "table", name, wanted ? judged(body, wanted, { defaults, ...(table && { table }) }) : body);
  }
}

async function judgeViews(looking: Looking, views: Found["views"]): Promise<void> {
  const named = views.map((view) => ({ ...view, name: [view.relation.schema, view.relation.name] }));
  const wanted = named.map(({ kind, name }) => wantedBody<ViewBody>(looking, kind, name));
  const asked = wanted.filter((body) => body !== undefined);
  const queries = await spelledQueries(looking.session, asked);
  named.forEach(({ kind, name, relation }, index) => {
    const ours = wanted[index];
    const definition = relation.definition ?? "";
    const query = ours !== undefined && queries[asked.indexOf(ours)] === definition ? ours.query : withoutSemicolon(definition);
    const body: ViewBody = { comment: relation.comment ?? "", columns: viewColumns(relation), query };
    add(looking, kind, name, kind === "view" ? body : { ...body, indexes: indexBodies(looking, relation) });
  });
}

function tableBody(looking: Looking, relation: LiveRelation): TableBody {
  const { schema, name, constraints } = relation;
  for (const column of relation.columns.filter(({ identity }) => identity)) report(looking, schema, name, `identity column ${column.name}`);
  for (const constraint of constraints.filter(({ type }) => type === "x"))
    report(looking, schema, name, `exclusion constraint ${constraint.name}`);
  const key = constraints.find(({ type }) => type === "p");
  return {
    comment: relation.comment ?? "",
    columns: relation.columns.map(
      (column): ColumnBody => ({
        name: column.name,
        type: column.type,
        nullable: column.nullable,
        comment: column.comment ?? "",
        ...(column.expression !== null && { [column.generated ? "generated" : "default"]: column.expression }),
      }),
    ),
    ...(key && { primaryKey: { name: key.name, columns: key.columns } }),
    indexes: indexBodies(looking, relation),
    foreignKeys: constraints
      .filter(({ type }) => type === "f")
      .map(
        (constraint): ForeignKeyBody => ({
          name: constraint.name,
          columns: constraint.columns,
          table: constraint.table ?? [],
          to: constraint.to ?? [],
        }),
      ),
    checks: constraints
      .filter(({ type }) => type === "c")
      .map((constraint): CheckBody => ({ name: constraint.name, expression: constraint.expression ?? "" })),
    ...partitioningOf(looking, relation),
  };
}

function partitioningOf(looking: Looking, relation: LiveRelation): { readonly partitioning?: PartitioningBody } {
  const { schema, name, partitionKey, partitions } = relation;
  for (const partition of partitions)
    for (const index of partition.indexes) report(looking, schema, name, `index ${index} of the partition ${partition.name}`);
  return partitionKey === null ? {} : { partitioning: partitioningBelow(looking, relation, relation.oid, partitionKey) };
}

const STRATEGIES = { r: "range", l: "list", h: "hash" } as const;

function partitioningBelow(looking: Looking, relation: LiveRelation, parent: number, key: LivePartitionKey): PartitioningBody {
  const missing = (what: string): [] => {
    report(looking, relation.schema, relation.name, what);
    return [];
  };
  const columns = key.columns.flatMap((column) => column ?? missing("partition key that is an expression or has an order of its own"));
  const partitions = relation.partitions
    .filter((partition) => partition.parent === parent)
    .flatMap(({ oid, schema, name, kind, bounds: text, key: further }): PartitionBody[] => {
      const bounds = boundsOf(text);
      if (schema !== relation.schema || kind === "f")
        return missing(`partition ${schema}.${name}${kind === "f" ? ", a foreign table" : ""}`);
      if (bounds === undefined) return missing(`bounds of the partition ${name}`);
      return [{ name, bounds, ...(further && { partitioning: partitioningBelow(looking, relation, oid, further) }) }];
    });
  return { strategy: STRATEGIES[key.strategy], columns, partitions: partitions.sort((a, b) => compareText(a.name, b.name)) };
}

export function indexBodies(looking: Looking, { schema, name, indexes }: LiveRelation): IndexBody[] {
  return indexes.flatMap((index) => indexBody(index) ?? report(looking, schema, name, `index ${index.name}`) ?? []);
}

function indexBody({ name, columns, unique, method, where }: LiveIndex): IndexBody | undefined {
  const plain = columns.filter((column) => column !== null);
  if (plain.length !== columns.length) return undefined;
  return { name, columns: plain, unique, method, ...(where !== null && { where }) };
}

/** How the server spells what we want. */
interface Spelled {
  readonly defaults: ReadonlyMap<string, string>;
  /** Of a table with expressions that read columns. */
  readonly table?: SpelledTable;
}

const defaultKey = ({ type, default: text = "" }: ColumnBody): string => `${type} ${text}`;

function defaultsOf(columns: readonly ColumnBody[]): Map<string, { readonly type: string; readonly text: string }> {
  return new Map(
    columns.flatMap((column) =>
      column.default === undefined ? [] : [[defaultKey(column), { type: column.type, text: column.default }] as const],
    ),
  );
}

/** Our own texts where the server says that they mean what it holds, its columns in our order (it cannot move them). */
function judged(live: TableBody, wanted: TableBody, spelled: Spelled): TableBody {
  const columns = live.columns.map((column) => judgedColumn(column, wanted, spelled));
  return {
    ...live,
    columns: inOrderOf(columns, wanted.columns),
    indexes: inOrderOf(
      live.indexes.map((index) => judgedIndex(index, wanted, spelled)),
      wanted.indexes,
    ),
    foreignKeys: inOrderOf(live.foreignKeys, wanted.foreignKeys),
    checks: inOrderOf(
      live.checks.map((check) => judgedCheck(check, wanted, spelled)),
      wanted.checks,
    ),
  };
}

/** Expressions that read columns, and whose spelling is not known beforehand. */
function hasOwnExpressions({ columns, indexes, checks }: TableBody): boolean {
  return (
    checks.some(({ expression }) => spelledEnumCheck(expression) === undefined) ||
    columns.some((column) => column.generated) ||
    indexes.some(({ where }) => where)
  );
}

function judgedColumn(column: ColumnBody, wanted: TableBody, { defaults, table }: Spelled): ColumnBody {
  const ours = wanted.columns.find(({ name }) => name === column.name);
  if (ours === undefined) return column;
  const generated = table?.generated.get(column.name);
  const { default: _, generated: __, ...rest } = column;
  if (column.default !== undefined && ours.default !== undefined && defaults.get(defaultKey(ours)) === column.default) {
    return { ...rest, default: ours.default };
  }
  if (column.generated !== undefined && ours.generated !== undefined && generated === column.generated) {
    return { ...rest, generated: ours.generated };
  }
  return column;
}

function judgedIndex(index: IndexBody, wanted: TableBody, { table }: Spelled): IndexBody {
  const ours = wanted.indexes.find(({ name }) => name === index.name)?.where;
  const where = table?.predicates.get(index.name);
  return ours !== undefined && where !== undefined && where === index.where ? { ...index, where: ours } : index;
}

function judgedCheck(check: CheckBody, wanted: TableBody, { table }: Spelled): CheckBody {
  const ours = wanted.checks.find(({ name }) => name === check.name)?.expression;
  if (ours === undefined) return check;
  const expression = table?.checks.get(check.name) ?? spelledEnumCheck(ours);
  return expression === check.expression ? { ...check, expression: ours } : check;
}

/** Members that both have in the wanted order, then the others as they came. */
function inOrderOf<Member extends { readonly name: string }>(
  members: readonly Member[],
  wanted: readonly { readonly name: string }[],
): Member[] {
  const place = new Map(wanted.map(({ name }, index) => [name, index]));
  const at = (member: Member): number => place.get(member.name) ?? wanted.length;
  return [...members].sort((a, b) => at(a) - at(b)); // sort is stable
}

export function viewColumns({ columns }: LiveRelation): ViewColumnBody[] {
  return columns.map((column) => ({ name: column.name, comment: column.comment ?? "" }));
}

/** Our own query where the server would spell it as it spells the live one. */
export async function judgedQuery(looking: Looking, wanted: ViewBody | undefined, definition: string): Promise<string> {
  const [spelled] = wanted === undefined ? [] : await spelledQueries(looking.session, [wanted]);
  return wanted !== undefined && spelled === definition ? wanted.query : withoutSemicolon(definition);
}

function withoutSemicolon(definition: string): string {
  return definition.trim().replace(/;$/, "");
}

const VOLATILITY = { i: "immutable", s: "stable", v: "volatile" } as const;

function lookAtFunctions(looking: Looking, functions: readonly LiveFunction[]): void {
  const count = new Map<string, number>();
  for (const { schema, name } of functions) count.set(`${schema}.${name}`, (count.get(`${schema}.${name}`) ?? 0) + 1);
  for (const live of functions) {
    const overloaded = (count.get(`${live.schema}.${live.name}`) ?? 0) > 1;
    if (live.special || overloaded) report(looking, live.schema, live.name, overloaded ? "overloaded function" : "function");
    else add(looking, "function", [live.schema, live.name], functionBody(live));
  }
}

function functionBody(live: LiveFunction): FunctionBody {
  return {
    comment: live.comment ?? "",
    arguments: live.arguments,
    returns: live.table ?? live.returns,
    language: live.language as FunctionBody["language"], // others are special
    volatility: VOLATILITY[live.volatility],
    source: live.source,
  };
}
