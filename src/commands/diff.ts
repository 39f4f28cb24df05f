import * as Flags from "@oclif/core/flags";
import type { DiffReport } from "../app/diff.js";
import { DwCommand } from "../cli/base-command.js";

const formats = ["table", "sql", "markdown", "json"] as const;

export default class Diff extends DwCommand<typeof Diff> {
  static override summary = "Show what changes between models, migrations, git revisions and environments.";
  static override description =
    "A revision is models, migrations, git:REF (reads the committed generated/catalog.json and runs no code), env:NAME (looks at the live objects), dir:PATH or ddl:FILE (CREATE statements in the SQL of --engine; two such files need no project). Markdown is made for a pull-request comment: hazards first, then the changes, the SQL folded.";
  static override flags = {
    from: Flags.string({ summary: "Revision to start from.", default: "migrations", helpValue: "REVISION" }),
    to: Flags.string({ summary: "Revision to arrive at.", default: "models", helpValue: "REVISION" }),
    engine: Flags.string({ summary: "Whose SQL files of ddl: are: starrocks.", helpValue: "NAME" }),
    intent: Flags.string({ summary: "File with the renames between two files of ddl:, as in intent.yaml.", helpValue: "FILE" }),
    format: Flags.option({ options: formats })({ summary: "How to show it.", default: "table" }),
    "exit-code": Flags.boolean({ summary: "Exit 1 when there is a difference." }),
  };
  static override examples = [
    "<%= config.bin %> diff",
    "<%= config.bin %> diff --from git:origin/main --format markdown",
    "<%= config.bin %> diff --from env:prod --exit-code",
    "<%= config.bin %> diff --from ddl:before.sql --to ddl:after.sql --engine starrocks --format sql",
  ];

  override async run(): Promise<void> {
    const { diffText } = await import("../present/plan.js");
    const reports = await this.reports();
    const format = this.flags.format === "json" ? "table" : this.flags.format;
    await this.answer({ diffs: reports }, () => reports.map((report) => diffText(report, format, this.style)).join("\n"));
    if (this.flags["exit-code"] && reports.some((report) => report.changes.length > 0)) this.outcome("found");
  }

  private async reports(): Promise<readonly DiffReport[]> {
    const { parseRevision } = await import("../app/diff.js");
    const { from, to, warehouse, engine, intent, env, cwd = "." } = this.flags;
    const request = { from, to, cwd, ...(warehouse !== undefined && { warehouse }), ...(engine !== undefined && { engine }) };
    const [before, after] = [parseRevision(from), parseRevision(to)];
    if (before.kind === "ddl" && after.kind === "ddl") {
      const { diffDdl } = await import("../app/diff-ddl.js");
      return [await diffDdl({ ...request, ...(intent !== undefined && { intent }) }, before, after)];
    }
    const { diffProject } = await import("../app/diff-project.js");
    return diffProject(await this.project(), { ...request, ...(env !== undefined && { environment: env }) });
  }
}
