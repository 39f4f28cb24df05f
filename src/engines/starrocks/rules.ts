import type { CatalogObject } from "../../core/catalog.js";
import type { Change, Fact } from "../../core/change.js";
import type { Json, JsonObject } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import {
  type ColumnBody,
  type DistributionBody,
  type IndexBody,
  type MaterializedViewBody,
  type RefreshBody,
  type StarrocksObject,
  starrocksObject,
  type TableBody,
} from "./body.js";
import { propertyReach, retypeReach, viewPropertyReach } from "./facts.js";

/*
 * Decisions for one change. What ALTER can do becomes small operations; anything that it cannot do turns the whole change
 * into one rebuild-object, because a rebuilt table has all the other differences already.
 */

/** What only StarRocks does. Lists are in the order in which they are written. */
export type StarrocksAction =
  | { readonly action: "add-index"; readonly index: IndexBody }
  | { readonly action: "drop-index"; readonly index: IndexBody }
  | { readonly action: "set-property"; readonly name: string; readonly from: string | null; readonly to: string | null }
  | { readonly action: "redistribute"; readonly from: DistributionBody; readonly to: DistributionBody }
  | { readonly action: "set-sort-key"; readonly from: readonly string[]; readonly to: readonly string[] }
  | { readonly action: "set-refresh"; readonly from: RefreshBody; readonly to: RefreshBody };

type AlteredChange = Extract<Change, { change: "altered" }>;
/** What a fact leads to; a text is the reason why only a rebuild helps. */
type Decision = readonly Operation[] | string;

export function decide(change: Change): readonly Operation[] {
  if (change.change === "added") return [{ op: "create-object", object: change.to }];
  if (change.change === "removed") return [{ op: "drop-object", object: change.from }];
  const object = starrocksObject(change.to);
  const renames = renameOperations(change);
  switch (object.kind) {
    case "database":
      return renames;
    case "table":
      return [...renames, ...tableOperations(change, object.body)];
    case "view":
      return [...renames, ...(change.facts.length === 0 ? [] : [replace(change)])];
    case "materialized-view":
      return [...renames, ...viewOperations(change)];
  }
}

function renameOperations({ from, to, renamed }: AlteredChange): Operation[] {
  if (!renamed) return [];
  const moved: Operation[] = renamed.object ? [{ op: "rename-object", from, object: { ...from, id: to.id, name: to.name } }] : [];
  // The new table has the new names already; a view's columns belong to its query.
  if (to.kind !== "table") return moved;
  return [
    ...moved,
    ...Object.entries(renamed.columns).map(([old, now]): Operation => ({ op: "rename-column", object: to, from: old, to: now })),
  ];
}

function replace({ from, to }: AlteredChange): Operation {
  return { op: "replace-object", from: { ...from, id: to.id, name: to.name }, object: to };
}

// ------------------------------------------------------------------------------------------------ tables

function tableOperations(change: AlteredChange, body: TableBody): readonly Operation[] {
  const { to } = change;
  const before = starrocksObject(change.from).body as TableBody; // the differ compares objects of one kind
  const decisions = group(change.facts).map((facts) => tableDecision(facts, to, before, body));
  const reasons = decisions.filter((decision) => typeof decision === "string");
  if (reasons.length === 0) return decisions.flatMap((decision) => (typeof decision === "string" ? [] : decision));
  const from = { ...change.from, id: to.id, name: to.name };
  return [{ op: "rebuild-object", from, object: to, why: [...new Set(reasons)].join("; ") }];
}

/** Facts about one column, index or clause stand together: `columns.paid.*` is one decision. */
function group(facts: readonly Fact[]): Fact[][] {
  const groups = new Map<string, Fact[]>();
  for (const fact of facts) {
    const [head = "", second = ""] = fact.path;
    const key = head === "columns" || head === "indexes" || head === "properties" ? `${head}\0${second}` : head;
    groups.set(key, [...(groups.get(key) ?? []), fact]);
  }
  return [...groups.values()];
}

function tableDecision(facts: readonly Fact[], to: CatalogObject, before: TableBody, after: TableBody): Decision {
  const [fact] = facts;
  if (!fact) return [];
  const [head = "", second] = fact.path;
  const rule = TABLE_RULES[head];
  return rule ? rule({ facts, fact, name: second ?? "", to, before, after }) : `${head} cannot be altered`;
}

/** A dropped column leaves its bloom filter by itself; to say so again is refused as "no change". */
function losesOnlyColumns({ from, to }: Fact, { columns }: TableBody): boolean {
  const list = (value: Json | undefined): string[] => (typeof value === "string" ? value.split(",").map((name) => name.trim()) : []);
  const left = list(from).filter((name) => columns.some((column) => column.name.toLowerCase() === name.toLowerCase()));
  return left.length < list(from).length && left.sort().join("\0") === list(to).sort().join("\0");
}

interface Question {
  readonly facts: readonly Fact[];
  readonly fact: Fact;
  /** The column, index or property that the facts are about. */
  readonly name: string;
  readonly to: CatalogObject;
  readonly before: TableBody;
  readonly after: TableBody;
}

const TABLE_RULES: Readonly<Record<string, (question: Question) => Decision>> = {
  columns: columnDecision,
  comment: ({ to, after }) => [{ op: "set-comment", object: to, comment: after.comment }],
  indexes: indexDecision,
  properties: ({ fact, name, to, after }) =>
    name === "bloom_filter_columns" && losesOnlyColumns(fact, after) ? [] : propertyDecision(fact, name, to, propertyReach(name)),
  distribution: distributionDecision,
  orderBy: sortKeyDecision,
  table: ({ before, after }) => `a ${before.table} table cannot become a ${after.table} table`,
  key: () => "key columns cannot be altered",
  partition: () => "the partitioning of a table cannot be altered",
  database: () => [],
};

function columnDecision(question: Question): Decision {
  const { fact, name, to, before, after } = question;
  if (name === "#order") return orderDecision(question);
  const old = before.columns.find((column) => column.name === name) ?? renamedColumn(question);
  const column = after.columns.find((candidate) => candidate.name === name);
  if (fact.path.length === 2 && fact.from === undefined && column) return addDecision(column, to, after);
  if (fact.path.length === 2 && fact.to === undefined && old) return dropDecision(old, to, before);
  return old && column ? changeDecision(question, old, column) : `column ${name} cannot be altered`;
}

/** The column under its old name, when its rename is part of the same change: facts are found after renaming. */
function renamedColumn({ name, before, after }: Question): ColumnBody | undefined {
  const gone = before.columns.filter((column) => !after.columns.some((other) => other.name === column.name));
  const index = after.columns.findIndex((column) => column.name === name);
  return gone.length === 1 ? gone[0] : before.columns[index];
}

function addDecision(column: ColumnBody, to: CatalogObject, after: TableBody): Decision {
  if (after.key.includes(column.name)) return `${column.name} becomes a key column`;
  if (column.autoIncrement) return "AUTO_INCREMENT cannot be added by ALTER";
  if (!column.nullable && column.default === undefined) return `${column.name} is NOT NULL without a default, which ALTER refuses`;
  if (column.default && "expression" in column.default && /uuid/i.test(column.default.expression))
    return "a uuid() default cannot be added by ALTER";
  return [{ op: "add-column", object: to, column }];
}

function dropDecision(column: ColumnBody, to: CatalogObject, before: TableBody): Decision {
  const { name } = column;
  if (before.key.includes(name)) return `${name} is a key column`;
  if (isLayoutColumn(before, name)) return `${name} partitions, distributes or sorts the table`;
  return [{ op: "drop-column", object: to, column }];
}

function isLayoutColumn({ partition, distribution, orderBy }: TableBody, name: string): boolean {
  const distributed = distribution.by === "hash" && distribution.columns.includes(name);
  return distributed || orderBy.includes(name) || (partition !== undefined && JSON.stringify(partition).includes(JSON.stringify(name)));
}

function changeDecision(question: Question, old: ColumnBody, column: ColumnBody): Decision {
  const { facts, to } = question;
  const { name } = column;
  const changed: ReadonlySet<string> = new Set(facts.map((fact) => fact.path[2] ?? ""));
  if (changed.has("generated")) return regenerate(to, old, column);
  const refusal = refusedChange(question, old, column, changed);
  if (refusal !== undefined) return refusal;
  // MODIFY restates the comment too.
  if (changed.has("type")) return [{ op: "retype-column", object: to, from: old, to: column }];
  if (changed.has("nullable")) return [{ op: "set-nullable", object: to, column: name, nullable: true }];
  return [{ op: "set-comment", object: to, column: name, comment: column.comment }];
}

/** MODIFY … AS is accepted and ignored (recorded), so the column goes and comes back. */
function regenerate(to: CatalogObject, old: ColumnBody, column: ColumnBody): Decision {
  if (old.generated === undefined || column.generated === undefined) return `${column.name} becomes or stops being a generated column`;
  return [
    { op: "drop-column", object: to, column: old },
    { op: "add-column", object: to, column },
  ];
}

function refusedChange({ before, after }: Question, old: ColumnBody, column: ColumnBody, changed: ReadonlySet<string>): string | undefined {
  const { name } = column;
  const isKey = after.key.includes(name);
  if (changed.has("default")) return `the default of ${name} cannot be changed`;
  if (changed.has("aggregate") || changed.has("autoIncrement")) return `the aggregation or AUTO_INCREMENT of ${name} cannot be changed`;
  if (!changed.has("type") && !changed.has("nullable")) return undefined;
  if (changed.has("nullable") && !column.nullable) return `${name} cannot become NOT NULL`;
  if (isLayoutColumn(before, old.name)) return `${name} partitions, distributes or sorts the table`;
  if (isKey && after.table === "primary") return `${name} is a key column of a primary-key table`;
  const reach = changed.has("type") ? retypeReach(old.type, column.type, isKey) : "job";
  return reach === "rebuild" ? `${old.type} of ${name} cannot become ${column.type}` : undefined;
}

/** The order of value columns has no meaning to queries that name them; a rewrite of the table for it would be waste. */
function orderDecision({ fact, before }: Question): Decision {
  const keys = (names: Json | undefined): string[] =>
    (Array.isArray(names) ? names.map(String) : []).filter((name) => before.key.includes(name));
  return keys(fact.from).join("\0") === keys(fact.to).join("\0") ? [] : "the order of key columns cannot be altered";
}

function indexDecision({ name, to, before, after }: Question): Decision {
  if (name === "#order") return [];
  const old = before.indexes.find((index) => index.name === name);
  const index = after.indexes.find((candidate) => candidate.name === name);
  return [
    ...(old ? [action(to, { action: "drop-index", index: old })] : []),
    ...(index ? [action(to, { action: "add-index", index })] : []),
  ];
}

function propertyDecision(fact: Fact, name: string, to: CatalogObject, reach: string): Decision {
  if (reach === "rebuild") return `the property ${name} cannot be altered`;
  const text = (value: Json | undefined): string | null => (value === undefined || value === null ? null : String(value));
  return [action(to, { action: "set-property", name, from: text(fact.from), to: text(fact.to) })];
}

function distributionDecision({ to, before, after }: Question): Decision {
  if (before.properties.colocate_with) return "a colocated table cannot be redistributed";
  return [action(to, { action: "redistribute", from: before.distribution, to: after.distribution })];
}

function sortKeyDecision({ to, before, after }: Question): Decision {
  return [action(to, { action: "set-sort-key", from: before.orderBy, to: after.orderBy })];
}

// ------------------------------------------------------------------------------------------------ materialized views

function viewOperations(change: AlteredChange): readonly Operation[] {
  const { to } = change;
  const before = starrocksObject(change.from).body as MaterializedViewBody; // the differ compares objects of one kind
  const after = starrocksObject(to).body as MaterializedViewBody;
  const decisions = group(change.facts).map(([fact]): Decision => {
    const [head = "", name = ""] = fact?.path ?? [];
    if (head === "refresh") return [action(to, { action: "set-refresh", from: before.refresh, to: after.refresh })];
    return head === "properties" && fact
      ? propertyDecision(fact, name, to, viewPropertyReach(name))
      : `${head} of a materialized view cannot be altered`;
  });
  const needsNew = decisions.some((decision) => typeof decision === "string");
  return needsNew ? [replace(change)] : decisions.flatMap((decision) => (typeof decision === "string" ? [] : decision));
}

function action(object: CatalogObject, wanted: StarrocksAction): Operation {
  return { op: "engine-action", object, action: wanted as StarrocksAction & JsonObject }; // actions are JSON by construction
}

export type { StarrocksObject };
