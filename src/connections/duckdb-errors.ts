import type { ErrorCode } from "../core/codes.js";
import { DwError, type Letter } from "../core/errors.js";

interface Rule {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly letter: (message: string, match: RegExpExecArray) => Omit<Letter, "cause">;
}

/*
 * DuckDB's errors are sentences that begin with their class; the first rule that fits gives the code. The wording is
 * that of DuckDB 1.5; an error that no rule knows is DW-ENGINE-REFUSED with DuckDB's own answer.
 */
const rules: readonly Rule[] = [
  {
    pattern: /Could not set lock on file "(.+?)": (?:Conflicting lock is held in (.+?) \(PID (\d+)\))?/s,
    code: "DW-LOCKED",
    letter: (_, match) => ({
      what: `${match[1]} is in use${match[3] === undefined ? "" : ` by process ${match[3]} (${match[2]})`}.`,
      why: "A DuckDB file has one writer at a time.",
      fix: "Wait until the other run has ended, or stop it.",
    }),
  },
  {
    pattern: /No space left on device|Could not write file .*ENOSPC|max_temp_directory_size/s,
    code: "DW-DISK-FULL",
    letter: (message) => ({
      what: "A disk is full.",
      why: message,
      fix: "Free space, or choose another folder with TMPDIR.",
    }),
  },
  {
    pattern: /^Out of Memory Error/,
    code: "DW-MEMORY-LIMIT",
    letter: (message) => ({
      what: "DuckDB needs more memory than it was given.",
      why: message.split("\n", 1)[0] ?? message,
      fix: "Read fewer columns or a narrower predicate, or run on a machine with more memory.",
    }),
  },
  {
    pattern: /^IO Error: No files found that match the pattern "(.*)"/s,
    code: "DW-FILE-MISSING",
    letter: (_, match) => ({ what: `${match[1]} does not exist.`, why: "The file was named and is not there.", fix: "Check the path." }),
  },
  {
    pattern: /^IO Error: .*(?:Permission denied|Read-only file system)/s,
    code: "DW-PERMISSION",
    letter: (message) => ({
      what: "The operating system refused access to a file.",
      why: message,
      fix: "Give the user that runs dw the right to that file or folder.",
    }),
  },
  {
    pattern: /^IO Error: .*No such file or directory/s,
    code: "DW-FILE-MISSING",
    letter: (message) => ({ what: "A file or folder does not exist.", why: message, fix: "Check the path." }),
  },
  {
    pattern: /^Invalid Input Error: DW-VALUE-REFUSED: (.*)/s, // what our own SQL says with error()
    code: "DW-VALUE-REFUSED",
    letter: (_, match) => ({
      what: match[1] ?? "",
      why: "A value is read exactly as the type that the model states, or not at all.",
      fix: "Correct the type in the model, or leave such rows out with a predicate.",
    }),
  },
  {
    pattern: /^Invalid Input Error: DW-SOURCE-UNSUPPORTED: (.*)/s,
    code: "DW-SOURCE-UNSUPPORTED",
    letter: (_, match) => ({
      what: match[1] ?? "",
      why: "A table is read whole or not at all.",
      fix: "Compact the table fully with the engine that wrote it, so that each key has one version, or leave the column out.",
    }),
  },
  {
    pattern: /^Invalid Input Error: DW-FILE-CORRUPT: (.*)/s,
    code: "DW-FILE-CORRUPT",
    letter: (_, match) => ({
      what: match[1] ?? "",
      why: "Rows made of it could be wrong.",
      fix: "Copy the file again from where it was exported.",
    }),
  },
  {
    // Our own name for a file of a table.
    pattern: /^Binder Error: (?:Table "dw_file\d*" does not have a column named "(.*?)"|Referenced table "dw_file\d*" not found)/,
    code: "DW-FILE-CORRUPT",
    letter: (_, match) => ({
      what: `A data file has no ${match[1] === undefined ? "columns" : `column ${match[1]}`}.`,
      why: "By the schema that it was written with it has: it is damaged, or not the file that was written.",
      fix: "Copy the file again from where it was exported.",
    }),
  },
  {
    pattern: /^(?:Conversion|Out of Range) Error/,
    code: "DW-VALUE-REFUSED",
    letter: (message) => ({
      what: "A value does not fit the type that it is read as.",
      why: message.split("\n\n", 1)[0] ?? message,
      fix: "Give the column a type that holds all of its values, or leave such rows out with a predicate.",
    }),
  },
  {
    pattern: /JSON transform error[^\n]*has duplicate key "([^"\n]{0,100})/,
    code: "DW-SOURCE-UNSUPPORTED",
    letter: (message, match) => ({
      what: `A JSON object has the key ${JSON.stringify(match[1])} twice.`,
      why: withoutRow(message).replace(/Object .* has duplicate/s, "an object has a duplicate"),
      fix: "Correct the file: readers differ in which of the two they take.",
    }),
  },
  {
    pattern: /Unsupported compression codec "?(\w{1,30})/,
    code: "DW-SOURCE-UNSUPPORTED",
    letter: (message, match) => ({
      what: `A Parquet file is compressed with ${match[1]}.`,
      why: withoutRow(message),
      fix: "Rewrite the files with Snappy, gzip or Zstandard before exporting them.",
    }),
  },
  {
    pattern: /Unsupported compression codec "(.*?)"/, // of a Parquet file; a damaged file names none of the known ones either
    code: "DW-SOURCE-UNSUPPORTED",
    letter: (message, match) => ({
      what: `A Parquet file is compressed with ${match[1]}.`,
      why: withoutRow(message),
      fix: "Rewrite the file with zstd, snappy, gzip or lz4_raw.",
    }),
  },
  {
    pattern: /Maximum line size of|Parallel CSV Reader currently does not support a full read/,
    code: "DW-FILE-TOO-LARGE",
    letter: () => ({
      what: "A CSV file has a record that is too long.",
      why: "DuckDB reads records of some megabytes, so that a quote that never ends cannot fill the memory.",
      fix: "Check the place for a quote that does not end; export such columns apart, or as Parquet.",
    }),
  },
  {
    pattern: /Malformed JSON in file/,
    code: "DW-FILE-CORRUPT",
    letter: (message) => ({
      what: "A JSON Lines file is damaged, or is JSON that is laid out otherwise.",
      why: withoutRow(message),
      fix: "There must be one JSON object a line, in UTF-8: jq -c . FILE makes them of other layouts, jq -c '.[]' FILE of one array. Else copy the file again.",
    }),
  },
  {
    pattern: /^Invalid Input Error: (?:CSV Error on Line|The CSV Parser state machine)/,
    code: "DW-FILE-CORRUPT",
    letter: (message) => ({
      what: "A CSV file is damaged, or not of the dialect that it was read as.",
      why: withoutRow(message),
      fix: "Say how it is written: csv,dialect=spark:PATH where quotes have a backslash before them, csv,encoding=windows-1252:PATH, csv,header=no:PATH; else copy it again.",
    }),
  },
  {
    pattern: /BYTE_STREAM_SPLIT encoding is only supported for|MAP_KEY_VALUE requires two children/,
    code: "DW-SOURCE-UNSUPPORTED",
    letter: (message) => ({
      what: "A Parquet file has a column that is stored in a way which DuckDB, which reads the file, does not know.",
      why: withoutRow(message),
      fix: "Rewrite the column without that encoding (a map of keys alone: as a list), or leave it out with --columns.",
    }),
  },
  {
    pattern: damageWords(),
    code: "DW-FILE-CORRUPT",
    letter: (message) => ({
      what: "A file is damaged, or is not of the format that it was read as.",
      why: withoutRow(message),
      fix: "Copy the file again from where it was exported.",
    }),
  },
];

/** DuckDB's first paragraph, without the line of the file, which may be anybody's, and without advice on options of its own. */
function withoutRow(message: string): string {
  const [paragraph = message] = message.split(/\n\n|\nPossible fixes:|\nTry setting |\.? Try auto-detecting /, 1);
  return paragraph.replace(/^\s*Original Line:.*\n?/m, "");
}

/** What DuckDB's file readers say of files that they cannot follow. */
function damageWords(): RegExp {
  const words = [
    "valid DuckDB database file",
    'Failed to read file "',
    "[Pp]arquet (?:file|reader|encoding|magic|schema)",
    "too small to be a Parquet file",
    "Footer length error",
    "No magic bytes found",
    "TProtocolException",
    "thrift",
    "^Invalid Error: (?!std::)", // an exception without a class of its own: the Parquet reader and its Thrift have those
    "[Mm]ismatch in parquet read",
    // Of a Parquet footer's members: each says something that no writer would.
    "DECIMAL requires a length and scale|[Cc]onverted type can only be|Unsupported converted type",
    "Malformed Parquet schema|Incorrect stats size for type|Unimplemented TIMESTAMP encoding",
    "[Ss]chema mismatch in glob",
    "Malformed JSON",
    "Invalid JSON",
    "Invalid string encoding",
    "CSV Error on Line",
    "CSV Parser state machine",
    "^INTERNAL Error: Information loss on integer cast", // a decimal of more digits than its column says
    "sniffing file",
    "[Dd]ecompress|[Uu]ncompress|GZIP|gzip|ZSTD|[Ss]nappy|zlib",
    "Corrupt|corrupt",
    "Checksum|checksum",
    "Out of buffer|Reached the end of the file|Could not read (?:all|enough) bytes|attempted to read",
    "Invalid unicode|not valid UTF-?8|not utf-?8 encoded",
  ];
  return new RegExp(words.join("|"));
}

export function duckDbLetter(cause: unknown): DwError {
  const message = cause instanceof Error ? cause.message.trim() : String(cause);
  for (const { pattern, code, letter } of rules) {
    const match = pattern.exec(message);
    if (match !== null) return new DwError(code, { ...letter(message, match), cause });
  }
  return new DwError("DW-ENGINE-REFUSED", {
    what: "DuckDB refused a statement.",
    why: message,
    fix: "Read DuckDB's answer above: it names the place.",
    cause,
  });
}
