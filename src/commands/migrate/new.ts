import * as Args from "@oclif/core/args";
import { MigrateCommand } from "../../cli/migrate-command.js";

export default class New extends MigrateCommand<typeof New> {
  static override summary = "Write the migration that leads from the last one to the models. Offline.";
  static override description =
    "Hazards that need an approval are proposed as comments in intent.yaml; renames are stated there before. Commit what it wrote.";
  static override args = { name: Args.string({ required: true, description: "What changes, in a word or two: add_paid_column." }) };
  static override examples = ["<%= config.bin %> migrate new add_paid_column --warehouse ciapol"];

  override async run(): Promise<void> {
    const { make } = await import("../../app/migrate/run.js");
    const { changeText } = await import("../../present/migrations.js");
    const made = await make(await this.offlineRequest(), this.args.name);
    if (made === undefined) await this.answer({ id: null, plans: {}, hazards: [] }, "nothing to migrate: models and migrations agree");
    else await this.answer(made, () => `${changeText(made, this.style)}\n${made.id} is written`);
  }
}
