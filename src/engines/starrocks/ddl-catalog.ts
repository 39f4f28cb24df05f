import { type Catalog, type CatalogObject, catalogOf, objectId } from "../../core/catalog.js";
import { DwError } from "../../core/errors.js";
import type { JsonObject } from "../../core/json.js";
import { databaseBody, materializedViewBody, tableBody, viewBody } from "./definition.js";
import type { Statement } from "./parse/ast.js";
import { placeOf, SyntaxFault, splitStatements } from "./parse/lexer.js";
import { parseStatement } from "./parse/statement.js";

/*
 * A file of CREATE statements as a catalog: hand-written, or the answers of SHOW CREATE one after the other. A statement that
 * defines nothing is never skipped in silence: what it does is not in the catalog.
 */

export interface DdlFile {
  readonly text: string;
  /** For letters: the file's name. */
  readonly source: string;
  readonly warehouse: string;
  /** Where names without a database are. */
  readonly database: string;
  /** Told of statements that define nothing, each by its first line; without it they are refused. */
  readonly onOther?: (line: number, text: string) => void;
}

/** Throws DW-ENGINE-REFUSED for what StarRocks's parser would not read, DW-USAGE for statements that are no definitions. */
export function catalogOfDdl(file: DdlFile): Catalog {
  const objects = new Map<string, CatalogObject>();
  let { database } = file;
  const add = (object: CatalogObject): void => {
    objects.set(object.id, object);
  };
  for (const part of splitStatements(file.text)) {
    const statement = "fault" in part ? refuseSyntax(file, part.fault) : read(file, part.tokens);
    if (statement.statement === "use") database = statement.name.at(-1) ?? database;
    else {
      const object = defined(statement, database, file.text.slice(0, part.end));
      if (object) add(object);
      else otherStatement(file, part.start, part.end);
    }
  }
  for (const own of new Set([...objects.values()].map(({ name }) => name[0] ?? ""))) {
    const id = objectId("starrocks", "database", [own]);
    if (!objects.has(id)) add(object("database", [own], { database: own, properties: {} }));
  }
  return catalogOf(file.warehouse, objects.values());
}

function read(file: DdlFile, tokens: Parameters<typeof parseStatement>[0]): Statement {
  try {
    return parseStatement(tokens);
  } catch (error) {
    if (error instanceof SyntaxFault) return refuseSyntax(file, error);
    throw error;
  }
}

/** `text` ends with the statement, so that a query is what follows its AS. */
function defined(statement: Statement, current: string, text: string): CatalogObject | undefined {
  if (!("name" in statement)) return undefined;
  const own = statement.name.at(-1) ?? "";
  const database = statement.name.length > 1 ? (statement.name.at(-2) ?? current) : current;
  switch (statement.statement) {
    case "create-database":
      return object("database", [own], databaseBody(statement));
    case "create-table":
      if ((statement.engine ?? "OLAP").toUpperCase() !== "OLAP" || statement.rollups.length > 0) return undefined;
      return object("table", [database, own], tableBody(statement, database));
    case "create-view":
      return object("view", [database, own], viewBody(statement, database, text));
    case "create-materialized-view":
      return object("materialized-view", [database, own], materializedViewBody(statement, database, text));
    default:
      return undefined;
  }
}

function object(kind: CatalogObject["kind"], name: readonly string[], body: JsonObject): CatalogObject {
  const dependsOn = kind === "database" ? [] : [objectId("starrocks", "database", name.slice(0, 1))];
  return { slot: "starrocks", kind, id: objectId("starrocks", kind, name), name, dependsOn, body };
}

function refuseSyntax({ text, source }: DdlFile, fault: SyntaxFault): never {
  const { line, column } = placeOf(text, fault.at);
  throw new DwError("DW-ENGINE-REFUSED", {
    what: `${source}:${line}:${column}: ${fault.message}`,
    why: "StarRocks's parser stops there, so the file says nothing that could be compared.",
    fix: "Correct the statement.",
  });
}

function otherStatement({ text, source, onOther }: DdlFile, at: number, end: number): void {
  const { line } = placeOf(text, at);
  if (onOther) {
    onOther(line, text.slice(at, end).trim().split("\n", 1)[0] ?? "");
    return;
  }
  throw new DwError("DW-USAGE", {
    what: `${source}:${line}: this statement defines no database, OLAP table, view or materialized view.`,
    why: "A file stands for the state after its CREATE statements; what other statements do to it is not followed.",
    fix: "Leave the statement out, or write the definition that it leads to (SHOW CREATE TABLE prints it).",
  });
}
