import * as Flags from "@oclif/core/flags";
import { DwCommand } from "../cli/base-command.js";

const formats = ["table", "sql", "markdown", "json"] as const;

export default class Diff extends DwCommand<typeof Diff> {
  static override summary = "Show what changes between models, migrations, git revisions and environments.";
  static override description =
    "A revision is models, migrations, git:REF (reads the committed generated/catalog.json and runs no code), env:NAME (looks at the live objects) or dir:PATH. Markdown is made for a pull-request comment: hazards first, then the changes, the SQL folded.";
  static override flags = {
    from: Flags.string({ summary: "Revision to start from.", default: "migrations", helpValue: "REVISION" }),
    to: Flags.string({ summary: "Revision to arrive at.", default: "models", helpValue: "REVISION" }),
    format: Flags.option({ options: formats })({ summary: "How to show it.", default: "table" }),
    "exit-code": Flags.boolean({ summary: "Exit 1 when there is a difference." }),
  };
  static override examples = [
    "<%= config.bin %> diff",
    "<%= config.bin %> diff --from git:origin/main --format markdown",
    "<%= config.bin %> diff --from env:prod --exit-code",
  ];

  override async run(): Promise<void> {
    const { diffProject } = await import("../app/diff-project.js");
    const { diffText } = await import("../present/plan.js");
    const { from, to, warehouse, env, cwd = "." } = this.flags;
    const reports = await diffProject(await this.project(), {
      from,
      to,
      cwd,
      ...(warehouse !== undefined && { warehouse }),
      ...(env !== undefined && { environment: env }),
    });
    const format = this.flags.format === "json" ? "table" : this.flags.format;
    await this.answer({ diffs: reports }, () => reports.map((report) => diffText(report, format, this.style)).join("\n"));
    if (this.flags["exit-code"] && reports.some((report) => report.changes.length > 0)) this.outcome("found");
  }
}
