import { MigrateCommand } from "../../cli/migrate-command.js";

export default class Rehash extends MigrateCommand<typeof Rehash> {
  static override summary = "Accept an edit by hand: record the migrations' files as they are now.";
  static override description = "A migration that some environment has applied stays refused there when its files have changed.";

  override async run(): Promise<void> {
    const { rehash } = await import("../../app/migrate/run.js");
    const ids = await rehash(await this.offlineRequest());
    await this.answer({ migrations: ids }, `${ids.length} migrations recorded in sum`);
  }
}
