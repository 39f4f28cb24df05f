import type {
  AggregateDef,
  ColumnDef,
  ColumnDefault,
  DistributionDef,
  Expression,
  IndexDef,
  KeyDef,
  ListItem,
  PartitionBoundValue,
  PartitionDef,
  RangeItem,
  RollupDef,
} from "./ast.js";
import type { Cursor, Property } from "./cursor.js";
import { intervalUnits, parseExpression, primary } from "./expression.js";
import { parseType, seesType } from "./types.js";

/* The parts of a table definition, in the order in which the grammar takes them. */

const aggregates = ["SUM", "MAX", "MIN", "REPLACE", "HLL_UNION", "BITMAP_UNION", "PERCENTILE_UNION", "REPLACE_IF_NOT_NULL"];

export function columnDef(cursor: Cursor): ColumnDef {
  const at = cursor.token.start;
  const name = cursor.name();
  const type = seesType(cursor) ? parseType(cursor) : undefined;
  charset(cursor);
  const key = cursor.takes("KEY");
  const aggregate = aggregateDef(cursor);
  const nullable = cursor.takes("NULL") ? true : cursor.takes("NOT", "NULL") ? false : undefined;
  const value = cursor.takes("DEFAULT") ? columnDefault(cursor) : undefined;
  const autoIncrement = value === undefined && cursor.takes("AUTO_INCREMENT");
  const generated = value === undefined && !autoIncrement && cursor.takes("AS") ? parseExpression(cursor) : undefined;
  const comment = cursor.comment();
  return {
    name,
    ...(type && { type }),
    key,
    ...(aggregate && { aggregate }),
    ...(nullable !== undefined && { nullable }),
    ...(value && { default: value }),
    autoIncrement,
    ...(generated && { generated }),
    ...(comment !== undefined && { comment }),
    at,
  };
}

function charset(cursor: Cursor): void {
  if (cursor.takes("CHARSET") || cursor.takes("CHAR", "SET") || cursor.takes("CHARACTER", "SET")) cursor.name();
}

function aggregateDef(cursor: Cursor): AggregateDef | undefined {
  const isState = cursor.token.kind !== "end" && cursor.seesName() && cursor.peek(1).key === "(" && !cursor.seesAny("COMMENT");
  if (isState) {
    const name = cursor.name().toLowerCase();
    const argumentTypes = cursor.list(() => {
      const type = parseType(cursor);
      const nullable = cursor.takes("NULL") ? true : cursor.takes("NOT", "NULL") ? false : undefined;
      return { type, ...(nullable !== undefined && { nullable }) };
    });
    return { function: name, argumentTypes };
  }
  const name = cursor.takesAny(...aggregates);
  return name === undefined ? undefined : { function: name };
}

function columnDefault(cursor: Cursor): ColumnDefault {
  if (cursor.takes("NULL")) return { kind: "null" };
  if (cursor.takes("CURRENT_TIMESTAMP")) {
    if (!cursor.takes("(")) return { kind: "now" };
    const precision = cursor.token.kind === "integer" ? cursor.integer() : undefined;
    cursor.expect(")");
    return { kind: "now", ...(precision !== undefined && { precision }) };
  }
  if (cursor.takes("(")) {
    const name = cursor.qualifiedName().join(".").toLowerCase();
    cursor.expect("(", ")", ")");
    return { kind: "function", name };
  }
  return { kind: "literal", text: cursor.string() };
}

export function indexDef(cursor: Cursor): IndexDef {
  const at = cursor.token.start;
  return { name: cursor.name(), ...indexRest(cursor), at };
}

export function indexRest(cursor: Cursor): Pick<IndexDef, "columns" | "using" | "properties" | "comment"> {
  const columns = cursor.nameList();
  const using = cursor.takes("USING") ? cursor.expectAny("BITMAP", "GIN", "NGRAMBF", "VECTOR") : undefined;
  const properties = using !== undefined && cursor.sees("(") ? cursor.properties() : [];
  const comment = cursor.comment();
  return { columns, ...(using !== undefined && { using }), properties, ...(comment !== undefined && { comment }) };
}

export function keyDef(cursor: Cursor): KeyDef | undefined {
  if (cursor.peek(1).key !== "KEY") return undefined;
  const at = cursor.token.start;
  const type = cursor.takesAny("AGGREGATE", "UNIQUE", "PRIMARY", "DUPLICATE") as KeyDef["type"] | undefined; // exactly these words
  if (type === undefined) return undefined;
  cursor.expect("KEY");
  return { type, columns: cursor.nameList(), at };
}

export function partitionDef(cursor: Cursor): PartitionDef | undefined {
  const at = cursor.token.start;
  if (!cursor.takes("PARTITION", "BY")) return undefined;
  if (cursor.takes("RANGE")) return rangePartition(cursor, at);
  if (cursor.takes("LIST")) return listPartition(cursor, true, at);
  if (cursor.sees("(")) return listPartition(cursor, false, at);
  const expressions: Expression[] = cursor.commas(() => partitionExpression(cursor));
  const items = cursor.sees("(") ? rangeItems(cursor) : [];
  return { kind: "expression", expressions, items, at };
}

function rangePartition(cursor: Cursor, at: number): PartitionDef {
  if (cursor.sees("(") && cursor.seesName(1) && [",", ")"].includes(cursor.peek(2).key)) {
    return { kind: "range", columns: cursor.nameList(), items: rangeItems(cursor), at };
  }
  return { kind: "range", columns: [], expression: primary(cursor), items: rangeItems(cursor), at };
}

function listPartition(cursor: Cursor, explicit: boolean, at: number): PartitionDef {
  const columns = cursor.nameList();
  if (!cursor.sees("(")) return { kind: "list", columns, explicit, items: [], at };
  cursor.expect("(");
  // Without LIST, ranges behind the columns are not in the grammar: only RANGE takes them.
  const items = cursor.sees(")") ? [] : cursor.commas(() => listItem(cursor));
  cursor.expect(")");
  return { kind: "list", columns, explicit, items, at };
}

/** A column or a function call; anything else, CAST too, is no partition expression for the parser. */
function partitionExpression(cursor: Cursor): Expression {
  const expression = primary(cursor);
  if (expression.kind === "column" || expression.kind === "call") return expression;
  throw cursor.fault("a column or a function");
}

function rangeItems(cursor: Cursor): RangeItem[] {
  cursor.expect("(");
  const items = cursor.sees(")") ? [] : cursor.commas(() => rangeItem(cursor));
  cursor.expect(")");
  return items;
}

function rangeItem(cursor: Cursor): RangeItem {
  return cursor.sees("START") ? batchItem(cursor) : singleItem(cursor);
}

export function batchItem(cursor: Cursor): Extract<RangeItem, { kind: "batch" }> {
  const at = cursor.token.start;
  cursor.expect("START", "(");
  const start = cursor.string();
  cursor.expect(")", "END", "(");
  const end = cursor.string();
  cursor.expect(")", "EVERY", "(");
  const every = cursor.takes("INTERVAL")
    ? { value: cursor.integer(), unit: cursor.expectAny(...intervalUnits) }
    : { value: cursor.integer() };
  cursor.expect(")");
  return { kind: "batch", start, end, every, at };
}

function singleItem(cursor: Cursor): Exclude<RangeItem, { kind: "batch" }> {
  const head = partitionHead(cursor);
  const at = head.at;
  if (cursor.takes("LESS", "THAN")) {
    const values = cursor.takes("MAXVALUE") ? "MAXVALUE" : boundValues(cursor);
    return { kind: "less-than", ...head, values, properties: trailingProperties(cursor), at };
  }
  cursor.expect("[");
  const lower = boundValues(cursor);
  cursor.expect(",");
  const upper = boundValues(cursor);
  cursor.expect(")");
  return { kind: "fixed", ...head, lower, upper, properties: trailingProperties(cursor), at };
}

function partitionHead(cursor: Cursor): { name: string; ifNotExists: boolean; at: number } {
  const at = cursor.token.start;
  cursor.expect("PARTITION");
  const ifNotExists = cursor.takes("IF", "NOT", "EXISTS");
  const name = cursor.name();
  cursor.expect("VALUES");
  return { name, ifNotExists, at };
}

function boundValues(cursor: Cursor): PartitionBoundValue[] {
  return cursor.list((): PartitionBoundValue => (cursor.takes("MAXVALUE") ? { max: true } : { max: false, value: cursor.string() }));
}

function trailingProperties(cursor: Cursor): Property[] {
  return cursor.sees("(") ? cursor.properties() : [];
}

function listItem(cursor: Cursor): ListItem {
  const head = partitionHead(cursor);
  cursor.expect("IN");
  const multi = cursor.peek(1).key === "(";
  const single = (): (string | null)[] => cursor.list(() => (cursor.takes("NULL") ? null : cursor.string()));
  const values = multi ? cursor.list(single) : single().map((value) => [value]);
  return { kind: "list", ...head, values, multi, properties: trailingProperties(cursor) };
}

/** One partition of ALTER TABLE … ADD PARTITION, range or list by what follows VALUES. */
export function addedItem(cursor: Cursor): RangeItem | ListItem {
  const { position } = cursor;
  partitionHead(cursor);
  const isList = cursor.sees("IN");
  cursor.rewind(position);
  return isList ? listItem(cursor) : singleItem(cursor);
}

export function distributionDef(cursor: Cursor): DistributionDef | undefined {
  const at = cursor.token.start;
  if (!cursor.takes("DISTRIBUTED", "BY")) return undefined;
  const kind = cursor.expectAny("HASH", "RANDOM") === "HASH" ? "hash" : "random";
  const columns = kind === "hash" ? cursor.nameList() : [];
  const buckets = cursor.takes("BUCKETS") ? cursor.integer() : undefined;
  return { kind, columns, ...(buckets !== undefined && { buckets }), at };
}

export function orderBy(cursor: Cursor): string[] | undefined {
  return cursor.takes("ORDER", "BY") ? cursor.nameList() : undefined;
}

export function rollupDef(cursor: Cursor): RollupDef {
  const name = cursor.name();
  const columns = cursor.nameList();
  const duplicateKey = cursor.takes("DUPLICATE", "KEY") ? cursor.nameList() : undefined;
  const from = cursor.takes("FROM") ? cursor.name() : undefined;
  return { name, columns, ...(duplicateKey && { duplicateKey }), ...(from !== undefined && { from }), properties: tableProperties(cursor) };
}

/** `PROPERTIES (…)`, or nothing. */
export function tableProperties(cursor: Cursor): Property[] {
  return cursor.takes("PROPERTIES") ? cursor.properties() : [];
}

/** What a table has behind its key, in the grammar's only order. */
export function physicalParts(cursor: Cursor): {
  key?: KeyDef;
  comment?: string;
  partition?: PartitionDef;
  distribution?: DistributionDef;
  orderBy?: readonly string[];
} {
  const key = keyDef(cursor);
  const comment = cursor.comment();
  const partition = partitionDef(cursor);
  const distribution = distributionDef(cursor);
  const sort = orderBy(cursor);
  return {
    ...(key && { key }),
    ...(comment !== undefined && { comment }),
    ...(partition && { partition }),
    ...(distribution && { distribution }),
    ...(sort && { orderBy: sort }),
  };
}
