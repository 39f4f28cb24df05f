import type { At } from "../../core/source.js";
import type { LogicalType } from "../../core/types.js";
import { compareRows } from "./binary-row.js";
import { type PartitionTimes, partitionTimes } from "./chain-steps.js";
import { unsupported } from "./letters.js";
import type { DataFile } from "./manifests.js";
import { isPlainName } from "./metadata.js";
import { chainBranches } from "./options.js";
import { atomicType, type Partition, partitionFields } from "./partitions.js";
import { Schemas } from "./schema.js";
import { findBeside } from "./snapshots.js";
import { type PaimonTable, tableAt, visibleFiles } from "./table.js";

/*
 * Chain tables (Paimon 1.4, "Primary Key Table / Chain Table"; ChainGroupReadTable of the reference reader): one branch has
 * whole partitions, another what changed in each day or hour. A partition that only the latter has is what the last whole one
 * before it became by the changes since. Partitions of the table's own branch count before either.
 */

/** The table, and the partitions of both branches as another one; undefined where the table is no chain table. */
export async function chainOf(table: PaimonTable, at: At): Promise<readonly PaimonTable[] | undefined> {
  const names = chainBranches(table.options, table.found.branch);
  if (names === undefined) return undefined;
  const whole = await branchBeside(table, names.whole, table, at);
  const changes = await branchBeside(table, names.changes, whole ?? table, at);
  if (whole === undefined || changes === undefined) {
    const gone = whole === undefined ? names.whole : names.changes;
    return [
      { ...table, refused: [...table.refused, `option chain-table.enabled=true: the branch ${gone}, which has partitions, is not there`] },
    ];
  }
  const both: PaimonTable = {
    ...changes,
    chain: whole.found,
    refused: [...whole.refused, ...changes.refused],
    schemaOf: (file) => (file.branch === names.whole ? whole : changes).schemaOf(file),
    files: async () => {
      const files = async (branch: PaimonTable, name: string): Promise<readonly DataFile[]> =>
        visibleFiles(branch, await branch.files()).map((file) => ({ ...file, branch: name }));
      return chained(changes, await files(whole, names.whole), await files(changes, names.changes));
    },
  };
  return [table, both];
}

async function branchBeside(table: PaimonTable, name: string, other: PaimonTable, at: At): Promise<PaimonTable | undefined> {
  const found = isPlainName(name) ? await findBeside(table.storage, name, other.found, at) : undefined;
  const exists = found !== undefined && (await new Schemas(table.storage, found.folder).ids()).length > 0;
  return exists ? tableAt(table.storage, found) : undefined;
}

interface Dated {
  readonly partition: Partition;
  readonly bytes: Uint8Array;
  readonly files: readonly DataFile[];
}

function chained(table: PaimonTable, whole: readonly DataFile[], changes: readonly DataFile[]): readonly DataFile[] {
  const complete = byPartition(table, whole);
  const [anchors, days] = [[...complete.values()], byPartition(table, changes)];
  const alone = [...days].flatMap(([key, day]) => (complete.has(key) ? [] : [day]));
  if (alone.length === 0) return whole;
  const chain = chainColumns(table);
  return [...whole, ...alone.flatMap((day) => composed(day, lastBefore(day, anchors, chain), [...days.values()], chain))];
}

function byPartition(table: PaimonTable, files: readonly DataFile[]): ReadonlyMap<string, Dated> {
  const found = new Map<string, DataFile[]>();
  for (const file of files) {
    const key = Buffer.from(file.partition).toString("base64");
    found.set(key, [...(found.get(key) ?? []), file]);
  }
  return new Map(
    [...found].map(([key, list]) => {
      const bytes = Buffer.from(key, "base64");
      return [key, { partition: table.partitions.of(bytes, list[0]?.manifest ?? key), bytes, files: list }];
    }),
  );
}

interface Chain {
  /** How many partition columns come before those that the chain goes along. */
  readonly groups: number;
  readonly types: readonly LogicalType[];
  readonly times: PartitionTimes;
}

function chainColumns({ options, schema }: PaimonTable): Chain {
  const fields = partitionFields(schema);
  const named = (options.text("chain-table.chain-partition-keys") ?? "").split(",").filter((name) => name.trim() !== "");
  const along = fields.slice(fields.length - (named.length || fields.length));
  const types = along.map((field) => atomicType(field, `schema-${schema.id}`));
  const [pattern, format] = [options.text("partition.timestamp-pattern"), options.text("partition.timestamp-formatter")];
  const times = partitionTimes(
    along.map(({ name }) => name),
    pattern,
    format,
  );
  const known = types.every((type) => type.kind === "int" || (type.kind === "text" && !type.padded));
  if (times !== undefined && known) return { groups: fields.length - along.length, types, times };
  throw unsupported(
    `The chain table's partitions are times by the pattern ${pattern} and the format ${format}.`,
    "dw follows texts and whole numbers with yyyy, MM, dd, HH, mm and ss; which days lie between two others it would have to guess here.",
    "Read the branches of the chain by themselves with --ref.",
  );
}

function sameGroup(a: Dated, b: Dated, { groups }: Chain): boolean {
  return compareRows(a.partition.values.slice(0, groups), b.partition.values.slice(0, groups)) === 0;
}

function compareTimes(a: Dated, b: Dated, { groups }: Chain): number {
  return compareRows(a.partition.values.slice(groups), b.partition.values.slice(groups));
}

function lastBefore(day: Dated, anchors: readonly Dated[], chain: Chain): Dated | undefined {
  const before = anchors.filter((anchor) => sameGroup(anchor, day, chain) && compareTimes(anchor, day, chain) < 0);
  return before.reduce<Dated | undefined>(
    (last, anchor) => (last === undefined || compareTimes(anchor, last, chain) > 0 ? anchor : last),
    undefined,
  );
}

/** The files of a partition as of a day: the last whole one and the changes since, or all changes so far. */
function composed(day: Dated, anchor: Dated | undefined, days: readonly Dated[], chain: Chain): readonly DataFile[] {
  if (day.partition.values.includes(null)) {
    throw unsupported(
      `The chain table has the partition ${day.partition.title}, which is not of a day.`,
      "It has no place in the chain.",
      "Read the branches of the chain by themselves with --ref.",
    );
  }
  const until = days.filter((other) => sameGroup(other, day, chain) && compareTimes(other, day, chain) <= 0);
  const since =
    anchor === undefined ? until : until.filter((other) => compareTimes(other, anchor, chain) > 0 && isStep(other, anchor, day, chain));
  const files = [...(anchor?.files ?? []), ...since.flatMap((other) => other.files)];
  if (new Set(files.map(({ totalBuckets }) => totalBuckets)).size > 1) {
    throw unsupported(
      `The files of the partition ${day.partition.title} come from partitions with other numbers of buckets.`,
      "The same key lies in another bucket of each; Paimon does not read such a partition, either.",
      "Rescale the partitions with Paimon to one number of buckets, or read the branches by themselves with --ref.",
    );
  }
  return files.map((file) => ({ ...file, partition: day.bytes, stored: file.partition }));
}

const DAY = 86_400_000;
const HOUR = 3_600_000;

/** The reference goes from one whole partition to another by days, or by hours where several columns make the time. */
function isStep(step: Dated, anchor: Dated, until: Dated, chain: Chain): boolean {
  const [from, to] = [timeOf(anchor, chain), timeOf(until, chain)];
  const texts = step.partition.texts.slice(chain.groups);
  const time = chain.times.timeOf(texts);
  if (time === undefined || from > to || !written(chain, chain.times.textsOf(time), texts)) return false;
  const midnight = (of: number): number => Math.floor(of / DAY) * DAY;
  if (chain.types.length === 1) return time === midnight(time) && time > midnight(from) && time <= to;
  return time % HOUR === 0 && midnight(time) >= midnight(from) && (midnight(time) <= to || midnight(time) === midnight(from));
}

function timeOf({ partition }: Dated, { times, groups }: Chain): number {
  const time = times.timeOf(partition.texts.slice(groups));
  if (time !== undefined) return time;
  throw unsupported(
    `The chain table has the partition ${partition.title}, which is no time by its options.`,
    "It has no place in the chain; Paimon does not read such a table, either.",
    "Read the branches of the chain by themselves with --ref.",
  );
}

/** Whether a time is written as these values are. */
function written({ types }: Chain, texts: readonly string[] | undefined, values: readonly string[]): boolean {
  return (
    texts?.every((text, index) =>
      types[index]?.kind === "int" ? /^\d+$/.test(text) && String(BigInt(text)) === values[index] : text === values[index],
    ) ?? false
  );
}
