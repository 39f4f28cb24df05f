/*
 * Whether two SQL texts say the same: engines store a query with other blanks and other quotes around names than it was
 * written with. Compared piece by piece, so that nothing inside a string literal is touched.
 */

const PIECES = /'(?:[^'\\]|\\.|'')*'|`((?:[^`]|``)*)`|"((?:[^"]|"")*)"|[A-Za-z_$][\w$]*|\d[\w.]*|--[^\n]*|\/\*[\s\S]*?\*\/|\s+|[\s\S]/g;

/** True when the texts differ at most in blanks, comments and quotes around names that need none. */
export function sameSql(a: string, b: string): boolean {
  return pieces(a).join("\0") === pieces(b).join("\0");
}

function pieces(text: string): string[] {
  const found: string[] = [];
  for (const [piece, backquoted, doubleQuoted] of text.replace(/[\s;]+$/, "").matchAll(PIECES)) {
    if (/^(?:\s|--|\/\*)/.test(piece)) continue;
    const name = backquoted ?? doubleQuoted;
    found.push(name !== undefined && /^[A-Za-z_]\w*$/.test(name) ? name : piece);
  }
  return found;
}
