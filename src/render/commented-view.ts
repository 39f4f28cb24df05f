import type { Sql, SqlBuilder } from "../core/sql.js";
import { template } from "./template.js";

const viewTemplate = template("common/create-view.sql", {
  replace: "flag",
  name: "sql",
  columns: [{ line: "sql" }],
  comment: "sql?",
  query: "sql",
});

export interface CommentedView {
  readonly name: readonly string[];
  readonly columns: readonly CommentedColumn[];
  readonly comment: string;
  readonly query: Sql;
  readonly replace: boolean;
}

export interface CommentedColumn {
  readonly name: string;
  readonly comment: string;
}

type Words = Pick<SqlBuilder, "sql" | "id" | "raw"> & { readonly text: (value: string) => Sql };

/** CREATE VIEW of the engines that take comments in it (StarRocks, Hive); `text` is how they write one. */
export function commentedView(words: Words, { name, columns, comment, query, replace }: CommentedView): Sql {
  const text = viewTemplate({
    replace,
    name: words.id(...name),
    columns: columns.map((column) => ({ line: commentedColumn(words, column) })),
    comment: comment === "" ? undefined : words.text(comment),
    query,
  });
  return words.raw(text.trimEnd());
}

/** `name COMMENT 'text'`. */
export function commentedColumn({ sql, id, text }: Omit<Words, "raw">, { name, comment }: CommentedColumn): Sql {
  return comment === "" ? id(name) : sql`${id(name)} COMMENT ${text(comment)}`;
}
