import * as Flags from "@oclif/core/flags";
import { MigrateCommand } from "../../cli/migrate-command.js";
import { acting, approve, lockTimeout, toMigration } from "../../cli/migrate-flags.js";

export default class Migrate extends MigrateCommand<typeof Migrate> {
  static override aliases = ["migrate:up"];
  static override summary = "Apply pending migrations to an environment: what schedulers call.";
  static override description =
    "Takes the lock, proves the history on disk, compares the touched objects with what the plan starts from, stops at hazards that nobody approved, executes with a journal entry a statement, and compares again. A run that was killed is continued by the next one; a run with nothing to do changes nothing.";
  static override flags = {
    "dry-run": Flags.boolean({ summary: "Show what would be executed, after the same examination; take no lock, change nothing." }),
    to: toMigration,
    "lock-timeout": lockTimeout,
    approve,
  };
  static override examples = ["<%= config.bin %> migrate --env prod --lock-timeout 5min", "<%= config.bin %> migrate --env test --dry-run"];

  override async run(): Promise<void> {
    const { up } = await import("../../app/migrate/run.js");
    const { upText } = await import("../../present/migrations.js");
    const report = await up(await this.liveRequest(), acting(this.flags));
    await this.answer(report, () => upText(report, this.style));
    if (report.unapproved.length > 0) this.outcome("found");
  }
}
