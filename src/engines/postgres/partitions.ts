import { compareText } from "../../core/catalog.js";
import { type Json, type JsonObject, sameJson } from "../../core/json.js";
import type { Sql } from "../../core/sql.js";
import type { BoundsBody, ColumnBody, PartitionBody, PartitioningBody } from "./body.js";
import { derivedName, id, join, lit, raw, sql } from "./dialect.js";
import { type Interval, parseInterval } from "./interval.js";
import type { HashPartitioning, PartitionEdge, PartitionValue, PostgresPartitioning, RangePartition } from "./options.js";

/*
 * Native partitioning (PostgreSQL manual, 5.12): from an author's options to a body and back, and the clauses of CREATE
 * TABLE. A value of a bound is kept as the literal that the server shows for it, so that equal bounds are equal texts.
 */

type Options = PostgresPartitioning<string>;
type Columns = readonly Pick<ColumnBody, "name" | "type">[];

const MIN = "MINVALUE";
const MAX = "MAXVALUE";
const NULL = "NULL";

/** More are no warehouse's: PostgreSQL plans slowly beyond a few thousand, and a typing mistake makes millions. */
const MOST_PARTITIONS = 10_000;

export class PartitionMistake extends Error {}

/** Throws PartitionMistake. */
export function partitioningBody(table: string, options: Options, columns: Columns): PartitioningBody {
  const typed = options.columns.map((name) => columns.find((column) => column.name === name)?.type ?? "text");
  const partitions = partitionsOf(table, options, typed, columns);
  return { strategy: options.by, columns: options.columns, partitions: sorted(partitions) };
}

function sorted(partitions: readonly PartitionBody[]): PartitionBody[] {
  return [...partitions].sort((a, b) => compareText(a.name, b.name));
}

function partitionsOf(table: string, options: Options, types: readonly string[], columns: Columns): PartitionBody[] {
  const within = (name: string, own?: Options): { partitioning?: PartitioningBody } => {
    const next = own ?? options.each;
    return next === undefined ? {} : { partitioning: partitioningBody(name, next, columns) };
  };
  const made = (name: string, bounds: BoundsBody, own?: Options): PartitionBody => ({ name, bounds, ...within(name, own) });
  switch (options.by) {
    case "hash":
      return hashPartitions(table, options).map(({ name, bounds }) => made(name, bounds));
    case "list":
      return [
        ...(options.partitions ?? []).map(({ name, values, partitionBy }) => made(name, listBounds(values, types[0] ?? ""), partitionBy)),
        ...defaultPartition(options.default, made),
      ];
    case "range": {
      const { every, partitions = [] } = options;
      return [
        ...(every ? steps(table, every, types[0] ?? "") : []).map(({ name, bounds }) => made(name, bounds)),
        ...partitions.map((partition) => made(partition.name, rangeBounds(partition, types), partition.partitionBy)),
        ...defaultPartition(options.default, made),
      ];
    }
  }
}

function defaultPartition(name: string | undefined, made: (name: string, bounds: BoundsBody) => PartitionBody): PartitionBody[] {
  return name === undefined ? [] : [made(name, { default: true })];
}

function hashPartitions(table: string, { modulus, names = [] }: HashPartitioning<string>): PartitionBody[] {
  if (!Number.isInteger(modulus) || modulus < 1 || modulus > MOST_PARTITIONS)
    throw new PartitionMistake(`its modulus is ${modulus}, which is no whole number from 1 to ${MOST_PARTITIONS}`);
  const width = String(modulus - 1).length;
  return Array.from({ length: modulus }, (_, remainder) => ({
    name: names[remainder] ?? derivedName([table], String(remainder).padStart(width, "0")),
    bounds: { modulus, remainder },
  }));
}

/** The values sorted: PostgreSQL keeps the order of a list, which means nothing. */
function listBounds(values: readonly (PartitionValue | null)[], type: string): BoundsBody {
  return { values: values.map((value) => (value === null ? NULL : literalOf(value, type))).sort(compareText) };
}

function rangeBounds({ name, from, to }: RangePartition<string>, types: readonly string[]): BoundsBody {
  const edges = (side: RangePartition<string>["from"], open: string): string[] => {
    if (side === undefined) return types.map(() => open);
    const values = Array.isArray(side) ? (side as readonly PartitionEdge[]) : [side as PartitionEdge]; // readonly arrays escape isArray's guard
    if (values.length !== types.length)
      throw new PartitionMistake(`partition ${name} has ${values.length} values for ${types.length} columns`);
    return values.map((value, index) => edgeOf(value, types[index] ?? ""));
  };
  return { from: edges(from, MIN), to: edges(to, MAX) };
}

function edgeOf(value: PartitionEdge, type: string): string {
  if (typeof value !== "object") return literalOf(value, type);
  return "min" in value ? MIN : MAX;
}

// ------------------------------------------------------------------------------------------------ values

/** A literal as the server shows it in a bound. */
function literalOf(value: PartitionValue, type: string): string {
  return lit(timeText(String(value), type) ?? String(value)).text;
}

const INSTANT = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(\.\d+)?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/;

/** ISO 8601 in PostgreSQL's own spelling; undefined for what is no time, or of a type that is none. */
function timeText(text: string, type: string): string | undefined {
  const kind = /^(date$|timestamp)/.exec(type)?.[1];
  const [, day = "", clock = "00:00", seconds = "00", fraction = "", offset] = INSTANT.exec(text.trim()) ?? [];
  if (kind === undefined || day === "") return undefined;
  if (kind === "date") return day;
  const digits = fraction.replace(/\.?0+$/, "");
  if (!type.endsWith("with time zone")) return `${day} ${clock}:${seconds}${digits}`;
  const zone =
    offset === undefined || offset === "Z"
      ? "Z"
      : offset.replace(/^([+-]\d{2}):?(\d{2})?$/, (_, hours, minutes) => `${hours}:${minutes ?? "00"}`);
  const instant = new Date(`${day}T${clock}:${seconds}${zone}`);
  return Number.isNaN(instant.getTime()) ? undefined : `${instant.toISOString().slice(0, 19).replace("T", " ")}${digits}+00`;
}

interface Every {
  readonly step: string | number;
  readonly from: string | number;
  readonly until: string | number;
}

function steps(table: string, every: Every, type: string): PartitionBody[] {
  const edges = /^(date$|timestamp)/.test(type) ? timeSteps(every, type) : numberSteps(every);
  return edges.slice(0, -1).map(({ name, value }, index) => ({
    name: derivedName([table], name),
    bounds: { from: [literalOf(value, type)], to: [literalOf(edges[index + 1]?.value ?? "", type)] },
  }));
}

interface Step {
  readonly name: string;
  readonly value: string;
}

function numberSteps({ step, from, until }: Every): Step[] {
  const whole = (value: string | number): bigint => {
    if (!/^-?\d+$/.test(String(value))) throw new PartitionMistake(`\`every\` counts in ${value}, which is no whole number`);
    return BigInt(value);
  };
  return walked(whole(from), whole(until), (at) => at + whole(step)).map((value) => ({
    name: String(value).replace("-", "minus_"),
    value: String(value),
  }));
}

const HOUR = 3_600_000_000;

/** Months by the calendar, days and hours by the clock of UTC. */
function timeSteps({ step, from, until }: Every, type: string): Step[] {
  const by = parseInterval(String(step));
  if (by === undefined || by.microseconds % HOUR !== 0)
    throw new PartitionMistake(`\`every\` steps by ${JSON.stringify(step)}, which is no number of months, days or hours`);
  const first = instantOf(from);
  const later = (count: number): number =>
    Date.UTC(
      first.getUTCFullYear(),
      first.getUTCMonth() + count * by.months,
      first.getUTCDate() + count * by.days,
      first.getUTCHours() + (count * by.microseconds) / HOUR,
      first.getUTCMinutes(),
      first.getUTCSeconds(),
    );
  let count = 0;
  const edges = walked(later(0), instantOf(until).getTime(), () => later(++count));
  const shown = digitsShown(by, first);
  return edges.map((edge) => {
    const text = new Date(edge).toISOString();
    return { name: text.slice(0, shown).replace(/[-T]/g, "_"), value: type === "date" ? text.slice(0, 10) : text };
  });
}

function instantOf(value: string | number): Date {
  const text = timeText(String(value), "timestamp with time zone");
  if (text === undefined) throw new PartitionMistake(`\`every\` names ${JSON.stringify(value)}, which is no date or time`);
  return new Date(text.replace(" ", "T").replace("+00", "Z"));
}

/** Of an ISO date: the year, with the month, with the day, with the hour. */
function digitsShown({ months, days, microseconds }: Interval, first: Date): number {
  if (microseconds !== 0) return "2024-01-01T00".length;
  if (days !== 0 || first.getUTCDate() !== 1) return "2024-01-01".length;
  return months % 12 !== 0 || first.getUTCMonth() !== 0 ? "2024-01".length : "2024".length;
}

/** From the first edge to the last; the last step may not go beyond it. */
function walked<Edge extends number | bigint>(from: Edge, until: Edge, next: (at: Edge) => Edge): Edge[] {
  const edges = [from];
  for (let at = next(from); at <= until; at = next(at)) {
    if (at <= (edges.at(-1) ?? from)) throw new PartitionMistake("`every` steps by nothing");
    edges.push(at);
    if (edges.length > MOST_PARTITIONS + 1) throw new PartitionMistake(`\`every\` makes more than ${MOST_PARTITIONS} partitions`);
  }
  if (edges.at(-1) !== until)
    throw new PartitionMistake(`\`every\` ends at ${shownEdge(until)}, which no step from ${shownEdge(from)} meets`);
  return edges;
}

function shownEdge(edge: number | bigint): string {
  return typeof edge === "bigint" ? String(edge) : new Date(edge).toISOString();
}

// ------------------------------------------------------------------------------------------------ clauses

export function partitionByClause({ strategy, columns }: PartitioningBody): Sql {
  return sql`PARTITION BY ${raw(strategy.toUpperCase())} (${join(columns.map((column) => id(column)))})`;
}

export function boundsClause(bounds: BoundsBody): Sql {
  const list = (values: readonly string[]): Sql => join(values.map((value) => raw(value)));
  if ("default" in bounds) return raw("DEFAULT");
  if ("modulus" in bounds) return sql`FOR VALUES WITH (MODULUS ${lit(bounds.modulus)}, REMAINDER ${lit(bounds.remainder)})`;
  if ("values" in bounds) return sql`FOR VALUES IN (${list(bounds.values)})`;
  return sql`FOR VALUES FROM (${list(bounds.from)}) TO (${list(bounds.to)})`;
}

/** A partition with all below it, parents first. */
export function createPartition(schema: string, parent: string, { name, bounds, partitioning }: PartitionBody): Sql[] {
  const further = partitioning === undefined ? raw("") : sql` ${partitionByClause(partitioning)}`;
  return [
    sql`CREATE TABLE ${id(schema, name)} PARTITION OF ${id(schema, parent)} ${boundsClause(bounds)}${further}`,
    ...createPartitions(schema, name, partitioning),
  ];
}

export function createPartitions(schema: string, parent: string, partitioning: PartitioningBody | undefined): Sql[] {
  return (partitioning?.partitions ?? []).flatMap((partition) => createPartition(schema, parent, partition));
}

/** All partitions below, parents first. */
export function allPartitions(partitioning: PartitioningBody | undefined): PartitionBody[] {
  return (partitioning?.partitions ?? []).flatMap((partition) => [partition, ...allPartitions(partition.partitioning)]);
}

/** Columns of all levels. */
export function partitionColumns(partitioning: PartitioningBody | undefined): string[] {
  if (partitioning === undefined) return [];
  return [...new Set([...partitioning.columns, ...partitioning.partitions.flatMap((one) => partitionColumns(one.partitioning))])];
}

// ------------------------------------------------------------------------------------------------ the way back

/** Bounds as `pg_get_expr(relpartbound)` shows them; undefined for what this cannot read. */
export function boundsOf(text: string): BoundsBody | undefined {
  if (text === "DEFAULT") return { default: true };
  const [, modulus, remainder] = /^FOR VALUES WITH \(modulus (\d+), remainder (\d+)\)$/i.exec(text) ?? [];
  if (modulus !== undefined) return { modulus: Number(modulus), remainder: Number(remainder) };
  const [, listed] = /^FOR VALUES IN \((.*)\)$/is.exec(text) ?? [];
  if (listed !== undefined) return { values: literals(listed).values.sort(compareText) };
  const [, ranges] = /^FOR VALUES FROM \((.*)\)$/is.exec(text) ?? [];
  if (ranges === undefined) return undefined;
  const from = literals(ranges);
  const [, rest] = /^\) TO \((.*)$/is.exec(from.rest) ?? [];
  return rest === undefined ? undefined : { from: from.values, to: literals(rest).values };
}

/** Literals up to what is none: `'a', 1, MINVALUE) TO (…`. */
function literals(text: string): { readonly values: string[]; readonly rest: string } {
  const token = /\s*,?\s*(?:(E)?'((?:[^']|'')*)'|(MINVALUE|MAXVALUE|NULL)|(-?[\w.+]+))/iy;
  const values: string[] = [];
  let end = 0;
  for (let match = token.exec(text); match !== null; match = token.exec(text)) {
    end = token.lastIndex;
    const [, escaped, quoted, word, plain] = match;
    if (word !== undefined) values.push(word.toUpperCase());
    else values.push(lit(plain ?? (escaped ? quoted?.replaceAll("\\\\", "\\") : quoted)?.replaceAll("''", "'") ?? "").text);
  }
  return { values, rest: text.slice(end) };
}

/** The options that make such a body: every partition by its name. */
export function partitioningOptions(table: string, { strategy, columns, partitions }: PartitioningBody): JsonObject {
  const fallback = partitions.find(({ bounds }) => "default" in bounds);
  if (strategy === "hash") return hashOptions(table, columns, partitions);
  const named = partitions
    .filter((partition) => partition !== fallback)
    .map(({ name, bounds, partitioning }) => ({
      name,
      ...boundsOptions(bounds),
      ...(partitioning && { partitionBy: partitioningOptions(name, partitioning) }),
    }));
  return {
    by: strategy,
    columns,
    ...(named.length > 0 && { partitions: named }),
    ...(fallback && { default: fallback.name }),
  };
}

/** Moduli that differ cannot be said, which is found when the model is resolved again. */
function hashOptions(table: string, columns: readonly string[], partitions: readonly PartitionBody[]): JsonObject {
  const placed = partitions.flatMap(({ name, bounds }) => ("modulus" in bounds ? [{ name, ...bounds }] : []));
  const modulus = placed[0]?.modulus ?? 1;
  const names = [...placed].sort((a, b) => a.remainder - b.remainder).map(({ name }) => name);
  const derived = hashPartitions(table, { by: "hash", columns, modulus }).map(({ name }) => name);
  const each = partitions[0]?.partitioning;
  return {
    by: "hash",
    columns,
    modulus,
    ...(!sameJson(names, derived) && { names }),
    ...(each && { each: partitioningOptions(partitions[0]?.name ?? "", each) }),
  };
}

function boundsOptions(bounds: BoundsBody): JsonObject {
  if ("values" in bounds) return { values: bounds.values.map(valueOption) };
  if (!("from" in bounds)) return {};
  const side = (values: readonly string[], open: string): Json | undefined => {
    if (values.every((value) => value === open)) return undefined;
    const [only = null, ...more] = values.map(valueOption);
    return more.length === 0 ? only : [only, ...more];
  };
  const [from, to] = [side(bounds.from, MIN), side(bounds.to, MAX)];
  return { ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
}

function valueOption(literal: string): Json {
  if (literal === NULL) return null;
  if (literal === MIN) return { min: true };
  if (literal === MAX) return { max: true };
  return textOf(literal);
}

function textOf(literal: string): string {
  const text = literal.replace(/^E?'|'$/g, "").replaceAll("''", "'");
  return literal.startsWith("E") ? text.replaceAll("\\\\", "\\") : text;
}

/** Below 0, 0 or above 0 as PostgreSQL orders two edges of a type; undefined where only the server can tell (collations). */
export function compareEdges(a: string, b: string, type: string): number | undefined {
  if (a === b) return 0;
  if (a === MIN || b === MAX) return -1;
  if (a === MAX || b === MIN) return 1;
  const [left, right] = [textOf(a), textOf(b)];
  if (/^(smallint|integer|bigint|numeric|real|double)/.test(type)) return Number(left) - Number(right) || undefined;
  return /^(date$|timestamp|time |uuid$)/.test(type) && /^\d{4}-|^[0-9a-f]{8}-/.test(left + right) ? compareText(left, right) : undefined;
}
