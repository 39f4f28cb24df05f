/*
 * Completes package-lock.json after `npm install` behind a registry mirror that lacks other platforms' binary packages: npm
 * leaves them out of the lock file, and `npm ci` then refuses it everywhere. The entries carry version, os, cpu and libc, as
 * npm would write them; the integrity is what only the full registry knows. Run: node scripts/complete-lock.js
 */
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(file, "utf8"));

const systems = ["darwin", "linux", "win32", "android", "freebsd", "openbsd", "netbsd", "sunos", "aix", "openharmony"];
const processors = ["x64", "arm64", "arm", "ia32", "s390x", "riscv64", "ppc64", "loong64", "mips64el", "wasm32"];

/** What a platform package's name says: `@rollup/rollup-linux-arm-musleabihf`. */
function platform(name) {
  const words = name.split(/[-/.]/);
  const os = systems.find((system) => words.includes(system));
  const cpu = processors.find((processor) => words.includes(processor));
  const musl = words.some((word) => word.startsWith("musl"));
  const gnu = words.some((word) => word.startsWith("gnu"));
  const libc = os === "linux" && (musl || gnu) ? [musl ? "musl" : "glibc"] : undefined;
  return { ...(os && { os: [os] }), ...(cpu && { cpu: [cpu] }), ...(libc && { libc }) };
}

let added = 0;
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const here = `${path === "" ? "" : `${path}/`}node_modules/${name}`;
    const top = `node_modules/${name}`;
    if (lock.packages[here] || lock.packages[top] || !/^\d/.test(version)) continue;
    lock.packages[top] = { version, ...platform(name), ...(entry.dev && { dev: true }), optional: true };
    added++;
  }
}
const sorted = Object.keys(lock.packages).sort();
lock.packages = Object.fromEntries(sorted.map((path) => [path, lock.packages[path]]));
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
process.stdout.write(`${added} platform packages added to package-lock.json\n`);
