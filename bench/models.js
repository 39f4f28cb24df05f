import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";

/*
 * 1,000 model files: `dw lint` and `dw generate`, whole commands, with an empty cache and with a filled one. The peer is Node
 * itself, importing the same files with their types stripped by hand: what no tool that runs models can be faster than.
 *
 *   node bench/models.js [COUNT]      (after `npm run build`)
 */

const COUNT = Number(process.argv[2] ?? 1000);
const ROOT = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "dw-bench-models-"));

const ENGINES = [
  (n) => `starrocks: { table: "duplicate", partitionBy: month("day"), distributeBy: hash(["id"], ${(n % 16) + 1}), replication: 1 }`,
  () => `timescale: { timeColumn: "day", chunkInterval: "7 days", retention: "90 days" }`,
  () => `postgres: { indexes: [{ columns: ["id"] }] }`,
];

function modelText(n) {
  const columns = Array.from(
    { length: 12 },
    (_, index) => `    value_${index}: t.decimal(18, 4, "amount ${index} of event ${n}").nullable(),`,
  ).join("\n");
  return `import { defineTable, hash, month, t } from "dwright";

export default defineTable("event_${n}", {
  layer: "ods",
  grain: "one row per event",
  columns: {
    id: t.bigint("natural key"),
    day: t.instant("when it happened"),
    note: t.text("what was said").nullable(),
${columns}
  },
  key: ["id", "day"],
  fresh: { column: "day", within: "26h" },
  on: { ${ENGINES[n % ENGINES.length](n)} },
});
`;
}

const timed = (label, command, args) => {
  const start = performance.now();
  const run = spawnSync(command, args, { cwd: folder, encoding: "utf8", maxBuffer: 1 << 28 });
  if (run.status !== 0) throw new Error(`${label}: ${run.stderr || run.stdout}`);
  return (performance.now() - start) / 1000;
};

try {
  mkdirSync(join(folder, "models", "shop", "ods"), { recursive: true });
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(ROOT, join(folder, "node_modules", "dwright"));
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }\n');
  writeFileSync(
    join(folder, "dw.config.ts"),
    'import { defineConfig } from "dwright";\n\nexport default defineConfig({ environments: { local: { embedded: ".dw/local" } } });\n',
  );
  for (let n = 0; n < COUNT; n++) writeFileSync(join(folder, "models", "shop", "ods", `event_${n}.ts`), modelText(n));

  // The same modules without TypeScript (they use none of its syntax), imported by Node in one process.
  cpSync(join(folder, "models"), join(folder, "plain"), { recursive: true });
  const names = Array.from({ length: COUNT }, (_, n) => `event_${n}`);
  for (const [n, name] of names.entries()) writeFileSync(join(folder, "plain", "shop", "ods", `${name}.mjs`), modelText(n));
  writeFileSync(
    join(folder, "plain.mjs"),
    `await Promise.all(${JSON.stringify(names)}.map((name) => import("./plain/shop/ods/" + name + ".mjs")));\n`,
  );

  const dw = join(ROOT, "bin", "run.js");
  const cold = timed("lint, cold", "node", [dw, "lint", "--quiet"]);
  const warm = timed("lint, warm", "node", [dw, "lint", "--quiet"]);
  const generate = timed("generate, warm", "node", [dw, "generate", "--quiet"]);
  const again = timed("generate --check, warm", "node", [dw, "generate", "--check", "--quiet"]);
  const peer = timed("node import", "node", ["plain.mjs"]);
  const line = (label, seconds, limit) =>
    process.stdout.write(
      `${label.padEnd(24)} ${seconds.toFixed(2).padStart(6)} s   ${(seconds / peer).toFixed(1).padStart(5)} x node's import${limit === undefined ? "" : `   (wanted: under ${limit} s)`}\n`,
    );
  process.stdout.write(`${COUNT} models\n`);
  line("node import", peer);
  line("dw lint, cold", cold, 10);
  line("dw lint, warm", warm, 3);
  line("dw generate, warm", generate, 3);
  line("dw generate --check", again, 3);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
