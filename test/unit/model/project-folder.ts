import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { onTestFinished } from "vitest";

/** A project of these files in a folder that is gone after the test; with a plain dw.config.ts when none is given. */
export async function projectFolder(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), "dw-project-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  const all = { "dw.config.ts": plainConfig, ...files };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

const plainConfig = `import { defineConfig } from "dwright";
export default defineConfig({ environments: { local: { embedded: ".dw/local" } } });
`;

/** The text of a small table model; `body` is added to its definition. */
export function tableFile(name: string, body = ""): string {
  return `import { defineTable, t } from "dwright";

export default defineTable(${JSON.stringify(name)}, {
  layer: "dws",
  grain: "one row per shop",
  columns: { shop_id: t.bigint("the shop"), paid: t.decimal(18, 4, "settled orders only") },
  ${body}
  on: { postgres: {} },
});
`;
}
