/** A name in StarRocks's SQL. */
export function ident(name: string): string {
  return `\`${name.replaceAll("`", "``")}\``;
}

/** A text; backslashes escape in it. */
export function text(value: string): string {
  return `'${value.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}

/** `2026-11-21 10:37:39`, which the engine's clock shows in UTC, as ISO-8601. */
export function isoTime(shown: string | null | undefined): string {
  return `${(shown ?? "").replace(" ", "T").slice(0, 19)}Z`;
}
