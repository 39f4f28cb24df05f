import { doubleQuoted } from "../../core/double-quotes.js";

/*
 * HiveQL that DuckDB executes as it is and understands in the same way: names, comparisons, sums of numbers and the few
 * functions below. dw does not translate between dialects: a word that is not known to mean the same ends the reading.
 */

export type InDuckdb = { readonly text: string } | { readonly unlike: string };

/** Keywords of both. NULLs sort otherwise, so that ORDER BY is not among them; a view has no order anyway. */
const KEYWORDS = new Set(
  "select distinct from where group by having join inner left right full outer cross on as and or not in is null between case when then else end union all true false with".split(
    " ",
  ),
);

/**
 * Functions that answer the same for the same rows. Not avg: of decimals it is a decimal in Hive and a double in DuckDB. Not
 * substr: its place 0 is the first character in Hive and before it in DuckDB.
 */
const FUNCTIONS = new Set(["count", "sum", "min", "max", "coalesce"]);

/** Words of HiveQL that start something, and would be read as names otherwise. */
const OTHERS = new Set(
  "order sort distribute cluster limit offset lateral over window partition rows range interval cast date timestamp current_date current_timestamp exists any some grouping sets rollup cube intersect except minus rlike regexp like ilike div tablesample semi anti using natural qualify values array map struct named_struct unnest extract floor ceil asc desc nulls insert table".split(
    " ",
  ),
);

const COMPARISONS = new Set(["=", "<>", "!=", "<", ">", "<=", ">="]);

const TOKEN = /\s+|`(?:[^`]|``)+`|'[^'\\]*'|\d[\w.]*|[a-z_]\w*|[=<>!]+|--|[\s\S]/giy;

/** The query with its names quoted as DuckDB has them, or the first part that is not known to mean the same. */
export function inDuckdb(query: string): InDuckdb {
  const tokens = query.match(TOKEN) ?? [];
  const words = tokens.filter((token) => token.trim() !== "");
  let place = 0;
  let text = "";
  for (const token of tokens) {
    if (token.trim() === "") {
      text += token;
      continue;
    }
    const said = inOwnWords(token, words, place);
    if (said === undefined) return { unlike: token };
    text += said;
    place++;
  }
  return severalDistinct(words) ? { unlike: "count(DISTINCT …) of several columns" } : { text };
}

function inOwnWords(token: string, words: readonly string[], place: number): string | undefined {
  const before = words[place - 1]?.toLowerCase() ?? "";
  if (/^`.+`$/s.test(token)) return doubleQuoted(token.slice(1, -1).replaceAll("``", "`"));
  if (/^'.*'$/s.test(token)) return before.endsWith("'") ? undefined : token; // 'a''b' is 'ab' in Hive
  if (/^\d/.test(token)) return /^\d+(?:\.\d+)?$/.test(token) && before !== "by" ? token : undefined; // GROUP BY 1 groups by the number there
  if (/^[a-z_]/i.test(token)) return wordOf(token, before, words[place + 1]);
  if (token === "*") return ["select", "distinct", "all", ",", "."].includes(before) ? undefined : token; // a new column would be one more
  return COMPARISONS.has(token) || /^[+(),.-]$/.test(token) ? token : undefined;
}

function wordOf(token: string, before: string, after: string | undefined): string | undefined {
  const word = token.toLowerCase();
  if (before === ".") return doubleQuoted(token);
  if (KEYWORDS.has(word)) return token;
  if (after === "(") return FUNCTIONS.has(word) ? token : undefined;
  return OTHERS.has(word) ? undefined : doubleQuoted(token);
}

/** Hive counts tuples without NULL; DuckDB has no such count. */
function severalDistinct(words: readonly string[]): boolean {
  return words.some((word, start) => {
    const [count, open, distinct] = [word, words[start + 1], words[start + 2]].map((each) => each?.toLowerCase());
    if (count !== "count" || open !== "(" || distinct !== "distinct") return false;
    let depth = 1;
    for (const each of words.slice(start + 2)) {
      if (each === "(") depth++;
      if (each === ")" && --depth === 0) return false;
      if (each === "," && depth === 1) return true;
    }
    return false;
  });
}
