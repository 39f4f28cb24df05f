import type { AlterClause, AlterTable, ColumnPosition, PartitionNames } from "./ast.js";
import type { Cursor, Property } from "./cursor.js";
import { parseExpression } from "./expression.js";
import {
  addedItem,
  batchItem,
  columnDef,
  distributionDef,
  indexDef,
  keyDef,
  orderBy,
  partitionDef,
  rollupDef,
  tableProperties,
} from "./table.js";
import { parseType } from "./types.js";

/** Behind ALTER TABLE. */
export function alterTable(cursor: Cursor): AlterTable {
  const name = cursor.qualifiedName();
  if (cursor.takes("ADD", "ROLLUP")) {
    return { statement: "alter-table", name, clauses: [{ clause: "add-rollup", rollups: cursor.commas(() => rollupDef(cursor)) }] };
  }
  if (cursor.takes("DROP", "ROLLUP")) {
    return { statement: "alter-table", name, clauses: [{ clause: "drop-rollup", names: cursor.commas(() => cursor.name()) }] };
  }
  return { statement: "alter-table", name, clauses: cursor.commas(() => alterClause(cursor)) };
}

/** Clauses by their first word; what begins with none of them is an OPTIMIZE clause. */
const clauses: Readonly<Record<string, (cursor: Cursor) => AlterClause>> = {
  ADD: add,
  DROP: drop,
  RENAME: rename,
  MODIFY: modify,
  SWAP: (cursor) => {
    cursor.expect("WITH");
    return { clause: "swap", with: cursor.name() };
  },
  SET: (cursor) => ({ clause: "set", properties: cursor.properties() }),
  COMMENT: (cursor) => {
    cursor.expect("=");
    return { clause: "comment", comment: cursor.string() };
  },
  TRUNCATE: (cursor) => ({ clause: "truncate-partition", partitions: partitionNames(cursor) }),
  REPLACE: (cursor) => {
    const partitions = partitionNames(cursor);
    cursor.expect("WITH");
    return { clause: "replace-partition", partitions, with: partitionNames(cursor), properties: tableProperties(cursor) };
  },
  COMPACT: compact,
  BASE: (cursor) => {
    cursor.expect("COMPACT");
    return compact(cursor);
  },
  CUMULATIVE: (cursor) => {
    cursor.expect("COMPACT");
    return compact(cursor);
  },
};

function alterClause(cursor: Cursor): AlterClause {
  const { key } = cursor.token;
  if (cursor.sees("ORDER", "BY")) return sort(cursor);
  const read = Object.hasOwn(clauses, key) ? clauses[key] : undefined;
  if (!read) return optimize(cursor);
  cursor.next();
  return read(cursor);
}

/** `ORDER BY (…)` alone is a reorder; followed by a distribution it belongs to OPTIMIZE. */
function sort(cursor: Cursor): AlterClause {
  const columns = orderBy(cursor) ?? [];
  const distribution = distributionDef(cursor);
  if (distribution) return { clause: "optimize", orderBy: columns, distribution };
  return { clause: "reorder", columns, ...fromRollup(cursor), properties: tableProperties(cursor) };
}

function optimize(cursor: Cursor): AlterClause {
  const { position } = cursor;
  const named = cursor.seesAny("PARTITION", "PARTITIONS", "TEMPORARY") && !cursor.sees("PARTITION", "BY");
  const partitions = named ? partitionNames(cursor) : undefined;
  const key = keyDef(cursor);
  const partition = partitionDef(cursor);
  const sorted = orderBy(cursor);
  const distribution = distributionDef(cursor);
  const between = cursor.takes("BETWEEN") ? range(cursor) : undefined;
  if (cursor.position === position) throw cursor.fault("a clause of ALTER TABLE");
  return {
    clause: "optimize",
    ...(partitions && { partitions }),
    ...(key && { key }),
    ...(partition && { partition }),
    ...(sorted && { orderBy: sorted }),
    ...(distribution && { distribution }),
    ...(between && { between }),
  };
}

function range(cursor: Cursor): readonly [string, string] {
  const start = cursor.string();
  cursor.expect("AND");
  return [start, cursor.string()];
}

function add(cursor: Cursor): AlterClause {
  if (cursor.takes("INDEX")) return { clause: "add-index", index: indexDef(cursor) };
  if (cursor.takes("COLUMN")) return addColumns(cursor);
  const temporary = cursor.takes("TEMPORARY");
  if (cursor.takes("PARTITIONS")) return addPartition(cursor, temporary, batchItem(cursor));
  if (cursor.sees("PARTITION")) return addPartition(cursor, temporary, addedItem(cursor));
  throw cursor.fault("COLUMN, INDEX, PARTITION or ROLLUP");
}

function addPartition(cursor: Cursor, temporary: boolean, item: ReturnType<typeof addedItem>): AlterClause {
  const distribution = distributionDef(cursor);
  return { clause: "add-partition", temporary, item, ...(distribution && { distribution }), properties: tableProperties(cursor) };
}

function addColumns(cursor: Cursor): AlterClause {
  if (cursor.sees("(")) {
    const columns = cursor.list(() => columnDef(cursor));
    return { clause: "add-columns", columns, ...toRollup(cursor), properties: tableProperties(cursor) };
  }
  const column = columnDef(cursor);
  return { clause: "add-column", column, ...columnPosition(cursor), ...toRollup(cursor), properties: tableProperties(cursor) };
}

function columnPosition(cursor: Cursor): { position?: ColumnPosition } {
  if (cursor.takes("FIRST")) return { position: { first: true } };
  return cursor.takes("AFTER") ? { position: { after: cursor.name() } } : {};
}

function toRollup(cursor: Cursor): { rollup?: string } {
  return cursor.takesAny("TO", "IN") === undefined ? {} : { rollup: cursor.name() };
}

function fromRollup(cursor: Cursor): { rollup?: string } {
  return cursor.takes("FROM") ? { rollup: cursor.name() } : {};
}

function drop(cursor: Cursor): AlterClause {
  if (cursor.takes("INDEX")) return { clause: "drop-index", name: cursor.name() };
  if (cursor.takes("COLUMN")) {
    const column = cursor.name();
    return { clause: "drop-column", column, ...fromRollup(cursor), properties: tableProperties(cursor) };
  }
  if (cursor.takes("ALL", "TEMPORARY", "PARTITIONS")) {
    return { clause: "drop-partition", temporary: true, ifExists: false, names: [], all: true, force: cursor.takes("FORCE") };
  }
  const temporary = cursor.takes("TEMPORARY");
  const many = cursor.expectAny("PARTITION", "PARTITIONS") === "PARTITIONS";
  const ifExists = cursor.takes("IF", "EXISTS");
  const chosen = many ? manyPartitions(cursor) : { names: [cursor.name()] };
  return { clause: "drop-partition", temporary, ifExists, all: false, ...chosen, force: cursor.takes("FORCE") };
}

function manyPartitions(cursor: Cursor): Pick<Extract<AlterClause, { clause: "drop-partition" }>, "names" | "batch" | "where"> {
  if (cursor.takes("WHERE")) return { names: [], where: parseExpression(cursor) };
  if (cursor.sees("START")) return { names: [], batch: batchItem(cursor) };
  return { names: cursor.nameList() };
}

function rename(cursor: Cursor): AlterClause {
  const what = cursor.takesAny("COLUMN", "ROLLUP", "PARTITION");
  const from = cursor.name();
  if (what === undefined) return { clause: "rename", to: from };
  if (what === "COLUMN") {
    cursor.expect("TO");
    return { clause: "rename-column", from, to: cursor.name() };
  }
  return { clause: what === "ROLLUP" ? "rename-rollup" : "rename-partition", from, to: cursor.name() };
}

function modify(cursor: Cursor): AlterClause {
  if (cursor.takes("PARTITION")) return modifyPartition(cursor);
  cursor.expect("COLUMN");
  const after = cursor.peek(1).key;
  if (after === "COMMENT") {
    const column = cursor.name();
    return { clause: "modify-column-comment", column, comment: cursor.comment() ?? "" };
  }
  if ((after === "ADD" || after === "DROP") && cursor.peek(2).key === "FIELD") return modifyField(cursor);
  const column = columnDef(cursor);
  return { clause: "modify-column", column, ...columnPosition(cursor), ...fromRollup(cursor), properties: tableProperties(cursor) };
}

function modifyField(cursor: Cursor): AlterClause {
  const column = cursor.name();
  const adds = cursor.expectAny("ADD", "DROP") === "ADD";
  cursor.expect("FIELD");
  const path = fieldPath(cursor);
  if (!adds) {
    tableProperties(cursor);
    return { clause: "drop-field", column, path };
  }
  const type = parseType(cursor);
  const position = columnPosition(cursor);
  tableProperties(cursor);
  return { clause: "add-field", column, path, type, ...position };
}

/** `a.b.c`; `[*]` stands for the elements of an array. */
function fieldPath(cursor: Cursor): string[] {
  const part = (): string => {
    if (!cursor.takes("[")) return cursor.name();
    cursor.expect("*", "]");
    return "[*]";
  };
  const path = [part()];
  while (cursor.takes(".")) path.push(part());
  return path;
}

function modifyPartition(cursor: Cursor): AlterClause {
  const distribution = distributionDef(cursor);
  if (distribution) return { clause: "modify-partition-distribution", distribution };
  const names = cursor.takes("(", "*", ")") ? "*" : cursor.sees("(") ? cursor.nameList() : [cursor.name()];
  cursor.expect("SET");
  const properties: Property[] = cursor.properties();
  return { clause: "modify-partition", names, properties };
}

function partitionNames(cursor: Cursor): PartitionNames {
  const temporary = cursor.takes("TEMPORARY");
  cursor.expectAny("PARTITION", "PARTITIONS");
  const names = cursor.sees("(") ? cursor.list(() => cursor.nameOrString()) : [cursor.nameOrString()];
  return { temporary, names };
}

function compact(cursor: Cursor): AlterClause {
  if (cursor.sees("(")) return { clause: "compact", partitions: cursor.nameList() };
  return { clause: "compact", partitions: cursor.seesName() ? [cursor.name()] : [] };
}
