import { resolve } from "node:path";
import * as Flags from "@oclif/core/flags";
import { DwCommand } from "../cli/base-command.js";

export default class Generate extends DwCommand<typeof Generate> {
  static override summary = "Write the DDL, topics and catalog that the models say.";
  static override description =
    "Writes generated/<warehouse>/<engine>/, catalog.json, an index and the loss report: the same bytes for the same models, to be committed and reviewed. Files that an earlier run made and no model asks for any more are removed; other files are left alone.";
  static override flags = {
    engine: Flags.string({ summary: "Only this engine's objects.", helpValue: "NAME" }),
    model: Flags.string({ summary: "Only these models' objects.", helpValue: "GLOB" }),
    out: Flags.string({ summary: "Folder to write to; generated/ in the project when absent.", helpValue: "DIR" }),
    check: Flags.boolean({ summary: "Write nothing; exit 1 and list the files when they are not what the models say." }),
  };
  static override examples = [
    "<%= config.bin %> generate",
    "<%= config.bin %> generate --check",
    "<%= config.bin %> generate --engine starrocks",
  ];

  override async run(): Promise<void> {
    const { generate } = await import("../app/generate.js");
    const { generatedText } = await import("../present/generated.js");
    const { engine, model, out, check, warehouse, cwd } = this.flags;
    const made = await generate(await this.project(), {
      check,
      ...(engine !== undefined && { engine }),
      ...(model !== undefined && { model }),
      ...(warehouse !== undefined && { warehouse }),
      ...(out !== undefined && { out: resolve(cwd ?? ".", out) }),
    });
    await this.answer({ warehouses: made }, generatedText(made, check));
  }
}
