import { Args } from "@oclif/core";
import { SourceCommand, sourceFlags } from "../cli/source-command.js";

export default class Inspect extends SourceCommand<typeof Inspect> {
  static override summary = "Explain a source: its schema, partitions, snapshots, files, and what dw would read of it.";
  static override examples = ["<%= config.bin %> inspect iceberg:exports/orders", "<%= config.bin %> inspect paimon:exports/ods --json"];
  static override args = { source: Args.string({ required: true, description: "NAME:REST" }) };
  static override flags = { ...sourceFlags };

  override async run(): Promise<void> {
    const { inspectionText } = await import("../present/inspection.js");
    const inspection = await (await this.openSource(this.args.source)).inspect();
    await this.answer(inspection, () => inspectionText(inspection));
  }
}
