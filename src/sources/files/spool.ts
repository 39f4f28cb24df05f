import { copyFile } from "node:fs/promises";
import type { Storage } from "../../core/storage.js";
import { unsupported } from "../../formats/damage.js";
import { checkPages } from "../../formats/parquet/checksums.js";
import { int96AsBytes } from "../../formats/parquet/int96.js";
import { withoutLz4 } from "../../formats/parquet/lz4.js";
import { withoutZone } from "../../formats/parquet/zoned-nanos.js";
import { SpoolFolder } from "../../formats/spool.js";
import type { RowRange } from "../../formats/vector.js";
import type { FileFormat, Shape, SpooledFile } from "./format.js";
import { copyLines } from "./lines.js";
import { compressionOf, type TableFile } from "./listing.js";
import type { Piece } from "./pieces.js";
import { startsWithMark, unpack } from "./unpack.js";

/** What of a file will be read. */
export interface Reading extends Pick<SpooledFile, "typed" | "columns" | "conditions"> {
  readonly shape: Shape;
}

/** Paths that DuckDB can open, for the time that a chunk is open: the files themselves, or copies in a folder of ours. */
export class LocalCopies {
  private readonly folder = new SpoolFolder("files");
  private readonly releases: (() => Promise<void>)[] = [];

  constructor(
    private readonly storage: Storage,
    private readonly format: FileFormat,
  ) {}

  async path({ file, part }: Piece, reading: Reading): Promise<string> {
    const { storage, format } = this;
    if (format.spool !== undefined) {
      const to = await this.folder.file("parquet");
      await format.spool({ storage, path: file.path, to, part, ...reading });
      if (reading.shape.zonedNanos !== undefined) withoutZone(to);
      return to;
    }
    if (format.cutBy === "lines" && part !== undefined) return this.lines(file, part);
    const local = await storage.local(file.path);
    this.releases.push(local.release);
    if (format.name === "parquet") return this.parquet(local.path, file, part, reading);
    const compression = compressionOf(file.path);
    const { transcribe } = reading.shape;
    const isPlain = async (): Promise<boolean> => compression === "none" && !(await startsWithMark(local.path, compression, file));
    if (!format.packed || (transcribe === undefined && (await isPlain()))) return local.path;
    const copy = await this.folder.file("text");
    await unpack(local.path, copy, compression, file.path, file.size, transcribe?.(file.path));
    return copy;
  }

  /** A file that DuckDB does not read as it is, as a copy that it does. */
  private async parquet(local: string, file: TableFile, rows: RowRange | undefined, { shape, columns }: Reading): Promise<string> {
    const { zonedNanos, fineInt96 } = shape;
    const names = new Set([...columns].map((column) => column.toLowerCase()));
    await checkPages(local, file.path, { column: ({ name }) => names.has(name.toLowerCase()), ...(rows && { rows }) });
    const copy = await this.folder.file("parquet");
    const isCopied = await withoutLz4(local, copy, file.path);
    if (zonedNanos === undefined && fineInt96 === undefined) return isCopied ? copy : local;
    if (!isCopied) await copyFile(local, copy);
    if (fineInt96) await int96AsBytes(copy, file.path);
    if (zonedNanos === undefined || withoutZone(copy) === zonedNanos) return copy;
    throw unsupported(
      `${file.path} has nanoseconds with a time zone in a form that dw does not know.`,
      "DuckDB would cut them to microseconds.",
      "Rewrite the column with microseconds, or without a time zone.",
    );
  }

  private async lines(file: TableFile, part: RowRange): Promise<string> {
    const copy = await this.folder.file("text");
    await copyLines(this.storage, file, part, copy);
    if (part.start > 0 || !(await startsWithMark(copy, "none", file))) return copy;
    const unmarked = await this.folder.file("text");
    await unpack(copy, unmarked, "none", file.path, file.size);
    return unmarked;
  }

  async release(): Promise<void> {
    await Promise.all(this.releases.splice(0).map((release) => release()));
    await this.folder.close();
  }
}
