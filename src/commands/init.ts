import { resolve } from "node:path";
import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { DwCommand } from "../cli/base-command.js";
import { templates } from "../present/project-files.js";

export default class Init extends DwCommand<typeof Init> {
  static override summary = "Make a new project that works: configuration, models, CI workflow.";
  static override args = { dir: Args.string({ description: "Folder to make it in; this one when absent." }) };
  static override flags = {
    template: Flags.option({ options: templates, default: "blank" as const })({
      summary: "What to begin with: a reference warehouse, or one example table.",
    }),
  };
  static override examples = ["<%= config.bin %> init air --template ciapol"];

  override async run(): Promise<void> {
    const { init } = await import("../app/init.js");
    const folder = resolve(this.flags.cwd ?? ".", this.args.dir ?? ".");
    const made = await init({ folder, template: this.flags.template });
    const list = made.files.map((file) => `  ${file}`).join("\n");
    await this.answer(made, `${made.folder} is a new dw project (${made.template}):\n${list}\n\nNext: npm install, then npx dw generate.`);
  }
}
