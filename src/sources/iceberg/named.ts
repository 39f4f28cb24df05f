/** A SOURCE's path as the table's folder and, where it names a metadata file, that file below it. */
export function namedTable(path: string): { readonly root: string; readonly metadata?: string } {
  const [, root = "", folder = "", file = ""] = /^(.*?)([^/]*)\/([^/]+\.metadata\.json(?:\.gz)?)$/s.exec(path) ?? [];
  if (file === "" || folder === "") return { root: path };
  return { root: root === "" ? "." : root, metadata: `${folder}/${file}` };
}
