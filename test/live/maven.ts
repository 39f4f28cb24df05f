import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** One artefact that a server's class path has, with all that it needs. */
export interface Artefact {
  readonly name: string;
  /** `group:artifact:version`, or with `!group:artifact` exclusions after blanks. */
  readonly coordinates: readonly string[];
}

/**
 * The folder of jars of a server, fetched once from Maven Central and kept in the temporary folder. Undefined when that cannot
 * be done here; the reason goes to stderr, so that a skipped test says why.
 */
export async function jars({ name, coordinates }: Artefact): Promise<string | undefined> {
  const pom = pomOf(coordinates);
  const home = join(tmpdir(), "dw-servers", `${name}-${createHash("sha256").update(pom).digest("hex").slice(0, 12)}`);
  const building = `${home}-${process.pid}`;
  try {
    await promisify(execFile)("java", ["-version"]);
    if (existsSync(home)) return join(home, "lib");
    await mkdir(building, { recursive: true });
    await writeFile(join(building, "pom.xml"), pom);
    const copy = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies";
    await promisify(execFile)("mvn", ["-B", "-q", copy, "-DoutputDirectory=lib", "-DincludeScope=runtime"], { cwd: building });
    await rename(building, home).catch((error: unknown) => {
      if (!existsSync(home)) throw error; // another test file was faster
    });
    return join(home, "lib");
  } catch (error) {
    process.stderr.write(`no ${name}: ${error instanceof Error ? error.message.slice(0, 300) : error}\n`);
    return undefined;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

function pomOf(coordinates: readonly string[]): string {
  const dependencies = coordinates.map((line) => {
    const [artefact = "", ...excluded] = line.split(/\s+/);
    const [group, artifact, version] = artefact.split(":");
    const exclusions = excluded.map((one) => {
      const [out, left] = one.replace("!", "").split(":");
      return `<exclusion><groupId>${out}</groupId><artifactId>${left}</artifactId></exclusion>`;
    });
    return `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version><exclusions>${exclusions.join("")}</exclusions></dependency>`;
  });
  return `<project><modelVersion>4.0.0</modelVersion><groupId>dw</groupId><artifactId>server</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependencies.join("\n")}
</dependencies></project>
`;
}
