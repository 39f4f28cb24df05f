import type { Condition } from "../../core/predicate.js";
import type { DuckDbSession, OpenSource, SourceColumn } from "../../core/source.js";
import type { Storage } from "../../core/storage.js";
import type { RowRange } from "../../formats/vector.js";
import type { TableFile } from "./listing.js";

/** What files of one shape have in common, and how DuckDB reads them. */
export interface Shape {
  /** Columns in the files, without those that folders give. */
  readonly columns: readonly SourceColumn[];
  /** The table function's call for local paths of files that have this shape. */
  readonly scan: (paths: readonly string[]) => string;
  /** Names of columns that the files say to hold only NULLs: any type holds these. */
  readonly nothing?: ReadonlySet<string>;
  /** For text that DuckDB does not read as it is: the file's bytes, unpacked, as those that it does. `name` is for messages. */
  readonly transcribe?: (name: string) => (bytes: AsyncIterable<Uint8Array>) => AsyncIterable<string>;
  /** Whether times in INT96 may be finer than microseconds, which DuckDB cuts: such files are read from copies that give their bytes. */
  readonly fineInt96?: true;
  /** How many columns have nanoseconds with a zone, which DuckDB cuts: such files are read from copies where they have none. */
  readonly zonedNanos?: number;
  /** A column as SQL over that scan, in the type that the table has for it. */
  readonly value: (column: SourceColumn) => string;
}

export interface FileTable {
  /** The shape of each file, by path. */
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly columns: readonly SourceColumn[];
  /** Rows by path, where metadata tells. */
  readonly rows: ReadonlyMap<string, number>;
  /** Rows of each row group or stripe by path, of files that are cut there. */
  readonly groups?: ReadonlyMap<string, readonly number[]>;
  /** What was found out about the format, for `dw inspect`. */
  readonly facts: readonly { readonly name: string; readonly value: string }[];
}

/** Of stripes, blocks and lines only those are brought here that are read. */
export type CutBy = "row groups" | "stripes" | "blocks" | "lines";

export interface FileFormat {
  readonly name: "parquet" | "csv" | "jsonl" | "orc" | "avro";
  readonly extensions: readonly string[];
  /** Whether a compressed file has to be unpacked first. Parquet compresses inside. */
  readonly packed: boolean;
  /** Where a large file is cut, so that it is more than one chunk; absent where no place is known to be safe. */
  readonly cutBy?: CutBy;
  readonly describe: (
    storage: Storage,
    files: readonly TableFile[],
    typed: OpenSource["typed"],
    db: DuckDbSession,
    stated: readonly string[],
  ) => Promise<FileTable>;
  /** For formats that DuckDB does not read: writes the file as Parquet, which the shapes' scans then read. */
  readonly spool?: (file: SpooledFile) => Promise<void>;
}

export interface SpooledFile {
  readonly storage: Storage;
  readonly path: string;
  /** The local file to write. */
  readonly to: string;
  readonly typed: OpenSource["typed"];
  /** Positions of the rows that are read, of whole stripes; or of bytes, in which the markers before blocks begin. All when absent. */
  readonly part: RowRange | undefined;
  /** Names of the columns that will be read. */
  readonly columns: ReadonlySet<string>;
  /** Rows for which one of them is not true may be left out. They are about columns of the file, as the table types them. */
  readonly conditions: readonly Condition[];
}
