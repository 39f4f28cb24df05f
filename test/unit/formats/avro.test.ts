import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import avsc from "avsc";
import { describe, expect, test } from "vitest";
import { isDwError } from "../../../src/core/errors.js";
import { type AvroInput, openAvro, readAvro } from "../../../src/formats/avro/index.js";

const fixtures = join(import.meta.dirname, "../../fixtures");

describe("Avro files", () => {
  test("a long keeps all of its 64 bits, and a string its byte order mark", async () => {
    const row = { id: "9223372036854775807", low: "-9223372036854775808", small: "-1", text: "\ufeffété \u{1f980}" };
    const file = await written({ id: "long", low: "long", small: "long", text: "string" }, [row]);
    expect((await readAvro(file, "rows.avro")).rows).toEqual([
      { id: 9223372036854775807n, low: -9223372036854775808n, small: -1n, text: "\ufeffété \u{1f980}" },
    ]);
  });

  test.each(["null", "deflate"])("nested values come back as arrays, pairs and records (codec %s)", async (codec) => {
    const fields = {
      list: { type: "array", items: ["null", "int"] },
      map: { type: "map", values: "double" },
      record: { type: "record", name: "r", fields: [{ name: "x", type: ["null", "string"] }] },
      fixed: { type: "fixed", name: "f", size: 2 },
      symbol: { type: "enum", name: "e", symbols: ["A", "B"] },
      flag: "boolean",
      float: "float",
    };
    const row = {
      list: [1, null, -3],
      map: { a: 0.5 },
      record: { x: "deep" },
      fixed: Buffer.from([1, 2]),
      symbol: "B",
      flag: true,
      float: 1.5,
    };
    expect((await readAvro(await written(fields, [row], codec), "rows.avro")).rows).toEqual([
      { ...row, map: [["a", 0.5]], fixed: new Uint8Array([1, 2]) },
    ]);
  });

  test("the manifests of Paimon 0.8 are Snappy with a top-level union, later ones Zstandard, Iceberg's deflate", async () => {
    expect(await rowsOf("paimon/p31_paimon08_pk/table/manifest", "manifest-list-")).toHaveProperty("_FILE_NAME");
    expect(await rowsOf("paimon/p01_ods_append_dt_hr/table/manifest", "manifest-list-")).toHaveProperty("_FILE_NAME");
    expect(await rowsOf("iceberg/i02_v2_days/table/metadata", "snap-")).toHaveProperty("manifest_path");
  });

  test("fields that are not wanted are passed over", async () => {
    const [name, bytes] = fixture("iceberg/i02_v2_days/table/metadata", "-m0.avro");
    const { rows } = await readAvro(bytes, name, (path) => !path.startsWith("data_file.") || path === "data_file.file_path");
    expect(Object.keys(rows[0]?.data_file ?? {})).toEqual(["file_path"]);
  });

  test("a data file is read column by column, a piece at a time", async () => {
    const rows = Array.from({ length: 5000 }, (_, index) => ({ id: String(index), name: index % 3 === 0 ? null : `n${index}` }));
    const file = await written({ id: "long", name: ["null", "string"] }, rows, "deflate", 1000);
    const { batches } = await openAvro(input(file));
    const names: unknown[] = [];
    for await (const batch of batches(["name"], 700)) {
      expect(batch.rows).toBeLessThanOrEqual(700);
      names.push(...Array.from(batch.columns[0] ?? []));
    }
    expect(names).toEqual(rows.map((row) => row.name));
  });

  test("parts of the bytes have each block once, wherever the file is cut, and damage between them is found", async () => {
    const rows = Array.from({ length: 200 }, (_, id) => ({ id: String(id) }));
    const whole = Buffer.from(await written({ id: "long" }, rows, "null", 40));
    const ids = async (bytes: Buffer, start: number, end: number): Promise<number[]> => {
      const avro = await openAvro(input(bytes));
      const found: number[] = [];
      for await (const { columns } of avro.batches(["id"], 100, undefined, { start, end }))
        found.push(...Array.from(columns[0] ?? [], Number));
      return found;
    };
    const all = Array.from({ length: 200 }, (_, id) => id);
    for (let at = 0; at <= whole.length; at += 7) {
      expect([...(await ids(whole, 0, at)), ...(await ids(whole, at, whole.length))]).toEqual(all);
    }
    const middle = Math.floor(whole.length / 2);
    const marker = whole.indexOf(whole.subarray(-16), middle);
    whole[marker + 3] = (whole[marker + 3] ?? 0) ^ 1;
    await expect(ids(whole, 0, middle)).rejects.toMatchObject({ code: "DW-FILE-CORRUPT" });
  });

  test("a compression that is not read is refused by name", async () => {
    const file = await written({ id: "long" }, [{ id: "1" }]);
    const renamed = Buffer.from(Buffer.from(file).toString("latin1").replace("null", "lzma"), "latin1");
    expect(await codeOf(() => readAvro(renamed, "rows.avro"))).toBe("DW-SOURCE-UNSUPPORTED");
  });

  test("a recursive type is refused", async () => {
    const type = { type: "record", name: "node", fields: [{ name: "next", type: ["null", "node"] }] };
    const file = await written({ node: type }, [{ node: { next: null } }]);
    expect(await codeOf(() => readAvro(file, "rows.avro"))).toBe("DW-SOURCE-UNSUPPORTED");
  });

  test("an announced list of 2^40 nulls is an error, not a full memory", async () => {
    const file = Buffer.from(await written({ list: { type: "array", items: "null" } }, [{ list: [null] }]));
    const block = file.lastIndexOf(Buffer.from([2, 0])); // one item, end of list
    const bomb = Buffer.concat([
      file.subarray(0, block - 1),
      Buffer.from([16, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0]),
      file.subarray(-16),
    ]);
    expect(await codeOf(() => readAvro(bomb, "rows.avro"))).toBe("DW-FILE-CORRUPT");
  });

  test("a file that is cut or has a flipped bit gives rows or a coded error, never anything else", async () => {
    const files = [
      fixture("iceberg/i02_v2_days/table/metadata", "-m0.avro"),
      fixture("paimon/p31_paimon08_pk/table/manifest", "manifest-list-"),
      fixture("iceberg/i12_avro_files/table/data", "-deletes.avro"),
    ];
    for (const [name, bytes] of files) {
      for (let at = 0; at < bytes.length; at += Math.ceil(bytes.length / 200)) {
        expect(await codeOf(() => readAvro(bytes.subarray(0, at), name))).toMatch(/^DW-FILE-(CORRUPT|TOO-LARGE)$|^read$/);
        const flipped = Buffer.from(bytes);
        flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
        expect(await codeOf(() => readAvro(flipped, name))).toMatch(/^DW-(FILE-(CORRUPT|TOO-LARGE)|SOURCE-UNSUPPORTED)$|^read$/);
      }
    }
  });
});

/** A file as another implementation writes it; longs are given as text. */
function written(fields: Record<string, unknown>, rows: readonly object[], codec = "null", blockSize = 65536): Promise<Uint8Array> {
  const long = avsc.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE().toString(),
    toBuffer: (text: string) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(BigInt(text));
      return bytes;
    },
    fromJSON: String,
    toJSON: String,
    isValid: (value: unknown) => typeof value === "string" && /^-?\d+$/.test(value),
    compare: () => 0,
  });
  const schema = { type: "record" as const, name: "row", fields: Object.entries(fields).map(([name, type]) => ({ name, type })) };
  const type = avsc.Type.forSchema(schema as avsc.Schema, { registry: { long }, wrapUnions: false });
  return new Promise((resolve, reject) => {
    const encoder = new avsc.streams.BlockEncoder(type, { codec, blockSize });
    const chunks: Uint8Array[] = [];
    encoder.on("data", (chunk: Uint8Array) => chunks.push(chunk));
    encoder.on("end", () => resolve(Buffer.concat(chunks)));
    encoder.on("error", reject);
    for (const row of rows) encoder.write(row);
    encoder.end();
  });
}

function input(bytes: Uint8Array): AvroInput {
  return { name: "rows.avro", size: bytes.length, read: async (start, length) => bytes.subarray(start, start + length) };
}

function fixture(folder: string, part: string): [string, Uint8Array] {
  const name = readdirSync(join(fixtures, folder)).find((file) => file.includes(part) && !file.startsWith("."));
  if (name === undefined) throw new Error(`no ${part} in ${folder}`);
  return [name, readFileSync(join(fixtures, folder, name))];
}

async function rowsOf(folder: string, part: string): Promise<unknown> {
  const [name, bytes] = fixture(folder, part);
  return (await readAvro(bytes, name)).rows[0];
}

async function codeOf(run: () => Promise<unknown>): Promise<string> {
  try {
    await run();
    return "read";
  } catch (error) {
    return isDwError(error) ? error.code : String(error);
  }
}
