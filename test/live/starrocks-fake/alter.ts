import { sameJson } from "../../../src/core/json.js";
import type { ColumnBody, TableBody } from "../../../src/engines/starrocks/body.js";
import { columnBodyOf, distributionBodyOf, indexBodyOf, rangePartitionsOf } from "../../../src/engines/starrocks/definition.js";
import { propertyReach, retypeReach } from "../../../src/engines/starrocks/facts.js";
import { isDynamic } from "../../../src/engines/starrocks/normalize.js";
import type { AlterClause, ColumnDef, ColumnPosition, DataType, RangeItem } from "../../../src/engines/starrocks/parse/ast.js";
import { parseType, printType, type TypeText } from "../../../src/engines/starrocks/types.js";
import { analyzing, Refusal, Unclaimed } from "./refusal.js";

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
    case "drop-partition":
      return dropPartitions(body, clause);
    case "rename-partition":
      return renamePartition(table, body, clause);
    case "modify-partition":
      return { body }; // what partitions have of their own is not kept
    case "add-field":
    case "drop-field":
      return { body: withColumn(body, clause.column, { type: withField(found(body, clause.column).type, clause) }) };
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
    throw new Refusal(`Can not add column which already exists in column id: ${definition.name}`);
  }
  const column = columnBodyOf(definition, body);
  if (definition.key || (body.table === "aggregate" && !column.aggregate)) return addKey(body, column, position);
  if (!column.nullable && column.default === undefined)
    throw new Refusal(`Field '${column.name}' is not null but doesnt have a default value`);
  if (column.autoIncrement) throw new Refusal(`Column '${column.name}' can not be AUTO_INCREMENT when ALTER TABLE`);
  if (body.indexes.length > 0 && column.generated !== undefined) throw new Unclaimed("a generated column beside an index");
  const columns = placed(table, body, column, position);
  return { body: { ...body, columns }, ...(column.generated === undefined ? settling(body) : { job: "COLUMN" as const }) };
}

/** Behind the last key column unless a place is given. Existing rows are sorted anew. */
function addKey(body: TableBody, column: ColumnBody, position: ColumnPosition | undefined): Altered {
  if (body.table === "primary") throw new Unclaimed("a key column of a primary table");
  const before = position && "after" in position ? position.after : position ? undefined : body.key.at(-1);
  const at = before === undefined ? 0 : body.columns.findIndex(({ name }) => name.toLowerCase() === before.toLowerCase()) + 1;
  if (at > body.key.length) throw new Refusal("Invalid column order. value should be after key.");
  return {
    body: {
      ...body,
      columns: [...body.columns.slice(0, at), column, ...body.columns.slice(at)],
      key: [...body.key.slice(0, at), column.name, ...body.key.slice(at)],
    },
    job: "COLUMN",
  };
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
  if (body.key.includes(column.name)) return dropKey(body, column);
  if (body.table === "primary" && body.orderBy.includes(column.name))
    throw new Refusal("Can not drop sort column in primary data model table");
  if (body.orderBy.includes(column.name)) throw new Unclaimed("a column in use");
  if (body.columns.some(({ generated }) => generated?.includes(`\`${column.name}\``))) throw new Unclaimed("a generated column's base");
  const rest = {
    ...body,
    columns: body.columns.filter((other) => other !== column),
    indexes: body.indexes.filter(({ columns }) => !columns.includes(column.name)),
  };
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

function dropKey(body: TableBody, column: ColumnBody): Altered {
  if (body.table === "primary") throw new Refusal("Can not drop key column in primary data model table");
  if (body.table === "unique") throw new Refusal("Can not drop key column in Unique data model table");
  if (body.columns.some(({ aggregate }) => aggregate?.startsWith("REPLACE"))) {
    throw new Refusal("Can not drop key column when table has value column with REPLACE aggregation method");
  }
  const key = body.key.filter((name) => name !== column.name);
  if (key.length === 0) throw new Refusal("No key column left.");
  return { body: { ...body, key, columns: body.columns.filter((other) => other !== column) }, job: "COLUMN" };
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

/** Properties that must not, or must, be set with others have texts of their own; one at a time or one family is what is claimed. */
function setProperties(_table: string, body: TableBody, { properties }: Clause<"set">): Altered {
  const [only] = properties;
  const isFamily = ["dynamic_partition.", "binlog_"].some((family) => properties.every(({ key }) => key.startsWith(family)));
  if (!only || (properties.length > 1 && !isFamily)) throw new Unclaimed("several properties");
  if (isFamily) return setFamily(body, properties);
  const { key, value } = only;
  if (!CLAIMED_PROPERTIES.has(key)) throw new Unclaimed(key);
  if (body.properties.colocate_with !== undefined && key !== "colocate_with") throw new Unclaimed(key);
  if (key === "bloom_filter_columns") {
    const wanted = value === "" ? [] : value.split(",").map((column) => found(body, column.trim()).name);
    const next = withBloomFilter(body, wanted);
    if (sameJson(next.properties, body.properties)) throw new Refusal("Bloom filter index has no change");
    return { body: next, job: "COLUMN" };
  }
  const name = key.replace(/^default\./, "");
  if (propertyReach(name) !== "instant") throw new Refusal(`Unknown properties: {${key}=${value}}`);
  if (name === "replication_num" && body.partition && (key === name || body.partition.by !== "expression")) throw new Unclaimed(key);
  if (key === "bucket_size" && body.distribution.by === "hash") return { body };
  return { body: { ...body, properties: { ...body.properties, [name]: value } } };
}

function setFamily(body: TableBody, properties: Clause<"set">["properties"]): Altered {
  // Only where it was told to hold the clock is there such a table to begin with.
  const isClock = properties.some(({ key }) => key.startsWith("dynamic_partition."));
  if (isClock && body.properties["dynamic_partition.enable"] === undefined) throw new Unclaimed("partitions that follow the clock");
  return { body: { ...body, properties: { ...body.properties, ...Object.fromEntries(properties.map(({ key, value }) => [key, value])) } } };
}

const CLAIMED_PROPERTIES = new Set([
  "base_compaction_forbidden_time_ranges",
  "bucket_size",
  "colocate_with",
  "default.replication_num",
  "default.storage_medium",
  "partition_retention_condition",
  "replicated_storage",
  "storage_cooldown_ttl",
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
  if (columns.length === body.columns.length && body.table !== "primary") return inOrder(body, columns);
  if (body.table === "aggregate" || body.table === "unique") throw new Unclaimed("the sort key of this kind of table");
  return { body: { ...body, orderBy: [...columns] }, job: "COLUMN" };
}

function inOrder(body: TableBody, columns: readonly string[]): Altered {
  if (columns.slice(0, body.key.length).some((name) => !body.key.includes(name))) throw new Refusal("Invalid column order");
  return { body: { ...body, columns: columns.map((name) => found(body, name)), key: columns.slice(0, body.key.length) }, job: "COLUMN" };
}

function optimize(body: TableBody, clause: Clause<"optimize">): Altered {
  if (!clause.distribution || clause.key || clause.partition || clause.orderBy || clause.partitions) throw new Unclaimed("optimize");
  if (body.properties.colocate_with !== undefined) throw analyzing("Optimize table in colocate group is not supported");
  if (body.distribution.by === "random" && Number(body.properties.bucket_size ?? 0) > 0)
    throw analyzing("Random distribution table already supports automatic scaling and does not require optimization");
  return { body: { ...body, distribution: distributionBodyOf(clause.distribution, body) }, job: "OPTIMIZE" };
}

function addPartition(body: TableBody, { item, temporary }: Clause<"add-partition">): Altered {
  const { partition } = body;
  if (temporary || !partition || partition.by === "expression") throw new Unclaimed("this partition");
  if (isDynamic(body)) throw analyzing("Cannot add/drop partition on a Dynamic Partition Table");
  if (item.kind === "batch") return addBatch(body, partition, item);
  if (partition.partitions.some(({ name }) => name === item.name)) throw analyzing(`Duplicate partition name ${item.name}`);
  if (partition.by === "list") {
    if (item.kind !== "list") throw new Refusal("Cannot add a Range partition to a table that partition type is not of Range");
    return {
      body: { ...body, partition: { ...partition, partitions: [...partition.partitions, { name: item.name, values: item.values }] } },
    };
  }
  if (item.kind !== "fixed") throw new Unclaimed("a bound that begins where another ends");
  return { body: { ...body, partition: { ...partition, partitions: [...partition.partitions, ...rangePartitionsOf([item], body)] } } };
}

function addBatch(body: TableBody, partition: NonNullable<TableBody["partition"]>, item: Extract<RangeItem, { kind: "batch" }>): Altered {
  if (partition.by !== "range") throw new Unclaimed("a batch of list partitions");
  const made = rangePartitionsOf([item], body);
  const overlaps = made.some((one) =>
    partition.partitions.some((other) => (one.from[0] ?? "") < (other.to[0] ?? "~") && (other.from[0] ?? "") < (one.to[0] ?? "~")),
  );
  if (overlaps) throw analyzing("Range is intersected with another partition");
  return { body: { ...body, partition: { ...partition, partitions: [...made, ...partition.partitions] } } };
}

function dropPartitions(body: TableBody, clause: Clause<"drop-partition">): Altered {
  const { partition } = body;
  if (clause.temporary || clause.batch || clause.where || clause.all || !partition || partition.by === "expression")
    throw new Unclaimed("this drop");
  if (isDynamic(body)) throw analyzing("Cannot add/drop partition on a Dynamic Partition Table");
  const missing = clause.names.find((name) => !partition.partitions.some((one) => one.name === name));
  if (missing !== undefined && !clause.ifExists) throw new Refusal(`Error in list of partitions to [${missing}]`);
  return { body: withPartitions(body, (one) => !clause.names.includes(one.name)) };
}

function withPartitions(body: TableBody, keep: (partition: { readonly name: string }) => boolean): TableBody {
  const { partition } = body;
  if (partition?.by === "range") return { ...body, partition: { ...partition, partitions: partition.partitions.filter(keep) } };
  return partition?.by === "list" ? { ...body, partition: { ...partition, partitions: partition.partitions.filter(keep) } } : body;
}

function renamePartition(table: string, body: TableBody, { from, to }: Clause<"rename-partition">): Altered {
  const { partition } = body;
  if (partition?.by !== "range") throw new Refusal(`Table[${table}] is single partitioned. no need to rename partition name.`);
  if (partition.partitions.some(({ name }) => name === to)) throw new Refusal(`Partition name[${to}] is already used`);
  const partitions = partition.partitions.map((one) => (one.name === from ? { ...one, name: to } : one));
  return { body: { ...body, partition: { ...partition, partitions } } };
}

// ------------------------------------------------------------------------------------------------ fields

/** The type after ADD FIELD or DROP FIELD. */
function withField(type: string, clause: Clause<"add-field"> | Clause<"drop-field">): string {
  const parsed = parseType(type);
  if (!parsed) throw new Unclaimed(type);
  return printType(changed(parsed, clause.path, clause));
}

function changed(type: TypeText, [step = "", ...rest]: readonly string[], clause: Clause<"add-field"> | Clause<"drop-field">): TypeText {
  const { members } = type;
  if (step === "[*]") return { ...type, members: members.map((member) => ({ ...member, type: changed(member.type, rest, clause) })) };
  if (type.name !== "struct") throw new Unclaimed("a field of no STRUCT");
  const at = members.findIndex(({ name }) => name === step);
  if (rest.length > 0)
    return { ...type, members: members.map((one, index) => (index === at ? { ...one, type: changed(one.type, rest, clause) } : one)) };
  if (clause.clause === "drop-field") {
    if (at === -1) throw analyzing(`Analyze drop field definition failed: Drop field ${step} is not found`);
    return { ...type, members: members.filter((_, index) => index !== at) };
  }
  if (at !== -1) throw analyzing(`Analyze add field definition failed: Field ${step} is already exist`);
  return { ...type, members: inserted(members, step, clause) };
}

function inserted(members: TypeText["members"], name: string, { type, position }: Clause<"add-field">): TypeText["members"] {
  const added = parseType(dataTypeText(type));
  if (!added) throw new Unclaimed("the type of a field");
  const behind = position && "after" in position ? position.after : undefined;
  const at =
    position && "first" in position ? 0 : behind === undefined ? members.length : members.findIndex((one) => one.name === behind) + 1;
  return [...members.slice(0, at), { name, type: added }, ...members.slice(at)];
}

function dataTypeText(type: DataType): string {
  if (type.kind !== "scalar") throw new Unclaimed("a nested field");
  const numbers = [type.length, type.scale].filter((number) => number !== undefined);
  return numbers.length === 0 ? type.name : `${type.name}(${numbers.join(", ")})`;
}
