import { textHash } from "../../core/build-plan.js";
import { compareText } from "../../core/catalog.js";

/*
 * `migrations/<warehouse>/sum`: one line a file, in the form of sha256sum. Its first line is a hash of the others, so that two
 * branches which both add a migration conflict in git, where somebody decides, and not in production.
 */

/** Path below `migrations/<warehouse>/` → hash. */
export type FileHashes = ReadonlyMap<string, string>;

const HEAD = "# dw sum ";

export function sumText(hashes: FileHashes): string {
  const lines = [...hashes].sort(([a], [b]) => compareText(a, b)).map(([path, hash]) => `${hash}  ${path}\n`);
  return `${HEAD}${textHash(lines.join(""))}\n${lines.join("")}`;
}

/** What a sum file says, or a sentence about why it cannot be believed. */
export function parseSum(text: string): FileHashes | string {
  const [head = "", ...rest] = text.split(/\r?\n/).filter((line) => line !== "");
  if (!head.startsWith(HEAD)) return "Its first line is not a hash of the others.";
  const hashes = new Map<string, string>();
  for (const line of rest) {
    const match = /^([0-9a-f]{64}) {2}(.+)$/.exec(line);
    if (!match?.[1] || !match[2]) return `A line is not a hash and a path: ${line}`;
    hashes.set(match[2], match[1]);
  }
  return sumText(hashes).startsWith(`${head}\n`) ? hashes : "Its first line does not match the others: it was merged or edited by hand.";
}

/** The hash of one migration: of all its files. */
export function migrationHash(id: string, hashes: FileHashes): string {
  const own = [...hashes].filter(([path]) => path.startsWith(`${id}/`)).sort(([a], [b]) => compareText(a, b));
  return textHash(own.map(([path, hash]) => `${hash}  ${path}\n`).join(""));
}

/** Sentences about what differs between the recorded hashes and the files. */
export function sumDifferences(recorded: FileHashes, found: FileHashes): string[] {
  const paths = [...new Set([...recorded.keys(), ...found.keys()])].sort(compareText);
  return paths.flatMap((path) => {
    if (!found.has(path)) return [`${path} is missing`];
    if (!recorded.has(path)) return [`${path} is not recorded in sum`];
    return found.get(path) === recorded.get(path) ? [] : [`${path} was edited`];
  });
}
