import { existsSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { DwError } from "../../../src/core/errors.js";
import { type RemoteFiles, remoteStorage } from "../../../src/storage/remote.js";
import { Spool } from "../../../src/storage/spool.js";

/** Files in memory, and a record of what was asked of them. */
function memory(files: Record<string, string>): RemoteFiles & { readonly asked: string[]; readonly versions: Map<string, string> } {
  const asked: string[] = [];
  const versions = new Map<string, string>();
  return {
    root: "mem://root",
    asked,
    versions,
    stat: async (path) => {
      asked.push(`stat ${path}`);
      const text = files[path];
      return text === undefined ? undefined : { size: text.length, version: versions.get(path) ?? "1" };
    },
    get: async (path, start, length) => {
      asked.push(`get ${path} ${start}+${length}`);
      const text = files[path];
      return text === undefined ? undefined : Buffer.from(text.slice(start, start + length));
    },
    list: async () => ({ files: Object.entries(files).map(([path, text]) => ({ path, size: text.length, version: "1" })), folders: [] }),
  };
}

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

describe("small reads", () => {
  test("are asked for once, also when several ask at the same time", async () => {
    const files = memory({ a: "0123456789" });
    const storage = remoteStorage(files, new Spool());
    const [one, two] = await Promise.all([storage.read("a"), storage.read("a")]);
    expect([one, two, await storage.read("a")].map(text)).toEqual(["0123456789", "0123456789", "0123456789"]);
    expect(text(await storage.read("a", { start: 2, length: 3 }))).toBe("234");
    expect(files.asked.filter((line) => line.startsWith("get"))).toEqual(["get a 0+10", "get a 2+3"]);
  });

  test("that failed are asked for again", async () => {
    const files = memory({ a: "x" });
    let failures = 1;
    const get: RemoteFiles["get"] = async (...part) => {
      if (failures-- > 0) throw new DwError("DW-CONNECT", { what: "no", why: "no", fix: "no" });
      return files.get(...part);
    };
    const storage = remoteStorage({ ...files, get }, new Spool());
    await expect(storage.read("a")).rejects.toMatchObject({ code: "DW-CONNECT" });
    expect(text(await storage.read("a"))).toBe("x");
  });

  test("past the end are damage, and outside of the root are refused", async () => {
    const storage = remoteStorage(memory({ a: "0123456789" }), new Spool());
    await expect(storage.read("a", { start: 5, length: 6 })).rejects.toMatchObject({ code: "DW-FILE-CORRUPT" });
    for (const path of ["../a", "x/../../a", "/a", "s3://other/a", "a\0"]) {
      await expect(storage.read(path)).rejects.toMatchObject({ code: "DW-FILE-OUTSIDE" });
      await expect(storage.local(path)).rejects.toMatchObject({ code: "DW-FILE-OUTSIDE" });
    }
    expect(text(await storage.read("x/../a", { start: 0, length: 1 }))).toBe("0");
  });

  test("of a size known from a listing need no question about it", async () => {
    const files = memory({ a: "0123456789" });
    const storage = remoteStorage(files, new Spool());
    await storage.list("");
    expect(await storage.size("a")).toBe(10);
    expect(files.asked).toEqual([]);
  });
});

describe("spooled copies", () => {
  test("are made once for all who ask, and hold the file", async () => {
    const files = memory({ "a.parquet": "content" });
    const storage = remoteStorage(files, new Spool());
    const copies = await Promise.all([storage.local("a.parquet"), storage.local("a.parquet")]);
    expect(new Set(copies.map(({ path }) => path)).size).toBe(1);
    expect(copies.map(({ path }) => readFileSync(path, "utf8"))).toEqual(["content", "content"]);
    expect(copies[0]?.path).toMatch(/\.parquet$/);
    expect(files.asked.filter((line) => line.startsWith("get"))).toHaveLength(1);
    expect(text(await storage.read("a.parquet", { start: 3, length: 4 }))).toBe("tent"); // from the copy
    expect(files.asked.filter((line) => line.startsWith("get"))).toHaveLength(1);
  });

  test("the least recently used of those let go make room; those in use stay", async () => {
    const storage = remoteStorage(memory({ a: "aaaa", b: "bbbb", c: "cccc", d: "dddd" }), new Spool(8));
    const [a, b, c] = [await storage.local("a"), await storage.local("b"), await storage.local("c")];
    expect([a, b, c].map(({ path }) => existsSync(path))).toEqual([true, true, true]); // above the bound, but in use
    await b.release();
    expect([a, b, c].map(({ path }) => existsSync(path))).toEqual([true, false, true]);
    await c.release();
    await a.release();
    const d = await storage.local("d");
    expect([a, c, d].map(({ path }) => existsSync(path))).toEqual([true, false, true]);
    await d.release();
    await storage.close?.();
    expect([a, d].map(({ path }) => existsSync(path))).toEqual([false, false]);
  });

  test("releasing twice lets go once", async () => {
    const storage = remoteStorage(memory({ a: "aaaa", b: "bbbb" }), new Spool(0));
    const [one, two] = [await storage.local("a"), await storage.local("a")];
    await one.release();
    await one.release();
    expect(existsSync(two.path)).toBe(true);
    await two.release();
    expect(existsSync(two.path)).toBe(false);
  });

  test("what was prefetched is not fetched again; what failed to be is told when it is used", async () => {
    const files = memory({ a: "aaaa" });
    const storage = remoteStorage(files, new Spool());
    storage.prefetch?.(["a", "nothing"]);
    expect(readFileSync((await storage.local("a")).path, "utf8")).toBe("aaaa");
    expect(files.asked.filter((line) => line.startsWith("get"))).toHaveLength(1);
    await expect(storage.local("nothing")).rejects.toMatchObject({ code: "DW-FILE-MISSING" });
  });

  test("a file that changes between its parts is refused", async () => {
    const files = memory({ big: "x".repeat(9 * 1024 * 1024) });
    const get: RemoteFiles["get"] = (...part) => {
      files.versions.set("big", "2");
      return files.get(...part);
    };
    const storage = remoteStorage({ ...files, get }, new Spool());
    await expect(storage.local("big")).rejects.toMatchObject({ code: "DW-FILE-CORRUPT", what: expect.stringContaining("changed") });
  });
});
