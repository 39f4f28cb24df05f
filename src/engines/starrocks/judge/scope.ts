import type { Expression, Query, QueryBody, Relation, Select, SelectItem } from "../parse/ast.js";
import { type OutputColumn, sameName, type Thing } from "./catalog.js";
import { inferType, isAggregate } from "./infer.js";
import { about, refuse } from "./refusal.js";
import type { Situation } from "./situation.js";
import { unknownType } from "./sql-type.js";
import { requireFeature } from "./versions.js";

/*
 * What a query gives, as far as the file says: names that cannot be are refused, and everything that depends on objects we
 * do not know is let through.
 */

/** Columns under one name of FROM; `columns` undefined where anything may be in it. */
interface Source {
  readonly name: string | undefined;
  readonly columns: readonly OutputColumn[] | undefined;
}

interface Scope {
  readonly sources: readonly Source[];
  readonly outer?: Scope;
  /** Aliases of the same SELECT may be used in it. */
  readonly aliases: readonly string[];
}

type Tables = ReadonlyMap<string, readonly OutputColumn[] | undefined>;

/** The columns of a query; undefined where they are not known. Throws a Refusal for what cannot be resolved. */
export function queryColumns(
  query: Query,
  situation: Situation,
  outer?: Scope,
  known: Tables = new Map(),
): readonly OutputColumn[] | undefined {
  let tables = known;
  for (const part of query.with) {
    const columns = queryColumns(part.query, situation, outer, tables);
    tables = new Map([...tables, [part.name.toLowerCase(), renamed(columns, part.columns)]]);
  }
  return bodyColumns(query.body, situation, outer, tables);
}

function bodyColumns(body: QueryBody, situation: Situation, outer: Scope | undefined, tables: Tables): readonly OutputColumn[] | undefined {
  if (body.kind === "parenthesized") return queryColumns(body.query, situation, outer, tables);
  if (body.kind === "select") return selectColumns(body, situation, outer, tables);
  const left = bodyColumns(body.left, situation, outer, tables);
  const right = bodyColumns(body.right, situation, outer, tables);
  if (left && right && left.length !== right.length)
    refuse(
      "query-set-columns",
      `The sides of ${body.operator} have ${left.length} and ${right.length} columns.`,
      "Select as many columns on both sides.",
    );
  return left?.map(({ name }) => ({ name, type: unknownType }));
}

function selectColumns(
  select: Select,
  situation: Situation,
  outer: Scope | undefined,
  tables: Tables,
): readonly OutputColumn[] | undefined {
  const sources = select.from.flatMap((relation) => relationSources(relation, situation, outer, tables));
  const aliases = select.items.flatMap((item) => (item.kind === "expression" && item.alias !== undefined ? [item.alias] : []));
  const scope: Scope = { sources, aliases, ...(outer && { outer }) };
  const check = (expression: Expression): void => checkNames(expression, scope, situation, tables);
  for (const item of select.items) if (item.kind === "expression") check(item.expression);
  if (select.where) check(select.where);
  if (select.items.some((item) => item.kind === "star" && item.except.length > 0)) requireFeature("SELECT * EXCEPT", situation.target);
  const columns = select.items.map((item) => itemColumns(item, scope));
  return columns.some((part) => part === undefined) ? undefined : columns.flatMap((part) => part ?? []);
}

function itemColumns(item: SelectItem, scope: Scope): readonly OutputColumn[] | undefined {
  if (item.kind === "star") return starColumns(item, scope);
  const { expression, alias } = item;
  const source = expression.kind === "column" ? find(expression.path, scope) : undefined;
  const name = alias ?? (expression.kind === "column" ? (expression.path.at(-1) ?? "") : "");
  const type = source?.type ?? inferType(expression, (path) => find(path, scope)?.type);
  return [{ name, type, ...(source?.nullable !== undefined && { nullable: source.nullable }) }];
}

function starColumns(
  { qualifier, except }: Extract<SelectItem, { kind: "star" }>,
  { sources }: Scope,
): readonly OutputColumn[] | undefined {
  const chosen = qualifier
    ? sources.filter((source) => source.name !== undefined && sameName(source.name, qualifier.at(-1) ?? ""))
    : sources;
  if (chosen.length === 0 || chosen.some((source) => !source.columns)) return undefined;
  const columns = chosen.flatMap((source) => source.columns ?? []);
  return columns.filter((column) => !except.some((name) => sameName(name, column.name)));
}

function renamed(columns: readonly OutputColumn[] | undefined, names: readonly string[] | undefined): readonly OutputColumn[] | undefined {
  if (!names) return columns;
  return names.map((name, index) => ({ name, type: columns?.[index]?.type ?? unknownType }));
}

function relationSources(relation: Relation, situation: Situation, outer: Scope | undefined, tables: Tables): Source[] {
  switch (relation.kind) {
    case "join":
      return joinSources(relation, situation, outer, tables);
    case "table":
      return [
        {
          name: relation.alias ?? relation.name.at(-1),
          columns: about({ at: relation.at }, () => tableColumns(relation.name, situation, tables)),
        },
      ];
    case "subquery":
      return [{ name: relation.alias, columns: renamed(queryColumns(relation.query, situation, outer, tables), relation.columns) }];
    default:
      return [{ name: relation.alias, columns: undefined }];
  }
}

/** Columns of USING are one column of the result, so that naming one is not ambiguous. */
function joinSources(
  { left, right, using, on }: Extract<Relation, { kind: "join" }>,
  situation: Situation,
  outer: Scope | undefined,
  tables: Tables,
): Source[] {
  const first = relationSources(left, situation, outer, tables);
  const second = relationSources(right, situation, outer, tables);
  const sources = [...first, ...second];
  if (on) checkNames(on, { sources, aliases: [], ...(outer && { outer }) }, situation, tables);
  if (!using) return sources;
  // What the engine merges differs by version: nothing is said about the columns of such a join.
  return sources.map((source) => ({ ...source, columns: undefined }));
}

function tableColumns(name: readonly string[], { catalog }: Situation, tables: Tables): readonly OutputColumn[] | undefined {
  const [only = ""] = name;
  if (name.length === 1 && tables.has(only.toLowerCase())) return tables.get(only.toLowerCase());
  const place = catalog.resolve(name);
  if (!place) return undefined;
  if (catalog.isMissing(place))
    refuse("table-missing", `The query reads ${name.join(".")}, which does not exist.`, "Create it before, or correct its name.");
  return columnsOf(catalog.get(place));
}

function columnsOf(thing: Thing | undefined): readonly OutputColumn[] | undefined {
  return !thing || thing.kind === "opaque" ? undefined : thing.columns;
}

function find(path: readonly string[], scope: Scope): OutputColumn | undefined {
  const [found] = candidates(path, scope.sources);
  return found ?? (scope.outer ? find(path, scope.outer) : undefined);
}

function candidates(path: readonly string[], sources: readonly Source[]): OutputColumn[] {
  const [name = "", qualifier] = [...path].reverse();
  const named = sources.filter((source) => qualifier === undefined || (source.name !== undefined && sameName(source.name, qualifier)));
  return named.flatMap((source) => source.columns?.filter((column) => sameName(column.name, name)) ?? []);
}

/** What the engine keeps for partitions by expressions can be read like any column. */
const HIDDEN_COLUMN = /^__generated_partition_column_\d+$/i;

/** True when a name may come from something that we cannot see into, or may be a field of a struct. */
function mayBe(path: readonly string[], scope: Scope | undefined): boolean {
  if (!scope) return false;
  if (HIDDEN_COLUMN.test(path.at(-1) ?? "")) return true;
  if (scope.sources.some((source) => !source.columns)) return true;
  if (path.length === 1 && scope.aliases.some((alias) => sameName(alias, path[0] ?? ""))) return true;
  const isField = path.length > 1 && path.slice(0, -1).some((part) => candidates([part], scope.sources).length > 0);
  return isField || candidates(path, scope.sources).length > 0 || mayBe(path, scope.outer);
}

function checkNames(expression: Expression, scope: Scope, situation: Situation, tables: Tables): void {
  if (expression.kind === "lambda") return;
  if (expression.kind === "column") {
    about({ at: expression.at }, () => checkName(expression.path, scope));
    return;
  }
  if (expression.kind === "subquery") {
    queryColumns(expression.query, situation, scope, tables);
    return;
  }
  if (expression.kind === "call" && expression.args.some((arg) => arg.kind === "lambda")) return;
  for (const child of children(expression)) checkNames(child, scope, situation, tables);
}

function checkName(path: readonly string[], scope: Scope): void {
  if (!mayBe(path, scope))
    refuse("column-missing", `Column ${path.join(".")} is in none of the tables of FROM.`, "Correct its name, or add its table to FROM.");
  if (path.length > 1 || scope.sources.some((source) => !source.columns)) return;
  if (candidates(path, scope.sources).length > 1)
    refuse("column-ambiguous", `Column ${path.join(".")} is in several tables of FROM.`, "Write the table's name before it.");
}

function children(expression: Expression): readonly Expression[] {
  switch (expression.kind) {
    case "call":
      return isAggregate(expression) || !expression.window ? expression.args : [...expression.args, ...expression.window];
    case "operator":
      return expression.args;
    case "cast":
      return [expression.arg];
    case "case":
      return [
        ...(expression.subject ? [expression.subject] : []),
        ...expression.branches.flat(),
        ...(expression.otherwise ? [expression.otherwise] : []),
      ];
    default:
      return []; // fields, intervals and collections: rare, and their names are left to the engine
  }
}
