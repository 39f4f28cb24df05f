import * as Flags from "@oclif/core/flags";
import { MigrateCommand } from "../../cli/migrate-command.js";
import { approve, lockTimeout } from "../../cli/migrate-flags.js";

export default class Repair extends MigrateCommand<typeof Repair> {
  static override summary = "Decide what an interrupted run left, by looking at the engines; finish it or take it back.";
  static override description =
    "Without a flag nothing is executed. `--finish` does what `dw migrate up` would do for this one migration; `--undo` takes back what was done, where every statement has a way back, and the migration is pending as if it had never begun.";
  static override flags = {
    finish: Flags.boolean({ summary: "Execute what is open and mark the migration as applied.", exclusive: ["undo"] }),
    undo: Flags.boolean({ summary: "Take back what was done." }),
    "lock-timeout": lockTimeout,
    approve,
  };

  override async run(): Promise<void> {
    const { repair } = await import("../../app/migrate/run.js");
    const { repairText } = await import("../../present/migrations.js");
    const { finish, undo, "lock-timeout": timeout, approve: approved } = this.flags;
    const how = finish ? "finish" : undo ? "undo" : "look";
    const report = await repair(await this.liveRequest(), { lockTimeout: timeout, how, approve: approved });
    await this.answer(report, () => repairText(report));
  }
}
