import { Args } from "@oclif/core";
import * as Flags from "@oclif/core/flags";
import { DwCommand } from "../../cli/base-command.js";

/** In words of their own: a command loads no more than its flags before it runs. */
const tools = ["dbt", "soda"] as const;

export default class Import extends DwCommand<typeof Import> {
  static override summary = "Write checks of another tool's files.";
  static override description =
    "Tests of a dbt project's schema.yml, or checks of SodaCL, become checks of models that the warehouse has, in models/WAREHOUSE/checks/. What cannot be expressed is listed, and dw exits 1. A data contract (ODCS) is read by `dw import odcs:FILE`.";
  static override args = { file: Args.string({ required: true, description: "a YAML file" }) };
  static override flags = {
    from: Flags.option({ options: tools })({ required: true, summary: "Whose file it is." }),
    "dry-run": Flags.boolean({ summary: "Write nothing; show the file." }),
  };
  static override examples = ["<%= config.bin %> check import models/schema.yml --from dbt --warehouse shop"];

  override async run(): Promise<void> {
    const { importChecks } = await import("../../app/check/import/index.js");
    const { importedChecksText } = await import("../../present/outcomes/imported.js");
    const { from, "dry-run": dryRun, warehouse, cwd = process.cwd() } = this.flags;
    const project = await this.project();
    const only = await project.onlyWarehouse(warehouse);
    const report = await importChecks(project, { tool: from, file: this.args.file, cwd, warehouse: only, dryRun });
    await this.answer(report, () => importedChecksText(report, dryRun));
    if (report.unsaid.length > 0) this.outcome("found");
  }
}
