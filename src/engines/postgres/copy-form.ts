import type { LoadableChunk, TargetColumn } from "../../core/target.js";
import { postgresCanonical } from "./canonical.js";
import { type BinaryColumn, binaryRows, encodingOf } from "./copy-binary.js";
import { copyText, fileBytes, isQuoted } from "./copy-text.js";

/*
 * The two forms in which COPY takes rows. The binary one costs server and client half as much or less; it asks for a type
 * whose bytes dw knows in each column. Everything else is text, which the server reads as it reads any literal.
 */

export interface CopyForm {
  readonly format: "binary" | "csv";
  /** Why rows go as text, where they do. */
  readonly because?: string;
  /** What is done before the transaction begins; `file` is the chunk's own. */
  readonly prepare: (rows: LoadableChunk, file: string) => Promise<void>;
  readonly bytes: (rows: LoadableChunk, file: string, signal: AbortSignal) => AsyncIterable<Uint8Array>;
}

const { ident } = postgresCanonical;

/** `columns` are those that are loaded, in order; `types` their names in pg_type, undefined where COPY takes no binary form. */
export function copyForm(columns: readonly TargetColumn[], types: ReadonlyMap<string, string> | undefined): CopyForm {
  if (types === undefined) return csvForm(columns, "the database is embedded");
  const encoded: BinaryColumn[] = [];
  for (const { name, type } of columns) {
    const encoding = encodingOf(types.get(name) ?? "", type);
    if (encoding === undefined) return csvForm(columns, `column ${name} has a type that goes as text`);
    encoded.push({ value: ident(name), encoding });
  }
  return {
    format: "binary",
    prepare: async () => {},
    bytes: ({ db, sql }, _file, signal) => binaryRows(db, encoded, `(${sql}) AS mapped`, signal),
  };
}

function csvForm(columns: readonly TargetColumn[], because: string): CopyForm {
  const texts = columns.map(({ name, type }) => `${copyText(type, ident(name))} AS ${ident(name)}`);
  const forced = columns.filter(({ type }) => isQuoted(type)).map(({ name }) => ident(name));
  const force = forced.length > 0 ? `, FORCE_QUOTE (${forced.join(", ")})` : "";
  return {
    format: "csv",
    because,
    prepare: async ({ db, sql }, file) =>
      db.run(
        `COPY (SELECT ${texts.join(", ")} FROM (${sql}) AS mapped) TO '${file.replaceAll("'", "''")}' (FORMAT csv, HEADER false, NULLSTR ''${force})`,
      ),
    bytes: (_rows, file, signal) => fileBytes(file, signal),
  };
}
