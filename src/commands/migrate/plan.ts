import { MigrateCommand } from "../../cli/migrate-command.js";

export default class Plan extends MigrateCommand<typeof Plan> {
  static override summary = "Show the migration that `new` would write. Offline; writes nothing.";

  override async run(): Promise<void> {
    const { plan } = await import("../../app/migrate/run.js");
    const { changeText } = await import("../../present/migrations.js");
    const change = await plan(await this.offlineRequest());
    if (change === undefined) await this.answer({ plans: {}, hazards: [] }, "nothing to migrate: models and migrations agree");
    else await this.answer(change, () => changeText(change, this.style));
  }
}
