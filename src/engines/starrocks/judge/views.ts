import type { Query, Statement, ViewColumn } from "../parse/ast.js";
import { type OutputColumn, twiceIn } from "./catalog.js";
import { checkColumnName, checkTableName } from "./names.js";
import { refuse } from "./refusal.js";
import { queryColumns } from "./scope.js";
import type { Situation } from "./situation.js";

/** CREATE VIEW. Throws a Refusal. */
export function createView(statement: Extract<Statement, { statement: "create-view" }>, situation: Situation): void {
  const { catalog } = situation;
  const place = catalog.resolve(statement.name);
  if (!place) return;
  catalog.mention(place);
  checkTableName(place.name);
  if (statement.orReplace && statement.ifNotExists)
    refuse("view-options", "OR REPLACE and IF NOT EXISTS exclude each other.", "Keep one of them.");
  const columns = viewColumns(statement.query, statement.columns, situation);
  const thing = catalog.get(place);
  if (thing && !statement.ifNotExists && !(statement.orReplace && (thing.kind === "view" || thing.kind === "opaque")))
    refuse(
      "exists",
      `${place.name} exists.`,
      thing.kind === "view" ? "Write CREATE OR REPLACE VIEW or IF NOT EXISTS." : "Choose another name.",
    );
  if (!thing || statement.orReplace) catalog.put(place, { kind: "view", ...(columns && { columns }) });
}

/** The columns of a view; their names are unique. */
export function viewColumns(
  query: Query,
  named: readonly ViewColumn[] | undefined,
  situation: Situation,
): readonly OutputColumn[] | undefined {
  const columns = queryColumns(query, situation);
  if (named && columns && named.length !== columns.length)
    refuse(
      "view-columns",
      `The query gives ${columns.length} columns; ${named.length} are named.`,
      "Name as many columns as the query gives.",
    );
  for (const { name } of named ?? []) checkColumnName(name, situation.target);
  const names = named ? named.map(({ name }) => name) : (columns ?? []).map(({ name }) => name).filter((name) => name !== "");
  const twice = twiceIn(names);
  if (twice !== undefined) refuse("column-twice", `Two columns of the view are called ${twice}.`, "Give one of them an alias.");
  return named ? named.map(({ name }, index) => ({ ...(columns?.[index] ?? { type: { name: "unknown" } }), name })) : columns;
}

/** ALTER VIEW. Throws a Refusal. */
export function alterView(statement: Extract<Statement, { statement: "alter-view" }>, situation: Situation): void {
  const { catalog } = situation;
  const place = catalog.resolve(statement.name);
  if (!place) return;
  const thing = catalog.get(place);
  if (!thing && catalog.isMissing(place))
    refuse("view-missing", `View ${statement.name.join(".")} does not exist.`, "Create it before, or correct its name.");
  if (thing && thing.kind !== "view" && thing.kind !== "opaque")
    refuse("alter-kind", `${place.name} is a ${thing.kind.replace("-", " ")}.`, "Name a view.");
  if (!statement.query) return;
  const columns = viewColumns(statement.query, statement.columns, situation);
  if (thing) catalog.put(place, { kind: "view", ...(columns && { columns }) });
}
