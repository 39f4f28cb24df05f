interface Imported {
  readonly path?: string;
  readonly text: string;
  readonly checks: number;
  readonly unsaid: readonly { readonly table: string; readonly what: string; readonly why: string }[];
}

/** The file that was written, or its text when none was, and then what could not be expressed. */
export function importedChecksText({ path, text, checks, unsaid }: Imported, isDryRun: boolean): string {
  const file = path === undefined ? [] : isDryRun ? [`// ${path}\n${text}`] : [`wrote ${path}`];
  const count = `${checks} ${checks === 1 ? "check" : "checks"}`;
  const left = unsaid.map(({ table, what, why }) => `  ${table}: ${what}: ${why}`);
  return [...file, unsaid.length === 0 ? `${count}.` : `${count}. Not expressed:`, ...left].join("\n");
}
