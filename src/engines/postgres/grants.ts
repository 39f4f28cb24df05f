import { textHash } from "../../core/build-plan.js";
import type { Sql } from "../../core/sql.js";
import { template } from "../../render/template.js";
import { dollarQuoted, id, lit, raw, sql } from "./dialect.js";

/*
 * What others were granted on an object that is dropped and made again in one transaction. No model knows these rights; they
 * are kept in a setting that ends with the transaction.
 */

const keepText = template("postgres/keep-grants.sql", { setting: "sql", relation: "sql" });
const restoreText = template("postgres/restore-grants.sql", { setting: "sql", grant: "sql" });

/** Remembers the grants on `name` under the name that the object has afterwards. */
export function keepGrants(name: readonly string[], under: readonly string[]): string {
  return keepText({ setting: settingOf(under), relation: lit(id(...name).text) }).trimEnd();
}

export function restoreGrants(name: readonly string[]): string {
  // %1$s right, %2$s its columns, %3$s to whom, %4$s with or without the right to pass it on.
  const grant = lit(`GRANT %1$s%2$s ON ${id(...name).text.replaceAll("%", "%%")} TO %3$s%4$s`);
  return block(restoreText({ setting: settingOf(name), grant }));
}

function settingOf(name: readonly string[]): Sql {
  return lit(`dw.grants_${textHash(id(...name).text).slice(0, 8)}`);
}

/** Statements of PL/pgSQL that are run once. */
export function block(body: string): string {
  return sql`DO ${raw(dollarQuoted(`\n${body.trimEnd()}\n`))}`.text;
}
