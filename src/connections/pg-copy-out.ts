import type { Duplex } from "node:stream";
import type { Client, Connection } from "pg";

/*
 * The bytes of `COPY … TO STDOUT`. A server sends a message a row (manual, "COPY Operations"), and the driver would make an
 * object of each; here the messages of what one read of the socket brought lose their heads in place and go on as one piece.
 */

const COPY_DATA = 0x64;
const COPY_DONE = 0x63;
/** CopyOutResponse, NoticeResponse, ParameterStatus, NotificationResponse: they may stand before or between rows. */
const PASSED_OVER: ReadonlySet<number> = new Set([0x48, 0x4e, 0x53, 0x41]);
/** A byte for the kind and four for the length, which counts itself. */
const HEAD = 5;
/** Bytes that may wait for the reader before the server has to. */
const MOST_WAITING = 1024 * 1024;

export async function* copiedOut(client: Client, copy: string): AsyncGenerator<Uint8Array> {
  const query = new CopyOut(copy);
  client.query(query);
  yield* query.pieces();
}

/** What the driver calls a query: it is given the connection when its turn has come, and is told how the server's answer ends. */
class CopyOut {
  readonly text: string;
  #stream: Duplex | undefined;
  /** The driver's own listener, which takes over again after the last row. */
  #driver: ((bytes: Uint8Array) => void) | undefined;
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #ended = false;
  #error: unknown;
  #wake: () => void = () => {};
  /** The beginning of a head that the last read has cut. */
  #cut: Buffer = Buffer.alloc(0);
  /** Bytes that are still to come of the message at hand. */
  #left = 0;
  #isRow = false;

  constructor(text: string) {
    this.text = text;
  }

  submit(connection: Connection): void {
    this.#stream = connection.stream;
    const [driver, ...others] = this.#stream.listeners("data");
    if (driver === undefined || others.length > 0) throw new Error("the driver listens otherwise than it did");
    this.#driver = driver as (bytes: Uint8Array) => void; // a listener of "data"
    this.#stream.removeListener("data", this.#driver);
    this.#stream.on("data", this.#take);
    connection.query(this.text);
  }

  handleError(error: unknown): void {
    this.#giveBack(undefined);
    this.#error = error;
    this.#end();
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *pieces(): AsyncGenerator<Uint8Array> {
    try {
      while (true) {
        const pieces = this.#waiting.splice(0);
        this.#bytes = 0;
        if (this.#stream?.isPaused()) this.#stream.resume();
        yield* pieces;
        if (this.#waiting.length > 0) continue;
        if (this.#error !== undefined) throw this.#error;
        if (this.#ended) return;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    } finally {
      // A reader who leaves before the end: the server would go on sending into the driver's next answer.
      if (!this.#ended) this.#stream?.destroy();
    }
  }

  readonly #take = (read: Buffer): void => {
    const bytes = this.#cut.length > 0 ? Buffer.concat([this.#cut, read]) : read;
    this.#cut = Buffer.alloc(0);
    const rows = this.#withoutHeads(bytes);
    if (rows > 0) {
      this.#waiting.push(bytes.subarray(0, rows));
      this.#bytes += rows;
      if (this.#bytes >= MOST_WAITING && this.#driver !== undefined) this.#stream?.pause();
    }
    this.#wake();
  };

  /** Moves the rows' bytes to the front; answers how many there are. */
  #withoutHeads(bytes: Buffer): number {
    let [at, kept] = [0, 0];
    while (at < bytes.length) {
      if (this.#left > 0) {
        const end = Math.min(at + this.#left, bytes.length);
        this.#left -= end - at;
        if (this.#isRow) {
          if (at !== kept) bytes.copyWithin(kept, at, end);
          kept += end - at;
        }
        at = end;
        continue;
      }
      const kind = bytes[at] ?? 0;
      const isRow = kind === COPY_DATA;
      if (!isRow && kind !== COPY_DONE && !PASSED_OVER.has(kind)) return this.#leave(bytes.subarray(at), kept);
      if (at + HEAD > bytes.length) {
        this.#cut = Buffer.from(bytes.subarray(at));
        return kept;
      }
      if (kind === COPY_DONE) return this.#leave(bytes.subarray(at + HEAD), kept);
      this.#left = bytes.readInt32BE(at + 1) + 1 - HEAD;
      this.#isRow = isRow;
      at += HEAD;
    }
    return kept;
  }

  /** The end of the rows, or an error in their place: the rest is the driver's. */
  #leave(rest: Buffer, kept: number): number {
    this.#giveBack(Buffer.from(rest)); // a copy: the rows' bytes are moved within the same memory
    return kept;
  }

  #giveBack(rest: Buffer | undefined): void {
    const [stream, driver] = [this.#stream, this.#driver];
    if (stream === undefined || driver === undefined) return;
    this.#driver = undefined;
    stream.removeListener("data", this.#take);
    stream.on("data", driver);
    if (rest !== undefined && rest.length > 0) driver(rest);
    if (stream.isPaused()) stream.resume();
  }
}
