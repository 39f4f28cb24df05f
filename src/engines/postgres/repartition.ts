import { textHash } from "../../core/build-plan.js";
import { type CatalogObject, displayName } from "../../core/catalog.js";
import type { Hazard } from "../../core/hazard.js";
import { type Json, sameJson, stableJson } from "../../core/json.js";
import type { StatementBody } from "../../core/plan.js";
import type { Sql } from "../../core/sql.js";
import { template } from "../../render/template.js";
import type { PartitionBody, PartitioningBody, TableBody } from "./body.js";
import { columnList } from "./create.js";
import { derivedName, id, join, lit, raw, sql } from "./dialect.js";
import { block } from "./grants.js";
import { allPartitions, boundsClause, compareEdges, createPartition } from "./partitions.js";
import { hazard, statement } from "./statements.js";

/*
 * Partitions that come, go and change their bounds. What has to step aside is detached, new partitions are made, and rows
 * that fit them move there from what was detached and from the default partition: in one transaction, so that readers never
 * miss a row. A partition that goes keeps its rows where no other takes them: it is held, and `down` brings it back.
 */

const moveText = template("postgres/move-fitting.sql", { targets: "sql", move: "sql" });
const noneLeftText = template("postgres/none-left.sql", { table: "sql", message: "sql" });

interface Level {
  readonly object: CatalogObject;
  readonly schema: string;
  readonly parent: string;
  readonly body: TableBody;
}

type Pair = { readonly from: PartitionBody; readonly to: PartitionBody };

/** One level's partitions, by what happens to them. */
interface Moves {
  readonly renamed: readonly Pair[];
  readonly added: readonly PartitionBody[];
  readonly removed: readonly PartitionBody[];
  /** Bounds that only become wider: attached again, its rows stay where they are. */
  readonly widened: readonly Pair[];
  /** Made again, and filled from what it was. */
  readonly remade: readonly Pair[];
  /** Unchanged, with partitions of their own. */
  readonly kept: readonly Pair[];
  readonly fallback: PartitionBody | undefined;
}

export function alterPartitions(object: CatalogObject, from: PartitioningBody, to: PartitioningBody): StatementBody[] {
  const [schema = "", parent = ""] = object.name;
  const body = object.body as TableBody; // only tables are partitioned
  return alterLevel({ object, schema, parent, body }, from, to);
}

function alterLevel(level: Level, from: PartitioningBody, to: PartitioningBody): StatementBody[] {
  const moves = movesBetween(level, from, to);
  const below = moves.kept.flatMap((pair) =>
    pair.from.partitioning && pair.to.partitioning && !sameJson(asJson(pair.from.partitioning), asJson(pair.to.partitioning))
      ? alterLevel({ ...level, parent: pair.to.name }, pair.from.partitioning, pair.to.partitioning)
      : [],
  );
  return [...moves.renamed.map((pair) => renamePartition(level, pair)), ...alterHere(level, moves, from), ...below];
}

const asJson = (value: PartitionBody | PartitioningBody): Json => value as unknown as Json; // bodies are JSON

function movesBetween(level: Level, from: PartitioningBody, to: PartitioningBody): Moves {
  const before = new Map(from.partitions.map((partition) => [partition.name, partition]));
  const after = new Map(to.partitions.map((partition) => [partition.name, partition]));
  const gone = from.partitions.filter(({ name }) => !after.has(name));
  const come = to.partitions.filter(({ name }) => !before.has(name));
  const renamed = gone.flatMap((old): Pair[] => {
    const twin = come.find((next) => sameJson(asJson({ ...next, name: "" }), asJson({ ...old, name: "" })));
    return twin === undefined ? [] : [{ from: old, to: twin }];
  });
  const both = to.partitions.flatMap((next): Pair[] => {
    const old = before.get(next.name);
    return old === undefined ? [] : [{ from: old, to: next }];
  });
  const stays = (pair: Pair): boolean => sameBounds(pair) && sameNature(pair);
  const widens = (pair: Pair): boolean => !stays(pair) && sameNature(pair) && isWider(level, to, pair);
  return {
    renamed,
    added: come.filter((next) => !renamed.some((pair) => pair.to === next)),
    removed: gone.filter((old) => !renamed.some((pair) => pair.from === old)),
    widened: both.filter(widens),
    remade: both.filter((pair) => !stays(pair) && !widens(pair)),
    kept: both.filter((pair) => stays(pair) || widens(pair)),
    fallback: both.find((pair) => stays(pair) && "default" in pair.to.bounds)?.to,
  };
}

const sameBounds = ({ from, to }: Pair): boolean => sameJson(from.bounds, to.bounds);

/** Both hold rows themselves, or both are partitioned in the same way. */
function sameNature({ from, to }: Pair): boolean {
  const [a, b] = [from.partitioning, to.partitioning];
  if (a === undefined || b === undefined) return a === b;
  return a.strategy === b.strategy && sameJson(a.columns, b.columns);
}

function isWider({ body }: Level, { columns }: PartitioningBody, { from, to }: Pair): boolean {
  if ("values" in from.bounds && "values" in to.bounds) {
    const { values } = to.bounds;
    return from.bounds.values.every((value) => values.includes(value));
  }
  if (!("from" in from.bounds && "from" in to.bounds) || columns.length !== 1) return false;
  const type = body.columns.find(({ name }) => name === columns[0])?.type ?? "";
  const low = compareEdges(to.bounds.from[0] ?? "", from.bounds.from[0] ?? "", type);
  const high = compareEdges(from.bounds.to[0] ?? "", to.bounds.to[0] ?? "", type);
  return low !== undefined && high !== undefined && low <= 0 && high <= 0;
}

function renamePartition({ schema }: Level, { from, to }: Pair): StatementBody {
  const rename = (a: string, b: string): Sql => sql`ALTER TABLE ${id(schema, a)} RENAME TO ${id(b)}`;
  return statement(rename(from.name, to.name), { undo: [rename(to.name, from.name)] });
}

function alterHere(level: Level, moves: Moves, from: PartitioningBody): StatementBody[] {
  const { schema, parent } = level;
  const { added, removed, widened, remade, fallback } = moves;
  const made = [...added, ...remade.map(({ to }) => to)];
  const aside = [...removed, ...remade.map((pair) => pair.from)];
  if (made.length + aside.length + widened.length === 0) return [];
  const held = derivedName([schema, parent, textHash(stableJson(asJson(from))).slice(0, 6)], "dw_held");
  const place: Place = { ...level, held };
  const emptied = made.length + widened.length > 0 ? fallback : undefined;
  const filled = [...made, ...widened.map(({ to }) => to)].filter(({ bounds }) => !("default" in bounds));
  const catchesAll = fallback !== undefined || made.some(({ bounds }) => "default" in bounds);
  const texts: readonly Sql[] = [
    ...(aside.length === 0 ? [] : [sql`CREATE SCHEMA ${id(held)}`]),
    ...aside.flatMap((partition) => [detach(level, partition.name), ...setSchemas(partition, schema, held)]),
    ...[...widened.map(({ to }) => to), ...(emptied ? [emptied] : [])].map(({ name }) => detach(level, name)),
    ...made.flatMap((partition) => createPartition(schema, parent, partition)),
    ...widened.map(({ to }) => attach(level, to)),
    ...(emptied ? [moveFitting(place, id(schema, emptied.name), filled), attach(level, emptied)] : []),
    ...aside.flatMap((partition) =>
      catchesAll ? [moveAll(place, partition)] : filled.length > 0 ? [moveFitting(place, id(held, partition.name), filled)] : [],
    ),
    ...remade.flatMap((pair) => [noneLeft(place, pair.from), ...dropHeld(place, pair.from)]),
    ...(catchesAll ? removed.flatMap((partition) => dropHeld(place, partition)) : []),
    ...(aside.length > 0 && (catchesAll || removed.length === 0) ? [sql`DROP SCHEMA ${id(held)}`] : []),
  ];
  const kept = catchesAll ? [] : removed;
  const undo = wayBack(place, moves, kept);
  return [
    ...texts.map((text, index) =>
      statement(text, index === 0 ? { hazards: hazardsOf(level, moves, kept), ...(undo && { undo }) } : { undo: [] }),
    ),
    ...farewell(place, kept),
  ];
}

interface Place extends Level {
  /** The schema of what is detached. */
  readonly held: string;
}

function detach({ schema, parent }: Level, name: string): Sql {
  return sql`ALTER TABLE ${id(schema, parent)} DETACH PARTITION ${id(schema, name)}`;
}

function attach({ schema, parent }: Level, { name, bounds }: PartitionBody): Sql {
  return sql`ALTER TABLE ${id(schema, parent)} ATTACH PARTITION ${id(schema, name)} ${boundsClause(bounds)}`;
}

/** A partitioned table moves alone: its partitions have to be named. */
function setSchemas(partition: PartitionBody, from: string, to: string): Sql[] {
  return [partition, ...allPartitions(partition.partitioning)].map(({ name }) => sql`ALTER TABLE ${id(from, name)} SET SCHEMA ${id(to)}`);
}

/** Columns that are inserted: computed ones compute themselves. */
function columnsOf({ body }: Level): Sql {
  return columnList(body.columns.filter(({ generated }) => generated === undefined).map(({ name }) => name));
}

function moveFitting(level: Place, source: Sql, targets: readonly PartitionBody[]): Sql {
  const { schema, parent } = level;
  const plain = (text: Sql): Sql => raw(text.text.replaceAll("%", "%%")); // format() reads what follows
  const [from, to, columns] = [plain(source), plain(id(schema, parent)), plain(columnsOf(level))];
  const move = sql`WITH moved AS (DELETE FROM ${from} WHERE %s RETURNING *) INSERT INTO ${to} (${columns}) SELECT ${columns} FROM moved`;
  const list = join(targets.map(({ name }) => sql`${lit(id(schema, name).text)}::regclass`));
  return raw(block(moveText({ targets: sql`ARRAY[${list}]`, move: lit(move.text) })));
}

function moveAll(level: Place, { name }: PartitionBody): Sql {
  const columns = columnsOf(level);
  return sql`WITH moved AS (DELETE FROM ${id(level.held, name)} RETURNING *) INSERT INTO ${id(level.schema, level.parent)} (${columns}) SELECT ${columns} FROM moved`;
}

function noneLeft({ held, schema, parent }: Place, { name }: PartitionBody): Sql {
  const message = lit(`Rows of ${schema}.${name} fit no partition of ${schema}.${parent} any more`);
  return raw(block(noneLeftText({ table: id(held, name), message })));
}

function dropHeld({ held }: Place, { name }: PartitionBody): Sql[] {
  return [sql`DROP TABLE ${id(held, name)}`];
}

function farewell({ held }: Place, kept: readonly PartitionBody[]): StatementBody[] {
  if (kept.length === 0) return [];
  const texts = [...kept.map(({ name }) => sql`DROP TABLE IF EXISTS ${id(held, name)}`), sql`DROP SCHEMA IF EXISTS ${id(held)}`];
  return texts.map((text) => ({ ...statement(text), repeatable: true, held: true }));
}

function hazardsOf({ object }: Level, moves: Moves, kept: readonly PartitionBody[]): Hazard[] {
  const where = displayName(object.name);
  const names = (partitions: readonly PartitionBody[]): string => partitions.map(({ name }) => name).join(", ");
  const { added, removed, remade, widened, fallback } = moves;
  const moved = [...remade.map(({ from }) => from), ...removed.filter((partition) => !kept.includes(partition))];
  const read = [...widened.map(({ to }) => to), ...(fallback && added.length + remade.length + widened.length > 0 ? [fallback] : [])];
  return [
    ...(kept.length === 0 ? [] : [hazard("data-loss", `Rows of ${names(kept)} that no other partition takes leave ${where}.`)]),
    ...(moved.length === 0
      ? []
      : [hazard("rewrites-table", `Rows of ${names(moved)} are written again, into other partitions of ${where}.`)]),
    ...(read.length === 0
      ? []
      : [hazard("blocks-writes", `${where} is locked while every row of ${names(read)} is held against the new bounds.`)]),
  ];
}

/** Partitions that only come are dropped again, empty or not; ones that only go are attached again. */
function wayBack(place: Place, { added, removed, remade, widened, fallback }: Moves, kept: readonly PartitionBody[]): Sql[] | undefined {
  const { schema, held } = place;
  if (remade.length + widened.length > 0) return undefined;
  if (removed.length === 0 && fallback === undefined) return added.map(({ name }) => sql`DROP TABLE ${id(schema, name)}`);
  if (added.length > 0 || kept.length < removed.length) return undefined;
  return [
    ...removed.flatMap((partition) => [...setSchemas(partition, held, schema), attach(place, partition)]),
    sql`DROP SCHEMA ${id(held)}`,
  ];
}
