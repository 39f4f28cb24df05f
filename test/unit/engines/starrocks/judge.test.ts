import { describe, expect, test } from "vitest";
import type { EngineTarget } from "../../../../src/core/finding.js";
import { judgeText } from "../../../../src/engines/starrocks/judge/judge.js";

const target: EngineTarget = { engine: "starrocks", version: "4.0", mode: "shared-nothing", backends: 3 };

/** What is said of the last statement: `rule: message`, `ok` when nothing. */
function last(sql: string, changes: Partial<EngineTarget> = {}): string {
  const [finding] = judgeText(sql, { ...target, ...changes }).at(-1)?.findings ?? [];
  return finding ? `${finding.severity} ${finding.rule}: ${finding.message}` : "ok";
}

const tail = 'DISTRIBUTED BY HASH(id) BUCKETS 2 PROPERTIES ("replication_num" = "1")';
const orders = `CREATE TABLE orders (id BIGINT NOT NULL, day DATE NOT NULL, paid DECIMAL(18,2), note VARCHAR(20) DEFAULT "none") DUPLICATE KEY(id) PARTITION BY RANGE(day) (PARTITION p1 VALUES LESS THAN ("2024-02-01")) ${tail};`;

describe("a new table", () => {
  test.each([
    [
      "CREATE TABLE t (a INT, id INT) DUPLICATE KEY(id) DISTRIBUTED BY HASH(id)",
      "error starrocks/key-order: The key column id is not at place 1 of the table.",
    ],
    [`CREATE TABLE t (id FLOAT) DUPLICATE KEY(id) ${tail}`, "error starrocks/key-type: FLOAT cannot be a key column; id is one."],
    [
      `CREATE TABLE t (id INT, b BITMAP) DUPLICATE KEY(id) ${tail}`,
      "error starrocks/sketch-aggregate: Column b is BITMAP, which needs an aggregation.",
    ],
    [
      `CREATE TABLE t (id INT, n TINYINT DEFAULT "300") ${tail}`,
      'error starrocks/default-value: "300" is no value of TINYINT, the type of n.',
    ],
    [`CREATE TABLE t (id INT, n INT AS id + 1) ${tail}`, "error starrocks/generated-type: Column n is INT; its expression gives BIGINT."],
    [
      'CREATE TABLE t (id INT) DISTRIBUTED BY HASH(id) PROPERTIES ("replication_num" = "4")',
      "error starrocks/replication-backends: 4 replicas need as many backends; there are 3.",
    ],
    [
      'CREATE TABLE t (id INT) DISTRIBUTED BY HASH(id) PROPERTIES ("colour" = "red")',
      'error starrocks/property-unknown: A table has no property colour ("red").',
    ],
    [
      "CREATE TABLE t (id INT, n INT) UNIQUE KEY(id) DISTRIBUTED BY RANDOM",
      "error starrocks/distribution-random: A UNIQUE KEY table must be distributed by HASH.",
    ],
    [
      'CREATE TABLE t (id INT, s VARCHAR(9)) PARTITION BY RANGE(s) (PARTITION p VALUES LESS THAN ("1")) DISTRIBUTED BY HASH(id)',
      "error starrocks/partition-range-type: VARCHAR(9) has no ranges; s partitions the table.",
    ],
    [
      'CREATE TABLE t (id INT) PARTITION BY RANGE(id) (PARTITION p VALUES LESS THAN ("5"), PARTITION q VALUES LESS THAN ("3")) DISTRIBUTED BY HASH(id)',
      "error starrocks/partition-overlap: The range of partition q crosses that of p.",
    ],
  ])("%s", (sql, verdict) => {
    expect(last(sql)).toBe(verdict);
  });

  test("what the engine takes passes: a primary key with expression partitions, indexes and a generated column", () => {
    const sql = `CREATE TABLE t (id BIGINT NOT NULL, at DATETIME NOT NULL, body VARCHAR(40) DEFAULT "", words INT AS length(body), INDEX ib (body) USING BITMAP)
      PRIMARY KEY (id, at) PARTITION BY date_trunc('day', at) DISTRIBUTED BY HASH(id) BUCKETS 4 ORDER BY (body)
      PROPERTIES ("replication_num" = "3", "bloom_filter_columns" = "id", "compression" = "zstd(3)")`;
    expect(last(sql)).toBe("ok");
  });

  test("tables of a colocate group are distributed alike", () => {
    const make = (name: string, buckets: number): string =>
      `CREATE TABLE ${name} (id INT) DISTRIBUTED BY HASH(id) BUCKETS ${buckets} PROPERTIES ("colocate_with" = "g");`;
    expect(last(make("a", 4) + make("b", 5))).toBe("error starrocks/colocate-mismatch: Tables of group g have 4 buckets; this one has 5.");
  });
});

describe("versions and run modes", () => {
  const wide = `CREATE TABLE t (id INT, d DECIMAL(50, 2)) ${tail}`;

  test("DECIMAL has more than 38 digits since 4.0", () => {
    expect(last(wide)).toBe("ok");
    expect(last(wide, { version: "3.5" })).toBe("error starrocks/decimal-precision: Column d has 50 digits; StarRocks 3.5 has at most 38.");
  });

  test("a property that only shared-data clusters have", () => {
    const sql = `CREATE TABLE t (id INT) DISTRIBUTED BY HASH(id) PROPERTIES ("datacache.enable" = "true")`;
    expect(last(sql)).toContain("starrocks/property-shared-data");
    expect(last(sql, { mode: "shared-data" })).toBe("ok");
  });

  test("an unknown property of a version without evidence is unproven, not refused", () => {
    expect(last('CREATE TABLE t (id INT) DISTRIBUTED BY HASH(id) PROPERTIES ("new_in_4_1" = "1")', { version: "4.1" })).toMatch(
      /^unproven/,
    );
  });
});

describe("statements are judged after the ones before them", () => {
  test.each([
    [
      "ALTER TABLE orders ADD COLUMN n INT NOT NULL",
      "error starrocks/add-not-null: Column n is NOT NULL and has no default for the rows that exist.",
    ],
    ["ALTER TABLE orders DROP COLUMN day", "error starrocks/drop-partition-column: day is a partition column."],
    [
      'ALTER TABLE orders MODIFY COLUMN note VARCHAR(10) DEFAULT "none"',
      "error starrocks/modify-length: note holds 20 bytes and cannot shrink to 10.",
    ],
    ["ALTER TABLE orders MODIFY COLUMN note VARCHAR(40)", "error starrocks/modify-default: The default of note cannot change."],
    ["ALTER TABLE orders MODIFY COLUMN paid INT", "error starrocks/modify-type: paid cannot change from DECIMAL(18,2) to INT."],
    ["ALTER TABLE orders RENAME o2, COMMENT = 'x'", "error starrocks/alter-together: These clauses cannot share one ALTER TABLE."],
    [
      'ALTER TABLE orders SET ("compression" = "ZSTD")',
      "error starrocks/set-unknown: compression cannot be changed by ALTER TABLE (or does not exist).",
    ],
    [
      'ALTER TABLE orders ADD PARTITION p2 VALUES [("2024-01-15"), ("2024-03-01"))',
      "error starrocks/partition-overlap: The range of partition p2 crosses that of p1.",
    ],
    ["DROP VIEW orders", "error starrocks/drop-kind: orders is a table."],
    ["CREATE VIEW v AS SELECT nope FROM orders", "error starrocks/column-missing: Column nope is in none of the tables of FROM."],
    ["CREATE MATERIALIZED VIEW v REFRESH ASYNC AS SELECT 1", "error starrocks/mv-base-table: The query reads no table."],
    ["ALTER TABLE lost ADD COLUMN n INT", "error starrocks/table-missing: Table lost does not exist."],
  ])("%s", (sql, verdict) => {
    expect(last(orders + sql)).toBe(verdict);
  });

  test.each([
    "ALTER TABLE orders ADD COLUMN n INT",
    'ALTER TABLE orders MODIFY COLUMN note VARCHAR(40) DEFAULT "none"',
    "ALTER TABLE orders MODIFY COLUMN paid DECIMAL(20,2)",
    'ALTER TABLE orders ADD PARTITION p2 VALUES LESS THAN ("2024-03-01")',
    'ALTER TABLE orders SET ("dynamic_partition.enable" = "true", "dynamic_partition.time_unit" = "DAY", "dynamic_partition.end" = "3")',
    "CREATE MATERIALIZED VIEW mv PARTITION BY day REFRESH ASYNC EVERY (INTERVAL 1 HOUR) AS SELECT day, sum(paid) s FROM orders GROUP BY day",
    "CREATE MATERIALIZED VIEW mv AS SELECT day, max(paid) FROM orders GROUP BY day",
    "CREATE VIEW v AS SELECT o.id, count(*) n FROM orders o WHERE EXISTS (SELECT 1 FROM orders i WHERE i.id = o.id) GROUP BY o.id",
    "DROP TABLE orders",
  ])("%s passes", (sql) => {
    expect(last(orders + sql)).toBe("ok");
  });

  test("a refused statement changes nothing", () => {
    expect(last(`${orders}ALTER TABLE orders ADD COLUMN a INT, DROP COLUMN day; ALTER TABLE orders ADD COLUMN a INT`)).toBe("ok");
  });

  test("a table that no statement of the file made is not judged when the file makes none", () => {
    expect(last("ALTER TABLE elsewhere DROP COLUMN a")).toBe("ok");
  });

  test("columns of a synchronous view are held by it until it is dropped", () => {
    const view = "CREATE MATERIALIZED VIEW mv AS SELECT day, max(paid) FROM orders GROUP BY day;";
    expect(last(`${orders}${view}ALTER TABLE orders DROP COLUMN paid`)).toContain("starrocks/synchronous-view");
    expect(last(`${orders}${view}DROP MATERIALIZED VIEW mv; ALTER TABLE orders DROP COLUMN paid`)).toBe("ok");
  });
});

test("a finding names its place in the file", () => {
  const [, second] = judgeText("CREATE VIEW v AS SELECT 1 a;\n\nCREATE TABLE t (a INT,)", target);
  expect(second).toMatchObject({
    start: { line: 3, column: 1 },
    findings: [{ rule: "starrocks/syntax", position: { line: 3, column: 23 } }],
  });
});

test.each([
  ["a column's definition", "CREATE TABLE t (\n  id INT,\n  paid SUM INT)", "starrocks/syntax 3:12"],
  ["a column that the key cannot have", "CREATE TABLE t (\n  id INT,\n  a JSON) PRIMARY KEY (id, a)", "starrocks/primary-key-type 3:3"],
  ["the distribution", "CREATE TABLE t (id INT, a JSON)\nDISTRIBUTED BY HASH (a)", "starrocks/distribution-type 2:1"],
  ["a property", `CREATE TABLE t (id INT)\nPROPERTIES (\n  "replication_num" = "1",\n  "nope" = "1")`, "starrocks/property-unknown 4:3"],
  ["a name in a query", "CREATE TABLE t (id INT);\nCREATE VIEW v AS\n  SELECT nope FROM t", "starrocks/column-missing 3:10"],
])("a finding about %s says where that is", (_, text, expected) => {
  const [finding] = judgeText(text, target).at(-1)?.findings ?? [];
  expect(`${finding?.rule} ${finding?.position?.line}:${finding?.position?.column}`).toBe(expected);
});

test("statements of other kinds pass unread", () => {
  expect(last("SUBMIT TASK t AS INSERT INTO a SELECT * FROM b")).toBe("ok");
});

describe("found in the engine's own tests", () => {
  test.each([
    'CREATE TABLE FUNCTION f(string) RETURNS string symbol = "F" type = "StarrocksJar" file = "http://h/f.jar"',
    `${orders}ALTER TABLE orders ADD COLUMN a INT, DROP COLUMN a`,
    `CREATE TABLE t (id INT NOT NULL, v INT) PRIMARY KEY(id) DISTRIBUTED BY HASH(id); ALTER TABLE t MODIFY COLUMN v BIGINT MAX`,
    'CREATE TABLE t (id INT) DISTRIBUTED BY HASH(id) PROPERTIES ("replication_num " = "1")',
  ])("%s passes", (sql) => {
    expect(last(sql)).toBe("ok");
  });

  test("one ALTER adds a column once", () => {
    expect(last(`${orders}ALTER TABLE orders ADD COLUMN a INT, ADD COLUMN a FLOAT`)).toContain("starrocks/column-exists");
  });
});

describe("versions", () => {
  const at = (sql: string, version: string): string => {
    const [finding] = judgeText(sql, { ...target, version }).at(-1)?.findings ?? [];
    return finding ? `${finding.severity} ${finding.rule}` : "ok";
  };
  const table = 'CREATE TABLE t (id INT, at DATETIME DEFAULT CURRENT_TIMESTAMP(3)) PROPERTIES ("replication_num" = "1")';

  test.each([
    ["a precision of CURRENT_TIMESTAMP came with 3.5", table, "3.4", "3.5"],
    ["two partition columns without parentheses came with 3.4", "CREATE TABLE t (a INT, b INT) PARTITION BY a, b", "3.3", "3.4"],
    ["properties came one by one", 'CREATE TABLE t (a INT) PROPERTIES ("flat_json.enable" = "true")', "3.5", "4.0"],
    ["DROP PARTITIONS took several with 3.4", `${orders}ALTER TABLE orders DROP PARTITIONS IF EXISTS (p1, p2)`, "3.3", "3.4"],
  ])("%s", (_, sql, before, since) => {
    expect(at(sql, before)).toBe("error starrocks/version");
    expect(at(sql, since)).toBe("ok");
  });

  test("a version of which nobody here has seen anything is unproven, and refuses nothing for that", () => {
    const [first, second] = judgeText("CREATE VIEW v AS SELECT 1 a; CREATE VIEW w AS SELECT 1 a", { ...target, version: "4.1" });
    expect(first?.findings.map(({ rule, severity }) => `${severity} ${rule}`)).toEqual(["unproven starrocks/version"]);
    expect(second?.findings).toEqual([]);
  });
});

describe("found by trying mutated definitions on a front end", () => {
  const create = (columns: string, rest = "DUPLICATE KEY(id)"): string =>
    `CREATE TABLE t (id INT NOT NULL, day DATE, at DATETIME, name VARCHAR(20), ${columns}) ${rest}`;
  const own = "v BIGINT";

  test.each([
    ["a decimal whose size nobody gave", create("n DECIMAL(0,0)")],
    ["a generated column that is a constant", create("n STRING AS 1")],
    ["KEY next to the key", create("x INT", "DUPLICATE KEY(id)").replace("day DATE", "day DATE KEY")],
    [
      "empty dynamic properties that have defaults",
      create(
        own,
        'PARTITION BY RANGE(day) () PROPERTIES ("dynamic_partition.enable" = "", "dynamic_partition.start" = "", "dynamic_partition.time_unit" = "DAY", "dynamic_partition.end" = "3", "dynamic_partition.prefix" = "p")',
      ),
    ],
    ["time_slice that rounds up", create(own, "PARTITION BY time_slice(at, INTERVAL 1 HOUR, ceil)")],
    [
      "minutes of a DATETIME in a UNIQUE KEY table",
      "CREATE TABLE t (at DATETIME NOT NULL, v INT) UNIQUE KEY(at) PARTITION BY date_trunc('minute', at) DISTRIBUTED BY HASH(at)",
    ],
    [
      "the old name of a property beside the new one",
      create(own, 'PROPERTIES ("light_schema_change" = "", "fast_schema_evolution" = "true")'),
    ],
    [
      "a condition over partition columns",
      create(
        own,
        `PARTITION BY date_trunc('day', at) PROPERTIES ("partition_retention_condition" = "at >= current_date() - INTERVAL 7 DAY")`,
      ),
    ],
    [
      "states of an aggregation in a synchronous view",
      `${create(own)}; CREATE MATERIALIZED VIEW mv AS SELECT id, avg_union(avg_state(v)) x FROM t GROUP BY id`,
    ],
    ["TIME inside of a type that ALTER adds", `${create(own)}; ALTER TABLE t ADD COLUMN n ARRAY<TIME>`],
  ])("%s is taken", (_, sql) => {
    expect(last(sql)).toBe("ok");
  });

  test.each([
    ["hours of a DATE", create(own, "PARTITION BY date_trunc('hour', day)"), "partition-unit"],
    ["str2date as the only expression", create(own, "PARTITION BY str2date(name, '%Y-%m-%d')"), "partition-expression"],
    ["CAST as a partition expression", create(own, "PARTITION BY cast(id AS STRING)"), "syntax"],
    ["ranges of a text", create(own, "PARTITION BY RANGE(substr(name, 1, 2)) ()"), "partition-range-type"],
    ["milliseconds of an INT", create(own, "PARTITION BY RANGE(from_unixtime_ms(id)) ()"), "partition-function-type"],
    [
      "a partition below the lowest value",
      create(own, 'PARTITION BY RANGE(id) (PARTITION p VALUES LESS THAN ("-2147483648"))'),
      "partition-range-empty",
    ],
    ["KEY behind value columns", create("x INT KEY"), "key-order"],
    ["MAX of a wide decimal", "CREATE TABLE t (id INT, n DECIMAL(39,2) MAX) AGGREGATE KEY(id) DISTRIBUTED BY HASH(id)", "aggregate-type"],
    [
      "the state of group_concat",
      "CREATE TABLE t (id INT, n group_concat(VARCHAR(10))) AGGREGATE KEY(id) DISTRIBUTED BY HASH(id)",
      "aggregate-state-function",
    ],
    [
      "a state of another type",
      "CREATE TABLE t (id INT, n DOUBLE sum(BIGINT)) AGGREGATE KEY(id) DISTRIBUTED BY HASH(id)",
      "aggregate-state-type",
    ],
    ["a lambda in a generated column", create("n ARRAY<INT> AS array_map(x -> x, [1])"), "generated-lambda"],
    ["a decimal that is generated from a whole number", create("n DECIMAL(10,2) AS id + 1"), "generated-type"],
    ["a date of twenty digits", create('d2 DATE DEFAULT "99999999999999999999"'), "default-value"],
    [
      "a cron line behind a space",
      create(own, 'PROPERTIES ("base_compaction_forbidden_time_ranges" = "0 8 * * *; 0 9 * * *")'),
      "property-cron",
    ],
    [
      "a condition that does not end",
      create(own, 'PARTITION BY (id) PROPERTIES ("partition_retention_condition" = "id >")'),
      "retention-condition",
    ],
    [
      "a condition over other columns",
      create(own, 'PARTITION BY (id) PROPERTIES ("partition_retention_condition" = "v > 3")'),
      "retention-column",
    ],
    [
      "drift against no partition column",
      create(own, 'PARTITION BY (id) PROPERTIES ("time_drift_constraint" = "at between days_sub(day, 1) and days_add(day, 1)")'),
      "time-drift",
    ],
    [
      "dynamic partitions of an expression",
      create(
        own,
        `PARTITION BY date_trunc('day', at) PROPERTIES ("dynamic_partition.enable" = "true", "dynamic_partition.time_unit" = "DAY", "dynamic_partition.end" = "3", "dynamic_partition.prefix" = "p")`,
      ),
      "dynamic-expression",
    ],
    ["a letter beyond U+FFFF without quotes", create("\u{1F600} INT"), "syntax"],
    ["a rollup with its table's name", `${create(own)}; ALTER TABLE t ADD ROLLUP t (id)`, "rollup-name"],
    ["TRUE in capitals for binlog", `${create(own)}; ALTER TABLE t SET ("binlog_enable" = "TRUE")`, "property-value"],
    [
      "a condition on other columns when partitions go",
      `${create(own, "PARTITION BY (id)")}; ALTER TABLE t DROP PARTITIONS WHERE name = 'a'`,
      "drop-partition-where",
    ],
    [
      "a partition that no date is called by",
      `${create(own, "PARTITION BY date_trunc('day', at)")}; ALTER TABLE t DROP PARTITION p1`,
      "partition-missing",
    ],
    ["a table swapped with itself", `${create(own)}; ALTER TABLE t SWAP WITH t`, "swap-same"],
  ])("%s is refused", (_, sql, rule) => {
    expect(last(sql)).toContain(`error starrocks/${rule}:`);
  });

  test("a character that begins no token spoils its own statement only", () => {
    const verdicts = judgeText("CREATE TABLE \u{1F600} (a INT); CREATE VIEW v AS SELECT 1 a; SELECT 'open", target);
    expect(verdicts.map(({ findings }) => findings.length)).toEqual([1, 0, 1]);
  });
});

describe("roles, rights, catalogs and what else is beside databases", () => {
  const iceberg = (name: string): string =>
    `CREATE EXTERNAL CATALOG ${name} PROPERTIES ("type" = "iceberg", "iceberg.catalog.type" = "hive", "hive.metastore.uris" = "thrift://h:9083")`;
  test.each([
    ["CREATE ROLE IF NOT EXISTS a, b COMMENT 'readers'", "ok"],
    ["CREATE ROLE `a-b`", 'error starrocks/role-name: "a-b" cannot name a role.'],
    ["CREATE ROLE root", "error starrocks/role-builtin: The role root belongs to the engine."],
    ["CREATE ROLE a; CREATE ROLE a", "error starrocks/exists: The role a exists."],
    ["CREATE ROLE a; DROP ROLE a; GRANT a TO USER bo", "error starrocks/role-missing: The role a was dropped."],
    ["GRANT SELECT, INSERT ON TABLE shop.orders TO ROLE a WITH GRANT OPTION", "ok"],
    ["GRANT SELECT ON shop.* TO USER 'bo'@'10.0.%'", "ok"],
    ["GRANT SELECT ON ALL TABLES IN ALL DATABASES TO ROLE a", "ok"],
    ["GRANT USAGE ON FUNCTION shop.f(INT, ARRAY<INT>) TO ROLE a", "ok"],
    ["GRANT CREATE MATERIALIZED VIEW, CREATE TABLE ON DATABASE shop TO EXTERNAL GROUP analysts", "ok"],
    ["GRANT IMPERSONATE ON USER bo, 'al'@'%' TO cy", "ok"],
    ["REVOKE a, 'b' FROM ROLE c", "ok"],
    ["GRANT REFRESH ON VIEW shop.v TO ROLE a", "error starrocks/grant-privilege: REFRESH is no right on a view."],
    [
      "GRANT NODE ON SYSTEM TO ROLE a",
      "error starrocks/grant-privilege: NODE on SYSTEM holds rights that no role but the built-in ones has.",
    ],
    ["GRANT SELECT ON ALL TABLES TO ROLE a", "error starrocks/grant-target: ALL TABLES needs its databases."],
    ["GRANT SELECT ON TABLE shop.orders FROM ROLE a", 'error starrocks/syntax: Unexpected "FROM"; TO is expected.'],
    [`${orders} GRANT SELECT ON ordres TO ROLE a`, "error starrocks/table-missing: There is no table ordres."],
    ["CREATE USER IF NOT EXISTS 'bo'@'%' IDENTIFIED WITH authentication_ldap_simple AS 'uid=bo' DEFAULT ROLE a", "ok"],
    ["CREATE USER bo IDENTIFIED WITH magic", "error starrocks/user-plugin: There is no way to authenticate called magic."],
    [iceberg("lake"), "ok"],
    [`${iceberg("lake")}; ${iceberg("lake")}`, "error starrocks/exists: The catalog lake exists."],
    ['CREATE EXTERNAL CATALOG lake PROPERTIES ("type" = "icebreg")', "error starrocks/catalog-type: There is no catalog of type icebreg."],
    [
      'CREATE EXTERNAL CATALOG c PROPERTIES ("type" = "jdbc", "user" = "u")',
      "error starrocks/catalog-property: An external catalog of type jdbc says password.",
    ],
    [
      'CREATE STORAGE VOLUME v TYPE = S3 LOCATIONS = ("hdfs://n/x")',
      "error starrocks/storage-volume-location: hdfs://n/x is no place of a volume of type S3.",
    ],
    ["CREATE RESOURCE GROUP g TO (user = 'bo', query_type IN ('select')) WITH ('cpu_weight' = '4', 'mem_limit' = '20%')", "ok"],
    ["CREATE RESOURCE GROUP g WITH ('cpu_weight' = '4')", "error starrocks/resource-group-memory: mem_limit is missing."],
  ])("%s", (sql, verdict) => expect(last(sql)).toBe(verdict));
});
