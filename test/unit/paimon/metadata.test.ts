import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Storage } from "../../../src/core/storage.js";
import { javaFloat } from "../../../src/formats/java-float.js";
import { BinaryRow, compareValues } from "../../../src/sources/paimon/binary-row.js";
import { parseVector } from "../../../src/sources/paimon/deletion-vectors.js";
import { openPaimon } from "../../../src/sources/paimon/index.js";
import { manifestReader } from "../../../src/sources/paimon/manifest-rows.js";
import { escapeName } from "../../../src/sources/paimon/partitions.js";
import { find } from "../../../src/sources/paimon/snapshots.js";
import { parseSlot } from "../../../src/sources/paimon/types.js";

/** A folder in memory. */
function folder(files: Readonly<Record<string, string>>): Storage {
  const bytes = (path: string): Uint8Array => new TextEncoder().encode(files[path] ?? "");
  const inside = (path: string): string[] => Object.keys(files).filter((file) => file.startsWith(`${path}/`));
  return {
    root: "memory",
    exists: async (path) => path in files,
    size: async (path) => bytes(path).length,
    read: async (path, range) => bytes(path).subarray(range?.start ?? 0, range === undefined ? undefined : range.start + range.length),
    list: async (path) => {
      const rest = inside(path).map((file) => file.slice(path.length + 1));
      return {
        files: rest.filter((name) => !name.includes("/")).map((name) => ({ path: `${path}/${name}`, size: 1 })),
        folders: [...new Set(rest.filter((name) => name.includes("/")).map((name) => `${path}/${name.split("/")[0]}`))],
      };
    },
    local: async (path) => ({ path, release: async () => undefined }),
  };
}

function snapshot(id: number, time: number, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ version: 3, id, schemaId: 0, baseManifestList: "b", deltaManifestList: "d", timeMillis: time, ...more });
}

const schema = JSON.stringify({
  id: 0,
  fields: [{ id: 0, name: "id", type: "INT NOT NULL" }],
  partitionKeys: [],
  primaryKeys: [],
  options: {},
});

describe("finding a state", () => {
  const history = { "schema/schema-0": schema, "snapshot/snapshot-3": snapshot(3, 30), "snapshot/snapshot-4": snapshot(4, 40) };

  test("a stale LATEST is not believed, nor one that is not a number", async () => {
    for (const hint of ["3", "9", "latest", ""]) {
      const found = await find(folder({ ...history, "snapshot/LATEST": hint }), {});
      expect(found.snapshot?.id).toBe(4);
    }
  });

  test("a time gives the last snapshot up to it, and a time before the first is an error", async () => {
    expect((await find(folder(history), { asOf: 39 })).snapshot?.id).toBe(3);
    expect((await find(folder(history), { asOf: 40 })).snapshot?.id).toBe(4);
    await expect(find(folder(history), { asOf: 29 })).rejects.toMatchObject({ code: "DW-SNAPSHOT-MISSING" });
  });

  test("an expired snapshot is found through the tag that keeps it", async () => {
    const storage = folder({ ...history, "tag/tag-keep": snapshot(1, 10) });
    expect((await find(storage, { snapshot: "1" })).snapshot?.time).toBe(10);
    expect((await find(storage, { ref: "keep" })).snapshot?.id).toBe(1);
    await expect(find(storage, { snapshot: "2" })).rejects.toMatchObject({ code: "DW-SNAPSHOT-MISSING" });
  });

  test("a branch has snapshots and schemas of its own", async () => {
    const storage = folder({
      ...history,
      "branch/branch-b1/snapshot/snapshot-7": snapshot(7, 70),
      "branch/branch-b1/schema/schema-0": schema,
    });
    expect(await find(storage, { ref: "b1" })).toMatchObject({ folder: "branch/branch-b1/", branch: "b1", snapshot: { id: 7 } });
    await expect(find(storage, { ref: "../b1" })).rejects.toMatchObject({ code: "DW-SNAPSHOT-MISSING" });
  });

  test("a snapshot cannot name a manifest outside of the table", async () => {
    const storage = folder({ "snapshot/snapshot-1": snapshot(1, 1, { baseManifestList: "../../etc/passwd" }) });
    await expect(find(storage, {})).rejects.toMatchObject({ code: "DW-FILE-OUTSIDE" });
  });

  test("a table without a snapshot is empty, a folder without a schema is none", async () => {
    const table = await openPaimon(folder({ "schema/schema-0": schema }), { at: {} });
    expect((await table.plan({})).chunks).toEqual([]);
    await expect(openPaimon(folder({ "snapshot/snapshot-1": snapshot(1, 1) }), { at: {} })).rejects.toMatchObject({
      code: "DW-TABLE-MISSING",
    });
  });
});

describe("refusing a table that would only be half-read", () => {
  const withOptions = (options: Readonly<Record<string, string>>): Storage => {
    const keyed = { ...JSON.parse(schema), primaryKeys: ["id"], options };
    return folder({ "schema/schema-0": JSON.stringify(keyed) });
  };

  test.each([
    [
      { "chain-table.enabled": "true", "scan.fallback-snapshot-branch": "s", "scan.fallback-delta-branch": "d" },
      "the branch s, which has partitions, is not there",
    ],
    [{ "scan.mode": "from-snapshot", "scan.snapshot-id": "3" }, "another state than its newest"],
    [{ "pk-clustering-override": "true" }, "ordered by other fields than the key"],
    [{ "merge-engine": "telepathy" }, "does not know this merge engine"],
    [{ type: "format-table" }, "its files are plain ones"],
    [{ type: "lance-table" }, "no table of Paimon's own file layout"],
  ])("%j", async (options, reason) => {
    const table = await openPaimon(withOptions(options), { at: {} });
    await expect(table.plan({})).rejects.toMatchObject({ code: "DW-SOURCE-UNSUPPORTED", what: expect.stringContaining(reason) });
    expect((await table.inspect()).refused.join()).toContain(reason);
  });
});

describe("types", () => {
  test.each([
    ["DECIMAL(18, 4) NOT NULL", { kind: "decimal", precision: 18, scale: 4 }],
    ["VARCHAR(2147483647)", { kind: "text" }],
    ["CHAR(8)", { kind: "text", max: 8, padded: true }],
    ["TIMESTAMP(9) WITH LOCAL TIME ZONE", { kind: "timestamp", precision: 9, zoned: true }],
    ["TIMESTAMP_LTZ(3)", { kind: "timestamp", precision: 3, zoned: true }],
    ["TIMESTAMP", { kind: "timestamp", precision: 6, zoned: false }],
  ])("%s", (text, logical) => {
    expect(parseSlot(text, "schema-0").type).toEqual({ kind: "atomic", logical });
  });

  test("an unknown type is named, not guessed; an impossible one is damage", () => {
    expect(parseSlot("GEOMETRY", "schema-0").type).toEqual({ kind: "foreign", text: "GEOMETRY" });
    expect(() => parseSlot("DECIMAL(50, 60)", "schema-0")).toThrow(expect.objectContaining({ code: "DW-FILE-CORRUPT" }));
  });
});

describe("row values", () => {
  const row = (hex: string): BinaryRow => new BinaryRow(Buffer.from(hex.replaceAll(" ", ""), "hex"), "manifest");

  test("null, an inline text and a number", () => {
    // arity 3 | null bit of field 0 | three slots
    const values = row("00000003 0001000000000000 0000000000000000 7061726973000085 ffffffff00000000").values([
      { kind: "date" },
      { kind: "text" },
      { kind: "int", bits: 32 },
    ]);
    expect(values).toEqual([null, Buffer.from("paris"), -1]);
  });

  test("a text in the variable part, a wide decimal and a wide timestamp", () => {
    const fixed = "00000003 0000000000000000 0900000020000000 0200000030000000 0f00000038000000";
    const variable = "6162636465666768 6900000000000000 ff85000000000000 ffffffffffffffff";
    const values = row(`${fixed} ${variable}`).values([
      { kind: "text" },
      { kind: "decimal", precision: 38, scale: 2 },
      { kind: "timestamp", precision: 9, zoned: false },
    ]);
    expect(values).toEqual([Buffer.from("abcdefghi"), -123n, -999_985n]);
  });

  test("a row that points behind its end, or says that it has more fields than bytes, is damage", () => {
    expect(() => row("00000001 0000000000000000 ff00000010000000").values([{ kind: "text" }])).toThrow("points behind its own end");
    expect(() => row("7fffffff 0000000000000000")).toThrow("fields");
    expect(() => row("0000")).toThrow("shorter");
  });

  test("keys compare as Paimon compares them", () => {
    expect(compareValues(Buffer.from("Z"), Buffer.from("a"))).toBeLessThan(0);
    expect(compareValues(Buffer.from("é"), Buffer.from("z"))).toBeGreaterThan(0);
    expect(compareValues(-0, 0)).toBeLessThan(0);
    expect(compareValues(Number.NaN, Number.POSITIVE_INFINITY)).toBeGreaterThan(0);
    expect(compareValues(null, false)).toBeLessThan(0);
  });
});

describe("partition names", () => {
  test("special characters are escaped, others are not", () => {
    expect(escapeName("a/b=c d%é:1")).toBe("a%2Fb%3Dc d%25é%3A1");
    expect(escapeName("tab\there^")).toBe("tab%09here%5E");
  });

  test("floats are written as Java writes them", () => {
    expect([1, 0.1, 1e7, 1.5e-5, 123456.75].map((value) => javaFloat(value, 64))).toEqual(["1.0", "0.1", "1.0E7", "1.5E-5", "123456.75"]);
    expect(javaFloat(Math.fround(0.1), 32)).toBe("0.1");
  });
});

describe("deletion vectors", () => {
  const sealed = (body: Buffer): Buffer => {
    const out = Buffer.alloc(body.length + 8);
    out.writeInt32BE(body.length);
    body.copy(out, 4);
    out.writeUInt32BE(crc32(body), body.length + 4);
    return out;
  };
  // A bitmap of one array container with the positions 1, 5 and 300.
  const bitmap = Buffer.from("3a300000010000000000020010000000010005002c01", "hex");
  const small = Buffer.concat([Buffer.from("5e43f2d0", "hex"), bitmap]);

  test("32-bit and 64-bit vectors", () => {
    expect([...parseVector(sealed(small), "index").positions()]).toEqual([1, 5, 300]);
    const wide = Buffer.concat([Buffer.from("d1d33964", "hex"), Buffer.from("010000000000000001000000", "hex"), bitmap]);
    expect([...parseVector(sealed(wide), "index").positions()]).toEqual([2 ** 32 + 1, 2 ** 32 + 5, 2 ** 32 + 300]);
  });

  test("a flipped bit, a cut and an unknown magic number are damage", () => {
    const flipped = sealed(small);
    flipped[20] = (flipped[20] ?? 0) ^ 1;
    for (const bytes of [flipped, sealed(small).subarray(0, 20), sealed(Buffer.from("0000000000000000", "hex"))]) {
      expect(() => parseVector(bytes, "index")).toThrow(expect.objectContaining({ code: "DW-FILE-CORRUPT" }));
    }
  });
});

test.each(["ORC\u0008", "Obj\u0001", "?"])("a manifest that begins with %j and goes on otherwise is damaged", async (magic) => {
  const reader = manifestReader(folder({ "manifest/list": `${magic} and more` }));
  await expect(reader.rows("manifest/list")).rejects.toMatchObject({ code: "DW-FILE-CORRUPT" });
  await reader.close();
});
