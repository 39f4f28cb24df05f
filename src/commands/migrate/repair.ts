import { MigrateCommand } from "../../cli/migrate-command.js";
import { lockTimeout } from "../../cli/migrate-flags.js";

export default class Repair extends MigrateCommand<typeof Repair> {
  static override summary = "Decide what an interrupted run left, by looking at the engines; execute nothing.";
  static override description = "`dw migrate up` does the same before it goes on; this command is for looking first.";
  static override flags = { "lock-timeout": lockTimeout };

  override async run(): Promise<void> {
    const { repair } = await import("../../app/migrate/run.js");
    const { repairText } = await import("../../present/migrations.js");
    const report = await repair(await this.liveRequest(), { lockTimeout: this.flags["lock-timeout"] });
    await this.answer(report, () => repairText(report));
  }
}
