import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { Storage } from "../../../src/core/storage.js";
import { openOrc, type ReadRequest } from "../../../src/formats/orc/index.js";
import { openStoredOrc } from "../../../src/formats/orc/stored.js";
import { remoteStorage } from "../../../src/storage/remote.js";
import { Spool } from "../../../src/storage/spool.js";

const corpus = new URL("../../corpus/orc/", import.meta.url).pathname;

/** The corpus as if it lay on another machine, and how many bytes were asked for. */
function elsewhere(): { readonly storage: Storage; readonly bytes: () => number } {
  let bytes = 0;
  const storage = remoteStorage(
    {
      root: "mem://orc",
      stat: async (path) => ({ size: readFileSync(corpus + path).length, version: "1" }),
      get: async (path, start, length) => {
        bytes += length;
        return readFileSync(corpus + path).subarray(start, start + length);
      },
      list: async () => ({ files: [], folders: [] }),
    },
    new Spool(),
  );
  return { storage, bytes: () => bytes };
}

const requestOf = (fields: readonly number[], more: Partial<ReadRequest> = {}): ReadRequest => ({
  fields,
  batchRows: 1000,
  timestampUnit: "micros",
  ...more,
});

describe("an ORC file on another machine", () => {
  test.each(readdirSync(corpus).filter((name) => name.endsWith(".orc")))(
    "%s has the same columns, each brought by itself",
    async (name) => {
      const whole = readFileSync(corpus + name);
      const here = await openOrc({ size: whole.length, read: (start, length) => whole.subarray(start, start + length) });
      for (const field of here.schema.children.keys()) {
        const there = await openStoredOrc(elsewhere().storage, name, 0);
        await there.bring(requestOf([field]));
        expect([...there.orc.batches(requestOf([field]))]).toEqual([...here.batches(requestOf([field]))]);
        await there.close();
      }
    },
  );

  test("is not read whole for one column, and less for some of its rows", async () => {
    const name = "row_groups.orc";
    const asked = async (request: ReadRequest): Promise<number> => {
      const { storage, bytes } = elsewhere();
      const { bring, close } = await openStoredOrc(storage, name, 0);
      const opened = bytes();
      await bring(request);
      await close();
      return bytes() - opened;
    };
    const size = readFileSync(corpus + name).length;
    expect(await asked(requestOf([0]))).toBeLessThanOrEqual(size);
    expect(await asked(requestOf([0], { wanted: () => false }))).toBe(0);
  });

  test("is asked for its tail alone to be opened", async () => {
    const { storage, bytes } = elsewhere();
    await (await openStoredOrc(storage, "zlib.orc")).close();
    expect(bytes()).toBeLessThanOrEqual(64 * 1024);
  });

  test("gives no rows of what was not brought: a hole would read as zeros", async () => {
    const { orc, close } = await openStoredOrc(elsewhere().storage, "row_groups.orc", 0);
    expect(() => [...orc.batches(requestOf([0]))]).toThrow("were not asked for");
    await close();
  });
});
