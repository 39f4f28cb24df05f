import type { ChunkEvent } from "../../backfill/run.js";
import type { Conversation } from "../../core/conversation.js";
import { bytesText, durationText, rowsText } from "../../present/amounts.js";

/** Turns chunk events into lines: one that is replaced on a terminal, and one for each tenth of the way everywhere. */
export function progressOf(name: string, { say, warn, progress }: Conversation, now: () => number): (event: ChunkEvent) => void {
  const begun = now();
  const done = { chunks: 0, rows: 0n, bytes: 0, totalChunks: 0, totalBytes: 0, firstBytes: 0, tenth: 0 };
  const running = new Set<string>();

  const line = (): string => {
    const seconds = Math.max((now() - begun) / 1000, 0.001);
    const rate = `${rowsText(Number(done.rows) / seconds)}/s`;
    const read = done.bytes - done.firstBytes;
    const left = read > 0 ? `, ${durationText(((done.totalBytes - done.bytes) / read) * seconds)} left` : "";
    const share = `${done.chunks}/${done.totalChunks} chunks, ${bytesText(done.bytes)} of ${bytesText(done.totalBytes)}`;
    return `${name}: ${share}, ${rowsText(Number(done.rows))} loaded, ${rate}${left}`;
  };
  const tenth = (): number => (done.totalChunks === 0 ? 0 : Math.floor((done.chunks / done.totalChunks) * 10));

  return (event) => {
    switch (event.event) {
      case "planned": {
        Object.assign(done, { chunks: event.loaded, bytes: event.loadedBytes, firstBytes: event.loadedBytes });
        Object.assign(done, { totalChunks: event.chunks, totalBytes: event.bytes, tenth: 0 });
        done.tenth = tenth();
        const before = event.loaded === 0 ? "" : `, ${event.loaded} of them loaded already`;
        say(`${name}: ${event.chunks} chunks, ${bytesText(event.bytes)}${before}`);
        return;
      }
      case "started":
        running.add(event.chunk.title);
        progress(`${line()} (${[...running].join("; ")})`);
        return;
      case "retry":
        warn(`${name}: chunk ${event.chunk.title}: ${event.why} Trying again in ${event.seconds} s.`);
        return;
      case "hashing":
        say(`${name}: every row is loaded; ${event.chunks} chunks are hashed by the source's own SQL`);
        return;
      case "loaded":
        running.delete(event.chunk.title);
        done.chunks++;
        done.rows += event.rows;
        done.bytes += event.chunk.bytes;
        progress(line());
        if (tenth() > done.tenth) {
          done.tenth = tenth();
          say(line());
        }
    }
  };
}
