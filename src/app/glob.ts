/** Matches names against a glob: `*` is any run of characters, `?` is one. Everything else is itself. */
export function globMatcher(glob: string): (name: string) => boolean {
  const pattern = glob.replace(/[\\^$.*+?()[\]{}|]/g, (character) => WILD[character] ?? `\\${character}`);
  const expression = new RegExp(`^${pattern}$`, "su");
  return (name) => expression.test(name);
}

const WILD: Readonly<Record<string, string>> = { "*": ".*", "?": "." };
