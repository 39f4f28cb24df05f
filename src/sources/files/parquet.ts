import { nanKept } from "../../core/predicate.js";
import type { DuckDbSession, OpenSource, SourceColumn } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import { carried, checkedTime, logicalType, quoteName } from "../../core/transit.js";
import type { LogicalType } from "../../core/types.js";
import { int96Micros, int96Nanos } from "../../formats/parquet/int96.js";
import { type Change, changed } from "./changed.js";
import { footerFiles, type LocalFile } from "./footers.js";
import type { FileFormat, FileTable, Shape } from "./format.js";
import { type Legacy, legacyOf, proleptic } from "./legacy-calendar.js";
import type { TableFile } from "./listing.js";
import {
  isNothing,
  isZonedNanos,
  type Leaf,
  refuseNestedNanos,
  refuseTwins,
  refuseWideDecimals,
  timesOf,
  topLevel,
} from "./parquet-tree.js";
import { pathList } from "./path-list.js";
import { isLarge } from "./pieces.js";
import { unionColumns } from "./widen.js";

/** Parquet files, each with its own schema; columns are matched by name. */
export const parquet: FileFormat = { name: "parquet", extensions: ["parquet", "parq", "pq"], packed: false, cutBy: "row groups", describe };

async function describe(storage: Storage, files: readonly TableFile[], typed: OpenSource["typed"], db: DuckDbSession): Promise<FileTable> {
  const { locals, release } = await footerFiles(storage, files);
  try {
    const footers = await readFooters(db, locals);
    const shapes = new Map<string, Shape>();
    for (const footer of footers.values()) {
      if (!shapes.has(footer.schema)) shapes.set(footer.schema, await shapeOf(db, footer.local, footer.legacy, typed));
    }
    const shapeOfFile = (file: TableFile): Shape => {
      const shape = shapes.get(footers.get(file.path)?.schema ?? "");
      if (shape === undefined) throw new Error(`no footer of ${file.path}`);
      return shape;
    };
    const groups = new Map(files.map((file) => [shapeOfFile(file), file.path]));
    return {
      shapes: new Map(files.map((file) => [file.path, shapeOfFile(file)])),
      columns: unionColumns([...groups].map(([shape, file]) => ({ file, ...shape }))),
      rows: new Map([...footers].map(([path, footer]) => [path, footer.rows])),
      groups: await rowGroups(
        db,
        locals.filter(({ file }) => isLarge(file.size, footers.get(file.path)?.rows ?? 0) && isCut(shapeOfFile(file))),
      ),
      facts: [{ name: "schemas", value: String(shapes.size) }],
    };
  } finally {
    await release();
  }
}

/** Rows of each row group, by path; not of files that are read from copies, each part from one of its own. */
async function rowGroups(db: DuckDbSession, locals: readonly LocalFile[]): Promise<ReadonlyMap<string, readonly number[]>> {
  if (locals.length === 0) return new Map();
  const found = await db.rows<{ file: string; rows: string }>(
    `SELECT file_name AS file, list(rows ORDER BY id)::VARCHAR AS rows FROM (SELECT DISTINCT file_name, row_group_id AS id, row_group_num_rows AS rows, max(compression = 'LZ4') OVER (PARTITION BY file_name) AS copied FROM parquet_metadata(${pathList(locals.map(({ path }) => path))})) WHERE NOT copied GROUP BY file_name`,
  );
  const groups = new Map(found.map(({ file, rows }) => [file, JSON.parse(rows) as readonly number[]])); // a list of integers
  return new Map(locals.flatMap(({ file, path }) => (groups.has(path) ? [[file.path, groups.get(path) ?? []]] : [])));
}

/** Not where a column has the name that DuckDB has for positions, nor where each part would be read from a copy of the file. */
function isCut({ columns, zonedNanos, fineInt96 }: Shape): boolean {
  return zonedNanos === undefined && fineInt96 === undefined && !columns.some(({ name }) => name.toLowerCase() === "file_row_number");
}

interface Footer {
  readonly local: string;
  readonly schema: string;
  readonly rows: number;
  readonly legacy: Legacy;
}

/** All footers in a few queries. `schema` is equal for files whose schema trees, and calendars, are equal. */
async function readFooters(db: DuckDbSession, locals: readonly LocalFile[]): Promise<ReadonlyMap<string, Footer>> {
  const list = pathList(locals.map(({ path }) => path));
  const tree =
    "struct_pack(n := name, t := type, l := type_length, r := repetition_type, c := num_children, v := converted_type, s := scale, p := precision, g := logical_type)";
  const schemas = await db.rows<{ file: string; schema: string; int96: boolean }>(
    `SELECT file_name AS file, md5(list(${tree} ORDER BY place)::VARCHAR) AS schema, coalesce(bool_or(type = 'INT96'), false) AS int96 FROM (SELECT *, row_number() OVER () AS place FROM parquet_schema(${list})) GROUP BY ALL`,
  );
  const rows = await db.rows<{ file: string; rows: string }>(
    `SELECT file_name AS file, num_rows::BIGINT AS rows FROM parquet_file_metadata(${list})`,
  );
  const calendars = await db.rows<{ file: string; key: string; value: string }>(
    `SELECT file_name AS file, decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${list}) WHERE decode(key) IN (${calendarKeys})`,
  );
  const trees = new Map(schemas.map((row) => [row.file, row]));
  const rowsOf = new Map(rows.map((row) => [row.file, Number(row.rows)]));
  const said = new Map<string, Map<string, string>>();
  for (const { file, key, value } of calendars) said.set(file, (said.get(file) ?? new Map()).set(key, value));
  return new Map(
    locals.map(({ file, path }) => {
      const legacy = legacyOf(said.get(path) ?? new Map(), trees.get(path)?.int96 === true);
      const schema = `${trees.get(path)?.schema ?? ""} ${JSON.stringify(legacy)}`;
      return [file.path, { local: path, schema, rows: rowsOf.get(path) ?? 0, legacy }];
    }),
  );
}

const calendarKeys = [
  "org.apache.spark.version",
  "org.apache.spark.timeZone",
  "org.apache.spark.legacyDateTime",
  "org.apache.spark.legacyINT96",
  "writer.date.proleptic",
]
  .map((key) => `'${key}'`)
  .join(", ");

const modern: Legacy = { days: false, instants: false, int96: false };

/** The shape of a local Parquet file. */
export async function shapeOf(
  db: DuckDbSession,
  path: string,
  legacy: Legacy = modern,
  typed: OpenSource["typed"] = undefined,
): Promise<Shape> {
  const scan = (paths: readonly string[]): string => `read_parquet(${pathList(paths)}, hive_partitioning = false, union_by_name = false)`;
  const described = await db.rows<{ column_name: string; column_type: string }>(`DESCRIBE SELECT * FROM ${scan([path])}`);
  const leaves = await db.rows<Leaf>(
    `SELECT name, type, precision, logical_type, converted_type, num_children FROM parquet_schema(${pathList([path])})`,
  );
  refuseTwins(described, leaves, path);
  refuseWideDecimals(leaves, path);
  const calendar = proleptic(legacy);
  const times = timesOf(leaves, path);
  const isFine = (name: string): boolean => legacy.fine === true && times.get(name) === "INT96";
  const zoned = leaves.filter(isZonedNanos).map(({ name }) => name);
  refuseNestedNanos(zoned, new Set(described.map((column) => column.column_name)), path);
  const zonedNanos = new Set(zoned);
  const nothing = new Set(topLevel(leaves).flatMap(([column]) => (column !== undefined && isNothing(column) ? [column.name] : [])));
  return {
    columns: described.map((column) => ({
      name: column.column_name,
      type: ownType(
        column.column_type,
        zonedNanos.has(column.column_name),
        isFine(column.column_name) ? typed?.[column.column_name]?.type : undefined,
      ),
      nullable: true,
    })),
    scan,
    nothing,
    ...(legacy.fine && { fineInt96: true }),
    ...(zoned.length > 0 && { zonedNanos: zoned.length }),
    value: (column: SourceColumn) => {
      const name = quoteName(column.name);
      if (column.type.kind === "float") return nanKept(name);
      const change: Change = (sql, type) => {
        if (type.kind === "time") return timeSql(sql, type.precision);
        if (type.kind === "timestamp" && isFine(column.name)) return type.precision > 6 ? int96Nanos(sql) : int96Micros(sql);
        return calendar(sql, type, times.get(column.name));
      };
      return `CAST(${changed(name, column.type, change) ?? name} AS ${carried(column.name, column.type)})`;
    },
  };
}

function timeSql(sql: string, precision: number): string {
  const type = precision > 6 ? "TIME_NS" : "TIME";
  return checkedTime(`CAST(${sql} AS ${type})`, type);
}

/** A time of day that Parquet calls "adjusted to UTC" is read as one with a zone; the zone is always UTC. */
function ownType(text: string, zonedNanos: boolean, stated: LogicalType | undefined): LogicalType {
  const type = logicalType(text.replaceAll("TIME WITH TIME ZONE", "TIME"));
  if (stated?.kind === "timestamp" && stated.precision > 6 && type.kind === "timestamp") return { ...type, precision: 9 };
  return zonedNanos && type.kind === "timestamp" ? { kind: "timestamp", precision: 9, zoned: true } : type;
}
