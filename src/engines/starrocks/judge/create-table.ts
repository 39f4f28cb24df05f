import type { ColumnDef, CreateTable, KeyType } from "../parse/ast.js";
import { type Column, type Place, type Table, twiceIn } from "./catalog.js";
import { checkColocate } from "./colocate.js";
import { aggregateName, analyzeColumn, checkColumnForm, checkKeyType, checkNoTimeInside, columnType } from "./columns.js";
import { distributeTable } from "./distribution.js";
import { checkGeneratedColumns } from "./generated.js";
import { indexesOf } from "./indexes.js";
import { checkSortKeys, type Keys, tableKeys } from "./keys.js";
import { checkTableName } from "./names.js";
import { partitionTable } from "./partitions.js";
import { checkFlatJsonEnabled, checkTableProperties, propertiesOf } from "./properties.js";
import { about, refuse } from "./refusal.js";
import { withRollup } from "./rollups.js";
import type { Situation } from "./situation.js";
import { requireFeature } from "./versions.js";

const ENGINES = ["olap", "mysql", "elasticsearch", "hive", "iceberg", "hudi", "jdbc", "file", "broker"];
const MAX_COLUMNS = 10_000;

/** A table that nobody has yet at `place`. Throws a Refusal; undefined for tables that live in other systems. */
export function createTable(definition: CreateTable, place: Place, situation: Situation): Table | undefined {
  checkTableName(place.name);
  const engine = definition.engine?.toLowerCase() ?? "olap";
  if (!ENGINES.includes(engine))
    refuse("engine-unknown", `There is no engine ${definition.engine}.`, "Leave ENGINE out, or write ENGINE = OLAP.");
  for (const column of definition.columns) about({ column: column.name, at: column.at }, () => checkColumnForm(column));
  if (engine !== "olap" || definition.external) return foreignTable(definition, engine);
  if (definition.temporary) requireFeature("temporary tables", situation.target);
  return olapTable(definition, place, situation);
}

function foreignTable({ key, partition, distribution }: CreateTable, engine: string): undefined {
  if (key && engine !== "olap") refuse("foreign-table-key", `A table with ENGINE = ${engine} has no key.`, "Leave the key out.");
  if (engine === "mysql" && (partition || distribution))
    refuse(
      "foreign-table-layout",
      "A MySQL table is neither partitioned nor distributed by StarRocks.",
      "Leave PARTITION BY and DISTRIBUTED BY out.",
    );
  return undefined;
}

function olapTable(definition: CreateTable, place: Place, situation: Situation): Table {
  checkColumnNames(definition.columns);
  checkGeneratedNames(definition);
  const keys = about(definition.key ? { at: definition.key.at } : {}, () => tableKeys(definition));
  const given = definition.columns.map((column) => ({ name: column.name, type: columnType(column) }));
  if (definition.orderBy) {
    if (keys.type === "AGGREGATE" || keys.type === "UNIQUE")
      requireFeature("ORDER BY of AGGREGATE and UNIQUE KEY tables", situation.target);
    checkSortKeys(keys, definition.orderBy, given);
  }
  const columns = definition.columns.map((column, index) =>
    about({ column: column.name, at: column.at }, () => analyzed(column, index, keys, situation)),
  );
  checkKeyWordsFirst(definition.columns, keys);
  checkAutoIncrement(columns);
  const properties = propertiesOf(definition.properties);
  const { partitioning, partitions } = about(definition.partition ? { at: definition.partition.at } : {}, () =>
    partitionTable(definition.partition, { keys, columns, properties }, situation),
  );
  const distribution = about(definition.distribution ? { at: definition.distribution.at } : {}, () =>
    distributeTable(definition.distribution, { keys, columns, properties, partitioned: partitioning.kind !== "none" }),
  );
  checkGeneratedColumns(columns, keys.type);
  const indexes = indexesOf(definition.indexes, { columns, keys: keys.type }, situation);
  checkFlatJsonEnabled(properties);
  const { orderBy } = definition;
  checkTableProperties(properties, { name: place.name, keys, columns, orderBy, partitioning, distribution, indexes }, situation);
  const table: Table = {
    kind: "table",
    keys: keys.type,
    columns,
    ...(orderBy && { orderBy }),
    partitioning,
    partitions,
    temporary: [],
    distribution,
    indexes,
    rollups: [],
    properties,
    isTemporary: definition.temporary,
  };
  joinGroup(table, place, situation);
  return definition.rollups.reduce((made, rollup) => withRollup(made, rollup, place.name), table);
}

function checkColumnNames(columns: readonly ColumnDef[]): void {
  if (columns.length > MAX_COLUMNS) refuse("columns-many", `A table has at most ${MAX_COLUMNS} columns.`, "Split the table.");
  const twice = twiceIn(columns.map(({ name }) => name));
  if (twice !== undefined)
    refuse("column-twice", `Two columns are called ${twice} (upper and lower case are the same).`, "Rename one of them.");
}

const GENERATED = "__generated_partition_column_";

/** SHOW CREATE TABLE shows the hidden columns of expression partitions, and its text has to work. */
function checkGeneratedNames({ columns, partition }: CreateTable): void {
  const partitioned = partition && partition.kind !== "expression" ? partition.columns : [];
  const hidden = columns.find(({ name }) => name.startsWith(GENERATED) && !partitioned.includes(name));
  if (hidden) refuse("column-name-reserved", `The engine keeps the column name ${hidden.name} for itself.`, "Rename the column.");
}

const IMPLIED: Readonly<Record<KeyType, string | undefined>> = {
  DUPLICATE: "NONE",
  UNIQUE: "REPLACE",
  PRIMARY: "REPLACE",
  AGGREGATE: undefined,
};

function analyzed(definition: ColumnDef, index: number, keys: Keys, { target }: Situation): Column {
  const key = index < keys.columns.length;
  if (!key && definition.key) checkKeyWord(definition, keys);
  checkNoTimeInside(definition.name, columnType(definition));
  const aggregate = key ? undefined : (IMPLIED[keys.type] ?? aggregateName(definition));
  const nullable = definition.nullable ?? !(definition.autoIncrement || (key && keys.type === "PRIMARY"));
  return analyzeColumn(definition, { key, aggregate, nullable }, target);
}

/** KEY behind a column that the key does not have: only a DUPLICATE KEY table bears it, and only next to its key. */
function checkKeyWord(definition: ColumnDef, { type }: Keys): void {
  checkKeyType(definition.name, columnType(definition));
  if (type !== "DUPLICATE")
    refuse("key-aggregate", `Column ${definition.name} says KEY and is not in the ${type} KEY.`, "Add it to the key, or leave KEY out.");
}

/** Columns that say KEY without being in the key count as keys when key columns are asked to come first. */
function checkKeyWordsFirst(columns: readonly ColumnDef[], keys: Keys): void {
  const values = columns.slice(keys.columns.length);
  const first = values.findIndex((column) => !column.key);
  const late = first === -1 ? undefined : values.slice(first).find((column) => column.key);
  if (late) refuse("key-order", `Column ${late.name} says KEY and stands behind value columns.`, "Leave KEY out.", { column: late.name });
}

function checkAutoIncrement(columns: readonly Column[]): void {
  const counters = columns.filter((column) => column.autoIncrement);
  if (counters.length > 1) refuse("auto-increment-twice", "A table has at most one AUTO_INCREMENT column.", "Keep one.");
  const wrong = counters.find((column) => column.type.name !== "bigint");
  if (wrong)
    refuse("auto-increment-type", `AUTO_INCREMENT column ${wrong.name} is no BIGINT.`, "Declare it BIGINT.", { column: wrong.name });
}

function joinGroup(table: Table, { database }: Place, situation: Situation): void {
  const group = table.properties.colocate_with;
  if (group === undefined || group === "" || table.isTemporary) return;
  const { columns, distribution, properties } = table;
  const joined = checkColocate({ database, group, columns, distribution, replication: properties.replication_num }, situation);
  situation.catalog.colocateGroups.set(joined.name, joined.group);
}
