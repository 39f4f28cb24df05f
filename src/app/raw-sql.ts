import type { CatalogObject } from "../core/catalog.js";
import type { AnyCheck } from "../core/check-spec.js";
import type { Finding } from "../core/finding.js";
import type { Model, SqlBody, SqlReference } from "../core/model.js";

/*
 * SQL that people write into views, functions and checks, read as far as names go: a table or column that no model has is found
 * before an engine is asked. StarRocks's own queries are judged whole, by its prover.
 */

interface Facts {
  readonly models: readonly Model[];
  readonly objects: readonly CatalogObject[];
}

type Part = string | SqlReference;

export function rawSqlFindings(facts: Facts): Finding[] {
  const relations = relationsOf(facts);
  return facts.models.flatMap((model) => {
    const texts = textsOf(model);
    return [...unknownRelations(model, texts, facts), ...unknownColumns(model, texts, relations)];
  });
}

function textsOf(model: Model): readonly (readonly Part[])[] {
  const bodies: readonly SqlBody[] = Object.values(model.model === "function" ? model.body : "query" in model ? model.query : {});
  const checks: readonly AnyCheck[] = model.model === "check" ? [model.spec] : "checks" in model ? (model.checks ?? []) : [];
  return [
    ...bodies.filter(({ dialect }) => dialect !== "starrocks").map(({ parts }) => parts),
    ...checks.flatMap(checkTexts).map((text) => [text]),
  ];
}

function checkTexts(check: AnyCheck): readonly string[] {
  if (check.check !== "sql") return [];
  return typeof check.sql === "string" ? [check.sql] : Object.values(check.sql);
}

// ------------------------------------------------------------------------------------------------ relations

function unknownRelations(model: Model, texts: readonly (readonly Part[])[], { models, objects }: Facts): Finding[] {
  const known = new Set(
    [...models.map(({ name }) => name), ...objects.flatMap(({ name }) => name.slice(-1))].map((name) => name.toLowerCase()),
  );
  const schemas = new Set(objects.flatMap(({ name }) => name.slice(0, -1)).map((name) => name.toLowerCase()));
  const names = texts.flatMap(relationsIn);
  const strangers = new Set(names.filter((path) => isStranger(path, known, schemas)).map((path) => path.join(".")));
  return [...strangers].map((name) => ({
    rule: "cross/unknown-relation",
    severity: "warning" as const,
    message: `${model.name} reads ${name}, which no model of the warehouse is.`,
    fix: "Refer to a model object in the query, or describe the table with defineSource.",
    place: model.name,
  }));
}

function isStranger(path: readonly string[], known: ReadonlySet<string>, schemas: ReadonlySet<string>): boolean {
  const [name = "", schema] = [...path].reverse();
  if (known.has(name.toLowerCase())) return false;
  return schema === undefined ? !name.toLowerCase().startsWith("pg_") : schemas.has(schema.toLowerCase());
}

const IDENTIFIER = String.raw`(?:"(?:[^"]|"")+"|\x60[^\x60]+\x60|[A-Za-z_][\w$]*)`;
const READ = new RegExp(String.raw`\b(?:from|join)\s+(?:only\s+)?(${IDENTIFIER}(?:\s*\.\s*${IDENTIFIER})*)(?!\s*\(|[\w$"])`, "gi");
const MADE = new RegExp(
  String.raw`(${IDENTIFIER})\s+as\s+(?:not\s+materialized\s+|materialized\s+)?\(|\btable\s+(?:if\s+not\s+exists\s+)?(${IDENTIFIER})`,
  "gi",
);

/** Names behind FROM and JOIN, without those that the text itself makes (WITH, temporary tables) or that functions return. */
function relationsIn(parts: readonly Part[]): string[][] {
  const text = parts.map((part) => (typeof part === "string" ? part : "\0")).join("");
  const bare = withoutTexts(text).replace(/\b(?:extract|trim|substring|overlay|position)\s*\([^()]*\)|\bdistinct\s+from\b/gi, " ");
  const made = new Set([...bare.matchAll(MADE)].map((match) => unquoted(match[1] ?? match[2] ?? "").toLowerCase()));
  return [...bare.matchAll(READ)]
    .map((match) => (match[1] ?? "").split(/\s*\.\s*/).map(unquoted))
    .filter((path) => path.length > 1 || !(made.has(path[0]?.toLowerCase() ?? "") || KEYWORDS.has(path[0]?.toLowerCase() ?? "")));
}

function withoutTexts(text: string): string {
  return text.replace(/'(?:[^']|'')*'|--[^\n]*|\/\*[\s\S]*?\*\//g, " ");
}

/** What follows FROM and is no name. */
const KEYWORDS = new Set(["lateral", "unnest", "values", "select", "old", "new", "dual"]);

function unquoted(name: string): string {
  return name.replace(/^["`]|["`]$/g, "").replaceAll('""', '"');
}

// ------------------------------------------------------------------------------------------------ columns

/** Columns of what has some, in lower case: engines fold names, and a capital too many is another rule's. */
type Columns = ReadonlySet<string>;
type Relations = ReadonlyMap<string, Columns>;

function relationsOf({ models, objects }: Facts): Relations {
  const relations = new Map<string, Columns>();
  for (const model of models) {
    if (!("columns" in model) || model.columns === undefined || model.model === "topic") continue;
    const columns = new Set(Object.keys(model.columns).map((name) => name.toLowerCase()));
    for (const name of [model.name, ...objects.filter((object) => object.model === model.name).flatMap((object) => object.name.slice(-1))])
      relations.set(name.toLowerCase(), columns);
  }
  return relations;
}

/** Every row of PostgreSQL has them. */
const SYSTEM_COLUMNS = new Set(["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"]);

/** `o.paidd`, where o is a model that has no such column. Names without an alias could be anybody's. */
function unknownColumns(model: Model, texts: readonly (readonly Part[])[], relations: Relations): Finding[] {
  const missing = new Set(
    texts.flatMap((parts) => {
      const { text, aliases } = aliased(parts, relations);
      return [...text.matchAll(QUALIFIED)].flatMap(([, alias = "", column = ""]) => {
        const of = aliases.get(unquoted(alias).toLowerCase());
        const name = unquoted(column).toLowerCase();
        return of === undefined || SYSTEM_COLUMNS.has(name) || of.some((columns) => columns.has(name))
          ? []
          : [`${unquoted(alias)}.${unquoted(column)}`];
      });
    }),
  );
  return [...missing].map((name) => ({
    rule: "cross/unknown-column",
    severity: "warning" as const,
    message: `${model.name} reads ${name}, a column that the model behind it does not have.`,
    fix: "Correct the name, or refer to the column as an object of its model, which the compiler checks.",
    place: model.name,
  }));
}

const QUALIFIED = new RegExp(String.raw`(?<![\w$".\x01])(${IDENTIFIER})\s*\.\s*(${IDENTIFIER})(?!\s*[(.]|[\w$"])`, "g");

/** A name behind a relation that is no word of the grammar: its alias. */
const ALIASED = new RegExp(
  String.raw`\b(?:from|join)\s+(?:only\s+)?((?:${IDENTIFIER}\s*\.\s*)?(?:${IDENTIFIER}))(?!\s*[(.]|[\w$"])(?:\s+(?:as\s+)?(${IDENTIFIER}))?`,
  "gi",
);
const NO_ALIAS = new Set(
  "where on using group order having limit offset union except intersect join left right full inner cross natural lateral window fetch for tablesample returning set as".split(
    " ",
  ),
);
/** What else may be called so in the text: queries in parentheses, functions, WITH. */
const OTHERS = new RegExp(String.raw`\)\s*(?:as\s+)?(${IDENTIFIER})|(${IDENTIFIER})\s+as\s+(?:not\s+)?(?:materialized\s+)?\(`, "gi");

interface Aliased {
  readonly text: string;
  /** Each with the columns of all relations that are called so somewhere in the text. */
  readonly aliases: ReadonlyMap<string, readonly Columns[]>;
}

function aliased(parts: readonly Part[], relations: Relations): Aliased {
  const shown = (part: Part): string =>
    typeof part === "string" ? part : part.ref === "model" ? `"${part.model.replaceAll('"', '""')}"` : "\x01";
  const text = withoutTexts(parts.map(shown).join(""));
  const found = new Map<string, Columns[]>();
  const unclear = new Set([...text.matchAll(OTHERS)].map((match) => unquoted(match[1] ?? match[2] ?? "").toLowerCase()));
  for (const [, path = "", alias] of text.matchAll(ALIASED)) {
    const name = unquoted(path.split(/\s*\.\s*/).at(-1) ?? "").toLowerCase();
    const own = alias === undefined || NO_ALIAS.has(alias.toLowerCase()) ? name : unquoted(alias).toLowerCase();
    const columns = relations.get(name);
    if (columns === undefined) unclear.add(own);
    else found.set(own, [...(found.get(own) ?? []), columns]);
  }
  return { text, aliases: new Map([...found].filter(([name]) => !unclear.has(name))) };
}
