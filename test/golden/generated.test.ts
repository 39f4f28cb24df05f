import { readdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { generate } from "../../src/app/generate.js";
import { openProject } from "../../src/app/project.js";
import { resolveWarehouse } from "../../src/app/resolve.js";
import { catalogFor } from "../../src/core/catalog.js";
import { Redactor } from "../../src/core/redactor.js";
import { engines } from "../../src/engines/index.js";

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

test("the five reference warehouses break no rule of their engines, in production's values", async () => {
  const project = await openProject({ cwd: root, redactor: new Redactor(), variables: {} });
  const versions: Readonly<Record<string, string>> = { hive: "4.0", starrocks: "3.5", timescale: "2.23", postgres: "17", kafka: "4.0" };
  try {
    expect(await readdir(`${root}/models`)).toEqual(["ciapol", "flow360", "iot", "streampark", "weather"]);
    for (const warehouse of await project.someWarehouses(undefined)) {
      const { catalog } = resolveWarehouse(warehouse, await project.models(warehouse), engines);
      const { objects } = catalogFor(catalog, "prod");
      const findings = [...engines.values()].flatMap((engine) => {
        const target = { engine: engine.name, version: versions[engine.name] ?? "1", mode: "shared-nothing", backends: 3 } as const;
        return engine.lint(
          objects.filter(({ slot }) => slot === engine.name),
          target,
        );
      });
      expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
    }
  } finally {
    await project.close();
  }
});
