import { sameJson } from "../../../src/core/json.js";
import type { ColumnBody, TableBody } from "../../../src/engines/starrocks/body.js";
import { columnBodyOf, distributionBodyOf, indexBodyOf, rangePartitionsOf } from "../../../src/engines/starrocks/definition.js";
import { propertyReach, retypeReach } from "../../../src/engines/starrocks/facts.js";
import type { AlterClause, ColumnDef, ColumnPosition } from "../../../src/engines/starrocks/parse/ast.js";
import { Refusal, Unclaimed } from "./refusal.js";

/* What ALTER TABLE makes of a table: at once, or by a job that ends later. Refusals carry the recorded texts. */

export interface Altered {
  readonly body: TableBody;
  readonly job?: "COLUMN" | "OPTIMIZE";
}

type Clause<Word extends AlterClause["clause"]> = Extract<AlterClause, { clause: Word }>;

export function altered(table: string, body: TableBody, clause: AlterClause): Altered {
  switch (clause.clause) {
    case "add-column":
      return addColumn(table, body, clause.column, clause.position);
    case "add-columns":
      return addColumns(table, body, clause.columns);
    case "drop-column":
      return dropColumn(table, body, clause.column);
    case "modify-column":
      return modifyColumn(table, body, clause.column, clause.position);
    case "modify-column-comment":
      return { body: withColumn(body, found(body, clause.column, "does not exists").name, { comment: clause.comment }) };
    case "rename-column":
      return renameColumn(body, clause.from, clause.to);
    case "comment":
      return { body: { ...body, comment: clause.comment } };
    case "set":
      return setProperties(table, body, clause);
    case "add-index":
      return { body: { ...body, indexes: [...body.indexes, indexBodyOf(clause.index, body)] }, job: "COLUMN" };
    case "drop-index":
      return dropIndex(body, clause.name);
    case "reorder":
      return reorder(body, clause.columns);
    case "optimize":
      return optimize(body, clause);
    case "add-partition":
      return addPartition(body, clause);
    default:
      throw new Unclaimed(clause.clause);
  }
}

function found(body: TableBody, name: string, missing = "does not exist"): ColumnBody {
  const column = body.columns.find((one) => one.name.toLowerCase() === name.toLowerCase());
  if (column) return column;
  throw new Refusal(`Column[${name}] ${missing}`);
}

function withColumn(body: TableBody, name: string, change: Partial<ColumnBody>): TableBody {
  return { ...body, columns: body.columns.map((column) => (column.name === name ? { ...column, ...change } : column)) };
}

/** Instant only where the table keeps schema versions. */
function settling(body: TableBody): Pick<Altered, "job"> {
  return body.properties.fast_schema_evolution === "true" ? {} : { job: "COLUMN" };
}

function addColumn(table: string, body: TableBody, definition: ColumnDef, position: ColumnPosition | undefined): Altered {
  if (body.columns.some(({ name }) => name.toLowerCase() === definition.name.toLowerCase())) {
    throw new Refusal(`Duplicate column name '${definition.name}'`, 1060, "42S21");
  }
  const column = columnBodyOf(definition, body);
  if (definition.key || (body.table === "aggregate" && !column.aggregate)) throw new Unclaimed("a key column");
  if (!column.nullable && column.default === undefined)
    throw new Refusal(`Field '${column.name}' is not null but doesnt have a default value`);
  if (column.autoIncrement) throw new Refusal(`Column '${column.name}' can not be AUTO_INCREMENT when ALTER TABLE`);
  if (body.indexes.length > 0 && column.generated !== undefined) throw new Unclaimed("a generated column beside an index");
  const columns = placed(table, body, column, position);
  return { body: { ...body, columns }, ...(column.generated === undefined ? settling(body) : { job: "COLUMN" as const }) };
}

function addColumns(table: string, body: TableBody, columns: readonly ColumnDef[]): Altered {
  let sofar: Altered = { body };
  for (const column of columns) {
    const { job } = sofar;
    sofar = { ...(job && { job }), ...addColumn(table, sofar.body, column, undefined) };
  }
  return sofar;
}

function placed(table: string, body: TableBody, column: ColumnBody, position: ColumnPosition | undefined): ColumnBody[] {
  const others = body.columns.filter(({ name }) => name !== column.name);
  if (position === undefined) return [...others, column];
  const at = "first" in position ? 0 : others.findIndex(({ name }) => name.toLowerCase() === position.after.toLowerCase()) + 1;
  if ("after" in position && at === 0) throw new Refusal(`Column[${position.after}] does not found`);
  if (at < body.key.length) throw new Refusal(`Invalid column order. value should be after key. index[${table}]`);
  return [...others.slice(0, at), column, ...others.slice(at)];
}

function laidOut(body: TableBody, name: string): "distribution" | "partition" | undefined {
  if (body.distribution.by === "hash" && body.distribution.columns.includes(name)) return "distribution";
  return body.partition && JSON.stringify(body.partition).includes(JSON.stringify(name)) ? "partition" : undefined;
}

function dropColumn(table: string, body: TableBody, name: string): Altered {
  const column = found(body, name, "does not exists");
  const layout = laidOut(body, column.name);
  if (layout === "distribution") throw new Refusal(`Distribution column[${name}] cannot be dropped. index[${table}]`);
  if (layout === "partition") throw new Refusal(`Partition column[${name}] cannot be dropped. index[${table}]`);
  if (body.key.includes(column.name)) return dropKey(body);
  if (body.table === "primary" && body.orderBy.includes(column.name))
    throw new Refusal("Can not drop sort column in primary data model table");
  if (body.orderBy.includes(column.name) || body.indexes.some(({ columns }) => columns.includes(column.name)))
    throw new Unclaimed("a column in use");
  if (body.columns.some(({ generated }) => generated?.includes(`\`${column.name}\``))) throw new Unclaimed("a generated column's base");
  const rest = { ...body, columns: body.columns.filter((other) => other !== column) };
  const filtered = String(body.properties.bloom_filter_columns ?? "").split(", ");
  return {
    body: filtered.includes(column.name)
      ? withBloomFilter(
          rest,
          filtered.filter((name) => name !== column.name),
        )
      : rest,
    ...settling(body),
  };
}

function withBloomFilter(body: TableBody, columns: readonly string[]): TableBody {
  const { bloom_filter_columns: _, ...properties } = body.properties;
  return {
    ...body,
    properties: columns.length === 0 ? properties : { ...properties, bloom_filter_columns: [...columns].sort().join(", ") },
  };
}

function dropKey(body: TableBody): never {
  if (body.table === "primary") throw new Refusal("Can not drop key column in primary data model table");
  if (body.columns.some(({ aggregate }) => aggregate?.startsWith("REPLACE"))) {
    throw new Refusal("Can not drop key column when table has value column with REPLACE aggregation method");
  }
  throw new Unclaimed("dropping a key column");
}

function modifyColumn(table: string, body: TableBody, definition: ColumnDef, position: ColumnPosition | undefined): Altered {
  const old = found(body, definition.name);
  const layout = laidOut(body, old.name);
  if (layout === "distribution") throw new Refusal(`Can not modify distribution column[${old.name}]. index[${table}]`);
  if (layout === "partition") throw new Refusal(`Can not modify partition column[${old.name}]. index[${table}]`);
  if (position !== undefined) throw new Unclaimed("a column that moves");
  const isKey = body.key.includes(old.name);
  if (isKey !== definition.key && body.table !== "primary") throw new Unclaimed("KEY that changes");
  if (isKey && body.table === "primary") throw new Unclaimed("a primary key column");
  const column = columnBodyOf(definition, body);
  if (old.generated !== undefined || column.generated !== undefined) throw new Unclaimed("a generated column");
  if (column.aggregate !== old.aggregate) throw new Refusal("Can not change aggregation type");
  if (!sameJson(column.default, old.default)) throw new Refusal("Can not change default value");
  if (old.nullable && !column.nullable) throw new Refusal("Can not change from nullable to non-nullable");
  if (column.type !== old.type && retypeReach(old.type, column.type, isKey) === "rebuild") {
    throw new Refusal(`Can not change ${old.type.toUpperCase()} to ${column.type.toUpperCase()}`);
  }
  const changed = { ...column, name: old.name };
  if (sameJson(changed, old)) return { body };
  return { body: { ...body, columns: body.columns.map((one) => (one === old ? changed : one)) }, job: "COLUMN" };
}

function renameColumn(body: TableBody, from: string, to: string): Altered {
  const column = found(body, from, "does not exists");
  if (body.columns.some(({ name }) => name.toLowerCase() === to.toLowerCase())) throw new Unclaimed("a rename onto another column");
  const rename = (value: unknown): unknown => {
    if (value === column.name) return to;
    if (Array.isArray(value)) return value.map(rename);
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        key === "comment" || key === "type" || key === "default" ? member : rename(member),
      ]),
    );
  };
  if (body.columns.some(({ generated }) => generated !== undefined)) throw new Unclaimed("a rename beside generated columns");
  const { properties, ...rest } = body;
  return { body: { ...(rename(rest) as Omit<TableBody, "properties">), properties } }; // a body maps to a body
}

/** Properties that must not, or must, be set with others have texts of their own; one at a time is what is claimed. */
function setProperties(_table: string, body: TableBody, { properties }: Clause<"set">): Altered {
  const [only] = properties;
  if (!only || properties.length > 1) throw new Unclaimed("several properties");
  const { key, value } = only;
  if (!CLAIMED_PROPERTIES.has(key) || body.properties.colocate_with !== undefined) throw new Unclaimed(key);
  if (key === "bloom_filter_columns") {
    const wanted = value === "" ? [] : value.split(",").map((column) => found(body, column.trim()).name);
    const next = withBloomFilter(body, wanted);
    if (sameJson(next.properties, body.properties)) throw new Refusal("Bloom filter index has no change");
    return { body: next, job: "COLUMN" };
  }
  if (propertyReach(key) !== "instant") throw new Refusal(`Unknown properties: {${key}=${value}}`);
  if (key === "replication_num" && body.partition) throw new Unclaimed(key);
  return { body: { ...body, properties: { ...body.properties, [key]: value } } };
}

const CLAIMED_PROPERTIES = new Set([
  "replication_num",
  "bloom_filter_columns",
  "write_quorum",
  "partition_ttl",
  "partition_live_number",
  "primary_index_cache_expire_sec",
  "enable_persistent_index",
  "mutable_bucket_num",
]);

function dropIndex(body: TableBody, name: string): Altered {
  if (!body.indexes.some((index) => index.name === name)) throw new Refusal(`index ${name} does not exist`);
  return { body: { ...body, indexes: body.indexes.filter((index) => index.name !== name) }, job: "COLUMN" };
}

function reorder(body: TableBody, columns: readonly string[]): Altered {
  const missing = columns.find((name) => !body.columns.some((column) => column.name === name));
  if (missing !== undefined) throw new Refusal(`Column[${missing}] not exists`);
  if (body.table !== "primary") throw new Unclaimed("the order of another table kind");
  return { body: { ...body, orderBy: [...columns] }, job: "COLUMN" };
}

function optimize(body: TableBody, clause: Clause<"optimize">): Altered {
  if (!clause.distribution || clause.key || clause.partition || clause.orderBy || clause.partitions) throw new Unclaimed("optimize");
  if (body.distribution.by === "random") throw new Unclaimed("a random table");
  return { body: { ...body, distribution: distributionBodyOf(clause.distribution, body) }, job: "OPTIMIZE" };
}

function addPartition(body: TableBody, { item, temporary }: Clause<"add-partition">): Altered {
  const { partition } = body;
  if (temporary || partition?.by !== "range" || item.kind !== "fixed" || body.properties["dynamic_partition.enable"] !== undefined) {
    throw new Unclaimed("this partition");
  }
  return { body: { ...body, partition: { ...partition, partitions: [...partition.partitions, ...rangePartitionsOf([item], body)] } } };
}
