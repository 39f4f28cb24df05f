import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { generate } from "../../src/app/generate.js";
import { openProject } from "../../src/app/project.js";
import { Redactor } from "../../src/core/redactor.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

test("generated/ is what the reference warehouses' models say, file by file", async () => {
  const project = await openProject({ cwd: root, redactor: new Redactor(), variables: {} });
  try {
    const made = await generate(project, { check: true });
    expect(made.map(({ warehouse }) => warehouse)).toEqual(await readdir(`${root}/models`));
    expect(made.every(({ unchanged }) => unchanged > 0)).toBe(true);
  } finally {
    await project.close();
  }
});
