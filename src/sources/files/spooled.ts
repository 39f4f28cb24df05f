import type { DuckDbSession } from "../../core/source.js";
import type { ParquetColumn } from "../../formats/parquet/schema.js";
import { SpoolFolder, spoolParquet } from "../../formats/spool.js";
import type { FileTable, Shape } from "./format.js";
import { shapeOf } from "./parquet.js";
import { unionColumns } from "./widen.js";

/** A file that is spooled as Parquet of these columns, before any of its rows is decoded. */
export interface DescribedFile {
  readonly path: string;
  readonly columns: readonly ParquetColumn[];
  /** Where metadata tells. */
  readonly rows: number | undefined;
  /** Rows of its stripes. */
  readonly groups?: readonly number[];
}

/** A table of files that DuckDB does not read: their columns are those of Parquet files without a row. */
export async function spooledTable(files: readonly DescribedFile[], db: DuckDbSession): Promise<FileTable> {
  const folder = new SpoolFolder("schemas");
  try {
    const shapes = new Map<string, { readonly shape: Shape; readonly file: string }>();
    const byPath = new Map<string, Shape>();
    for (const { path, columns } of files) {
      const key = JSON.stringify(columns);
      const known = shapes.get(key) ?? { file: path, shape: await emptyShape(columns, path, folder, db) };
      shapes.set(key, known);
      byPath.set(path, known.shape);
    }
    return {
      shapes: byPath,
      columns: unionColumns([...shapes.values()].map(({ shape, file }) => ({ file, ...shape }))),
      rows: new Map(files.flatMap(({ path, rows }) => (rows === undefined ? [] : [[path, rows]]))),
      groups: new Map(files.flatMap(({ path, groups }) => (groups === undefined ? [] : [[path, groups]]))),
      facts: [{ name: "schemas", value: String(shapes.size) }],
    };
  } finally {
    await folder.close();
  }
}

async function emptyShape(columns: readonly ParquetColumn[], path: string, folder: SpoolFolder, db: DuckDbSession): Promise<Shape> {
  const empty = await folder.file("parquet");
  await spoolParquet(empty, path, columns, async () => {});
  return shapeOf(db, empty);
}

/** Fields whose columns are read; the first where none is, since a Parquet file counts its rows by a column. */
export function keptFields<Field extends { readonly name: string }>(
  fields: readonly Field[],
  columns: ReadonlySet<string>,
): readonly Field[] {
  const some = fields.filter(({ name }) => columns.has(name.toLowerCase()));
  return some.length > 0 ? some : fields.slice(0, 1);
}
