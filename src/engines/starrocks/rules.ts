import type { CatalogObject } from "../../core/catalog.js";
import type { Change, Fact } from "../../core/change.js";
import { renameColumns } from "../../core/diff.js";
import { type Json, type JsonObject, sameJson } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { PropertyChange, StarrocksAction } from "./actions.js";
import { type ColumnBody, type MaterializedViewBody, starrocksObject, type TableBody } from "./body.js";
import { isClusterObject } from "./cluster/body.js";
import { coalesced, type Tables } from "./coalesce.js";
import { propertyReach, retypeReach, viewPropertyReach } from "./facts.js";
import { isDynamic, normalize } from "./normalize.js";
import { partitionActions } from "./partition-changes.js";
import { fieldChanges } from "./struct-fields.js";
import { refusal } from "./verdict.js";

/*
 * Decisions for one change. What ALTER can do becomes small operations; anything that it cannot do turns the whole change
 * into one rebuild-object, because a rebuilt table has all the other differences already. Rules propose; the front end's own
 * rules, as lint knows them, have the last word (verdict.ts).
 */

type AlteredChange = Extract<Change, { change: "altered" }>;
/** What a fact leads to; a text is the reason why only a rebuild helps. */
type Decision = readonly Operation[] | string;

export function decide(change: Change): readonly Operation[] {
  return decideFor(change, false);
}

/** As decide; the order of value columns is wanted too. */
export function decideExactly(change: Change): readonly Operation[] {
  return decideFor(change, true);
}

function decideFor(change: Change, ordered: boolean): readonly Operation[] {
  if (change.change === "added") return [{ op: "create-object", object: change.to }];
  if (change.change === "removed") return [{ op: "drop-object", object: change.from }];
  if (isClusterObject(change.to)) return [{ op: "replace-object", from: change.from, object: change.to }];
  const object = starrocksObject(change.to);
  const renames = renameOperations(change);
  switch (object.kind) {
    case "database":
      return renames;
    case "table":
      return tableOperations(change, object.body, ordered);
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

function tableOperations(change: AlteredChange, after: TableBody, ordered: boolean): readonly Operation[] {
  const { to } = change;
  const named = { ...change.from, id: to.id, name: to.name };
  const before = renamedBody(starrocksObject(named).body as TableBody, change.renamed?.columns ?? {}); // the differ compares objects of one kind
  const from = { ...named, body: before };
  const question = { from, to, before, after, ordered };
  const decisions = group(change.facts).map(
    ([fact, ...others]): Decision => (fact ? tableDecision({ ...question, fact, facts: [fact, ...others] }) : []),
  );
  const reasons = decisions.filter((decision) => typeof decision === "string");
  const renames = renameOperations(change);
  const alters = coalesced(
    decisions.flatMap((decision) => (typeof decision === "string" ? [] : decision)),
    question,
  );
  const refused = reasons.length > 0 ? undefined : refusal(named, [...renames.filter(({ op }) => op === "rename-column"), ...alters]);
  const why = [...new Set([...reasons, ...(refused === undefined ? [] : [refused])])];
  return why.length === 0 ? [...renames, ...alters] : [...renames, { op: "rebuild-object", from, object: to, why: why.join("; ") }];
}

/** The body after its columns were renamed, texts that name them included: the engine rewrites those itself. */
function renamedBody(body: TableBody, columns: Readonly<Record<string, string>>): TableBody {
  const renamed = renameColumns(body, columns) as TableBody; // strings become strings
  const inText = (text: string): string =>
    Object.entries(columns).reduce((sofar, [old, now]) => sofar.replaceAll(quotedName(old), quotedName(now)), text);
  return {
    ...renamed,
    columns: renamed.columns.map((column) =>
      column.generated === undefined ? column : { ...column, generated: inText(column.generated) },
    ),
  };
}

const quotedName = (name: string): string => `\`${name.replaceAll("`", "``")}\``;

const FAMILIES = ["dynamic_partition.", "binlog_"];

/** Facts about one column, index, clause or family of properties stand together: `columns.paid.*` is one decision. */
function group(facts: readonly Fact[]): Fact[][] {
  const groups = new Map<string, Fact[]>();
  for (const fact of facts) {
    const [head = "", second = ""] = fact.path;
    const member = FAMILIES.find((family) => second.startsWith(family)) ?? second;
    const key = head === "columns" || head === "indexes" || head === "properties" ? `${head}\0${member}` : head;
    groups.set(key, [...(groups.get(key) ?? []), fact]);
  }
  return [...groups.values()];
}

interface Question extends Tables {
  readonly facts: readonly Fact[];
  readonly fact: Fact;
  /** The order of value columns is wanted too. */
  readonly ordered: boolean;
}

function tableDecision(question: Question): Decision {
  const head = question.fact.path[0] ?? "";
  const rule = TABLE_RULES[head];
  return rule ? rule(question) : `${head} cannot be altered`;
}

const TABLE_RULES: Readonly<Record<string, (question: Question) => Decision>> = {
  columns: columnDecision,
  comment: ({ to, after }) => [{ op: "set-comment", object: to, comment: after.comment }],
  indexes: indexDecision,
  properties: propertyDecision,
  distribution: distributionDecision,
  orderBy: ({ to, before, after }) => [action(to, { action: "set-sort-key", from: before.orderBy, to: after.orderBy })],
  table: ({ before, after }) => `a ${before.table} table cannot become a ${after.table} table`,
  key: keyDecision,
  partition: partitionDecision,
  database: () => [],
};

/** Key columns come and go as columns do; what is left says whether the key itself changes. */
function keyDecision({ before, after }: Question): Decision {
  if (before.table !== after.table) return []; // said already
  const stays = before.key.filter((name) => after.columns.some((column) => column.name === name));
  const known = after.key.filter((name) => before.columns.some((column) => column.name === name));
  if (after.table === "primary" && !sameJson([...before.key].sort(), [...after.key].sort()))
    return "the key of a primary-key table cannot be altered"; // ADD COLUMN makes a value column of it, wherever it stands
  if (sameJson([...stays].sort(), [...known].sort())) return [];
  return "a column cannot enter or leave the key while it stays in the table";
}

function partitionDecision({ from, to, before, after }: Question): Decision {
  const isRange = before.partition?.by === "range" && after.partition?.by === "range";
  if (isRange && (isDynamic(before) || isDynamic(after)) && sameJson(before.partition.columns, after.partition.columns)) return []; // they come and go with the clock
  const actions = partitionActions({ ...from, body: before }, to);
  return typeof actions === "string" ? actions : actions.map((one) => action(to, one));
}

// ------------------------------------------------------------------------------------------------ columns

function columnDecision(question: Question): Decision {
  const { fact, to, before, after } = question;
  const name = fact.path[1] ?? "";
  if (name === "#order") return orderDecision(question);
  const old = before.columns.find((column) => column.name === name);
  const column = after.columns.find((candidate) => candidate.name === name);
  if (!old && column) return addDecision(column, to);
  if (old && !column) return dropDecision(question, old);
  return old && column ? changeDecision(question, old, column) : `column ${name} cannot be altered`;
}

function addDecision(column: ColumnBody, to: CatalogObject): Decision {
  if (column.autoIncrement) return "AUTO_INCREMENT cannot be added by ALTER";
  if (!column.nullable && column.default === undefined && column.generated === undefined)
    return `${column.name} is NOT NULL without a default, which ALTER refuses`;
  if (column.default && "expression" in column.default && /uuid/i.test(column.default.expression))
    return "a uuid() default cannot be added by ALTER";
  return [{ op: "add-column", object: to, column }];
}

function dropDecision(question: Question, column: ColumnBody): Decision {
  if (holdsTheLayout(question, column.name)) return `${column.name} partitions, distributes or sorts the table`;
  return [{ op: "drop-column", object: question.to, column }];
}

/** Columns of a distribution or sort key that changes too can follow it. */
function holdsTheLayout({ before, after }: Question, name: string): boolean {
  const { partition, distribution, orderBy } = before;
  const distributed = distribution.by === "hash" && distribution.columns.includes(name) && sameJson(distribution, after.distribution);
  const sorted = orderBy.includes(name) && sameJson(orderBy, after.orderBy);
  return distributed || sorted || (partition !== undefined && JSON.stringify(partition).includes(JSON.stringify(name)));
}

function changeDecision(question: Question, old: ColumnBody, column: ColumnBody): Decision {
  const { facts, to } = question;
  const changed: ReadonlySet<string> = new Set(facts.map((fact) => fact.path[2] ?? ""));
  if (old.generated !== column.generated) return regenerate(to, old, column);
  if (changed.has("default")) return `the default of ${column.name} cannot be changed`;
  if (changed.has("aggregate") || changed.has("autoIncrement"))
    return `the aggregation or AUTO_INCREMENT of ${column.name} cannot be changed`;
  const fields = changed.has("type") ? fieldDecision(to, old, column) : undefined;
  if (fields && !changed.has("nullable")) return [...fields, ...commented(to, column, changed)];
  const refusal = refusedChange(question, old, column, changed);
  if (refusal !== undefined) return refusal;
  // MODIFY restates the comment too.
  if (changed.has("type")) return [{ op: "retype-column", object: to, from: old, to: column }];
  if (changed.has("nullable")) return [{ op: "set-nullable", object: to, column: column.name, nullable: true }];
  return commented(to, column, changed);
}

function commented(object: CatalogObject, { name, comment }: ColumnBody, changed: ReadonlySet<string>): readonly Operation[] {
  return changed.has("comment") ? [{ op: "set-comment", object, column: name, comment }] : [];
}

function fieldDecision(to: CatalogObject, from: ColumnBody, column: ColumnBody): readonly Operation[] | undefined {
  return fieldChanges(from.type, column.type)?.map((change) =>
    action(to, { action: "alter-fields", column: column.name, change, from, to: column }),
  );
}

/** MODIFY … AS is accepted and ignored (recorded), so the column goes and comes back. */
function regenerate(to: CatalogObject, old: ColumnBody, column: ColumnBody): Decision {
  if (old.generated === undefined || column.generated === undefined) return `${column.name} becomes or stops being a generated column`;
  return [
    { op: "drop-column", object: to, column: old },
    { op: "add-column", object: to, column },
  ];
}

function refusedChange(question: Question, old: ColumnBody, column: ColumnBody, changed: ReadonlySet<string>): string | undefined {
  const { after } = question;
  const { name } = column;
  const isKey = after.key.includes(name);
  if (!changed.has("type") && !changed.has("nullable")) return undefined;
  if (changed.has("nullable") && !column.nullable) return `${name} cannot become NOT NULL`;
  if (holdsTheLayout(question, name)) return `${name} partitions, distributes or sorts the table`;
  if (isKey && after.table === "primary") return `${name} is a key column of a primary-key table`;
  const reach = changed.has("type") ? retypeReach(old.type, column.type, isKey) : "job";
  return reach === "rebuild" ? `${old.type} of ${name} cannot become ${column.type}` : undefined;
}

/** The order of value columns has no meaning to queries that name them; a rewrite of the table for it would be waste. */
function orderDecision({ to, before, after, ordered }: Question): Decision {
  const names = ({ columns }: TableBody): string[] => columns.map(({ name }) => name);
  const key = before.key.filter((name) => after.key.includes(name));
  const sameKey = sameJson(
    key,
    after.key.filter((name) => before.key.includes(name)),
  );
  if (!sameKey || (ordered && after.table === "duplicate"))
    return [action(to, { action: "reorder-columns", from: names(before), to: names(after) })];
  return ordered ? movedColumns(to, names(before), names(after), after) : [];
}

/** Where ORDER BY means the sort key, single columns are moved: each that stands behind another one than before. */
function movedColumns(to: CatalogObject, before: readonly string[], wanted: readonly string[], after: TableBody): Decision {
  const place = before.filter((name) => wanted.includes(name));
  const known = wanted.filter((name) => before.includes(name));
  return known.flatMap((name, index): Operation[] => {
    if (place[index] === name) return [];
    place.splice(place.indexOf(name), 1);
    place.splice(index, 0, name);
    const column = after.columns.find((one) => one.name === name);
    return column ? [action(to, { action: "move-column", column, after: known[index - 1] ?? null })] : [];
  });
}

// ------------------------------------------------------------------------------------------------ the rest of a table

function indexDecision({ fact, to, before, after }: Question): Decision {
  const name = fact.path[1] ?? "";
  if (name === "#order") return [];
  const old = before.indexes.filter(
    (index) => index.name === name && index.columns.every((column) => after.columns.some((other) => other.name === column)),
  );
  const wanted = after.indexes.filter((candidate) => candidate.name === name);
  return [
    ...(old.length === 0 ? [] : [action(to, { action: "drop-index", indexes: old })]),
    ...(wanted.length === 0 ? [] : [action(to, { action: "add-index", indexes: wanted })]),
  ];
}

function propertyDecision({ facts, from, to, before, after }: Question): Decision {
  const normal = (object: CatalogObject): TableBody => normalize(object).body as TableBody; // tables stay tables
  const [old, wanted] = [normal({ ...from, body: before }).properties, normal(to).properties];
  const changes = facts.flatMap(({ path: [, name = ""], from: was, to: becomes }): PropertyChange[] => {
    if (sameJson(old[name], wanted[name])) return [];
    return follows(name, { before, after }) ? [] : [{ name, from: text(was), to: text(becomes) }];
  });
  const decided = changes.map(settable);
  const reasons = decided.filter((change) => typeof change === "string");
  if (reasons.length > 0) return reasons.join("; ");
  const properties = decided.filter((change) => typeof change !== "string");
  return properties.length === 0 ? [] : [action(to, { action: "set-property", properties }), ...replication(to, properties, after)];
}

/** What changes by itself when something else does: to say it again is refused as "no change", or has no words. */
function follows(name: string, { before, after }: Pick<Question, "before" | "after">): boolean {
  if (name === "bloom_filter_columns") return losesOnlyColumns(before, after);
  if (name === "bucket_size") return before.distribution.by !== after.distribution.by;
  const family = FAMILIES.find((start) => name.startsWith(start));
  const master = family && `${family}enable`;
  return master !== undefined && name !== master && before.properties[master] !== undefined && after.properties[master] === undefined;
}

/** A dropped column leaves its bloom filter by itself. */
function losesOnlyColumns(before: TableBody, after: TableBody): boolean {
  const list = ({ properties }: TableBody): string[] =>
    typeof properties.bloom_filter_columns === "string" ? properties.bloom_filter_columns.split(",").map((name) => name.trim()) : [];
  const left = list(before).filter((name) => after.columns.some((column) => column.name.toLowerCase() === name.toLowerCase()));
  return left.length < list(before).length && sameJson(left.sort(), list(after).sort());
}

const text = (value: Json | undefined): string | null => (value === undefined || value === null ? null : String(value));

function settable(change: PropertyChange): PropertyChange | string {
  if (propertyReach(change.name) === "rebuild") return `the property ${change.name} cannot be altered`;
  if (change.to !== null) return change;
  const none = UNSET[change.name];
  return none === undefined ? `no ALTER takes the property ${change.name} away` : { ...change, to: none };
}

/** Words for "as if never set"; other properties have none. */
const UNSET: Readonly<Record<string, string>> = {
  base_compaction_forbidden_time_ranges: "",
  binlog_enable: "false",
  bloom_filter_columns: "",
  bucket_size: "0",
  colocate_with: "",
  "dynamic_partition.enable": "false",
  "flat_json.enable": "false",
  foreign_key_constraints: "",
  mutable_bucket_num: "0",
  partition_retention_condition: "",
  primary_index_cache_expire_sec: "0",
  unique_constraints: "",
  write_quorum: "MAJORITY",
};

/** Partitions that exist keep their number of replicas until they are told. */
function replication(to: CatalogObject, properties: readonly PropertyChange[], { partition }: TableBody): Operation[] {
  const change = properties.find(({ name }) => name === "replication_num");
  const isNamed = partition !== undefined && partition.by !== "expression" && partition.partitions.length > 0;
  if (!isNamed || change?.from == null || change.to === null) return [];
  return [action(to, { action: "replicate-partitions", from: change.from, to: change.to })];
}

/** A table of a colocate group leaves it first; one that grows by itself (RANDOM with a bucket size) is told to stop. */
function distributionDecision({ to, before, after }: Question): Decision {
  const group = text(before.properties.colocate_with);
  const size = before.distribution.by === "random" ? (text(before.properties.bucket_size) ?? "4294967296") : "0";
  const set = (name: string, from: string | null, value: string): Operation =>
    action(to, { action: "set-property", properties: [{ name, from, to: value }] });
  const joins = group !== null && sameJson(before.properties.colocate_with, after.properties.colocate_with);
  const sized = size !== "0" && after.distribution.by === "random";
  return [
    ...(group === null || !joins ? [] : [set("colocate_with", group, "")]),
    ...(size === "0" ? [] : [set("bucket_size", size, "0")]),
    action(to, { action: "redistribute", from: before.distribution, to: after.distribution }),
    ...(sized ? [set("bucket_size", "0", text(after.properties.bucket_size) ?? size)] : []),
    ...(joins ? [set("colocate_with", "", group)] : []),
  ];
}

// ------------------------------------------------------------------------------------------------ materialized views

function viewOperations(change: AlteredChange): readonly Operation[] {
  const { to } = change;
  const before = starrocksObject(change.from).body as MaterializedViewBody; // the differ compares objects of one kind
  const after = starrocksObject(to).body as MaterializedViewBody;
  const decisions = group(change.facts).map(([fact]): Decision => {
    const [head = "", name = ""] = fact?.path ?? [];
    if (head === "refresh") return refreshDecision(to, before, after);
    return head === "properties" && fact ? viewProperty(to, name, fact) : `${head} of a materialized view cannot be altered`;
  });
  const needsNew = decisions.some((decision) => typeof decision === "string");
  return needsNew ? [replace(change)] : decisions.flatMap((decision) => (typeof decision === "string" ? [] : decision));
}

/** ALTER says when a view is refreshed, not whether it was filled when it was made. */
function refreshDecision(to: CatalogObject, { refresh: from }: MaterializedViewBody, { refresh }: MaterializedViewBody): Decision {
  if (sameJson({ ...from, moment: refresh.moment }, refresh)) return [];
  return [action(to, { action: "set-refresh", from, to: refresh })];
}

function viewProperty(to: CatalogObject, name: string, fact: Fact): Decision {
  const value = text(fact.to) ?? VIEW_UNSET[name] ?? null;
  if (viewPropertyReach(name) === "rebuild" || value === null) return `the property ${name} cannot be altered`;
  return [action(to, { action: "set-property", properties: [{ name, from: text(fact.from), to: value }] })];
}

const VIEW_UNSET: Readonly<Record<string, string>> = {
  auto_refresh_partitions_limit: "-1",
  bloom_filter_columns: "",
  enable_query_rewrite: "default",
  excluded_refresh_tables: "",
  excluded_trigger_tables: "",
  foreign_key_constraints: "",
  partition_refresh_number: "-1",
  partition_ttl_number: "-1",
  unique_constraints: "",
};

function action(object: CatalogObject, wanted: StarrocksAction): Operation {
  return { op: "engine-action", object, action: wanted as StarrocksAction & JsonObject }; // actions are JSON by construction
}
