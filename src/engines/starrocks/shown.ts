import type { Properties } from "./body.js";
import type { Statement } from "./parse/ast.js";
import { SyntaxFault, tokenize } from "./parse/lexer.js";
import { parseStatement } from "./parse/statement.js";

/*
 * Reading what SHOW CREATE prints. Some of its texts are refused by the engine's own parser (recorded, FINDINGS.md): names of
 * struct fields, partitions and indexes stand without quotes, whatever they are.
 */

export interface Shown {
  readonly statement: Statement;
  /** The text that was read: offsets in the statement point into it. */
  readonly text: string;
}

/** Undefined for a text that cannot be read back even so (a quote inside a LIST value). */
export function readShown(answer: string): Shown | undefined {
  const text = answer.replace(/;\s*$/, "");
  return read(text) ?? read(quotedNames(text));
}

function read(text: string): Shown | undefined {
  try {
    const statement = parseStatement(tokenize(text));
    return statement.statement === "other" ? undefined : { statement, text };
  } catch (error) {
    if (error instanceof SyntaxFault) return undefined;
    throw error;
  }
}

const FIELD =
  /([<,] ?)([A-Za-z_]\w*)(?= (?:array<|map<|struct<|(?:tinyint|smallint|int|bigint|largeint|boolean|float|double|decimal|date|datetime|char|varchar|varbinary|json|bitmap|hll|percentile)\b))/g;

function quotedNames(text: string): string {
  return text
    .split("\n")
    .map((line) => (line.startsWith("  `") ? withQuotedFields(line) : withQuotedHead(line)))
    .join("\n");
}

/** Only in the type: what follows the first double quote is a default or a comment. */
function withQuotedFields(line: string): string {
  const end = line.indexOf('"');
  const type = end < 0 ? line : line.slice(0, end);
  return type.replace(FIELD, "$1`$2`") + line.slice(type.length);
}

function withQuotedHead(line: string): string {
  return line.replace(/^(\(?\s*PARTITION |\s*INDEX )([^`].*?)(?= VALUES | \(`)/, (_, word: string, name: string) => `${word}\`${name}\``);
}

/** What the cluster's configuration decides when a definition is silent: whatever is there then is as wanted. */
const BY_CLUSTER = ["dynamic_partition.time_zone", "replication_num", "storage_volume", "replicated_storage", "bucket_size"];

/** Live properties without those that the wanted definition leaves to the cluster. */
export function asWanted(live: Properties, wanted: Properties): Properties {
  return Object.fromEntries(Object.entries(live).filter(([name]) => name in wanted || !BY_CLUSTER.includes(name)));
}
