// Writes oclif.manifest.json, so that an installed `dw --help` loads no command. Run by prepack, after the build.
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Plugin } from "@oclif/core/config";

const root = fileURLToPath(new URL("..", import.meta.url));
const plugin = new Plugin({ root, ignoreManifest: true, errorOnManifestCreate: true, respectNoCacheDefault: true });
await plugin.load();
await writeFile(new URL("../oclif.manifest.json", import.meta.url), `${JSON.stringify(plugin.manifest)}\n`);
