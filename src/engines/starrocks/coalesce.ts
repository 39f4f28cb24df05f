import type { CatalogObject } from "../../core/catalog.js";
import type { JsonObject } from "../../core/json.js";
import type { Operation } from "../../core/operation.js";
import type { ColumnChange, StarrocksAction } from "./actions.js";
import type { ColumnBody, IndexBody, TableBody } from "./body.js";

/*
 * The operations on one table in an order in which each finds what it needs, and as few statements as the front end takes:
 * column clauses share one ALTER TABLE (and one job), indexes another, everything else stands alone. A new column is not
 * yet visible to an index beside it, hence two.
 */

export interface Tables {
  readonly from: CatalogObject;
  readonly to: CatalogObject;
  /** With columns under their new names. */
  readonly before: TableBody;
  readonly after: TableBody;
}

export function coalesced(operations: readonly Operation[], tables: Tables): Operation[] {
  const ranked = operations.map((operation) => ({ operation, rank: rankOf(operation, tables) }));
  const ordered = ranked.sort((a, b) => a.rank - b.rank).map(({ operation }) => operation); // sort is stable
  return together(ordered, tables);
}

const RANKS = [
  "drop-index",
  "first-property",
  "early-layout",
  "alter-fields",
  "columns",
  "add-index",
  "layout",
  "partition",
  "property",
  "comment",
] as const;

type Rank = (typeof RANKS)[number];

function rankOf(operation: Operation, tables: Tables): number {
  return RANKS.indexOf(
    operation.op === "engine-action" ? actionRank(starrocksAction(operation), tables) : (OPERATION_RANKS[operation.op] ?? "columns"),
  );
}

const OPERATION_RANKS: Readonly<Partial<Record<Operation["op"], Rank>>> = { "set-comment": "comment" };

function actionRank(action: StarrocksAction, tables: Tables): Rank {
  switch (action.action) {
    case "drop-index":
    case "add-index":
    case "alter-fields":
      return action.action;
    case "set-property":
      return action.properties.some(({ name, to }) => FIRST[name]?.(to ?? "")) ? "first-property" : layoutProperty(action, tables);
    case "redistribute":
    case "set-sort-key":
      return isEarly(tables) ? "early-layout" : "layout";
    case "add-partition":
    case "drop-partition":
    case "rename-partition":
      return "partition";
    case "replicate-partitions":
      return "property";
    default:
      return "columns";
  }
}

/** Values that other changes wait for: they switch something off that would refuse them, or on that they need. */
const FIRST: Readonly<Record<string, (value: string) => boolean>> = {
  colocate_with: (value) => value === "",
  "dynamic_partition.enable": (value) => value === "false",
  "flat_json.enable": (value) => value === "true",
  replicated_storage: (value) => value === "false",
};

/** The bucket size is set to 0 right before a redistribution and to its new value right behind it. */
function layoutProperty(action: Extract<StarrocksAction, { action: "set-property" }>, tables: Tables): Rank {
  const sizes = action.properties.some(({ name }) => name === "bucket_size");
  return sizes ? (isEarly(tables) ? "early-layout" : "layout") : "property";
}

/** A new layout comes first when it lets go of columns that leave or change. */
function isEarly({ before, after }: Tables): boolean {
  const used = [...before.orderBy, ...(before.distribution.by === "hash" ? before.distribution.columns : [])];
  const columnIn = (body: TableBody, name: string): ColumnBody | undefined => body.columns.find((column) => column.name === name);
  return used.some((name) => columnIn(before, name)?.type !== columnIn(after, name)?.type);
}

function starrocksAction(operation: Extract<Operation, { op: "engine-action" }>): StarrocksAction {
  return operation.action as StarrocksAction; // rules.ts made it
}

// ------------------------------------------------------------------------------------------------ together

function together(operations: readonly Operation[], tables: Tables): Operation[] {
  const columns = operations.filter(isColumnChange);
  const isFirst = (operation: Operation): boolean => operation === columns[0];
  const made = columns.length === 0 ? [] : columnOperations(columns, tables);
  const rest = operations.flatMap((operation) => (isFirst(operation) ? made : isColumnChange(operation) ? [] : [operation]));
  return mergedIndexes(rest);
}

type ColumnOperation = Extract<Operation, { op: ColumnChange["op"] }>;

function isColumnChange(operation: Operation): operation is ColumnOperation {
  return ["add-column", "drop-column", "retype-column", "set-nullable"].includes(operation.op);
}

/**
 * Generated columns are dropped before what they are computed from changes, and added when it is there; a column that comes
 * back under its name cannot do so in the statement that drops it.
 */
function columnOperations(operations: readonly ColumnOperation[], tables: Tables): Operation[] {
  const changes = operations.map(changeOf);
  const isGenerated = (change: ColumnChange): boolean =>
    "column" in change && typeof change.column === "object" && change.column.generated !== undefined;
  const dropped = changes.filter((change) => change.op === "drop-column" && isGenerated(change));
  const added = changes.filter((change) => change.op === "add-column" && isGenerated(change));
  const plain = changes.filter((change) => !dropped.includes(change) && !added.includes(change));
  const ordered = [...plain.filter(({ op }) => op !== "add-column"), ...plain.filter(({ op }) => op === "add-column")];
  return [dropped, ordered, added].filter((part) => part.length > 0).map((part) => oneAlter(part, tables));
}

function changeOf(operation: ColumnOperation): ColumnChange {
  const { object: _, ...change } = operation;
  return change as ColumnChange; // columns of StarRocks bodies are ColumnBody
}

/** A single change without a word for keys is the shared operation, which every emulation knows. */
function oneAlter(changes: readonly ColumnChange[], { to, before, after }: Tables): Operation {
  const [only] = changes;
  const touchesKey = changes.some((change) => isKeyChange(change, before, after));
  if (only && changes.length === 1 && !touchesKey) return { ...only, object: to } as ColumnOperation; // what changeOf took apart
  const isJob =
    touchesKey || changes.some(({ op }) => op === "retype-column" || op === "set-nullable") || changes.some(isComputed) || isSlow(before);
  const action: StarrocksAction = { action: "alter-columns", changes, job: isJob };
  return { op: "engine-action", object: to, action: action as StarrocksAction & JsonObject }; // actions are JSON by construction
}

function isKeyChange(change: ColumnChange, before: TableBody, after: TableBody): boolean {
  if (change.op === "add-column") return after.key.includes(change.column.name);
  return change.op === "drop-column" && before.key.includes(change.column.name);
}

const isComputed = (change: ColumnChange): boolean => change.op === "add-column" && change.column.generated !== undefined;

/** Without fast schema evolution every change of columns rewrites the table. */
export function isSlow({ properties }: TableBody): boolean {
  return properties.fast_schema_evolution === "false";
}

function mergedIndexes(operations: readonly Operation[]): Operation[] {
  const merged: Operation[] = [];
  for (const operation of operations) {
    const last = merged.at(-1);
    const both = last && sameIndexAction(last, operation);
    if (both) merged.splice(-1, 1, both);
    else merged.push(operation);
  }
  return merged;
}

function sameIndexAction(a: Operation, b: Operation): Operation | undefined {
  if (a.op !== "engine-action" || b.op !== "engine-action") return undefined;
  const [first, second] = [starrocksAction(a), starrocksAction(b)];
  if ((first.action !== "add-index" && first.action !== "drop-index") || first.action !== second.action) return undefined;
  const indexes: readonly IndexBody[] = [...first.indexes, ...second.indexes];
  return { ...a, action: { action: first.action, indexes } };
}
