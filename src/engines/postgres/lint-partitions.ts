import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { Finding } from "../../core/finding.js";
import type { PartitionBody, PartitioningBody } from "./body.js";
import { placeOf, type TableObject } from "./lint-place.js";
import { allPartitions, compareEdges, partitionColumns } from "./partitions.js";

/*
 * What PostgreSQL refuses of a partitioned table (manual, 5.12 and CREATE TABLE; parse_utilcmd.c, partbounds.c), and what it
 * takes and fails on later.
 */

type Partitioned = TableObject & { readonly body: { readonly partitioning: PartitioningBody } };

/** PARTITION_MAX_KEYS */
const MAX_KEYS = 32;
/** Types without an order that a partition could be bounded in, and without a hash. */
const UNORDERED = /^(json|xml|point|line|lseg|box|path|polygon|circle|txid_snapshot)$/;

export function partitionFindings(tables: readonly TableObject[]): Finding[] {
  const partitioned = tables.filter((table): table is Partitioned => table.body.partitioning !== undefined);
  const names = new Map<string, string>(tables.map((table) => [displayName(table.name), placeOf(table)]));
  return partitioned.flatMap((table) => [
    ...hypertableFindings(table),
    ...uniqueFindings(table),
    ...levels(table.body.partitioning).flatMap((level) => levelFindings(table, level)),
    ...nameFindings(table, names),
  ]);
}

/** The partitioning itself and that of its partitions, one of each shape. */
function levels(partitioning: PartitioningBody): PartitioningBody[] {
  return [partitioning, ...allPartitions(partitioning).flatMap((partition) => partition.partitioning ?? [])];
}

function error(table: CatalogObject, rule: string, message: string, fix: string, column?: string): Finding {
  return { rule, severity: "error", message, fix, place: placeOf(table, column) };
}

function hypertableFindings(table: Partitioned): Finding[] {
  if (table.body.hypertable === undefined) return [];
  const message = `${placeOf(table)} has a timeColumn and partitionBy; TimescaleDB makes no hypertable of a partitioned table.`;
  return [error(table, "timescale/partitioned-hypertable", message, "Leave one of the two out: chunks are partitions already.")];
}

/** Uniqueness is checked inside a partition, so that its columns must tell the partition. */
function uniqueFindings(table: Partitioned): Finding[] {
  const { primaryKey, indexes, partitioning } = table.body;
  const columns = partitionColumns(partitioning);
  const uniques = [
    ...(primaryKey ? [{ what: "The key", own: primaryKey.columns }] : []),
    ...indexes
      .filter(({ unique }) => unique)
      .map((index) => ({ what: `Unique index ${index.name}`, own: index.columns.map(({ column }) => column) })),
  ];
  return uniques.flatMap(({ what, own }) => {
    const missing = columns.filter((column) => !own.includes(column));
    if (missing.length === 0) return [];
    const message = `${what} of ${placeOf(table)} lacks ${missing.join(", ")}, by which the table is partitioned; PostgreSQL checks uniqueness only inside a partition.`;
    return [error(table, "postgres/unique-contains-partitioning", message, `Add ${missing.join(", ")} to it.`)];
  });
}

function levelFindings(table: Partitioned, level: PartitioningBody): Finding[] {
  return [
    ...keyFindings(table, level),
    ...(level.strategy === "hash" ? hashFindings : level.strategy === "list" ? listFindings : rangeFindings)(table, level),
  ];
}

function keyFindings(table: Partitioned, { strategy, columns }: PartitioningBody): Finding[] {
  const place = placeOf(table);
  const own = columns.flatMap((name) => table.body.columns.find((column) => column.name === name) ?? []);
  return [
    ...(columns.length <= MAX_KEYS
      ? []
      : [
          error(
            table,
            "postgres/partition-keys",
            `${place} is partitioned by ${columns.length} columns; PostgreSQL takes ${MAX_KEYS}.`,
            "Name fewer columns.",
          ),
        ]),
    ...(strategy !== "list" || columns.length === 1
      ? []
      : [
          error(
            table,
            "postgres/partition-list-columns",
            `${place} is partitioned by a list over ${columns.length} columns; PostgreSQL takes exactly one.`,
            "Partition by one of them, and its partitions by the next.",
          ),
        ]),
    ...own
      .filter(({ generated }) => generated !== undefined)
      .map(({ name }) =>
        error(
          table,
          "postgres/partition-generated",
          `${place} is partitioned by ${name}, which is computed; PostgreSQL does not allow that.`,
          "Partition by a column that is stored.",
          name,
        ),
      ),
    ...own
      .filter(({ type }) => UNORDERED.test(type))
      .map(({ name, type }) =>
        error(
          table,
          "postgres/partition-type",
          `${place} is partitioned by ${name}, and ${type} has no order and no hash.`,
          "Partition by another column.",
          name,
        ),
      ),
  ];
}

function hashFindings(table: Partitioned, { partitions }: PartitioningBody): Finding[] {
  const placed = partitions.flatMap(({ name, bounds }) => ("modulus" in bounds ? [{ name, ...bounds }] : []));
  const covered = placed.reduce((share, { modulus }) => share + 1 / modulus, 0);
  if (placed.length === 0 || Math.abs(covered - 1) < 1e-9) return [];
  const message = `The hash partitions of ${placeOf(table)} leave rows without a partition; inserting one fails.`;
  return [error(table, "postgres/partition-hash-gap", message, "Let the modulus say how many there are.")];
}

function listFindings(table: Partitioned, { partitions }: PartitioningBody): Finding[] {
  const owner = new Map<string, string>();
  return partitions.flatMap(({ name, bounds }) => {
    if (!("values" in bounds)) return [];
    if (bounds.values.length === 0)
      return [error(table, "postgres/partition-empty-list", `Partition ${name} of ${placeOf(table)} has no values.`, "Give it one.")];
    return bounds.values.flatMap((value) => {
      const other = owner.get(value);
      owner.set(value, name);
      if (other === undefined || other === name) return [];
      const message = `${value} belongs to the partitions ${other} and ${name} of ${placeOf(table)}; PostgreSQL refuses that they overlap.`;
      return [error(table, "postgres/partition-overlap", message, "Take it out of one.")];
    });
  });
}

type Range = { readonly name: string; readonly from: readonly string[]; readonly to: readonly string[] };

function rangeFindings(table: Partitioned, { columns, partitions }: PartitioningBody): Finding[] {
  const types = columns.map((name) => table.body.columns.find((column) => column.name === name)?.type ?? "");
  const ranges = partitions.flatMap(({ name, bounds }) => ("from" in bounds ? [{ name, ...bounds }] : []));
  const compare = (a: readonly string[], b: readonly string[]): number | undefined => compareRows(a, b, types);
  const empty = ranges.filter(({ from, to }) => (compare(from, to) ?? -1) >= 0);
  const ordered = [...ranges].filter((range) => !empty.includes(range)).sort((a, b) => compare(a.from, b.from) ?? 0);
  const overlaps = ordered.slice(1).flatMap((next, index): [Range, Range][] => {
    const before = ordered[index];
    return before !== undefined && (compare(before.to, next.from) ?? 0) > 0 ? [[before, next]] : [];
  });
  return [
    ...empty.map(({ name, from, to }) =>
      error(
        table,
        "postgres/partition-empty-range",
        `Partition ${name} of ${placeOf(table)} begins at ${from.join(", ")} and ends at ${to.join(", ")}: no row fits it.`,
        "`from` is included, `to` is not: name a later end.",
      ),
    ),
    ...overlaps.map(([a, b]) =>
      error(
        table,
        "postgres/partition-overlap",
        `The partitions ${a.name} and ${b.name} of ${placeOf(table)} overlap, from ${b.from.join(", ")} on.`,
        "Let one begin where the other ends.",
      ),
    ),
  ];
}

function compareRows(a: readonly string[], b: readonly string[], types: readonly string[]): number | undefined {
  for (const [index, type] of types.entries()) {
    const order = compareEdges(a[index] ?? "", b[index] ?? "", type);
    if (order !== 0) return order;
  }
  return 0;
}

function nameFindings(table: Partitioned, names: Map<string, string>): Finding[] {
  const [schema = ""] = table.name;
  return allPartitions(table.body.partitioning).flatMap(({ name }: PartitionBody) => {
    const full = displayName([schema, name]);
    const owner = names.get(full);
    names.set(full, `a partition of ${placeOf(table)}`);
    if (owner === undefined) return [];
    const message = `A partition of ${placeOf(table)} is called ${full}, and so is ${owner}.`;
    return [error(table, "postgres/partition-name", message, "A partition is a table in its parent's schema: give it a name of its own.")];
  });
}
