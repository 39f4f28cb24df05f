import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/*
 * `dw --help`, from the manifest that the build wrote and nothing else: loading the command-line framework would take
 * most of the time that the first page may take.
 */

const asking: ReadonlySet<string> = new Set(["", "--help", "-h", "help"]);

/** In the order of the work. A command that is missing here is listed at the end. */
const groups: Readonly<Record<string, readonly string[]>> = {
  "WRITE MODELS": ["init", "import", "generate", "lint", "diff"],
  "RUN A WAREHOUSE": ["migrate", "backfill", "check"],
  "LOOK AT SOURCES": ["cat", "inspect"],
  "GET HELP": ["doctor", "explain"],
};

interface Manifest {
  readonly version: string;
  readonly commands: Readonly<Record<string, { readonly summary?: string }>>;
}

const WIDTH = 80;

/** Whether the words ask for the first page: `dw`, `dw --help`, `dw -h`, `dw help`. */
export function wantsFrontPage(argv: readonly string[]): boolean {
  return asking.has(argv.join(" "));
}

export function printFrontPage(): void {
  process.stdout.on("error", () => process.exit()); // `dw --help | head`: nobody reads any more
  const manifest: Manifest = JSON.parse(readFileSync(fileURLToPath(new URL("../../oclif.manifest.json", import.meta.url)), "utf8"));
  process.stdout.write(frontPage(manifest));
}

function frontPage({ version, commands }: Manifest): string {
  const named = new Set(Object.values(groups).flat());
  const topLevel = Object.keys(commands).filter((id) => !id.includes(":"));
  const sections = { ...groups, OTHER: topLevel.filter((id) => !named.has(id)) };
  const listed = Object.entries(sections).flatMap(([title, ids]) => {
    const lines = ids.filter((id) => commands[id]).flatMap((id) => entry(id, commands));
    return lines.length > 0 ? ["", title, ...lines] : [];
  });
  return `${[
    "Models in TypeScript; from them DDL, migrations, backfills and checks of data warehouses.",
    "",
    "USAGE",
    "  dw COMMAND [FLAGS]        dw COMMAND --help says more",
    ...listed,
    "",
    `dw ${version}`,
  ].join("\n")}\n`;
}

function entry(id: string, commands: Manifest["commands"]): string[] {
  const below = Object.keys(commands).filter((other) => other.startsWith(`${id}:`));
  const names = below.map((other) => other.slice(id.length + 1)).sort();
  const also = names.length > 0 ? [`Also: ${names.join(", ")}.`] : [];
  const indent = 12;
  const [first = "", ...rest] = [commands[id]?.summary ?? "", ...also].flatMap((text) => wrapped(text, WIDTH - indent));
  return [`  ${id.padEnd(indent - 2)}${first}`, ...rest.map((line) => " ".repeat(indent) + line)];
}

function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
