import { DwError } from "../../core/errors.js";
import { nearest } from "../../core/nearest.js";

/** How a CSV file says where a field ends, what is quoted, and what is NULL. */
export interface Dialect {
  /** One character; found in the header line when absent. */
  readonly delimiter?: string;
  /** Empty where nothing is quoted. */
  readonly quote: '"' | "'" | "";
  /**
   * A quote inside of quotes is doubled, or has a backslash before it, as Spark writes it; `letters` are the backslashes of MySQL
   * and of PostgreSQL's text form, which stand for other characters everywhere.
   */
  readonly escape: "doubled" | "backslash" | "letters";
  /** Whether the first record of each file names the columns. */
  readonly header: boolean;
  /** Texts that are NULL where they are not quoted. */
  readonly nulls: readonly string[];
  /** As the Encoding Standard names it. */
  readonly encoding: string;
}

/** What a person said of a file; the rest is found in it, or usual. */
export type StatedDialect = Partial<Dialect>;

/** RFC 4180. */
export const usual: Dialect = { quote: '"', escape: "doubled", header: true, nulls: ["\\N", ""], encoding: "utf-8" };

const dialects: Readonly<Record<string, StatedDialect>> = {
  spark: { escape: "backslash", nulls: [""] },
  mysql: { delimiter: "\t", quote: "", escape: "letters", header: false, nulls: ["\\N"] },
  postgres: { delimiter: "\t", quote: "", escape: "letters", header: false, nulls: ["\\N"] },
  hive: { delimiter: "\u0001", quote: "", header: false, nulls: ["\\N"] },
};

const delimiters: Readonly<Record<string, string>> = {
  comma: ",",
  semicolon: ";",
  tab: "\t",
  bar: "|",
  colon: ":",
  space: " ",
  "^A": "\u0001",
};

type Read = (text: string) => StatedDialect | undefined;

const oneOf = (values: Readonly<Record<string, StatedDialect>>): Read & { readonly values: string } =>
  Object.assign((text: string) => (Object.hasOwn(values, text) ? values[text] : undefined), { values: Object.keys(values).join(", ") });

const options: Readonly<Record<string, Read & { readonly values: string }>> = {
  dialect: oneOf(dialects),
  delimiter: Object.assign(
    (text: string) => {
      const sign = delimiters[text] ?? text;
      return sign.length === 1 && !/["'\\\r\n]/.test(sign) ? { delimiter: sign } : undefined;
    },
    { values: `${Object.keys(delimiters).join(", ")} or one character` },
  ),
  quote: oneOf({ double: { quote: '"' }, single: { quote: "'" }, none: { quote: "" } }),
  escape: oneOf({ doubled: { escape: "doubled" }, backslash: { escape: "backslash" }, letters: { escape: "letters" } }),
  header: oneOf({ yes: { header: true }, no: { header: false } }),
  null: Object.assign((text: string) => ({ nulls: [text] }), { values: "a text" }),
  encoding: Object.assign((text: string) => (isEncoding(text) ? { encoding: text } : undefined), {
    values: "utf-8, utf-16le, windows-1252, gb18030 and others that the Encoding Standard names",
  }),
};

function isEncoding(name: string): boolean {
  try {
    new TextDecoder(name);
    return true;
  } catch {
    return false;
  }
}

/** `KEY=VALUE` of `csv,KEY=VALUE,…:PATH`, the later ones over the earlier. DW-USAGE. */
export function statedDialect(texts: readonly string[]): StatedDialect {
  return Object.assign({}, ...texts.map(statedOption)) as StatedDialect; // of parts of one
}

function statedOption(text: string): StatedDialect {
  const [, name = text, value = ""] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
  const option = Object.hasOwn(options, name) ? options[name] : undefined;
  if (option === undefined) throw unknownOption(name);
  const stated = option(value);
  if (stated !== undefined) return stated;
  throw new DwError("DW-USAGE", {
    what: `${JSON.stringify(value)} is no ${name} of a CSV file.`,
    why: `It is ${option.values}.`,
    fix: `Write for example csv,${name}=${option.values.split(/, | /)[0]}:PATH.`,
  });
}

function unknownOption(name: string): DwError {
  const names = Object.keys(options);
  const near = nearest(name, names);
  return new DwError("DW-USAGE", {
    what: `CSV files have no option ${JSON.stringify(name)}.`,
    why: `It is csv,OPTION=VALUE,…:PATH with the options ${names.join(", ")}.`,
    fix: near === undefined ? "Write for example csv,dialect=spark:PATH." : `Did you mean ${near}=?`,
  });
}

/** Whether DuckDB reads a file of this dialect as it lies there. */
export function isUsual(dialect: Dialect): boolean {
  const { quote, header, nulls, encoding } = dialect;
  const isUtf8 = /^utf-?8$/i.test(encoding);
  return isUtf8 && header && quote === usual.quote && dialect.escape === usual.escape && nulls.join() === usual.nulls.join();
}

/** The encoding that a byte order mark tells. */
export function markedEncoding([first, second]: Uint8Array): string | undefined {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : undefined;
}
