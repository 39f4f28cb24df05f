/** A name in double quotes, as the SQL standard, DuckDB and PostgreSQL have it. The name was checked by the caller. */
export function doubleQuoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
