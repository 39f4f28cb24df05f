import * as Flags from "@oclif/core/flags";
import { DwCommand } from "../cli/base-command.js";

export default class Lint extends DwCommand<typeof Lint> {
  static override summary = "Say which models, or which statements of SQL files, an engine would refuse.";
  static override description =
    "Without a server: the engine's own rules, by version and run mode, each with a code, a reason and what to write instead. In a file each statement is judged after the ones before it, beginning with an empty database; SQL files are StarRocks's. Findings marked unproven depend on what dw cannot know. Without words all models are linted. Exits 1 when something would be refused.";
  static override strict = false;
  static override usage = "lint [MODEL… | FILE.sql…]";
  static override flags = {
    engine: Flags.string({ summary: "Engine, its version and its run mode.", helpValue: "ENGINE@VERSION[/shared-data]" }),
    backends: Flags.integer({ summary: "How many backends the cluster has; they bound the number of replicas.", min: 1, helpValue: "N" }),
  };
  static override examples = [
    "<%= config.bin %> lint",
    "<%= config.bin %> lint --engine starrocks@3.5/shared-data",
    "<%= config.bin %> lint ddl/orders.sql --engine starrocks@4.0 --backends 3 --json",
  ];

  override async run(): Promise<void> {
    const { lint } = await import("../app/lint.js");
    const { lintText } = await import("../present/linted.js");
    const { engine, backends, warehouse, cwd = process.cwd() } = this.flags;
    const linted = await lint(
      {
        words: this.words,
        cwd,
        now: new Date(),
        ...(engine !== undefined && { engine }),
        ...(backends !== undefined && { backends }),
        ...(warehouse !== undefined && { warehouse }),
      },
      () => this.project(),
    );
    await this.answer(linted, () => lintText(linted));
    if (linted.some(({ ok }) => !ok)) this.outcome("found");
  }
}
