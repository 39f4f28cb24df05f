// Are the types right for every way in which the package can be imported? The tarball is packed without running scripts.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "dw-pack-"));
try {
  const packed = execFileSync("npm", ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder], { encoding: "utf8" });
  const tarball = join(folder, packed.trim().split("\n").at(-1) ?? "");
  execFileSync("npx", ["attw", tarball, "--profile", "esm-only", "--format", "ascii"], { encoding: "utf8" });
} catch (error) {
  process.stderr.write(`${error.stdout ?? ""}\n`);
  throw error;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
