import { MigrateCommand } from "../../cli/migrate-command.js";

export default class Status extends MigrateCommand<typeof Status> {
  static override summary = "Say which migrations an environment has, which are pending and which a run left half done.";

  override async run(): Promise<void> {
    const { status } = await import("../../app/migrate/run.js");
    const { statusText } = await import("../../present/migrations.js");
    const request = await this.liveRequest();
    const { warehouse, migrations } = await status(request);
    const environment = request.environment.name;
    await this.answer({ environment, warehouse, migrations }, () => statusText(warehouse, environment, migrations));
  }
}
