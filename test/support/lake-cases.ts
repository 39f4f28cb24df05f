import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { At } from "../../src/core/source.js";
import { type Expected, fileLines } from "./rows.js";

export const fixtures = new URL("../fixtures/", import.meta.url).pathname;
export const lakeFormats = ["iceberg", "paimon", "plain"] as const;

interface Read {
  readonly file: string;
  readonly columns: readonly Expected[];
  readonly snapshot_id?: string | number;
  readonly tag?: string;
  readonly branch?: string;
}

export interface LakeCase {
  readonly name: string;
  /** A SOURCE. */
  readonly source: string;
  readonly at: At;
  readonly expected: string;
  readonly columns: readonly Expected[];
}

/**
 * Every table that the reference implementations wrote, at every state that they expect. `at` is where the folder of
 * fixtures lies. CSV is left out: it is text without a model; test/unit/sources/plain-fixtures.test.ts reads it with one.
 */
export function lakeCases(format: (typeof lakeFormats)[number], at = fixtures): LakeCase[] {
  const root = join(fixtures, format);
  return readdirSync(root)
    .filter((name) => existsSync(join(root, name, "expected.json")))
    .flatMap((name) => {
      const folder = join(root, name);
      const meta = JSON.parse(fileLines(join(folder, "expected.json")).join("\n"));
      const source = `${format === "plain" ? meta.format : format}:${at.replace(/\/$/, "")}/${format}/${name}/table`;
      const reads: Read[] = [{ file: "expected.jsonl", columns: meta.columns }, ...(meta.reads ?? [])];
      return reads.map((read) => ({
        name: read.file === "expected.jsonl" ? name : `${name}/${read.file}`,
        source,
        at: atOf(read),
        expected: join(folder, read.file),
        columns: read.columns,
      }));
    })
    .filter(({ name }) => name !== "d03_csv_header");
}

function atOf({ snapshot_id, tag, branch }: Read): At {
  const ref = tag ?? branch;
  return { ...(snapshot_id !== undefined && { snapshot: String(snapshot_id) }), ...(ref !== undefined && { ref }) };
}

/** Files of the tables, relative to the folder of fixtures. */
export function lakeFiles(): string[] {
  return lakeFormats.flatMap((format) =>
    readdirSync(join(fixtures, format), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && `${entry.parentPath}/`.includes("/table/"))
      .map((entry) => join(entry.parentPath, entry.name).slice(fixtures.length)),
  );
}
