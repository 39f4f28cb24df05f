import type { EngineTarget, Finding } from "../../../core/finding.js";
import type { Statement } from "../parse/ast.js";
import { placeOf, SyntaxFault, splitStatements, type Place as TextPlace, type Token } from "../parse/lexer.js";
import { parseStatement } from "../parse/statement.js";
import { alterTable } from "./alter-table.js";
import { Catalog, type Place } from "./catalog.js";
import { createLike, createTableAs } from "./copies.js";
import { createTable } from "./create-table.js";
import { createDatabase, drop, dropDatabase } from "./drops.js";
import { alterMaterializedView, createMaterializedView } from "./materialized-views.js";
import { checkDatabaseName } from "./names.js";
import { Refusal, refuse } from "./refusal.js";
import type { Situation } from "./situation.js";
import { alterView, createView } from "./views.js";

/** What a front end would say of one statement of a file. */
export interface Verdict {
  readonly start: TextPlace;
  readonly findings: readonly Finding[];
}

/**
 * Judges hand-written SQL: each statement after those before it, beginning with an empty database. A statement that the
 * front end refuses changes nothing. Only definitions of databases, tables and views are judged.
 */
export function judgeText(text: string, target: EngineTarget, { isDescribed = false }: { isDescribed?: boolean } = {}): Verdict[] {
  const catalog = new Catalog();
  return splitStatements(text)
    .flatMap((piece): Piece[] => ("fault" in piece ? [piece] : splitAtComments(piece, text)))
    .map((piece) => {
      const notes: Finding[] = [];
      return { start: placeOf(text, piece.start), findings: judgePiece(piece, text, { catalog, target, isDescribed, notes }) };
    });
}

type Piece = ReturnType<typeof splitStatements>[number];
type ReadPiece = Exclude<Piece, { fault: SyntaxFault }>;

function judgePiece(piece: Piece, text: string, situation: Situation): readonly Finding[] {
  if ("fault" in piece) return [syntaxFinding(piece.fault, text)];
  try {
    judge(parseStatement(piece.tokens), situation);
    return situation.notes;
  } catch (error) {
    if (error instanceof SyntaxFault) return [syntaxFinding(error, text)];
    if (!(error instanceof Refusal)) throw error;
    return [{ rule: error.rule, severity: "error", message: error.message, fix: error.fix }, ...situation.notes];
  }
}

const FIRST_WORDS = ["CREATE", "ALTER", "DROP"];
const COMMENTED_SEMICOLON = /--[^\n]*;[ \t\r]*\n\s*\n\s*$/;

/** A semicolon that slipped into a comment at the end of a statement still ends it when a definition begins behind an empty line. */
function splitAtComments({ start, tokens }: ReadPiece, text: string): ReadPiece[] {
  const at = tokens.findIndex((token, index) => {
    const before = tokens[index - 1];
    return before !== undefined && FIRST_WORDS.includes(token.key) && COMMENTED_SEMICOLON.test(text.slice(before.end, token.start));
  });
  const [first, second] = [tokens[at - 1], tokens[at]];
  if (!first || !second) return [{ start, end: tokens.at(-1)?.end ?? start, tokens }];
  const end: Token = { kind: "end", text: "", key: "", start: first.end, end: first.end };
  const rest: ReadPiece = { start: second.start, end: tokens.at(-1)?.end ?? second.end, tokens: tokens.slice(at) };
  return [{ start, end: first.end, tokens: [...tokens.slice(0, at), end] }, ...splitAtComments(rest, text)];
}

function syntaxFinding(fault: SyntaxFault, text: string): Finding {
  const { line, column } = placeOf(text, fault.at);
  return {
    rule: "starrocks/syntax",
    severity: "error",
    message: `Line ${line}, column ${column}: ${fault.message}`,
    fix: "Write what StarRocks's grammar takes at this place.",
  };
}

function judge(statement: Statement, situation: Situation): void {
  const { catalog } = situation;
  switch (statement.statement) {
    case "create-table":
      creates(statement, situation, (place) => createTable(statement, place, situation) ?? { kind: "opaque" });
      return;
    case "create-table-as":
      creates(statement, situation, (place) => createTableAs(statement, place, situation));
      return;
    case "create-table-like":
      creates(statement, situation, (place) => createLike(statement, place, situation));
      return;
    case "create-view":
      createView(statement, situation);
      return;
    case "create-materialized-view":
      createMaterializedView(statement, situation);
      return;
    case "alter-table":
      alterTable(statement.name, statement.clauses, situation);
      return;
    case "create-index":
      alterTable(statement.table, [{ clause: "add-index", index: statement.index }], situation);
      return;
    case "drop-index":
      alterTable(statement.table, [{ clause: "drop-index", name: statement.name }], situation);
      return;
    case "alter-view":
      alterView(statement, situation);
      return;
    case "alter-materialized-view":
      alterMaterializedView(statement, situation);
      return;
    case "drop-table":
    case "drop-view":
    case "drop-materialized-view":
      drop(statement, catalog);
      return;
    case "create-database":
      checkDatabaseName(statement.name.at(-1) ?? "");
      checkDatabaseProperties(statement, situation);
      createDatabase(statement, catalog);
      return;
    case "drop-database":
      dropDatabase(statement, catalog);
      return;
    case "use":
      catalog.use(statement.name.at(-1) ?? "");
      return;
    case "query":
    case "other":
      return;
  }
}

interface Creation {
  readonly name: readonly string[];
  readonly ifNotExists: boolean;
  readonly temporary: boolean;
}

function creates(
  { name, ifNotExists, temporary }: Creation,
  situation: Situation,
  make: (place: Place) => ReturnType<Catalog["get"]>,
): void {
  const { catalog } = situation;
  const place = catalog.resolve(name);
  if (!place) return;
  checkDatabaseExists(place, catalog);
  if (!temporary) catalog.mention(place);
  if (catalog.get(place) && !temporary) {
    if (!ifNotExists) refuse("exists", `${place.name} exists.`, "Write IF NOT EXISTS, or another name.");
    return;
  }
  const thing = make(place);
  // A temporary table hides others of its name in its session only; later statements are judged without it.
  if (thing && !temporary) catalog.put(place, thing);
}

function checkDatabaseExists({ database }: Place, catalog: Catalog): void {
  if (catalog.wasDropped(database)) refuse("database-missing", `Database ${database} was dropped.`, "Create it again before.");
}

function checkDatabaseProperties({ properties }: Extract<Statement, { statement: "create-database" }>, { target }: Situation): void {
  const volume = properties.find(({ key }) => key === "storage_volume")?.value;
  if (volume !== undefined && target.mode === "shared-nothing" && volume !== "local")
    refuse(
      "storage-volume",
      "A shared-nothing cluster has the storage volume local only.",
      "Leave storage_volume out, or lint with --engine starrocks@VERSION/shared-data.",
    );
}
