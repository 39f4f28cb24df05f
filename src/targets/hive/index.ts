import { DwError, isDwError } from "../../core/errors.js";
import { tableMissing } from "../../core/ledger-letters.js";
import { measuresOf } from "../../core/measures.js";
import type { Columns } from "../../core/model.js";
import type { Hive, HiveSession } from "../../core/session.js";
import type { StorageWriter } from "../../core/storage.js";
import type { LoadedChunk, LoadSession, TargetColumn, TargetTable } from "../../core/target.js";
import { typeText } from "../../core/types.js";
import { type Described, described } from "../../engines/hive/described.js";
import { hive as builder } from "../../engines/hive/dialect.js";
import { logicalType } from "../../sources/hive/types.js";
import { filesTarget } from "../files/index.js";
import { hashesInHive, hiveCanonical } from "./canonical.js";

export interface HiveTargetOptions {
  readonly hive: Hive;
  readonly database: string;
  readonly table: string;
  /** Where files of a table are written, by the location that the metastore knows. */
  readonly writer: (location: string) => Promise<StorageWriter>;
}

const { sql, id, lit } = builder;

/**
 * A Parquet table of Hive. A chunk is one file, or one in each partition, written beside the table and renamed into it as for
 * a target of files; then the metastore learns of the partitions, which may be said twice. Counted and hashed by Hive's own SQL.
 */
export async function hiveTarget({ hive, database, table, writer }: HiveTargetOptions): Promise<TargetTable> {
  const session = await hive.session();
  try {
    const title = `${database}.${table}`;
    const found = await describe(session, database, table);
    refuseOther(title, found);
    for (const setting of SETTINGS) await session.query(setting);
    const partitionBy = found.partitions.map(({ name }) => name);
    const relation = id(database, table).text;
    const measures = measuresOf(hiveCanonical, (sql) => session.query(sql), relation);
    const files = filesTarget({
      format: "parquet",
      writer: await writer(found.location),
      partitionBy,
      columns: columnsOf(found),
      folderName: (name, value) => `${escaped(name)}=${value === null ? NO_VALUE : escaped(value)}`,
      metadata: METADATA,
      baseline: measures.fingerprint,
    });
    const place: Place = { session, relation, partitionBy };
    return {
      ...files,
      title,
      engine: "hive",
      route: "DuckDB writes Parquet files, Hive learns of their partitions",
      hashes: hashesInHive,
      columns: async () => targetColumns(found),
      start: async (identity, columns) => {
        const loading = await files.start(identity, columns);
        await tellPartitions(place, await loading.loaded()); // what a run that died has not said
        return telling(place, loading);
      },
      ...measures,
      close: async () => {
        await files.close();
        await session.close();
      },
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** Statistics know nothing of files that came beside Hive. */
const SETTINGS = ["SET hive.resultset.use.unique.column.names=false", "SET hive.compute.query.using.stats=false"];

/** What Hive asks a writer: whose calendar its days follow, and that its times are UTC's. */
const METADATA = { "writer.date.proleptic": "true", "writer.time.zone": "UTC", "writer.zone.conversion.legacy": "false" };

async function describe(session: HiveSession, database: string, table: string): Promise<Described> {
  await session.query("SET hive.ddl.output.format=json");
  try {
    const [row] = await session.query(sql`DESCRIBE EXTENDED ${id(database, table)}`.text);
    return described(Object.values(row ?? {})[0] ?? "{}");
  } catch (error) {
    if (isDwError(error) && /not found|10001|42S02/i.test(error.why)) throw tableMissing(`${database}.${table}`);
    throw error;
  } finally {
    await session.query("SET hive.ddl.output.format=text");
  }
}

function refuseOther(title: string, { type, table, format, buckets, skewed }: Described): void {
  const why =
    type !== "table"
      ? `It is a ${type}.`
      : table === "transactional"
        ? "It is transactional: only Hive itself writes files that its readers take."
        : format?.storedAs !== "PARQUET"
          ? `Its files are ${format?.storedAs ?? format?.storedBy ?? "of another kind"}.`
          : buckets > 0 || skewed !== undefined
            ? "Its rows lie in buckets or skewed folders, which Hive fills by its own hash."
            : undefined;
  if (why === undefined) return;
  throw new DwError("DW-CONNECTION-UNSUPPORTED", {
    what: `This version of dw does not load into ${title}.`,
    why,
    fix: "Load into a table STORED AS PARQUET beside it, and fill it with INSERT … SELECT.",
  });
}

function columnsOf({ columns, partitions }: Described): Columns {
  const all = [...columns, ...partitions];
  return Object.fromEntries(all.map(({ name, type }) => [name, { type: logicalType(type), nullable: true, comment: "" }]));
}

function targetColumns(found: Described): TargetColumn[] {
  const { columns, partitions } = found;
  const all = [...columns, ...partitions.map((column) => ({ ...column, nullable: true }))];
  return all.map(({ name, type: native, nullable }) => {
    const type = logicalType(native);
    if (type.kind === "native") throw unwritten(name, typeText(type));
    return { name, type, nullable, writable: true, hasDefault: false };
  });
}

function unwritten(name: string, type: string): DwError {
  return new DwError("DW-TYPE-UNSUPPORTED", {
    what: `Column ${name} is ${type}, which dw does not write for Hive.`,
    why: "How Hive would read it back from Parquet is not proved.",
    fix: "Load into a table with plain types, for example the JSON text of a nested value.",
  });
}

// ------------------------------------------------------------------------------------------------ partitions

interface Place {
  readonly session: HiveSession;
  readonly relation: string;
  readonly partitionBy: readonly string[];
}

function telling(place: Place, loading: LoadSession): LoadSession {
  return {
    ...loading,
    load: async (rows, signal) => {
      const loaded = await loading.load(rows, signal);
      await tellPartitions(place, [loaded]);
      return loaded;
    },
  };
}

/** Files that a chunk has brought: paths below the table's folder. */
const filesOf = (chunk: LoadedChunk): readonly { readonly path: string }[] =>
  "files" in chunk ? (chunk as LoadedChunk & { readonly files: readonly { readonly path: string }[] }).files : []; // targets/files adds them

async function tellPartitions({ session, relation, partitionBy }: Place, chunks: readonly LoadedChunk[]): Promise<void> {
  if (partitionBy.length === 0) return;
  const paths = chunks.flatMap(filesOf).map(({ path }) => path);
  const folders = new Set(paths.filter((path) => path.includes("=")).map((path) => path.slice(0, path.lastIndexOf("/"))));
  const known = new Set((await session.query(`SHOW PARTITIONS ${relation}`)).map((row) => Object.values(row)[0] ?? ""));
  for (const folder of folders) {
    if (known.has(folder)) continue;
    const values = folder.split("/").map((part) => {
      const at = part.indexOf("=");
      return `${id(unescaped(part.slice(0, at))).text} = ${lit(unescaped(part.slice(at + 1))).text}`;
    });
    await session.query(`ALTER TABLE ${relation} ADD IF NOT EXISTS PARTITION (${values.join(", ")})`);
  }
}

const NO_VALUE = "__HIVE_DEFAULT_PARTITION__";

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what has to be escaped
const UNSAFE = /[\x01-\x1f"#%'*/:=?\\\x7f{[\]^]/g;

/** As FileUtils.escapePathName of Hive. */
function escaped(value: string): string {
  return value.replace(UNSAFE, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

const unescaped = (value: string): string =>
  value.replace(/%[0-9A-F]{2}/g, (code) => String.fromCharCode(Number.parseInt(code.slice(1), 16)));
