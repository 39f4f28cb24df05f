import { MigrateCommand } from "../../cli/migrate-command.js";

export default class Verify extends MigrateCommand<typeof Verify> {
  static override summary = "Compare what applied migrations made with what is there; exit 1 when ours has drifted.";
  static override description = "Objects that dw did not make are listed as foreign: they are no drift, and dw never drops them.";

  override async run(): Promise<void> {
    const { verify } = await import("../../app/migrate/run.js");
    const { verifyText } = await import("../../present/migrations.js");
    const report = await verify(await this.liveRequest());
    await this.answer(report, () => verifyText(report));
    if (report.differences.length > 0) this.outcome("found");
  }
}
