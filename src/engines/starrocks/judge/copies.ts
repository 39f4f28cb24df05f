import type { CreateTableAsSelect, CreateTableLike } from "../parse/ast.js";
import type { Opaque, Place, Table } from "./catalog.js";
import { checkTableName } from "./names.js";
import { propertiesOf } from "./properties.js";
import { checkReplication } from "./property-values.js";
import { refuse } from "./refusal.js";
import { queryColumns } from "./scope.js";
import type { Situation } from "./situation.js";

/** CREATE TABLE … AS: its column types follow from the query, which the engine knows better; the table is not judged further. */
export function createTableAs(statement: CreateTableAsSelect, place: Place, situation: Situation): Opaque {
  checkTableName(place.name);
  const columns = queryColumns(statement.query, situation);
  if (columns && statement.columns && columns.length !== statement.columns.length)
    refuse(
      "view-columns",
      `The query gives ${columns.length} columns; ${statement.columns.length} are named.`,
      "Name as many columns as the query gives.",
    );
  const { replication_num: replication } = propertiesOf(statement.properties);
  if (replication !== undefined) checkReplication(replication, situation);
  return { kind: "opaque" };
}

/** CREATE TABLE … LIKE. */
export function createLike(statement: CreateTableLike, place: Place, situation: Situation): Table | Opaque {
  const { catalog } = situation;
  checkTableName(place.name);
  const source = catalog.resolve(statement.like);
  const model = source && catalog.get(source);
  if (source && catalog.isMissing(source))
    refuse("table-missing", `Table ${statement.like.join(".")} does not exist.`, "Create it before, or correct its name.");
  if (model?.kind === "view") refuse("like-kind", `${statement.like.join(".")} is a view.`, "Name a table.");
  const given = propertiesOf(statement.properties);
  if (given.replication_num !== undefined) checkReplication(given.replication_num, situation);
  if (model?.kind !== "table" || statement.partition) return { kind: "opaque" };
  const { distribution } = statement;
  return {
    ...model,
    rollups: [],
    temporary: [],
    properties: { ...model.properties, ...given },
    isTemporary: statement.temporary,
    ...(distribution && {
      distribution: {
        kind: distribution.kind,
        columns: distribution.columns,
        ...(distribution.buckets !== undefined && { buckets: distribution.buckets }),
      },
    }),
  };
}
