/*
 * Mistakes of loaders, planted into a target: each must be found, named by its key, and mended. `sql` is understood by
 * PostgreSQL and DuckDB alike.
 */

export interface Planted {
  readonly mistake: string;
  readonly sql: (table: string) => readonly string[];
  /** Labels of rows that the certificate must name, and a column that it must say differs. */
  readonly names: readonly string[];
  readonly column?: string;
}

/** `id` 10 and 11 are there twice, without a key. */
export const READINGS = `SELECT n AS id, TIMESTAMPTZ '2024-03-30 22:00:00+00' + n * INTERVAL '13 minutes' AS seen,
    CAST(n * 1.237 AS DECIMAL(12, 3)) AS paid, 'city ' || n % 7 AS city, 'mail' || n || '@example.org' AS mail
  FROM (SELECT unnest(list_concat(range(0, 300), [10, 11]))::BIGINT AS n) AS numbers`;

export const readingsTable = (name: string): string =>
  `CREATE TABLE ${name} (id bigint NOT NULL, seen timestamptz NOT NULL, paid numeric(12,3) NOT NULL, city text, mail text)`;

export const planted: readonly Planted[] = [
  { mistake: "one wrong row", sql: (table) => [`UPDATE ${table} SET paid = paid + 0.001 WHERE id = 7`], names: ["id=7"], column: "paid" },
  { mistake: "a personal value", sql: (table) => [`UPDATE ${table} SET mail = 'PERSONAL' WHERE id = 8`], names: ["id=8"], column: "mail" },
  { mistake: "a shifted time zone", sql: (table) => [`UPDATE ${table} SET seen = seen + INTERVAL '1 hour'`], names: [], column: "seen" },
  { mistake: "a truncated decimal", sql: (table) => [`UPDATE ${table} SET paid = trunc(paid, 2)`], names: [], column: "paid" },
  {
    mistake: "two swaps that cancel under XOR and in sums",
    sql: (table) => [
      // A pair of equal rows becomes another pair of equal rows: each pair's XOR is 0; and two values change places.
      `UPDATE ${table} SET city = 'elsewhere' WHERE id = 10`,
      `UPDATE ${table} SET paid = CASE id WHEN 20 THEN 21 * 1.237 ELSE 20 * 1.237 END WHERE id IN (20, 21)`,
    ],
    names: ["id=10", "id=20", "id=21"],
    column: "paid",
  },
  { mistake: "a lost row", sql: (table) => [`DELETE FROM ${table} WHERE id = 33`], names: ["id=33"] },
  { mistake: "a row that is there twice", sql: (table) => [`INSERT INTO ${table} SELECT * FROM ${table} WHERE id = 44`], names: ["id=44"] },
  {
    mistake: "a NULL for an empty text",
    sql: (table) => [`UPDATE ${table} SET city = NULL WHERE id = 55`],
    names: ["id=55"],
    column: "city",
  },
];
