import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Storage } from "../../../src/core/storage.js";
import { openLocal } from "../../../src/storage/local.js";

let folder: string;
let storage: Storage;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dw-local-"));
  const root = join(folder, "export");
  await mkdir(join(root, "data/dt=a%2Fb"), { recursive: true });
  await writeFile(join(folder, "secret"), "secret");
  await writeFile(join(folder, "export-2"), "a sibling whose name begins like the root");
  await writeFile(join(root, "data/dt=a%2Fb/part"), "0123456789");
  await symlink(join(folder, "secret"), join(root, "link-out"));
  await symlink(folder, join(root, "folder-out"));
  await symlink("data/dt=a%2Fb/part", join(root, "link-in"));
  await mkdir(join(root, "broken"));
  await symlink("nowhere", join(root, "broken/dangling"));
  storage = await openLocal(root);
});

afterAll(() => rm(folder, { recursive: true }));

const codeOf = async (work: Promise<unknown>) => work.catch((error) => error.code);

test("files are read whole and in ranges; a percent sign in a name is a percent sign", async () => {
  const path = "data/dt=a%2Fb/part";
  expect(Buffer.from(await storage.read(path)).toString()).toBe("0123456789");
  expect(Buffer.from(await storage.read(path, { start: 3, length: 4 })).toString()).toBe("3456");
  expect(await storage.size(path)).toBe(10);
  expect(await storage.exists(path)).toBe(true);
  expect(await storage.exists("data")).toBe(false);
  expect(Buffer.from(await storage.read("link-in")).toString()).toBe("0123456789");
});

test.each(["../secret", "data/../../secret", "/etc/passwd", "link-out", "folder-out/secret", "a\0b", "../export-2", "file:///etc/passwd"])(
  "%j leaves the root and is refused by every call",
  async (path) => {
    expect(await codeOf(storage.read(path))).toBe("DW-FILE-OUTSIDE");
    expect(await codeOf(storage.exists(path))).toBe("DW-FILE-OUTSIDE");
    expect(await codeOf(storage.size(path))).toBe("DW-FILE-OUTSIDE");
    expect(await codeOf(storage.list(path))).toBe("DW-FILE-OUTSIDE");
    expect(await codeOf(storage.local(path))).toBe("DW-FILE-OUTSIDE");
  },
);

test("an encoded climb is a name that does not exist, not a climb", async () => {
  expect(await codeOf(storage.read("%2e%2e/secret"))).toBe("DW-FILE-MISSING");
});

test("missing files, folders in place of files and ranges beyond the end have their own codes", async () => {
  expect(await codeOf(storage.read("none"))).toBe("DW-FILE-MISSING");
  expect(await codeOf(storage.read("data"))).toBe("DW-FILE-MISSING");
  expect(await codeOf(storage.local("broken/dangling"))).toBe("DW-FILE-MISSING");
  expect(await codeOf(storage.read("data/dt=a%2Fb/part", { start: 8, length: 4 }))).toBe("DW-FILE-CORRUPT");
  expect(await codeOf(storage.read("data/dt=a%2Fb/part", { start: 0, length: 2 ** 40 }))).toBe("DW-FILE-TOO-LARGE");
  expect(await codeOf(openLocal(join(folder, "none")))).toBe("DW-TABLE-MISSING");
});

test("a folder lists its files and folders; a missing folder is empty", async () => {
  expect(await storage.list("data")).toEqual({ files: [], folders: ["dt=a%2Fb"] });
  expect(await storage.list("data/dt=a%2Fb")).toEqual({ files: [{ path: "data/dt=a%2Fb/part", size: 10 }], folders: [] });
  expect(await storage.list("none")).toEqual({ files: [], folders: [] });
});

test("a link that leads out or dangles stops a listing, because leaving it out would read half of a table", async () => {
  expect(await codeOf(storage.list(""))).toBe("DW-FILE-OUTSIDE");
  expect(await codeOf(storage.list("broken"))).toBe("DW-FILE-MISSING");
});
