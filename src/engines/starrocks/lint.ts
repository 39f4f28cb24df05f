import { type CatalogObject, displayName, fillHoles } from "../../core/catalog.js";
import type { EngineTarget, Finding } from "../../core/finding.js";
import type { Json } from "../../core/json.js";
import { type ColumnBody, type MaterializedViewBody, type StarrocksObject, starrocksObject, type TableBody } from "./body.js";
import { parseType } from "./types.js";

/*
 * What a front end refuses, known before there is one. Each rule follows the front end's own analysis (its answers are
 * recorded in test/fixtures/starrocks) or the manual; a rule answers with findings and never throws.
 */

type Table = Extract<StarrocksObject, { kind: "table" }>;

interface Case {
  readonly object: Table;
  readonly body: TableBody;
  readonly target: EngineTarget;
  readonly place: string;
}

type Problem = Pick<Finding, "message" | "fix"> & { readonly column?: string; readonly severity?: Finding["severity"] };

/** Rules for tables, by code. */
const RULES: Readonly<Record<string, (one: Case) => readonly (Problem | false)[]>> = {
  "key-missing": ({ body }) => [
    body.key.length === 0 &&
      body.table !== "duplicate" && {
        message: `a table of kind ${body.table} has no key`,
        fix: "Give the model a key, or `key` in its StarRocks options.",
      },
  ],
  "key-type": ({ body }) => keyColumns(body).map(keyTypeProblem(body)),
  "primary-key-null": ({ body }) =>
    keyColumns(body).map(
      (column) =>
        body.table === "primary" &&
        column.nullable && { column: column.name, message: "a primary key column may be NULL", fix: "Remove .nullable()." },
    ),
  "primary-key-length": ({ body }) => {
    const bytes = keyColumns(body).reduce((sum, column) => sum + keyBytes(column), 0);
    return [
      body.table === "primary" &&
        bytes > PRIMARY_KEY_BYTES && {
          severity: "warning",
          message: `its key can take ${bytes} bytes, and a row whose key takes more than ${PRIMARY_KEY_BYTES} is refused when it is loaded`,
          fix: "Shorten text columns of the key: a character counts for up to four bytes.",
        },
    ];
  },
  "partition-in-key": ({ body }) =>
    partitionColumns(body).map(
      (name) =>
        body.table !== "duplicate" &&
        !body.key.includes(name) && {
          column: name,
          message: `it partitions the table, but is not part of the ${body.table} key`,
          fix: `Add ${name} to the key, or partition by a key column.`,
        },
    ),
  "partition-type": ({ body }) => partitionTypeProblems(body),
  "partition-name": ({ body }) => partitionNameProblems(body),
  "distribution-in-key": ({ body }) =>
    distributionColumns(body).map(
      (name) =>
        body.table !== "duplicate" &&
        !body.key.includes(name) && {
          column: name,
          message: `it distributes the table, but is not part of the ${body.table} key`,
          fix: "Distribute by key columns.",
        },
    ),
  "distribution-type": ({ body }) =>
    distributionColumns(body).map((name) => {
      const column = body.columns.find((candidate) => candidate.name === name);
      if (!column) return { message: `it is distributed by ${name}, which it does not have`, fix: "Distribute by one of its columns." };
      return (
        UNHASHABLE.has(baseType(column)) && {
          column: name,
          message: `${column.type} cannot distribute a table`,
          fix: "Distribute by an integer, text or date column.",
        }
      );
    }),
  "distribution-method": ({ body }) => [randomProblem(body)],
  "aggregate-function": ({ body }) => body.columns.map(aggregateProblem(body)),
  "auto-increment": ({ body }) => autoIncrementProblems(body),
  "generated-column": ({ body }) => body.columns.map(generatedProblem(body)),
  "sort-key": ({ body }) => sortKeyProblems(body),
  "column-name": ({ body }) =>
    body.columns.map(
      (column) =>
        /^(__op|__row|__generated_partition_column_\d+)$/i.test(column.name) && {
          column: column.name,
          message: "the engine keeps this name for itself",
          fix: "Rename the column.",
        },
    ),
  "column-twice": ({ body }) =>
    body.columns.map(
      (column, index) =>
        body.columns.findIndex((other) => other.name.toLowerCase() === column.name.toLowerCase()) < index && {
          column: column.name,
          message: "column names differ in case only",
          fix: "Rename one of them.",
        },
    ),
  "type-size": ({ body, target }) => body.columns.map(typeSizeProblem(target)),
  "default-type": ({ body }) =>
    body.columns.map(
      (column) =>
        column.default !== undefined &&
        NO_DEFAULT.has(baseType(column)) && {
          column: column.name,
          message: `a ${column.type} column takes no default`,
          fix: "Remove the default.",
        },
    ),
  index: ({ body }) => indexProblems(body),
  "bloom-filter": ({ body }) => bloomProblems(body),
  "replication-backends": ({ body, target }) => {
    const copies = Number(body.properties.replication_num ?? 1);
    return [
      target.mode === "shared-nothing" &&
        copies > target.backends && {
          message: `it wants ${copies} copies, and the cluster has ${target.backends} backends`,
          fix: "Lower `replication` for this environment: replication: perEnv({ default: 3, local: 1 }).",
        },
    ];
  },
  "dynamic-partition": ({ body }) => dynamicProblems(body),
  "retention-version": ({ body, target }) => [
    "partition_retention_condition" in body.properties &&
      older(target.version, "3.5") && {
        message: "partition_retention_condition needs StarRocks 3.5",
        fix: "Use partitionTtl or partitionLiveNumber.",
      },
  ],
  "persistent-index": ({ body }) => [
    body.table === "primary" &&
      body.properties.enable_persistent_index === "false" && {
        message: "a primary-key index in memory only is not supported",
        fix: "Remove persistentIndex: false.",
      },
  ],
};

export function lint(objects: readonly CatalogObject[], target: EngineTarget): readonly Finding[] {
  const filled = objects.map((object) => starrocksObject(fillHoles(object as unknown as Json, "default") as unknown as CatalogObject)); // JSON by construction
  const tables = filled.filter((object): object is Table => object.kind === "table");
  return [
    ...filled.flatMap(nameFindings),
    ...tables.flatMap((table) => tableFindings(table, target)),
    ...filled.flatMap(viewFindings),
    ...colocateFindings(tables),
  ];
}

function tableFindings(object: Table, target: EngineTarget): Finding[] {
  const place = object.model ?? displayName(object.name);
  const one: Case = { object, body: object.body, target, place };
  return Object.entries(RULES).flatMap(([code, rule]) => rule(one).flatMap((problem) => (problem ? [finding(code, place, problem)] : [])));
}

function finding(code: string, place: string, { message, fix, column, severity = "error" }: Problem): Finding {
  const where = column === undefined ? place : `${place}.${column}`;
  return { rule: `starrocks/${code}`, severity, message: `${where}: ${message}.`, fix, place: where };
}

// ------------------------------------------------------------------------------------------------ columns

const baseType = (column: ColumnBody): string => parseType(column.type)?.name ?? column.type;
const NOT_A_KEY = new Set(["float", "double", "json", "array", "map", "struct", "hll", "bitmap", "percentile", "varbinary"]);
const PRIMARY_KEY_TYPES = new Set(["boolean", "tinyint", "smallint", "int", "bigint", "largeint", "date", "datetime", "varchar"]);
const UNHASHABLE = new Set(["float", "double", "json", "array", "map", "struct", "hll", "bitmap", "percentile", "varbinary"]);
const NO_DEFAULT = new Set(["json", "array", "map", "struct", "hll", "bitmap", "percentile", "varbinary"]);

function keyColumns(body: TableBody): ColumnBody[] {
  return body.key.flatMap((name) => body.columns.filter((column) => column.name === name));
}

const PRIMARY_KEY_BYTES = 128;
const KEY_BYTES: Readonly<Record<string, number>> = {
  boolean: 1,
  tinyint: 1,
  smallint: 2,
  int: 4,
  date: 4,
  bigint: 8,
  datetime: 8,
  largeint: 16,
};

function keyBytes(column: ColumnBody): number {
  return KEY_BYTES[baseType(column)] ?? parseType(column.type)?.numbers[0] ?? 0;
}

function keyTypeProblem(body: TableBody): (column: ColumnBody) => Problem | false {
  return (column) => {
    const type = baseType(column);
    const refused = body.table === "primary" ? !PRIMARY_KEY_TYPES.has(type) : NOT_A_KEY.has(type);
    return (
      refused && {
        column: column.name,
        message: `${column.type} cannot be in the key of a ${body.table} table`,
        fix: "Take it out of the key, or give it an integer, text or date type.",
      }
    );
  };
}

const NUMERIC = new Set(["tinyint", "smallint", "int", "bigint", "largeint", "float", "double", "decimal"]);
const AGGREGATES: Readonly<Record<string, (type: string) => boolean>> = {
  SUM: (type) => NUMERIC.has(type),
  MIN: (type) => NUMERIC.has(type) || ["date", "datetime", "char", "varchar"].includes(type),
  MAX: (type) => NUMERIC.has(type) || ["date", "datetime", "char", "varchar"].includes(type),
  REPLACE: () => true,
  REPLACE_IF_NOT_NULL: () => true,
  HLL_UNION: (type) => type === "hll",
  BITMAP_UNION: (type) => type === "bitmap",
  PERCENTILE_UNION: (type) => type === "percentile",
};

function aggregateProblem(body: TableBody): (column: ColumnBody) => Problem | false {
  return (column) => {
    const { name, aggregate } = column;
    if (body.table !== "aggregate")
      return (
        aggregate !== undefined && { column: name, message: `a ${body.table} table aggregates nothing`, fix: "Remove it from `aggregate`." }
      );
    if (body.key.includes(name))
      return aggregate !== undefined && { column: name, message: "a key column is not aggregated", fix: "Remove it from `aggregate`." };
    const takes = AGGREGATES[aggregate ?? ""];
    // An aggregate state, `avg(double)`, is checked by the engine.
    return (
      takes !== undefined &&
      !takes(baseType(column)) && {
        column: name,
        message: `${aggregate} does not take ${column.type}`,
        fix: "Choose another aggregate function.",
      }
    );
  };
}

function autoIncrementProblems(body: TableBody): Problem[] {
  const columns = body.columns.filter((column) => column.autoIncrement);
  const wrong = columns.filter((column) => baseType(column) !== "bigint" || column.nullable);
  return [
    ...wrong.map((column) => ({
      column: column.name,
      message: "an AUTO_INCREMENT column has to be BIGINT NOT NULL",
      fix: "Use t.bigint().",
    })),
    ...columns
      .slice(1)
      .map((column) => ({ column: column.name, message: "a table has at most one AUTO_INCREMENT column", fix: "Keep one." })),
  ];
}

function generatedProblem(body: TableBody): (column: ColumnBody) => Problem | false {
  return (column) => {
    if (column.generated === undefined) return false;
    const others = body.columns.filter((other) => other.generated !== undefined && other.name !== column.name);
    const read = others.find((other) => mentions(column.generated ?? "", other.name));
    if (read)
      return {
        column: column.name,
        message: `its expression reads ${read.name}, which is generated too`,
        fix: "Repeat the other expression.",
      };
    if (body.table === "aggregate")
      return { column: column.name, message: "aggregate tables have no generated columns", fix: "Compute it before loading." };
    return (
      body.key.includes(column.name) && {
        column: column.name,
        message: "a generated column cannot be in the key",
        fix: "Take it out of the key.",
      }
    );
  };
}

function mentions(sql: string, column: string): boolean {
  return (sql.match(/`(?:[^`]|``)*`|[\p{L}_][\p{L}\p{N}_]*/gu) ?? []).some(
    (word) => word.replace(/^`|`$/g, "").toLowerCase() === column.toLowerCase(),
  );
}

function typeSizeProblem(target: EngineTarget): (column: ColumnBody) => Problem | false {
  return (column) => {
    const type = parseType(column.type);
    const [size = 0, scale = 0] = type?.numbers ?? [];
    if (type?.name === "varchar" && size > 1_048_576)
      return { column: column.name, message: "VARCHAR has at most 1048576 bytes", fix: "Use t.text() or a shorter length." };
    if (type?.name === "char" && size > 255) return { column: column.name, message: "CHAR has at most 255 bytes", fix: "Use t.varchar()." };
    if (type?.name !== "decimal") return false;
    if (scale > size)
      return { column: column.name, message: "a decimal has no more fraction digits than digits", fix: "Raise the precision." };
    return (
      size > 38 &&
      older(target.version, "4.0") && {
        column: column.name,
        message: `${size} digits need StarRocks 4.0; ${target.version} has 38`,
        fix: "Lower the precision, or target 4.0.",
      }
    );
  };
}

function sortKeyProblems(body: TableBody): Problem[] {
  const missing = body.orderBy.filter((name) => !body.columns.some((column) => column.name === name));
  const problems = missing.map((name) => ({
    message: `it is sorted by ${name}, which it does not have (the case of letters counts)`,
    fix: "Sort by one of its columns.",
  }));
  if (body.orderBy.length === 0 || body.table === "duplicate") return problems;
  if (body.table === "primary") {
    const wrong = body.columns.filter((column) => body.orderBy.includes(column.name) && ["decimal", "json"].includes(baseType(column)));
    return [
      ...problems,
      ...wrong.map((column) => ({
        column: column.name,
        message: `${column.type} cannot sort a primary-key table`,
        fix: "Sort by other columns.",
      })),
    ];
  }
  const same = [...body.orderBy].sort().join("\0") === [...body.key].sort().join("\0");
  return same
    ? problems
    : [
        ...problems,
        {
          message: `the sort key of a ${body.table} table has to be exactly its key columns`,
          fix: "Remove orderBy, or list all key columns.",
        },
      ];
}

// ------------------------------------------------------------------------------------------------ layout

function partitionColumns({ partition }: TableBody): string[] {
  if (!partition) return [];
  if (partition.by !== "expression") return [...partition.columns];
  return partition.expressions.flatMap((expression) =>
    "column" in expression ? [expression.column] : "dateTrunc" in expression ? [expression.dateTrunc] : [],
  );
}

const RANGE_TYPES = new Set(["tinyint", "smallint", "int", "bigint", "largeint", "date", "datetime"]);

function partitionTypeProblems(body: TableBody): (Problem | false)[] {
  const { partition } = body;
  return partitionColumns(body).map((name): Problem | false => {
    const column = body.columns.find((candidate) => candidate.name === name);
    if (!column) return { message: `it is partitioned by ${name}, which it does not have`, fix: "Partition by one of its columns." };
    const type = baseType(column);
    const truncated =
      partition?.by === "expression"
        ? partition.expressions.find((expression) => "dateTrunc" in expression && expression.dateTrunc === name)
        : undefined;
    const problem = (message: string): Problem => ({ column: name, message, fix: "Partition by a date or timestamp column." });
    if (truncated && type !== "date" && type !== "datetime") return problem(`date_trunc does not take ${column.type}`);
    if (truncated && "unit" in truncated && truncated.unit === "hour" && type === "date")
      return problem("a DATE has no hours to partition by");
    if (partition?.by === "range" && !RANGE_TYPES.has(type)) return problem(`${column.type} cannot be a range partition column`);
    return !truncated && NOT_A_KEY.has(type) && problem(`${column.type} cannot partition a table`);
  });
}

function partitionNameProblems({ partition }: TableBody): Problem[] {
  if (!partition || partition.by === "expression") return [];
  const names = partition.partitions.map(({ name }) => name);
  const bad = names.filter((name) => !/^[A-Za-z][A-Za-z0-9_]*$/.test(name));
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  return [
    ...bad.map((name) => ({
      message: `${JSON.stringify(name)} cannot name a partition`,
      fix: "Use ASCII letters, digits and _, a letter first.",
    })),
    ...twice.map((name) => ({ message: `two partitions are called ${name}`, fix: "Rename one of them." })),
  ];
}

function distributionColumns({ distribution }: TableBody): readonly string[] {
  return distribution.by === "hash" ? distribution.columns : [];
}

function randomProblem(body: TableBody): Problem | false {
  if (body.distribution.by !== "random") return false;
  const fix = "Use distributeBy: hash([…]).";
  if (body.table === "primary" || body.table === "unique") return { message: `a ${body.table} table must be distributed by hash`, fix };
  const replacing = body.columns.some((column) => column.aggregate?.startsWith("REPLACE"));
  return body.table === "aggregate" && replacing && { message: "an aggregate table with REPLACE must be distributed by hash", fix };
}

const BITMAP_REFUSES = new Set(["float", "double", "json", "array", "map", "struct", "hll", "bitmap", "percentile", "varbinary"]);
const TEXT = new Set(["char", "varchar"]);

function indexProblems(body: TableBody): (Problem | false)[] {
  const names = body.indexes.map(({ name }) => name.toLowerCase());
  return body.indexes.flatMap((index, position): (Problem | false)[] => {
    const column = body.columns.find((candidate) => candidate.name === index.columns[0]);
    if (!column)
      return [{ message: `the index ${index.name} is on ${index.columns[0]}, which it does not have`, fix: "Index one of its columns." }];
    const type = baseType(column);
    const keysOnly = body.table === "unique" || body.table === "aggregate";
    return [
      names.indexOf(index.name.toLowerCase()) < position && { message: `two indexes are called ${index.name}`, fix: "Rename one of them." },
      index.using === "BITMAP" &&
        BITMAP_REFUSES.has(type) && { column: column.name, message: `${column.type} takes no bitmap index`, fix: "Remove the index." },
      index.using === "BITMAP" &&
        keysOnly &&
        !body.key.includes(column.name) && {
          column: column.name,
          message: `a ${body.table} table has bitmap indexes on key columns only`,
          fix: "Remove the index.",
        },
      (index.using === "NGRAMBF" || index.using === "GIN") &&
        !TEXT.has(type) && { column: column.name, message: `${index.using} indexes are for text columns`, fix: "Remove the index." },
    ];
  });
}

const BLOOM_REFUSES = new Set([
  "tinyint",
  "float",
  "double",
  "boolean",
  "json",
  "array",
  "map",
  "struct",
  "hll",
  "bitmap",
  "percentile",
  "varbinary",
]);

function bloomProblems(body: TableBody): (Problem | false)[] {
  const names = String(body.properties.bloom_filter_columns ?? "")
    .split(",")
    .filter((name) => name !== "");
  return names.map((name) => {
    const column = body.columns.find((candidate) => candidate.name === name.trim());
    if (!column) return { message: `it has a bloom filter on ${name}, which it does not have`, fix: "Name one of its columns." };
    if (BLOOM_REFUSES.has(baseType(column)))
      return { column: name, message: `${column.type} takes no bloom filter`, fix: "Remove it from bloomFilter." };
    const keysOnly = body.table === "unique" || (body.table === "aggregate" && !column.aggregate?.startsWith("REPLACE"));
    return (
      keysOnly &&
      !body.key.includes(name) && {
        column: name,
        message: `a ${body.table} table has bloom filters on key columns only`,
        fix: "Remove it from bloomFilter.",
      }
    );
  });
}

function dynamicProblems(body: TableBody): (Problem | false)[] {
  const dynamic = (name: string): string | undefined => body.properties[`dynamic_partition.${name}`] as string | undefined; // holes are filled
  if (dynamic("enable") === undefined) return [];
  const range = body.partition?.by === "range" && body.partition.columns.length === 1;
  const units = ["HOUR", "DAY", "WEEK", "MONTH", "YEAR"];
  const unit = dynamic("time_unit")?.toUpperCase() ?? "";
  return [
    !range && {
      message: "dynamic partitions need RANGE partitions on one column",
      fix: 'Use partitionBy: { by: "range", columns: […], partitions: [] }, or month(…) without dynamicPartitions.',
    },
    !units.includes(unit) && { message: `${unit || "nothing"} is no unit of dynamic partitions`, fix: `Use one of ${units.join(", ")}.` },
    !(Number(dynamic("end")) > 0) && {
      message: "dynamic_partition.end has to be above 0",
      fix: "Set end to how many units ahead partitions are made.",
    },
    dynamic("start") !== undefined &&
      !(Number(dynamic("start")) < 0) && {
        message: "dynamic_partition.start has to be below 0",
        fix: "Set start to a negative number of units.",
      },
    !/^[A-Za-z][A-Za-z0-9_]*$/.test(dynamic("prefix") ?? "p") && {
      message: "the prefix cannot begin a partition name",
      fix: "Use ASCII letters, digits and _.",
    },
  ];
}

// ------------------------------------------------------------------------------------------------ other objects

function nameFindings(object: StarrocksObject): Finding[] {
  const place = object.model ?? displayName(object.name);
  const database = String(object.body.database);
  const name = object.name.at(-1) ?? "";
  const problems: (Problem | false)[] = [
    object.kind === "database" &&
      !/^[A-Za-z_][A-Za-z0-9_-]{0,255}$/.test(database) && {
        message: `${JSON.stringify(database)} cannot name a database`,
        fix: "Use ASCII letters, digits, _ and -, at most 256.",
      },
    name.length > 1024 && { message: "its name has more than 1024 characters", fix: "Shorten it." },
  ];
  return problems.flatMap((problem) => (problem ? [finding("name", place, problem)] : []));
}

function viewFindings(object: StarrocksObject): Finding[] {
  if (object.kind !== "materialized-view") return [];
  const place = object.model ?? displayName(object.name);
  const body: MaterializedViewBody = object.body;
  const columns = body.columns.map(({ name }) => name);
  const used = [...body.orderBy, ...(body.distribution?.by === "hash" ? body.distribution.columns : []), ...partitionColumnsOf(body)];
  const every = body.refresh.every;
  const problems: (Problem | false)[] = [
    ...used
      .filter((name) => !columns.includes(name))
      .map((name) => ({ message: `it is laid out by ${name}, which it does not have`, fix: "Use one of its columns." })),
    every !== undefined &&
      !/^\d+ (SECOND|MINUTE|HOUR|DAY)$/i.test(every.trim()) && {
        message: `${JSON.stringify(every)} is no interval`,
        fix: 'Write a number and SECOND, MINUTE, HOUR or DAY: "1 HOUR".',
      },
  ];
  return problems.flatMap((problem) => (problem ? [finding("materialized-view", place, problem)] : []));
}

function partitionColumnsOf({ partition }: MaterializedViewBody): string[] {
  return partition.flatMap((expression) =>
    "column" in expression ? [expression.column] : "dateTrunc" in expression ? [expression.dateTrunc] : [],
  );
}

/** Tables of a colocation group have the same bucket columns' types, number of buckets and number of copies. */
function colocateFindings(tables: readonly Table[]): Finding[] {
  const first = new Map<string, Table>();
  return tables.flatMap((table) => {
    const group = table.body.properties.colocate_with;
    if (typeof group !== "string" || group === "") return [];
    const key = JSON.stringify([table.name[0], group]);
    const other = first.get(key) ?? table;
    first.set(key, other);
    if (colocation(table.body) === colocation(other.body)) return [];
    const message = `the colocation group ${group} was made by ${other.model ?? displayName(other.name)} with other bucket columns, buckets or copies`;
    return [
      finding("colocate-group", table.model ?? displayName(table.name), {
        message,
        fix: "Give all tables of the group the same distribution and replication.",
      }),
    ];
  });
}

function colocation(body: TableBody): string {
  const types = distributionColumns(body).map((name) => body.columns.find((column) => column.name === name)?.type);
  return JSON.stringify([body.distribution.by, types, body.distribution.buckets ?? null, body.properties.replication_num ?? null]);
}

/** `3.10` is newer than `3.9`. */
function older(version: string, than: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [wantedMajor = 0, wantedMinor = 0] = than.split(".").map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}
