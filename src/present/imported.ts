interface Imported {
  readonly warehouse: string;
  /** False where the models are only read from: nothing makes them again. */
  readonly isProved: boolean;
  readonly files: readonly { readonly path: string; readonly text: string }[];
  readonly unsaid: readonly { readonly name: string; readonly what: string }[];
}

/** The files that were written, or their text when none was, and then what no model says. */
export function importText({ files, unsaid, warehouse, isProved }: Imported, isDryRun: boolean): string {
  const listed = isDryRun ? files.map(({ path, text }) => `// ${path}\n${text}`) : files.map(({ path }) => `wrote ${path}`);
  const missing = unsaid.map(({ name, what }) => `  ${name}: ${what}`);
  const count = `${files.length} ${files.length === 1 ? "model" : "models"} of warehouse ${warehouse}`;
  const verdict =
    unsaid.length === 0
      ? `${count}${isProved ? "; what they make has no difference to what is there" : ""}.`
      : `${count}. Not said by them:\n${missing.join("\n")}`;
  return [...listed, "", verdict].join("\n");
}
