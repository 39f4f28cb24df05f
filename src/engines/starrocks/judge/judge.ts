import type { EngineTarget, Finding } from "../../../core/finding.js";
import type { Statement } from "../parse/ast.js";
import { placeOf, SyntaxFault, splitStatements, type Place as TextPlace, type Token } from "../parse/lexer.js";
import { parseStatement } from "../parse/statement.js";
import { judgeAccess } from "./access.js";
import { alterTable } from "./alter-table.js";
import { Catalog, type Place } from "./catalog.js";
import { createLike, createTableAs } from "./copies.js";
import { createTable } from "./create-table.js";
import { createDatabase, drop, dropDatabase } from "./drops.js";
import { alterMaterializedView, createMaterializedView } from "./materialized-views.js";
import { checkDatabaseName } from "./names.js";
import { Refusal, refuse, type Subject } from "./refusal.js";
import type { Situation } from "./situation.js";
import { versionFindings } from "./versions.js";
import { alterView, createView } from "./views.js";

/** What a front end would say of one statement of a file. */
export interface Verdict {
  readonly start: TextPlace;
  readonly findings: readonly Finding[];
}

/** Where statements are judged one after the other: what one makes, the next ones find. */
export interface Session {
  readonly target: EngineTarget;
  /** True when somebody said how many backends there are; otherwise the cluster may be anything. */
  readonly isDescribed: boolean;
  readonly catalog: Catalog;
}

export function beginSession(target: EngineTarget, { isDescribed = false }: { isDescribed?: boolean } = {}): Session {
  return { target, isDescribed, catalog: new Catalog() };
}

/**
 * Judges hand-written SQL: each statement after those before it, beginning with an empty database. A statement that the
 * front end refuses changes nothing. Definitions are judged: of databases, tables, views, catalogs, roles and their rights.
 */
export function judgeText(text: string, target: EngineTarget, cluster: { isDescribed?: boolean } = {}): Verdict[] {
  return judgeStatements(text, beginSession(target, cluster)).map(({ start, findings }, index) => ({
    start: placeOf(text, start),
    findings: [
      ...(index === 0 ? versionFindings(target) : []),
      ...findings.map(({ at, ...finding }) => ({ ...finding, position: placeOf(text, at) })),
    ],
  }));
}

/** A finding of which the text is known, but not yet read line by line. */
export interface Located extends Finding {
  readonly at: number;
  readonly column?: string;
}

/** The same for text that a model made: offsets instead of lines, and the column that a finding is about. */
export function judgeStatements(text: string, session: Session): { start: number; findings: Located[] }[] {
  return splitStatements(text)
    .flatMap((piece): Piece[] => ("fault" in piece ? [piece] : splitAtComments(piece, text)))
    .map((piece) => ({ start: piece.start, findings: judgePiece(piece, { ...session, notes: [] }) }));
}

type Piece = ReturnType<typeof splitStatements>[number];
type ReadPiece = Exclude<Piece, { fault: SyntaxFault }>;

function judgePiece(piece: Piece, situation: Situation): Located[] {
  if ("fault" in piece) return [syntaxFinding(piece.fault)];
  const notes = (): Located[] => situation.notes.map((note) => ({ ...note, at: piece.start }));
  try {
    judge(parseStatement(piece.tokens), situation);
    return notes();
  } catch (error) {
    if (error instanceof SyntaxFault) return [syntaxFinding(error)];
    if (error instanceof Refusal) return [refusalFinding(error, piece), ...notes()];
    throw error;
  }
}

function refusalFinding({ rule, message, fix, subject }: Refusal, piece: ReadPiece): Located {
  const at = subject.at ?? mention(subject, piece.tokens) ?? piece.start;
  return { rule, severity: "error", message, fix, at, ...(subject.column !== undefined && { column: subject.column }) };
}

/** Where a name first stands: a property in its list, a column where it is defined. */
function mention({ property, column }: Subject, tokens: readonly Token[]): number | undefined {
  const name = property ?? column;
  const kinds = property === undefined ? ["word", "quoted"] : ["string"];
  return name === undefined ? undefined : tokens.find(({ kind, text }) => kinds.includes(kind) && text === name)?.start;
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

function syntaxFinding({ message, at }: SyntaxFault): Located {
  return { rule: "starrocks/syntax", severity: "error", message, fix: "Write what StarRocks's grammar takes at this place.", at };
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
    case "access":
      judgeAccess(statement.of, situation);
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
  if (temporary) catalog.addTemporary(place);
  else if (thing) catalog.put(place, thing);
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
