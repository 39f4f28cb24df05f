import { readFileSync } from "node:fs";
import Handlebars from "handlebars";
import { Sql } from "../core/sql.js";

/*
 * Templates decide where, TypeScript decides what and whether (DESIGN §10). A template declares its holes as a shape: the
 * compiler checks the view against it, and the first use checks the parsed template against it, because Handlebars'
 * strict mode lets a misspelt {{#if}} or {{#each}} be silently empty.
 */

/**
 * `sql` takes only quoted Sql, `text` a string (for documents that are not SQL), `flag` a boolean for {{#if}}; with `?`
 * the value may be absent and the template has to ask with {{#if}} first. A list of one shape is for {{#each}}.
 */
export type HoleKind = "sql" | "sql?" | "text" | "text?" | "flag" | readonly [Shape];

export interface Shape {
  readonly [hole: string]: HoleKind;
}

type ValueOf<Kind extends HoleKind> = Kind extends "sql"
  ? Sql
  : Kind extends "sql?"
    ? Sql | undefined
    : Kind extends "text"
      ? string
      : Kind extends "text?"
        ? string | undefined
        : Kind extends "flag"
          ? boolean
          : Kind extends readonly [infer Member extends Shape]
            ? readonly ViewOf<Member>[]
            : never;

export type ViewOf<S extends Shape> = { readonly [Hole in keyof S]: ValueOf<S[Hole]> };

/** A function that fills `templates/<path>.hbs`. The file is read and checked once, at the first use. */
export function template<const S extends Shape>(path: string, shape: S): (view: ViewOf<S>) => string {
  let filled: ((view: object) => string) | undefined;
  return (view) => {
    filled ??= compile(path, templateText(path), shape);
    return filled(plain(view, shape, path));
  };
}

export function templateText(path: string): string {
  return readFileSync(new URL(`../../templates/${path}.hbs`, import.meta.url), "utf8");
}

/** Throws Error (a bug, not a user's mistake) when template and shape do not name the same holes. */
export function compile(path: string, text: string, shape: Shape): (view: object) => string {
  const used = usedHoles(path, text);
  const declared = declaredHoles(shape);
  const missing = [...used].filter((hole) => !declared.has(hole));
  const idle = [...declared].filter((hole) => !used.has(hole));
  if (missing.length > 0) throw new Error(`Template ${path} has holes that nobody fills: ${missing.join(", ")}.`);
  if (idle.length > 0) throw new Error(`Template ${path} leaves out: ${idle.join(", ")}.`);
  return Handlebars.compile(text, { noEscape: true, strict: true, knownHelpersOnly: true });
}

function declaredHoles(shape: Shape, prefix = ""): Set<string> {
  return new Set(
    Object.entries(shape).flatMap(([hole, kind]) =>
      typeof kind === "string" ? [prefix + hole] : [prefix + hole, ...declaredHoles(kind[0], `${prefix}${hole}.`)],
    ),
  );
}

function usedHoles(path: string, text: string): Set<string> {
  const used = new Set<string>();
  collect(Handlebars.parse(text).body, [], used, path);
  return used;
}

const BLOCKS: ReadonlySet<string> = new Set(["if", "unless", "each"]);

function collect(nodes: readonly hbs.AST.Statement[], scope: readonly string[], used: Set<string>, path: string): void {
  for (const node of nodes) {
    if (node.type === "MustacheStatement") use((node as hbs.AST.MustacheStatement).path, scope, used, path);
    else if (node.type === "BlockStatement") collectBlock(node as hbs.AST.BlockStatement, scope, used, path);
    else if (node.type !== "ContentStatement" && node.type !== "CommentStatement") throw new Error(`Template ${path} uses ${node.type}.`);
  }
}

function collectBlock(block: hbs.AST.BlockStatement, scope: readonly string[], used: Set<string>, path: string): void {
  const helper = block.path.type === "PathExpression" ? (block.path as hbs.AST.PathExpression).original : "";
  const [subject] = block.params;
  if (!BLOCKS.has(helper) || subject === undefined) throw new Error(`Template ${path} uses the block ${helper}.`);
  const name = use(subject, scope, used, path);
  collect(block.program.body, helper === "each" && name !== undefined ? name.split(".") : scope, used, path);
  if (block.inverse) collect(block.inverse.body, scope, used, path);
}

/** The full name of the hole that an expression reads; nothing for `@last` and its kind. */
function use(expression: hbs.AST.Expression, scope: readonly string[], used: Set<string>, path: string): string | undefined {
  if (expression.type !== "PathExpression") throw new Error(`Template ${path} uses ${expression.type}.`);
  const { data, depth, parts } = expression as hbs.AST.PathExpression;
  if (data) return undefined;
  const name = [...scope.slice(0, scope.length - depth), ...parts].join(".");
  used.add(name);
  return name;
}

/** The view with Sql as text; refuses a view that lacks a declared hole or holds something else than its kind. */
function plain(view: object, shape: Shape, path: string): Record<string, unknown> {
  const values = view as Readonly<Record<string, unknown>>; // any object can be read by key
  return Object.fromEntries(Object.entries(shape).map(([hole, kind]) => [hole, plainValue(values[hole], kind, `${path}: ${hole}`)]));
}

function plainValue(value: unknown, kind: HoleKind, place: string): unknown {
  if (typeof kind !== "string") {
    if (!Array.isArray(value)) throw new Error(`Template hole ${place} wants a list.`);
    return value.map((member: object) => plain(member, kind[0], place));
  }
  if (value === undefined && kind.endsWith("?")) return undefined;
  if (kind.startsWith("sql") && value instanceof Sql) return value.text;
  if (kind.startsWith("text") && typeof value === "string") return value;
  if (kind === "flag" && typeof value === "boolean") return value;
  throw new Error(`Template hole ${place} wants ${kind}.`);
}
