import type { TargetColumn } from "../core/target.js";
import { quoteText } from "../core/transit.js";
import type { EngineName, LogicalType } from "../core/types.js";
import type { ValueRule } from "./mapping.js";

/*
 * Values that an engine's type does not hold although the types fit: each would be refused while rows are loaded, or worse, be
 * kept as NULL. They are counted before a chunk is sent.
 */

interface Unheld {
  /** DuckDB predicate that is true for such a value; undefined for types that hold every value. */
  readonly is: (type: LogicalType, value: string) => string | undefined;
  readonly what: string;
  readonly fix: string;
}

const NUL: Unheld = {
  is: ({ kind }, value) => (kind === "text" ? `contains(${value}, chr(0))` : undefined),
  what: "holds a NUL character, which PostgreSQL texts cannot",
  fix: `Map the column with { sql: "replace(…, chr(0), '')" }, or keep such values in a binary column.`,
};

const INFINITE: Unheld = {
  is: inside(({ kind }, value) => (kind === "float" ? `NOT isfinite(${value})` : undefined)),
  what: "is or holds NaN or an infinity, which StarRocks keeps as NULL",
  fix: 'Say what it becomes with { sql: "CASE WHEN isfinite(x) THEN x END" } in the map.',
};

const BEYOND_YEARS: Unheld = {
  is: inside(({ kind }, value) =>
    kind === "date" || kind === "timestamp" ? `NOT isfinite(${value}) OR year(${value}) NOT BETWEEN 0 AND 9999` : undefined,
  ),
  what: "is or holds a time outside of the years 0 to 9999, which StarRocks does not keep",
  fix: "Say what it becomes with { sql } in the map, or leave such rows out.",
};

const unheld: Readonly<Partial<Record<EngineName, readonly Unheld[]>>> = {
  postgres: [NUL],
  timescale: [NUL],
  starrocks: [INFINITE, BEYOND_YEARS],
};

/** The rules of an engine for one column; `expression` gives its value in the target's type. */
export function unheldRules(engine: EngineName, { type, name: column }: TargetColumn, expression: string): ValueRule[] {
  return (unheld[engine] ?? []).flatMap(({ is, what, fix }) => {
    const broken = is(type, expression);
    return broken === undefined ? [] : [{ column, broken, what, fix }];
  });
}

/** The same question about every leaf of a nested value. */
function inside(leaf: Unheld["is"], depth = 0): Unheld["is"] {
  const any = (type: LogicalType, list: string): string | undefined => {
    const found = inside(leaf, depth + 1)(type, `dw_${depth}`);
    return found && `len(list_filter(${list}, lambda dw_${depth}: ${found})) > 0`;
  };
  const either = (parts: readonly (string | undefined)[]): string | undefined =>
    parts
      .filter((part) => part !== undefined)
      .map((part) => `coalesce(${part}, FALSE)`)
      .join(" OR ") || undefined;
  return (type, value) => {
    switch (type.kind) {
      case "list":
        return any(type.element.type, value);
      case "map":
        return either([any(type.key, `map_keys(${value})`), any(type.value.type, `map_values(${value})`)]);
      case "struct":
        return either(type.fields.map((field) => inside(leaf, depth)(field.type, `struct_extract(${value}, ${quoteText(field.name)})`)));
      default:
        return leaf(type, value);
    }
  };
}
