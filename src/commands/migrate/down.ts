import * as Flags from "@oclif/core/flags";
import { MigrateCommand } from "../../cli/migrate-command.js";
import { acting, approve, lockTimeout, toMigration } from "../../cli/migrate-flags.js";

export default class Down extends MigrateCommand<typeof Down> {
  static override summary = "Take the newest migration back, or all after --to.";
  static override description = "What the way back destroys is a hazard like any other and needs its approval.";
  static override flags = {
    "dry-run": Flags.boolean({ summary: "Show what would be executed; change nothing." }),
    to: toMigration,
    "lock-timeout": lockTimeout,
    approve,
  };

  override async run(): Promise<void> {
    const { down } = await import("../../app/migrate/run.js");
    const { downText } = await import("../../present/migrations.js");
    const report = await down(await this.liveRequest(), acting(this.flags));
    await this.answer(report, () => downText(report, this.style));
    if (report.unapproved.length > 0) this.outcome("found");
  }
}
