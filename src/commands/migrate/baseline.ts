import { MigrateCommand } from "../../cli/migrate-command.js";
import { lockTimeout, toMigration } from "../../cli/migrate-flags.js";

export default class Baseline extends MigrateCommand<typeof Baseline> {
  static override summary = "Adopt a warehouse that exists: mark migrations as applied whose objects are there already.";
  static override description = "Executes nothing. Refused when what is there differs in any way from what the migrations say.";
  static override flags = { to: toMigration, "lock-timeout": lockTimeout };

  override async run(): Promise<void> {
    const { adopt } = await import("../../app/migrate/run.js");
    const request = await this.liveRequest();
    const marked = await adopt(request, { to: this.flags.to, lockTimeout: this.flags["lock-timeout"] });
    const environment = request.environment.name;
    const list = marked.map((id) => `  ${id}\n`).join("");
    await this.answer({ environment, marked }, `${list}${environment}: ${marked.length} marked as applied`);
  }
}
