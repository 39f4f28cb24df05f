import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";

/*
 * DuckDB has no zoned timestamps of nanoseconds and reads such a column cut to microseconds. As timestamps without zone it
 * keeps every digit, and of the file only one flag says which it is: TimestampType.isAdjustedToUTC in the footer
 * (parquet.thrift, LogicalType). In a copy of the file that flag is turned.
 */

/** LogicalType.TIMESTAMP { isAdjustedToUTC: true, unit: NANOS } in Thrift's compact protocol; the second byte is the flag. */
const zonedNanos = Buffer.from([0x8c, 0x11, 0x1c, 0x3c, 0x00, 0x00, 0x00]);
const FLAG = 1;
const FALSE = 0x12;
const TAIL_BYTES = 8;

/** Turns the flag of all such columns in a file of our own, and says how many there were. What is no Parquet file stays as it is. */
export function withoutZone(path: string): number {
  const file = openSync(path, "r+");
  try {
    const { size } = fstatSync(file);
    const tail = Buffer.alloc(TAIL_BYTES);
    readSync(file, tail, 0, TAIL_BYTES, Math.max(0, size - TAIL_BYTES));
    const start = size - TAIL_BYTES - tail.readUInt32LE(0);
    if (tail.toString("latin1", 4) !== "PAR1" || start < 0) return 0;
    const footer = Buffer.alloc(size - TAIL_BYTES - start);
    readSync(file, footer, 0, footer.length, start);
    let turned = 0;
    for (let at = footer.indexOf(zonedNanos); at >= 0; at = footer.indexOf(zonedNanos, at + 1)) {
      footer[at + FLAG] = FALSE;
      turned++;
    }
    writeSync(file, footer, 0, footer.length, start);
    return turned;
  } finally {
    closeSync(file);
  }
}
