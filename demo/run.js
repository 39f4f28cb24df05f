#!/usr/bin/env node
/*
 * The main job on one screen: a warehouse generated from models, history out of a real Iceberg and a real Paimon table,
 * reconciled and checked; embedded, without a server. Leaves the project in ./dw-demo for the README's tour.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const home = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(home, "dw-demo");
const mark = join(folder, ".made-by-the-demo");

/** Where the old lake's tables lie; written by Spark with Iceberg and by Paimon's Java API (test/fixtures/README.md). */
const legacy = {
  "iceberg/sensor_measurements": "test/fixtures/iceberg/i02_v2_days/table",
  "paimon/aqi_hourly": "test/fixtures/paimon/p19_large_pk/table",
};

const steps = [
  ["generate"],
  ["migrate", "new", "first"],
  ["migrate", "--quiet"],
  ["backfill", "sensor_history", "aqi_history", "--quiet"],
  ["check", "--layer", "dws"],
];

const started = Date.now();
if (existsSync(folder) && !existsSync(mark)) stop(`${folder} was not made by the demo; move it away first.`);
rmSync(folder, { recursive: true, force: true });
dw(home, ["init", folder, "--template", "ciapol", "--quiet"]);
writeFileSync(mark, "");
for (const [table, from] of Object.entries(legacy)) {
  const to = join(folder, "legacy", table);
  mkdirSync(dirname(to), { recursive: true });
  cpSync(join(home, from), to, { recursive: true });
}
linkDw();
for (const step of steps) dw(folder, step);
process.stdout.write(
  `\nDone in ${Math.round((Date.now() - started) / 1000)} s. The project is in dw-demo: cd dw-demo, and go on with the README's tour.\n`,
);

function dw(cwd, words) {
  process.stdout.write(`\n$ dw ${words.map((word) => (word === folder ? "dw-demo" : word)).join(" ")}\n`);
  const { status, stdout } = spawnSync(process.execPath, [join(home, "bin/run.js"), ...words], {
    cwd,
    stdio: ["ignore", "pipe", "inherit"],
    encoding: "utf8",
    env: { ...process.env, DW_ENV: "local" },
  });
  process.stdout.write(shortened(stdout));
  if (status !== 0) stop(`dw ${words[0]} ended with exit code ${status}.`);
}

/** What `npm install` would do in a project, so that `npx dw` and an editor find this package. */
function linkDw() {
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, ".bin"), { recursive: true });
  symlinkSync(home, join(modules, "dwright"), "junction");
  if (process.platform !== "win32") symlinkSync(join(home, "bin/run.js"), join(modules, ".bin/dw"));
}

/** One screen for all steps: of a long answer (the generated SQL) its beginning. */
function shortened(text) {
  const lines = text.trimEnd().split("\n");
  if (lines.length <= 12) return `${lines.join("\n")}\n`;
  return `${lines.slice(0, 4).join("\n")}\n  … ${lines.length - 4} more lines\n`;
}

function stop(why) {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}
