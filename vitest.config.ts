import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const report = process.env.DW_TEST_REPORT;

/** Projects by what a test needs: `unit` nothing, `cli` a build, `live` a real server, `faults` time. */
export default defineConfig({
  // models/ import the package by its name, as a user's models do
  resolve: { alias: { dwright: fileURLToPath(new URL("src/index.ts", import.meta.url)) } },
  test: {
    maxWorkers: 2, // of two cores: a test that waits for a server leaves one of them idle
    // .ci/run counts from this file
    ...(report && { reporters: ["default", "json"], outputFile: { json: report } }),
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/{unit,golden,corpus,types}/**/*.test.ts"],
          typecheck: { enabled: false },
          testTimeout: 30_000,
          hookTimeout: 60_000, // an embedded PostgreSQL starts in some
        },
      },
      { extends: true, test: { name: "cli", include: ["test/cli/**/*.test.ts"], testTimeout: 300_000 } },
      {
        extends: true,
        test: { name: "live", include: ["test/live/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 300_000 },
      },
      {
        extends: true,
        test: { name: "faults", include: ["test/faults/**/*.test.ts"], testTimeout: 900_000, hookTimeout: 300_000 },
      },
    ],
  },
});
